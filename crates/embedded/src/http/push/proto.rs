//! The messages, as far as they are stored.

pub(in crate::http) mod histogram;
pub(in crate::http) mod otlp;
pub(in crate::http) mod v2;

/// Loki's batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Stream {
    #[prost(string, tag = "1")]
    pub(in crate::http) labels: String,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Entry {
    #[prost(message, optional, tag = "1")]
    pub(in crate::http) timestamp: Option<Timestamp>,
    /// Bytes, as the next: what is no UTF-8 is stored with replacement characters.
    #[prost(bytes = "vec", tag = "2")]
    pub(in crate::http) line: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::http) structured_metadata: Vec<Metadatum>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Metadatum {
    #[prost(string, tag = "1")]
    pub(in crate::http) name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(in crate::http) value: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(in crate::http) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(in crate::http) nanos: i32,
}

/// Prometheus' batch.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::http) metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::http) exemplars: Vec<Exemplar>,
    /// Undecoded: one at a time takes less memory.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(in crate::http) histograms: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Label {
    #[prost(string, tag = "1")]
    pub(in crate::http) name: String,
    #[prost(string, tag = "2")]
    pub(in crate::http) value: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(in crate::http) struct Sample {
    #[prost(double, tag = "1")]
    pub(in crate::http) value: f64,
    #[prost(int64, tag = "2")]
    pub(in crate::http) timestamp: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) labels: Vec<Label>,
    #[prost(double, tag = "2")]
    pub(in crate::http) value: f64,
    #[prost(int64, tag = "3")]
    pub(in crate::http) timestamp: i64,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Metadata {
    #[prost(int32, tag = "1")]
    pub(in crate::http) kind: i32,
    #[prost(string, tag = "2")]
    pub(in crate::http) metric_family_name: String,
    #[prost(string, tag = "4")]
    pub(in crate::http) help: String,
    #[prost(string, tag = "5")]
    pub(in crate::http) unit: String,
}
