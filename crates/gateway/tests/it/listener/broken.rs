//! What breaks off, what is refused early, and what goes on for long, over TLS.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::{PATIENCE, SHORT, Secured, rest};
use crate::harness::broken::{Broken, Step};
use crate::harness::tail::HANDSHAKE;
use crate::harness::{LOGS, backend_at};

/// The farewell of TLS would say that the answer is complete to who speaks HTTP/1.0.
#[tokio::test(flavor = "multi_thread")]
async fn threat_24_an_answer_that_breaks_off_over_tls_has_no_farewell() {
    let part: &'static [Step] = &[
        Step::Read,
        Step::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        Step::Wait(200),
        Step::Reset,
    ];
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        let backend = Broken::start(part).await;
        let secured = Secured::new(|settings| settings.loki = Some(backend_at(&backend.url))).await;
        let mut stream = secured.connect().await;
        let request = secured.request(LOGS, "connection: close\r\n");
        let request = request.replace("HTTP/1.1", version);
        stream.write_all(request.as_bytes()).await.unwrap();
        let ended = rest(&mut stream).await;
        assert!(ended.is_err(), "{version}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_takes_nothing_over_tls_is_cut_off() {
    let secured = Secured::new(|settings| {
        settings.connections.send_timeout = SHORT;
        settings.connections.header_timeout = SHORT;
    })
    .await;
    let (gone, mut going) = tokio::sync::mpsc::unbounded_channel::<()>();
    secured.world.loki.answers(move || {
        let held = gone.clone();
        let chunks = stream::repeat_with(move || {
            let _held = &held;
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 << 10]))
        });
        Response::new(Body::from_stream(chunks))
    });
    // The handshake has a short time, too, and machines are busy.
    let mut stream = loop {
        if let Ok(stream) = super::connect(secured.address(), secured.client()).await {
            break stream;
        }
    };
    let request = secured.request(LOGS, "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 1000];
    stream.read_exact(&mut begin).await.unwrap();
    // The backend's answers are dropped with their connections, and the world holds one sender.
    secured.world.loki.answers(|| Response::new(Body::empty()));
    assert!(timeout(PATIENCE, going.recv()).await.unwrap().is_none());
    assert!(rest(&mut stream).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_what_is_not_wanted_over_tls_still_reads_why() {
    let secured = Secured::new(|_| {}).await;
    let length = 24 << 20;
    let push = LOGS.replace("/logs", "/loki/api/v1/push");
    let head = format!(
        "POST {push} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n",
        secured.world.token("erin")
    );
    let (mut from, mut to) = tokio::io::split(secured.connect().await);
    let send = async {
        to.write_all(head.as_bytes()).await?;
        let chunk = vec![b' '; 64 << 10];
        for _ in 0..length / chunk.len() {
            to.write_all(&chunk).await?;
        }
        to.flush().await
    };
    // Sent to its end before anything is read, as most clients do.
    timeout(PATIENCE, send).await.unwrap().unwrap();
    let answer = rest(&mut from).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tails_go_over_tls_as_websockets_and_as_events() {
    let secured = Secured::new(|_| {}).await;
    let frame = r#"{"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]}"#;
    let resource = "/api/v1/projects/acme-shop/resources/shop-api";
    let path = format!("{resource}/loki/api/v1/tail?query=%7Ba%3D%22b%22%7D");
    let mut request = http::Request::get(format!("wss://localhost{path}"))
        .header("host", "localhost")
        .header(
            "authorization",
            format!("Bearer {}", secured.world.token("victor")),
        );
    for (name, value) in HANDSHAKE {
        request = request.header(name, value);
    }
    let stream = secured.connect().await;
    let (mut caller, _) = client_async(request.body(()).unwrap(), stream)
        .await
        .unwrap();
    let mut backend = secured.world.loki.tail().await;
    backend.send(frame).await;
    let text = loop {
        match timeout(PATIENCE, caller.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => break text.to_string(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text, frame);
    caller.close(None).await.unwrap();
    backend.closed().await;

    let mut stream = secured.connect().await;
    let path = format!("{LOGS}/tail?query=%7Ba%3D%22b%22%7D");
    let request = secured.request(&path, "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut backend = secured.world.loki.tail().await;
    backend.send(frame).await;
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("data: ") {
        let more = timeout(PATIENCE, stream.read_buf(&mut read)).await.unwrap();
        assert_ne!(more.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }
    drop(stream);
    backend.closed().await;
}
