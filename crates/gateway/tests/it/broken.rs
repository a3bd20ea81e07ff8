//! Backends that break in the middle of something: no answer that looks complete, and the next one is.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::harness::broken::{Broken, Step};
use crate::harness::{LOGS, World, backend_at};

async fn world(steps: &'static [Step]) -> World {
    let backend = Broken::start(steps).await;
    World::with(|settings| {
        let mut at = backend_at(&backend.url);
        at.timeout = Duration::from_secs(20);
        settings.loki = Some(at);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_none_or_breaks_off_is_a_502() {
    const READ: Step = Step::Read;
    let broken: [&'static [Step]; 9] = [
        &[READ, Step::Reset],
        &[
            READ,
            Step::Write(b"HTTP/1.1 200 OK\r\ncontent-le"),
            Step::Reset,
        ],
        &[READ, Step::Write(b"HTTP/1.1 200 OK\r\ncontent-le")],
        &[READ, Step::Write(b"SSH-2.0-OpenSSH_9.2p1\r\n"), Step::Hang],
        &[
            READ,
            Step::Write(b"\x16\x03\x03\x00\x02\x02\x28"),
            Step::Hang,
        ],
        &[READ, Step::Write(b"HTTP/1.1 2000 OK\r\n\r\n"), Step::Hang],
        &[
            READ,
            Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello"),
            Step::Hang,
        ],
        &[
            READ,
            Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello"),
            Step::Hang,
        ],
        &[
            READ,
            Step::Write(b"HTTP/1.1 200 OK\r\n : \r\n\r\n"),
            Step::Hang,
        ],
    ];
    for steps in broken {
        let world = world(steps).await;
        let answer = world.get("victor", LOGS).await;
        let said = steps.iter().find_map(|step| match step {
            Step::Write(said) => Some(String::from_utf8_lossy(said)),
            Step::Read | Step::Wait(_) | Step::Reset | Step::Hang => None,
        });
        assert_eq!(answer.status, 502, "{said:?}");
        assert_eq!(answer.value()["errorType"], "bad_gateway");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_a_body_that_is_reset_or_is_none_breaks_the_caller_s() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let broken: [&'static [Step]; 5] = [
        &[Step::Read, Step::Write(CHUNKED), Step::Reset],
        &[
            Step::Read,
            Step::Write(CHUNKED),
            Step::Write(b"ff\r\nhal"),
            Step::Reset,
        ],
        &[Step::Read, Step::Write(CHUNKED), Step::Write(b"ff\r\nhal")],
        &[
            Step::Read,
            Step::Write(CHUNKED),
            Step::Write(b"no chunk\r\n"),
            Step::Hang,
        ],
        &[
            Step::Read,
            Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello"),
            Step::Reset,
        ],
    ];
    for (index, steps) in broken.into_iter().enumerate() {
        let world = world(steps).await;
        let ask = world.ask(LOGS).token(&world.token("victor"));
        assert!(ask.try_send().await.is_err(), "{index}");
    }
}

/// The reader of a WebSocket whose backend is cut off in the middle of a frame has the whole frames,
/// nothing of the broken one, and is told that there should be more.
#[tokio::test(flavor = "multi_thread")]
async fn threat_24_a_frame_that_is_cut_off_in_its_middle_is_not_passed_on() {
    let world = World::new().await;
    let resource = "/api/v1/projects/acme-shop/resources/shop-api";
    let path = format!("{resource}/loki/api/v1/tail?query=%7Ba%3D%22b%22%7D");
    let mut caller = world.tail("victor", &path).await;
    let mut backend = world.loki.tail().await;
    let whole = r#"{"streams":[{"stream":{},"values":[["1","x"]]}]}"#;
    backend.send(whole).await;
    assert_eq!(caller.text().await, whole);
    // The head of a text of 100 bytes, and twenty of them.
    let mut part = vec![0x81, 100];
    part.extend_from_slice(&[b'x'; 20]);
    let stream = backend.0.get_mut();
    stream.write_all(&part).await.unwrap();
    stream.flush().await.unwrap();
    drop(backend);
    let told = caller.farewell().await;
    assert_eq!(told, (1011, "the logs backend broke off".to_owned()));
}
