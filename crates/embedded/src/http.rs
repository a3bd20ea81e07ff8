//! Loki's and Prometheus's HTTP APIs.

pub mod credentials;
mod json;
mod loki;
mod params;
mod places;
mod prometheus;
mod push;
mod room;
mod times;
mod work;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};

use crate::Backend;
use credentials::Credentials;
use places::Places;

/// What every handler needs.
#[derive(Clone)]
struct Shared {
    backend: Backend,
    /// Where queries run.
    places: Arc<Places>,
    /// The writes that are worked on.
    turns: Arc<push::Turns>,
}

pub(crate) fn router(backend: Backend, credentials: Option<Credentials>) -> Router {
    let places = Places::new(&backend.limits);
    let router = Router::new()
        .merge(loki::routes())
        .merge(prometheus::routes())
        .merge(push::routes())
        .route("/ready", get(ready))
        .route("/-/ready", get(ready))
        .with_state(Shared {
            backend,
            places,
            turns: Arc::default(),
        });
    // Outermost, so that without credentials not even a path can be told from another.
    match credentials {
        Some(credentials) => router
            .fallback(not_found)
            .layer(middleware::from_fn_with_state(
                credentials,
                demand_credentials,
            )),
        None => router.fallback(not_found),
    }
}

async fn demand_credentials(
    State(credentials): State<Credentials>,
    request: Request,
    next: Next,
) -> Response {
    if credentials.are_in(request.headers()) {
        return next.run(request).await;
    }
    // Whoever is still sending when the connection closes may never see the answer.
    push::body::drain(request.into_body()).await;
    (
        StatusCode::UNAUTHORIZED,
        [(header::WWW_AUTHENTICATE, r#"Basic realm="embedded""#)],
        "unauthorized\n",
    )
        .into_response()
}

async fn ready() -> &'static str {
    "ready\n"
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The one tenant that a request is for. Loki and Mimir answer a request without one with 401;
/// several at a time (`a|b`) are not served here.
fn tenant(headers: &HeaderMap) -> Result<String, (StatusCode, String)> {
    let mut values = headers.get_all("x-scope-orgid").iter();
    let (first, more) = (values.next(), values.next());
    if more.is_some() {
        return Err((
            StatusCode::BAD_REQUEST,
            "X-Scope-OrgID is given more than once".to_owned(),
        ));
    }
    let tenant = first
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| (StatusCode::BAD_REQUEST, "invalid org id".to_owned()))?
        .unwrap_or_default();
    if tenant.is_empty() {
        return Err((StatusCode::UNAUTHORIZED, "no org id".to_owned()));
    }
    if tenant.contains('|') {
        return Err((
            StatusCode::BAD_REQUEST,
            "multiple org IDs present".to_owned(),
        ));
    }
    Ok(tenant.to_owned())
}

#[cfg(test)]
mod tests;
