//! Metrics and their data points.

use serde::Deserialize;

use super::common::{KEY_VALUE, KeyValue, RESOURCE, Resource, SCOPE, Scope};
use crate::ingest::otlp::json::{float, floats, hex, maybe_number, nullable, number, numbers};
use crate::ingest::wire::Shape;

/// A batch of data points.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MetricsRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "resource_metrics")]
    pub(crate) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "scope_metrics")]
    pub(crate) scope_metrics: Vec<ScopeMetrics>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "schema_url")]
    pub(crate) schema_url: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    pub(crate) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) metrics: Vec<Metric>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "schema_url")]
    pub(crate) schema_url: String,
}

/// A metric: one of the five kinds.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metric {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) description: String,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) unit: String,
    #[prost(message, optional, tag = "5")]
    pub(crate) gauge: Option<Gauge>,
    #[prost(message, optional, tag = "7")]
    pub(crate) sum: Option<Sum>,
    #[prost(message, optional, tag = "9")]
    pub(crate) histogram: Option<Histogram>,
    #[prost(message, optional, tag = "10")]
    #[serde(alias = "exponential_histogram")]
    pub(crate) exponential_histogram: Option<ExponentialHistogram>,
    #[prost(message, optional, tag = "11")]
    pub(crate) summary: Option<Summary>,
    #[prost(message, repeated, tag = "12")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) metadata: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Gauge {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "data_points")]
    pub(crate) data_points: Vec<NumberDataPoint>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Sum {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "data_points")]
    pub(crate) data_points: Vec<NumberDataPoint>,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "aggregation_temporality")]
    pub(crate) aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "is_monotonic")]
    pub(crate) is_monotonic: bool,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Histogram {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "data_points")]
    pub(crate) data_points: Vec<HistogramDataPoint>,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "aggregation_temporality")]
    pub(crate) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ExponentialHistogram {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "data_points")]
    pub(crate) data_points: Vec<ExponentialHistogramDataPoint>,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "aggregation_temporality")]
    pub(crate) aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Summary {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "data_points")]
    pub(crate) data_points: Vec<SummaryDataPoint>,
}

/// A number: one of the two kinds, or none where nothing was recorded.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NumberDataPoint {
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "start_time_unix_nano")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "time_unix_nano")]
    pub(crate) time_unix_nano: u64,
    #[prost(double, optional, tag = "4")]
    #[serde(deserialize_with = "float")]
    #[serde(alias = "as_double")]
    pub(crate) as_double: Option<f64>,
    #[prost(message, repeated, tag = "5")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(sfixed64, optional, tag = "6")]
    #[serde(deserialize_with = "maybe_number")]
    #[serde(alias = "as_int")]
    pub(crate) as_int: Option<i64>,
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "8")]
    #[serde(deserialize_with = "number")]
    pub(crate) flags: u32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HistogramDataPoint {
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "start_time_unix_nano")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "time_unix_nano")]
    pub(crate) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub(crate) count: u64,
    #[prost(double, optional, tag = "5")]
    #[serde(deserialize_with = "float")]
    pub(crate) sum: Option<f64>,
    #[prost(fixed64, repeated, tag = "6")]
    #[serde(deserialize_with = "numbers")]
    #[serde(alias = "bucket_counts")]
    pub(crate) bucket_counts: Vec<u64>,
    #[prost(double, repeated, tag = "7")]
    #[serde(deserialize_with = "floats")]
    #[serde(alias = "explicit_bounds")]
    pub(crate) explicit_bounds: Vec<f64>,
    #[prost(message, repeated, tag = "8")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "number")]
    pub(crate) flags: u32,
    #[prost(double, optional, tag = "11")]
    #[serde(deserialize_with = "float")]
    pub(crate) min: Option<f64>,
    #[prost(double, optional, tag = "12")]
    #[serde(deserialize_with = "float")]
    pub(crate) max: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ExponentialHistogramDataPoint {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "start_time_unix_nano")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "time_unix_nano")]
    pub(crate) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub(crate) count: u64,
    #[prost(double, optional, tag = "5")]
    #[serde(deserialize_with = "float")]
    pub(crate) sum: Option<f64>,
    #[prost(sint32, tag = "6")]
    #[serde(deserialize_with = "number")]
    pub(crate) scale: i32,
    #[prost(fixed64, tag = "7")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "zero_count")]
    pub(crate) zero_count: u64,
    #[prost(message, optional, tag = "8")]
    pub(crate) positive: Option<Buckets>,
    #[prost(message, optional, tag = "9")]
    pub(crate) negative: Option<Buckets>,
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "number")]
    pub(crate) flags: u32,
    #[prost(message, repeated, tag = "11")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) exemplars: Vec<Exemplar>,
    #[prost(double, optional, tag = "12")]
    #[serde(deserialize_with = "float")]
    pub(crate) min: Option<f64>,
    #[prost(double, optional, tag = "13")]
    #[serde(deserialize_with = "float")]
    pub(crate) max: Option<f64>,
    #[prost(double, optional, tag = "14")]
    #[serde(deserialize_with = "float")]
    #[serde(alias = "zero_threshold")]
    pub(crate) zero_threshold: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Buckets {
    #[prost(sint32, tag = "1")]
    #[serde(deserialize_with = "number")]
    pub(crate) offset: i32,
    #[prost(uint64, repeated, tag = "2")]
    #[serde(deserialize_with = "numbers")]
    #[serde(alias = "bucket_counts")]
    pub(crate) bucket_counts: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SummaryDataPoint {
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "start_time_unix_nano")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "time_unix_nano")]
    pub(crate) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "number")]
    pub(crate) count: u64,
    #[prost(double, optional, tag = "5")]
    #[serde(deserialize_with = "float")]
    pub(crate) sum: Option<f64>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "quantile_values")]
    pub(crate) quantile_values: Vec<ValueAtQuantile>,
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "8")]
    #[serde(deserialize_with = "number")]
    pub(crate) flags: u32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ValueAtQuantile {
    #[prost(double, optional, tag = "1")]
    #[serde(deserialize_with = "float")]
    pub(crate) quantile: Option<f64>,
    #[prost(double, optional, tag = "2")]
    #[serde(deserialize_with = "float")]
    pub(crate) value: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Exemplar {
    #[prost(fixed64, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "time_unix_nano")]
    pub(crate) time_unix_nano: u64,
    #[prost(double, optional, tag = "3")]
    #[serde(deserialize_with = "float")]
    #[serde(alias = "as_double")]
    pub(crate) as_double: Option<f64>,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "hex")]
    #[serde(alias = "span_id")]
    pub(crate) span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    #[serde(deserialize_with = "hex")]
    #[serde(alias = "trace_id")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(sfixed64, optional, tag = "6")]
    #[serde(deserialize_with = "maybe_number")]
    #[serde(alias = "as_int")]
    pub(crate) as_int: Option<i64>,
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "filtered_attributes")]
    pub(crate) filtered_attributes: Vec<KeyValue>,
}

