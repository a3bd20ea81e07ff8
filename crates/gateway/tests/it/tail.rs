//! Live tails.

use std::time::{Duration, Instant};

use crate::harness::{World, encoded, eventually};

const BASE: &str = "/api/v1/projects/acme-shop/resources/shop-api";
const FRAME: &str =
    r#"{"streams":[{"stream":{"app":"x"},"values":[["1737972000000000001","a line"]]}]}"#;

/// The path of a WebSocket's tail of this query.
fn socket(query: &str) -> String {
    format!("{BASE}/loki/api/v1/tail?query={}", encoded(query))
}

fn any() -> String {
    socket(r#"{app="x"}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_is_scoped_and_its_frames_come_through_as_they_are() {
    let world = World::new().await;
    let path = format!("{}&start=1737972000&limit=20&delay_for=2&end=1&x=y", any());
    let mut caller = world.tail("victor", &path).await;
    let mut backend = world.loki.tail().await;
    let sent = world.loki.last();
    assert_eq!(sent.path, "/loki/api/v1/tail");
    assert_eq!(
        sent.parameter("query").unwrap(),
        r#"{app="x", resource_id="shop-api"}"#
    );
    assert_eq!(
        sent.parameter_names(),
        ["query", "start", "limit", "delay_for"]
    );
    assert_eq!(sent.parameter("start").unwrap(), "1737972000000000000");
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    assert_eq!(
        sent.header("x-prom-label-policy"),
        Some("acme-shop:%7Bresource_id=%22shop-api%22%7D")
    );
    assert_eq!(sent.header("authorization"), None);
    for frame in [FRAME, "{\"streams\": [ ]}\n"] {
        backend.send(frame).await;
        assert_eq!(caller.text().await, frame);
    }
}
