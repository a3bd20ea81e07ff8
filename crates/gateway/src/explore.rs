//! The Explore page, and the little that it has to be told.
//!
//! The page has no door of its own: it signs people in at the issuer and then asks the API as any
//! client does. What is served here is the same for everybody.

pub(crate) mod settings;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use url::Url;

use crate::error::Error;
use crate::routes::Part;
use crate::settings::IssuerSettings;
use crate::stream::Body;
use settings::{ExploreSettings, PageFile};

const INDEX: &str = "index.html";

/// Between the page and its opener, and between its files and other sites, there is nothing.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What stands in the place of a page that was not built into this binary.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Explore was not built</title>\
<h1>Explore was not built into this server</h1>\
<p>The page is built by Node.js 20 or later, before the server is:</p>\
<pre>cd web\nnpm ci\nnpm run build\ncd ..\ncargo build --package ktrlplane</pre>\
<p><code>make demo</code> does all of it where Node.js is there. The API needs none of it.</p></html>";

/// The page as it is served: `None` where it is switched off.
pub(crate) struct Explore(Option<Page>);

struct Page {
    files: &'static [PageFile],
    config: Bytes,
    policy: HeaderValue,
}

/// What the page is told.
#[derive(Serialize)]
struct Config<'a> {
    issuer: &'a str,
    client_id: &'a str,
    audience: &'a str,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    users: Vec<User>,
    version: &'static str,
}

#[derive(Serialize)]
struct User {
    name: &'static str,
    description: &'static str,
}

impl Explore {
    /// Makes the page for tokens of `issuer`.
    pub(crate) fn new(
        settings: Option<&ExploreSettings>,
        issuer: &IssuerSettings,
    ) -> Result<Self, serde_json::Error> {
        let Some(settings) = settings else {
            return Ok(Self(None));
        };
        let users = settings.users.iter().map(|user| User {
            name: user.name,
            description: user.description,
        });
        let config = serde_json::to_vec(&Config {
            issuer: &issuer.issuer,
            client_id: &settings.client_id,
            audience: &issuer.audience,
            scopes: &settings.scopes,
            contact: settings.contact.as_deref(),
            users: users.collect(),
            version: env!("CARGO_PKG_VERSION"),
        })?;
        Ok(Self(Some(Page {
            files: settings.files,
            config: config.into(),
            policy: policy(&issuer.issuer),
        })))
    }

    /// Answers with a part of the page; `file` is the name in the path.
    pub(crate) fn answer(
        &self,
        part: Part,
        file: &str,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Error> {
        let page = self.0.as_ref().ok_or(Error::UnknownPath)?;
        let mut response = match part {
            Part::Door => Page::door(),
            Part::Page => page.index(headers),
            Part::Config => page.config(),
            Part::File => page.asset(file, headers).ok_or(Error::UnknownPath)?,
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, page.policy.clone());
        for (name, value) in [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (OPENER_POLICY, "same-origin"),
            (RESOURCE_POLICY, "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

impl Page {
    /// To the page. Relative, since a proxy in front may have put a path before this one.
    fn door() -> Response<Body> {
        let mut response = Response::new(Body::Own(Full::default()));
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        let headers = response.headers_mut();
        headers.insert(LOCATION, HeaderValue::from_static("explore/"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    fn index(&self, headers: &HeaderMap) -> Response<Body> {
        let index = self.files.iter().find(|file| file.name == INDEX);
        let mut response = match index {
            Some(file) => of_file(file, headers),
            None => of_bytes(Bytes::from_static(NOT_BUILT.as_bytes()), INDEX),
        };
        let cache = HeaderValue::from_static("no-cache");
        response.headers_mut().insert(CACHE_CONTROL, cache);
        response
    }

    fn config(&self) -> Response<Body> {
        let mut response = of_bytes(self.config.clone(), "config.json");
        let cache = HeaderValue::from_static("no-cache");
        response.headers_mut().insert(CACHE_CONTROL, cache);
        response
    }

    fn asset(&self, name: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        let mut files = self.files.iter().filter(|file| file.name != INDEX);
        let mut response = of_file(files.find(|file| file.name == name)?, headers);
        // Another content has another name.
        let cache = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(CACHE_CONTROL, cache);
        Some(response)
    }
}

fn of_file(file: &PageFile, headers: &HeaderMap) -> Response<Body> {
    let (encoding, bytes) = match (file.brotli, file.gzip) {
        (Some(brotli), _) if accepts(headers, "br") => (Some("br"), brotli),
        (_, Some(gzip)) if accepts(headers, "gzip") => (Some("gzip"), gzip),
        _ => (None, file.plain),
    };
    let mut response = of_bytes(Bytes::from_static(bytes), file.name);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn of_bytes(bytes: Bytes, name: &str) -> Response<Body> {
    let mut response = Response::new(Body::Own(Full::new(bytes)));
    let kind = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Whether the caller names this encoding and does not refuse it (RFC 9110, section 12.5.3). What `*`
/// would permit is not used: who wants less than the whole file says so.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut offers = values.flat_map(|value| value.split(','));
    offers.any(|offer| {
        let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::trim);
        let refused = weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

/// What the page may load and reach: its own files, the API beside it, and the issuer.
fn policy(issuer: &str) -> HeaderValue {
    // The origin of a URL that is one has nothing that ends a directive.
    let origin = Url::parse(issuer).map(|url| url.origin().ascii_serialization());
    let origin = origin.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let fallback = HeaderValue::from_static("default-src 'none'");
    HeaderValue::from_str(&policy).unwrap_or(fallback)
}

#[cfg(test)]
mod tests;
