//! What the gateway says of itself: an `OpenAPI` 3.1 document, made from the route table, the kinds of
//! its parameters and the error table, so that it says what they do.
//!
//! It holds nothing of a tenant and nothing of the installation but the configured maximum of log
//! lines, and so everybody may read it.

mod operation;

mod parameter;

mod management;

mod refusal;

mod answer;

mod words;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Server,
};

use crate::routes;
use crate::stream::Body;

/// What the document calls the bearer token.
const TOKEN: &str = "token";

/// The document as it is served: made once, its bytes shared by all answers.
pub(crate) struct Document {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Document {
    /// Makes the document of a gateway that lets a request ask for `most_lines` log lines.
    pub(crate) fn new(most_lines: u32) -> Result<Self, serde_json::Error> {
        let bytes = Bytes::from(serde_json::to_vec(&describe(most_lines))?);
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish()));
        Ok(Self {
            bytes,
            etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
        })
    }

    /// Answers with the document, or with 304 to who has it already.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::Own(Full::default()));
        if self.is_held(headers) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.body_mut() = Body::Own(Full::new(self.bytes.clone()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        let headers = response.headers_mut();
        headers.insert(ETAG, self.etag.clone());
        // To be kept by anyone, and asked about each time: the next version may say otherwise.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
        response
    }

    /// Whether the caller holds this document, by the weak comparison of RFC 9110, section 13.1.2.
    fn is_held(&self, headers: &HeaderMap) -> bool {
        let held = headers.get_all(IF_NONE_MATCH).iter();
        let mut held = held.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        held.any(|tag| {
            let tag = tag.trim_ascii();
            let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
            tag == b"*" || tag == self.etag.as_bytes()
        })
    }
}

/// The description of a gateway that lets a request ask for `most_lines` log lines.
#[must_use]
pub fn describe(most_lines: u32) -> OpenApi {
    let mut items: BTreeMap<String, PathItem> = BTreeMap::new();
    for route in routes::all() {
        for (mount, path) in route.paths() {
            let item = operation::item(route, mount, most_lines);
            items.entry(path).or_default().merge_operations(item);
        }
    }
    let paths = items.into_iter().fold(PathsBuilder::new(), |paths, item| {
        let (path, item) = item;
        paths.path(path, item)
    });
    let components = ComponentsBuilder::new()
        .security_scheme(TOKEN, bearer())
        .responses_from_iter(refusal::components())
        .schemas_from_iter(answer::schemas())
        .schemas_from_iter(management::schemas());
    let tags = words::TAGS.iter().map(|(name, description)| {
        let tag = TagBuilder::new().name(*name);
        tag.description(Some(*description)).build()
    });
    let info = InfoBuilder::new()
        .title("KtrlPlane Observability")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(words::INTRODUCTION))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache License 2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn bearer() -> SecurityScheme {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "An access token of the configured OpenID Connect issuer, for the configured audience.",
        ));
    SecurityScheme::Http(scheme.build())
}

#[cfg(test)]
mod tests;
