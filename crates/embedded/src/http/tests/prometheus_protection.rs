//! What one PromQL query may cost, and that it costs nobody else.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// 2026-11-01T00:00:00Z.
const START: i64 = 1_793_491_200;
const SERIES: i64 = 200;
/// Far less than the heavy query takes, and far more than anything else here does.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two tenants, each with as many series of a sample every 15 seconds for an hour.
fn filled(limits: Limits) -> Backend {
    let backend = Backend::with_clock(limits, Arc::new(|| (START + 3_600) * 1_000_000_000));
    let one = |at: i64| SampleSeries {
        labels: pairs(&[("__name__", "m"), ("at", &at.to_string())]),
        samples: (0..240_i32)
            .map(|step| Sample {
                timestamp_ms: START * 1_000 + i64::from(step) * 15_000,
                value: f64::from(step),
            })
            .collect(),
    };
    for tenant in ["acme", "globex"] {
        let series = (0..SERIES).map(one).collect();
        backend.push_samples(tenant, series).unwrap();
    }
    backend
}

fn uri(query: &str) -> String {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let end = START + 3_600;
    format!("/prometheus/api/v1/query_range?query={query}&start={START}&end={end}&step=1")
}

/// Sorts windows of thousands of samples at thousands of steps, for each series.
fn heavy() -> String {
    uri("quantile_over_time(0.5, m[1h:1s])")
}

fn light() -> String {
    uri("count(m)")
}

fn request(tenant: &str, uri: &str) -> Request<Body> {
    let request = Request::get(uri).header("X-Scope-OrgID", tenant);
    request.body(Body::empty()).unwrap()
}

fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"status":"error","errorType":"{kind}","error":"{message}"}}"#)
}

