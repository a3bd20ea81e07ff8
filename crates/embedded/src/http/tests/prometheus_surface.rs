//! Prometheus's endpoints beside the queries.

use super::*;
use crate::{Exemplar, ExemplarSeries, Labels, MetricKind, MetricMetadata};

const NOW_MS: i64 = NOW / 1_000_000;

fn series(labels: &[(&str, &str)], minutes_ago: i64) -> SampleSeries {
    SampleSeries {
        labels: pairs(labels),
        samples: vec![Sample {
            timestamp_ms: NOW_MS - minutes_ago * 60_000,
            value: 1.0,
        }],
    }
}

fn described(metric: &str, kind: MetricKind, help: &str) -> MetricMetadata {
    MetricMetadata {
        metric: metric.to_owned(),
        kind,
        help: help.to_owned(),
        unit: String::new(),
    }
}

fn filled() -> Backend {
    let backend = backend();
    let all = vec![
        series(&[("__name__", "requests_total"), ("resource_id", "r1")], 1),
        series(&[("__name__", "requests_total"), ("resource_id", "r2")], 1),
        series(
            &[
                ("__name__", "up"),
                ("http.host", "a"),
                ("resource_id", "r1"),
            ],
            90,
        ),
    ];
    backend.push_samples("acme", all).unwrap();
    let metadata = vec![
        described("up", MetricKind::Gauge, "Whether it answers."),
        described("requests_total", MetricKind::Counter, "Requests."),
        described("requests_total", MetricKind::Counter, "All requests."),
    ];
    backend.add_metadata("acme", metadata).unwrap();
    let exemplars = ExemplarSeries {
        labels: pairs(&[("__name__", "requests_total"), ("resource_id", "r1")]),
        exemplars: vec![Exemplar {
            labels: Labels::new(pairs(&[("trace_id", "abc")])),
            value: 0.25,
            timestamp_ms: NOW_MS - 500,
        }],
    };
    backend.push_exemplars("acme", vec![exemplars]).unwrap();
    backend
}

async fn ask(path: &str, parameters: &[(&str, &str)]) -> String {
    get_and_post(&filled(), &format!("/prometheus/api/v1/{path}"), parameters).await
}

