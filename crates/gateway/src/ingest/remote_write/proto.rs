//! The messages of Prometheus' remote write, 1.0 (package `prometheus`) and 2.0
//! (`io.prometheus.write.v2`).
//!
//! Floating-point numbers are optional although the protocol's are not: so the decoder tells a zero
//! that was sent from none, and the encoder leaves out no negative zero. Left out are the fields
//! with which Mimir's parts tell each other what not to check.

pub(super) mod v1;
pub(super) mod v2;

use crate::ingest::wire::Shape;

/// A value at a time, of both versions.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Sample {
    #[prost(double, optional, tag = "1")]
    pub(super) value: Option<f64>,
    /// In milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
    /// 2.0: when the counting began.
    #[prost(int64, tag = "3")]
    pub(super) start_timestamp: i64,
}

/// A native histogram at a time, of both versions: of integers or floats, with exponential or custom
/// buckets.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Histogram {
    #[prost(oneof = "Count", tags = "1, 2")]
    pub(super) count: Option<Count>,
    #[prost(double, optional, tag = "3")]
    pub(super) sum: Option<f64>,
    #[prost(sint32, tag = "4")]
    pub(super) schema: i32,
    #[prost(double, optional, tag = "5")]
    pub(super) zero_threshold: Option<f64>,
    #[prost(oneof = "ZeroCount", tags = "6, 7")]
    pub(super) zero_count: Option<ZeroCount>,
    #[prost(message, repeated, tag = "8")]
    pub(super) negative_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "9")]
    pub(super) negative_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "10")]
    pub(super) negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    pub(super) positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    pub(super) positive_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "13")]
    pub(super) positive_counts: Vec<f64>,
    /// An enumeration, whose values are the backend's to know.
    #[prost(int32, tag = "14")]
    pub(super) reset_hint: i32,
    /// In milliseconds since 1970.
    #[prost(int64, tag = "15")]
    pub(super) timestamp: i64,
    #[prost(double, repeated, tag = "16")]
    pub(super) custom_values: Vec<f64>,
    /// 2.0: when the counting began.
    #[prost(int64, tag = "17")]
    pub(super) start_timestamp: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(super) enum Count {
    #[prost(uint64, tag = "1")]
    Int(u64),
    #[prost(double, tag = "2")]
    Float(f64),
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(super) enum ZeroCount {
    #[prost(uint64, tag = "6")]
    Int(u64),
    #[prost(double, tag = "7")]
    Float(f64),
}

/// Buckets that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Span {
    #[prost(sint32, tag = "1")]
    pub(super) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(super) length: u32,
}

static SAMPLE: Shape = Shape {
    size: size_of::<Sample>(),
    plain: &[1, 2, 3],
    packed: &[],
    messages: &[],
};
static HISTOGRAM: Shape = Shape {
    size: size_of::<Histogram>(),
    plain: &[1, 2, 3, 4, 5, 6, 7, 14, 15, 17],
    packed: &[9, 10, 12, 13, 16],
    messages: &[(8, &SPAN), (11, &SPAN)],
};
static SPAN: Shape = Shape {
    size: size_of::<Span>(),
    plain: &[1, 2],
    packed: &[],
    messages: &[],
};
