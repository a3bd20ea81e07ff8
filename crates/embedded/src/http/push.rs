//! Writes: Loki's push API and Prometheus' remote write 1.0, each in protobuf with snappy, which is
//! what the gateway sends on. Remote write 2.0 is a 415, so that senders fall back to 1.0.

pub(super) mod proto;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use prost::Message;
use query::MatchOp;
use query::logql::Expr;

use super::loki::Refusal;
use super::{Shared, tenant};
use crate::store::PushError;
use crate::{
    Backend, Exemplar, ExemplarSeries, Labels, LogEntry, LogStream, MetricKind, MetricMetadata,
    Sample, SampleSeries,
};
use proto::{PushRequest, WriteRequest};

/// The longest body, and the longest that it may decompress to, in bytes.
const LONGEST: usize = 64 << 20;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/loki/api/v1/push", post(push))
        // Mimir's path, and Prometheus's.
        .route("/api/v1/push", post(write))
        .route("/prometheus/api/v1/write", post(write))
}

async fn push(
    State(Shared { backend, .. }): State<Shared>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    take(backend, request, logs).await
}

async fn write(
    State(Shared { backend, .. }): State<Shared>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    take(backend, request, samples).await
}

/// Reads and decodes a body, and stores what is in it away from the requests of others.
async fn take<M: Message + Default + 'static>(
    backend: Backend,
    request: Request,
    store: fn(&Backend, &str, M) -> Result<(), Refusal>,
) -> Result<StatusCode, Refusal> {
    let tenant = tenant(request.headers())?;
    check_type(request.headers())?;
    let body = to_bytes(request.into_body(), LONGEST).await;
    let body = body.map_err(|error| refusal(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?;
    let stored = tokio::task::spawn_blocking(move || {
        let length = snap::raw::decompress_len(&body).map_err(bad)?;
        if length > LONGEST {
            let sentence =
                format!("request body too large: {length} bytes, limit: {LONGEST} bytes");
            return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, sentence));
        }
        let plain = snap::raw::Decoder::new()
            .decompress_vec(&body)
            .map_err(bad)?;
        store(&backend, &tenant, M::decode(&*plain).map_err(bad)?)
    });
    stored
        .await
        .map_err(|error| refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))??;
    Ok(StatusCode::NO_CONTENT)
}

/// Protobuf, and not of remote write 2.0.
fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-protobuf") && !kind.contains("write.v2") {
        return Ok(());
    }
    Err(refusal(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "expected application/x-protobuf: a push to Loki, or remote write 1.0".to_owned(),
    ))
}

fn logs(backend: &Backend, tenant: &str, push: PushRequest) -> Result<(), Refusal> {
    let mut streams = Vec::with_capacity(push.streams.len());
    for stream in push.streams {
        let mut entries = Vec::with_capacity(stream.entries.len());
        for entry in stream.entries {
            let time = entry.timestamp.unwrap_or_default();
            let nanos = time.seconds.checked_mul(1_000_000_000);
            let nanos = nanos.and_then(|nanos| nanos.checked_add(time.nanos.into()));
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            entries.push(LogEntry {
                timestamp_ns: nanos.ok_or_else(|| bad("a timestamp is out of range"))?,
                line: text(&entry.line),
                structured_metadata: entry
                    .structured_metadata
                    .into_iter()
                    .map(|label| (label.name, text(&label.value)))
                    .collect(),
            });
        }
        streams.push(LogStream {
            labels: labels(&stream.labels)?,
            entries,
        });
    }
    backend.push_logs(tenant, streams).map_err(pushed)
}

/// The labels of a stream from their text, which is a selector of equalities.
fn labels(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let selector = query::logql::parse_selector(text)
        .map_err(|error| bad(format!("error parsing labels: {error}")))?;
    let Expr::Log(selector) = selector else {
        return Err(bad("error parsing labels: expected name=\"value\""));
    };
    let label = |matcher: query::Matcher| match (matcher.op, matcher.value.as_str()) {
        (MatchOp::Equal, Some(value)) => Ok((matcher.name.to_string(), value.to_owned())),
        _ => Err(bad("error parsing labels: expected name=\"value\"")),
    };
    let matchers = selector.selector.matchers.into_iter();
    matchers.map(label).collect()
}

fn samples(backend: &Backend, tenant: &str, write: WriteRequest) -> Result<(), Refusal> {
    let (mut samples, mut exemplars) = (Vec::new(), Vec::new());
    for series in write.timeseries {
        if !series.histograms.is_empty() {
            return Err(bad(
                "native histograms are not stored by the embedded backend",
            ));
        }
        let pairs = |labels: Vec<proto::Label>| -> Vec<(String, String)> {
            let labels = labels.into_iter();
            labels.map(|label| (label.name, label.value)).collect()
        };
        let labels = pairs(series.labels);
        if !series.exemplars.is_empty() {
            let exemplar = |one: proto::Exemplar| Exemplar {
                labels: Labels::new(pairs(one.labels)),
                value: one.value,
                timestamp_ms: one.timestamp,
            };
            exemplars.push(ExemplarSeries {
                labels: labels.clone(),
                exemplars: series.exemplars.into_iter().map(exemplar).collect(),
            });
        }
        let sample = |one: proto::Sample| Sample {
            value: one.value,
            timestamp_ms: one.timestamp,
        };
        samples.push(SampleSeries {
            labels,
            samples: series.samples.into_iter().map(sample).collect(),
        });
    }
    let metadata = write.metadata.into_iter().map(|one| MetricMetadata {
        metric: one.metric_family_name,
        kind: kind(one.kind),
        help: one.help,
        unit: one.unit,
    });
    // The samples last: what is sent again after a failure is there once, and nothing is missing.
    backend
        .add_metadata(tenant, metadata.collect())
        .map_err(pushed)?;
    backend.push_exemplars(tenant, exemplars).map_err(pushed)?;
    backend.push_samples(tenant, samples).map_err(pushed)
}

/// The protocol's enumeration.
fn kind(number: i32) -> MetricKind {
    match number {
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::GaugeHistogram,
        5 => MetricKind::Summary,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it goes into map_err")]
fn bad(sentence: impl ToString) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, sentence.to_string())
}

fn refusal(status: StatusCode, sentence: String) -> Refusal {
    Refusal::from((status, sentence))
}

#[allow(clippy::needless_pass_by_value, reason = "it goes into map_err")]
fn pushed(error: PushError) -> Refusal {
    let status = match &error {
        PushError::TooManyStreams(_) => StatusCode::TOO_MANY_REQUESTS,
        PushError::NoLabels
        | PushError::EmptyLabelName
        | PushError::DuplicateLabel(_)
        | PushError::NoMetricName(_)
        | PushError::BadHistogram(_)
        | PushError::NotOnDisk
        | PushError::BadTenant(_) => StatusCode::BAD_REQUEST,
        PushError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        // Senders keep what they have and try again.
        PushError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        PushError::Unwritable => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refusal(status, error.to_string())
}
