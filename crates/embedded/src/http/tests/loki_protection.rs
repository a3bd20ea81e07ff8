//! What one query may cost, and that it costs nobody else.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// 2026-11-01T00:00:00Z.
const START_NS: i64 = 1_793_491_200_000_000_000;
/// Enough lines that the heavy query runs for minutes.
const LINES: i64 = 60_000;
/// Far less than the heavy query takes, and far more than anything else here does.
const PATIENCE: Duration = Duration::from_mins(1);

fn filled(limits: Limits, lines: i64) -> Backend {
    let backend = Backend::with_clock(limits, Arc::new(|| START_NS + 60_000_000_000));
    let line = |at: i64| LogEntry {
        timestamp_ns: START_NS + at * 1_000_000,
        line: format!("n={at}"),
        structured_metadata: Vec::new(),
    };
    let stream = LogStream {
        labels: pairs(&[("app", "x")]),
        entries: (0..lines).map(line).collect(),
    };
    backend.push_logs("acme", vec![stream]).unwrap();
    backend
}

fn uri(query: &str) -> String {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/loki/api/v1/query_range?query={query}&start=1793491200&end=1793491260&step=60")
}

/// Makes every line a loop of thousands of rounds and lets none through.
fn heavy() -> String {
    uri(r#"{app="x"} | line_format "{{range 20000}}x{{end}}" |= "y""#)
}

async fn ask(backend: &Backend, uri: &str) -> (StatusCode, String) {
    let request = Request::get(uri).header("X-Scope-OrgID", "acme");
    send(backend, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_query_that_reads_too_much_is_refused_in_lokis_words() {
    let limits = Limits {
        max_query_bytes: Some(2_048),
        ..Limits::default()
    };
    let backend = filled(limits, 1_000);
    for query in [
        r#"{app="x"} |= "none""#,
        r#"sum(count_over_time({app="x"}[5m]))"#,
    ] {
        let (status, body) = ask(&backend, &uri(query)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(
            body,
            "the query would read too many bytes (query: 2.0 KiB, limit: 2.0 KiB); consider adding \
             more specific stream selectors or reduce the time range of the query"
        );
    }
    // The limit is on what is read, and the first lines are few bytes.
    let (status, body) = ask(&backend, &(uri(r#"{app="x"}"#) + "&limit=5")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn a_query_with_too_many_series_is_refused_in_lokis_words() {
    let limits = Limits {
        max_series: 5,
        ..Limits::default()
    };
    let backend = filled(limits, 6);
    let query = r#"count_over_time({app="x"} | logfmt [5m])"#;
    let (status, body) = ask(&backend, &uri(query)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert_eq!(
        body,
        "maximum number of series (5) reached for a single query; consider reducing query \
         cardinality by adding more specific stream selectors, reducing the time range, or \
         aggregating results with functions like sum(), count() or topk()"
    );
    let (status, body) = ask(&backend, &uri(&format!("sum({query})"))).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn a_query_with_too_many_samples_is_refused() {
    let limits = Limits {
        max_samples: 50,
        ..Limits::default()
    };
    let query = uri(r#"sum(count_over_time({app="x"}[5m]))"#);
    let (status, body) = ask(&filled(limits.clone(), 60), &query).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(body.contains("more than 50 samples"), "{body}");
    let (status, body) = ask(&filled(limits, 40), &query).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn a_query_ends_at_its_time() {
    let limits = Limits {
        query_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let started = Instant::now();
    let (status, body) = ask(&filled(limits, LINES), &heavy()).await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT, "{body}");
    assert!(body.starts_with("request timed out, decrease the duration"));
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_heavy_query_keeps_no_other_waiting() {
    let limits = Limits {
        query_timeout: Duration::from_hours(1),
        // A tenant has half of them.
        concurrent_queries: 4,
        ..Limits::default()
    };
    // One router, for the places to run in are a router's.
    let router = filled(limits, LINES).router(None);
    let ask = |uri: String| {
        let request = Request::get(uri).header("X-Scope-OrgID", "acme");
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let slow = tokio::spawn(ask(heavy()));
    for _ in 0..5 {
        let light = ask(uri(r#"{app="x"}"#));
        let answer = tokio::time::timeout(PATIENCE, light).await.unwrap();
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert!(!slow.is_finished());
    slow.abort();
}

#[tokio::test]
async fn a_query_ends_when_its_caller_goes() {
    let limits = Limits {
        query_timeout: Duration::from_hours(1),
        concurrent_queries: 1,
        ..Limits::default()
    };
    let router = filled(limits, LINES).router(None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let connect = async |uri: &str| {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {uri} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: acme\r\nConnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        connection
    };
    // The one place to run in is taken: a light query would wait for an hour.
    let mut gone = connect(&heavy()).await;
    let early = tokio::time::timeout(Duration::from_millis(300), gone.read_u8()).await;
    assert!(early.is_err(), "the heavy query was answered");
    drop(gone);
    let mut answer = String::new();
    let mut light = connect(&uri(r#"{app="x"}"#)).await;
    let read = light.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.200}");
}
