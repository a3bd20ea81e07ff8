//! What is stamped, what survives, and what is refused.

use jiff::Timestamp;
use serde_json::json;

use super::proto::common::{AnyValue, KeyValue, KeyValueList, Value};
use super::proto::logs::{LogsRequest, ResourceLogs};
use super::proto::metrics::MetricsRequest;
use super::*;
use crate::ingest::{Counts, Limits, Stamping};

fn within(limits: &Limits) -> Stamping<'_> {
    Stamping {
        resource: "r1",
        limits,
        now: "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap(),
    }
}

fn logs(body: &serde_json::Value) -> Result<(LogsRequest, Counts), Refusal> {
    let body = body.to_string();
    let (bytes, counts) = stamp_logs(Media::Json, body.as_bytes(), &within(&Limits::default()))?;
    Ok((LogsRequest::decode(&*bytes).unwrap(), counts))
}

fn metrics(body: &serde_json::Value) -> Result<(MetricsRequest, Counts), Refusal> {
    let body = body.to_string();
    let (bytes, counts) = stamp_metrics(Media::Json, body.as_bytes(), &within(&Limits::default()))?;
    Ok((MetricsRequest::decode(&*bytes).unwrap(), counts))
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::String(value.to_owned())),
        }),
    }
}

fn map(key: &str, values: Vec<KeyValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::Map(KeyValueList { values })),
        }),
    }
}

/// Attributes in JSON.
fn attributes(pairs: &[(&str, &str)]) -> serde_json::Value {
    let attribute =
        |(key, value): &(&str, &str)| json!({"key": key, "value": {"stringValue": value}});
    pairs.iter().map(attribute).collect()
}

#[test]
fn a_record_is_stamped_through_its_resource_and_nothing_else_claims_to_be_it() {
    let claims = attributes(&[("resource_id", "r2"), ("resource.id", "r3"), ("a", "b")]);
    let (request, counts) = logs(&json!({"resourceLogs": [
        {
            "resource": {"attributes": claims},
            "scopeLogs": [{
                "scope": {"name": "s", "attributes": claims},
                "logRecords": [{"timeUnixNano": "1772366390000000000", "attributes": claims}],
            }],
        },
        {"scopeLogs": [{"logRecords": [{}]}]},
    ]}))
    .unwrap();
    assert_eq!((counts.replaced, counts.entries, counts.streams), (6, 2, 2));
    let [first, second] = &request.resource_logs[..] else {
        panic!("two resources");
    };
    let ours = text("resource_id", "r1");
    let own = text("a", "b");
    let of = |logs: &ResourceLogs| logs.resource.clone().unwrap().attributes;
    assert_eq!(of(first), [own.clone(), ours.clone()]);
    assert_eq!(of(second), [ours]);
    let scope = &first.scope_logs[0];
    assert_eq!(
        scope.scope.as_ref().unwrap().attributes,
        std::slice::from_ref(&own)
    );
    assert_eq!(scope.log_records[0].attributes, [own]);
}

#[test]
fn maps_that_loki_flattens_to_the_label_are_stripped() {
    let given = vec![
        map("resource", vec![text("id", "r2"), text("name", "n")]),
        map(
            "resource.",
            vec![map("", vec![text("-id", "r2")]), text("id2", "x")],
        ),
        map("resource_id", vec![text("x", "y")]),
        map("other", vec![map("resource", vec![text("id", "kept")])]),
        text("resource", "kept"),
        map(
            "",
            vec![
                text("resource_id", "r2"),
                map("", vec![text("resource.id", "r2"), text("a", "b")]),
                map("resource", vec![text("id", "r2")]),
                text("id", "kept"),
            ],
        ),
    ];
    let kept = vec![
        map("resource", vec![text("name", "n")]),
        map("resource.", vec![map("", vec![]), text("id2", "x")]),
        map("other", vec![map("resource", vec![text("id", "kept")])]),
        text("resource", "kept"),
        map(
            "",
            vec![
                map("", vec![text("a", "b")]),
                map("resource", vec![]),
                text("id", "kept"),
            ],
        ),
    ];
    let mut flattened = given.clone();
    assert_eq!(
        attributes::strip(&mut flattened, attributes::Maps::Flattened),
        6
    );
    assert_eq!(flattened, kept);
    // Where maps are not flattened, only the name itself counts.
    let mut whole = given.clone();
    assert_eq!(attributes::strip(&mut whole, attributes::Maps::Whole), 1);
    assert_eq!(whole.len(), 5);
    assert_eq!(whole[..2], given[..2]);
}

