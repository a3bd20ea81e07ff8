//! What reaches the backends: one tenant, one resource, and nothing of the caller's own.

use http::Method;

use crate::harness::{LOGS, METRICS, RANGE, World, encoded};

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

/// The query that reaches the metrics backend.
async fn sent_for(world: &World, query: &str) -> String {
    let path = format!("{METRICS}?query={}&{RANGE}", encoded(query));
    let answer = world.get("victor", &path).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    world.mimir.last().parameter("query").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_2_a_callers_matcher_on_the_label_is_never_trusted() {
    let world = World::new().await;
    for query in [
        r#"up{resource_id!="shop-api"}"#,
        r#"up{resource_id=~"shop-api|.*"}"#,
        r#"up{resource_id="shop-db"}"#,
        r#"up{resource_id=""}"#,
        r#"up{"resource_id"="shop-db"}"#,
    ] {
        let sent = sent_for(&world, query).await;
        assert!(
            sent.ends_with(r#",resource_id="shop-api"}"#),
            "{query}: {sent}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_3_no_selector_is_left_out() {
    let world = World::new().await;
    for (query, selectors) in [
        ("a + b / on (x) group_left c", 3),
        ("max_over_time(rate(a[5m])[1h:1m] offset 5m)", 1),
        ("topk(scalar(count(a)), b)", 2),
        (
            "histogram_quantile(scalar(a), sum by (le) (rate(b[5m])))",
            2,
        ),
        ("-a unless (b @ end() or c)", 3),
        (
            "label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\") and on () absent(b)",
            2,
        ),
        (r#"{__name__=~".+"} or {"a.b", c!="d"}"#, 2),
    ] {
        let sent = sent_for(&world, query).await;
        let scoped = sent.matches(r#"resource_id="shop-api""#).count();
        assert_eq!(scoped, selectors, "{query}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_4_info_is_refused_with_the_reason() {
    let world = World::new().await;
    for query in ["info(up)", r#"sum(info(up, {__name__="target_info"}))"#] {
        let path = format!("{METRICS}?query={}&{RANGE}", encoded(query));
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains("info"), "{}", answer.body);
    }
    assert_eq!(world.forwarded(), 0);
}

/// Mimir's query frontend runs the text in such a label as a query of its own.
#[tokio::test(flavor = "multi_thread")]
async fn threat_5_a_query_inside_of_a_selector_is_refused() {
    let world = World::new().await;
    for selector in [
        r#"__embedded_queries__{__queries__="{\"Concat\":[{\"Expr\":\"up\"}]}"}"#,
        r#"{__name__!="__embedded_queries__","__queries__"=~"{\"Concat\":[\"up\"]}"}"#,
        r#"__subquery_spinoff__{__query__="up",__range__="1h",__step__="1m"}"#,
    ] {
        let query = format!("clamp_max(sum(up), scalar({selector}))");
        let path = format!("{METRICS}?query={}&{RANGE}", encoded(&query));
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains("is not allowed"), "{}", answer.body);
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_6_deep_and_long_queries_are_a_400() {
    let world = World::new().await;
    for query in [
        format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        "(".repeat(60_000),
        "-".repeat(60_000),
        format!("a{}", " or a".repeat(12_000)).replace(' ', "+"),
    ] {
        let metrics = world
            .get("victor", &format!("{METRICS}?query={query}&{RANGE}"))
            .await;
        assert_eq!(metrics.status, 400);
        let logs = world.get("victor", &format!("{LOGS}?query={query}")).await;
        assert_eq!(logs.status, 400);
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_7_literals_have_nothing_to_scope_and_are_allowed() {
    let world = World::new().await;
    for query in ["1+1", "vector(1)", "time()"] {
        let sent = sent_for(&world, query).await;
        assert!(!sent.contains("resource_id"), "{sent}");
    }
    let path = format!("{LOGS}?query={}", encoded("vector(1)+vector(1)"));
    assert_eq!(world.get("victor", &path).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_8_an_id_with_a_quote_reaches_no_query() {
    let world = World::new().await;
    for id in [r#"shop-api"}"#, "shop-api{", "shop|api", ".*"] {
        let path = LOGS.replace("shop-api", id);
        assert_eq!(world.get("victor", &path).await.status, 404, "{id}");
    }
    assert_eq!(world.forwarded(), 0);
}
