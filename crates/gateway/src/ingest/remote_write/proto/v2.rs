//! Remote write 2.0: strings are in a table, and everything else points into it.

use super::{HISTOGRAM, Histogram, SAMPLE, Sample};
use crate::ingest::wire::Shape;

/// A batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Request {
    /// The first is empty.
    #[prost(string, repeated, tag = "4")]
    pub(crate) symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TimeSeries {
    /// Name and value of each label, one after the other.
    #[prost(uint32, repeated, tag = "1")]
    pub(crate) labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) histograms: Vec<Histogram>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(message, optional, tag = "5")]
    pub(crate) metadata: Option<Metadata>,
    /// When the counting began, as the first drafts of 2.0 have it.
    #[prost(int64, tag = "6")]
    pub(crate) created_timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Exemplar {
    #[prost(uint32, repeated, tag = "1")]
    pub(crate) labels_refs: Vec<u32>,
    #[prost(double, optional, tag = "2")]
    pub(crate) value: Option<f64>,
    /// In milliseconds since 1970.
    #[prost(int64, tag = "3")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Metadata {
    /// An enumeration, whose values are the backend's to know.
    #[prost(int32, tag = "1")]
    pub(crate) kind: i32,
    #[prost(uint32, tag = "3")]
    pub(crate) help_ref: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) unit_ref: u32,
}

pub(crate) static REQUEST: Shape = Shape {
    size: size_of::<Request>(),
    plain: &[4],
    packed: &[],
    messages: &[(5, &TIME_SERIES)],
};
static TIME_SERIES: Shape = Shape {
    size: size_of::<TimeSeries>(),
    plain: &[6],
    packed: &[1],
    messages: &[
        (2, &SAMPLE),
        (3, &HISTOGRAM),
        (4, &EXEMPLAR),
        (5, &METADATA),
    ],
};
static EXEMPLAR: Shape = Shape {
    size: size_of::<Exemplar>(),
    plain: &[2, 3],
    packed: &[1],
    messages: &[],
};
static METADATA: Shape = Shape {
    // It lies in the series.
    size: 0,
    plain: &[1, 3, 4],
    packed: &[],
    messages: &[],
};
