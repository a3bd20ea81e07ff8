//! Loki's push API.

use axum::response::IntoResponse;
use prost::Message;

use super::{RESOURCE, gzip, snappy, unsnappy};
use crate::harness::World;
use crate::harness::backend::Received;

/// A batch, as Loki documents it.
#[derive(Clone, PartialEq, Message)]
struct Push {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
    #[prost(uint64, tag = "3")]
    hash: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Time>,
    #[prost(string, tag = "2")]
    line: String,
}

#[derive(Clone, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

const JSON: &str = r#"{"streams": [
    {"stream": {"app": "x", "resource_id": "shop-db"}, "values": [["1737972000000000001", "line"]]}
]}"#;

fn pushed(labels: &str) -> Push {
    let timestamp = Some(Time {
        seconds: 1_737_972_000,
        nanos: 1,
    });
    let line = "line".to_owned();
    Push {
        streams: vec![Stream {
            labels: labels.to_owned(),
            entries: vec![Entry { timestamp, line }],
            hash: 0,
        }],
    }
}

/// What Loki got.
fn got(received: &Received) -> Push {
    assert_eq!(received.path, "/loki/api/v1/push");
    assert_eq!(
        received.header("content-type"),
        Some("application/x-protobuf")
    );
    assert_eq!(received.header("content-encoding"), Some("snappy"));
    assert_eq!(received.header("x-scope-orgid"), Some("acme-shop"));
    Push::decode(&*unsnappy(&received.bytes)).unwrap()
}

async fn world() -> World {
    let world = World::new().await;
    world
        .loki
        .answers(|| http::StatusCode::NO_CONTENT.into_response());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_stamped_and_forwarded_in_one_form() {
    let world = world().await;
    let path = format!("{RESOURCE}/loki/api/v1/push");
    let ask = || {
        world
            .ask(&path)
            .token(&world.token("erin"))
            .header("x-scope-orgid", "globex-iot")
    };
    let protobuf = Push {
        streams: vec![Stream {
            hash: 7,
            ..pushed(r#"{app="x", resource_id="shop-db"}"#)
                .streams
                .remove(0)
        }],
    };
    let protobuf = snappy(&protobuf.encode_to_vec());
    for ask in [
        ask().post("application/json", JSON),
        ask()
            .post("application/json; charset=utf-8", gzip(JSON.as_bytes()))
            .header("content-encoding", "gzip"),
        ask().post("application/x-protobuf", protobuf.clone()),
        ask()
            .post("application/x-protobuf", protobuf)
            .header("content-encoding", "snappy"),
    ] {
        let answer = ask.send().await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (204, ""));
        let expected = pushed(r#"{app="x", resource_id="shop-api"}"#);
        assert_eq!(got(&world.loki.last()), expected);
        world.loki.forget();
    }
}
