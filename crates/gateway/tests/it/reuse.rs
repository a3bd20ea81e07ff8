//! Connections to backends that are used for one request after the other.

use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse as _;

use crate::harness::broken::{Broken, OK, Step};
use crate::harness::{LOGS, World, backend_at};

async fn world(url: &str) -> World {
    World::with(|settings| settings.loki = Some(backend_at(url))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_all_shapes_leave_their_connection_to_the_next_request() {
    const STEPS: &[Step] = &[
        Step::Read,
        OK,
        // In chunks, at once and in pieces.
        Step::Read,
        Step::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        Step::Read,
        Step::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{"),
        Step::Write(b"\r\n1\r\n}\r\n0\r"),
        Step::Write(b"\n\r\n"),
        Step::Read,
        Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        // One whose body nobody reads.
        Step::Read,
        Step::Write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone"),
        Step::Read,
        OK,
        Step::Hang,
    ];
    let backend = Broken::start(STEPS).await;
    let world = world(&backend.url).await;
    let mut told = Vec::new();
    for _ in 0..6 {
        let answer = world.get("victor", LOGS).await;
        told.push((answer.status.as_u16(), answer.body));
    }
    let told: Vec<_> = told
        .iter()
        .map(|(status, body)| (*status, body.as_str()))
        .collect();
    assert_eq!(
        told[..4],
        [(200, "{}"), (200, "{}"), (200, "{}"), (200, "")]
    );
    assert_eq!(told[4].0, 501);
    assert_eq!(told[5], (200, "{}"));
    assert_eq!((backend.connections(), backend.requests()), (1, 6));
}

/// Otherwise it would be the answer to the next request, which may be another tenant's.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_more_than_the_answer_on_it_is_not_used_again() {
    const STEPS: &[Step] = &[
        Step::Read,
        Step::Write(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}\
              HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nothers",
        ),
        Step::Read,
        Step::Hang,
    ];
    let backend = Broken::start(STEPS).await;
    let world = world(&backend.url).await;
    for count in 1..=3 {
        let answer = world.get("victor", LOGS).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, "{}"));
        assert_eq!((backend.connections(), backend.requests()), (count, count));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_to_be_closed_is_not_used_again() {
    const STEPS: &[Step] = &[
        Step::Read,
        Step::Write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"),
        Step::Read,
        Step::Hang,
    ];
    let backend = Broken::start(STEPS).await;
    let world = world(&backend.url).await;
    for count in 1..=3 {
        assert_eq!(world.get("victor", LOGS).await.status, 200);
        assert_eq!((backend.connections(), backend.requests()), (count, count));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_does_not_fail_because_the_last_connection_was_closed_long_ago() {
    const STORED: Step = Step::Write(b"HTTP/1.1 204 No Content\r\n\r\n");
    let backend = Broken::start(&[Step::Read, STORED]).await;
    let world = world(&backend.url).await;
    let path = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/push";
    for count in 1..=3 {
        let now = world.clock_nanos();
        let batch = format!(r#"{{"streams":[{{"stream":{{"a":"b"}},"values":[["{now}","x"]]}}]}}"#);
        let ask = world.ask(path).token(&world.token("erin"));
        let answer = ask.post("application/json", batch).send().await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!((backend.connections(), backend.requests()), (count, count));
        // The end of the connection has arrived by then, unlike in the tests of `upstreams`.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Bodies of many sizes and speeds, on connections that go from one request to the other.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_the_answer_to_the_own_question() {
    let world = Arc::new(World::new().await);
    world.loki.answers_by(|request| {
        let query = request.parameter("query").unwrap();
        let size = query.bytes().map(usize::from).sum::<usize>() % 97 * 1000;
        let pad = "x".repeat(size);
        format!("{query} {pad}").into_response()
    });
    let token = world.token("victor");
    let asking = (0..40).map(|client| {
        let (world, token) = (Arc::clone(&world), token.clone());
        tokio::spawn(async move {
            for count in 0..10 {
                let name = format!("app{client}n{count}");
                let path = format!(
                    "{}?query=%7Ba%3D%22{name}%22%7D",
                    LOGS.split('?').next().unwrap()
                );
                let answer = world.ask(&path).token(&token).send().await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert!(answer.body.contains(&format!("a=\"{name}\"")), "{name}");
            }
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
}
