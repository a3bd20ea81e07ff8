//! OTLP over HTTP.

use axum::response::IntoResponse;
use http::StatusCode;

use super::{RESOURCE, gzip};
use crate::harness::World;

const LOGS: &str = r#"{"resourceLogs": [{
    "resource": {"attributes": [{"key": "resource.id", "value": {"stringValue": "shop-db"}}]},
    "scopeLogs": [{"logRecords": [{"body": {"stringValue": "line"}}]}]
}]}"#;

const METRICS: &str = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{
    "name": "m",
    "gauge": {"dataPoints": [{"timeUnixNano": "1737972000000000000", "asInt": "1"}]}
}]}]}]}"#;

/// Whether the bytes hold the attribute: key and value, each behind its length.
fn has_ours(bytes: &[u8]) -> bool {
    let ours = b"\x0a\x0bresource_id\x12\x0a\x0a\x08shop-api";
    bytes.windows(ours.len()).any(|window| window == ours)
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_data_points_go_upstream_as_protobuf() {
    let world = World::new().await;
    for (what, body) in [("logs", LOGS), ("metrics", METRICS)] {
        for (body, encoding) in [(body.into(), "identity"), (gzip(body.as_bytes()), "gzip")] {
            for backend in [&world.loki, &world.mimir] {
                backend.forget();
                backend.answers(|| StatusCode::OK.into_response());
            }
            let answer = world
                .ask(&format!("{RESOURCE}/otlp/v1/{what}"))
                .token(&world.token("erin"))
                .header("content-encoding", encoding)
                .post("application/json", body)
                .send()
                .await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let backend = if what == "logs" {
                &world.loki
            } else {
                &world.mimir
            };
            let got = backend.last();
            assert_eq!(got.path, format!("/otlp/v1/{what}"));
            assert_eq!(got.headers.get("x-scope-orgid").unwrap(), "acme-shop");
            assert_eq!(
                got.headers.get("content-type").unwrap(),
                "application/x-protobuf"
            );
            assert_eq!(got.headers.get("content-encoding"), None);
            assert!(has_ours(&got.bytes), "{:?}", got.bytes);
            assert!(!got.body.contains("shop-db"));
        }
    }
}

/// Loki's answer about a tenant's limits, and to everything else a 204.
fn loki_with(world: &World, limits: &'static str) {
    world.loki.answers_by(move |asked| {
        if asked.path == "/config/tenant/v1/limits" {
            assert_eq!(asked.header("x-scope-orgid"), Some("acme-shop"));
            return limits.into_response();
        }
        StatusCode::NO_CONTENT.into_response()
    });
}

/// What no reader of the resource would find is not taken, and stays with the sender.
#[tokio::test(flavor = "multi_thread")]
async fn records_are_not_taken_where_loki_does_not_index_the_attribute() {
    let logs = async |world: &World| {
        let ask = world.ask(&format!("{RESOURCE}/otlp/v1/logs"));
        let ask = ask.token(&world.token("erin"));
        ask.post("application/json", LOGS).send().await
    };
    let world = World::new().await;
    loki_with(&world, "otlp_config: {resource_attributes: {}}");
    let answer = logs(&world).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("otlp_config"), "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(world.forwarded(), 1);

    let world = World::new().await;
    loki_with(
        &world,
        "otlp_config: {resource_attributes: {attributes_config: \
         [{action: index_label, attributes: [resource_id]}]}}",
    );
    for _ in 0..3 {
        assert_eq!(logs(&world).await.status, 200);
    }
    // It is asked once in a while, and not for every batch.
    assert_eq!(world.forwarded(), 4);
}
