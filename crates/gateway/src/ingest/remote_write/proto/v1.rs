//! Remote write 1.0.

use super::{HISTOGRAM, Histogram, SAMPLE, Sample};
use crate::ingest::wire::Shape;

/// A batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) metadata: Vec<Metadata>,
}

/// What a metric is. It has no labels, and so belongs to the whole tenant.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Metadata {
    /// An enumeration, whose values are the backend's to know.
    #[prost(int32, tag = "1")]
    pub(crate) kind: i32,
    #[prost(string, tag = "2")]
    pub(crate) metric_family_name: String,
    #[prost(string, tag = "4")]
    pub(crate) help: String,
    #[prost(string, tag = "5")]
    pub(crate) unit: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Label {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(double, optional, tag = "2")]
    pub(crate) value: Option<f64>,
    /// In milliseconds since 1970.
    #[prost(int64, tag = "3")]
    pub(crate) timestamp: i64,
}

pub(crate) static WRITE_REQUEST: Shape = Shape {
    size: size_of::<WriteRequest>(),
    // Mimir's own: where the batch comes from, and which checks to skip.
    plain: &[2, 1000, 1001],
    packed: &[],
    messages: &[(1, &TIME_SERIES), (3, &METADATA)],
};
static METADATA: Shape = Shape {
    size: size_of::<Metadata>(),
    plain: &[1, 2, 4, 5],
    packed: &[],
    messages: &[],
};
static TIME_SERIES: Shape = Shape {
    size: size_of::<TimeSeries>(),
    plain: &[],
    packed: &[],
    messages: &[(1, &LABEL), (2, &SAMPLE), (3, &EXEMPLAR), (4, &HISTOGRAM)],
};
static LABEL: Shape = Shape {
    size: size_of::<Label>(),
    plain: &[1, 2],
    packed: &[],
    messages: &[],
};
static EXEMPLAR: Shape = Shape {
    size: size_of::<Exemplar>(),
    plain: &[2, 3],
    packed: &[],
    messages: &[(1, &LABEL)],
};
