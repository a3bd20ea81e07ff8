//! What all targets of writes have in common.

use gateway::ingest::{Batch, Limits, Protocol, Refusal, Stamping, stamp};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

#[path = "read.rs"]
mod read;

/// Stamps a body that comes with these headers.
fn stamped(
    protocol: Protocol,
    content_type: &'static str,
    encoding: &'static str,
    body: Vec<u8>,
) -> Result<Batch, Refusal> {
    // Small, so that the fuzzer reaches them.
    let limits = Limits {
        decompressed: 1 << 20,
        decoded: 1 << 20,
        streams: 50,
        entries: 50,
        ..Limits::default()
    };
    let stamping = Stamping {
        resource: "r1",
        limits: &limits,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
    stamp(protocol, &headers, body.into(), &stamping)
}

/// What the backends would read of it.
fn read(protocol: Protocol, content_type: &str, batch: &Batch) {
    let plain = || snap::raw::Decoder::new().decompress_vec(&batch.body).unwrap();
    match protocol {
        Protocol::LokiPush => read::loki(&plain()),
        Protocol::RemoteWrite if content_type.contains("v2") => read::remote_write_2(&plain()),
        Protocol::RemoteWrite => read::remote_write_1(&plain()),
        Protocol::OtlpLogs => read::otlp_logs(&batch.body),
        Protocol::OtlpMetrics => read::otlp_metrics(&batch.body),
    }
}

/// Nothing panics, whoever reads what is stamped finds our label once in everything, and what is stamped is stamped again to the same bytes.
pub fn check(protocol: Protocol, content_type: &'static str, encoding: &'static str, body: &[u8]) {
    let snappy = |plain: &[u8]| snap::raw::Encoder::new().compress_vec(plain).unwrap();
    let body = if encoding == "snappy" {
        snappy(body)
    } else {
        body.to_vec()
    };
    let Ok(once) = stamped(protocol, content_type, encoding, body) else {
        return;
    };
    read(protocol, content_type, &once);
    let header = |name| {
        let found = once.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    };
    let content_type = header("content-type").unwrap();
    let encoding = header("content-encoding").unwrap_or("identity");
    match stamped(protocol, content_type, encoding, once.body.to_vec()) {
        Ok(again) => {
            assert_eq!(again.body, once.body);
            assert_eq!(again.counts.unknown, 0);
        }
        // The label itself may be what is too much.
        Err(Refusal::TooLarge { .. }) => {}
        Err(refusal) => panic!("what was stamped is refused: {refusal}"),
    }
}
