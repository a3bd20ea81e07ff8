//! OTLP's messages from its JSON, as far as the tests' data go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::Value as Json;

use super::BEGINNING;
use crate::http::push::proto::otlp::{
    AnyValue, ArrayValue, Buckets, Data, Exemplar, ExponentialHistogram,
    ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, KeyValue, KeyValueList,
    LogRecord, LogsRequest, Measured, Metric, MetricsRequest, Number, NumberDataPoint, Resource,
    ResourceLogs, ResourceMetrics, Scope, ScopeLogs, ScopeMetrics, Sum, Summary, SummaryDataPoint,
    Value, ValueAtQuantile,
};

fn list<T>(json: &Json, one: impl Fn(&Json) -> T) -> Vec<T> {
    json.as_array().into_iter().flatten().map(one).collect()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// Also of numbers that are written as texts.
fn int<N: TryFrom<i64> + Default>(json: &Json) -> N {
    let number = json
        .as_str()
        .map_or(json.as_i64(), |text| text.parse().ok());
    number
        .and_then(|number| number.try_into().ok())
        .unwrap_or_default()
}

/// Zero is no time.
fn time(json: &Json) -> u64 {
    match int::<i64>(json) {
        0 => 0,
        time => (BEGINNING + time).try_into().unwrap(),
    }
}

fn hex(json: &Json) -> Vec<u8> {
    let digits = text(json);
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn value(json: &Json) -> Option<AnyValue> {
    let (kind, of) = match json.as_object()?.iter().next() {
        Some((kind, of)) => (kind.as_str(), of),
        None => return Some(AnyValue::default()),
    };
    let value = match kind {
        "stringValue" => Value::String(text(of)),
        "intValue" => Value::Int(int(of)),
        "doubleValue" => Value::Double(of.as_f64().unwrap()),
        "boolValue" => Value::Bool(of.as_bool().unwrap()),
        "bytesValue" => Value::Bytes(STANDARD.decode(text(of)).unwrap()),
        "kvlistValue" => Value::Map(KeyValueList {
            values: attributes(&of["values"]),
        }),
        "arrayValue" => Value::Array(ArrayValue {
            values: list(&of["values"], |one| value(one).unwrap()),
        }),
        other => panic!("{other}"),
    };
    Some(AnyValue { value: Some(value) })
}

fn attributes(json: &Json) -> Vec<KeyValue> {
    list(json, |one| KeyValue {
        key: text(&one["key"]),
        value: value(&one["value"]),
    })
}

fn resource(json: &Json) -> Option<Resource> {
    json.is_object().then(|| Resource {
        attributes: attributes(&json["attributes"]),
    })
}

pub(super) fn logs(json: &Json) -> LogsRequest {
    let record = |json: &Json| LogRecord {
        time_unix_nano: time(&json["timeUnixNano"]),
        severity_number: int(&json["severityNumber"]),
        severity_text: text(&json["severityText"]),
        body: value(&json["body"]),
        attributes: attributes(&json["attributes"]),
        dropped_attributes_count: int(&json["droppedAttributesCount"]),
        flags: int(&json["flags"]),
        trace_id: hex(&json["traceId"]),
        span_id: hex(&json["spanId"]),
        observed_time_unix_nano: time(&json["observedTimeUnixNano"]),
        event_name: text(&json["eventName"]),
    };
    let scope_logs = |json: &Json| ScopeLogs {
        scope: json.get("scope").map(|scope| Scope {
            name: text(&scope["name"]),
            version: text(&scope["version"]),
            attributes: attributes(&scope["attributes"]),
            dropped_attributes_count: int(&scope["droppedAttributesCount"]),
        }),
        log_records: list(&json["logRecords"], record),
    };
    LogsRequest {
        resource_logs: list(&json["resourceLogs"], |json| ResourceLogs {
            resource: resource(&json["resource"]),
            scope_logs: list(&json["scopeLogs"], scope_logs),
        }),
    }
}

pub(super) fn metrics(json: &Json) -> MetricsRequest {
    let scope_metrics = |json: &Json| ScopeMetrics {
        metrics: list(&json["metrics"], |json| Metric {
            name: text(&json["name"]),
            description: text(&json["description"]),
            unit: text(&json["unit"]),
            data: data(json),
        }),
    };
    MetricsRequest {
        resource_metrics: list(&json["resourceMetrics"], |json| ResourceMetrics {
            resource: resource(&json["resource"]),
            scope_metrics: list(&json["scopeMetrics"], scope_metrics),
        }),
    }
}

fn data(json: &Json) -> Option<Data> {
    let (kind, data) = json
        .as_object()?
        .iter()
        .find(|(_, data)| data.is_object())?;
    let points = &data["dataPoints"];
    let aggregation_temporality = int(&data["aggregationTemporality"]);
    Some(match kind.as_str() {
        "gauge" => Data::Gauge(Gauge {
            data_points: list(points, number),
        }),
        "sum" => Data::Sum(Sum {
            data_points: list(points, number),
            aggregation_temporality,
            is_monotonic: data["isMonotonic"].as_bool().unwrap_or_default(),
        }),
        "histogram" => Data::Histogram(Histogram {
            data_points: list(points, histogram),
            aggregation_temporality,
        }),
        "exponentialHistogram" => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: list(points, |json| exponential(json).encode_to_vec()),
            aggregation_temporality,
        }),
        "summary" => Data::Summary(Summary {
            data_points: list(points, summary),
        }),
        other => panic!("{other}"),
    })
}

