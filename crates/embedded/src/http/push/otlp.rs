//! OTLP over HTTP: log records as Loki takes them, and metrics as Mimir and Prometheus do.
//!
//! Answers are as the protocol has them: what is taken is answered with a message in protobuf, which
//! says also what of the batch was refused; and what is refused as a whole with a
//! `google.rpc.Status`.

mod limits;
mod logs;
mod metrics;
mod names;
mod value;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use prost::Message;

pub(super) use limits::limits;

use super::body::{Write, unsupported};
use super::proto::otlp::{ExportResponse, PartialSuccess, Status};
use super::{Refused, bad, beside};
use crate::Backend;
use crate::http::Shared;

pub(super) async fn logs(State(shared): State<Shared>, request: Request) -> Response {
    answer(take(shared, request, logs::store).await)
}

pub(super) async fn metrics(State(shared): State<Shared>, request: Request) -> Response {
    answer(take(shared, request, metrics::store).await)
}

/// What of a batch was not taken.
#[derive(Debug, Default)]
struct Rejected {
    /// Records or data points.
    count: usize,
    /// Why, for people.
    sentence: String,
}

/// Reads and decodes a batch, and stores what is in it.
async fn take<M: Message + Default + 'static>(
    Shared { backend, turns, .. }: Shared,
    request: Request,
    store: fn(&Backend, &str, M) -> Result<Rejected, Refused>,
) -> Result<Rejected, Refused> {
    let write = Write::read(request).await?;
    if !matches!(
        &*write.essence,
        "application/x-protobuf" | "application/protobuf"
    ) {
        return Err(unsupported("expected Content-Type: application/x-protobuf"));
    }
    let tenant = write.tenant.clone();
    let of = tenant.clone();
    let work = move || {
        let batch = M::decode(write.plain()?).map_err(bad)?;
        store(&backend, &tenant, batch)
    };
    beside(&turns, &of, work).await?
}

fn answer(taken: Result<Rejected, Refused>) -> Response {
    let (status, body) = match taken {
        Ok(rejected) => {
            let partial_success = (!rejected.sentence.is_empty()).then(|| PartialSuccess {
                rejected: i64::try_from(rejected.count).unwrap_or(i64::MAX),
                error_message: rejected.sentence,
            });
            let response = ExportResponse { partial_success };
            (StatusCode::OK, response.encode_to_vec())
        }
        Err((status, message)) => (retried(status), Status { message }.encode_to_vec()),
    };
    let kind = [(header::CONTENT_TYPE, "application/x-protobuf")];
    (status, kind, body).into_response()
}

/// The status by which senders do what they are to do: those of this protocol send again only what
/// was answered with one of a few. A full disk (507) is the gateway's to explain.
fn retried(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => StatusCode::SERVICE_UNAVAILABLE,
        other => other,
    }
}
