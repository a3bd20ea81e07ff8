//! Codes and refresh tokens, for tokens (RFC 6749, sections 4.1.3 and 6), and back (RFC 7009).

use std::time::Duration;

use axum::Json;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::Site;
use crate::demo::identity::sign_in::CLIENT;
use crate::demo::world::User;

/// How long a token of the page is good: short, so that its renewal is seen to work.
const LIFETIME: Duration = Duration::from_mins(10);

/// A token request.
#[derive(Deserialize)]
pub(super) struct Asked {
    grant_type: Option<String>,
    client_id: Option<String>,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

/// Answers with tokens.
pub(super) async fn token(State(site): State<Site>, Form(asked): Form<Asked>) -> Response {
    if asked.client_id.as_deref() != Some(CLIENT) {
        return refusal("invalid_client");
    }
    let sign_in = &site.provider.sign_in;
    let now = site.clock.now();
    match asked.grant_type.as_deref() {
        Some("authorization_code") => {
            let verifier = asked.code_verifier.unwrap_or_default();
            let redirect_uri = asked.redirect_uri.unwrap_or_default();
            let code = asked.code.unwrap_or_default();
            match sign_in.redeem(&code, &verifier, &redirect_uri, now) {
                Some((grant, next)) => tokens(&site, grant.user, grant.nonce.as_deref(), &next),
                None => refusal("invalid_grant"),
            }
        }
        Some("refresh_token") => {
            match sign_in.refreshed(&asked.refresh_token.unwrap_or_default(), now) {
                Some((user, next)) => tokens(&site, user, None, &next),
                None => refusal("invalid_grant"),
            }
        }
        _ => refusal("unsupported_grant_type"),
    }
}

/// A token that is to be taken back (RFC 7009, section 2.1).
#[derive(Deserialize)]
pub(super) struct Revoked {
    client_id: Option<String>,
    token: Option<String>,
}

/// Takes a refresh token back, and all that came of the same code. What is none is as good as taken back;
/// an access token is checked by its signature alone, and ends by itself.
pub(super) async fn revoke(State(site): State<Site>, Form(asked): Form<Revoked>) -> Response {
    if asked.client_id.as_deref() != Some(CLIENT) {
        return refusal("invalid_client");
    }
    let Some(token) = asked.token else {
        return refusal("invalid_request");
    };
    // No other token of this issuer has a dot.
    if token.contains('.') {
        return refusal("unsupported_token_type");
    }
    site.provider.sign_in.revoke(&token, site.clock.now());
    StatusCode::OK.into_response()
}

fn tokens(site: &Site, user: &'static User, nonce: Option<&str>, refresh: &str) -> Response {
    let now = site.clock.now();
    let access = site.provider.token(user, now, LIFETIME);
    let id = site.provider.id_token(user, CLIENT, nonce, now, LIFETIME);
    let (Ok(access), Ok(id)) = (access, id) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    Json(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs(),
        "scope": "openid profile offline_access",
        "id_token": id,
        "refresh_token": refresh,
    }))
    .into_response()
}

fn refusal(error: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}
