//! Parameters that are refused, wherever they stand, before anything is sent.

use std::fmt::Write as _;

use http::Method;

use super::{PROJECT, RESOURCE, query_string};
use crate::harness::World;
use crate::harness::client::Answer;

/// Asserts the one error shape, and gives its sentence.
fn refused(answer: &Answer, status: u16, error_type: &str, what: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], "error", "{what}");
    assert_eq!(body["errorType"], error_type, "{what}");
    assert_eq!(body.as_object().unwrap().len(), 3, "{what}");
    body["error"].as_str().unwrap().to_owned()
}

async fn post(world: &World, path: &str, form: &str) -> Answer {
    let token = world.token("victor");
    world.ask(path).form(form).token(&token).send().await
}

/// Asks by GET and by POST form, at both mounts; all are refused, and with one sentence.
async fn bad(world: &World, below: &str, parameters: &str) -> String {
    let mut sentences = Vec::new();
    for mount in [RESOURCE, PROJECT] {
        let path = format!("{mount}/{below}");
        let url = format!("{path}?{parameters}");
        sentences.push(refused(
            &world.get("victor", &url).await,
            400,
            "bad_data",
            &url,
        ));
        // Label values of Prometheus and what is sifted take no form.
        let answer = post(world, &path, parameters).await;
        if answer.status != 405 {
            sentences.push(refused(&answer, 400, "bad_data", parameters));
        }
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    sentences.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_9_once_in_the_url_and_once_in_the_form_is_twice() {
    let world = World::new().await;
    for (below, name, value) in [
        ("loki/api/v1/query_range", "query", r#"{app="x"}"#),
        ("loki/api/v1/query", "limit", "5"),
        ("loki/api/v1/labels", "start", "1737972000"),
        ("loki/api/v1/index/volume", "targetLabels", "app"),
        ("prometheus/api/v1/query", "query", "up"),
        ("prometheus/api/v1/query", "time", "1737972000"),
        ("prometheus/api/v1/series", "limit", "5"),
        ("prometheus/api/v1/format_query", "query", "up"),
    ] {
        let once = query_string(&[(name, value)]);
        let others = match below {
            "loki/api/v1/query" => "query=%7B%7D&",
            "prometheus/api/v1/query" if name != "query" => "query=up&",
            _ => "",
        };
        let twice = format!("{name}: given more than once");
        assert_eq!(
            bad(&world, below, &format!("{others}{once}&{once}")).await,
            twice
        );
        for mount in [RESOURCE, PROJECT] {
            // Also when one of them is empty, or its name is written another way.
            for (url, form) in [
                (once.clone(), once.clone()),
                (format!("{name}="), once.clone()),
                (once.clone(), name.to_owned()),
                (once.clone(), once.replacen(name, &hex(name), 1)),
            ] {
                let path = format!("{mount}/{below}?{others}{url}");
                let answer = post(&world, &path, &form).await;
                assert_eq!(refused(&answer, 400, "bad_data", &path), twice);
            }
        }
    }
    assert_eq!(world.forwarded(), 0);
}

/// Every byte percent-encoded.
fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "%{byte:02x}").unwrap();
        hex
    })
}

/// A parameter once in the URL and another once in the form are one request.
#[tokio::test(flavor = "multi_thread")]
async fn url_and_form_are_read_together() {
    let world = World::new().await;
    let path = format!("{RESOURCE}/prometheus/api/v1/query?time=4");
    assert_eq!(post(&world, &path, "query=up").await.status, 200);
    assert_eq!(
        world.mimir.last().parameters(),
        [
            (
                "query".to_owned(),
                r#"up{resource_id="shop-api"}"#.to_owned()
            ),
            ("time".to_owned(), "4".to_owned()),
        ]
    );
    let path = format!("{RESOURCE}/prometheus/api/v1/series?match[]=a");
    assert_eq!(post(&world, &path, "match[]=b").await.status, 200);
    let values = world.mimir.last().parameters();
    assert_eq!(values.len(), 2);
    assert!(
        values.iter().all(|(_, value)| value.contains("shop-api")),
        "{values:?}"
    );
}

