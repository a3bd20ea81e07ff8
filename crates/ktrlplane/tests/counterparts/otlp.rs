//! OTLP through the gateway into the embedded backend.

use serde_json::{Value, json};

use crate::http::{get, post_json, with_query};
use crate::world::{PROJECT, RESOURCE, World};

/// Two attributes of which the second claims another resource.
fn attributes(key: &str, value: &str) -> Value {
    json!([
        {"key": key, "value": {"stringValue": value}},
        {"key": "resource.id", "value": {"stringValue": "shop-db"}},
    ])
}

#[test]
fn a_record_and_a_counter_that_are_sent_to_the_embedded_backend_are_read_from_it() {
    let Some(mut world) = World::new() else {
        return;
    };
    let gateway = world.gateway(Some("embedded:"), Some("embedded:"));
    let (alice, victor) = (world.issuer.token("alice"), world.issuer.token("victor"));
    let base = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}",
        gateway.url
    );
    let now = jiff::Timestamp::now().as_nanosecond().to_string();
    let resource = json!({"attributes": attributes("service.name", "checkout")});

    let logs = json!({"resourceLogs": [{
        "resource": resource,
        "scopeLogs": [{"scope": {"name": "lib"}, "logRecords": [{
            "timeUnixNano": now,
            "severityNumber": 9,
            "body": {"stringValue": "paid"},
            "attributes": attributes("order.id", "7"),
        }]}],
    }]});
    let url = format!("{base}/otlp/v1/logs");
    post_json(&url, &victor, &logs.to_string()).expect(403);
    post_json(&url, &alice, &logs.to_string()).expect(200);
    // The backend has said that it indexes the resource, in a form that the gateway understands.
    let log = gateway.log();
    assert!(!log.contains("otlp_config"), "{log}");
    let url = format!("{base}/loki/api/v1/query_range");
    let query = r#"{service_name="checkout"} | order_id="7""#;
    let answer = get(&with_query(&url, &[("query", query)]), Some(&victor)).expect(200);
    let streams = &answer.json()["data"]["result"];
    assert_eq!(
        streams[0]["stream"],
        json!({
            "resource_id": RESOURCE,
            "service_name": "checkout",
            "order_id": "7",
            "scope_name": "lib",
            "severity_number": "9",
        }),
        "{streams}"
    );
    assert_eq!(streams[0]["values"], json!([[now, "paid"]]), "{streams}");
    assert_eq!(streams.as_array().map(Vec::len), Some(1), "{streams}");

    let metrics = json!({"resourceMetrics": [{
        "resource": resource,
        "scopeMetrics": [{"metrics": [{"name": "orders.paid", "unit": "{order}", "sum": {
            "aggregationTemporality": 2,
            "isMonotonic": true,
            "dataPoints": [{
                "timeUnixNano": now,
                "asInt": "42",
                "attributes": attributes("shop", "eu"),
            }],
        }}]}],
    }]});
    let url = format!("{base}/otlp/v1/metrics");
    post_json(&url, &victor, &metrics.to_string()).expect(403);
    post_json(&url, &alice, &metrics.to_string()).expect(200);
    let url = format!("{base}/prometheus/api/v1/query");
    for (query, wanted) in [
        (
            "orders_paid_total",
            json!({"__name__": "orders_paid_total", "job": "checkout", "shop": "eu"}),
        ),
        (
            "target_info",
            json!({"__name__": "target_info", "job": "checkout"}),
        ),
    ] {
        let answer = get(&with_query(&url, &[("query", query)]), Some(&victor)).expect(200);
        let found = answer.json()["data"]["result"].clone();
        let mut wanted = wanted;
        wanted["resource_id"] = RESOURCE.into();
        assert_eq!(found[0]["metric"], wanted, "{found}");
        let value = if query == "target_info" { "1" } else { "42" };
        assert_eq!(found[0]["value"][1], value, "{found}");
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    }

    // And nothing of it below another resource.
    let url = format!(
        "{}/api/v1/projects/{PROJECT}/resources/shop-db/loki/api/v1/query_range",
        gateway.url
    );
    let query = r#"{service_name="checkout"}"#;
    let answer = get(&with_query(&url, &[("query", query)]), Some(&victor)).expect(200);
    assert_eq!(answer.json()["data"]["result"], json!([]));
}
