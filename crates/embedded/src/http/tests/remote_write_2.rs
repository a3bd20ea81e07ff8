//! Remote write 2.0: what comes in is what is found.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message as _;
use tower::ServiceExt as _;

use super::super::push::proto::Sample;
use super::super::push::proto::histogram::{Count, Histogram, Span};
use super::super::push::proto::v2::{Exemplar, Metadata, Request as Batch, TimeSeries};
use super::NOW;
use crate::{Backend, Limits};

const NOW_MS: i64 = NOW / 1_000_000;

/// Status, body, and the counts of samples, exemplars and histograms that were written.
type Answer = (StatusCode, String, [Option<String>; 3]);

async fn post(backend: &Backend, path: &str, batch: &Batch) -> Answer {
    let plain = batch.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    let request = Request::post(path)
        .header("x-scope-orgid", "acme")
        .header(
            "content-type",
            "application/x-protobuf; proto=io.prometheus.write.v2.Request",
        )
        .header("content-encoding", "snappy")
        .body(Body::from(body))
        .unwrap();
    let response = backend.router(None).oneshot(request).await.unwrap();
    let status = response.status();
    let written = ["samples", "exemplars", "histograms"].map(|what| {
        let name = format!("x-prometheus-remote-write-{what}-written");
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    });
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (status, body, written)
}

fn written(samples: u8, exemplars: u8) -> [Option<String>; 3] {
    [samples, exemplars, 0].map(|count| Some(count.to_string()))
}

