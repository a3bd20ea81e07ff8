//! Who has a place where there are no more: who leaves, who is answered, and how one ends.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use gateway::ConnectionSettings;
use gateway::LimitSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::harness::broken::{Broken, Step};
use crate::harness::client::raw;
use crate::harness::{LOGS, World, backend_at, eventually};

/// More than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// What does not run out.
const LONG: Duration = Duration::from_mins(5);
const LOKI: &str = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1";

/// A world with so many places, and nothing else that is short.
async fn world(most: usize) -> World {
    World::with(|settings| {
        settings.connections = ConnectionSettings {
            most,
            header_timeout: LONG,
            idle_timeout: LONG,
            body_timeout: LONG,
            send_timeout: LONG,
            ..ConnectionSettings::default()
        };
        settings.limits = LimitSettings::off();
        settings.shutdown_grace = LONG;
    })
    .await
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// A connection on which this was sent.
async fn sent(world: &World, request: &str) -> TcpStream {
    let mut stream = connect(world.server.local_addr()).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

fn get(world: &World, subject: &str, path: &str) -> String {
    let token = world.token(subject);
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// A POST of which this is to come, and does not.
fn post(world: &World, path: &str, media_type: &str) -> String {
    let token = world.token("erin");
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: {media_type}\r\ncontent-length: 1000\r\n\r\nabc"
    )
}

/// Reads until this has come. Whether it has before the connection ended.
async fn reads(stream: &mut TcpStream, expected: &str) -> bool {
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(expected) {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer)).await;
        if !matches!(read.unwrap(), Ok(1..)) {
            return false;
        }
    }
    true
}

async fn has_ended(stream: &mut TcpStream) {
    let mut chunk = vec![0; 64 << 10];
    let rest = async { while let Ok(1..) = stream.read(&mut chunk).await {} };
    timeout(PATIENCE, rest).await.unwrap();
}

/// Answers of a backend that end when the test says so.
fn held(world: &World) -> watch::Sender<bool> {
    let (end, ended) = watch::channel(false);
    world.loki.answers(move || {
        let mut ended = ended.clone();
        let body = async move {
            let _ = ended.wait_for(|end| *end).await;
            Ok::<_, Infallible>(Bytes::from_static(b"all of it"))
        };
        Body::from_stream(stream::once(body)).into_response()
    });
    end
}

