//! What of a backend's answer reaches the caller, and when.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{LOGS, World, backend_at, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_headers_reach_the_caller() {
    let world = World::new().await;
    world.loki.answers(|| {
        let mut response = Response::new(Body::from("packed"));
        for (name, value) in [
            ("content-type", "application/json; charset=UTF-8"),
            ("content-encoding", "gzip"),
            ("vary", "Accept-Encoding"),
            ("set-cookie", "a=b"),
            ("server", "loki"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "public, max-age=600"),
            ("x-scope-orgid", "acme-shop"),
            ("x-request-id", "theirs"),
            ("retry-after", "5"),
            ("location", "http://10.0.0.7/"),
            ("www-authenticate", "Basic"),
        ] {
            response
                .headers_mut()
                .insert(name, http::HeaderValue::from_static(value));
        }
        response
    });
    let answer = world.get("victor", LOGS).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (200, "packed")
    );
    let mut names: Vec<&str> = answer
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "cache-control",
            "content-encoding",
            "content-length",
            "content-type",
            "date",
            "vary",
            "x-content-type-options",
            "x-request-id",
        ]
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_ne!(answer.header("x-request-id"), Some("theirs"));
}

fn chunk() -> Bytes {
    Bytes::from(vec![b'x'; 64 * 1024])
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_an_answer_streams_and_is_not_collected() {
    let world = World::new().await;
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    world.loki.answers(move || {
        let counter = Arc::clone(&counter);
        // Ten gigabytes, if anybody takes them.
        let chunks = (0..160_000).map(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(chunk())
        });
        Body::from_stream(stream::iter(chunks)).into_response()
    });
    let mut caller = TcpStream::connect(world.server.local_addr()).await.unwrap();
    let request = format!(
        "GET {LOGS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        world.token("victor")
    );
    caller.write_all(request.as_bytes()).await.unwrap();
    let mut head = vec![0; 64 * 1024];
    caller.read_exact(&mut head).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 200 OK"));

    // The caller reads no further, so the backend stops: what is made is what buffers hold.
    let mut before = usize::MAX;
    eventually(async || {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = made.load(Ordering::SeqCst);
        std::mem::replace(&mut before, now) == now
    })
    .await;
    assert!(before < 1000, "{before} chunks are somewhere");

    // The caller goes, and the backend is told so: it makes no more.
    drop(caller);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(made.load(Ordering::SeqCst) < 2000);
}

/// A backend that writes these bytes on each connection and then does what `then` says.
async fn writing(bytes: &'static [u8], then: Then) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let closed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&closed);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(bytes).await;
                if then == Then::Wait {
                    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (url, closed)
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    Wait,
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
const SIZED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello";

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_an_answer_broken_in_the_middle_never_looks_complete() {
    for bytes in [CHUNKED, SIZED] {
        let (url, _) = writing(bytes, Then::Close).await;
        let world = World::with(|settings| settings.loki = Some(backend_at(&url))).await;
        let ask = world.ask(LOGS).token(&world.token("victor"));
        assert!(ask.try_send().await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_an_answer_that_does_not_say_where_it_ends_is_not_passed_on() {
    let (url, _) = writing(b"HTTP/1.1 200 OK\r\n\r\nhello", Then::Close).await;
    let world = World::with(|settings| settings.loki = Some(backend_at(&url))).await;
    let answer = world.get("victor", LOGS).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_a_backend_that_stalls_in_the_middle_is_given_up() {
    let (url, closed) = writing(CHUNKED, Then::Wait).await;
    let world = World::with(|settings| {
        let mut backend = backend_at(&url);
        backend.timeout = Duration::from_millis(300);
        settings.loki = Some(backend);
    })
    .await;
    let started = Instant::now();
    let ask = world.ask(LOGS).token(&world.token("victor"));
    assert!(ask.try_send().await.is_err());
    assert!(started.elapsed() < Duration::from_secs(15));
    eventually(async || closed.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_when_the_caller_goes_the_upstream_request_is_dropped() {
    // Before the backend's headers, and in the middle of its body.
    for bytes in [&b""[..], CHUNKED] {
        let (url, closed) = writing(bytes, Then::Wait).await;
        let world = World::with(|settings| settings.loki = Some(backend_at(&url))).await;
        let ask = world.ask(LOGS).token(&world.token("victor"));
        let asking = tokio::time::timeout(Duration::from_millis(300), ask.try_send());
        assert!(asking.await.is_err(), "the backend never ends");
        eventually(async || closed.load(Ordering::SeqCst) == 1).await;
    }
}

/// As Prometheus and Mimir answer where a query selects nothing; Grafana reads JSON in any case.
#[tokio::test(flavor = "multi_thread")]
async fn no_content_about_exemplars_is_an_empty_list() {
    let world = World::new().await;
    world
        .mimir
        .answers(|| http::StatusCode::NO_CONTENT.into_response());
    let metrics = "/api/v1/projects/acme-shop/resources/shop-api/prometheus/api/v1";
    let answer = world
        .get("victor", &format!("{metrics}/query_exemplars?query=1"))
        .await;
    assert_eq!(answer.told(), r#"200 {"status":"success","data":[]}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    // Nothing else is a list that may be empty for that reason.
    let answer = world
        .get("victor", &format!("{metrics}/query?query=1"))
        .await;
    assert_eq!(answer.status, 502);
}
