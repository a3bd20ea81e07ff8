//! What senders are told: that their batch is stored, why it is refused, or to send it again.

use bytes::Bytes;

use super::{RESOURCE, snappy};
use crate::harness::client::Answer;
use crate::harness::{World, backend_at, nobody};

const PUSH: &str = r#"{"streams": [{"stream": {"app": "x"}, "values": [["1", "line"]]}]}"#;

fn path() -> String {
    format!("{RESOURCE}/loki/api/v1/push")
}

async fn push(world: &World, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let token = world.token("erin");
    let ask = world.ask(&path()).token(&token);
    ask.post(content_type, body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backend_says_against_a_batch_comes_through() {
    let world = World::new().await;
    for status in [400, 413, 415, 422, 429] {
        world.loki.fails(status, "Loki's own words");
        let answer = push(&world, "application/json", PUSH).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.body),
            (status, "Loki's own words")
        );
    }
}

/// Senders send again after these, and after no other.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stored_is_not_acknowledged() {
    let world = World::new().await;
    for status in [201, 202, 301, 401, 403, 500, 503] {
        world.loki.fails(status, "internal: 10.0.0.7");
        let answer = push(&world, "application/json", PUSH).await;
        assert_eq!(answer.status, 502, "{status}");
        assert!(!answer.body.contains("10.0.0.7"));
        assert!(answer.header("retry-after").is_some());
    }
    world
        .loki
        .fails(507, "/var/lib/data: no space left on device");
    let answer = push(&world, "application/json", PUSH).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("no room left"), "{}", answer.body);
    assert!(!answer.body.contains("/var/lib"));
    assert!(answer.header("retry-after").is_some());
    world.loki.fails(404, "page not found");
    assert_eq!(push(&world, "application/json", PUSH).await.status, 501);

    let (_held, url) = nobody();
    let world = World::with(|settings| settings.loki = Some(backend_at(&url))).await;
    let answer = push(&world, "application/json", PUSH).await;
    assert_eq!(answer.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_is_not_forwarded_and_says_why() {
    let world = World::new().await;
    let bad = r#"{"streams": [
        {"stream": {"app": "x"}, "values": [["1", "good"]]},
        {"stream": {"app": "y"}, "values": [["1", "good"], ["one", "bad"]]}
    ]}"#;
    let answer = push(&world, "application/json", bad).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("streams[1].values[1]"),
        "{}",
        answer.body
    );

    for (content_type, body, status) in [
        ("text/plain", Bytes::from(PUSH), 415),
        ("application/x-www-form-urlencoded", Bytes::from(PUSH), 415),
        ("application/x-protobuf", Bytes::from(PUSH), 400),
        ("application/x-protobuf", snappy(PUSH.as_bytes()), 400),
        ("application/json", snappy(PUSH.as_bytes()), 400),
        // A bomb: 4 GiB in seven bytes.
        (
            "application/x-protobuf",
            Bytes::from_static(b"\xff\xff\xff\xff\x0f\x00a"),
            413,
        ),
        ("application/json", vec![b' '; (10 << 20) + 1].into(), 413),
    ] {
        let answer = push(&world, content_type, body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{content_type}: {}",
            answer.body
        );
    }
    let answer = world.ask(&path()).token(&world.token("erin"));
    let answer = answer.header("content-encoding", "zstd");
    let answer = answer.post("application/json", PUSH).send().await;
    assert_eq!(answer.status, 415);
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_strangers_write_nothing() {
    let world = World::new().await;
    for (subject, resource, status) in [
        ("victor", "acme-shop/resources/shop-api", 403),
        ("gina", "acme-shop/resources/shop-api", 403),
        ("mallory", "acme-shop/resources/shop-api", 403),
        ("erin", "acme-lab/resources/lab-flow", 403),
        ("erin", "globex-iot/resources/iot-graph", 403),
        ("erin", "acme-shop/resources/iot-graph", 404),
        ("erin", "acme-shop/resources/nothing", 404),
    ] {
        let path = format!("/api/v1/projects/{resource}/loki/api/v1/push");
        let ask = world.ask(&path).token(&world.token(subject));
        let answer = ask.post("application/json", PUSH).send().await;
        assert_eq!(answer.status.as_u16(), status, "{subject} {resource}");
        let says = answer
            .body
            .contains("you have no write permission on this project");
        assert_eq!(says, status == 403, "{}", answer.body);
    }
    let answer = world
        .ask(&path())
        .post("application/json", PUSH)
        .send()
        .await;
    assert_eq!(answer.status, 401);
    assert_eq!(world.forwarded(), 0);
}
