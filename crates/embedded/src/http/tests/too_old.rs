//! What is older than is kept is refused in each protocol's own way, and the rest of it is stored.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message as _;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::super::push::proto::otlp::{ExportResponse, Status};
use super::super::push::proto::{
    Entry, Label, PushRequest, Sample, Stream, TimeSeries, Timestamp, WriteRequest,
};
use super::{NOW, otlp};
use crate::{Backend, Limits};

/// Two days before [`NOW`].
const OLD: i64 = NOW - 2 * 86_400_000_000_000;

/// A backend in a directory that keeps a day.
fn kept() -> (TempDir, Backend) {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        retention: Duration::from_hours(24),
        ..Limits::default()
    };
    let clock = Arc::new(|| NOW);
    let backend = Backend::open_with_clock(directory.path(), limits, clock).unwrap();
    (directory, backend)
}

async fn post(backend: &Backend, path: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
    let request = Request::post(path)
        .header("x-scope-orgid", "acme")
        .header("content-type", "application/x-protobuf");
    let request = request.body(Body::from(body)).unwrap();
    let response = backend.router(None).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, body.to_vec())
}

fn snappy(plain: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(plain).unwrap()
}

async fn get(backend: &Backend, uri: &str) -> String {
    let request = Request::get(uri).header("x-scope-orgid", "acme");
    let (status, body) = super::send(backend, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

const LOGS: &str = "/loki/api/v1/query_range?query=%7Bresource_id=%22r1%22%7D&since=96h";
const SAMPLES: &str = "/prometheus/api/v1/query?query=%7Bresource_id=%22r1%22%7D%5B96h%5D";

fn assert_says(said: &str, what: &str) {
    let wanted = format!("{what} ");
    assert!(said.contains(&wanted), "{said}");
    for part in [
        "timestamp too old: 2026-10-30T00:00:00Z",
        "oldest acceptable timestamp is: 2026-10-31T00:00:00Z",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn lines_that_are_too_old_are_a_400_that_names_the_first_and_the_rest_is_stored() {
    let (_directory, backend) = kept();
    let entry = |at: i64, line: &str| Entry {
        timestamp: Some(Timestamp {
            seconds: at / 1_000_000_000,
            nanos: 0,
        }),
        line: line.as_bytes().to_vec(),
        structured_metadata: Vec::new(),
    };
    let push = PushRequest {
        streams: vec![Stream {
            labels: r#"{app="web", resource_id="r1"}"#.to_owned(),
            entries: vec![
                entry(OLD, "long ago"),
                entry(NOW - 1_000_000_000, "just now"),
            ],
        }],
    };
    let body = snappy(&push.encode_to_vec());
    let (status, said) = post(&backend, "/loki/api/v1/push", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let said = String::from_utf8(said).unwrap();
    assert_says(
        &said,
        r#"entry for stream {app="web", resource_id="r1"} has"#,
    );
    let found = get(&backend, LOGS).await;
    assert!(
        found.contains("just now") && !found.contains("long ago"),
        "{found}"
    );
}

#[tokio::test]
async fn samples_that_are_too_old_are_a_400_that_names_the_first_and_the_rest_is_stored() {
    let (_directory, backend) = kept();
    let label = |name: &str, value: &str| Label {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let sample = |at: i64, value: f64| Sample {
        value,
        timestamp: at / 1_000_000,
    };
    let write = WriteRequest {
        timeseries: vec![TimeSeries {
            labels: vec![label("__name__", "up"), label("resource_id", "r1")],
            samples: vec![sample(OLD, 1.5), sample(NOW - 1_000_000_000, 2.5)],
            exemplars: Vec::new(),
            histograms: Vec::new(),
        }],
        metadata: Vec::new(),
    };
    let body = snappy(&write.encode_to_vec());
    let (status, said) = post(&backend, "/api/v1/push", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_says(&String::from_utf8(said).unwrap(), "has");
    let found = get(&backend, SAMPLES).await;
    assert!(found.contains("2.5") && !found.contains("1.5"), "{found}");
}

fn records(times: &[i64]) -> Vec<u8> {
    let record = |at: &i64| json!({"timeUnixNano": (at - otlp::BEGINNING).to_string(), "body": {"stringValue": at.to_string()}});
    let records: Vec<Json> = times.iter().map(record).collect();
    let batch = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "resource_id", "value": {"stringValue": "r1"}}]},
        "scopeLogs": [{"logRecords": records}],
    }]});
    otlp::json::logs(&batch).encode_to_vec()
}

fn points(times: &[i64]) -> Vec<u8> {
    let point = |at: &i64| {
        json!({"timeUnixNano": (at - otlp::BEGINNING).to_string(), "asDouble": 2.5,
        "attributes": [{"key": "resource_id", "value": {"stringValue": "r1"}}]})
    };
    let points: Vec<Json> = times.iter().map(point).collect();
    let batch = json!({"resourceMetrics": [{
        "scopeMetrics": [{"metrics": [{"name": "up", "gauge": {"dataPoints": points}}]}],
    }]});
    otlp::json::metrics(&batch).encode_to_vec()
}

/// A batch with records or points of these times.
type Batch = fn(&[i64]) -> Vec<u8>;

#[tokio::test]
async fn otlp_is_told_how_many_were_too_old_and_refused_where_all_of_them_were() {
    let (_directory, backend) = kept();
    let just_now = NOW - 1_000_000_000;
    let cases: [(&str, Batch, &str); 2] = [
        ("/otlp/v1/logs", records, LOGS),
        ("/otlp/v1/metrics", points, SAMPLES),
    ];
    for (path, batch, query) in cases {
        let (status, said) = post(&backend, path, batch(&[OLD, OLD + 1])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        let said = Status::decode(&*said).unwrap().message;
        assert!(said.contains("timestamp too old: "), "{said}");
        let (status, said) = post(&backend, path, batch(&[OLD, just_now, OLD + 1])).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let partial = ExportResponse::decode(&*said).unwrap().partial_success;
        let partial = partial.unwrap();
        assert_eq!(partial.rejected, 2, "{path}");
        assert_says(
            &partial.error_message,
            if path.ends_with("logs") {
                "has"
            } else {
                "data point 0 of the metric \"up\":"
            },
        );
        let found: Json = serde_json::from_str(&get(&backend, query).await).unwrap();
        let values = found["data"]["result"][0]["values"].as_array().unwrap();
        assert_eq!(values.len(), 1, "{path} {found}");
        let (status, said) = post(&backend, path, batch(&[just_now])).await;
        assert_eq!((status, said), (StatusCode::OK, Vec::new()), "{path}");
    }
}
