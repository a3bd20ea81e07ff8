//! Signing in and out: what a browser is sent to.

use axum::extract::{Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use serde::Deserialize;
use url::Url;

use super::Site;
use crate::demo::identity::sign_in::{CLIENT, Grant};
use crate::demo::world::{USERS, User};

/// The browser's cookie. Cookies know no ports, so its name is this demo's own; nobody else at this
/// address does anything with it.
const SESSION: &str = "ktrlplane_demo_session";

/// An authentication request (OIDC Core 1.0, section 3.1.2.1).
#[derive(Deserialize)]
pub(super) struct Asked {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    prompt: Option<String>,
    login_hint: Option<String>,
}

/// Answers with a code, with a choice of users, or with why not. What is wrong with the page's address
/// is told to the person and not to the address.
pub(super) async fn authorize(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let sign_in = &site.provider.sign_in;
    if asked.client_id.as_deref() != Some(CLIENT) {
        return refusal("no client is known by this client_id");
    }
    let redirect_uri = asked.redirect_uri.as_deref().unwrap_or_default();
    let (true, Ok(back)) = (sign_in.knows(redirect_uri), Url::parse(redirect_uri)) else {
        return refusal("the redirect_uri is not one of the Explore page's");
    };
    let back = Back {
        url: back,
        issuer: site.provider.issuer(),
        state: asked.state.as_deref(),
    };
    if asked.response_type.as_deref() != Some("code") {
        return back.with(&[("error", "unsupported_response_type")]);
    }
    let challenge = asked.code_challenge.clone().unwrap_or_default();
    let is_s256 = asked.code_challenge_method.as_deref() == Some("S256");
    // The base64url of 32 bytes is 43 characters long.
    if !is_s256 || challenge.len() != 43 {
        return back.with(&[
            ("error", "invalid_request"),
            ("error_description", "PKCE with S256 is required"),
        ]);
    }
    let now = site.clock.now();
    let hinted = asked.login_hint.as_deref();
    let hinted = hinted.and_then(|name| USERS.iter().find(|user| user.name == name));
    let known = session(&headers).and_then(|session| sign_in.known(session, now));
    let user: &'static User = match (asked.prompt.as_deref(), hinted, known) {
        (Some("none"), _, Some(known)) => known,
        (Some("none"), _, None) => return back.with(&[("error", "login_required")]),
        (_, Some(hinted), _) => hinted,
        (_, None, _) => return choice(&asked),
    };
    let grant = Grant {
        user,
        redirect_uri: redirect_uri.to_owned(),
        challenge,
        nonce: asked.nonce,
    };
    let mut response = back.with(&[("code", &sign_in.code(grant, now))]);
    // Who is asked for silently is who has a session, and it goes on: two tabs may ask at once.
    if asked.prompt.as_deref() != Some("none") {
        let session = sign_in.session(user, session(&headers), now);
        response.headers_mut().extend(cookie(&session, ""));
    }
    response
}

/// What a sign-out asks (OIDC RP-Initiated Logout 1.0).
#[derive(Deserialize)]
pub(super) struct SignOut {
    post_logout_redirect_uri: Option<String>,
}

/// Ends the browser's session and goes back to the page.
pub(super) async fn sign_out(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(asked): Query<SignOut>,
) -> Response {
    let sign_in = &site.provider.sign_in;
    let now = site.clock.now();
    if let Some(session) = session(&headers) {
        sign_in.forget(session, now);
    }
    let back = asked.post_logout_redirect_uri;
    let back = back.filter(|back| sign_in.knows(back));
    let mut response = match back {
        Some(back) => see(&back),
        None => {
            Html("<!doctype html><title>Signed out</title><p>You are signed out.").into_response()
        }
    };
    response.headers_mut().extend(cookie("", "; Max-Age=0"));
    response
}

/// The way back to the page.
struct Back<'a> {
    url: Url,
    issuer: &'a str,
    state: Option<&'a str>,
}

impl Back<'_> {
    /// Back with an answer. `iss` tells the page who answers (RFC 9207).
    fn with(mut self, answer: &[(&str, &str)]) -> Response {
        self.url
            .query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(self.state.map(|state| ("state", state)))
            .append_pair("iss", self.issuer);
        see(self.url.as_str())
    }
}

fn see(url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(url) = HeaderValue::from_str(url) {
        response.headers_mut().insert(LOCATION, url);
    }
    response
}

fn refusal(why: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, why).into_response()
}

fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut cookies = cookies
        .split("; ")
        .filter_map(|cookie| cookie.split_once('='));
    cookies.find_map(|(name, value)| (name == SESSION).then_some(value))
}

fn cookie(session: &str, more: &str) -> Option<(axum::http::HeaderName, HeaderValue)> {
    let cookie = format!("{SESSION}={session}; Path=/; HttpOnly; SameSite=Lax{more}");
    Some((SET_COOKIE, HeaderValue::from_str(&cookie).ok()?))
}

/// A page on which somebody is chosen: the same request again, with a hint.
fn choice(asked: &Asked) -> Response {
    let fields = [
        ("client_id", asked.client_id.as_deref()),
        ("redirect_uri", asked.redirect_uri.as_deref()),
        ("response_type", asked.response_type.as_deref()),
        ("code_challenge", asked.code_challenge.as_deref()),
        (
            "code_challenge_method",
            asked.code_challenge_method.as_deref(),
        ),
        ("state", asked.state.as_deref()),
        ("nonce", asked.nonce.as_deref()),
    ];
    let mut links = String::new();
    for user in &USERS {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                fields
                    .iter()
                    .filter_map(|(name, value)| Some((name, (*value)?))),
            )
            .append_pair("login_hint", user.name)
            .finish();
        // A serialized form has no character that HTML takes for its own but `&`.
        let query = query.replace('&', "&amp;");
        links.push_str("<li><a href=\"authorize?");
        links.push_str(&query);
        links.push_str("\">");
        links.push_str(user.full_name);
        links.push_str("</a></li>");
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Sign in to the demo</title>\
         <style>body{{font:1rem/1.5 system-ui;max-width:28rem;margin:15vh auto;padding:0 1rem}}\
         ul{{list-style:none;padding:0}}a{{display:block;padding:.6rem 1rem;margin:.4rem 0;\
         border:1px solid #8888;border-radius:.5rem;color:inherit;text-decoration:none}}\
         a:hover,a:focus{{border-color:#36c}}:root{{color-scheme:light dark}}</style>\
         <h1>Who are you?</h1><p>This is the demo's identity provider: choose anybody.</p>\
         <ul>{links}</ul></html>"
    );
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    );
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}