fn number(json: &Json) -> NumberDataPoint {
    let double = json["asDouble"].as_f64().map(Number::Double);
    NumberDataPoint {
        time_unix_nano: time(&json["timeUnixNano"]),
        value: double.or_else(|| json.get("asInt").map(|json| Number::Int(int(json)))),
        exemplars: list(&json["exemplars"], exemplar),
        attributes: attributes(&json["attributes"]),
        flags: int(&json["flags"]),
    }
}

fn histogram(json: &Json) -> HistogramDataPoint {
    HistogramDataPoint {
        time_unix_nano: time(&json["timeUnixNano"]),
        count: int(&json["count"]),
        sum: json["sum"].as_f64(),
        bucket_counts: list(&json["bucketCounts"], int),
        explicit_bounds: list(&json["explicitBounds"], |bound| {
            bound.as_f64().unwrap_or(f64::INFINITY)
        }),
        exemplars: list(&json["exemplars"], exemplar),
        attributes: attributes(&json["attributes"]),
        flags: int(&json["flags"]),
    }
}

fn exponential(json: &Json) -> ExponentialHistogramDataPoint {
    let buckets = |json: &Json| Buckets {
        offset: int(&json["offset"]),
        bucket_counts: list(&json["bucketCounts"], int),
    };
    ExponentialHistogramDataPoint {
        attributes: attributes(&json["attributes"]),
        time_unix_nano: time(&json["timeUnixNano"]),
        count: int(&json["count"]),
        sum: json["sum"].as_f64(),
        scale: int(&json["scale"]),
        zero_count: int(&json["zeroCount"]),
        positive: json.get("positive").map(buckets),
        negative: json.get("negative").map(buckets),
        flags: int(&json["flags"]),
        exemplars: list(&json["exemplars"], exemplar),
    }
}

fn summary(json: &Json) -> SummaryDataPoint {
    SummaryDataPoint {
        time_unix_nano: time(&json["timeUnixNano"]),
        count: int(&json["count"]),
        sum: json["sum"].as_f64().unwrap_or_default(),
        quantile_values: list(&json["quantileValues"], |json| ValueAtQuantile {
            quantile: json["quantile"].as_f64().unwrap(),
            value: json["value"].as_f64().unwrap(),
        }),
        attributes: attributes(&json["attributes"]),
        flags: int(&json["flags"]),
    }
}

fn exemplar(json: &Json) -> Exemplar {
    Exemplar {
        time_unix_nano: time(&json["timeUnixNano"]),
        value: json["asDouble"].as_f64().map(Measured::Double),
        span_id: hex(&json["spanId"]),
        trace_id: hex(&json["traceId"]),
        filtered_attributes: attributes(&json["filteredAttributes"]),
    }
}
