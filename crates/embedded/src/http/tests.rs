//! The router as clients see it.

mod loki_categories;
mod loki_detected;
mod loki_index;
mod loki_labels;
mod loki_patterns;
mod loki_protection;
mod loki_tail;
mod otlp;
mod prometheus_notes;
mod prometheus_protection;
mod prometheus_surface;
mod push;
mod remote_write_2;
mod too_old;
mod write_bodies;

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::{Backend, Credentials, Limits, LogEntry, LogStream, Sample, SampleSeries};

const NOW: i64 = 1_793_491_200_000_000_000;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn backend() -> Backend {
    let backend = Backend::with_clock(Limits::default(), Arc::new(|| NOW));
    for (tenant, value) in [("acme", 1.5), ("globex", 2.0)] {
        let series = SampleSeries {
            labels: pairs(&[("__name__", "up"), ("tenant", tenant)]),
            samples: vec![Sample {
                timestamp_ms: NOW / 1_000_000 - 60_000,
                value,
            }],
        };
        backend.push_samples(tenant, vec![series]).unwrap();
        let stream = LogStream {
            labels: pairs(&[("tenant", tenant)]),
            entries: vec![LogEntry {
                timestamp_ns: NOW - 1,
                line: format!("of {tenant}"),
                structured_metadata: Vec::new(),
            }],
        };
        backend.push_logs(tenant, vec![stream]).unwrap();
    }
    backend
}

async fn send(backend: &Backend, request: Request<Body>) -> (StatusCode, String) {
    let response = backend.router(None).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(tenant: &str, uri: &str) -> (StatusCode, String) {
    let request = Request::get(uri)
        .header("X-Scope-OrgID", tenant)
        .body(Body::empty())
        .unwrap();
    send(&backend(), request).await
}

/// Asks for the tenant acme, by GET and by POST, and returns status and body if they are the same.
async fn get_and_post(backend: &Backend, path: &str, parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    let form = form.finish();
    let header = ("Content-Type", "application/x-www-form-urlencoded");
    let get = Request::get(format!("{path}?{form}")).header("X-Scope-OrgID", "acme");
    let post = Request::post(path).header("X-Scope-OrgID", "acme");
    let got = send(backend, get.body(Body::empty()).unwrap()).await;
    let post = post.header(header.0, header.1).body(Body::from(form));
    assert_eq!(got, send(backend, post.unwrap()).await);
    format!("{} {}", got.0.as_u16(), got.1)
}

#[tokio::test]
async fn an_instant_query_answers_in_the_shape_of_prometheus() {
    let (status, body) = get("acme", "/prometheus/api/v1/query?query=up").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        body,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","tenant":"acme"},"value":[1793491200,"1.5"]}]}}"#
    );
    let (_, body) = get("acme", "/prometheus/api/v1/query?query=1%2B1&time=5.25").await;
    assert_eq!(
        body,
        r#"{"status":"success","data":{"resultType":"scalar","result":[5.250,"2"]}}"#
    );
    let (_, body) = get("acme", "/prometheus/api/v1/query?query=%22a%22").await;
    assert_eq!(
        body,
        r#"{"status":"success","data":{"resultType":"string","result":[1793491200,"a"]}}"#
    );
    let (_, body) = get("acme", "/prometheus/api/v1/query?query=up[2m]").await;
    assert_eq!(
        body,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","tenant":"acme"},"values":[[1793491140,"1.5"]]}]}}"#
    );
}