async fn just_get(tenant: &str, path_and_query: &str) -> (u16, String) {
    let request = Request::get(format!("/prometheus/api/v1/{path_and_query}"))
        .header("X-Scope-OrgID", tenant)
        .body(Body::empty())
        .unwrap();
    let (status, body) = send(&filled(), request).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn series_are_the_union_of_all_matches_within_the_time() {
    let parameters = [
        ("match[]", r#"requests_total{resource_id="r1"}"#),
        ("match[]", r#"{resource_id="r1"}"#),
    ];
    let both = r#"200 {"status":"success","data":[{"__name__":"requests_total","resource_id":"r1"},{"__name__":"up","http.host":"a","resource_id":"r1"}]}"#;
    assert_eq!(ask("series", &parameters).await, both);
    let start = (NOW_MS / 1000 - 3600).to_string();
    let late = [parameters[0], parameters[1], ("start", start.as_str())];
    let recent =
        r#"200 {"status":"success","data":[{"__name__":"requests_total","resource_id":"r1"}]}"#;
    assert_eq!(ask("series", &late).await, recent);
    let limited = [parameters[0], parameters[1], ("limit", "1")];
    let truncated = r#"200 {"status":"success","data":[{"__name__":"requests_total","resource_id":"r1"}],"warnings":["results truncated due to limit"]}"#;
    assert_eq!(ask("series", &limited).await, truncated);
    assert_eq!(
        ask("series", &[("match[]", "nope")]).await,
        r#"200 {"status":"success","data":[]}"#
    );
}

#[tokio::test]
async fn label_names_and_values_are_those_of_the_selected_series() {
    let all = r#"200 {"status":"success","data":["__name__","http.host","resource_id","tenant"]}"#;
    assert_eq!(ask("labels", &[]).await, all);
    let some = r#"200 {"status":"success","data":["__name__","resource_id"]}"#;
    assert_eq!(ask("labels", &[("match[]", "requests_total")]).await, some);
    let names = "label/__name__/values?match[]=%7Bresource_id%3D%22r2%22%7D";
    let only = r#"{"status":"success","data":["requests_total"]}"#;
    assert_eq!(just_get("acme", names).await, (200, only.to_owned()));
    let a = r#"{"status":"success","data":["a"]}"#;
    for name in ["U__http_2e_host", "http.host"] {
        let path = format!("label/{name}/values");
        assert_eq!(just_get("acme", &path).await, (200, a.to_owned()));
    }
    let none = r#"{"status":"success","data":[]}"#;
    assert_eq!(
        just_get("acme", "label/nope/values").await,
        (200, none.to_owned())
    );
}

#[tokio::test]
async fn what_is_no_selector_is_refused() {
    assert_eq!(
        ask("series", &[]).await,
        r#"400 {"status":"error","errorType":"bad_data","error":"no match[] parameter provided"}"#
    );
    for selector in ["up[5m]", "up offset 5m", "sum(up)", "up @ 1", "up{"] {
        // Only `series` names the parameter, as with Prometheus.
        for (path, named) in [("series", true), ("labels", false)] {
            let answer = ask(path, &[("match[]", selector)]).await;
            let start = r#"400 {"status":"error","errorType":"bad_data","error":""#;
            assert!(answer.starts_with(start), "{selector} {answer}");
            let parameter = r#"invalid parameter \"match[]\": "#;
            assert_eq!(answer.contains(parameter), named, "{selector} {answer}");
        }
    }
    let answer = ask("labels", &[("start", "x")]).await;
    let wanted = r#"400 {"status":"error","errorType":"bad_data","error":"invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp"}"#;
    assert_eq!(answer, wanted);
    let no_name = r#"{"status":"error","errorType":"bad_data","error":"invalid label name: \"\""}"#;
    let answer = just_get("acme", "label/U__/values").await;
    assert_eq!(answer, (400, no_name.to_owned()));
}

#[tokio::test]
async fn what_is_no_limit_is_refused_in_the_words_of_prometheus() {
    for (limit, why) in [
        ("-1", "limit must be non-negative"),
        ("x", r#"strconv.Atoi: parsing \"x\": invalid syntax"#),
        (
            "99999999999999999999",
            r#"strconv.Atoi: parsing \"99999999999999999999\": value out of range"#,
        ),
    ] {
        let wanted = format!(
            r#"400 {{"status":"error","errorType":"bad_data","error":"invalid parameter \"limit\": {why}"}}"#
        );
        let all = [
            ("series", vec![("match[]", "up")]),
            ("labels", vec![]),
            ("query", vec![("query", "up")]),
            (
                "query_range",
                vec![("query", "up"), ("start", "0"), ("end", "1"), ("step", "1")],
            ),
        ];
        for (path, mut parameters) in all {
            parameters.push(("limit", limit));
            assert_eq!(ask(path, &parameters).await, wanted, "{path}");
        }
    }
}

#[tokio::test]
async fn a_query_answers_with_as_many_series_as_it_is_asked_for() {
    let one =
        r#"{"metric":{"__name__":"requests_total","resource_id":"r1"},"value":[1793491200,"1"]}"#;
    let two =
        r#"{"metric":{"__name__":"requests_total","resource_id":"r2"},"value":[1793491200,"1"]}"#;
    let told = r#","warnings":["results truncated due to limit"]"#;
    for (limit, result, warnings) in [
        ("1", one.to_owned(), told),
        ("2", format!("{one},{two}"), ""),
        ("0", format!("{one},{two}"), ""),
    ] {
        let wanted = format!(
            r#"200 {{"status":"success","data":{{"resultType":"vector","result":[{result}]}}{warnings}}}"#
        );
        let parameters = [("query", "requests_total"), ("limit", limit)];
        assert_eq!(ask("query", &parameters).await, wanted);
    }
}

#[tokio::test]
async fn a_query_looks_back_as_far_as_it_is_asked_to() {
    let found = |answer: &str| answer.contains("requests_total");
    for (lookback, finds) in [("30s", false), ("61", true), ("0", true), ("-5s", false)] {
        let parameters = [("query", "requests_total"), ("lookback_delta", lookback)];
        let answer = ask("query", &parameters).await;
        assert_eq!(found(&answer), finds, "{lookback} {answer}");
    }
    let answer = ask("query", &[("query", "up"), ("lookback_delta", "x")]).await;
    let wanted = r#"400 {"status":"error","errorType":"bad_data","error":"error parsing lookback delta duration: cannot parse \"x\" to a valid duration"}"#;
    assert_eq!(answer, wanted);
}

#[tokio::test]
async fn a_time_span_that_ends_before_it_begins_has_no_series() {
    let now = (NOW_MS / 1000).to_string();
    let parameters = [("match[]", "up"), ("start", now.as_str()), ("end", "1")];
    assert_eq!(
        ask("series", &parameters).await,
        r#"200 {"status":"success","data":[]}"#
    );
}

#[tokio::test]
async fn metadata_tell_what_was_said_about_metrics() {
    let all = r#"{"status":"success","data":{"requests_total":[{"type":"counter","help":"Requests.","unit":""},{"type":"counter","help":"All requests.","unit":""}],"up":[{"type":"gauge","help":"Whether it answers.","unit":""}]}}"#;
    assert_eq!(just_get("acme", "metadata").await, (200, all.to_owned()));
    let up = r#"{"status":"success","data":{"up":[{"type":"gauge","help":"Whether it answers.","unit":""}]}}"#;
    assert_eq!(
        just_get("acme", "metadata?metric=up").await,
        (200, up.to_owned())
    );
    let one = r#"{"status":"success","data":{"requests_total":[{"type":"counter","help":"Requests.","unit":""}]}}"#;
    let path = "metadata?limit=1&limit_per_metric=1";
    assert_eq!(just_get("acme", path).await, (200, one.to_owned()));
    let none = r#"{"status":"success","data":{}}"#;
    assert_eq!(just_get("globex", "metadata").await, (200, none.to_owned()));
    let (status, body) = just_get("acme", "metadata?limit=x").await;
    assert!(status == 400 && body.contains("limit must be a number"));
}

#[tokio::test]
async fn exemplars_are_those_of_the_series_that_the_query_reads() {
    let query = r#"rate(requests_total{resource_id="r1"}[5m]) / up"#;
    let wanted = r#"200 {"status":"success","data":[{"seriesLabels":{"__name__":"requests_total","resource_id":"r1"},"exemplars":[{"labels":{"trace_id":"abc"},"value":"0.25","timestamp":1793491199.500}]}]}"#;
    assert_eq!(ask("query_exemplars", &[("query", query)]).await, wanted);
    let none = r#"200 {"status":"success","data":[]}"#;
    for parameters in [
        vec![("query", r#"requests_total{resource_id="r2"}"#)],
        vec![("query", query), ("start", "1793491200")],
        vec![("query", query), ("end", "1793491199")],
    ] {
        assert_eq!(ask("query_exemplars", &parameters).await, none);
    }
    // Of a query without a selector there is nothing to tell.
    assert_eq!(ask("query_exemplars", &[("query", "1+1")]).await, "204 ");
    let backwards = [("query", "up"), ("start", "2"), ("end", "1")];
    let answer = ask("query_exemplars", &backwards).await;
    assert!(answer.starts_with("400 "), "{answer}");
    let (_, body) = just_get("globex", "query_exemplars?query=requests_total").await;
    assert_eq!(body, r#"{"status":"success","data":[]}"#);
}

#[tokio::test]
async fn there_are_no_rules_and_no_alerts() {
    let rules = r#"{"status":"success","data":{"groups":[]}}"#;
    assert_eq!(
        just_get("acme", "rules?type=alert").await,
        (200, rules.to_owned())
    );
    assert_eq!(just_get("acme", "rules?type=x").await.0, 400);
    let alerts = r#"{"status":"success","data":{"alerts":[]}}"#;
    assert_eq!(just_get("acme", "alerts").await, (200, alerts.to_owned()));
}

#[tokio::test]
async fn the_build_is_told_without_features() {
    let (status, body) = just_get("acme", "status/buildinfo").await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert!(body["data"]["version"].as_str().unwrap().starts_with("3."));
    assert!(body["data"].get("features").is_none());
}

#[tokio::test]
async fn queries_are_formatted() {
    let answer = ask("format_query", &[("query", "SUM( up{a='b'} )")]).await;
    assert_eq!(
        answer,
        r#"200 {"status":"success","data":"sum(up{a=\"b\"})"}"#
    );
    assert!(
        ask("format_query", &[("query", "sum(")])
            .await
            .starts_with("400 ")
    );
}

#[tokio::test]
async fn another_tenants_series_are_not_listed() {
    for path in [
        "series?match[]=up",
        "labels",
        "label/tenant/values",
        "label/__name__/values",
    ] {
        let (status, body) = just_get("globex", path).await;
        assert_eq!(status, 200);
        for foreign in ["acme", "resource_id", "requests_total"] {
            assert!(!body.contains(foreign), "{body}");
        }
        let (_, body) = just_get("nobody", path).await;
        assert_eq!(body, r#"{"status":"success","data":[]}"#);
    }
}

#[tokio::test]
async fn only_reading_methods_are_taken() {
    for path in [
        "label/a/values",
        "metadata",
        "rules",
        "alerts",
        "status/buildinfo",
    ] {
        let request = Request::post(format!("/prometheus/api/v1/{path}"))
            .header("X-Scope-OrgID", "acme")
            .body(Body::empty())
            .unwrap();
        let (status, _) = send(&filled(), request).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}
