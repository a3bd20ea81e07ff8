//! The OpenTelemetry SDK of `PyPI` over OTLP/HTTP: logs, counters and histograms, with gzip.

use serde_json::{Value, json};

use super::stored::{backends, read, run};
use crate::gateway::Gateway;
use crate::http::{get, with_query};
use crate::python::Package;
use crate::world::{PROJECT, RESOURCE, World};

/// Sends, with the variables that `docs/sending.md` names; the program's resource claims to be the
/// neighbour. Answers what became of each export.
fn send(package: &Package, gateway: &Gateway, token: &str, signal: &str, run: &str) -> Value {
    let endpoint = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/otlp",
        gateway.url
    );
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            &format!("Authorization=Bearer%20{token},X-Scope-OrgID=globex-iot"),
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=shop,resource_id=shop-db,resource.id=shop-db",
        ),
    ];
    package.script("send.py", &[signal, run], &variables)
}

/// What a query finds among a resource's metrics, without times.
fn metrics(gateway: &Gateway, resource: &str, query: &str, token: &str) -> Vec<Value> {
    let url = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{resource}/prometheus/api/v1/query",
        gateway.url
    );
    let answer = get(&with_query(&url, &[("query", query)]), Some(token)).expect(200);
    let answer = answer.json();
    let result = answer["data"]["result"].as_array().expect("a vector");
    let one = |series: &Value| json!([series["metric"], series["value"][1]]);
    result.iter().map(one).collect()
}

#[test]
fn logs_of_the_opentelemetry_sdk_are_the_resources_and_nobody_elses() {
    let Some(package) = Package::find("opentelemetry-sdk") else {
        return;
    };
    for backend in backends() {
        let Some(mut world) = World::new() else {
            return;
        };
        let gateway = world.gateway(Some(&backend), None);
        let (alice, victor) = (world.issuer.token("alice"), world.issuer.token("victor"));
        let (refused, taken) = (run(), run());
        let became = send(&package, &gateway, &victor, "logs", &refused);
        assert_eq!(became, json!(["FAILURE"]));
        let became = send(&package, &gateway, &alice, "logs", &taken);
        assert_eq!(became, json!(["SUCCESS"]), "{}", gateway.log());

        let mine = format!("{{resource_id=~\".+\"}} | run=\"{taken}\"");
        let streams = read(&gateway, &mine, 3, &victor);
        let mut lines = Vec::new();
        for stream in &streams {
            let labels = &stream["stream"];
            assert_eq!(labels["resource_id"], RESOURCE, "{stream}");
            assert!(!stream.to_string().contains("shop-db"), "{stream}");
            lines.extend(stream["values"].as_array().into_iter().flatten());
        }
        let mut lines: Vec<_> = lines.iter().filter_map(|line| line[1].as_str()).collect();
        lines.sort_unstable();
        let wanted = [0, 1, 2].map(|number| format!("order {number} of {taken}"));
        assert_eq!(lines, wanted);
        for (resource, query) in [
            ("shop-db", mine.as_str()),
            (RESOURCE, &format!("{{}} | run=\"{refused}\"")),
            (RESOURCE, "{} | resource_id=\"shop-db\""),
        ] {
            let parameters = [("query", query), ("since", "1h")];
            let answer = gateway.logs(PROJECT, resource, &parameters, Some(&alice));
            let answer = answer.expect(200).json();
            assert_eq!(answer["data"]["result"], json!([]), "{resource} {query}");
        }
    }
}

#[test]
fn metrics_of_the_opentelemetry_sdk_are_the_resources_and_nobody_elses() {
    let Some(package) = Package::find("opentelemetry-sdk") else {
        return;
    };
    let Some(mut world) = World::new() else {
        return;
    };
    let gateway = world.gateway(None, Some("embedded:"));
    let (alice, victor) = (world.issuer.token("alice"), world.issuer.token("victor"));
    let became = send(&package, &gateway, &victor, "metrics", "refused");
    assert_eq!(became, json!(["FAILURE"]));
    let became = send(&package, &gateway, &alice, "metrics", "run");
    assert_eq!(became, json!(["SUCCESS"]), "{}", gateway.log());

    let find = |resource: &str, query: &str| metrics(&gateway, resource, query, &victor);
    let by = |name: &str| format!("sum by (resource_id, run) ({{__name__=~\"{name}\"}})");
    let labels = json!({"resource_id": RESOURCE, "run": "run"});
    // A counter, a gauge, and the count and the largest bucket of a histogram: the suffixes of units
    // are the backend's choice.
    for (name, value) in [
        ("shop_orders.*_total", "5"),
        ("shop_waiting", "2"),
        ("shop_duration.*_count", "5"),
    ] {
        assert_eq!(
            find(RESOURCE, &by(name)),
            [json!([labels, value])],
            "{name}"
        );
    }
    let largest = "max by (resource_id, run) ({__name__=~\"shop_duration.*_bucket\"})";
    assert_eq!(find(RESOURCE, largest), [json!([labels, "5"])]);
    let all = find(RESOURCE, "{__name__=~\".+\"}");
    assert!(
        all.iter().all(|one| one[0]["resource_id"] == RESOURCE),
        "{all:?}"
    );
    // `target_info` has the resource's own attributes, without the claim.
    let info = find(RESOURCE, "target_info");
    assert_eq!(info.len(), 1, "{info:?}");
    assert!(!json!(all).to_string().contains("shop-db"), "{all:?}");
    assert_eq!(find("shop-db", "{__name__=~\".+\"}"), Vec::<Value>::new());
}
