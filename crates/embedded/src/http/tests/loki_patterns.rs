//! `patterns`, `drilldown-limits`, `format_query` and `status/buildinfo` of Loki.

use serde_json::Value;

use super::*;

const SECOND: i64 = 1_000_000_000;

fn filled() -> Backend {
    let backend = Backend::with_clock(Limits::default(), Arc::new(|| NOW));
    let stream = |labels: &[(&str, &str)], lines: &[(i64, &str)]| LogStream {
        labels: pairs(labels),
        entries: lines
            .iter()
            .map(|(ago, line)| LogEntry {
                timestamp_ns: NOW - ago * SECOND,
                line: (*line).to_owned(),
                structured_metadata: Vec::new(),
            })
            .collect(),
    };
    let web = [
        (45, "GET /items/12 took 15ms for ann"),
        (44, "GET /items/7 took 3ms for bob"),
        (15, "GET /items/7 took 3ms for bob"),
        (7200, "GET /items/7 took 3ms for bob"),
    ];
    let errors = [(5, "disk full"), (4, "disk full")];
    let streams = vec![
        stream(&[("app", "web")], &web),
        stream(&[("app", "web"), ("level", "error")], &errors),
        stream(&[("app", "db")], &errors),
    ];
    backend.push_logs("acme", streams).unwrap();
    backend
}

async fn ask(path: &str, parameters: &[(&str, &str)]) -> String {
    get_and_post(&filled(), &format!("/loki/api/v1/{path}"), parameters).await
}

#[tokio::test]
async fn patterns_are_counted_by_step_and_level() {
    let parameters = [("query", r#"{app="web"}"#), ("step", "20s")];
    assert_eq!(
        ask("patterns", &parameters).await,
        r#"200 {"status":"success","data":[{"pattern":"GET <_> took <_> for <_>","level":"unknown","samples":[[1793491140,2],[1793491160,0],[1793491180,1]]},{"pattern":"disk full","level":"error","samples":[[1793491180,2]]}]}"#
    );
    assert_eq!(
        ask("patterns", &[("query", r#"{app="nope"}"#)]).await,
        r#"200 {"status":"success","data":[]}"#
    );
    assert_eq!(
        ask("patterns", &[("query", r#"{app="web"} |= "x""#)]).await,
        "400 only label matchers are supported"
    );
}

#[tokio::test]
async fn a_pattern_is_one_that_a_query_can_filter_by() {
    let query = r#"sum(count_over_time({app="web"} |> "GET <_> took <_> for <_>" [1h]))"#;
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let request = Request::get(format!("/loki/api/v1/query?query={query}"))
        .header("X-Scope-OrgID", "acme")
        .body(Body::empty())
        .unwrap();
    let (_, body) = send(&filled(), request).await;
    assert!(body.contains(r#""value":[1793491200,"3"]"#), "{body}");
}

#[tokio::test]
async fn another_tenants_lines_make_no_pattern() {
    let uri = "/loki/api/v1/patterns?query=%7Bapp%3D~%22.%2B%22%7D";
    let request = Request::get(uri).header("X-Scope-OrgID", "globex");
    let request = request.body(Body::empty()).unwrap();
    let (_, body) = send(&filled(), request).await;
    assert_eq!(body, r#"{"status":"success","data":[]}"#);
}

#[tokio::test]
async fn the_limits_that_hold_are_told() {
    let (status, body) = get("acme", "/loki/api/v1/drilldown-limits").await;
    assert_eq!(status, StatusCode::OK);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["limits"]["max_entries_limit_per_query"], 5000);
    assert_eq!(body["limits"]["retention_period"], "86400s");
    assert_eq!(body["pattern_ingester_enabled"], true);
    assert!(body["version"].is_string());
}

#[tokio::test]
async fn queries_are_formatted() {
    let parameters = [("query", "SUM(rate({app='web'}[5m]))")];
    let refused = ask("format_query", &parameters).await;
    assert!(refused.starts_with(r#"400 {"status":"invalid-query","error":"parse error"#));
    let parameters = [("query", "SUM(rate({app=`web`} [5m]))")];
    assert_eq!(
        ask("format_query", &parameters).await,
        r#"200 {"status":"success","data":"sum(rate({app=\"web\"}[5m]))"}"#
    );
}

#[tokio::test]
async fn the_build_is_told_in_a_flat_object() {
    let (status, body) = get("acme", "/loki/api/v1/status/buildinfo").await;
    assert_eq!(status, StatusCode::OK);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["version"].as_str().unwrap().starts_with("3."));
    assert!(body["revision"].as_str().unwrap().starts_with("embedded-"));
}
