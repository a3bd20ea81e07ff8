//! Remote write 2.0, as far as it is stored. Strings are in a table, and everything else points into it.

use super::Sample;

/// A batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Request {
    #[prost(string, repeated, tag = "4")]
    pub(in crate::http) symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub(in crate::http) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct TimeSeries {
    /// Name and value of each label, one after the other.
    #[prost(uint32, repeated, tag = "1")]
    pub(in crate::http) labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) samples: Vec<Sample>,
    /// Undecoded: one at a time takes less memory.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(in crate::http) histograms: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "4")]
    pub(in crate::http) exemplars: Vec<Exemplar>,
    #[prost(message, optional, tag = "5")]
    pub(in crate::http) metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Exemplar {
    #[prost(uint32, repeated, tag = "1")]
    pub(in crate::http) labels_refs: Vec<u32>,
    #[prost(double, tag = "2")]
    pub(in crate::http) value: f64,
    #[prost(int64, tag = "3")]
    pub(in crate::http) timestamp: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Metadata {
    #[prost(int32, tag = "1")]
    pub(in crate::http) kind: i32,
    #[prost(uint32, tag = "3")]
    pub(in crate::http) help_ref: u32,
    #[prost(uint32, tag = "4")]
    pub(in crate::http) unit_ref: u32,
}
