//! What reaches the backends: one tenant, one resource, and nothing of the caller's own.

use http::Method;

use crate::harness::{LOGS, METRICS, RANGE, World, backend_at, encoded};

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_asked_for_in_the_tenant_and_of_the_resource() {
    let world = World::new().await;
    let query = encoded(r#"{level="error"}"#);
    let answer = world
        .get(
            "victor",
            &format!(
                "{LOGS}?query={query}&start=2025-01-27T10:00:00Z&end=2025-01-27T11:00:00Z&limit=100"
            ),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body, crate::harness::backend::ANSWER);
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let sent = world.loki.last();
    assert_eq!(sent.method, Method::GET);
    assert_eq!(sent.path, "/loki/api/v1/query_range");
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    let query = sent.parameter("query").unwrap();
    assert!(query.contains(r#"resource_id="shop-api""#), "{query}");
    assert!(query.contains(r#"level="error""#), "{query}");
    assert_eq!(sent.parameter("start").unwrap(), "1737972000000000000");
    assert_eq!(sent.parameter("end").unwrap(), "1737975600000000000");
    assert_eq!(sent.parameter("limit").unwrap(), "100");
    assert_eq!(world.mimir.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_asked_for_in_the_tenant_and_of_the_resource() {
    let world = World::new().await;
    let answer = world
        .get("victor", &format!("{METRICS}?query=cpu_usage_percent&start=2025-01-27T10:00:00.5Z&end=1737975600&step=1m30s"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);

    let sent = world.mimir.last();
    assert_eq!(sent.path, "/prometheus/api/v1/query_range");
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    let query = sent.parameter("query").unwrap();
    assert_eq!(query, r#"cpu_usage_percent{resource_id="shop-api"}"#);
    assert_eq!(sent.parameter("start").unwrap(), "1737972000.5");
    assert_eq!(sent.parameter("end").unwrap(), "1737975600");
    assert_eq!(sent.parameter("step").unwrap(), "90");
    assert_eq!(world.loki.count(), 0);
}

/// Threat 11: an absent query would be all of the tenant's logs.
#[tokio::test(flavor = "multi_thread")]
async fn threat_11_no_query_is_all_logs_of_the_resource_alone() {
    let world = World::new().await;
    for query in ["", "?query=", "?query=%7B%7D"] {
        let answer = world.get("victor", &format!("{LOGS}{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let sent = world.loki.last();
        assert_eq!(
            sent.parameter("query").unwrap(),
            r#"{resource_id="shop-api"}"#
        );
        assert_eq!(sent.parameter("limit").unwrap(), "1000");
        assert_eq!(sent.parameter_names(), ["query", "limit"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_alone_is_one_on_the_resources_own_selector() {
    let world = World::new().await;
    let query = encoded(r#"|= "timeout" | json"#);
    world.get("victor", &format!("{LOGS}?query={query}")).await;
    let query = world.loki.last().parameter("query").unwrap();
    assert!(query.starts_with(r#"{resource_id="shop-api"}"#), "{query}");
    assert!(query.contains("timeout"), "{query}");
}

/// Threat 1: text around the query cannot break out of it, because nothing is glued.
#[tokio::test(flavor = "multi_thread")]
async fn threat_1_what_does_not_parse_is_not_forwarded() {
    let world = World::new().await;
    for query in [r#"vector(1)) or {__name__=~".+"} #("#, r#"up{a="b"#, "sum("] {
        let path = format!("{METRICS}?query={}&{RANGE}", encoded(query));
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    for query in [r#"{a="b"} } or {c="d"}"#, r#"{a="b"#, "level=error"] {
        let path = format!("{LOGS}?query={}", encoded(query));
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    assert_eq!(world.forwarded(), 0);
}
