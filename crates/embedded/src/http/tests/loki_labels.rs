//! `labels`, `label/{name}/values` and `series` of Loki.

use super::*;

const SECOND: i64 = 1_000_000_000;

fn stream(labels: &[(&str, &str)], seconds_ago: i64) -> LogStream {
    LogStream {
        labels: pairs(labels),
        entries: vec![LogEntry {
            timestamp_ns: NOW - seconds_ago * SECOND,
            line: "x".to_owned(),
            structured_metadata: pairs(&[("trace", "1")]),
        }],
    }
}

fn filled() -> Backend {
    let backend = backend();
    let streams = vec![
        stream(&[("app", "web"), ("resource_id", "r1")], 60),
        stream(&[("app", "web"), ("resource_id", "r2"), ("pod", "p")], 60),
        stream(&[("app", "old"), ("resource_id", "r1")], 7200),
    ];
    backend.push_logs("acme", streams).unwrap();
    backend
}

async fn ask(path: &str, parameters: &[(&str, &str)]) -> String {
    get_and_post(&filled(), &format!("/loki/api/v1/{path}"), parameters).await
}

#[tokio::test]
async fn label_names_are_those_of_the_selected_streams_of_the_last_hour() {
    for path in ["labels", "label"] {
        let all = r#"200 {"status":"success","data":["app","pod","resource_id","tenant"]}"#;
        assert_eq!(ask(path, &[]).await, all);
        let r1 = r#"200 {"status":"success","data":["app","resource_id"]}"#;
        assert_eq!(ask(path, &[("query", r#"{resource_id="r1"}"#)]).await, r1);
        let nothing = r#"200 {"status":"success"}"#;
        let elsewhere = [("query", r#"{resource_id="r3"}"#)];
        assert_eq!(ask(path, &elsewhere).await, nothing);
    }
}

#[tokio::test]
async fn label_values_follow_the_selector_and_the_time() {
    let web = r#"200 {"status":"success","data":["web"]}"#;
    assert_eq!(ask("label/app/values", &[]).await, web);
    let both = r#"200 {"status":"success","data":["old","web"]}"#;
    assert_eq!(ask("label/app/values", &[("since", "3h")]).await, both);
    let r1 = [
        ("since", "3h"),
        ("query", r#"{resource_id="r1",app!="web"}"#),
    ];
    let old = r#"200 {"status":"success","data":["old"]}"#;
    assert_eq!(ask("label/app/values", &r1).await, old);
    // Structured metadata are no labels of a stream.
    let nothing = r#"200 {"status":"success"}"#;
    assert_eq!(ask("label/trace/values", &[]).await, nothing);
}

#[tokio::test]
async fn series_are_the_union_of_all_matches_in_both_spellings() {
    let web = r#"{app="web", resource_id="r1"}"#;
    let tenant = r#"{tenant="acme"}"#;
    let wanted =
        r#"200 {"status":"success","data":[{"app":"web","resource_id":"r1"},{"tenant":"acme"}]}"#;
    for names in [
        ["match[]", "match[]"],
        ["match", "match[]"],
        ["match", "match"],
    ] {
        let parameters = [(names[0], web), (names[1], tenant), (names[0], web)];
        assert_eq!(ask("series", &parameters).await, wanted);
    }
    assert_eq!(
        ask("series", &[("match[]", r#"{app="nope"}"#)]).await,
        r#"200 {"status":"success","data":[]}"#
    );
    let all = ask("series", &[]).await;
    assert_eq!(all.matches("\"app\"").count(), 2, "{all}");
}

#[tokio::test]
async fn what_is_no_selector_is_refused() {
    for (path, name) in [
        ("labels", "query"),
        ("label/app/values", "query"),
        ("series", "match[]"),
    ] {
        let filtered = [(name, r#"{app="web"} |= "x""#)];
        let wanted = "400 only label matchers are supported";
        assert_eq!(ask(path, &filtered).await, wanted);
        let metric = [(name, r#"rate({app="web"}[1m])"#)];
        assert_eq!(ask(path, &metric).await, wanted);
        let broken = ask(path, &[(name, r#"{app="web""#)]).await;
        assert!(broken.starts_with("400 parse error at line 1"), "{broken}");
    }
    let time = ask("series", &[("start", "yesterday")]).await;
    assert!(time.starts_with("400 could not parse 'start'"), "{time}");
}

#[tokio::test]
async fn another_tenants_streams_are_not_listed() {
    for path in ["labels", "label/tenant/values", "series"] {
        let uri = format!("/loki/api/v1/{path}");
        let request = Request::get(uri)
            .header("X-Scope-OrgID", "globex")
            .body(Body::empty())
            .unwrap();
        let (status, body) = send(&filled(), request).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!body.contains("acme") && !body.contains("app"), "{body}");
        assert!(body.contains("tenant") || body.contains("globex"), "{body}");
    }
}
