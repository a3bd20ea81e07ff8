//! `detected_labels`, `detected_fields` and `detected_field/{name}/values` of Loki.

use super::*;

fn filled() -> Backend {
    let backend = Backend::with_clock(Limits::default(), Arc::new(|| NOW));
    let stream = |labels: &[(&str, &str)], lines: &[&str]| LogStream {
        labels: pairs(labels),
        entries: (1..)
            .zip(lines)
            .map(|(ago, line)| LogEntry {
                timestamp_ns: NOW - ago,
                line: (*line).to_owned(),
                structured_metadata: pairs(&[("trace_id", &format!("t{ago}"))]),
            })
            .collect(),
    };
    let json = [
        r#"{"status": 200, "took": "24ms", "size": "1.5KiB", "user": {"id": 7}, "ok": true}"#,
        r#"{"status": 500, "took": "30ms", "size": "2MB", "user": {"id": 8}, "app": "x"}"#,
    ];
    let logfmt = ["status=404 share=0.5", "no fields in this one"];
    let streams = vec![
        stream(
            &[("app", "web"), ("shard", "1"), ("flag", "0"), ("pod", "7")],
            &json,
        ),
        stream(
            &[("app", "db"), ("shard", "22"), ("flag", "1"), ("pod", "8")],
            &logfmt,
        ),
    ];
    backend.push_logs("acme", streams).unwrap();
    let secret = stream(&[("app", "web"), ("secret", "s")], &["secret=1"]);
    backend.push_logs("globex", vec![secret]).unwrap();
    backend
}

async fn ask(path: &str, parameters: &[(&str, &str)]) -> String {
    get_and_post(&filled(), &format!("/loki/api/v1/{path}"), parameters).await
}

const WEB: (&str, &str) = ("query", r#"{app="web"}"#);

#[tokio::test]
async fn labels_that_are_only_ids_are_not_detected() {
    assert_eq!(
        ask("detected_labels", &[]).await,
        r#"200 {"detectedLabels":[{"label":"app","cardinality":2},{"label":"flag","cardinality":2},{"label":"pod","cardinality":2}]}"#
    );
    assert_eq!(
        ask("detected_labels", &[("query", r#"{app="db"}"#)]).await,
        r#"200 {"detectedLabels":[{"label":"app","cardinality":1},{"label":"flag","cardinality":1},{"label":"pod","cardinality":1}]}"#
    );
    assert_eq!(
        ask("detected_labels", &[("start", "0"), ("end", "1")]).await,
        "200 {}"
    );
}

#[tokio::test]
async fn fields_of_json_are_detected_with_their_types_and_paths() {
    let answer = ask("detected_fields", &[WEB]).await;
    let wanted = [
        r#"{"label":"app_extracted","type":"string","cardinality":1,"parsers":["json"],"jsonPath":["app"]}"#,
        r#"{"label":"ok","type":"boolean","cardinality":1,"parsers":["json"],"jsonPath":["ok"]}"#,
        r#"{"label":"size","type":"bytes","cardinality":2,"parsers":["json"],"jsonPath":["size"]}"#,
        r#"{"label":"status","type":"int","cardinality":2,"parsers":["json"],"jsonPath":["status"]}"#,
        r#"{"label":"took","type":"duration","cardinality":2,"parsers":["json"],"jsonPath":["took"]}"#,
        r#"{"label":"trace_id","type":"string","cardinality":2,"parsers":null}"#,
        r#"{"label":"user_id","type":"int","cardinality":2,"parsers":["json"],"jsonPath":["user","id"]}"#,
    ];
    let wanted = format!(r#"200 {{"fields":[{}],"limit":1000}}"#, wanted.join(","));
    assert_eq!(answer, wanted);
}

#[tokio::test]
async fn fields_of_logfmt_and_of_the_querys_own_parsers_are_detected() {
    let query = r#"{app="db"} | pattern "<first>=<_>" | first="status""#;
    assert_eq!(
        ask("detected_fields", &[("query", query)]).await,
        r#"200 {"fields":[{"label":"first","type":"string","cardinality":1,"parsers":["logfmt"]},{"label":"share","type":"float","cardinality":1,"parsers":["logfmt"]},{"label":"status","type":"int","cardinality":1,"parsers":["logfmt"]},{"label":"trace_id","type":"string","cardinality":1,"parsers":null}],"limit":1000}"#
    );
    assert_eq!(
        ask("detected_fields", &[("query", r#"{app="nope"}"#)]).await,
        "200 {}"
    );
}

#[tokio::test]
async fn the_limits_of_fields_and_lines_are_kept() {
    for limit in ["limit", "field_limit"] {
        let answer = ask("detected_fields", &[WEB, (limit, "2")]).await;
        assert_eq!(answer.matches("\"label\"").count(), 2, "{answer}");
        assert!(answer.ends_with(r#""limit":2}"#), "{answer}");
    }
    let newest = ask("detected_fields", &[WEB, ("line_limit", "1")]).await;
    assert!(newest.contains(r#""label":"status","type":"int","cardinality":1"#));
    let too_many = ask("detected_fields", &[WEB, ("line_limit", "5001")]).await;
    assert!(too_many.starts_with("400 max entries limit"), "{too_many}");
    let metric = ask("detected_fields", &[("query", r#"rate({app="web"}[1m])"#)]).await;
    assert_eq!(metric, "400 only log selector is supported");
}

#[tokio::test]
async fn values_of_a_field_are_those_that_a_query_can_take() {
    for (field, values) in [
        ("status", r#"["200","500"]"#),
        ("size", r#"["1.5kB","2.0MB"]"#),
        ("trace_id", r#"["t1","t2"]"#),
    ] {
        let answer = ask(&format!("detected_field/{field}/values"), &[WEB]).await;
        let wanted = format!(r#"200 {{"values":{values},"limit":1000}}"#);
        assert_eq!(answer, wanted);
    }
    assert_eq!(ask("detected_field/nope/values", &[WEB]).await, "200 {}");
}

#[tokio::test]
async fn another_tenants_logs_are_not_looked_into() {
    for path in [
        "detected_labels",
        "detected_fields",
        "detected_field/secret/values",
    ] {
        let answer = ask(path, &[WEB]).await;
        assert!(!answer.contains("secret"), "{answer}");
    }
}
