//! What holds of every batch: nothing panics; what is stamped is stamped everywhere and once; nothing
//! else is changed; and stamping again changes nothing.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::decompress::{Compression, decompress, snappy};
use super::*;

const ALL: [Protocol; 4] = [
    Protocol::LokiPush,
    Protocol::RemoteWrite,
    Protocol::OtlpLogs,
    Protocol::OtlpMetrics,
];
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

/// Loki's batch, with what may be sent and is not understood left out.
#[derive(Clone, PartialEq, prost::Message)]
struct Push {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Time>,
    #[prost(bytes = "vec", tag = "2")]
    line: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Label>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Of Loki's metadata and of remote write's series.
#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<Series>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Series {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    /// Optional, so that the encoder here leaves out no negative zero.
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

fn stamped(
    protocol: Protocol,
    content_type: &str,
    encoding: &str,
    body: Bytes,
) -> Result<Batch, Refusal> {
    let limits = Limits::default();
    let stamping = Stamping {
        resource: "r1",
        limits: &limits,
        now: "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap(),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    if !encoding.is_empty() {
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
    }
    stamp(protocol, &headers, body, &stamping)
}

fn plain(batch: &Batch) -> Bytes {
    decompress(Compression::Snappy, batch.body.clone(), 64 << 20).unwrap()
}

/// Names, of which some are the label's own, and some become it.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z_][a-zA-Z0-9_]{0,5}",
        1 => Just("resource_id".to_owned()),
        1 => Just("resource".to_owned()),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((name(), any::<String>()), 0..6)
}

/// What remains of labels: without what claims to be the resource's, and with the resource's.
fn expected(mut labels: Vec<(String, String)>) -> Vec<(String, String)> {
    labels.retain(|(name, _)| name != "resource_id");
    labels.push(("resource_id".to_owned(), "r1".to_owned()));
    labels.sort();
    labels
}

