//! The messages of Loki's push and of remote write 1.0, as far as the demo has something to say, and
//! their bodies: protobuf in snappy's block format.

use bytes::Bytes;
use embedded::{LogStream, MetricKind, MetricMetadata, SampleSeries};
use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Time>,
    #[prost(string, tag = "2")]
    line: String,
    #[prost(message, repeated, tag = "3")]
    structured_metadata: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    metric_family_name: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

/// The body of a push to Loki.
pub(super) fn logs(streams: Vec<LogStream>) -> Result<Bytes, snap::Error> {
    let entry = |one: embedded::LogEntry| Entry {
        timestamp: Some(Time {
            seconds: one.timestamp_ns.div_euclid(1_000_000_000),
            nanos: i32::try_from(one.timestamp_ns.rem_euclid(1_000_000_000)).unwrap_or_default(),
        }),
        line: one.line,
        structured_metadata: labels(one.structured_metadata),
    };
    let stream = |one: LogStream| Stream {
        labels: selector(&one.labels),
        entries: one.entries.into_iter().map(entry).collect(),
    };
    compressed(&PushRequest {
        streams: streams.into_iter().map(stream).collect(),
    })
}

/// The body of a remote write.
pub(super) fn samples(
    series: Vec<SampleSeries>,
    metadata: Vec<MetricMetadata>,
) -> Result<Bytes, snap::Error> {
    let sample = |one: embedded::Sample| Sample {
        value: one.value,
        timestamp: one.timestamp_ms,
    };
    let one = |one: SampleSeries| {
        let mut labels = labels(one.labels);
        // The protocol has them sorted.
        labels.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        TimeSeries {
            labels,
            samples: one.samples.into_iter().map(sample).collect(),
        }
    };
    let metadatum = |one: MetricMetadata| Metadata {
        kind: kind(one.kind),
        metric_family_name: one.metric,
        help: one.help,
        unit: one.unit,
    };
    compressed(&WriteRequest {
        timeseries: series.into_iter().map(one).collect(),
        metadata: metadata.into_iter().map(metadatum).collect(),
    })
}

fn compressed(message: &impl Message) -> Result<Bytes, snap::Error> {
    let plain = message.encode_to_vec();
    Ok(snap::raw::Encoder::new().compress_vec(&plain)?.into())
}

fn labels(pairs: Vec<(String, String)>) -> Vec<Label> {
    pairs
        .into_iter()
        .map(|(name, value)| Label { name, value })
        .collect()
}

/// Labels as Loki's push has them: the text of a selector. The demo's values have no character for
/// which Rust and Go would differ about the escape.
fn selector(labels: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{name}={value:?}");
    let pairs: Vec<String> = labels.iter().map(pair).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// The number of a type in the protocol's enumeration.
fn kind(kind: MetricKind) -> i32 {
    match kind {
        MetricKind::Unknown => 0,
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
        MetricKind::Histogram => 3,
        MetricKind::GaugeHistogram => 4,
        MetricKind::Summary => 5,
        MetricKind::Info => 6,
        MetricKind::StateSet => 7,
    }
}
