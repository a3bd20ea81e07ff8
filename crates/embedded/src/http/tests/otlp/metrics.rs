//! Metrics: by the rules of Prometheus' translation.

use std::fmt::Write as _;

use http::StatusCode;
use prost::Message as _;
use serde_json::Value as Json;

use super::{BEGINNING, empty, export, get, json};
use crate::Backend;

/// A batch a line, with what is found afterwards; times of samples are seconds.
const CASES: &str = include_str!("metrics.jsonl");
const PATH: &str = "/otlp/v1/metrics";
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

/// Labels as they are written in queries, with the metric's name in front.
fn labels(json: &Json) -> String {
    let mut pairs: Vec<_> = json.as_object().unwrap().iter().collect();
    pairs.sort_by_key(|(name, _)| name.as_str());
    let name = json["__name__"].as_str().unwrap_or_default();
    let pairs = pairs.iter().filter(|(name, _)| *name != "__name__");
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{name}{{{}}}", pairs.join(", "))
}

#[allow(clippy::cast_precision_loss, reason = "whole seconds")]
fn seconds(time: &Json) -> String {
    (time.as_f64().unwrap() - (BEGINNING / 1_000_000_000) as f64).to_string()
}

async fn series(backend: &Backend) -> Vec<String> {
    let parameters = [("query", r#"{__name__=~".+"}[1h]"#)];
    let found = get(backend, "/prometheus/api/v1/query", &parameters).await;
    let one = |series: &Json| {
        let mut line = labels(&series["metric"]);
        for value in series["values"].as_array().into_iter().flatten() {
            let number = value[1].as_str().unwrap();
            write!(line, " {number}@{}", seconds(&value[0])).unwrap();
        }
        for value in series["histograms"].as_array().into_iter().flatten() {
            let text = |json: &Json| json.as_str().unwrap().to_owned();
            let of = &value[1];
            write!(line, " {}/{}", text(&of["sum"]), text(&of["count"])).unwrap();
            for bucket in of["buckets"].as_array().into_iter().flatten() {
                let [lower, upper, count] = [1, 2, 3].map(|at| text(&bucket[at]));
                write!(line, " {lower}..{upper}={count}").unwrap();
            }
            write!(line, "@{}", seconds(&value[0])).unwrap();
        }
        line
    };
    let result = found["data"]["result"].as_array().unwrap();
    let mut lines: Vec<_> = result.iter().map(one).collect();
    lines.sort();
    lines
}

async fn metadata(backend: &Backend) -> Vec<String> {
    let found = get(backend, "/prometheus/api/v1/metadata", &[]).await;
    let metrics = found["data"].as_object().unwrap().iter();
    let mut lines: Vec<_> = metrics
        .flat_map(|(name, all)| all.as_array().unwrap().iter().map(move |one| (name, one)))
        .map(|(name, one)| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            format!("{name} {} {} {}", text("type"), text("unit"), text("help"))
        })
        .collect();
    lines.sort();
    lines
}

async fn exemplars(backend: &Backend) -> Vec<String> {
    let start = (BEGINNING / 1_000_000_000).to_string();
    let end = (BEGINNING / 1_000_000_000 + 600).to_string();
    let parameters = [
        ("query", r#"{__name__=~".+"}"#),
        ("start", &*start),
        ("end", &*end),
    ];
    let path = "/prometheus/api/v1/query_exemplars";
    let found = get(backend, path, &parameters).await;
    let mut lines = Vec::new();
    for series in found["data"].as_array().unwrap() {
        for one in series["exemplars"].as_array().unwrap() {
            lines.push(format!(
                "{} {} {}@{}",
                labels(&series["seriesLabels"]),
                labels(&one["labels"]),
                one["value"].as_str().unwrap(),
                seconds(&one["timestamp"])
            ));
        }
    }
    lines.sort();
    lines
}

/// The lines of a case's part, if it has one.
fn wanted(case: &Json, part: &str) -> Option<Vec<String>> {
    let mut lines: Vec<String> = serde_json::from_value(case.get(part)?.clone()).unwrap();
    lines.sort();
    Some(lines)
}

#[tokio::test]
async fn data_points_are_found_as_samples() {
    for case in CASES.lines() {
        let case: Json = serde_json::from_str(case).unwrap();
        let name = &case["case"];
        let backend = empty();
        let body = json::metrics(&case["batch"]).encode_to_vec();
        let said = export(&backend, PATH, &[PROTOBUF], body).await;
        let sentence = case["said"].as_str().unwrap();
        if case["status"] == 200 {
            let said = said.unwrap();
            assert_eq!(said.rejected, case["rejected"], "{name}: {said:?}");
            assert!(said.error_message.contains(sentence), "{name}: {said:?}");
            assert_eq!(
                said.error_message.is_empty(),
                sentence.is_empty(),
                "{said:?}"
            );
        } else {
            let (status, said) = said.unwrap_err();
            assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {said}");
            assert!(said.contains(sentence), "{name}: {said}");
        }
        assert_eq!(
            series(&backend).await,
            wanted(&case, "series").unwrap(),
            "{name}"
        );
        if let Some(wanted) = wanted(&case, "metadata") {
            assert_eq!(metadata(&backend).await, wanted, "{name}");
        }
        if let Some(wanted) = wanted(&case, "exemplars") {
            assert_eq!(exemplars(&backend).await, wanted, "{name}");
        }
    }
}
