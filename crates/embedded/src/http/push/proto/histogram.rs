//! A native histogram of remote write, of either version.

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Histogram {
    #[prost(oneof = "Count", tags = "1, 2")]
    pub(in crate::http) count: Option<Count>,
    #[prost(double, tag = "3")]
    pub(in crate::http) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(in crate::http) schema: i32,
    #[prost(double, tag = "5")]
    pub(in crate::http) zero_threshold: f64,
    #[prost(oneof = "ZeroCount", tags = "6, 7")]
    pub(in crate::http) zero_count: Option<ZeroCount>,
    #[prost(message, repeated, tag = "8")]
    pub(in crate::http) negative_spans: Vec<Span>,
    /// Of integers: by how much each bucket's count differs from that of the one before.
    #[prost(sint64, repeated, tag = "9")]
    pub(in crate::http) negative_deltas: Vec<i64>,
    /// Of floats: the counts.
    #[prost(double, repeated, tag = "10")]
    pub(in crate::http) negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    pub(in crate::http) positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    pub(in crate::http) positive_deltas: Vec<i64>,
    #[prost(double, repeated, tag = "13")]
    pub(in crate::http) positive_counts: Vec<f64>,
    #[prost(int32, tag = "14")]
    pub(in crate::http) reset_hint: i32,
    /// Milliseconds since the Unix epoch.
    #[prost(int64, tag = "15")]
    pub(in crate::http) timestamp: i64,
    /// The bounds of custom buckets.
    #[prost(double, repeated, tag = "16")]
    pub(in crate::http) custom_values: Vec<f64>,
}

/// Tells also whether the histogram is of integers or floats.
#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(in crate::http) enum Count {
    #[prost(uint64, tag = "1")]
    Int(u64),
    #[prost(double, tag = "2")]
    Float(f64),
}

#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(in crate::http) enum ZeroCount {
    #[prost(uint64, tag = "6")]
    Int(u64),
    #[prost(double, tag = "7")]
    Float(f64),
}

/// Buckets that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Span {
    /// How many buckets are left out since the span before; of the first one, its index.
    #[prost(sint32, tag = "1")]
    pub(in crate::http) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(in crate::http) length: u32,
}