/// A batch with each kind of metric, in JSON.
fn all_kinds() -> serde_json::Value {
    let claims = attributes(&[("resource-id", "r2"), ("a", "b")]);
    let number = json!({
        "attributes": claims, "timeUnixNano": "1772366390000000000", "startTimeUnixNano": 5,
        "asInt": "-9223372036854775808", "flags": 1,
        "exemplars": [{
            "timeUnixNano": "7", "asDouble": 0.5, "spanId": "00000000000000aB",
            "traceId": "000102030405060708090a0b0c0d0e0f",
            "filteredAttributes": attributes(&[("resource.id", "r2"), ("a", "b"), ("resource_id", "r2")]),
        }],
    });
    let histogram = json!({
        "attributes": claims, "timeUnixNano": "1772366390000000000", "count": "3", "sum": -0.0,
        "bucketCounts": ["1", 2], "explicitBounds": [0.5], "min": "NaN", "max": "Infinity",
    });
    let exponential = json!({
        "attributes": claims, "timeUnixNano": "1772366390000000000", "count": 3, "sum": 1,
        "scale": -4, "zeroCount": "1", "positive": {"offset": -2, "bucketCounts": [1, "2"]},
        "negative": null, "zeroThreshold": 1e-9,
    });
    let summary = json!({
        "attributes": claims, "timeUnixNano": "1772366390000000000", "count": 3, "sum": 4.5,
        "quantileValues": [{"quantile": 0.99, "value": 3}],
    });
    json!({"resourceMetrics": [{
        "resource": {"attributes": claims, "droppedAttributesCount": 1},
        "schemaUrl": "https://example.test/schema",
        "scopeMetrics": [{
            "scope": {"name": "s", "version": "1"},
            "metrics": [
                {"name": "g", "unit": "By", "description": "é", "gauge": {"dataPoints": [number]}},
                {"name": "s", "sum": {"dataPoints": [number], "aggregationTemporality": 2, "isMonotonic": true}},
                {"name": "h", "histogram": {"dataPoints": [histogram], "aggregationTemporality": 2}},
                {"name": "e", "exponentialHistogram": {"dataPoints": [exponential], "aggregationTemporality": 2}},
                {"name": "q", "summary": {"dataPoints": [summary]}, "unknown": [{}]},
            ],
        }],
    }]})
}

#[test]
fn every_data_point_is_stamped_and_what_it_holds_survives() {
    let (request, counts) = metrics(&all_kinds()).unwrap();
    // Exemplars are entries as well, and hold nothing that claims to be the resource's.
    assert_eq!(
        (counts.replaced, counts.entries, counts.streams),
        (10, 7, 5)
    );
    let resource = &request.resource_metrics[0];
    let stamped = [text("a", "b"), text("resource_id", "r1")];
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert_eq!(attributes[..], stamped);
    let [gauge, sum, histogram, exponential, summary] = &resource.scope_metrics[0].metrics[..]
    else {
        panic!("five metrics");
    };
    let point = &gauge.gauge.as_ref().unwrap().data_points[0];
    assert_eq!(point.attributes, stamped);
    assert_eq!(
        (point.as_int, point.as_double, point.flags),
        (Some(i64::MIN), None, 1)
    );
    assert_eq!(
        (point.start_time_unix_nano, point.time_unix_nano),
        (5, 1_772_366_390_000_000_000)
    );
    let exemplar = &point.exemplars[0];
    assert_eq!(
        (
            exemplar.as_double,
            exemplar.span_id[7],
            exemplar.trace_id[15]
        ),
        (Some(0.5), 0xab, 15)
    );
    assert_eq!(exemplar.filtered_attributes, [text("a", "b")]);
    assert_eq!((&*gauge.unit, &*gauge.description), ("By", "é"));
    let sum = sum.sum.as_ref().unwrap();
    assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (2, true));
    assert_eq!(sum.data_points[0].attributes, stamped);
    let point = &histogram.histogram.as_ref().unwrap().data_points[0];
    assert_eq!(point.attributes, stamped);
    assert_eq!(
        (&*point.bucket_counts, &*point.explicit_bounds),
        (&[1, 2][..], &[0.5][..])
    );
    assert!(point.sum.unwrap().is_sign_negative());
    assert!(point.min.unwrap().is_nan() && point.max == Some(f64::INFINITY));
    let point = &exponential
        .exponential_histogram
        .as_ref()
        .unwrap()
        .data_points[0];
    assert_eq!(point.attributes, stamped);
    let positive = point.positive.as_ref().unwrap();
    assert_eq!(
        (point.scale, positive.offset, &*positive.bucket_counts),
        (-4, -2, &[1, 2][..])
    );
    assert_eq!((point.negative.as_ref(), point.zero_count), (None, 1));
    let point = &summary.summary.as_ref().unwrap().data_points[0];
    assert_eq!(point.attributes, stamped);
    assert_eq!(point.quantile_values[0].value, Some(3.0));
}

