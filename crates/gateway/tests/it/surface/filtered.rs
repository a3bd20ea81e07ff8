//! What is sifted or answered by the gateway.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{PROJECT, RESOURCE, query_string};
use crate::harness::World;
use crate::harness::backend::Received;

const METADATA: &str = "prometheus/api/v1/metadata";
const RULES: &str = "prometheus/api/v1/rules";
const ALERTS: &str = "prometheus/api/v1/alerts";

fn answer(body: &Value) -> Response {
    ([("content-type", "application/json")], body.to_string()).into_response()
}

fn success(data: &Value) -> Response {
    answer(&json!({ "status": "success", "data": data }))
}

/// A metrics backend with three metrics of the resource and two of others.
fn metadata(asked: &Received) -> Response {
    let about = |kind: &str| json!([{ "type": kind, "help": "of it", "unit": "" }]);
    if asked.path.ends_with("/label/__name__/values") {
        return success(&json!(["cpu", "took_bucket", "took_count", "zeal"]));
    }
    success(&json!({
        "cpu": about("gauge"),
        "secret_bucket": about("gauge"),
        "theirs": about("counter"),
        "took": about("histogram"),
        "zeal": about("gauge"),
    }))
}

async fn data(world: &World, path: &str) -> Value {
    let answer = world.get("victor", path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], "success");
    body["data"].clone()
}

