//! Where the issuer's keys are found: OIDC Discovery 1.0 and a JWK set. There is no way
//! to log in: tokens come from the command line.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

/// The two documents.
pub(crate) fn router(issuer: &str, jwks: &Value) -> Router {
    let discovery = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks.json"),
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let jwks = jwks.clone();
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(async move || Json(discovery.clone())),
        )
        .route("/jwks.json", get(async move || Json(jwks.clone())))
}
