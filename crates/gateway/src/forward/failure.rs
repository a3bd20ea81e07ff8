//! What a backend's failure means to the caller.
//!
//! The words of a failure are the operator's: they name addresses, files and other parts of the
//! installation. A few of them say that the query itself is at fault, or takes too long; these are
//! known by what they begin with, and told in words of the gateway's own.

use std::time::Duration;

use http::header::CONTENT_ENCODING;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use tokio::time::timeout;

use super::line::Received;
use crate::error::{Error, Flaw};
use crate::routes::Backend;

/// The longest failure that is read, in bytes.
const MAX_LENGTH: usize = 16 << 10;

/// How long is waited for its body. It comes with the head, or it is none that is known here.
const PATIENCE: Duration = Duration::from_secs(1);

/// How Loki fails, with a 500, where the series on two sides of an operation do not match.
const UNMATCHED: [&str; 2] = [
    "multiple matches for labels: ",
    "found duplicate series on ",
];

/// And where `approx_topk` is asked for over a range.
const INSTANT_ONLY: &str = "count min sketches are only supported on instant queries";

/// Prometheus's and Mimir's shape of errors, and Loki's behind some proxies.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "errorType", default)]
    error_type: String,
    #[serde(alias = "message", default)]
    error: String,
}

/// What the caller is told of an answer whose status is 500 or above.
pub(super) async fn of(backend: Backend, answer: Response<Received>) -> Error {
    match answer.status() {
        StatusCode::GATEWAY_TIMEOUT => Error::GatewayTimeout(backend),
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE => {
            let is_plain = !answer.headers().contains_key(CONTENT_ENCODING);
            let body = Limited::new(answer.into_body(), MAX_LENGTH);
            match timeout(PATIENCE, body.collect()).await {
                Ok(Ok(collected)) if is_plain => meaning(backend, &collected.to_bytes()),
                Ok(_) | Err(_) => Error::BadGateway(backend),
            }
        }
        _ => Error::BadGateway(backend),
    }
}

fn meaning(backend: Backend, body: &[u8]) -> Error {
    let shape = serde_json::from_slice::<Shape>(body).ok();
    let (kind, text) = match &shape {
        Some(shape) => (shape.error_type.as_str(), shape.error.as_bytes()),
        None => ("", body),
    };
    let begins = |words: &str| text.starts_with(words.as_bytes());
    if kind == "timeout" {
        Error::GatewayTimeout(backend)
    } else if backend == Backend::Loki && UNMATCHED.into_iter().any(begins) {
        Error::BadData(
            Flaw::Backend,
            "query: the series on the two sides of an operation do not match one to one: aggregate \
             both sides by the same labels, or say with group_left or group_right which side has \
             several"
                .to_owned(),
        )
    } else if backend == Backend::Loki && begins(INSTANT_ONLY) {
        Error::BadData(
            Flaw::Backend,
            "query: approx_topk answers at one moment and not over a range: ask it as an instant \
             query, or use topk"
                .to_owned(),
        )
    } else {
        Error::BadGateway(backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_means_more_than_a_failure() {
        let unmatched = "multiple matches for labels: grouping labels must ensure unique matches";
        let cases = [
            (Backend::Loki, unmatched.to_owned(), 400),
            (Backend::Mimir, unmatched.to_owned(), 502),
            (Backend::Loki, format!("dial 10.0.0.7: {unmatched}"), 502),
            (
                Backend::Loki,
                format!(r#"{{"message":"{unmatched}"}}"#),
                400,
            ),
            (
                Backend::Loki,
                "found duplicate series on the right hand-side;…".to_owned(),
                400,
            ),
            (
                Backend::Mimir,
                r#"{"status":"error","errorType":"timeout","error":"…"}"#.to_owned(),
                504,
            ),
            (
                Backend::Mimir,
                r#"{"errorType":"internal","error":"timeout"}"#.to_owned(),
                502,
            ),
            (Backend::Mimir, "timeout".to_owned(), 502),
            (Backend::Loki, INSTANT_ONLY.to_owned(), 400),
            (Backend::Mimir, INSTANT_ONLY.to_owned(), 502),
            (Backend::Loki, String::new(), 502),
        ];
        for (backend, body, status) in cases {
            let (told, _) = meaning(backend, body.as_bytes()).status();
            assert_eq!(told.as_u16(), status, "{backend:?} {body}");
        }
    }
}