async fn metrics(world: &World, path: &str) -> Vec<String> {
    let data = data(world, path).await;
    data.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_that_of_the_resource_s_metrics() {
    let world = World::new().await;
    world.mimir.answers_by(metadata);
    let path = format!("{RESOURCE}/{METADATA}");
    assert_eq!(metrics(&world, &path).await, ["cpu", "took", "zeal"]);
    let asked = world.mimir.received();
    let names = asked.iter().find(|asked| asked.path.ends_with("/values"));
    assert_eq!(
        names.unwrap().parameter("match[]").as_deref(),
        Some(r#"{resource_id="shop-api"}"#)
    );
    // A limit of the backend's own would count what others have.
    let limited = format!("{path}?limit=2&limit_per_metric=1");
    assert_eq!(metrics(&world, &limited).await, ["cpu", "took"]);
    assert_eq!(metrics(&world, &format!("{path}?limit=0")).await.len(), 3);
    for asked in world.mimir.received() {
        assert_eq!(asked.parameter("limit"), None, "{}", asked.path);
        // What is sifted has to be read: no compression, whatever the caller takes.
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
        assert_eq!(asked.header("accept"), Some("application/json"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_a_project_is_the_backend_s_own() {
    let world = World::new().await;
    world.mimir.answers_by(metadata);
    let path = format!("{PROJECT}/{METADATA}?limit=9&metric=up");
    assert_eq!(metrics(&world, &path).await.len(), 5);
    assert_eq!(world.mimir.count(), 1);
    let asked = world.mimir.last();
    assert_eq!(asked.parameters().len(), 2);
    assert_eq!(asked.parameter("limit").as_deref(), Some("9"));
}

/// Threat 23: without the names there is nothing to sift by.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_without_the_names_is_a_502() {
    let world = World::new().await;
    for names in [
        StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        StatusCode::BAD_REQUEST.into_response(),
        success(&json!({})),
        success(&json!([1])),
        answer(&json!({ "status": "error", "data": [] })),
        answer(&json!([])),
        "{\"status\":\"success\",\"data\":[\"cpu\"".into_response(),
    ] {
        let names = std::sync::Mutex::new(Some(names));
        world.mimir.answers_by(move |asked| {
            let names = || names.lock().unwrap().take();
            match asked.path.ends_with("/values").then(names).flatten() {
                Some(names) => names,
                None => metadata(asked),
            }
        });
        let answer = world.get("victor", &format!("{RESOURCE}/{METADATA}")).await;
        assert_eq!(answer.status, 502, "{}", answer.body);
        assert!(!answer.body.contains("theirs"));
    }
}

fn rules() -> Value {
    let rule = |name: &str, labels: Value| {
        json!({ "name": name, "type": "alerting", "labels": labels, "alerts": [
            { "labels": { "resource_id": "shop-api" }, "state": "firing" },
            { "labels": { "resource_id": "shop-db" }, "state": "firing" },
        ] })
    };
    json!({ "groups": [
        { "name": "mixed", "file": "f", "rules": [
            rule("ours", json!({ "resource_id": "shop-api" })),
            rule("theirs", json!({ "resource_id": "shop-db" })),
            rule("everybody's", json!({})),
        ] },
        { "name": "theirs", "file": "f", "rules": [rule("theirs", json!({ "resource_id": "shop-db" }))] },
    ] })
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_alerts_are_those_with_the_resource_s_label() {
    let world = World::new().await;
    world.mimir.answers_by(|asked| {
        if asked.path.ends_with("/rules") {
            return success(&rules());
        }
        success(&json!({ "alerts": [
            { "labels": { "resource_id": "shop-db" } },
            { "labels": { "resource_id": "shop-api" } },
            { "labels": {} },
        ] }))
    });
    let kept = data(&world, &format!("{RESOURCE}/{RULES}")).await;
    assert!(!kept.to_string().contains("theirs") && !kept.to_string().contains("shop-db"));
    assert_eq!(kept["groups"].as_array().unwrap().len(), 1);
    assert_eq!(kept["groups"][0]["rules"][0]["name"], "ours");
    assert_eq!(kept["groups"][0]["rules"].as_array().unwrap().len(), 1);
    assert_eq!(
        data(&world, &format!("{RESOURCE}/{ALERTS}")).await,
        json!({ "alerts": [{ "labels": { "resource_id": "shop-api" } }] })
    );
    // The project's readers see the project's.
    assert_eq!(data(&world, &format!("{PROJECT}/{RULES}")).await, rules());
    let alerts = data(&world, &format!("{PROJECT}/{ALERTS}")).await;
    assert_eq!(alerts["alerts"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_without_rules_is_one_that_has_none() {
    let world = World::new().await;
    world.mimir.fails(404, "no such page");
    let groups = data(&world, &format!("{RESOURCE}/{RULES}")).await;
    assert_eq!(groups, json!({ "groups": [] }));
    let alerts = data(&world, &format!("{RESOURCE}/{ALERTS}")).await;
    assert_eq!(alerts, json!({ "alerts": [] }));
    for strange in [json!(null), json!([]), json!({ "groups": {}, "alerts": 1 })] {
        world.mimir.answers_by(move |_| success(&strange));
        let groups = data(&world, &format!("{RESOURCE}/{RULES}")).await;
        assert_eq!(groups, json!({ "groups": [] }));
        let alerts = data(&world, &format!("{RESOURCE}/{ALERTS}")).await;
        assert_eq!(alerts, json!({ "alerts": [] }));
    }
    world.mimir.fails(500, "groups of others");
    for path in [RULES, ALERTS, METADATA] {
        let answer = world.get("victor", &format!("{RESOURCE}/{path}")).await;
        assert_eq!(answer.status, 502, "{path}");
        assert!(!answer.body.contains("others"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_formatted_queries_are_answered_here() {
    let world = World::new().await;
    for mount in [RESOURCE, PROJECT] {
        let answer = world
            .get("victor", &format!("{mount}/loki/api/v1/status/buildinfo"))
            .await;
        let loki: Value = serde_json::from_str(&answer.body).unwrap();
        for field in [
            "version",
            "revision",
            "branch",
            "buildUser",
            "buildDate",
            "goVersion",
        ] {
            assert!(loki[field].is_string(), "{field}: {loki}");
        }
        let build = data(
            &world,
            &format!("{mount}/prometheus/api/v1/status/buildinfo"),
        )
        .await;
        // With them, Grafana would take it for one that has a ruler.
        assert_eq!(build.get("features"), None);
        assert!(build["version"].as_str().unwrap().starts_with("3."));

        let query = query_string(&[("query", "sum( rate(a [5m])) by(b)")]);
        let path = format!("{mount}/prometheus/api/v1/format_query?{query}");
        assert_eq!(data(&world, &path).await, "sum by (b) (rate(a[5m]))");
        let query = query_string(&[("query", "{ a=\"b\" }|=`c`")]);
        let path = format!("{mount}/loki/api/v1/format_query?{query}");
        assert_eq!(data(&world, &path).await, r#"{a="b"} |= "c""#);
        for path in ["loki/api/v1/format_query", "prometheus/api/v1/format_query"] {
            let path = format!("{mount}/{path}?{}", query_string(&[("query", "sum(")]));
            assert_eq!(world.get("victor", &path).await.status, 400, "{path}");
        }
    }
    assert_eq!(world.forwarded(), 0);
}