#[tokio::test]
async fn a_query_with_too_many_samples_is_refused_in_prometheus_words() {
    let limits = Limits {
        max_samples: 10_000,
        ..Limits::default()
    };
    let backend = filled(limits);
    let message = "query processing would load too many samples into memory in query execution";
    for query in [
        "m",
        "sum(m)",
        "rate(m[5m])",
        "max_over_time(m[1h:1s])",
        "m + on (at) m",
        "quantile_over_time(0.5, m[1h])",
    ] {
        let (status, body) = send(&backend, request("acme", &uri(query))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {body}");
        assert_eq!(body, error("execution", message), "{query}");
    }
    let few = uri(r#"rate(m{at="7"}[5m])"#);
    let (status, body) = send(&backend, request("acme", &few)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn a_query_of_too_many_series_is_refused_in_mimirs_words() {
    let limits = Limits {
        max_fetched_series: 100,
        ..Limits::default()
    };
    let backend = filled(limits);
    let message = "the query exceeded the maximum number of series (limit: 100 series) \
                   (err-mimir-max-series-per-query)";
    for query in [
        "m",
        "sum(rate(m[5m]))",
        r#"m{at=~"1.?"} + on (at) m{at!~"1.?"}"#,
    ] {
        let (status, body) = send(&backend, request("acme", &uri(query))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {body}");
        assert!(body.contains(message), "{query}: {body}");
    }
    let (status, body) = send(&backend, request("acme", &uri(r#"count(m{at=~"1.*"})"#))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let (status, body) = send(&backend, request("acme", &uri(r#"count(m{at=~"1.?"})"#))).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn a_query_of_more_than_eleven_thousand_points_is_refused() {
    let backend = filled(Limits::default());
    let range =
        |end: i64| format!("/prometheus/api/v1/query_range?query=1&start={START}&end={end}&step=1");
    let (status, body) = send(&backend, request("acme", &range(START + 11_000))).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (status, body) = send(&backend, request("acme", &range(START + 11_001))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let message = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the \
                   query resolution (?step=XX)";
    assert_eq!(body, error("bad_data", message));
}

#[tokio::test]
async fn a_query_ends_at_its_time_and_no_later_than_its_caller_wants() {
    let short = Limits {
        query_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    for (limits, parameter) in [(short, ""), (Limits::default(), "&timeout=200ms")] {
        let started = Instant::now();
        let uri = heavy() + parameter;
        let (status, body) = send(&filled(limits), request("acme", &uri)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert_eq!(body, error("timeout", "query timed out in query execution"));
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_tenants_heavy_queries_keep_no_other_tenant_waiting() {
    let limits = Limits {
        query_timeout: Duration::from_hours(1),
        concurrent_queries: 4,
        waiting_queries_per_tenant: 3,
        ..Limits::default()
    };
    // One router, for the places to run in are a router's.
    let router = filled(limits).router(None);
    let ask = |tenant: &str, uri: &str| router.clone().oneshot(request(tenant, uri));
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..6 {
        slow.spawn(ask("acme", &heavy()));
    }
    // Two of them run and three wait. The sixth is told so, and what comes now as well, in either
    // language's words.
    let refused = tokio::time::timeout(PATIENCE, slow.join_next()).await;
    let refused = refused.unwrap().unwrap().unwrap().unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let body = axum::body::to_bytes(refused.into_body(), 1 << 20).await;
    let wanted = error("too_many_requests", "too many outstanding requests");
    assert_eq!(body.unwrap(), wanted);
    let logs = "/loki/api/v1/query?query=vector(1)";
    let refused = ask("acme", logs).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let body = axum::body::to_bytes(refused.into_body(), 1 << 20).await;
    assert_eq!(body.unwrap(), "too many outstanding requests");
    for uri in [&light(), logs] {
        let answer = tokio::time::timeout(PATIENCE, ask("globex", uri)).await;
        assert_eq!(answer.unwrap().unwrap().status(), StatusCode::OK, "{uri}");
    }
    assert!(slow.try_join_next().is_none());
}

#[tokio::test]
async fn a_query_that_gets_no_place_in_its_time_says_where_it_waited() {
    let limits = Limits {
        query_timeout: Duration::from_hours(1),
        concurrent_queries: 1,
        ..Limits::default()
    };
    let router = filled(limits).router(None);
    let slow = tokio::spawn(router.clone().oneshot(request("acme", &heavy())));
    let wanted = error("timeout", "query timed out in query queue");
    let told = async {
        // What comes before the heavy query has its place is answered otherwise.
        loop {
            let waiting = request("acme", &(light() + "&timeout=20ms"));
            let answer = router.clone().oneshot(waiting).await.unwrap();
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
            if body.unwrap() == wanted {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
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
    let router = filled(limits).router(None);
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
    let mut light = connect(&light()).await;
    let read = light.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.200}");
}

#[tokio::test]
async fn selectors_that_match_everything_are_refused_unless_they_may_be_any() {
    let escape =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let vector = "1:1: parse error: vector selector must contain at least one non-empty matcher";
    let set = "match[] must contain at least one non-empty matcher";
    let prefixed =
        |name: &str, message: &str| format!(r#"invalid parameter \"{name}\": {message}"#);
    let backend = filled(Limits::default());
    let any = filled(Limits {
        any_selector: true,
        ..Limits::default()
    });
    for selector in [
        "{}",
        r#"{at=~".*"}"#,
        r#"{at!="x"}"#,
        r#"{at!~".+",job=""}"#,
    ] {
        for (path, parameter, message) in [
            ("query", "query", prefixed("query", vector)),
            ("format_query", "query", prefixed("query", vector)),
            ("query_exemplars", "query", vector.to_owned()),
            ("series", "match[]", prefixed("match[]", set)),
            ("labels", "match[]", set.to_owned()),
            ("label/at/values", "match[]", set.to_owned()),
            ("rules", "match[]", set.to_owned()),
        ] {
            let uri = |selector: &str| {
                let (parameter, selector) = (escape(parameter), escape(selector));
                format!("/prometheus/api/v1/{path}?{parameter}={selector}")
            };
            let (status, body) = send(&backend, request("acme", &uri(selector))).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {selector}: {body}");
            assert_eq!(body, error("bad_data", &message), "{path} {selector}");
            let (status, body) = send(&any, request("acme", &uri(selector))).await;
            assert_eq!(status, StatusCode::OK, "{path} {selector}: {body}");
            // As behind the gateway, which adds such a matcher.
            let scoped = selector.replacen('{', r#"{resource_id="x","#, 1);
            let (status, body) = send(&backend, request("acme", &uri(&scoped))).await;
            assert_eq!(status, StatusCode::OK, "{path} {scoped}: {body}");
        }
    }
}
