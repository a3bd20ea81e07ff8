//! Holds the evaluator against what a real Loki answered on the same data.
//!
//! Some answers lie beside this file, in `golden`. More lie outside of this repository;
//! `KTRLPLANE_GOLDEN` names their directory where it is not the usual one.

// Helpers of tests may do what tests may.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

use embedded::{Backend, Limits, LogEntry, LogStream};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// Queries that are known to be answered alike, of those in the file; not to become fewer.
const FLOOR: usize = 186;

fn golden() -> Option<PathBuf> {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let directory = std::env::var_os("KTRLPLANE_GOLDEN").map_or_else(usual, PathBuf::from);
    directory.join("loki.jsonl").is_file().then_some(directory)
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    let object = object.as_object().into_iter().flatten();
    object
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

fn streams(push: &Value) -> Vec<LogStream> {
    let entry = |entry: &Value| LogEntry {
        timestamp_ns: entry[0].as_str().unwrap().parse().unwrap(),
        line: entry[1].as_str().unwrap().to_owned(),
        structured_metadata: pairs(&entry[2]),
    };
    let stream = |stream: &Value| LogStream {
        labels: pairs(&stream["stream"]),
        entries: stream["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(entry)
            .collect(),
    };
    push["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(stream)
        .collect()
}

/// Whether two answers are the same, numbers in text to 1e-9.
fn same(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Array(wanted), Value::Array(got)) => {
            wanted.len() == got.len() && wanted.iter().zip(got).all(|(a, b)| same(a, b))
        }
        (Value::Object(wanted), Value::Object(got)) => {
            wanted.len() == got.len()
                && wanted
                    .iter()
                    .all(|(key, a)| got.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(wanted), Value::Number(got)) => close(wanted.as_f64(), got.as_f64()),
        (Value::String(wanted), Value::String(got)) => wanted == got,
        (wanted, got) => wanted == got,
    }
}

fn close(wanted: Option<f64>, got: Option<f64>) -> bool {
    let (Some(wanted), Some(got)) = (wanted, got) else {
        return false;
    };
    (wanted - got).abs() <= 1e-9 * wanted.abs() || wanted.to_bits() == got.to_bits()
}

/// A sample's value in place of its text.
fn with_numbers(mut data: Value) -> Value {
    let number = |point: &mut Value| {
        if let Some(value) = point[1].as_str().and_then(|text| text.parse::<f64>().ok())
            && value.is_finite()
        {
            point[1] = Value::from(value);
        }
    };
    let kind = data["resultType"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "matrix" => {
            for series in data["result"].as_array_mut().into_iter().flatten() {
                series["values"]
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                    .for_each(number);
            }
        }
        "vector" => {
            for series in data["result"].as_array_mut().into_iter().flatten() {
                number(&mut series["value"]);
            }
        }
        "scalar" => number(&mut data["result"]),
        _ => {}
    }
    if kind != "scalar"
        && let Some(list) = data["result"].as_array_mut()
    {
        list.sort_by_cached_key(|one| {
            let labels = one.get("stream").or_else(|| one.get("metric"));
            let mut pairs = pairs(labels.unwrap_or(&Value::Null));
            pairs.sort();
            pairs
        });
    }
    data
}

fn encoded(params: &Value) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let mut pairs = Vec::new();
    for (name, value) in params.as_object().unwrap() {
        let values = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            pairs.push(format!("{name}={}", escape(value.as_str().unwrap())));
        }
    }
    pairs.join("&")
}

async fn ask(router: &axum::Router, kind: &str, params: &Value) -> (u16, String) {
    let request = http::Request::get(format!("/loki/api/v1/{kind}?{}", encoded(params)))
        .header("X-Scope-OrgID", "golden")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// What is wrong with an answer, if anything is.
fn judge(case: &Value, status: u16, body: &str) -> Result<(), String> {
    let wanted = case["status"].as_u64().unwrap();
    if u64::from(status) != wanted {
        return Err(format!("status {status} for {wanted}: {body:.300}"));
    }
    if wanted != 200 {
        // What a caller did wrong is told in our own words, with its place.
        return Ok(());
    }
    let mut got: Value =
        serde_json::from_str::<Value>(body).map_err(|error| error.to_string())?["data"].take();
    if !case["kind"].as_str().unwrap().starts_with("query") {
        // Names, values and label sets: in order, or not there at all.
        return (case["data"] == got)
            .then_some(())
            .ok_or_else(|| format!("{got:.600}\n      for {:.600}", case["data"]));
    }
    got.as_object_mut().unwrap().remove("stats");
    let (wanted, got) = (with_numbers(case["data"].clone()), with_numbers(got));
    if same(&wanted, &got) {
        return Ok(());
    }
    let (wanted, got) = (
        wanted["result"].as_array().cloned(),
        got["result"].as_array().cloned(),
    );
    let (wanted, got) = (wanted.unwrap_or_default(), got.unwrap_or_default());
    let first = (0..wanted.len().max(got.len())).find(|index| {
        !wanted
            .get(*index)
            .zip(got.get(*index))
            .is_some_and(|(a, b)| same(a, b))
    });
    let show = |list: &[Value]| {
        first
            .and_then(|index| list.get(index))
            .map_or("nothing".to_owned(), Value::to_string)
    };
    Err(format!(
        "{} for {} series; {:.600}\n      for {:.600}",
        got.len(),
        wanted.len(),
        show(&got),
        show(&wanted)
    ))
}

/// Answers all cases of a directory, and tells how many of how many are right.
async fn run(directory: &Path) -> (usize, usize) {
    let push = fs::read_to_string(directory.join("push.json")).unwrap();
    let backend = Backend::new(Limits::default());
    backend
        .push_logs("golden", streams(&serde_json::from_str(&push).unwrap()))
        .unwrap();
    let router = backend.router(None);
    let cases = fs::read_to_string(directory.join("loki.jsonl")).unwrap();
    let (mut passed, mut total) = (0, 0);
    for (index, line) in cases.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let kind = case["kind"].as_str().unwrap();
        total += 1;
        let (status, body) = ask(&router, kind, &case["params"]).await;
        match judge(&case, status, &body) {
            Ok(()) => passed += 1,
            Err(why) => println!("line {} {kind} {}\n      {why}", index + 1, case["params"]),
        }
    }
    println!("golden: {passed} of {total} queries are answered as Loki answered them");
    (passed, total)
}

#[tokio::test]
async fn queries_are_answered_as_a_real_loki_answered_them() {
    let Some(directory) = golden() else {
        println!("SKIPPED: no golden answers of a Loki; set KTRLPLANE_GOLDEN to their directory");
        return;
    };
    let (passed, total) = run(&directory).await;
    assert!(
        passed >= FLOOR.min(total),
        "{passed} of {total}, once {FLOOR}"
    );
}

#[tokio::test]
async fn what_was_answered_otherwise_once_is_answered_as_loki_answers_it() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (passed, total) = run(&directory).await;
    assert_eq!(passed, total);
}
