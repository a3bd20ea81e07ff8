//! What callers' connections may take: how many there may be, and how long each step may last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use gateway::ConnectionSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::client::raw;
use crate::harness::{LOGS, World, eventually};

/// More than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time that runs out.
const SHORT: Duration = Duration::from_millis(300);

async fn world(change: impl FnOnce(&mut ConnectionSettings)) -> World {
    World::with(|settings| change(&mut settings.connections)).await
}

fn request(world: &World, path: &str, headers: &str) -> String {
    let token = world.token("victor");
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Sends on a connection that stays, and reads the answer, whose length its head says.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer)).await;
        assert_ne!(read.unwrap().unwrap(), 0, "the connection was closed");
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if length.unwrap().parse::<usize>().unwrap() == body.len() {
            return text.into_owned();
        }
    }
}

/// Reads until the gateway closes the connection, cleanly or not.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = timeout(PATIENCE, stream.read(&mut chunk)).await.unwrap() {
        rest.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8_lossy(&rest).into_owned()
}

/// Answers of a backend that end when the test says so.
fn held(world: &World) -> tokio::sync::watch::Sender<bool> {
    let (end, ended) = tokio::sync::watch::channel(false);
    world.loki.answers(move || {
        let mut ended = ended.clone();
        let body = async move {
            let _ = ended.wait_for(|end| *end).await;
            Ok::<_, Infallible>(Bytes::from_static(b"all of it"))
        };
        let headers = [("content-length", "9")];
        (headers, Body::from_stream(stream::once(body))).into_response()
    });
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_nobody_out_and_cut_no_answer() {
    let world = world(|connections| connections.most = 32).await;
    let address = world.server.local_addr();
    let mut used = connect(address).await;
    assert!(
        ask(&mut used, &request(&world, LOGS, ""))
            .await
            .starts_with("HTTP/1.1 200")
    );
    let end = held(&world);
    let mut answered = connect(address).await;
    answered
        .write_all(request(&world, LOGS, "connection: close\r\n").as_bytes())
        .await
        .unwrap();
    eventually(async || world.loki.count() == 2).await;

    let mut silent = Vec::new();
    for index in 0..500 {
        let mut stream = connect(address).await;
        if index % 2 == 0 {
            // Half a head is no request either.
            stream.write_all(b"GET / HT").await.unwrap();
        }
        silent.push(stream);
    }
    for _ in 0..3 {
        let answer = raw(
            address,
            "GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        );
        assert!(answer.await.starts_with("HTTP/1.1 200"));
    }
    end.send_replace(true);
    let answer = rest(&mut answered).await;
    assert!(answer.ends_with("\r\n\r\nall of it"), "{answer}");
    // The first of the silent ones has left long ago.
    assert_eq!(rest(&mut silent[0]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_connection_has_a_request_the_next_is_told_to_come_back() {
    let world = world(|connections| connections.most = 4).await;
    let address = world.server.local_addr();
    let end = held(&world);
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut stream = connect(address).await;
        let request = request(&world, LOGS, "connection: close\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        busy.push(stream);
    }
    eventually(async || world.loki.count() == 4).await;
    let told = raw(address, &request(&world, LOGS, "")).await;
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 "), "{told}");
    assert!(head.contains("\r\nretry-after: 1"), "{told}");
    assert!(
        head.contains(&format!("\r\ncontent-length: {}", body.len())),
        "{told}"
    );
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["errorType"], "unavailable");
    assert_eq!(world.loki.count(), 4);

    end.send_replace(true);
    for stream in &mut busy {
        assert!(rest(stream).await.ends_with("all of it"));
    }
    // Those that have ended have left their places.
    eventually(async || {
        raw(address, &request(&world, LOGS, "connection: close\r\n"))
            .await
            .starts_with("HTTP/1.1 200")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_is_not_waited_for() {
    let world = world(|connections| connections.header_timeout = SHORT).await;
    let mut stream = connect(world.server.local_addr()).await;
    let started = Instant::now();
    let head = request(&world, LOGS, &"x-a: b\r\n".repeat(1000));
    for byte in head.bytes() {
        if stream.write_all(&[byte]).await.is_err() || started.elapsed() > PATIENCE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(started.elapsed() < PATIENCE, "it was waited for");
    assert_eq!(world.loki.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_closed_after_a_while_and_not_before() {
    let world = world(|connections| {
        connections.idle_timeout = SHORT;
        connections.header_timeout = SHORT / 3;
    })
    .await;
    let mut fresh = connect(world.server.local_addr()).await;
    let started = Instant::now();
    assert_eq!(rest(&mut fresh).await, "");
    assert!(started.elapsed() >= SHORT * 9 / 10);
    let mut used = connect(world.server.local_addr()).await;
    ask(&mut used, &request(&world, LOGS, "")).await;
    assert_eq!(rest(&mut used).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_a_408_and_a_batch_a_503() {
    let world = world(|connections| connections.body_timeout = SHORT).await;
    for (subject, path, media_type, status) in [
        (
            "victor",
            LOGS.replace("/logs", "/loki/api/v1/query_range"),
            "application/x-www-form-urlencoded",
            "408",
        ),
        (
            "erin",
            LOGS.replace("/logs", "/loki/api/v1/push"),
            "application/json",
            "503",
        ),
    ] {
        let mut stream = connect(world.server.local_addr()).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
             content-type: {media_type}\r\ncontent-length: 10000\r\n\r\n",
            world.token(subject)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = stream.into_split();
        let trickle = tokio::spawn(async move {
            while writing.write_all(b"a").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let read = timeout(PATIENCE, reading.read_buf(&mut answer)).await;
            assert_ne!(read.unwrap().unwrap(), 0, "the connection was closed");
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("did not arrive in time"), "{answer}");
        trickle.abort();
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_takes_nothing_is_cut_off_and_the_backend_is_free() {
    let world = world(|connections| {
        connections.send_timeout = SHORT;
        connections.header_timeout = SHORT;
    })
    .await;
    let open = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&open);
    world.loki.answers(move || {
        let guard = Guard::new(&counter);
        let chunks = stream::repeat_with(move || {
            let _held = &guard;
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 << 10]))
        });
        Response::new(Body::from_stream(chunks))
    });
    let mut stream = connect(world.server.local_addr()).await;
    let request = request(&world, LOGS, "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 1000];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(open.load(Ordering::SeqCst), 1);
    let free = async {
        while open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, free).await.unwrap();
    // What was still on its way does not look like the end: no last chunk comes.
    assert!(!rest(&mut stream).await.ends_with("0\r\n\r\n"));
}

struct Guard(Arc<AtomicUsize>);

impl Guard {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counter))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_long_is_told_so() {
    let world = world(|connections| {
        connections.max_uri_bytes = 1000;
        connections.max_head_bytes = 4096;
    })
    .await;
    let address = world.server.local_addr();
    let long = "x".repeat(1000);
    let uri = request(&world, &format!("{LOGS}?query={long}"), "");
    let head = request(&world, LOGS, &format!("x-a: {long}\r\n").repeat(4));
    for (request, status, sentence) in [
        (uri, "414", "at most 1000 bytes"),
        (head, "431", "at most 4096 bytes"),
    ] {
        let answer = raw(address, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["errorType"], "too_large");
        assert!(body["error"].as_str().unwrap().contains(sentence), "{body}");
    }
    assert_eq!(world.forwarded(), 0);
    let fits = request(&world, LOGS, &format!("x-a: {long}\r\n"));
    assert!(raw(address, &fits).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_first_asks_callers_to_go_and_still_answers_them() {
    let world = world(|connections| connections.drain = Duration::from_secs(3)).await;
    let address = world.server.local_addr();
    let mut open = connect(address).await;
    let answer = ask(&mut open, &request(&world, LOGS, "")).await;
    assert!(!answer.contains("\r\nconnection: close"), "{answer}");
    let (asks, token) = (request(&world, LOGS, ""), world.token("victor"));
    let ending = tokio::spawn(world.server.shutdown());
    // Whoever asks whether it is ready is told that it is not, and all others are answered.
    eventually(async || {
        let probe = "GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n";
        let ready = ask(&mut connect(address).await, probe).await;
        ready.starts_with("HTTP/1.1 503 ") && ready.contains(r#""accepting":"DOWN""#)
    })
    .await;
    let answer = ask(&mut open, &asks).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\r\nconnection: close"), "{answer}");
    assert_eq!(rest(&mut open).await, "");
    let fresh = crate::harness::client::Ask::new(address, LOGS).token(&token);
    assert_eq!(fresh.send().await.header("connection"), Some("close"));
    ending.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
