//! Writes: what a sender sent, decoded, checked, stamped with the resource that it belongs to, and
//! encoded anew.
//!
//! What a sender calls `resource_id` is never believed: it is taken out and counted, whatever its
//! value. Either the whole of a batch goes to the backend or nothing of it, and the sender's answer
//! is the backend's: what is acknowledged is stored.

pub mod limits;

pub mod refusal;

mod body;

mod decompress;
mod wire;

mod label;

mod loki;
mod otlp;
mod remote_write;

mod rate;

mod indexed;

pub mod counter;

mod stamped;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

pub(crate) use counter::Refused;
use decompress::{Compression, decompress, snappy};
pub use limits::{Limits, Rate};
pub(crate) use otlp::answer::Encoding;
pub use refusal::Refusal;
use refusal::bad;
pub(crate) use stamped::{Ingest, Way};
pub use stamped::{Stamped, Write};

/// A protocol that senders speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Loki's push API.
    LokiPush,
    /// Prometheus' remote write, 1.0 and 2.0.
    RemoteWrite,
    /// OTLP/HTTP: log records.
    OtlpLogs,
    /// OTLP/HTTP: metrics.
    OtlpMetrics,
}

impl Protocol {
    /// Whether it has a form in JSON.
    pub(crate) const fn has_json(self) -> bool {
        match self {
            Self::LokiPush | Self::OtlpLogs | Self::OtlpMetrics => true,
            Self::RemoteWrite => false,
        }
    }
}

/// What a body is, by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Json,
    /// Of remote write: version 1.0.
    Protobuf,
    /// Remote write 2.0.
    RemoteWrite2,
}

/// A batch as it goes to the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The body.
    pub body: Bytes,
    /// The headers that say what it is.
    pub headers: &'static [(&'static str, &'static str)],
    /// What is in it.
    pub counts: Counts,
}

/// What was in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its length after decompression, in bytes.
    pub bytes: usize,
    /// Streams, series, or metrics.
    pub streams: usize,
    /// Log lines, samples and data points.
    pub entries: usize,
    /// Labels and attributes that claimed to be the resource's, and were replaced or removed.
    pub replaced: usize,
    /// Fields that are not of the protocol as it is known here, and were dropped.
    pub unknown: usize,
}

/// What a batch is stamped with, and held to.
#[derive(Clone, Copy, Debug)]
pub struct Stamping<'a> {
    /// The id of the resource.
    pub resource: &'a str,
    /// What the batch may hold.
    pub limits: &'a Limits,
    /// The time now.
    pub now: Timestamp,
}

/// Stamps a body that was sent with these headers. Reads nothing but its arguments.
pub fn stamp(
    protocol: Protocol,
    headers: &HeaderMap,
    body: Bytes,
    stamping: &Stamping<'_>,
) -> Result<Batch, Refusal> {
    let head = Head::read(protocol, headers)?;
    head.open(body, stamping.limits)?.stamp(stamping)
}

/// What the head says about a body.
struct Head {
    protocol: Protocol,
    media: Media,
    compression: Compression,
}

