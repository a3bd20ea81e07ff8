//! Senders of OTLP are answered in the encoding in which they have sent, in the messages that they
//! know.

use axum::response::IntoResponse;
use http::StatusCode;
use prost::Message;
use serde_json::{Value, json};

use super::RESOURCE;
use crate::harness::World;
use crate::harness::client::Answer;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// `ExportLogsServiceResponse`, or that of metrics.
#[derive(Clone, PartialEq, Message)]
struct Exported {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const METRICS: &str = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{
    "name": "m",
    "gauge": {"dataPoints": [{"timeUnixNano": "1737972000000000000", "asInt": "1"}]}
}]}]}]}"#;

/// Sends an empty batch, or a small one in JSON.
async fn send(world: &World, what: &str, content_type: &str) -> Answer {
    let body = match (what, content_type) {
        (_, PROTOBUF) => "",
        ("metrics", _) => METRICS,
        (..) => "{}",
    };
    send_body(world, what, content_type, body).await
}

async fn send_body(world: &World, what: &str, content_type: &str, body: &'static str) -> Answer {
    let ask = world.ask(&format!("{RESOURCE}/otlp/v1/{what}"));
    let ask = ask.token(&world.token("erin"));
    ask.post(content_type, body).send().await
}

fn is(answer: &Answer, status: u16, content_type: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some(content_type));
}

/// What a refusal says.
fn message(answer: &Answer, content_type: &str) -> String {
    if content_type == PROTOBUF {
        return Status::decode(&*answer.bytes).unwrap().message;
    }
    let value = answer.value();
    assert!(value["code"].is_i64(), "{value}");
    value["message"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_the_empty_message() {
    let world = World::new().await;
    for what in ["logs", "metrics"] {
        for answer in [
            || StatusCode::NO_CONTENT.into_response(),
            || StatusCode::OK.into_response(),
            || ([("content-type", "text/html")], "<html>stored</html>").into_response(),
            || ([("content-type", PROTOBUF)], "not protobuf").into_response(),
        ] {
            world.loki.answers(answer);
            world.mimir.answers(answer);
            let answer = send(&world, what, JSON).await;
            is(&answer, 200, JSON);
            assert_eq!(answer.body, "{}");
            let answer = send(&world, what, PROTOBUF).await;
            is(&answer, 200, PROTOBUF);
            assert_eq!(&*answer.bytes, b"");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_backend_has_rejected_of_a_batch_comes_through() {
    let world = World::new().await;
    let exported = Exported {
        partial_success: Some(PartialSuccess {
            rejected: 9_007_199_254_740_993,
            error_message: "two points of one \"series\"".to_owned(),
        }),
    };
    for (what, name) in [
        ("logs", "rejectedLogRecords"),
        ("metrics", "rejectedDataPoints"),
    ] {
        let bytes = exported.encode_to_vec();
        let answers = move || ([("content-type", PROTOBUF)], bytes.clone()).into_response();
        world.loki.answers(answers.clone());
        world.mimir.answers(answers);
        let answer = send(&world, what, JSON).await;
        is(&answer, 200, JSON);
        let expected = json!({"partialSuccess": {
            name: "9007199254740993",
            "errorMessage": "two points of one \"series\"",
        }});
        assert_eq!(answer.value(), expected);
        let answer = send(&world, what, PROTOBUF).await;
        is(&answer, 200, PROTOBUF);
        assert_eq!(Exported::decode(&*answer.bytes).unwrap(), exported);
    }
}

/// SDKs and collectors show the message of a `Status` in their logs.
#[tokio::test(flavor = "multi_thread")]
async fn a_backends_refusal_is_a_status_in_the_senders_encoding() {
    let world = World::new().await;
    let said = Status {
        code: 9,
        message: "the backend's own words".to_owned(),
    };
    let said = said.encode_to_vec();
    for content_type in [JSON, PROTOBUF] {
        for status in [400, 413, 422, 429] {
            let status = StatusCode::from_u16(status).unwrap();
            // Mimir says what it is, Loki lets Go guess, Prometheus sends a line.
            for (given, said) in [
                (PROTOBUF, &*said),
                ("application/octet-stream", &*said),
                ("text/plain; charset=utf-8", b"the backend's own words\n"),
            ] {
                let said = said.to_vec();
                world.mimir.answers(move || {
                    let headers = [("content-type", given), ("retry-after", "17")];
                    (status, headers, said.clone()).into_response()
                });
                let answer = send(&world, "metrics", content_type).await;
                is(&answer, status.as_u16(), content_type);
                assert_eq!(message(&answer, content_type), "the backend's own words");
                let after = answer.header("retry-after");
                assert_eq!(after, (status == 429).then_some("17"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_refusals_are_statuses_too() {
    let world = World::new().await;
    let answer = send_body(&world, "metrics", JSON, r#"{"resourceMetrics": 3}"#).await;
    is(&answer, 400, JSON);
    assert!(message(&answer, JSON).contains("at resourceMetrics"));
    let answer = send_body(&world, "logs", PROTOBUF, "plain text").await;
    is(&answer, 400, PROTOBUF);
    let says = message(&answer, PROTOBUF);
    assert_eq!(
        says,
        "the body is not a protobuf message of the expected type"
    );

    for content_type in [JSON, PROTOBUF] {
        let path = format!("{RESOURCE}/otlp/v1/logs");
        let answer = world.ask(&path).post(content_type, "").send().await;
        is(&answer, 401, content_type);
        assert!(answer.header("www-authenticate").is_some());
        assert!(message(&answer, content_type).starts_with("send a token"));

        let ask = world.ask(&path).token(&world.token("victor"));
        let answer = ask.post(content_type, "").send().await;
        is(&answer, 403, content_type);
        assert!(message(&answer, content_type).contains("no write permission"));

        // Whatever is not for the sender to know, and is to be sent again.
        world.mimir.fails(500, "internal: 10.0.0.7");
        let answer = send(&world, "metrics", content_type).await;
        is(&answer, 502, content_type);
        assert_eq!(answer.header("retry-after"), Some("5"));
        let says = message(&answer, content_type);
        let id = answer.header("x-request-id").unwrap();
        assert!(says.contains(id) && !says.contains("10.0.0.7"), "{says}");
    }
    // Who sends neither is told in the form of everything else.
    let answer = send_body(&world, "logs", "text/plain", "x").await;
    is(&answer, 415, JSON);
    assert_eq!(
        answer.value()["errorType"],
        Value::from("unsupported_media_type")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_refusal_is_cut_and_remains_one() {
    let world = World::new().await;
    for (status, expected) in [(400, 256 << 10), (200, 0)] {
        let status = StatusCode::from_u16(status).unwrap();
        world
            .mimir
            .answers(move || (status, "x".repeat(1 << 20)).into_response());
        let answer = send(&world, "metrics", JSON).await;
        is(&answer, status.as_u16(), JSON);
        let message = answer.value()["message"].as_str().map_or(0, str::len);
        assert_eq!(message, expected);
    }
}
