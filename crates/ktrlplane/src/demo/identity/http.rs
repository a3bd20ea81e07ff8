//! The issuer over HTTP: OIDC Discovery 1.0, its keys, and the way to sign in: an authorization code
//! with PKCE (RFC 6749, section 4.1, and RFC 7636), S256 alone.

mod authorize;
mod token;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gateway::Clock;
use serde_json::json;

use super::IdentityProvider;

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) provider: Arc<IdentityProvider>,
    pub(super) clock: Arc<dyn Clock>,
}

/// All that the issuer answers.
pub(super) fn router(provider: Arc<IdentityProvider>, clock: Arc<dyn Clock>) -> Router {
    let issuer = provider.issuer();
    let discovery = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks.json"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "end_session_endpoint": format!("{issuer}/sign-out"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["openid", "profile", "offline_access"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_response_iss_parameter_supported": true,
    });
    let jwks = provider.key.jwks().clone();
    let site = Site { provider, clock };
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(async move || Json(discovery.clone())),
        )
        .route("/jwks.json", get(async move || Json(jwks.clone())))
        .route("/authorize", get(authorize::authorize))
        .route("/sign-out", get(authorize::sign_out))
        .route("/token", post(token::token))
        .route("/revoke", post(token::revoke))
        .layer(from_fn_with_state(site.clone(), for_the_page))
        .with_state(site)
}

/// What an answer may load, unless it says so itself: nothing, and nobody may frame it.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Lets the page read answers, and no other one (CORS); and browsers make no more of any than it is.
async fn for_the_page(State(site): State<Site>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let origin = origin.filter(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        site.provider.sign_in.is_page(origin)
    });
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let methods = HeaderValue::from_static("GET, POST");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let allowed = HeaderValue::from_static("content-type");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    response
}

#[cfg(test)]
mod tests;
