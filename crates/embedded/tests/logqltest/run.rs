//! Runs the commands of a file through the HTTP face of the backend.

use std::collections::BTreeMap;
use std::sync::Arc;

use embedded::{Backend, Limits, LogStream};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::compare;
use crate::script::{self, At, Command, Eval, Expected, Load};

const TENANT: &str = "test";
const HOUR_NS: i64 = 3_600_000_000_000;

/// The time that times count from unless a query needs another, in nanoseconds: the first moment of
/// 2026.
const EPOCH_NS: i64 = 1_767_225_600_000_000_000;

/// What was loaded, in a backend for each time that the times of a file are counted from.
#[derive(Default)]
struct Data {
    loads: Vec<Load>,
    backends: BTreeMap<i64, Backend>,
}

/// An `eval` that was run.
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) result: Result<(), Failure>,
}

/// How a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The query was refused as it has to be, and not in Loki's words.
    Words(String),
    /// The answer is another one.
    Answer(String),
}

impl Failure {
    /// The kind of the failure, as the list of what is expected to fail names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Words(_) => "words",
            Self::Answer(_) => "answer",
        }
    }

    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Words(reason) | Self::Answer(reason) => reason,
        }
    }
}

/// Runs a file, and gives its cases in their order.
pub(crate) async fn cases(text: &str) -> Vec<Case> {
    let mut data = Data::default();
    let mut cases = Vec::new();
    for command in script::parse(text) {
        match command {
            Command::Clear => data = Data::default(),
            Command::Load(load) => {
                data.loads.push(load);
                data.backends.clear();
            }
            Command::Eval(eval) => {
                let mut result = data.case(&eval).await;
                for other in eval.other_ways() {
                    if result.is_ok() {
                        result = data.case(&other).await.map_err(|failure| {
                            let (at, reason) = (other.at, failure.reason());
                            Failure::Answer(format!("asked as {at:?}: {reason}"))
                        });
                    }
                }
                cases.push(Case {
                    line: eval.line,
                    result,
                    query: eval.query,
                });
            }
        }
    }
    cases
}

/// The time to count from for a query at these times.
///
/// Loki widens a range to whole steps since 1970, unless it is told not to split queries, as in its
/// own runs of these files. So that both ask for the same, the first step is put on a whole one.
fn epoch(at: At) -> i64 {
    match at {
        At::Instant(_) => EPOCH_NS,
        At::Range { start, step, .. } => EPOCH_NS + (-EPOCH_NS - start).rem_euclid(step),
    }
}

impl Data {
    async fn case(&mut self, eval: &Eval) -> Result<(), Failure> {
        let epoch = epoch(eval.at);
        let (status, body) = ask(self.from(epoch), epoch, eval).await;
        judge(eval, epoch, status, &body)
    }

    /// The backend with all that was loaded.
    fn from(&mut self, epoch: i64) -> &Backend {
        self.backends.entry(epoch).or_insert_with(|| {
            let clock = Arc::new(move || epoch + HOUR_NS);
            let backend = Backend::with_clock(Limits::default(), clock);
            for load in &self.loads {
                push(&backend, load.clone(), epoch);
            }
            backend
        })
    }
}

fn push(backend: &Backend, load: Load, epoch: i64) {
    let streams = load.streams.into_iter().map(|(labels, mut entries)| {
        for entry in &mut entries {
            entry.timestamp_ns += epoch;
        }
        LogStream { labels, entries }
    });
    backend.push_logs(TENANT, streams.collect()).unwrap();
}

async fn ask(backend: &Backend, epoch: i64, eval: &Eval) -> (http::StatusCode, String) {
    let mut params = form_urlencoded::Serializer::new(String::new());
    params.append_pair("query", &eval.query);
    params.append_pair("limit", "1000");
    params.append_pair("direction", "forward");
    let path = match eval.at {
        At::Instant(at) => {
            params.append_pair("time", &(epoch + at).to_string());
            "query"
        }
        At::Range { start, end, step } => {
            params.append_pair("start", &(epoch + start).to_string());
            params.append_pair("end", &(epoch + end).to_string());
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

fn judge(eval: &Eval, epoch: i64, status: http::StatusCode, body: &str) -> Result<(), Failure> {
    if status.is_success() {
        let answer: Value = serde_json::from_str(body).unwrap();
        let same = compare::compare(eval.at, epoch, &eval.expected, &answer["data"]);
        return same.map_err(Failure::Answer);
    }
    let reason = format!("{status}: {body}");
    match &eval.expected {
        Expected::Fail(message) if message.holds(body) => Ok(()),
        Expected::Fail(_) if status.is_client_error() => Err(Failure::Words(reason)),
        Expected::Fail(_) | Expected::Empty | Expected::Scalar(_) | Expected::Series { .. } => {
            Err(Failure::Answer(reason))
        }
    }
}
