//! Writes: Loki's push API, Prometheus' remote write 1.0 and 2.0, and OTLP over HTTP. Each in
//! protobuf, which is what the gateway sends on; another form is a 415.

pub(super) mod body;

pub(super) mod proto;

mod budget;

mod loki;
mod native;
mod otlp;
mod remote_write;

mod turns;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode};

use super::Shared;
use super::loki::Refusal;
use crate::store::PushError;
use body::Write;
pub(super) use turns::Turns;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/loki/api/v1/push", post(push))
        // Mimir's path, and Prometheus's.
        .route("/api/v1/push", post(write))
        .route("/prometheus/api/v1/write", post(write))
        .route("/otlp/v1/logs", post(otlp::logs))
        .route("/otlp/v1/metrics", post(otlp::metrics))
        .route("/config/tenant/v1/limits", get(otlp::limits))
}

/// Why a write is not taken: a status and a sentence.
type Refused = (StatusCode, String);

async fn push(
    State(Shared { backend, turns, .. }): State<Shared>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let write = Write::read(request).await?;
    let tenant = write.tenant.clone();
    beside(&turns, &tenant, move || loki::store(&backend, &write)).await??;
    Ok(StatusCode::NO_CONTENT)
}

async fn write(
    State(Shared { backend, turns, .. }): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let write = Write::read(request).await?;
    let tenant = write.tenant.clone();
    let outcome = beside(&turns, &tenant, move || {
        remote_write::store(&backend, &write)
    })
    .await?;
    let result = outcome.result.map_err(Refusal::from);
    let mut response = result.map_or_else(Refusal::into_response, |()| {
        StatusCode::NO_CONTENT.into_response()
    });
    // Without these, senders of 2.0 take it that nothing was stored.
    if let Some(stored) = outcome.stored {
        let headers = response.headers_mut();
        for (name, count) in [
            ("x-prometheus-remote-write-samples-written", stored.samples),
            (
                "x-prometheus-remote-write-exemplars-written",
                stored.exemplars,
            ),
            (
                "x-prometheus-remote-write-histograms-written",
                stored.histograms,
            ),
        ] {
            headers.insert(name, HeaderValue::from(count));
        }
    }
    Ok(response)
}

/// Does the work away from the requests of others, when it is the tenant's turn.
async fn beside<T: Send + 'static>(
    turns: &Turns,
    tenant: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refused> {
    let turn = turns.take(tenant).await?;
    let work = move || {
        let done = work();
        // When the work ends, and not when the sender went.
        drop(turn);
        done
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a write broke off");
        let sentence = "internal error".to_owned();
        (StatusCode::INTERNAL_SERVER_ERROR, sentence)
    })
}

#[allow(clippy::needless_pass_by_value, reason = "it goes into map_err")]
fn bad(sentence: impl ToString) -> Refused {
    (StatusCode::BAD_REQUEST, sentence.to_string())
}

#[allow(clippy::needless_pass_by_value, reason = "it goes into map_err")]
fn pushed(error: PushError) -> Refused {
    let status = match &error {
        PushError::TooManyStreams(_) | PushError::TooManyLabels(_) | PushError::NoRoomForLabels => {
            StatusCode::TOO_MANY_REQUESTS
        }
        PushError::NoLabels
        | PushError::EmptyLabelName
        | PushError::DuplicateLabel(_)
        | PushError::NoMetricName(_)
        | PushError::BadHistogram(_)
        | PushError::DuplicateSample { .. }
        | PushError::TooOld { .. }
        | PushError::TooNew { .. }
        | PushError::BadTenant(_) => StatusCode::BAD_REQUEST,
        PushError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        // Senders keep what they have and try again.
        PushError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        PushError::Unwritable => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.to_string())
}