/// Fills all places with requests that run.
async fn fill(world: &World, most: usize) -> Vec<TcpStream> {
    let mut busy = Vec::new();
    for _ in 0..most {
        busy.push(sent(world, &get(world, "victor", LOGS)).await);
    }
    eventually(async || world.loki.count() == most).await;
    busy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_sends_no_body_or_takes_no_answer_keeps_nobody_out() {
    let world = world(8).await;
    let endless = || {
        let chunk = || Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 << 10]));
        Response::new(Body::from_stream(stream::repeat_with(chunk).boxed()))
    };
    world.loki.answers(endless);
    let mut open = Vec::new();
    for at in 0..7 {
        let request = match at % 4 {
            0 => post(&world, &format!("{LOKI}/push"), "application/json"),
            1 => {
                let form = "application/x-www-form-urlencoded";
                post(&world, &format!("{LOKI}/query"), form)
            }
            2 => post(&world, "/api/v1/organizations", "application/json"),
            // Nothing of the answer is read.
            _ => get(&world, "victor", LOGS),
        };
        open.push(sent(&world, &request).await);
    }
    eventually(async || world.loki.count() == 1).await;
    let end = held(&world);
    let mut busy = sent(&world, &get(&world, "victor", LOGS)).await;
    eventually(async || world.loki.count() == 2).await;
    // They are spared for a moment. After that, each of the others comes in, and stays.
    let mut served = Vec::new();
    for _ in 0..7 {
        eventually(async || {
            let mut stream = sent(&world, &get(&world, "alice", LOGS)).await;
            let served_now = reads(&mut stream, "200 OK").await;
            served.push(stream);
            served_now
        })
        .await;
    }
    for stream in &mut open {
        has_ended(stream).await;
    }
    // Who waits for the backend, and not it for them, is not touched.
    end.send_replace(true);
    assert!(reads(&mut busy, "all of it").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_a_token_push_out_none_who_has_one() {
    let world = world(16).await;
    let mut known = sent(&world, &get(&world, "victor", LOGS)).await;
    assert!(reads(&mut known, "200 OK").await);
    let mut strangers = Vec::new();
    for at in 0..200 {
        let (request, status) = match at % 3 {
            0 => (
                "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
                "200 OK",
            ),
            1 => (format!("GET {LOGS} HTTP/1.1\r\nhost: a\r\n\r\n"), "401 "),
            _ => ("GET /li".to_owned(), ""),
        };
        let mut stream = sent(&world, &request).await;
        assert!(reads(&mut stream, status).await);
        strangers.push(stream);
    }
    has_ended(&mut strangers[0]).await;
    let again = get(&world, "victor", LOGS);
    known.write_all(again.as_bytes()).await.unwrap();
    assert!(reads(&mut known, "200 OK").await);
}

/// Otherwise Kubernetes would restart a gateway that is busy, and all that it is busy with.
#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_where_there_is_no_place_and_nothing_else_is() {
    let world = world(4).await;
    let address = world.server.local_addr();
    let end = held(&world);
    let mut busy = fill(&world, 4).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        for probe in ["/livez", "/readyz?x=y", "/health"] {
            // Each is the last on its connection, which is closed.
            let request = format!("GET {probe} HTTP/1.1\r\nhost: a\r\n\r\n");
            let answer = raw(address, &request.repeat(2)).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{probe}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
            assert!(answer.contains("\r\nconnection: close"), "{answer}");
        }
        for other in [
            get(&world, "victor", LOGS),
            "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            "DELETE /livez HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            "GET /livezz HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        ] {
            let answer = raw(address, &other).await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(answer.contains("as many connections are busy"), "{answer}");
        }
        // Many more than there are places for probes.
        for at in 0..50 {
            let begins = if at % 2 == 0 {
                ""
            } else {
                "GET /livez HTTP/1.1\r\n"
            };
            silent.push(sent(&world, begins).await);
        }
    }
    assert_eq!(world.loki.count(), 4);
    end.send_replace(true);
    for stream in &mut busy {
        assert!(reads(stream, "all of it").await);
    }
    for stream in &mut silent {
        has_ended(stream).await;
    }
}

/// Over HTTP/1.0, and to a caller that asks for `connection: close`, the end of the connection may be the
/// end of the answer.
#[tokio::test(flavor = "multi_thread")]
async fn threat_24_an_answer_that_breaks_off_ends_in_a_reset() {
    const PART: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    const WHOLE: &[u8] =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let broken: [(&'static [Step], bool); 4] = [
        (&[Step::Read, Step::Write(PART), Step::Reset], true),
        (&[Step::Read, Step::Write(PART)], true),
        (&[Step::Read, Step::Write(PART), Step::Hang], true),
        (&[Step::Read, Step::Write(WHOLE)], false),
    ];
    for (index, (steps, breaks)) in broken.into_iter().enumerate() {
        let backend = Broken::start(steps).await;
        let world = World::with(|settings| {
            let mut at = backend_at(&backend.url);
            at.timeout = Duration::from_secs(2);
            settings.loki = Some(at);
        })
        .await;
        for version in ["1.0", "1.1"] {
            let request =
                get(&world, "victor", LOGS).replace("HTTP/1.1", &format!("HTTP/{version}"));
            let request = request.replace("host: a\r\n", "host: a\r\nconnection: close\r\n");
            let mut stream = sent(&world, &request).await;
            let mut answer = Vec::new();
            let end = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
            let end = end.unwrap().map_err(|error| error.kind());
            let answer = String::from_utf8_lossy(&answer);
            if breaks {
                assert_eq!(end, Err(ErrorKind::ConnectionReset), "{index}: {answer}");
            } else {
                assert!(end.is_ok(), "{index}");
                assert!(answer.contains("hello"), "{answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_does_not_stretch_a_stop() {
    let world = world(8).await;
    let mut half = sent(&world, "GET /livez HTTP/1.1\r\nhost:").await;
    // It is not told when that has arrived, but what was sent after it was answered.
    let answer = raw(
        world.server.local_addr(),
        "GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert!(answer.await.starts_with("HTTP/1.1 200"));
    timeout(PATIENCE, world.server.shutdown()).await.unwrap();
    has_ended(&mut half).await;
}