fn has_twice(labels: &[(String, String)]) -> bool {
    let mut names: Vec<_> = labels.iter().map(|(name, _)| name).collect();
    names.sort();
    names
        .windows(2)
        .any(|pair| pair[0] == pair[1] && pair[0] != "resource_id")
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        for protocol in ALL {
            for content_type in ["application/x-protobuf", V2, "application/json"] {
                let body = Bytes::from(body.clone());
                let _ = stamped(protocol, content_type, "", body.clone());
                let _ = stamped(protocol, content_type, "", snappy(&body).unwrap());
                let _ = stamped(protocol, content_type, "gzip", body);
            }
        }
    }

    /// Batches that were good but for some bytes get further than any bytes do.
    #[test]
    fn no_broken_batch_makes_it_panic(
        breaks in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let logs = r#"{"resourceLogs": [{"resource": {"attributes": [{"key": "resource", "value":
            {"kvlistValue": {"values": [{"key": "id", "value": {"intValue": "1"}}]}}}]}, "scopeLogs":
            [{"logRecords": [{"body": {"arrayValue": {"values": [{"bytesValue": "AA=="}]}}}]}]}]}"#;
        let metrics = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m",
            "histogram": {"dataPoints": [{"count": 2, "bucketCounts": [1, 1], "explicitBounds":
            [1.5]}]}}]}]}]}"#;
        let push = r#"{"streams": [{"stream": {"a": "b"}, "values": [["1", "l", {"c": "d"}]]}]}"#;
        for (protocol, json) in [
            (Protocol::OtlpLogs, logs),
            (Protocol::OtlpMetrics, metrics),
            (Protocol::LokiPush, push),
        ] {
            let good = stamped(protocol, "application/json", "", Bytes::from(json)).unwrap();
            let (compression, encoding) = match protocol {
                Protocol::LokiPush => (Compression::Snappy, "snappy"),
                Protocol::RemoteWrite | Protocol::OtlpLogs | Protocol::OtlpMetrics => {
                    (Compression::None, "")
                }
            };
            let good = decompress(compression, good.body, 1 << 20).unwrap();
            for (content_type, plain) in [("application/x-protobuf", &*good), ("application/json", json.as_bytes())] {
                let mut broken = plain.to_vec();
                for (at, byte) in &breaks {
                    let at = at.index(broken.len());
                    broken[at] = *byte;
                }
                let is_snappy = encoding == "snappy" && content_type != "application/json";
                let body = if is_snappy { snappy(&broken).unwrap() } else { broken.into() };
                let encoding = if is_snappy { encoding } else { "" };
                let _ = stamped(protocol, content_type, encoding, body.clone());
                for content_type in ["application/x-protobuf", V2] {
                    let _ = stamped(Protocol::RemoteWrite, content_type, encoding, body.clone());
                }
            }
        }
    }

    #[test]
    fn labels_are_read_as_they_are_printed(labels in pairs()) {
        prop_assert_eq!(label::parse(&label::print(&labels), 40), Ok(labels));
    }

    /// No text of labels, however it is put together, gets anything past the reading.
    #[test]
    fn no_text_of_labels_makes_another_label(
        text in r#"\{?( ?([a-z]|resource_id)(=|=~|!=)("|'|`)([a-z"\\},{]|\\")*("|'|`) ?,?){0,4}\}?.?"#,
    ) {
        let body = Push { streams: vec![Stream { labels: text, entries: Vec::new() }] };
        let body = snappy(&body.encode_to_vec()).unwrap();
        if let Ok(batch) = stamped(Protocol::LokiPush, "application/x-protobuf", "", body) {
            let push = Push::decode(plain(&batch)).unwrap();
            let labels = label::parse(&push.streams[0].labels, 40).unwrap();
            let ours = labels.iter().filter(|(name, _)| name == "resource_id");
            prop_assert_eq!(ours.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["r1"]);
        }
    }

    #[test]
    fn a_push_keeps_everything_but_the_label(
        streams in vec((pairs(), vec((any::<Vec<u8>>(), 0..1_772_000_000_i64, pairs()), 0..4)), 0..4),
    ) {
        let push = |stamped: bool| Push {
            streams: streams.iter().cloned().map(|(mut labels, entries)| {
                if stamped {
                    labels = expected(labels);
                }
                let entries = entries.into_iter().map(|(line, seconds, metadata)| Entry {
                    timestamp: Some(Time { seconds, nanos: 1 }),
                    line,
                    metadata: metadata
                        .into_iter()
                        .filter(|(name, _)| !stamped || name != "resource_id")
                        .map(|(name, value)| Label { name, value })
                        .collect(),
                });
                Stream { labels: label::print(&labels), entries: entries.collect() }
            }).collect(),
        };
        let body = snappy(&push(false).encode_to_vec()).unwrap();
        let once = stamped(Protocol::LokiPush, "application/x-protobuf", "", body);
        if streams.iter().any(|(labels, _)| has_twice(labels)) {
            prop_assert!(once.is_err());
        } else {
            let once = once.unwrap();
            prop_assert_eq!(Push::decode(plain(&once)).unwrap(), push(true));
            let again = stamped(Protocol::LokiPush, "application/x-protobuf", "", once.body.clone());
            prop_assert_eq!(again.unwrap().body, once.body);
        }
    }

    #[test]
    fn a_write_keeps_everything_but_the_label(
        series in vec((pairs(), vec((any::<f64>(), 0..1_772_000_000_000_i64), 0..4)), 0..4),
    ) {
        let named = |labels: &Vec<(String, String)>| {
            let mut labels = labels.clone();
            labels.push(("__name__".to_owned(), "up".to_owned()));
            labels
        };
        let write = |stamped: bool| WriteRequest {
            timeseries: series.iter().map(|(labels, samples)| {
                let mut labels = named(labels);
                if stamped {
                    labels = expected(labels);
                }
                let samples = samples.iter().map(|(value, timestamp)| Sample {
                    value: Some(*value),
                    timestamp: *timestamp,
                });
                Series {
                    labels: labels.into_iter().map(|(name, value)| Label { name, value }).collect(),
                    samples: samples.collect(),
                }
            }).collect(),
        };
        let body = snappy(&write(false).encode_to_vec()).unwrap();
        let once = stamped(Protocol::RemoteWrite, "application/x-protobuf", "snappy", body);
        if series.iter().any(|(labels, _)| has_twice(&named(labels))) {
            prop_assert!(once.is_err());
        } else {
            let once = once.unwrap();
            let got = WriteRequest::decode(plain(&once)).unwrap();
            // As printed: a NaN equals nothing.
            prop_assert_eq!(format!("{got:?}"), format!("{:?}", write(true)));
            let again = stamped(Protocol::RemoteWrite, "application/x-protobuf", "", once.body.clone());
            prop_assert_eq!(again.unwrap().body, once.body);
        }
    }

    /// Whatever the attributes, among those of a record and its resource there is one that becomes the
    /// label, and it is ours. Decided here by carrying the sanitizing out.
    #[test]
    fn one_attribute_becomes_the_label(
        names in vec("(resource|Resource|_)?[._é-]{0,2}(id|ID|x)?[._-]?", 0..8),
    ) {
        let attributes: Vec<_> = names.iter().map(|name| {
            serde_json::json!({"key": name, "value": {"stringValue": "claimed"}})
        }).collect();
        let attributes = serde_json::json!({"attributes": attributes});
        let body = serde_json::json!({"resourceLogs": [
            {"resource": attributes, "scopeLogs": [{"logRecords": [attributes]}]},
        ]});
        let body = Bytes::from(body.to_string());
        let once = stamped(Protocol::OtlpLogs, "application/json", "", body).unwrap();
        let becomes = names.iter().filter(|name| sanitized(name) == "resource_id").count();
        prop_assert_eq!(once.counts.replaced, becomes * 2);
        let claimed = once.body.windows(7).filter(|window| window == b"claimed").count();
        prop_assert_eq!(claimed, (names.len() - becomes) * 2);
        let ours = once.body.windows(13).filter(|window| window == b"\x0a\x0bresource_id").count();
        prop_assert_eq!(ours, 1);
        let again = stamped(Protocol::OtlpLogs, "application/x-protobuf", "", once.body.clone());
        prop_assert_eq!(again.unwrap().body, once.body);
    }
}

/// A name as Loki and Prometheus sanitize it, by the description of their rules.
fn sanitized(name: &str) -> String {
    let mut clean = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            clean.push(character);
        } else if !clean.ends_with('_') {
            clean.push('_');
        }
    }
    clean
}
