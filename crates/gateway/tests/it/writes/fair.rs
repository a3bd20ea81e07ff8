//! What one project's senders take, they do not take from another's.

use std::time::Duration;

use axum::response::IntoResponse;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{RESOURCE, gzip};
use crate::harness::World;
use crate::harness::client::Answer;

const PUSH: &str = r#"{"streams": [{"stream": {"app": "x"}, "values": [["1", "line"]]}]}"#;
const OTHER: &str = "/api/v1/projects/globex-iot/resources/iot-graph";

/// Long, since the machine of the tests may have much else to do.
const DEADLINE: Duration = Duration::from_mins(1);

async fn push(world: &World, subject: &str, resource: &str) -> Answer {
    let path = format!("{resource}/loki/api/v1/push");
    let ask = world.ask(&path).token(&world.token(subject));
    ask.post("application/json", PUSH).send().await
}

/// Pushes until the answer has this status.
async fn push_until(world: &World, status: StatusCode) -> Answer {
    let pushed = async {
        loop {
            let answer = push(world, "erin", RESOURCE).await;
            if answer.status == status {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, pushed).await.expect("no such answer")
}

/// A sender who sends most of a body, and then nothing.
async fn dribble(world: &World, announced: &str, sent: usize) -> TcpStream {
    let token = world.token("erin");
    let head = format!(
        "POST {RESOURCE}/loki/api/v1/push HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{announced}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(world.server.local_addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut body = vec![b' '; sent];
    if announced.starts_with("transfer-encoding") {
        // A chunk that does not end.
        body.splice(..0, *b"ffffff\r\n");
    }
    stream.write_all(&body).await.unwrap();
    stream
}

async fn world() -> World {
    let world = World::with(|settings| {
        settings.ingest.room = 1 << 20;
        settings.ingest.project_room = 256 << 10;
    })
    .await;
    world
        .loki
        .answers(|| StatusCode::NO_CONTENT.into_response());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_of_one_project_keep_nobody_else_out() {
    let world = world().await;
    let mut slow = JoinSet::new();
    let announced = ["content-length: 200000", "transfer-encoding: chunked"];
    // Large ones, and so many that send no body at all that they fill what remains.
    for (sent, times) in [(90_000, 4), (0, 40)] {
        for announced in announced.repeat(times) {
            let mut stream = dribble(&world, announced, sent).await;
            slow.spawn(async move {
                let mut status = [0; 12];
                stream.read_exact(&mut status).await.unwrap();
                String::from_utf8_lossy(&status).into_owned()
            });
        }
    }
    let refused = push_until(&world, StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(refused.header("retry-after"), Some("5"));
    let says = refused.body.contains("the writes of this project");
    assert!(says, "{}", refused.body);
    let other = push(&world, "gina", OTHER).await;
    assert_eq!(other.status, 204, "{}", other.body);

    // Those for whom there is no room are told so, too, although they send nothing more.
    for _ in 0..4 {
        let told = timeout(DEADLINE, slow.join_next()).await.unwrap();
        assert_eq!(told.unwrap().unwrap(), "HTTP/1.1 429");
    }
    slow.shutdown().await;
    push_until(&world, StatusCode::NO_CONTENT).await;
}

/// What is announced costs nothing; what has come does.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_takes_what_has_come_of_it() {
    let world = world().await;
    let mut slow = Vec::new();
    for _ in 0..30 {
        slow.push(dribble(&world, "content-length: 10000000", 1).await);
    }
    for _ in 0..3 {
        assert_eq!(push(&world, "erin", RESOURCE).await.status, 204);
    }
}

/// A small body may be a large batch, and it is held for as long as the backend takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_backend_is_what_was_decompressed() {
    let world = world().await;
    world.loki.answers(|| StatusCode::OK.into_response());
    let line = "x".repeat(200_000);
    let logs = format!(
        r#"{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [
        {{"body": {{"stringValue": "{line}"}}}}, {{"body": {{"stringValue": "{line}"}}}}]}}]}}]}}"#
    );
    let body = gzip(logs.as_bytes());
    assert!(body.len() < 10_000);
    let ask = world.ask(&format!("{RESOURCE}/otlp/v1/logs"));
    let ask = ask.token(&world.token("erin"));
    let ask = ask.header("content-encoding", "gzip");
    let answer = ask.post("application/json", body).send().await;
    assert_eq!(answer.status, 429, "{}", answer.body);
}

/// Whoever sends large batches makes nobody wait who shares the thread.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_holds_up_no_other_request() {
    let world = World::new().await;
    world
        .loki
        .answers(|| StatusCode::NO_CONTENT.into_response());
    // 26 MB, in less than is stamped at once where it is not compressed.
    let entry = format!(r#"["1","{}"],"#, "x".repeat(230));
    let entries = entry.repeat(100_000);
    let entries = entries.trim_end_matches(',');
    let batch = format!(r#"{{"streams": [{{"stream": {{}}, "values": [{entries}]}}]}}"#);
    let body = gzip(batch.as_bytes());
    let path = format!("{RESOURCE}/loki/api/v1/push");
    let ask = world.ask(&path).token(&world.token("erin"));
    let ask = ask
        .header("content-encoding", "gzip")
        .post("application/json", body);
    let started = Instant::now();
    let large = tokio::spawn(async move { (ask.send().await, started.elapsed()) });
    let mut longest = Duration::ZERO;
    while !large.is_finished() {
        let started = Instant::now();
        assert_eq!(world.get("erin", "/livez").await.status, 200);
        longest = longest.max(started.elapsed());
    }
    let (answer, took) = large.await.unwrap();
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert!(longest < took / 2, "{longest:?} beside {took:?}");
}
