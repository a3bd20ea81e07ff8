//! What a caller is shown of what the backend would be sent.

use serde_json::{Value, json};

use super::{RESOURCE, query_string};
use crate::harness::{World, encoded};

async fn shown(world: &World, below: &str, query: &str) -> Value {
    let path = format!("{RESOURCE}/{below}?{}", query_string(&[("query", query)]));
    let by_get = world.get("victor", &path).await;
    assert_eq!(by_get.status, 200, "{query}: {}", by_get.body);
    let form = query_string(&[("query", query)]);
    let ask = world.ask(&format!("{RESOURCE}/{below}")).form(&form);
    let by_post = ask.token(&world.token("victor")).send().await;
    assert_eq!(by_get.body, by_post.body);
    serde_json::from_str(&by_get.body).unwrap()
}

fn seen(query: &str) -> Value {
    json!({ "status": "success", "data": { "tenant": "acme-shop", "query": query } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_the_tenant_and_the_scoped_query() {
    let world = World::new().await;
    for (below, query, expected) in [
        ("logs/scope", "", r#"{resource_id="shop-api"}"#),
        (
            "logs/scope",
            "|= `slow`",
            r#"{resource_id="shop-api"} |= "slow""#,
        ),
        (
            "logs/scope",
            r#"sum(rate({a="b"}[5m])) / sum(rate({resource_id="iot-graph"}[5m]))"#,
            r#"sum(rate({a="b", resource_id="shop-api"}[5m])) / sum(rate({resource_id="iot-graph", resource_id="shop-api"}[5m]))"#,
        ),
        (
            "metrics/scope",
            "up or ledger{a='b'}",
            r#"up{resource_id="shop-api"} or ledger{a="b",resource_id="shop-api"}"#,
        ),
    ] {
        assert_eq!(shown(&world, below, query).await, seen(expected));
    }
    assert_eq!(world.forwarded(), 0);
}

/// Byte for byte: what is shown is no second opinion.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_is_sent() {
    let world = World::new().await;
    let logs = r#"topk(3, sum by (x) (count_over_time({a=~"b|c"} | json | x != "" [1m])))"#;
    let metrics =
        r#"histogram_quantile(0.9, sum by (le) (rate({"took.s_bucket"}[5m:1m] offset 1h)))"#;
    for (shown_at, sent_to, query, times) in [
        ("logs/scope", "logs", logs, ""),
        (
            "metrics/scope",
            "metrics/query_range",
            metrics,
            "&start=1737972000&end=1737972060&step=15",
        ),
    ] {
        let shown = shown(&world, shown_at, query).await;
        let asked = query_string(&[("query", query)]);
        let path = format!("{RESOURCE}/{sent_to}?{asked}{times}");
        assert_eq!(world.get("victor", &path).await.status, 200, "{path}");
        let mut sent = world.loki.received();
        sent.extend(world.mimir.received());
        let [sent] = sent.as_slice() else {
            panic!("{} requests", sent.len())
        };
        let parameters = sent.parameters();
        let query = parameters.iter().find(|(name, _)| name == "query");
        assert_eq!(shown["data"]["query"], query.unwrap().1);
        let tenant = sent.header("x-scope-orgid");
        assert_eq!(shown["data"]["tenant"].as_str(), tenant);
        world.loki.forget();
        world.mimir.forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_1_a_query_that_cannot_be_scoped_is_shown_as_nothing_but_its_mistake() {
    let world = World::new().await;
    for (below, query, place) in [
        ("logs/scope", r#"{a="b"} |= "#, "1:12"),
        ("logs/scope", r#"{a="b"}} or {c="d"}"#, "1:8"),
        ("metrics/scope", "sum(up", "1:7"),
        ("metrics/scope", "info(up)", "1:1"),
    ] {
        let path = format!("{RESOURCE}/{below}?query={}", encoded(query));
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let error = body["error"].as_str().unwrap();
        assert!(error.contains(place) && error.contains('^'), "{error}");
        assert_eq!(body.get("data"), None);
    }
    let path = format!("{RESOURCE}/metrics/scope");
    assert_eq!(world.get("victor", &path).await.status, 400);
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_2_nobody_is_shown_what_they_could_not_ask() {
    let world = World::new().await;
    for below in ["logs/scope", "metrics/scope"] {
        for (who, path, status) in [
            ("mallory", RESOURCE.to_owned(), 403),
            ("victor", RESOURCE.replace("shop-api", "iot-graph"), 404),
            ("victor", RESOURCE.replace("acme-shop", "globex-iot"), 403),
            ("victor", RESOURCE.replace("acme-shop", "no-such"), 403),
        ] {
            let path = format!("{path}/{below}?query=up");
            let answer = world.get(who, &path).await;
            assert_eq!(answer.status, status, "{who} {path}");
            assert!(!answer.body.contains("tenant"), "{}", answer.body);
        }
        let path = format!("/api/v1/projects/acme-shop/{below}?query=up");
        assert_eq!(world.get("victor", &path).await.status, 404, "{path}");
        // The caller's word for the tenant is nobody's.
        let path = format!("{RESOURCE}/{below}?query=%7Ba%3D%22b%22%7D");
        let ask = world.ask(&path).header("x-scope-orgid", "globex-iot");
        let answer = ask.token(&world.token("victor")).send().await;
        assert!(answer.body.contains(r#""tenant":"acme-shop""#));
        let bare = world.ask(&path).send().await;
        assert_eq!(bare.status, 401);
    }
}
