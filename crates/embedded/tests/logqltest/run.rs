//! Runs the commands of a file through the HTTP face of the backend.

use std::sync::Arc;

use embedded::{Backend, Limits, LogStream};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::compare;
use crate::script::{self, At, Command, EPOCH_NS, Eval, Expected, Load};

const TENANT: &str = "test";
const HOUR_NS: i64 = 3_600_000_000_000;

/// An `eval` that was run.
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) result: Result<(), String>,
}

fn backend() -> Backend {
    Backend::with_clock(Limits::default(), Arc::new(|| EPOCH_NS + HOUR_NS))
}

/// Runs a file, and gives its cases in their order.
pub(crate) async fn cases(text: &str) -> Vec<Case> {
    let mut backend = backend();
    let mut cases = Vec::new();
    for command in script::parse(text) {
        match command {
            Command::Clear => backend = self::backend(),
            Command::Load(load) => push(&backend, load),
            Command::Eval(eval) => {
                let (status, body) = ask(&backend, &eval).await;
                cases.push(Case {
                    line: eval.line,
                    result: judge(&eval, status, &body),
                    query: eval.query,
                });
            }
        }
    }
    cases
}

fn push(backend: &Backend, load: Load) {
    let streams = load.streams.into_iter();
    let streams = streams.map(|(labels, entries)| LogStream { labels, entries });
    backend.push_logs(TENANT, streams.collect()).unwrap();
}

async fn ask(backend: &Backend, eval: &Eval) -> (http::StatusCode, String) {
    let mut params = form_urlencoded::Serializer::new(String::new());
    params.append_pair("query", &eval.query);
    params.append_pair("limit", "1000");
    params.append_pair("direction", "forward");
    let path = match eval.at {
        At::Instant(at) => {
            params.append_pair("time", &at.to_string());
            "query"
        }
        At::Range { start, end, step } => {
            params.append_pair("start", &start.to_string());
            params.append_pair("end", &end.to_string());
            params.append_pair("step", &format!("{}ms", step / 1_000_000));
            "query_range"
        }
    };
    let request = http::Request::get(format!("/loki/api/v1/{path}?{}", params.finish()))
        .header("X-Scope-OrgID", TENANT)
        .body(axum::body::Body::empty());
    let response = backend.router(None).oneshot(request.unwrap()).await;
    let (head, body) = response.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, String::from_utf8(body.to_vec()).unwrap())
}

fn judge(eval: &Eval, status: http::StatusCode, body: &str) -> Result<(), String> {
    if status.is_success() {
        let answer: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        return compare::compare(eval.at, &eval.expected, &answer["data"]);
    }
    match &eval.expected {
        Expected::Fail(message) if message.holds(body) => Ok(()),
        Expected::Fail(_) => Err(format!("it failed with other words: {status} {body}")),
        Expected::Empty | Expected::Scalar(_) | Expected::Series { .. } => {
            Err(format!("it failed: {status} {body}"))
        }
    }
}
