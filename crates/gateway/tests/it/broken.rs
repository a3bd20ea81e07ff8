//! Backends that break in the middle of something: no answer that looks complete, and the next one is.

use std::time::Duration;

use crate::harness::broken::{Broken, OK, Step};
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
    let broken: [&'static [Step]; 10] = [
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
        // More than was asked for, before anything was.
        &[OK, READ, Step::Write(b"\0\0"), Step::Hang],
    ];
    for steps in broken {
        let world = world(steps).await;
        let answer = world.get("victor", LOGS).await;
        if let Some(Step::Write(said)) = steps.get(1) {
            assert_eq!(answer.status, 502, "{}", String::from_utf8_lossy(said));
        } else {
            assert_eq!(answer.status, 502);
        }
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
