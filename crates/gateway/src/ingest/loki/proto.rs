//! The messages of Loki's push API (package `logproto`), as far as senders fill them.
//!
//! Left out, and so never forwarded: `PushRequest.format` and `Stream.hash`, which Loki's parts tell
//! each other, and `Entry.parsed`, which is for answers.

use bytes::Bytes;

use crate::ingest::wire::Shape;

/// A batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) streams: Vec<Stream>,
}

/// Lines with the same labels.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Stream {
    /// The labels in their text form.
    #[prost(string, tag = "1")]
    pub(super) labels: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) entries: Vec<Entry>,
}

/// A line.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Entry {
    #[prost(message, optional, tag = "1")]
    pub(super) timestamp: Option<Timestamp>,
    /// Bytes, although the protocol says a string: Loki takes lines that are no UTF-8, which are
    /// nobody's to refuse.
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) line: Bytes,
    #[prost(message, repeated, tag = "3")]
    pub(super) structured_metadata: Vec<Label>,
}

/// A label of one line.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    /// Bytes, as the line.
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

pub(super) static PUSH_REQUEST: Shape = Shape {
    size: size_of::<PushRequest>(),
    plain: &[2],
    packed: &[],
    messages: &[(1, &STREAM)],
};
static STREAM: Shape = Shape {
    size: size_of::<Stream>(),
    plain: &[1, 3],
    packed: &[],
    messages: &[(2, &ENTRY)],
};
static ENTRY: Shape = Shape {
    size: size_of::<Entry>(),
    plain: &[2],
    packed: &[],
    messages: &[(1, &TIMESTAMP), (3, &LABEL), (4, &LABEL)],
};
static LABEL: Shape = Shape {
    size: size_of::<Label>(),
    plain: &[1, 2],
    packed: &[],
    messages: &[],
};
static TIMESTAMP: Shape = Shape {
    // It lies in the entry.
    size: 0,
    plain: &[1, 2],
    packed: &[],
    messages: &[],
};
