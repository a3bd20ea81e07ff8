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

/// Of the first case: everything else is structured metadata.
#[tokio::test]
async fn streams_are_told_apart_by_the_attributes_that_loki_indexes() {
    let backend = empty();
    let case: Json = serde_json::from_str(CASES.lines().next().unwrap()).unwrap();
    let body = json::logs(&case["batch"]).encode_to_vec();
    export(&backend, PATH, &[PROTOBUF], body).await.unwrap();
    let parameters = [("match[]", r#"{resource_id="r1"}"#), ("since", "1h")];
    let found = get(&backend, "/loki/api/v1/series", &parameters).await;
    let wanted = serde_json::json!([{
        "k8s_pod_name": "p-1",
        "resource_id": "r1",
        "service_name": "shop",
        "service_namespace": "eu",
    }]);
    assert_eq!(found["data"], wanted);
}

/// Nobody knows when it was made but that it was not later than now.
#[tokio::test]
async fn a_record_without_a_time_is_of_now() {
    let backend = empty();
    let mut batch =
        json::logs(&serde_json::from_str::<Json>(CASES.lines().next().unwrap()).unwrap()["batch"]);
    let record = &mut batch.resource_logs[0].scope_logs[0].log_records[0];
    record.time_unix_nano = 0;
    export(&backend, PATH, &[PROTOBUF], batch.encode_to_vec())
        .await
        .unwrap();
    let now = crate::http::tests::NOW;
    let end = (now + 1).to_string();
    let parameters = [
        ("query", r#"{resource_id="r1"}"#),
        ("since", "1h"),
        ("end", &end),
    ];
    let found = get(&backend, "/loki/api/v1/query_range", &parameters).await;
    assert_eq!(found["data"]["result"][0]["values"][0][0], now.to_string());
}

/// The gateway asks for it, and forwards no records to a backend that does not index the label.
#[tokio::test]
async fn the_limits_say_that_the_resource_is_indexed() {
    let backend = empty();
    let ask = |tenant: &str| {
        let request =
            http::Request::get("/config/tenant/v1/limits").header("x-scope-orgid", tenant);
        request.body(axum::body::Body::empty()).unwrap()
    };
    let (status, yaml) = crate::http::tests::send(&backend, ask("acme")).await;
    assert_eq!(status, StatusCode::OK);
    let (_, config) = yaml.split_once("otlp_config:\n").unwrap();
    let lines: Vec<_> = config.lines().collect();
    let head = [
        "  resource_attributes:",
        "    attributes_config:",
        "    - action: index_label",
        "      attributes:",
        "      - service.name",
    ];
    assert_eq!(lines[..head.len()], head);
    assert!(lines.contains(&"      - resource_id"), "{yaml}");
    let (status, _) = crate::http::tests::send(&backend, ask("")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