#[tokio::test]
async fn a_range_query_answers_get_and_post_alike() {
    let parameters = "query=up&start=1793491100&end=2026-11-01T00:00:00Z&step=50s";
    let wanted = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","tenant":"globex"},"values":[[1793491150,"2"],[1793491200,"2"]]}]}}"#;
    let uri = format!("/prometheus/api/v1/query_range?{parameters}");
    assert_eq!(
        get("globex", &uri).await,
        (StatusCode::OK, wanted.to_owned())
    );
    let request = Request::post("/prometheus/api/v1/query_range")
        .header("X-Scope-OrgID", "globex")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Body::from(parameters))
        .unwrap();
    assert_eq!(
        send(&backend(), request).await,
        (StatusCode::OK, wanted.to_owned())
    );
}

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    for (tenant, series) in [("acme", 1), ("globex", 1), ("nobody", 0)] {
        let uri = "/prometheus/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D";
        let (status, body) = get(tenant, uri).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body.matches("\"metric\"").count(), series, "{body}");
        assert_eq!(body.contains(tenant), series == 1, "{body}");
    }
}

#[tokio::test]
async fn bad_parameters_are_refused_in_prometheus_words() {
    let range = "/prometheus/api/v1/query_range?query=up";
    for (uri, error) in [
        (
            "/prometheus/api/v1/query?query=up&time=x".to_owned(),
            r#"invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp"#,
        ),
        (
            format!("{range}&start=2&end=1&step=1"),
            r#"invalid parameter \"end\": end timestamp must not be before start time"#,
        ),
        (
            format!("{range}&start=1&end=2&step=0"),
            r#"invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
        ),
        (
            format!("{range}&start=1&end=2"),
            r#"invalid parameter \"step\": cannot parse \"\" to a valid duration"#,
        ),
        (
            format!("{range}&start=0&end=11001&step=1"),
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
    ] {
        let (status, body) = get("acme", &uri).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let wanted = format!(r#"{{"status":"error","errorType":"bad_data","error":"{error}"}}"#);
        assert_eq!(body, wanted);
    }
}

#[tokio::test]
async fn what_cannot_be_evaluated_is_a_422() {
    let (status, body) = get("acme", "/prometheus/api/v1/query?query=start_timestamp(up)").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    assert_eq!(
        body,
        r#"{"status":"error","errorType":"execution","error":"the function start_timestamp is not supported by the embedded backend"}"#
    );
}

/// Loki's answer without its statistics, which hold times.
fn without_stats(body: &str) -> &str {
    body.split(r#","stats":"#).next().unwrap_or_default()
}

#[tokio::test]
async fn log_queries_answer_in_the_shape_of_loki() {
    let query = "query=%7Btenant%3D~%22.%2B%22%7D";
    for tenant in ["acme", "globex"] {
        let (status, body) = get(tenant, &format!("/loki/api/v1/query_range?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let wanted = format!(
            r#"{{"status":"success","data":{{"resultType":"streams","result":[{{"stream":{{"tenant":"{tenant}"}},"values":[["1793491199999999999","of {tenant}"]]}}]"#
        );
        assert_eq!(without_stats(&body), wanted);
        serde_json::from_str::<serde_json::Value>(&body).unwrap();
    }
    // The end is exclusive.
    let times = "start=1793491199000000000&end=1793491199999999999";
    let (_, body) = get("acme", &format!("/loki/api/v1/query_range?{query}&{times}")).await;
    let empty = r#"{"status":"success","data":{"resultType":"streams","result":[]"#;
    assert_eq!(without_stats(&body), empty);
}

#[tokio::test]
async fn metric_queries_over_logs_answer_in_the_shape_of_loki() {
    let query = "query=count_over_time(%7Btenant%3D%22acme%22%7D%5B1m%5D)";
    let (status, body) = get("acme", &format!("/loki/api/v1/query?{query}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let wanted = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"tenant":"acme"},"value":[1793491200,"1"]}]"#;
    assert_eq!(without_stats(&body), wanted);
    // Widened to whole steps, as Loki does.
    let times = "start=2026-11-01T00:00:00.5Z&end=1793491201.5&step=1";
    let (status, body) = get("acme", &format!("/loki/api/v1/query_range?{query}&{times}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let wanted = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"tenant":"acme"},"values":[[1793491200,"1"],[1793491201,"1"],[1793491202,"1"]]}]"#;
    assert_eq!(without_stats(&body), wanted);
    // What Grafana's health check sends.
    let uri = "/loki/api/v1/query?query=vector(1)%2Bvector(1)";
    let (status, body) = get("acme", uri).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let wanted = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1793491200,"2"]}]"#;
    assert_eq!(without_stats(&body), wanted);
}

#[tokio::test]
async fn loki_refuses_bad_parameters_in_plain_text() {
    let query = "query=%7Ba%3D%22b%22%7D";
    for (parameters, error) in [
        ("limit=0", "limit must be a positive value"),
        ("direction=up", "invalid direction 'up'"),
        (
            "start=2&end=1",
            "end timestamp must not be before or equal to start time",
        ),
        (
            "start=0&end=20000&step=1",
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
        ),
        ("interval=-1", "interval must be >= 0"),
        (
            "limit=5001",
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)",
        ),
    ] {
        let uri = format!("/loki/api/v1/query_range?{query}&{parameters}");
        let (status, body) = get("acme", &uri).await;
        assert_eq!((status, body.as_str()), (StatusCode::BAD_REQUEST, error));
    }
    let (status, body) = get("acme", &format!("/loki/api/v1/query?{query}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.starts_with("log queries are not supported as an instant query"));
}

#[tokio::test]
async fn a_request_for_no_tenant_or_several_is_refused() {
    for path in ["/loki/api/v1/query_range", "/prometheus/api/v1/query"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, body) = send(&backend(), request).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(body.trim_end(), "no org id");
        let (status, _) = get("acme|globex", path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let request = Request::get(path)
            .header("X-Scope-OrgID", "acme")
            .header("X-Scope-OrgID", "globex")
            .body(Body::empty())
            .unwrap();
        let (status, _) = send(&backend(), request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn without_its_credentials_no_path_answers() {
    let router = backend().router(Some(Credentials::basic("gateway", "s3cret")));
    let ask = async |path: &str, authorization: Option<&str>| {
        let mut request = Request::get(path).header("X-Scope-OrgID", "acme");
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    };
    for path in [
        "/ready",
        "/prometheus/api/v1/query?query=1",
        "/loki/api/v1/query_range",
        "/nope",
    ] {
        // gateway:wrong, gateway:s3cre, gateway:s3crets, no base64, another scheme
        for authorization in [
            None,
            Some("Basic Z2F0ZXdheTp3cm9uZw=="),
            Some("Basic Z2F0ZXdheTpzM2NyZQ=="),
            Some("Basic Z2F0ZXdheTpzM2NyZXRz"),
            Some("Basic !"),
            Some("Bearer Z2F0ZXdheTpzM2NyZXQ="),
            Some(""),
        ] {
            let status = ask(path, authorization).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {authorization:?}");
        }
    }
    let right = Some("Basic Z2F0ZXdheTpzM2NyZXQ=");
    assert_eq!(ask("/ready", right).await, StatusCode::OK);
    assert_eq!(ask("/nope", right).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_ended() {
    let uri = "/prometheus/api/v1/query?query=up&timeout=0";
    let (status, body) = get("acme", uri).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(
        body,
        r#"{"status":"error","errorType":"timeout","error":"query timed out in query execution"}"#
    );
}

#[tokio::test]
async fn the_deepest_query_that_parses_is_evaluated() {
    let nested = |open: &str, inner: &str| {
        // Finds the greatest depth that the parser takes.
        let query = |depth: usize| open.repeat(depth) + inner + &")".repeat(depth);
        let most = (1..2000).take_while(|depth| query::promql::parse(&query(*depth)).is_ok());
        query(most.last().unwrap())
    };
    for query in [
        nested("(", "up"),
        nested("abs(", "up"),
        nested("sum(", "up"),
        nested("(1 + ", "up"),
        nested("-(", "up"),
    ] {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let uri = format!("/prometheus/api/v1/query?query={query}");
        let (status, body) = get("acme", &uri).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
}
