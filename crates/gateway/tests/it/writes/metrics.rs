//! Prometheus' remote write.

use axum::response::IntoResponse;
use http::StatusCode;
use prost::Message;

use super::{RESOURCE, snappy, unsnappy};
use crate::harness::World;

/// 1.0, as its specification has it.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<Series>,
}

#[derive(Clone, PartialEq, Message)]
struct Series {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// 2.0.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<Series2>,
}

#[derive(Clone, PartialEq, Message)]
struct Series2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

fn series(labels: &[(&str, &str)]) -> WriteRequest {
    let label = |(name, value): &(&str, &str)| Label {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    WriteRequest {
        timeseries: vec![Series {
            labels: labels.iter().map(label).collect(),
            samples: vec![Sample {
                value: 1.5,
                timestamp: 1_737_972_000_000,
            }],
        }],
    }
}

fn path() -> String {
    format!("{RESOURCE}/prometheus/api/v1/write")
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_write_1_is_stamped_and_forwarded_as_it_is() {
    let world = World::new().await;
    world.mimir.answers(|| StatusCode::OK.into_response());
    let sent = series(&[("__name__", "up"), ("resource_id", "shop-db"), ("z", "1")]);
    for content_type in [
        "application/x-protobuf",
        "application/x-protobuf;proto=prometheus.WriteRequest",
    ] {
        let answer = world
            .ask(&path())
            .token(&world.token("erin"))
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-write-version", "0.1.0")
            .header("x-scope-orgid", "globex-iot")
            .post(content_type, snappy(&sent.encode_to_vec()))
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let got = world.mimir.last();
        assert_eq!(got.path, "/api/v1/push");
        assert_eq!(got.header("x-scope-orgid"), Some("acme-shop"));
        assert_eq!(got.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(got.header("content-encoding"), Some("snappy"));
        assert_eq!(
            got.header("x-prometheus-remote-write-version"),
            Some("0.1.0")
        );
        let got = WriteRequest::decode(&*unsnappy(&got.bytes)).unwrap();
        assert_eq!(
            got,
            series(&[("__name__", "up"), ("resource_id", "shop-api"), ("z", "1")])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_write_2_is_forwarded_as_such_and_its_receipt_comes_back() {
    let world = World::new().await;
    world.mimir.answers(|| {
        let receipt = [
            ("x-prometheus-remote-write-samples-written", "1"),
            ("x-prometheus-remote-write-histograms-written", "0"),
            ("x-prometheus-remote-write-exemplars-written", "0"),
            ("x-internal", "secret"),
        ];
        (StatusCode::NO_CONTENT, receipt).into_response()
    });
    let sent = Request {
        symbols: ["", "__name__", "up", "z", "1"].map(str::to_owned).to_vec(),
        timeseries: vec![Series2 {
            labels_refs: vec![1, 2, 3, 4],
            samples: series(&[]).timeseries.remove(0).samples,
        }],
    };
    let answer = world
        .ask(&path())
        .token(&world.token("erin"))
        .header("content-encoding", "snappy")
        .post(
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            snappy(&sent.encode_to_vec()),
        )
        .send()
        .await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(
        answer.header("x-prometheus-remote-write-samples-written"),
        Some("1")
    );
    assert_eq!(
        answer.header("x-prometheus-remote-write-histograms-written"),
        Some("0")
    );
    assert_eq!(answer.header("x-internal"), None);
    let got = world.mimir.last();
    assert_eq!(
        got.header("content-type"),
        Some("application/x-protobuf;proto=io.prometheus.write.v2.Request")
    );
    assert_eq!(
        got.header("x-prometheus-remote-write-version"),
        Some("2.0.0")
    );
    let got = Request::decode(&*unsnappy(&got.bytes)).unwrap();
    let symbol = |at: &u32| got.symbols[usize::try_from(*at).unwrap()].as_str();
    let labels: Vec<&str> = got.timeseries[0].labels_refs.iter().map(symbol).collect();
    assert_eq!(
        labels,
        ["__name__", "up", "resource_id", "shop-api", "z", "1"]
    );
}

/// A sender of 2.0 falls back to 1.0 by this answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_without_remote_write_2_says_so_itself() {
    let world = World::new().await;
    world.mimir.fails(415, "expected snappy, got 2.0");
    let body = Request {
        symbols: vec![String::new()],
        timeseries: Vec::new(),
    };
    let answer = world
        .ask(&path())
        .token(&world.token("erin"))
        .post(
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            snappy(&body.encode_to_vec()),
        )
        .send()
        .await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (415, "expected snappy, got 2.0")
    );
}
