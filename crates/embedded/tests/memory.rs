//! Queries that would hold too much memory end, whatever it is made of.
//!
//! Only a program whose allocator is jemalloc knows what its threads hold, so this is one.

#![allow(clippy::unwrap_used)] // a test

use axum::body::Body;
use embedded::{Backend, Limits, LogEntry, LogStream};
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const START_NS: i64 = 1_793_491_200_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

fn backend(max_query_memory: u64) -> Backend {
    let limits = Limits {
        max_query_memory,
        ..Limits::default()
    };
    let backend = Backend::new(limits);
    let entry = |at: i64| LogEntry {
        timestamp_ns: START_NS + at * SECOND_NS / 10,
        line: format!("line {at}"),
        structured_metadata: Vec::new(),
    };
    let stream = LogStream {
        labels: vec![("app".to_owned(), "shop".to_owned())],
        entries: (0..3_000).map(entry).collect(),
    };
    backend.push_logs("t", vec![stream]).unwrap();
    backend
}

async fn ask(backend: &Backend, path: &str, query: &str) -> (u16, String) {
    let parameters = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", query)
        .append_pair("time", "1793491500")
        .finish();
    let request = Request::get(format!("{path}?{parameters}"))
        .header("x-scope-orgid", "t")
        .body(Body::empty())
        .unwrap();
    let answer = backend.router(None).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

const LOKI: &str = "/loki/api/v1/query";
const PROMETHEUS: &str = "/prometheus/api/v1/query";

/// Each of them is small as a number of samples, of lines and of series in its answer.
const LARGE: &[(&str, &str)] = &[
    (
        LOKI,
        r#"count(count_over_time({app="shop"} | label_format x=`{{ repeat 50000 "a" }}{{ __line__ }}` [10m]))"#,
    ),
    (
        PROMETHEUS,
        r#"count(count_over_time(count_values("v", vector(time()))[300s:1ms]))"#,
    ),
];

#[tokio::test]
async fn a_query_that_holds_too_much_memory_is_refused() {
    let backend = backend(32 << 20);
    for (path, query) in LARGE {
        let (status, body) = ask(&backend, path, query).await;
        assert!((400..500).contains(&status), "{query}: {status} {body}");
        let said = body.contains("amount of memory consumed by a single query (limit: 33554432 ");
        assert!(said, "{query}: {body}");
    }
    // What was held for them counts for no other.
    for query in ["count_over_time({app=\"shop\"}[10m])", "vector(1)"] {
        let (status, body) = ask(&backend, LOKI, query).await;
        assert_eq!(status, 200, "{query}: {body}");
    }
}

#[tokio::test]
async fn the_same_queries_are_answered_where_they_may_hold_it() {
    let backend = backend(1 << 30);
    for (path, query) in LARGE {
        let (status, body) = ask(&backend, path, query).await;
        assert_eq!(status, 200, "{query}: {body}");
    }
}
