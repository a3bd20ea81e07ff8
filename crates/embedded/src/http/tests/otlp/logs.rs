//! Log records, against what a real Loki made of them.

use http::StatusCode;
use prost::Message as _;
use serde_json::Value as Json;

use crate::http::push::proto::otlp::PartialSuccess;

use super::{BEGINNING, empty, export, get, gzip, json};

const CASES: &str = include_str!("../../../../tests/oracle/otlp-logs.jsonl");
const PATH: &str = "/otlp/v1/logs";
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

/// The streams that are found, with times as the data have them, in a fixed order.
fn streams(answer: &Json) -> Vec<Json> {
    let mut streams = answer["data"]["result"].as_array().unwrap().clone();
    let relative = |json: &mut Json| {
        let time: i64 = json.as_str().unwrap().parse().unwrap();
        *json = Json::String((time - BEGINNING).to_string());
    };
    for stream in &mut streams {
        if let Some(observed) = stream["stream"].get_mut("observed_timestamp") {
            relative(observed);
        }
        for value in stream["values"].as_array_mut().unwrap() {
            relative(&mut value[0]);
        }
    }
    sorted(streams)
}

#[tokio::test]
async fn records_are_found_as_loki_finds_them() {
    for case in CASES.lines() {
        let case: Json = serde_json::from_str(case).unwrap();
        let name = &case["case"];
        let batch = json::logs(&case["batch"]).encode_to_vec();
        for headers in [&[PROTOBUF][..], &[PROTOBUF, ("content-encoding", "gzip")]] {
            let backend = empty();
            let body = if headers.len() == 1 {
                batch.clone()
            } else {
                gzip(&batch)
            };
            let said = export(&backend, PATH, headers, body).await;
            match case["status"].as_u64().unwrap() {
                // A batch of nothing, which the protocol wants to be taken.
                204 | 422 => assert_eq!(said, Ok(PartialSuccess::default()), "{name}"),
                _ => {
                    let (status, sentence) = said.unwrap_err();
                    assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {sentence}");
                }
            }
            let parameters = [
                ("query", r#"{resource_id=~".+"}"#),
                ("since", "1h"),
                ("direction", "forward"),
            ];
            let found = get(&backend, "/loki/api/v1/query_range", &parameters).await;
            let wanted = case["found"].as_array().unwrap().clone();
            assert_eq!(streams(&found), sorted(wanted), "{name}");
        }
    }
}

fn sorted(mut streams: Vec<Json>) -> Vec<Json> {
    streams.sort_by_key(|stream| stream["values"].to_string());
    streams
}