/// A path, parameters of which one is bad, and how the sentence about it begins.
const BAD_VALUES: &[(&str, &str, &str)] = &[
    (
        "loki/api/v1/query_range",
        "limit=0",
        "limit: expected an integer from 1 to 5000",
    ),
    ("loki/api/v1/query_range", "limit=-1", "limit: expected"),
    ("loki/api/v1/query_range", "limit=5001", "limit: expected"),
    ("loki/api/v1/query", "limit=5001", "limit: expected"),
    (
        "loki/api/v1/detected_fields",
        "line_limit=5001",
        "line_limit: expected",
    ),
    ("loki/api/v1/detected_fields", "limit=0", "limit: expected"),
    ("loki/api/v1/index/volume", "limit=0", "limit: expected"),
    ("loki/api/v1/index/volume", "limit=-5", "limit: expected"),
    (
        "loki/api/v1/index/volume",
        "targetLabels=a-b",
        "targetLabels: expected",
    ),
    (
        "loki/api/v1/index/volume",
        "targetLabels=a,,b",
        "targetLabels: expected",
    ),
    (
        "loki/api/v1/index/volume",
        "targetLabels=a%7Cb",
        "targetLabels: expected",
    ),
    (
        "loki/api/v1/index/volume",
        "aggregateBy=tenant",
        "aggregateBy: expected",
    ),
    (
        "loki/api/v1/index/shards",
        "targetBytesPerShard=-1",
        "targetBytesPerShard: expected",
    ),
    (
        "loki/api/v1/index/shards",
        "targetBytesPerShard=1MB%26x",
        "targetBytesPerShard: expected",
    ),
    ("loki/api/v1/labels", "start=2&end=1", "start: is after end"),
    (
        "loki/api/v1/label/app/values",
        "start=2025-01-27T10:00:01Z&end=1737972000",
        "start: is after end",
    ),
    (
        "loki/api/v1/series",
        "start=1737972000000000001&end=1737972000",
        "start: is after end",
    ),
    (
        "loki/api/v1/index/stats",
        "start=tomorrow",
        "start: expected a time",
    ),
    ("loki/api/v1/patterns", "step=-1", "step: expected"),
    (
        "loki/api/v1/query_range",
        "direction=sideways",
        "direction: expected",
    ),
    ("prometheus/api/v1/series", "limit=-1", "limit: expected"),
    (
        "prometheus/api/v1/series",
        "start=2&end=1",
        "start: is after end",
    ),
    (
        "prometheus/api/v1/labels",
        "limit=99999999999",
        "limit: expected",
    ),
    (
        "prometheus/api/v1/label/job/values",
        "start=x",
        "start: expected a time",
    ),
    ("prometheus/api/v1/metadata", "limit=x", "limit: expected"),
    (
        "prometheus/api/v1/metadata",
        "metric=a%00b",
        "metric: expected",
    ),
    ("prometheus/api/v1/rules", "type=all", "type: expected"),
    (
        "prometheus/api/v1/query_exemplars",
        "query=up&start=2&end=1",
        "start: is after end",
    ),
    (
        "prometheus/api/v1/query",
        "query=up&timeout=0",
        "timeout: expected",
    ),
    (
        "prometheus/api/v1/query_range",
        "query=up&start=3&end=2&step=1",
        "start: is after end",
    ),
    (
        "prometheus/api/v1/query_range",
        "query=up&start=1&end=2&step=0",
        "step: expected",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_are_refused_by_name() {
    let world = World::new().await;
    let query = "query=%7Ba%3D%22b%22%7D&";
    for (below, given, sentence) in BAD_VALUES {
        let needs = matches!(*below, "loki/api/v1/query" | "loki/api/v1/query_range");
        let given = format!("{}{given}", if needs { query } else { "" });
        let said = bad(&world, below, &given).await;
        assert!(said.starts_with(sentence), "{below} {given}: {said}");
    }
    assert_eq!(world.forwarded(), 0);
}

/// Each selector of a list is parsed: one that is none, or more than one, refuses the request.
#[tokio::test(flavor = "multi_thread")]
async fn threats_1_and_10_one_bad_selector_of_a_list_refuses_all() {
    let world = World::new().await;
    for (below, name, selectors) in [
        (
            "loki/api/v1/series",
            "match",
            &[
                r#"{a="b"} |= "x""#,
                r#"{a="b"} or {c="d"}"#,
                "a",
                "{",
                "rate({a=\"b\"}[1m])",
                "vector(1)",
            ][..],
        ),
        ("loki/api/v1/series", "match[]", &[r#"{a="b"}}"#, "}{"]),
        (
            "prometheus/api/v1/series",
            "match[]",
            &[
                "a or b",
                "a[5m]",
                "a offset 5m",
                "a @ 4",
                "1",
                "sum(a)",
                "(a)",
                "{a=\"b\"",
                "-a",
                "\"a\"",
            ],
        ),
        ("prometheus/api/v1/labels", "match[]", &["a or b", "{"]),
        (
            "prometheus/api/v1/label/job/values",
            "match[]",
            &["a or b", "{"],
        ),
    ] {
        for selector in selectors {
            let good = r#"{ok="ok"}"#;
            let given = query_string(&[(name, good), (name, selector)]);
            bad(&world, below, &given).await;
        }
    }
    for (below, query) in [
        ("loki/api/v1/labels", "up"),
        ("loki/api/v1/index/stats", "{a=\"b\"} {c=\"d\"}"),
        ("loki/api/v1/detected_fields", "| json"),
        ("loki/api/v1/query", "|= `x`"),
        (
            "prometheus/api/v1/query",
            "vector(1)) or {__name__=~\".+\"} #",
        ),
        ("prometheus/api/v1/query_exemplars", "info(up)"),
    ] {
        bad(&world, below, &query_string(&[("query", query)])).await;
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_selectors_has_an_end() {
    let world = World::new().await;
    for (below, name) in [
        ("loki/api/v1/series", "match"),
        ("loki/api/v1/series", "match[]"),
        ("prometheus/api/v1/series", "match[]"),
        ("prometheus/api/v1/labels", "match[]"),
    ] {
        let pairs = vec![(name, r#"{a="b"}"#); 101];
        let said = bad(&world, below, &query_string(&pairs)).await;
        assert_eq!(said, format!("{name}: given more than 100 times"));
        assert_eq!(world.forwarded(), 0);
        let path = format!("{RESOURCE}/{below}?{}", query_string(&pairs[1..]));
        assert_eq!(world.get("victor", &path).await.status, 200);
        for backend in [&world.loki, &world.mimir] {
            for sent in backend.received() {
                assert_eq!(sent.parameters().len(), 100);
            }
            backend.forget();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_lines_are_what_is_configured() {
    let world = World::with(|settings| settings.max_log_lines = 70).await;
    for (below, name) in [
        ("logs", "limit"),
        ("loki/api/v1/query_range", "limit"),
        ("loki/api/v1/query", "limit"),
        ("loki/api/v1/detected_fields", "line_limit"),
    ] {
        let path = format!("{RESOURCE}/{below}?query=%7B%7D&{name}=");
        let answer = world.get("victor", &format!("{path}71")).await;
        assert_eq!(
            refused(&answer, 400, "bad_data", below),
            format!("{name}: expected an integer from 1 to 70 (observability.loki.max_lines)")
        );
        assert_eq!(world.forwarded(), 0);
        assert_eq!(world.get("victor", &format!("{path}70")).await.status, 200);
        assert_eq!(world.loki.last().parameter(name).as_deref(), Some("70"));
        // Who names no number is not answered with more, by whosever default.
        let path = format!("{RESOURCE}/{below}?query=%7B%7D");
        assert_eq!(world.get("victor", &path).await.status, 200);
        assert_eq!(world.loki.last().parameter(name).as_deref(), Some("70"));
        world.loki.forget();
    }
}

/// Threat 10, at every row: a made-up parameter goes nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_dropped() {
    let world = World::new().await;
    let strange = "extra_filters[]=x&extra_label=a%3Db&Query=y&MATCH[]=z&dedup=true&shards=1&regexp=.*&X-Scope-OrgID=globex-iot&a&=b";
    for (below, names) in [
        ("loki/api/v1/labels", &["query"][..]),
        ("loki/api/v1/index/volume", &["query"]),
        ("loki/api/v1/series", &["match[]"]),
        ("prometheus/api/v1/labels", &["match[]"]),
        ("prometheus/api/v1/label/job/values", &["match[]"]),
    ] {
        let path = format!("{RESOURCE}/{below}");
        let answer = world.get("victor", &format!("{path}?{strange}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        post(&world, &format!("{path}?{strange}"), strange).await;
        for backend in [&world.loki, &world.mimir] {
            for sent in backend.received() {
                let sent = sent.parameters();
                let sent: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(sent, names, "{below}");
            }
            backend.forget();
        }
    }
    let method = Method::POST;
    let path = format!("{PROJECT}/prometheus/api/v1/query?{strange}&query=up");
    let ask = world
        .ask(&path)
        .method(method)
        .token(&world.token("victor"));
    assert_eq!(ask.send().await.status, 200);
    assert_eq!(world.mimir.last().parameter_names(), ["query"]);
}
