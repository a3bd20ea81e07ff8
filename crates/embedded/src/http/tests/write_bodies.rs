//! The bodies of writes, as they come over a connection, and whatever is in them.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::NOW;
use crate::{Backend, Credentials, Limits};

fn empty() -> Backend {
    Backend::with_clock(Limits::default(), Arc::new(|| NOW))
}

const PATHS: [(&str, &str); 5] = [
    ("/loki/api/v1/push", "application/x-protobuf"),
    ("/api/v1/push", "application/x-protobuf"),
    (
        "/prometheus/api/v1/write",
        "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    ),
    ("/otlp/v1/logs", "application/x-protobuf"),
    ("/otlp/v1/metrics", "application/x-protobuf"),
];

/// Sends a body of which nothing is wanted, all of it, and only then reads.
async fn status_after_sending_all(head: &str, length: usize) -> String {
    let credentials = Credentials::basic("gateway", "secret");
    let router = empty().router(Some(credentials));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {head}\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..length / chunk.len() {
        stream.write_all(&chunk).await.unwrap();
    }
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    server.abort();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn who_sends_what_is_not_wanted_gets_to_read_why() {
    // gateway:secret
    let known = "authorization: Basic Z2F0ZXdheTpzZWNyZXQ=\r\nx-scope-orgid: acme";
    for (path, _) in PATHS {
        for (head, length, wanted) in [
            (format!("{path} HTTP/1.1"), 16 << 20, "HTTP/1.1 401"),
            (
                format!("{path} HTTP/1.1\r\n{known}\r\ncontent-type: text/plain"),
                16 << 20,
                "HTTP/1.1 415",
            ),
            (
                format!("{path} HTTP/1.1\r\n{known}\r\ncontent-type: application/x-protobuf"),
                80 << 20,
                "HTTP/1.1 413",
            ),
        ] {
            assert_eq!(
                status_after_sending_all(&head, length).await,
                wanted,
                "{head}"
            );
        }
    }
}

#[tokio::test]
async fn a_snappy_body_that_says_it_is_more_than_may_be_is_refused() {
    for (path, kind) in &PATHS[..3] {
        // 65 MiB, and 64 MiB in six bytes.
        for (body, wanted) in [
            (
                &[0x80, 0x80, 0xc0, 0x20, 0][..],
                StatusCode::PAYLOAD_TOO_LARGE,
            ),
            (&[0x80, 0x80, 0x80, 0x20, 0, b'a'], StatusCode::BAD_REQUEST),
        ] {
            let request = Request::post(*path)
                .header("x-scope-orgid", "acme")
                .header("content-type", *kind);
            let request = request.body(Body::from(body)).unwrap();
            let (status, said) = super::send(&empty(), request).await;
            assert_eq!(status, wanted, "{path}: {said}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A panic would be an internal error.
    #[test]
    fn whatever_is_sent_is_stored_or_refused(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // Fields of few numbers and lengths, which are deeper by far.
            prop::collection::vec(prop_oneof![0_u8..13, Just(10), Just(18), Just(58)], 0..60),
        ],
        is_compressed: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let backend = empty();
        for (path, kind) in PATHS {
            let is_otlp = path.starts_with("/otlp");
            let body = if is_compressed && !is_otlp {
                snap::raw::Encoder::new().compress_vec(&body).unwrap()
            } else {
                body.clone()
            };
            let request = Request::post(path).header("x-scope-orgid", "acme").header("content-type", kind);
            let request = request.body(Body::from(body)).unwrap();
            let response = runtime.block_on(async {
                use tower::ServiceExt as _;
                backend.router(None).oneshot(request).await.unwrap()
            });
            let status = response.status();
            prop_assert!(
                status.is_success() || status.is_client_error(),
                "{path}: {status}"
            );
        }
    }
}
