//! Every row of the error table: status and body.

use std::time::Duration;

use axum::response::IntoResponse as _;
use http::Method;

use crate::harness::client::alike;
use crate::harness::{LOGS, METRICS, RANGE, World, backend_at, encoded, nobody};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_does_not_parse_is_a_400_that_points_at_the_place() {
    let world = World::new().await;
    let path = format!("{LOGS}?query={}", encoded("{level=\"error\"} |= "));
    let answer = world.get("victor", &path).await;
    assert_eq!(answer.status, 400);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], "error");
    assert_eq!(body["errorType"], "bad_data");
    let lines: Vec<&str> = body["error"].as_str().unwrap().lines().collect();
    assert!(lines[0].starts_with("1:"), "{lines:?}");
    assert_eq!(lines[1].trim(), r#"{level="error"} |="#);
    assert_eq!(lines[2].trim(), "^");
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_a_401() {
    let world = World::new().await;
    let answer = world.ask(LOGS).send().await;
    insta::assert_snapshot!(answer.told(), @r#"401 {"status":"error","errorType":"unauthorized","error":"send a token of the configured issuer: Authorization: Bearer <token>"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unacceptable_token_is_a_401_with_the_reason() {
    let world = World::new().await;
    let token = world.token("victor");
    world.clock.advance(7200);
    let answer = world.ask(LOGS).token(&token).send().await;
    insta::assert_snapshot!(answer.told(), @r#"401 {"status":"error","errorType":"unauthorized","error":"the token has expired"}"#);
    insta::assert_snapshot!(answer.header("www-authenticate").unwrap(), @r#"Bearer realm="ktrlplane", error="invalid_token", error_description="the token has expired""#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_a_404_with_or_without_a_token() {
    let world = World::new().await;
    let mut told = Vec::new();
    for path in [
        "/",
        "/api/v1",
        "/loki/api/v1/query_range",
        "/prometheus/api/v1/query?query=up",
        "/api/v1/projects/acme-shop/loki/api/v1/push",
        "/api/v1/projects/acme-shop/resources/shop-api/logs/",
        "/metrics",
    ] {
        told.push(world.ask(path).send().await.told());
        told.push(world.get("alice", path).await.told());
    }
    insta::assert_snapshot!(alike(told), @r#"404 {"status":"error","errorType":"not_found","error":"there is nothing at this path"}"#);
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_a_405_that_names_the_right_ones() {
    let world = World::new().await;
    let mut told = Vec::new();
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ] {
        let ask = world.ask(LOGS).method(method.clone());
        let answer = ask.token(&world.token("alice")).send().await;
        assert_eq!(answer.header("allow"), Some("GET"), "{method}");
        told.push(answer.told());
    }
    insta::assert_snapshot!(alike(told), @r#"405 {"status":"error","errorType":"method_not_allowed","error":"this path does not answer the method of the request"}"#);
    let head = world.ask(LOGS).method(Method::HEAD).send().await;
    assert_eq!(head.status, 405);
    let answer = world.ask("/health").method(Method::POST).send().await;
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_not_configured_is_a_503() {
    let world = World::with(|settings| (settings.loki, settings.mimir) = (None, None)).await;
    let logs = world.get("victor", LOGS).await.told();
    insta::assert_snapshot!(logs, @r#"503 {"status":"error","errorType":"unavailable","error":"the logs backend is not configured"}"#);
    // Before parameters are looked at, and after permissions are.
    let metrics = world
        .get("victor", &format!("{METRICS}?step=x"))
        .await
        .told();
    insta::assert_snapshot!(metrics, @r#"503 {"status":"error","errorType":"unavailable","error":"the metrics backend is not configured"}"#);
    assert_eq!(world.ask(LOGS).send().await.status, 401);
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
    let nope = "/api/v1/projects/acme-shop/resources/nope/logs";
    assert_eq!(world.get("victor", nope).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_cannot_be_reached_is_a_502() {
    let (_held, url) = nobody();
    let world = World::with(|settings| settings.loki = Some(backend_at(&url))).await;
    let told = world.get("victor", LOGS).await.told();
    insta::assert_snapshot!(told, @r#"502 {"status":"error","errorType":"bad_gateway","error":"the logs backend did not give a usable answer (request <id>)"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_breaks_off_before_its_headers_is_a_502() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 O").await;
        }
    });
    let world = World::with(|settings| settings.loki = Some(backend_at(&url))).await;
    assert_eq!(world.get("victor", LOGS).await.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_fails_or_refuses_the_gateway_is_a_502_without_its_words() {
    let world = World::new().await;
    for status in [201, 204, 302, 304, 401, 403, 405, 413, 500, 501, 503] {
        world.mimir.fails(status, "internal address 10.0.0.7");
        let answer = world
            .get("victor", &format!("{METRICS}?query=up&{RANGE}"))
            .await;
        assert_eq!(answer.status, 502, "{status}");
        assert!(!answer.body.contains("10.0.0.7"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_says_that_a_query_takes_too_long_is_a_504() {
    let world = World::new().await;
    let path = format!("{METRICS}?query=up&{RANGE}");
    let of_prometheus = r#"{"status":"error","errorType":"timeout","error":"at 10.0.0.7"}"#;
    for (status, body) in [(504, "at 10.0.0.7"), (503, of_prometheus)] {
        world.mimir.fails(status, body);
        let told = world.get("victor", &path).await.told();
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @r#"504 {"status":"error","errorType":"timeout","error":"the metrics backend did not answer in time (request <id>)"}"#);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_that_do_not_match_in_loki_are_a_400_that_says_what_to_do() {
    let world = World::new().await;
    world.loki.fails(
        500,
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    );
    let told = world.get("victor", LOGS).await.told();
    insta::assert_snapshot!(told, @r#"400 {"status":"error","errorType":"bad_data","error":"query: the series on the two sides of an operation do not match one to one: aggregate both sides by the same labels, or say with group_left or group_right which side has several"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_without_the_endpoint_is_a_501_and_no_404() {
    let world = World::new().await;
    world.mimir.fails(404, "404 page not found");
    let path = format!("{METRICS}?query=up&{RANGE}");
    let told = world.get("victor", &path).await.told();
    insta::assert_snapshot!(told, @r#"501 {"status":"error","errorType":"not_implemented","error":"the metrics backend does not serve this, or it is not enabled there (request <id>)"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_answer_in_time_is_a_504() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let world = World::with(|settings| {
        let mut slow = backend_at(&url);
        slow.timeout = Duration::from_millis(200);
        settings.mimir = Some(slow);
    })
    .await;
    let path = format!("{METRICS}?query=up&{RANGE}");
    let told = world.get("victor", &path).await.told();
    insta::assert_snapshot!(told, @r#"504 {"status":"error","errorType":"timeout","error":"the metrics backend did not answer in time (request <id>)"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backends_own_400_422_and_429_come_through_with_their_body() {
    let world = World::new().await;
    for status in [400, 422, 429] {
        world.loki.fails(status, "parse error : what Loki says");
        let answer = world.get("victor", LOGS).await;
        assert_eq!(answer.status, status);
        // Loki names no time, and who is not told one comes back at once.
        let after = (status == 429).then_some("1");
        assert_eq!(answer.header("retry-after"), after);
        assert_eq!(answer.body, "parse error : what Loki says");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backends_retry_after_comes_through_with_its_429() {
    let world = World::new().await;
    world.loki.answers(|| {
        (
            http::StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", "7")],
            "slow down",
        )
            .into_response()
    });
    let answer = world.get("victor", LOGS).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (429, Some("7"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_of_its_own() {
    let world = World::new().await;
    let mut ids = std::collections::BTreeSet::new();
    for path in [LOGS, "/nowhere", "/health", METRICS] {
        for answer in [
            world.get("victor", path).await,
            world.ask(path).send().await,
        ] {
            let id = answer.header("x-request-id").unwrap().to_owned();
            assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 7);
            assert!(ids.insert(id));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_browser_guesses_the_type_of_an_answer_whoever_wrote_it() {
    let world = World::new().await;
    for path in [
        LOGS,
        METRICS,
        "/nowhere",
        "/health",
        "/openapi.json",
        "/api/v1/projects",
    ] {
        for answer in [
            world.get("victor", path).await,
            world.ask(path).send().await,
        ] {
            let found = answer.header("x-content-type-options");
            assert_eq!(found, Some("nosniff"), "{} of {path}", answer.status);
        }
    }
    world
        .loki
        .answers(|| (http::StatusCode::BAD_REQUEST, "<script>").into_response());
    let answer = world.get("victor", LOGS).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// The order of the checks is part of what can be found out.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_told_to_readers_only() {
    let world = World::new().await;
    let bad = format!("{LOGS}?limit=x");
    assert_eq!(world.ask(&bad).send().await.status, 401);
    assert_eq!(world.get("mallory", &bad).await.status, 403);
    assert_eq!(world.get("victor", &bad).await.status, 400);
}
