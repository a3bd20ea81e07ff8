//! Attribute values as texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::http::push::proto::otlp::{AnyValue, KeyValue, Value};

/// A value as a label or a line: lists and maps are JSON, bytes are Base64, and none is empty.
pub(super) fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(bool)) => bool.to_string(),
        Some(Value::Int(int)) => int.to_string(),
        Some(Value::Double(double)) => float(*double),
        Some(Value::Bytes(bytes)) => STANDARD.encode(bytes),
        Some(Value::Array(_) | Value::Map(_)) => {
            let mut out = String::new();
            // JSON has no way to write some floats, and Go's encoder then writes nothing at all.
            if json(value, &mut out).is_none() {
                out.clear();
            }
            out
        }
    }
}

/// The first value of a key.
pub(super) fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a KeyValue> {
    attributes.iter().find(|attribute| attribute.key == key)
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// A float as ECMAScript writes it.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return value.to_string();
    }
    let written = format!("{value:e}");
    match written.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => written,
    }
}

/// JSON without spaces, with the keys of maps in order. None if there is something in it that JSON
/// cannot write. As deep as the decoder goes, which is bounded.
fn json(value: Option<&AnyValue>, out: &mut String) -> Option<()> {
    match value.and_then(|value| value.value.as_ref()) {
        None => out.push_str("null"),
        Some(Value::String(text)) => quoted(text, out),
        Some(Value::Bool(bool)) => write!(out, "{bool}").ok()?,
        Some(Value::Int(int)) => write!(out, "{int}").ok()?,
        Some(Value::Double(double)) if double.is_finite() => out.push_str(&float(*double)),
        Some(Value::Double(_)) => return None,
        Some(Value::Bytes(bytes)) => quoted(&STANDARD.encode(bytes), out),
        Some(Value::Array(array)) => {
            out.push('[');
            for (at, value) in array.values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                json(Some(value), out)?;
            }
            out.push(']');
        }
        Some(Value::Map(map)) => {
            let pairs = map.values.iter();
            let sorted: BTreeMap<_, _> = pairs
                .map(|pair| (pair.key.as_str(), pair.value.as_ref()))
                .collect();
            out.push('{');
            for (at, (key, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quoted(key, out);
                out.push(':');
                json(value, out)?;
            }
            out.push('}');
        }
    }
    Some(())
}

/// A string in JSON, in which Go escapes two more characters than is needed.
fn quoted(text: &str, out: &mut String) {
    let written = serde_json::Value::from(text).to_string();
    for char in written.chars() {
        match char {
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::push::proto::otlp::{ArrayValue, KeyValueList};

    fn value(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        let pair = |key: &str, one: Value| KeyValue {
            key: key.to_owned(),
            value: Some(value(one)),
        };
        let map = Value::Map(KeyValueList {
            values: vec![
                pair("b", Value::String("<\u{2028}\u{8}\u{7f}\"".to_owned())),
                pair("a", Value::Double(1e21)),
                pair("c", Value::Bytes(vec![0, 255])),
                pair("c", Value::Bytes(vec![1])),
            ],
        });
        let array = |values: Vec<AnyValue>| Value::Array(ArrayValue { values });
        let list = array(vec![
            value(map),
            AnyValue::default(),
            value(Value::Bool(true)),
            value(array(Vec::new())),
        ]);
        let cases = [
            (Value::Double(-0.0), "-0"),
            (Value::Double(0.5), "0.5"),
            (Value::Double(123_456_789.0), "123456789"),
            (Value::Double(1e20), "100000000000000000000"),
            (Value::Double(1.5e300), "1.5e+300"),
            (Value::Double(2.5e-7), "2.5e-7"),
            (Value::Double(f64::NEG_INFINITY), "-Infinity"),
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Bytes(b"\xff\xfe".to_vec()), "//4="),
            (
                list,
                "[{\"a\":1e+21,\"b\":\"<\\u2028\\b\u{7f}\\\"\",\"c\":\"AQ==\"},null,true,[]]",
            ),
            (array(vec![value(Value::Double(f64::NAN))]), ""),
        ];
        for (one, wanted) in cases {
            assert_eq!(text(Some(&value(one))), wanted);
        }
        assert_eq!(text(None), "");
    }
}