#[test]
fn both_forms_are_one_and_stamping_twice_is_stamping_once() {
    let limits = Limits::default();
    let (once, _) = stamp_metrics(
        Media::Json,
        all_kinds().to_string().as_bytes(),
        &within(&limits),
    )
    .unwrap();
    let (twice, counts) = stamp_metrics(Media::Protobuf, &once, &within(&limits)).unwrap();
    assert_eq!(once, twice);
    assert_eq!((counts.replaced, counts.unknown), (6, 0));
}

#[test]
fn values_of_all_types_survive() {
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "observedTimeUnixNano": 1_772_366_390_000_000_000_u64, "severityNumber": 9,
        "severityText": null, "traceId": "", "flags": 1, "eventName": "e",
        "body": {"kvlistValue": {"values": [
            {"key": "s", "value": {"stringValue": ""}},
            {"key": "b", "value": {"boolValue": false}},
            {"key": "i", "value": {"intValue": "-1"}},
            {"key": "d", "value": {"doubleValue": "-Infinity"}},
            {"key": "y", "value": {"bytesValue": "AP8="}},
            {"key": "a", "value": {"arrayValue": {"values": [{}, {"arrayValue": {}}]}}},
            {"key": "n", "value": {}},
            {"key": "o"},
        ]}},
    }]}]}]});
    let (request, _) = logs(&body).unwrap();
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    let shown = format!("{:?}", record.body);
    for part in [
        "String(\"\")",
        "Bool(false)",
        "Int(-1)",
        "Double(-inf)",
        "Bytes([0, 255])",
        "Array(ArrayValue { values: [AnyValue { value: None }, AnyValue { value: Some(Array",
        "KeyValue { key: \"n\", value: Some(AnyValue { value: None }) }",
        "KeyValue { key: \"o\", value: None }",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!((record.severity_number, &*record.event_name), (9, "e"));
    let again = request.encode_to_vec();
    let (twice, _) = stamp_logs(Media::Protobuf, &again, &within(&Limits::default())).unwrap();
    assert_eq!(twice, again);
}

