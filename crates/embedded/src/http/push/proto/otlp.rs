//! The messages of OTLP 1.x (packages `opentelemetry.proto.*.v1`), as far as they are stored.

/// An attribute.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(in crate::http) key: String,
    #[prost(message, optional, tag = "2")]
    pub(in crate::http) value: Option<AnyValue>,
}

/// A value; none is an empty one.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(in crate::http) value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(in crate::http) enum Value {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) values: Vec<KeyValue>,
}

/// What the telemetry is of.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) attributes: Vec<KeyValue>,
}

/// The library that made it.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Scope {
    #[prost(string, tag = "1")]
    pub(in crate::http) name: String,
    #[prost(string, tag = "2")]
    pub(in crate::http) version: String,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::http) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    pub(in crate::http) dropped_attributes_count: u32,
}

/// A batch of log records.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct LogsRequest {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub(in crate::http) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub(in crate::http) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct LogRecord {
    #[prost(fixed64, tag = "1")]
    pub(in crate::http) time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    pub(in crate::http) severity_number: i32,
    #[prost(string, tag = "3")]
    pub(in crate::http) severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub(in crate::http) body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub(in crate::http) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "7")]
    pub(in crate::http) dropped_attributes_count: u32,
    #[prost(fixed32, tag = "8")]
    pub(in crate::http) flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub(in crate::http) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub(in crate::http) span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    pub(in crate::http) observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    pub(in crate::http) event_name: String,
}

/// A batch of data points.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct MetricsRequest {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub(in crate::http) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) scope_metrics: Vec<ScopeMetrics>,
}

/// What the scope is does not become a label.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    pub(in crate::http) metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Metric {
    #[prost(string, tag = "1")]
    pub(in crate::http) name: String,
    #[prost(string, tag = "2")]
    pub(in crate::http) description: String,
    #[prost(string, tag = "3")]
    pub(in crate::http) unit: String,
    #[prost(oneof = "Data", tags = "5, 7, 9, 10, 11")]
    pub(in crate::http) data: Option<Data>,
}

/// The five kinds of metrics.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(in crate::http) enum Data {
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    #[prost(message, tag = "7")]
    Sum(Sum),
    #[prost(message, tag = "9")]
    Histogram(Histogram),
    #[prost(message, tag = "10")]
    ExponentialHistogram(ExponentialHistogram),
    #[prost(message, tag = "11")]
    Summary(Summary),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Gauge {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) data_points: Vec<NumberDataPoint>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Sum {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) data_points: Vec<NumberDataPoint>,
    #[prost(int32, tag = "2")]
    pub(in crate::http) aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    pub(in crate::http) is_monotonic: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Histogram {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) data_points: Vec<HistogramDataPoint>,
    #[prost(int32, tag = "2")]
    pub(in crate::http) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ExponentialHistogram {
    /// Undecoded: one at a time takes less memory.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(in crate::http) data_points: Vec<Vec<u8>>,
    #[prost(int32, tag = "2")]
    pub(in crate::http) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct ExponentialHistogramDataPoint {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "3")]
    pub(in crate::http) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(in crate::http) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(in crate::http) sum: Option<f64>,
    #[prost(sint32, tag = "6")]
    pub(in crate::http) scale: i32,
    #[prost(fixed64, tag = "7")]
    pub(in crate::http) zero_count: u64,
    #[prost(message, optional, tag = "8")]
    pub(in crate::http) positive: Option<Buckets>,
    #[prost(message, optional, tag = "9")]
    pub(in crate::http) negative: Option<Buckets>,
    #[prost(uint32, tag = "10")]
    pub(in crate::http) flags: u32,
    #[prost(message, repeated, tag = "11")]
    pub(in crate::http) exemplars: Vec<Exemplar>,
}

/// Buckets that follow each other.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Buckets {
    #[prost(sint32, tag = "1")]
    pub(in crate::http) offset: i32,
    #[prost(uint64, repeated, tag = "2")]
    pub(in crate::http) bucket_counts: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::http) data_points: Vec<SummaryDataPoint>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct NumberDataPoint {
    #[prost(fixed64, tag = "3")]
    pub(in crate::http) time_unix_nano: u64,
    #[prost(oneof = "Number", tags = "4, 6")]
    pub(in crate::http) value: Option<Number>,
    #[prost(message, repeated, tag = "5")]
    pub(in crate::http) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "7")]
    pub(in crate::http) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "8")]
    pub(in crate::http) flags: u32,
}

/// Of a data point.
#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(in crate::http) enum Number {
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(sfixed64, tag = "6")]
    Int(i64),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct HistogramDataPoint {
    #[prost(fixed64, tag = "3")]
    pub(in crate::http) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(in crate::http) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(in crate::http) sum: Option<f64>,
    #[prost(fixed64, repeated, tag = "6")]
    pub(in crate::http) bucket_counts: Vec<u64>,
    #[prost(double, repeated, tag = "7")]
    pub(in crate::http) explicit_bounds: Vec<f64>,
    #[prost(message, repeated, tag = "8")]
    pub(in crate::http) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "9")]
    pub(in crate::http) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    pub(in crate::http) flags: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct SummaryDataPoint {
    #[prost(fixed64, tag = "3")]
    pub(in crate::http) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(in crate::http) count: u64,
    #[prost(double, tag = "5")]
    pub(in crate::http) sum: f64,
    #[prost(message, repeated, tag = "6")]
    pub(in crate::http) quantile_values: Vec<ValueAtQuantile>,
    #[prost(message, repeated, tag = "7")]
    pub(in crate::http) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "8")]
    pub(in crate::http) flags: u32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(in crate::http) struct ValueAtQuantile {
    #[prost(double, tag = "1")]
    pub(in crate::http) quantile: f64,
    #[prost(double, tag = "2")]
    pub(in crate::http) value: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::http) struct Exemplar {
    #[prost(fixed64, tag = "2")]
    pub(in crate::http) time_unix_nano: u64,
    #[prost(oneof = "Measured", tags = "3, 6")]
    pub(in crate::http) value: Option<Measured>,
    #[prost(bytes = "vec", tag = "4")]
    pub(in crate::http) span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub(in crate::http) trace_id: Vec<u8>,
    #[prost(message, repeated, tag = "7")]
    pub(in crate::http) filtered_attributes: Vec<KeyValue>,
}

/// Of an exemplar.
#[derive(Clone, Copy, PartialEq, prost::Oneof)]
pub(in crate::http) enum Measured {
    #[prost(double, tag = "3")]
    Double(f64),
    #[prost(sfixed64, tag = "6")]
    Int(i64),
}

/// The answer to either batch, in which records and data points have the same places.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(in crate::http) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(in crate::http) rejected: i64,
    #[prost(string, tag = "2")]
    pub(in crate::http) error_message: String,
}

/// `google.rpc.Status`, which says why nothing was taken. Its code may be left out.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(in crate::http) struct Status {
    #[prost(string, tag = "2")]
    pub(in crate::http) message: String,
}
