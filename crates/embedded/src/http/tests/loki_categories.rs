//! Labels by category, as a real Loki answered on the same lines.

use serde_json::{Value, json};

use super::*;

const TIME: i64 = 1_793_491_200_000_000_000;

fn filled() -> Backend {
    let backend = Backend::with_clock(Limits::default(), Arc::new(|| TIME + 60_000_000_000));
    let line = |after: i64, line: &str, metadata: &[(&str, &str)]| LogEntry {
        timestamp_ns: TIME + after,
        line: line.to_owned(),
        structured_metadata: pairs(metadata),
    };
    let stream = LogStream {
        labels: pairs(&[("app", "x"), ("env", "p")]),
        entries: vec![
            line(
                1,
                r#"{"level":"info","a":{"b":1},"app":"inner","trace":"7"}"#,
                &[("trace", "t1"), ("app", "meta"), ("user", "u")],
            ),
            line(2, "plain", &[]),
            line(3, r#"level=warn msg="h i""#, &[("trace", "t2")]),
        ],
    };
    backend.push_logs("acme", vec![stream]).unwrap();
    backend
}

async fn data(flags: Option<&str>, path: &str, query: &str) -> Value {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let uri = format!(
        "/loki/api/v1/{path}?query={query}&start=1793491190&end=1793491260&step=30\
         &time=1793491230&direction=forward"
    );
    let mut request = Request::get(uri).header("X-Scope-OrgID", "acme");
    if let Some(flags) = flags {
        request = request.header("X-Loki-Response-Encoding-Flags", flags);
    }
    let (status, body) = send(&filled(), request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["data"].take()
}

/// The streams with what stands beside each of their lines.
async fn categories(query: &str) -> Value {
    let data = data(Some("categorize-labels"), "query_range", query).await;
    assert_eq!(data["encodingFlags"], json!(["categorize-labels"]));
    let streams = data["result"].as_array().unwrap().iter().map(|stream| {
        let lines = stream["values"].as_array().unwrap().iter();
        let own: Vec<Value> = lines.map(|line| line[2].clone()).collect();
        json!([stream["stream"], own])
    });
    streams.collect()
}

#[tokio::test]
async fn a_lines_own_labels_stand_beside_it_by_category_when_they_are_asked_for_so() {
    let failed = json!({
        "__error__": "JSONParserErr",
        "__error_details__": "Value looks like object, but can't find closing '}' symbol",
    });
    let stream = json!({"app": "x", "env": "p"});
    for (query, wanted) in [
        (
            r#"{app="x"}"#,
            json!([[stream, [
                {"structuredMetadata": {"app_extracted": "meta", "trace": "t1", "user": "u"}},
                {},
                {"structuredMetadata": {"trace": "t2"}},
            ]]]),
        ),
        (
            r#"{app="x"} | json"#,
            json!([[stream, [
                {
                    "structuredMetadata": {"trace": "t1", "user": "u"},
                    "parsed": {
                        "a_b": "1",
                        "app_extracted": "inner",
                        "level": "info",
                        "trace_extracted": "7",
                    },
                },
                {"parsed": failed},
                {"structuredMetadata": {"trace": "t2"}, "parsed": failed},
            ]]]),
        ),
        (
            r#"{app="x"} | label_format env="z", trace="y""#,
            json!([[{"app": "x"}, [
                {
                    "structuredMetadata": {"app_extracted": "meta", "user": "u"},
                    "parsed": {"env": "z", "trace": "y"},
                },
                {"parsed": {"env": "z", "trace": "y"}},
                {"parsed": {"env": "z", "trace": "y"}},
            ]]]),
        ),
        (
            r#"{app="x"} | label_format level=env"#,
            json!([[{"app": "x"}, [
                {
                    "structuredMetadata": {"app_extracted": "meta", "trace": "t1", "user": "u"},
                    "parsed": {"level": "p"},
                },
                {"parsed": {"level": "p"}},
                {"structuredMetadata": {"trace": "t2"}, "parsed": {"level": "p"}},
            ]]]),
        ),
        (
            r#"{app="x"} | json | keep level"#,
            json!([[{}, [{"parsed": {"level": "info"}}, {"parsed": failed}, {"parsed": failed}]]]),
        ),
        (
            r#"{app="x"} | drop trace, user, env"#,
            json!([[{"app": "x"}, [
                {"structuredMetadata": {"app_extracted": "meta"}},
                {},
                {},
            ]]]),
        ),
    ] {
        assert_eq!(categories(query).await, wanted, "{query}");
    }
}

#[tokio::test]
async fn without_the_flag_a_lines_own_labels_are_its_streams() {
    let data = data(None, "query_range", r#"{app="x"} | trace="t2""#).await;
    assert_eq!(data.get("encodingFlags"), None);
    let time = (TIME + 3).to_string();
    let wanted = json!([{
        "stream": {"app": "x", "env": "p", "trace": "t2"},
        "values": [[time, r#"level=warn msg="h i""#]],
    }]);
    assert_eq!(data["result"], wanted);
}

#[tokio::test]
async fn an_answer_with_lines_repeats_each_flag_once_and_any_other_answer_none() {
    let asked = Some("a,categorize-labels,a, b");
    let lines = data(asked, "query_range", r#"{app="x"}"#).await;
    assert_eq!(
        lines["encodingFlags"],
        json!(["a", "categorize-labels", " b"])
    );
    let others = data(Some("a, b"), "query_range", r#"{app="x"}"#).await;
    assert_eq!(others["encodingFlags"], json!(["a", " b"]));
    assert_eq!(
        others["result"][0]["values"][0].as_array().unwrap().len(),
        2
    );
    let count = r#"sum(count_over_time({app="x"}[1m]))"#;
    for path in ["query_range", "query"] {
        let numbers = data(asked, path, count).await;
        assert_eq!(numbers.get("encodingFlags"), None, "{path}");
        assert!(numbers["result"].to_string().contains("\"3\""), "{numbers}");
    }
}