#[test]
fn a_refused_batch_says_where_and_why() {
    let record = |record: serde_json::Value| {
        logs(&json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, record]}]}]})).unwrap_err()
    };
    let long = "x".repeat(Limits::default().line + 1);
    for (refused, why) in [
        (
            record(json!({"timeUnixNano": "x"})),
            "resourceLogs[0].scopeLogs[0].logRecords[1].timeUnixNano",
        ),
        (record(json!({"timeUnixNano": "-1"})), "out of its range"),
        (
            record(json!({"timeUnixNano": u64::MAX})),
            "logRecords[1] has timestamp too new",
        ),
        (
            record(json!({"observedTimeUnixNano": u64::MAX})),
            "logRecords[1] has timestamp too new",
        ),
        (record(json!({"traceId": "0g"})), "not hexadecimal"),
        (record(json!({"traceId": "000"})), "not hexadecimal"),
        (
            record(json!({"body": {"stringValue": long}})),
            "max entry size",
        ),
        (
            record(json!({"body": {"stringValue": "a", "intValue": 1}})),
            "more than one type",
        ),
        (record(json!({"body": {"bytesValue": "?"}})), "not Base64"),
        (
            record(json!({"body": "text"})),
            "expected an object with one of",
        ),
        (logs(&json!([])).unwrap_err(), "not a JSON object"),
    ] {
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[test]
fn a_refused_metric_is_named_and_so_is_what_of_it() {
    let long = "x".repeat(Limits::default().line + 1);
    let metric = |metric: serde_json::Value| {
        metrics(&json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}))
            .unwrap_err()
    };
    let exemplar = |exemplar: serde_json::Value| json!({"name": "m", "histogram": {"dataPoints": [{"exemplars": [exemplar]}]}});
    for (refused, why) in [
        (metric(json!({"gauge": {}})), "has no name"),
        (
            metric(json!({"name": "m", "gauge": {}, "sum": {}})),
            "more than one kind",
        ),
        (
            metric(json!({"name": "m", "gauge": {"dataPoints": [{"asInt": 1, "asDouble": 1}]}})),
            "data point 0 of the metric \"m\", resourceMetrics[0].scopeMetrics[0].metrics[0] has two values",
        ),
        (
            metric(json!({"name": "m", "gauge": {"dataPoints": [{"timeUnixNano": u64::MAX}]}})),
            "too new",
        ),
        (
            metric(
                json!({"name": "m", "gauge": {"dataPoints": [{"attributes": attributes(&[("a", &long)])}]}}),
            ),
            "too long for the label \"a\"",
        ),
        (
            metric(
                json!({"name": "m", "gauge": {"dataPoints": [{"attributes": attributes(&[("", "b")])}]}}),
            ),
            "label without a name",
        ),
        (
            metric(
                json!({"name": "m", "gauge": {"dataPoints": [{"attributes": [
                {"key": "a", "value": {"arrayValue": {"values": [{"stringValue": long}]}}}]}]}}),
            ),
            "too long for the label \"a\"",
        ),
        (
            metric(exemplar(json!({"timeUnixNano": u64::MAX}))),
            "exemplar 0 of data point 0 of the metric \"m\", resourceMetrics[0].scopeMetrics[0]\
             .metrics[0] has timestamp too new",
        ),
        (
            metric(exemplar(
                json!({"filteredAttributes": attributes(&[("a", &long)])}),
            )),
            "too long for the label \"a\"",
        ),
        (
            metric(exemplar(
                json!({"filteredAttributes": attributes(&[("a", "b"); 41])}),
            )),
            "41 label names; limit 40",
        ),
        (metric(json!({"name": long})), "metrics[0] has a name of"),
        (
            metric(json!({"name": "m", "description": long})),
            "metrics[0] has a help text of",
        ),
        (
            metric(json!({"name": "m", "unit": long})),
            "metrics[0] has a unit of",
        ),
        (
            metric(json!({"name": "m", "metadata": attributes(&[("a", &long)])})),
            "too long for the label \"a\"",
        ),
    ] {
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[test]
fn depth_is_bounded_in_both_forms() {
    let mut value = AnyValue { value: None };
    let mut json = String::from("{}");
    for _ in 0..300 {
        value = AnyValue {
            value: Some(Value::Array(proto::common::ArrayValue {
                values: vec![value],
            })),
        };
        json = format!(r#"{{"arrayValue": {{"values": [{json}]}}}}"#);
    }
    let mut request = LogsRequest {
        resource_logs: vec![ResourceLogs::default()],
    };
    let attribute = KeyValue {
        key: "a".to_owned(),
        value: Some(value),
    };
    request.resource_logs[0]
        .resource
        .get_or_insert_default()
        .attributes = vec![attribute];
    let limits = Limits::default();
    assert!(stamp_logs(Media::Protobuf, &request.encode_to_vec(), &within(&limits)).is_err());
    let json = format!(
        r#"{{"resourceLogs": [{{"resource": {{"attributes": [{{"key": "a", "value": {json}}}]}}}}]}}"#
    );
    assert!(stamp_logs(Media::Json, json.as_bytes(), &within(&limits)).is_err());
}

#[test]
fn what_json_names_otherwise_is_taken_or_counted_or_refused_and_never_lost_silently() {
    // As the protocol's own files have the names.
    let (request, counts) = logs(&json!({"resource_logs": [{
        "resource": {"attributes": [{"key": "a", "value": {"string_value": "b"}}]},
        "scope_logs": [{"log_records": [{"time_unix_nano": 5, "severity_text": "warn"}]}],
    }]}))
    .unwrap();
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!((record.time_unix_nano, &*record.severity_text), (5, "warn"));
    let attributes = &request.resource_logs[0]
        .resource
        .as_ref()
        .unwrap()
        .attributes;
    assert_eq!(*attributes, [text("a", "b"), text("resource_id", "r1")]);
    assert_eq!((counts.entries, counts.unknown), (1, 0));

    // As nothing has them.
    let (_, counts) = logs(&json!({"resourceLogs": [{"x": {"y": 1}, "scopeLogs": [{
        "logRecord": [{}],
        "logRecords": [{"body": {"text": 1}, "attributes": [{"key": "a", "Value": {}}]}],
    }]}], "more": 1}))
    .unwrap();
    assert_eq!((counts.entries, counts.unknown), (1, 5));

    for body in [
        json!({"resourceLog": [{}]}),
        json!({"resourceMetrics": [{}]}),
        json!({"": null}),
    ] {
        let refused = logs(&body).unwrap_err().to_string();
        assert!(refused.contains("has no resourceLogs"), "{refused}");
    }
    let refused = metrics(&json!({"resourceLogs": []})).unwrap_err();
    assert!(refused.to_string().contains("has no resourceMetrics"));
    for empty in [
        json!({}),
        json!({"resourceLogs": []}),
        json!({"resource_logs": null}),
    ] {
        assert_eq!(logs(&empty).unwrap().1.entries, 0);
    }
}

#[test]
fn what_becomes_structured_metadata_is_bounded() {
    let of =
        |resource: &serde_json::Value, scope: &serde_json::Value, record: &serde_json::Value| {
            let scope_logs = json!({"scope": scope, "logRecords": [record]});
            let answer =
                logs(&json!({"resourceLogs": [{"resource": resource, "scopeLogs": [scope_logs]}]}));
            answer.map(|_| ()).map_err(|error| error.to_string())
        };
    let long = "x".repeat(65_536);
    let many = attributes(&[("a", "b"); 129]);
    // Each of a map's names is a part of the names of all that is in it.
    let leaves = attributes(&[("a", "b"); 2]);
    let map = json!([{"key": &long[..40_000], "value": {"kvlistValue": {"values": leaves}}}]);
    let none = json!({});
    for (answer, why) in [
        (
            of(
                &none,
                &none,
                &json!({"attributes": attributes(&[("a", &long)])}),
            ),
            "logRecords[0] has structured metadata too large",
        ),
        (
            of(&none, &none, &json!({"attributes": many})),
            "too many structured metadata labels: 129",
        ),
        (
            of(&none, &none, &json!({"attributes": map})),
            "too large: 80006 bytes",
        ),
        (
            of(&none, &none, &json!({"severityText": format!("{long}x")})),
            "too large",
        ),
        (
            of(&none, &json!({"attributes": many}), &none),
            "the scope resourceLogs[0].scopeLogs[0]",
        ),
        (
            of(&none, &json!({"name": format!("{long}x")}), &none),
            "too large",
        ),
        (
            of(&json!({"attributes": many}), &none, &none),
            "the resource resourceLogs[0] has too many",
        ),
        (
            of(
                &none,
                &none,
                &json!({"body": {"arrayValue": {"values": [
            {"stringValue": long}, {"stringValue": long}, {"stringValue": long}, {"stringValue": long}]}}}),
            ),
            "max entry size",
        ),
    ] {
        let refused = answer.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    let most = json!({"attributes": attributes(&[("a", "b"); 127])});
    assert_eq!(of(&most, &most, &most), Ok(()));
}