pub(crate) static METRICS_REQUEST: Shape = Shape {
    size: size_of::<MetricsRequest>(),
    plain: &[],
    packed: &[],
    messages: &[(1, &RESOURCE_METRICS)],
};
static RESOURCE_METRICS: Shape = Shape {
    size: size_of::<ResourceMetrics>(),
    plain: &[3],
    packed: &[],
    messages: &[(1, &RESOURCE), (2, &SCOPE_METRICS)],
};
static SCOPE_METRICS: Shape = Shape {
    size: size_of::<ScopeMetrics>(),
    plain: &[3],
    packed: &[],
    messages: &[(1, &SCOPE), (2, &METRIC)],
};
static METRIC: Shape = Shape {
    size: size_of::<Metric>(),
    plain: &[1, 2, 3],
    packed: &[],
    messages: &[
        (5, &NUMBERS),
        (7, &NUMBERS),
        (9, &HISTOGRAM),
        (10, &EXPONENTIAL_HISTOGRAM),
        (11, &SUMMARY),
        (12, &KEY_VALUE),
    ],
};
/// Of gauges and sums; it lies in the metric, as the others do.
static NUMBERS: Shape = Shape {
    size: 0,
    plain: &[2, 3],
    packed: &[],
    messages: &[(1, &NUMBER_DATA_POINT)],
};
static HISTOGRAM: Shape = Shape {
    size: 0,
    plain: &[2],
    packed: &[],
    messages: &[(1, &HISTOGRAM_DATA_POINT)],
};
static EXPONENTIAL_HISTOGRAM: Shape = Shape {
    size: 0,
    plain: &[2],
    packed: &[],
    messages: &[(1, &EXPONENTIAL_HISTOGRAM_DATA_POINT)],
};
static SUMMARY: Shape = Shape {
    size: 0,
    plain: &[],
    packed: &[],
    messages: &[(1, &SUMMARY_DATA_POINT)],
};
static NUMBER_DATA_POINT: Shape = Shape {
    size: size_of::<NumberDataPoint>(),
    plain: &[2, 3, 4, 6, 8],
    packed: &[],
    messages: &[(5, &EXEMPLAR), (7, &KEY_VALUE)],
};
static HISTOGRAM_DATA_POINT: Shape = Shape {
    size: size_of::<HistogramDataPoint>(),
    plain: &[2, 3, 4, 5, 10, 11, 12],
    packed: &[6, 7],
    messages: &[(8, &EXEMPLAR), (9, &KEY_VALUE)],
};
static EXPONENTIAL_HISTOGRAM_DATA_POINT: Shape = Shape {
    size: size_of::<ExponentialHistogramDataPoint>(),
    plain: &[2, 3, 4, 5, 6, 7, 10, 12, 13, 14],
    packed: &[],
    messages: &[
        (1, &KEY_VALUE),
        (8, &BUCKETS),
        (9, &BUCKETS),
        (11, &EXEMPLAR),
    ],
};
static BUCKETS: Shape = Shape {
    size: 0,
    plain: &[1],
    packed: &[2],
    messages: &[],
};
static SUMMARY_DATA_POINT: Shape = Shape {
    size: size_of::<SummaryDataPoint>(),
    plain: &[2, 3, 4, 5, 8],
    packed: &[],
    messages: &[(6, &VALUE_AT_QUANTILE), (7, &KEY_VALUE)],
};
static VALUE_AT_QUANTILE: Shape = Shape {
    size: size_of::<ValueAtQuantile>(),
    plain: &[1, 2],
    packed: &[],
    messages: &[],
};
static EXEMPLAR: Shape = Shape {
    size: size_of::<Exemplar>(),
    plain: &[2, 3, 4, 5, 6],
    packed: &[],
    messages: &[(7, &KEY_VALUE)],
};
