//! The backend against recorded answers of a real Prometheus; `oracle/README.md` says how they
//! were obtained.

#![allow(clippy::unwrap_used)] // a test

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use embedded::{Backend, Limits, Sample, SampleSeries};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

const SAMPLES: &str = include_str!("oracle/samples.om");
const ANSWERS: &str = include_str!("oracle/answers.jsonl");

/// Reads `name{a="b"} value seconds`, in which no label value needs an escape.
fn sample(line: &str) -> (Vec<(String, String)>, Sample) {
    let (series, point) = line.rsplit_once("} ").unwrap();
    let (name, labels) = series.split_once('{').unwrap();
    let (value, seconds) = point.split_once(' ').unwrap();
    let mut pairs = vec![("__name__".to_owned(), name.to_owned())];
    for label in labels.split(',') {
        let (name, value) = label.split_once('=').unwrap();
        pairs.push((name.to_owned(), value.trim_matches('"').to_owned()));
    }
    let seconds: f64 = seconds.parse().unwrap();
    #[allow(clippy::cast_possible_truncation)]
    let timestamp_ms = (seconds * 1000.0).round() as i64;
    let value = value.parse().unwrap();
    (
        pairs,
        Sample {
            timestamp_ms,
            value,
        },
    )
}

fn backend() -> Backend {
    let limits = Limits {
        creation_grace: std::time::Duration::MAX,
        ..Limits::default()
    };
    let backend = Backend::with_clock(limits, Arc::new(|| 0));
    let mut series: BTreeMap<Vec<(String, String)>, Vec<Sample>> = BTreeMap::new();
    for line in SAMPLES.lines().filter(|line| !line.starts_with('#')) {
        let (labels, sample) = sample(line);
        series.entry(labels).or_default().push(sample);
    }
    let series = series
        .into_iter()
        .map(|(labels, samples)| SampleSeries { labels, samples });
    backend.push_samples("t", series.collect()).unwrap();
    backend
}

async fn ask(router: &axum::Router, path: &str, params: &Value) -> (u16, Value) {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in params.as_object().unwrap() {
        query.append_pair(name, value.as_str().unwrap());
    }
    let uri = format!("/prometheus/api/v1/{path}?{}", query.finish());
    let request = Request::get(uri)
        .header("X-Scope-OrgID", "t")
        .body(Body::empty())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Whether the values are alike: floats, which stand in strings, nearly; all else exactly.
fn alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::String(ours), Value::String(theirs)) => {
            if ours == theirs {
                return true;
            }
            let (Ok(ours), Ok(theirs)) = (ours.parse::<f64>(), theirs.parse::<f64>()) else {
                return false;
            };
            (ours - theirs).abs() <= 1e-9 * ours.abs().max(theirs.abs())
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| alike(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(key, value)| theirs.get(key).is_some_and(|other| alike(value, other)))
        }
        (ours, theirs) => ours == theirs,
    }
}

/// Series sorted by their labels; of an error the part that names no series.
fn sorted(mut answer: Value) -> Value {
    if let Some(Value::Array(series)) = answer.pointer_mut("/data/result") {
        series.sort_by_key(|one| {
            let labels: BTreeMap<String, Value> = one
                .get("metric")
                .and_then(Value::as_object)
                .map(|labels| labels.clone().into_iter().collect())
                .unwrap_or_default();
            format!("{labels:?}")
        });
    }
    if let Some(Value::String(error)) = answer.get_mut("error")
        && let Some(names) = error.find(": [{")
    {
        error.truncate(names);
    }
    answer
}

#[tokio::test]
async fn answers_are_those_of_prometheus() {
    let router = backend().router(None);
    let mut differing = Vec::new();
    let mut count = 0;
    for line in ANSWERS.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let params = case.get("params").unwrap();
        let path = case.get("path").and_then(Value::as_str).unwrap();
        let (status, mut ours) = ask(&router, path, params).await;
        // Prometheus 2.42 did not have these yet.
        if let Some(ours) = ours.as_object_mut() {
            ours.remove("warnings");
            ours.remove("infos");
        }
        let theirs = case.get("answer").unwrap().clone();
        let keeps_order = params
            .get("query")
            .and_then(Value::as_str)
            .is_some_and(|query| {
                query.starts_with("topk")
                    || query.starts_with("bottomk")
                    || query.starts_with("sort")
            });
        let (ours, theirs) = if keeps_order {
            (ours, theirs)
        } else {
            (sorted(ours), sorted(theirs))
        };
        count += 1;
        if Some(u64::from(status)) != case.get("status").and_then(Value::as_u64)
            || !alike(&ours, &theirs)
        {
            differing.push(format!(
                "{path} {params}\n  ours   {ours}\n  theirs {theirs}"
            ));
        }
    }
    assert!(count > 200, "{count}");
    assert!(
        differing.is_empty(),
        "{} of {count} differ\n{}",
        differing.len(),
        differing.join("\n")
    );
}

/// The points of an answer, as `labels time value`, sorted.
fn points(answer: &Value) -> Vec<String> {
    let empty = Vec::new();
    let result = answer.pointer("/data/result").unwrap();
    if answer.pointer("/data/resultType").unwrap() == "scalar" {
        return vec![format!("{{}} {result}")];
    }
    let mut points = Vec::new();
    for series in result.as_array().unwrap() {
        let values = series.get("values").and_then(Value::as_array);
        let metric = series.get("metric").unwrap();
        for value in values.unwrap_or(&empty).iter().chain(series.get("value")) {
            points.push(format!("{metric} {value}"));
        }
    }
    points.sort();
    points
}

#[tokio::test]
async fn a_range_query_gives_what_instant_queries_give_at_its_steps() {
    let router = backend().router(None);
    let mut count = 0;
    for line in ANSWERS.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let params = case.get("params").unwrap();
        let query = params.get("query").and_then(Value::as_str).unwrap();
        let is_range = case.get("path").unwrap() == "query_range";
        let is_answered = case.get("status").unwrap() == 200;
        // The end of an instant query is another one.
        if !is_range || !is_answered || query.contains("end()") {
            continue;
        }
        let (_, range) = ask(&router, "query_range", params).await;
        let mut instants = Vec::new();
        let mut time = 1_793_491_510;
        while time <= 1_793_492_100 {
            let params = serde_json::json!({"query": query, "time": format!("{time}.1")});
            let (_, answer) = ask(&router, "query", &params).await;
            instants.extend(points(&answer));
            time += 97;
        }
        instants.sort();
        assert_eq!(points(&range), instants, "{query}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}