impl Head {
    /// Reads it.
    fn read(protocol: Protocol, headers: &HeaderMap) -> Result<Self, Refusal> {
        let media_type = one(headers, &CONTENT_TYPE)?.to_ascii_lowercase();
        let encoding = one(headers, &CONTENT_ENCODING)?.to_ascii_lowercase();
        let (essence, parameters) = media_type.split_once(';').unwrap_or((&media_type, ""));
        let media = match (protocol, essence.trim()) {
            // Without a content type it is protobuf: so Loki has it, and so do receivers of remote write.
            (Protocol::LokiPush, "" | "application/x-protobuf" | "application/protobuf")
            | (
                Protocol::OtlpLogs | Protocol::OtlpMetrics,
                "application/x-protobuf" | "application/protobuf",
            ) => Media::Protobuf,
            (Protocol::RemoteWrite, "" | "application/x-protobuf") => version(parameters)?,
            (
                Protocol::LokiPush | Protocol::OtlpLogs | Protocol::OtlpMetrics,
                "application/json",
            ) => Media::Json,
            (Protocol::LokiPush, _) => {
                return Err(Refusal::UnsupportedMedia(
                    "send Content-Type: application/json, or application/x-protobuf compressed with \
                     snappy",
                ));
            }
            (Protocol::OtlpLogs | Protocol::OtlpMetrics, _) => {
                return Err(Refusal::UnsupportedMedia(
                    "send Content-Type: application/x-protobuf or application/json",
                ));
            }
            (Protocol::RemoteWrite, _) => return Err(Refusal::UnsupportedMedia(REMOTE_WRITE)),
        };
        let compression = match (protocol, media, encoding.as_str()) {
            (Protocol::OtlpLogs | Protocol::OtlpMetrics, _, "" | "identity")
            | (Protocol::LokiPush, Media::Json, "" | "identity") => Compression::None,
            (Protocol::OtlpLogs | Protocol::OtlpMetrics, _, "gzip")
            | (Protocol::LokiPush, Media::Json, "gzip") => Compression::Gzip,
            // Snappy is part of these protocols, and many senders do not say it.
            (Protocol::LokiPush, Media::Protobuf | Media::RemoteWrite2, "" | "snappy")
            | (Protocol::RemoteWrite, _, "" | "snappy") => Compression::Snappy,
            (Protocol::LokiPush, Media::Json, _)
            | (Protocol::OtlpLogs | Protocol::OtlpMetrics, ..) => {
                return Err(Refusal::UnsupportedMedia(
                    "send it with Content-Encoding: gzip, or without one",
                ));
            }
            (Protocol::LokiPush | Protocol::RemoteWrite, ..) => {
                return Err(Refusal::UnsupportedMedia(
                    "send protobuf compressed with snappy, in its block format",
                ));
            }
        };
        Ok(Self {
            protocol,
            media,
            compression,
        })
    }

    /// How long the body is after decompression, if that can be known before.
    fn length(&self, body: &[u8]) -> Option<usize> {
        self.compression.length(body)
    }

    /// Decompresses the body.
    fn open(self, body: Bytes, limits: &Limits) -> Result<Opened, Refusal> {
        let body = decompress(self.compression, body, limits.decompressed)?;
        Ok(Opened {
            protocol: self.protocol,
            media: self.media,
            body,
        })
    }
}

/// A body that is decompressed and not yet decoded.
struct Opened {
    protocol: Protocol,
    media: Media,
    body: Bytes,
}

impl Opened {
    fn stamp(self, stamping: &Stamping<'_>) -> Result<Batch, Refusal> {
        let Self {
            protocol,
            media,
            body,
        } = self;
        let (stamped, mut counts) = match (protocol, media) {
            (Protocol::LokiPush, media) => loki::stamp(media, &body, stamping)?,
            (Protocol::RemoteWrite, Media::RemoteWrite2) => {
                remote_write::stamp_v2(&body, stamping)?
            }
            (Protocol::RemoteWrite, _) => remote_write::stamp_v1(&body, stamping)?,
            (Protocol::OtlpLogs, media) => otlp::stamp_logs(media, &body, stamping)?,
            (Protocol::OtlpMetrics, media) => otlp::stamp_metrics(media, &body, stamping)?,
        };
        counts.bytes = body.len();
        let (body, headers): (_, &'static [_]) = match (protocol, media) {
            (Protocol::LokiPush, _) => (snappy(&stamped)?, &LOKI),
            (Protocol::RemoteWrite, Media::RemoteWrite2) => (snappy(&stamped)?, &REMOTE_WRITE_2),
            (Protocol::RemoteWrite, _) => (snappy(&stamped)?, &REMOTE_WRITE_1),
            (Protocol::OtlpLogs | Protocol::OtlpMetrics, _) => (stamped.into(), &OTLP),
        };
        Ok(Batch {
            body,
            headers,
            counts,
        })
    }
}

const LOKI: [(&str, &str); 2] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
];
const OTLP: [(&str, &str); 1] = [("content-type", "application/x-protobuf")];
const REMOTE_WRITE_1: [(&str, &str); 4] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
    ("user-agent", AGENT),
];
const REMOTE_WRITE_2: [(&str, &str); 4] = [
    (
        "content-type",
        "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    ),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "2.0.0"),
    ("user-agent", AGENT),
];
/// Both specifications of remote write demand one.
const AGENT: &str = concat!("ktrlplane-observability/", env!("CARGO_PKG_VERSION"));

const REMOTE_WRITE: &str = "send Content-Type: application/x-protobuf, with \
     proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request";

/// The version of remote write, by the content type's parameters, in lower case.
fn version(parameters: &str) -> Result<Media, Refusal> {
    let mut media = Media::Protobuf;
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim() != "proto" {
            continue;
        }
        media = match value.trim().trim_matches('"') {
            "prometheus.writerequest" => Media::Protobuf,
            "io.prometheus.write.v2.request" => Media::RemoteWrite2,
            _ => return Err(Refusal::UnsupportedMedia(REMOTE_WRITE)),
        };
    }
    Ok(media)
}

