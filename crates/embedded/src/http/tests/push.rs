//! What comes in is what is found.

use axum::body::Body;
use http::{Request, StatusCode};
use prost::Message as _;

use super::super::push::proto::histogram::{Count, Histogram, Span};
use super::super::push::proto::{
    Entry, Exemplar, Label, Metadata, Metadatum, PushRequest, Sample, Stream, TimeSeries,
    Timestamp, WriteRequest,
};
use super::{NOW, send};
use crate::{Backend, Limits};

const PROTOBUF: &str = "application/x-protobuf";

async fn post(backend: &Backend, uri: &str, kind: &str, plain: &[u8]) -> (StatusCode, String) {
    let body = snap::raw::Encoder::new().compress_vec(plain).unwrap();
    let request = Request::post(uri)
        .header("x-scope-orgid", "acme")
        .header("content-type", kind)
        .body(Body::from(body))
        .unwrap();
    send(backend, request).await
}

async fn get(backend: &Backend, uri: &str) -> String {
    let request = Request::get(uri).header("x-scope-orgid", "acme");
    let (status, body) = send(backend, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

fn empty() -> Backend {
    Backend::with_clock(Limits::default(), std::sync::Arc::new(|| NOW))
}

fn push(labels: &str) -> Vec<u8> {
    let timestamp = Timestamp {
        seconds: NOW / 1_000_000_000 - 1,
        nanos: 7,
    };
    let entry = Entry {
        timestamp: Some(timestamp),
        line: b"caf\xc3\xa9 \xff".to_vec(),
        structured_metadata: vec![Metadatum {
            name: "trace".to_owned(),
            value: b"t1".to_vec(),
        }],
    };
    let labels = labels.to_owned();
    PushRequest {
        streams: vec![Stream {
            labels,
            entries: vec![entry],
        }],
    }
    .encode_to_vec()
}

#[tokio::test]
async fn lines_that_were_pushed_are_found() {
    let backend = empty();
    let body = push(r#"{app="a\"}", resource_id="r1"}"#);
    let (status, said) = post(&backend, "/loki/api/v1/push", PROTOBUF, &body).await;
    assert_eq!((status, &*said), (StatusCode::NO_CONTENT, ""));
    let uri = "/loki/api/v1/query_range?query=%7Bresource_id=%22r1%22%7D&since=1m";
    let found = get(&backend, uri).await;
    for part in [
        "caf\u{e9} \u{fffd}",
        r#""trace":"t1""#,
        r#""app":"a\"}""#,
        "99000000007",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
}

#[tokio::test]
async fn samples_that_were_written_are_found() {
    let backend = empty();
    let label = |name: &str, value: &str| Label {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let series = TimeSeries {
        labels: vec![label("__name__", "up"), label("resource_id", "r1")],
        samples: vec![Sample {
            value: 4.5,
            timestamp: NOW / 1_000_000 - 1000,
        }],
        exemplars: vec![Exemplar {
            labels: vec![label("trace_id", "t1")],
            value: 1.0,
            timestamp: NOW / 1_000_000 - 1000,
        }],
        histograms: Vec::new(),
    };
    let mut write = WriteRequest {
        timeseries: vec![series],
        metadata: vec![Metadata {
            kind: 2,
            metric_family_name: "up".to_owned(),
            help: "Whether it is up.".to_owned(),
            unit: String::new(),
        }],
    };
    for path in ["/api/v1/push", "/prometheus/api/v1/write"] {
        let (status, said) = post(&backend, path, PROTOBUF, &write.encode_to_vec()).await;
        assert_eq!((status, &*said), (StatusCode::NO_CONTENT, ""));
    }
    let found = get(&backend, "/prometheus/api/v1/query?query=up").await;
    assert!(
        found.contains(r#""4.5""#) && found.contains(r#""r1""#),
        "{found}"
    );
    let found = get(&backend, "/prometheus/api/v1/metadata").await;
    assert!(found.contains("Whether it is up."), "{found}");

    // What is not stored is not acknowledged.
    let impossible = Histogram {
        schema: 100,
        ..Histogram::default()
    };
    let native = Histogram {
        timestamp: NOW / 1_000_000 - 1000,
        sum: 5.0,
        positive_spans: vec![Span {
            offset: 0,
            length: 1,
        }],
        positive_deltas: vec![4],
        count: Some(Count::Int(4)),
        ..Histogram::default()
    };
    let series = &mut write.timeseries[0];
    series.labels[0].value = "native".to_owned();
    series.samples.clear();
    series.histograms = vec![impossible.encode_to_vec(), native.encode_to_vec()];
    let body = write.encode_to_vec();
    let (status, said) = post(&backend, "/api/v1/push", PROTOBUF, &body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    assert!(
        said.contains("1 native histograms were refused")
            && said.contains(r#"{__name__="native", resource_id="r1"}: its schema"#),
        "{said}"
    );
    let found = get(
        &backend,
        "/prometheus/api/v1/query?query=histogram_quantile(0.5,native)",
    );
    let found = found.await;
    assert!(found.contains(r#""0.70710678118654"#), "{found}");
    // Bytes that are no histogram are no batch.
    write.timeseries[0].histograms[0] = vec![1];
    let body = write.encode_to_vec();
    let (status, said) = post(&backend, "/api/v1/push", PROTOBUF, &body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    let other = "application/x-protobuf;proto=io.prometheus.write.v3.Request";
    let (status, _) = post(&backend, "/api/v1/push", other, &[]).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let backend = empty();
    for labels in ["", "app", r#"{app=~"a"}"#, r#"{app="a"} |= "b""#, "{}"] {
        let (status, said) = post(&backend, "/loki/api/v1/push", PROTOBUF, &push(labels)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{labels}: {said}");
    }
    let (status, _) = post(&backend, "/loki/api/v1/push", PROTOBUF, b"no protobuf").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let body = push(r#"{app="a"}"#);
    let (status, _) = post(&backend, "/loki/api/v1/push", "text/plain", &body).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
