//! What it costs to stamp a write: decompress, look over, decode, check, stamp, encode, compress.
//!
//! Prints the median of each batch with what that is in entries and megabytes a second, on one core.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss)] // the helpers of a benchmark may

use std::fmt::Write as _;
use std::time::Instant;

use gateway::ingest::{Batch, Limits, Protocol, Stamping, stamp};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

const TIME: i64 = 1_772_366_390;
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

fn main() {
    let loki = loki();
    let logs = otlp_logs();
    let loki_protobuf = run(Protocol::LokiPush, "application/json", "", &loki).body;
    let logs_protobuf = run(Protocol::OtlpLogs, "application/json", "", &logs).body;
    println!("| batch | entries | bytes | median | entries/s | MB/s |");
    println!("|---|---|---|---|---|---|");
    measure(
        "Loki push, JSON",
        Protocol::LokiPush,
        "application/json",
        "",
        &loki,
    );
    measure(
        "Loki push, protobuf",
        Protocol::LokiPush,
        "application/x-protobuf",
        "snappy",
        &loki_protobuf,
    );
    measure(
        "remote write 1.0",
        Protocol::RemoteWrite,
        "application/x-protobuf",
        "snappy",
        &remote_write_1(),
    );
    measure(
        "remote write 2.0",
        Protocol::RemoteWrite,
        V2,
        "snappy",
        &remote_write_2(),
    );
    measure(
        "OTLP logs, JSON",
        Protocol::OtlpLogs,
        "application/json",
        "",
        &logs,
    );
    measure(
        "OTLP logs, protobuf",
        Protocol::OtlpLogs,
        "application/x-protobuf",
        "",
        &logs_protobuf,
    );
}

fn run(protocol: Protocol, content_type: &str, encoding: &str, body: &[u8]) -> Batch {
    let limits = Limits::default();
    let stamping = Stamping {
        resource: "shop-api",
        limits: &limits,
        now: jiff::Timestamp::from_second(TIME).unwrap(),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
    stamp(protocol, &headers, body.to_vec().into(), &stamping).unwrap()
}

fn measure(name: &str, protocol: Protocol, content_type: &str, encoding: &str, body: &[u8]) {
    let mut times = Vec::new();
    let mut counts = run(protocol, content_type, encoding, body).counts;
    for _ in 0..51 {
        let started = Instant::now();
        counts = divan::black_box(run(protocol, content_type, encoding, body)).counts;
        times.push(started.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    let per_second = |amount: usize| amount as f64 / median.as_secs_f64();
    println!(
        "| {name} | {} | {} | {median:.1?} | {:.0} | {:.0} |",
        counts.entries,
        counts.bytes,
        per_second(counts.entries),
        per_second(counts.bytes) / 1e6
    );
}

/// 100 streams of 100 lines of some 150 bytes.
fn loki() -> Vec<u8> {
    let mut text = String::from(r#"{"streams": ["#);
    for stream in 0..100 {
        let comma = if stream == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"stream": {{"app": "shop", "instance": "i-{stream}", "level": "info"}}, "values": ["#).unwrap();
        for line in 0..100 {
            let comma = if line == 0 { "" } else { "," };
            write!(text, r#"{comma}["{TIME}{line:09}", "GET /api/v1/orders/{line} 200 12ms user=u-{line} trace=4bf92f3577b34da6a3ce929d0e0e4736 agent=\"Mozilla/5.0 (X11; Linux x86_64)\" bytes=5120"]"#).unwrap();
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    text.into_bytes()
}

/// 8192 records of five attributes, as collectors batch them.
fn otlp_logs() -> Vec<u8> {
    let mut text = String::from(
        r#"{"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}, "scopeLogs": [{"logRecords": ["#,
    );
    for record in 0..8192 {
        let comma = if record == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"timeUnixNano": "{TIME}{record:09}", "severityNumber": 9, "body": {{"stringValue": "GET /api/v1/orders/{record} 200 12ms"}}, "attributes": ["#).unwrap();
        for attribute in 0..5 {
            let comma = if attribute == 0 { "" } else { "," };
            write!(text, r#"{comma}{{"key": "http.attribute.{attribute}", "value": {{"stringValue": "value {record}"}}}}"#).unwrap();
        }
        text.push_str("]}");
    }
    text.push_str("]}]}]}");
    text.into_bytes()
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len().try_into().unwrap());
    out.extend_from_slice(bytes);
}

fn sample() -> Vec<u8> {
    let mut sample = vec![0x09];
    sample.extend_from_slice(&1.5_f64.to_le_bytes());
    sample.push(0x10);
    varint(&mut sample, (TIME * 1000).try_into().unwrap());
    sample
}

fn labels(series: usize) -> Vec<(String, String)> {
    let mut labels = vec![("__name__".to_owned(), "http_requests_total".to_owned())];
    labels.extend((0..8).map(|label| {
        (
            format!("label_{label}"),
            format!("value {}", series % (label + 2)),
        )
    }));
    labels.push(("series".to_owned(), series.to_string()));
    labels
}

fn snappy(plain: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(plain).unwrap()
}

/// 2,000 series of ten labels and one sample, as Prometheus sends them.
fn remote_write_1() -> Vec<u8> {
    let mut request = Vec::new();
    for at in 0..2000 {
        let mut series = Vec::new();
        for (name, value) in labels(at) {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut series, 1, &label);
        }
        field(&mut series, 2, &sample());
        field(&mut request, 1, &series);
    }
    snappy(&request)
}

/// The same in 2.0.
fn remote_write_2() -> Vec<u8> {
    let mut symbols = vec![String::new()];
    let mut all = Vec::new();
    for at in 0..2000 {
        let (mut references, mut series) = (Vec::new(), Vec::new());
        for text in labels(at)
            .into_iter()
            .flat_map(|(name, value)| [name, value])
        {
            let found = symbols.iter().position(|symbol| *symbol == text);
            let reference = found.unwrap_or(symbols.len());
            if found.is_none() {
                symbols.push(text);
            }
            varint(&mut references, reference.try_into().unwrap());
        }
        field(&mut series, 1, &references);
        field(&mut series, 2, &sample());
        field(&mut all, 5, &series);
    }
    let mut request = Vec::new();
    for symbol in symbols {
        field(&mut request, 4, symbol.as_bytes());
    }
    request.extend_from_slice(&all);
    snappy(&request)
}