async fn get(backend: &Backend, uri: &str) -> String {
    let request = Request::get(uri).header("x-scope-orgid", "acme");
    let (status, body) = super::send(backend, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

fn empty() -> Backend {
    Backend::with_clock(Limits::default(), std::sync::Arc::new(|| NOW))
}

fn sample(value: f64) -> Sample {
    Sample {
        value,
        timestamp: NOW_MS - 1000,
    }
}

/// A counter with an exemplar, and a bucket of a histogram.
fn batch() -> Batch {
    let symbols = [
        "",
        "__name__",
        "hits",
        "resource_id",
        "r1",
        "trace_id",
        "t1",
        "How many hits.",
        "s_bucket",
        "le",
        "1",
        "seconds",
    ];
    Batch {
        symbols: symbols.map(str::to_owned).to_vec(),
        timeseries: vec![
            TimeSeries {
                labels_refs: vec![1, 2, 3, 4],
                samples: vec![sample(4.5)],
                exemplars: vec![Exemplar {
                    labels_refs: vec![5, 6],
                    value: 1.0,
                    timestamp: NOW_MS - 1000,
                }],
                metadata: Some(Metadata {
                    kind: 1,
                    help_ref: 7,
                    unit_ref: 0,
                }),
                histograms: Vec::new(),
            },
            TimeSeries {
                labels_refs: vec![1, 8, 3, 4, 9, 10],
                samples: vec![
                    sample(2.0),
                    Sample {
                        value: 1.0,
                        timestamp: NOW_MS - 2000,
                    },
                ],
                metadata: Some(Metadata {
                    kind: 3,
                    help_ref: 0,
                    unit_ref: 11,
                }),
                ..TimeSeries::default()
            },
        ],
    }
}

#[tokio::test]
async fn samples_that_were_written_are_found_and_counted() {
    for path in ["/api/v1/push", "/prometheus/api/v1/write"] {
        let backend = empty();
        let (status, said, counts) = post(&backend, path, &batch()).await;
        assert_eq!((status, &*said), (StatusCode::NO_CONTENT, ""));
        assert_eq!(counts, written(3, 1));
        let found = get(&backend, "/prometheus/api/v1/query?query=hits").await;
        assert!(
            found.contains(r#"{"__name__":"hits","resource_id":"r1"}"#),
            "{found}"
        );
        assert!(found.contains(r#""4.5""#), "{found}");
        let uri = "/prometheus/api/v1/query_exemplars?query=hits&start=0&end=2000000000";
        let found = get(&backend, uri).await;
        assert!(found.contains(r#"{"trace_id":"t1"}"#), "{found}");
        let found = get(&backend, "/prometheus/api/v1/metadata").await;
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let hits = &found["data"]["hits"][0];
        assert_eq!(
            (&hits["type"], &hits["help"]),
            (&"counter".into(), &"How many hits.".into())
        );
        let of_bucket = &found["data"]["s"][0];
        assert_eq!(of_bucket["unit"], "seconds", "{found}");
    }
}

/// With listed bounds, of floats.
fn native(timestamp: i64) -> Histogram {
    Histogram {
        count: Some(Count::Float(4.0)),
        sum: 6.0,
        schema: -53,
        positive_spans: vec![Span {
            offset: 0,
            length: 2,
        }],
        positive_counts: vec![1.0, 3.0],
        custom_values: vec![1.0, 3.0],
        timestamp,
        ..Histogram::default()
    }
}

#[tokio::test]
async fn native_histograms_are_found_until_their_series_ends() {
    let backend = empty();
    let mut with_native = batch();
    let series = &mut with_native.timeseries[1];
    let before = series.samples.clone();
    series.histograms = vec![native(NOW_MS - 3000).encode_to_vec()];
    series.samples.clear();
    let (status, said, mut counts) = post(&backend, "/api/v1/push", &with_native).await;
    assert_eq!((status, &*said), (StatusCode::NO_CONTENT, ""));
    assert_eq!(counts[2].take().unwrap(), "1");
    let query = "/prometheus/api/v1/query?query=histogram_quantile(0.5,s_bucket)";
    let found = get(&backend, query).await;
    assert!(found.contains(r#""1.6666666666666665""#), "{found}");
    let mark = Histogram {
        sum: f64::from_bits(crate::store::STALE_NAN),
        timestamp: NOW_MS - 500,
        ..Histogram::default()
    };
    let series = &mut with_native.timeseries[1];
    series.histograms.push(mark.encode_to_vec());
    series.samples = before;
    let (status, said, mut counts) = post(&backend, "/api/v1/push", &with_native).await;
    assert_eq!((status, &*said), (StatusCode::NO_CONTENT, ""));
    assert_eq!(counts[2].take().unwrap(), "2");
    let found = get(&backend, query).await;
    assert!(found.contains(r#""result":[]"#), "{found}");
}

#[tokio::test]
async fn histograms_that_cannot_be_are_refused_and_the_rest_is_stored() {
    let backend = empty();
    let mut with_native = batch();
    let mut impossible = native(NOW_MS - 1000);
    impossible.custom_values.clear();
    with_native.timeseries[1].histograms = vec![impossible.encode_to_vec()];
    let (status, said, counts) = post(&backend, "/api/v1/push", &with_native).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        said.contains("1 native histograms were refused") && said.contains("s_bucket"),
        "{said}"
    );
    assert_eq!(counts, written(3, 1));
    let found = get(&backend, "/prometheus/api/v1/query?query=hits").await;
    assert!(found.contains(r#""4.5""#), "{found}");
    // So it is where a sample is another one than before.
    with_native.timeseries[0].samples[0].value = 5.0;
    with_native.timeseries[1].histograms = vec![native(NOW_MS - 500).encode_to_vec()];
    let (status, said, mut counts) = post(&backend, "/api/v1/push", &with_native).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(said.contains("duplicate sample"), "{said}");
    assert_eq!(counts[2].take().unwrap(), "1");
}

#[tokio::test]
async fn references_to_nothing_are_refused() {
    let series: [fn(&mut Batch); 7] = [
        |batch| batch.timeseries[0].labels_refs.push(3),
        |batch| batch.timeseries[0].labels_refs.extend([3, 12]),
        |batch| batch.timeseries[0].labels_refs.extend([u32::MAX, 0]),
        |batch| batch.timeseries[0].exemplars[0].labels_refs.push(12),
        |batch| batch.timeseries[1].metadata.as_mut().unwrap().help_ref = 12,
        |batch| batch.timeseries[1].samples.clear(),
        |batch| batch.symbols[0].push('x'),
    ];
    for (at, spoil) in series.into_iter().enumerate() {
        let backend = empty();
        let mut spoiled = batch();
        spoil(&mut spoiled);
        let (status, said, counts) = post(&backend, "/api/v1/push", &spoiled).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{at}: {said}");
        assert_eq!(counts, written(0, 0));
        let found = get(&backend, "/prometheus/api/v1/query?query=hits").await;
        assert!(found.contains(r#""result":[]"#), "{at}: {found}");
    }
}

/// A symbol of a megabyte that a body of two refers to half a million times.
#[tokio::test]
async fn a_batch_that_becomes_more_than_there_is_memory_for_is_refused() {
    let mut bomb = batch();
    bomb.symbols.push("x".repeat(1 << 20));
    let reference = u32::try_from(bomb.symbols.len() - 1).unwrap();
    bomb.timeseries[0].labels_refs = vec![reference; 1 << 19];
    let (status, said, counts) = post(&empty(), "/api/v1/push", &bomb).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{said}");
    assert_eq!(counts, written(0, 0));
}