/// The only value of a header; empty if there is none.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (first, more) = (values.next(), values.next());
    let text = first.map_or(Ok(""), |value| value.to_str());
    match (text, more) {
        (Ok(text), None) => Ok(text.trim()),
        _ => Err(Refusal::UnsupportedMedia(
            "send one Content-Type and at most one Content-Encoding",
        )),
    }
}

/// How long the structured metadata of a line may be together, in bytes, and how many they may be:
/// what Loki takes unless told otherwise (`max_structured_metadata_size`,
/// `max_structured_metadata_entries_count`).
const METADATA_BYTES: usize = 64 << 10;
const METADATA_COUNT: usize = 128;

impl Stamping<'_> {
    /// Checks the number of streams or series.
    fn streams(&self, count: usize) -> Result<(), Refusal> {
        let limit = self.limits.streams;
        if count > limit {
            return Err(bad(
                "too many streams or series",
                format!(
                    "the batch has {count} streams or series, and may have {limit}: send smaller batches"
                ),
            ));
        }
        Ok(())
    }

    /// Counts entries, and checks their number.
    fn entries(&self, counts: &mut Counts, more: usize) -> Result<(), Refusal> {
        counts.entries = counts.entries.saturating_add(more);
        let limit = self.limits.entries;
        if counts.entries > limit {
            return Err(bad(
                "too many lines or samples",
                format!("the batch has more than {limit} lines or samples: send smaller batches"),
            ));
        }
        Ok(())
    }

    /// Checks the number of labels of `of`.
    fn labels(&self, count: usize, of: impl Fn() -> String) -> Result<(), Refusal> {
        let limit = self.limits.labels;
        if count > limit {
            return Err(bad(
                "too many labels",
                format!("{} has {count} label names; limit {limit}", of()),
            ));
        }
        Ok(())
    }

    /// Checks the structured metadata of `of`: how many they are, and how long they are together, names
    /// included.
    fn structured_metadata(
        count: usize,
        bytes: usize,
        of: impl Fn() -> String,
    ) -> Result<(), Refusal> {
        if bytes > METADATA_BYTES {
            return Err(bad(
                "structured metadata too large",
                format!(
                    "{} has structured metadata too large: {bytes} bytes, limit: {METADATA_BYTES} bytes",
                    of()
                ),
            ));
        }
        if count > METADATA_COUNT {
            return Err(bad(
                "too many structured metadata labels",
                format!(
                    "{} has too many structured metadata labels: {count}, limit: {METADATA_COUNT}",
                    of()
                ),
            ));
        }
        Ok(())
    }

    /// Checks the time of `of`, in nanoseconds since 1970.
    fn time(&self, nanos: i128, of: impl Fn() -> String) -> Result<(), Refusal> {
        let now = self.now.as_nanosecond();
        let bound = |duration: std::time::Duration| {
            i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
        };
        let oldest = self
            .limits
            .max_age
            .map(|age| now.saturating_sub(bound(age)));
        let newest = self
            .limits
            .max_ahead
            .map(|ahead| now.saturating_add(bound(ahead)));
        let (reason, limit) = match (oldest, newest) {
            (Some(oldest), _) if nanos < oldest => ("timestamp too old", oldest),
            (_, Some(newest)) if nanos > newest => ("timestamp too new", newest),
            _ => return Ok(()),
        };
        let time = |nanos| match Timestamp::from_nanosecond(nanos) {
            Ok(time) => time.to_string(),
            Err(_) => format!("{nanos} ns"),
        };
        Err(bad(
            reason,
            format!(
                "{} has {reason}: {}, the limit is {}",
                of(),
                time(nanos),
                time(limit)
            ),
        ))
    }
}

#[cfg(test)]
mod properties;
