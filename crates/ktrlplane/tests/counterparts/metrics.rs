//! Metrics through the gateway on a real Prometheus: what a caller gets for a resource is what a
//! server that holds this resource's data alone would give.

use serde_json::Value;

use crate::prometheus::{Data, Prometheus, series};
use crate::world::{PROJECT, RESOURCE, World};

/// One tenant's data: the resource that is asked for, and others, one with a name that begins with
/// its own.
const ALL: Data = &[
    ("shop-api", "ours"),
    ("shop-db", "theirs"),
    ("shop-api-2", "theirs"),
];
const OURS: Data = &[("shop-api", "ours")];

/// How the answer for a query compares with that of the server which holds `shop-api` alone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    /// The same.
    Same,
    /// The same as this query's: the caller's own is not valid there, or names the label itself.
    SameAs(&'static str),
    /// The same but for the label that scoping added: `absent` makes labels out of matchers.
    SameButScope,
    /// Refused as 400.
    Refused,
}
use Expect::{Refused, Same, SameAs, SameButScope};

const QUERIES: &[(&str, Expect)] = &[
    ("cpu_usage_percent", Same),
    (r#"cpu_usage_percent{instance!="i-0"}"#, Same),
    (r#"{job="web"}"#, Same),
    (r#"{__name__="cpu_usage_percent"}"#, Same),
    (r#"{__name__=~".+"}"#, Same),
    (r#"{__name__=~"only_.*|orphan"}"#, Same),
    ("rate(http_requests_total[5m])", Same),
    ("sum(rate(http_requests_total[5m]))", Same),
    ("sum by (code) (rate(http_requests_total[5m]))", Same),
    ("sum without (instance) (cpu_usage_percent)", Same),
    (r#"count by (resource_id, canary) ({__name__=~".+"})"#, Same),
    (r#"count(count by (resource_id) ({__name__=~".+"}))"#, Same),
    ("topk(2, http_requests_total)", Same),
    ("bottomk(4, cpu_usage_percent)", Same),
    ("quantile(0.9, cpu_usage_percent)", Same),
    (r#"count_values("value", up)"#, Same),
    ("stddev(cpu_usage_percent) / avg(cpu_usage_percent)", Same),
    // A selector in every place that has one (threat 3).
    ("topk(scalar(count(up)), cpu_usage_percent)", Same),
    (
        "quantile(scalar(max(cpu_usage_percent)) / 2000, cpu_usage_percent)",
        Same,
    ),
    ("cpu_usage_percent > scalar(avg(cpu_usage_percent))", Same),
    ("max_over_time(sum(cpu_usage_percent)[10m:1m])", Same),
    (
        "max_over_time(deriv(sum(http_requests_total)[5m:30s])[10m:1m])",
        Same,
    ),
    (
        "sum(cpu_usage_percent) - sum(cpu_usage_percent offset 5m)",
        Same,
    ),
    (
        "sum(cpu_usage_percent @ end()) - sum(cpu_usage_percent @ start())",
        Same,
    ),
    ("sum(cpu_usage_percent @ 1769509800 offset -1m)", Same),
    ("-sum(cpu_usage_percent)", Same),
    ("(((sum((cpu_usage_percent)))))", Same),
    (
        "sum(sum_over_time(cpu_usage_percent[3m]) + on(instance) group_left(version) target_info)",
        Same,
    ),
    (
        "cpu_usage_percent * on(instance, resource_id) group_left(version) target_info",
        Same,
    ),
    (
        "histogram_quantile(0.7, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
        Same,
    ),
    (
        "histogram_quantile(scalar(sum(up)) / 10, sum by (le) (http_request_duration_seconds_bucket))",
        Same,
    ),
    (
        "clamp(cpu_usage_percent, 0, scalar(min(cpu_usage_percent)))",
        Same,
    ),
    (
        r#"label_replace(up, "resource_id", "renamed", "", "")"#,
        Same,
    ),
    (
        r#"label_join(up, "all", "-", "resource_id", "canary")"#,
        Same,
    ),
    // What others have must not be seen in what is left out either.
    ("up unless on(instance) only_theirs", Same),
    ("up and on(instance) only_theirs", Same),
    (r#"vector(1) or {__name__=~".+"}"#, Same),
    ("vector(1) unless on() only_theirs", Same),
    ("sum(only_theirs) or vector(0)", Same),
    ("scalar(only_theirs)", Same),
    ("absent(only_theirs)", SameButScope),
    ("absent_over_time(only_theirs[5m])", SameButScope),
    ("absent(up)", Same),
    // A matcher on the label itself is one more matcher, never instead of ours (threat 2).
    (r#"{resource_id="shop-db"}"#, Same),
    (
        r#"{resource_id!="shop-api"}"#,
        SameAs(r#"up{resource_id!="shop-api"}"#),
    ),
    (r#"up{resource_id=~"shop-api|.*"}"#, Same),
    (r#"up{resource_id=~"shop-api.*"}"#, Same),
    (r#"sum(up{resource_id=""})"#, Same),
    (
        r#"{resource_id=~".*"}"#,
        SameAs(r#"{resource_id="shop-api"}"#),
    ),
    ("{}", SameAs(r#"{resource_id="shop-api"}"#)),
    // Text that looks like syntax inside of strings and comments (threats 1 and 5).
    (r#"up{instance!="} or {__name__=~\".+\"} #"}"#, Same),
    (r"up{instance!='}) or {__name__=~`.+`}'}", Same),
    ("up{instance!=`\"} or only_theirs`}", Same),
    ("sum(up) # } or only_theirs\n + 1", Same),
    ("sum(up{instance!=\"\\x69\\u002d\\060\"})", Same),
    // Without a selector there is nothing to scope (threat 7).
    ("1 + 1", Same),
    ("vector(1)", Same),
    ("time()", Same),
    // Closing the bracket, and other things that are no query (threats 1 and 6).
    (r#"vector(1)) or {__name__=~".+"} #"#, Refused),
    (r#"up"} or {__name__=~".+"} #"#, Refused),
    ("up{", Refused),
    ("up) or (only_theirs", Refused),
    ("", Refused),
    ("sum(", Refused),
    ("nosuchfunction(up)", Refused),
    // Joins by `instance` and `job` alone (threat 4), and groups of matchers.
    ("info(up)", Refused),
    (
        r#"{resource_id="shop-api" or resource_id="shop-db"}"#,
        Refused,
    ),
];

/// Threats 1 to 8 on the real thing.
#[test]
fn a_resource_is_answered_as_if_the_server_held_it_alone() {
    let Some(mut world) = World::new() else {
        return;
    };
    let (Some(shared), Some(alone)) = (
        Prometheus::anywhere(world.path(), ALL),
        Prometheus::anywhere(world.path(), OURS),
    ) else {
        return;
    };
    let gateway = world.gateway(None, Some(&shared.url));
    let token = world.issuer.token("victor");
    for (query, expect) in QUERIES {
        let answer = gateway.metrics(PROJECT, RESOURCE, query, Some(&token));
        if *expect == Refused {
            assert_eq!(answer.status, 400, "{query}: {}", answer.body);
            assert_eq!(answer.json()["errorType"], "bad_data", "{query}");
            continue;
        }
        assert!(!answer.body.contains("theirs"), "{query}: {}", answer.body);
        let reference = match expect {
            SameAs(other) => other,
            Same | SameButScope | Refused => query,
        };
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let through = series(&answer.json());
        let direct = series(&alone.query_range(reference).expect(200).json());
        if *expect == SameButScope {
            assert_eq!(without_scope(through), without_scope(direct), "{query}");
        } else {
            assert_eq!(through, direct, "{query}");
        }
    }
}

/// The same resource id means nothing in a project where it is not (threat 22 and the tenant).
#[test]
fn the_owner_of_another_organization_reaches_nothing() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(shared) = Prometheus::anywhere(world.path(), ALL) else {
        return;
    };
    let gateway = world.gateway(None, Some(&shared.url));
    let gina = world.issuer.token("gina");
    for (project, resource, status) in [
        ("acme-shop", "shop-api", 403),
        ("globex-iot", "shop-api", 404),
        ("globex-iot", "iot-graph", 200),
    ] {
        let answer = gateway
            .metrics(project, resource, r#"{__name__=~".+"}"#, Some(&gina))
            .expect(status);
        assert!(!answer.body.contains("ours") && !answer.body.contains("theirs"));
    }
}

/// The series without the label that scoping adds.
fn without_scope(mut series: Vec<Value>) -> Vec<Value> {
    for one in &mut series {
        if let Some(labels) = one["metric"].as_object_mut() {
            labels.remove("resource_id");
        }
    }
    series
}

/// Without this the comparison below might compare nothing with nothing.
#[test]
fn on_the_shared_server_itself_the_other_resources_show() {
    let directory = tempfile::tempdir().expect("a directory");
    let (Some(shared), Some(alone)) = (
        Prometheus::anywhere(directory.path(), ALL),
        Prometheus::anywhere(directory.path(), OURS),
    ) else {
        return;
    };
    let mut showing = 0;
    for (query, expect) in QUERIES {
        if *expect == Same {
            let alone = alone.query_range(query).expect(200).json();
            // Also by an error: others' series make a join ambiguous.
            let shared = shared.query_range(query);
            let shows = shared.status != 200 || series(&shared.json()) != series(&alone);
            showing += usize::from(shows);
        }
    }
    assert!(
        showing >= 40,
        "only {showing} queries tell the servers apart"
    );
}
