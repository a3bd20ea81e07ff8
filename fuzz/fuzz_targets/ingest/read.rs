//! What the backends would read: a reader of its own, which has nothing of the gateway's but the
//! numbers of the fields, by the protocols' documentation.
//!
//! Fields that may stand once and stand twice are refused here, whatever they hold: of those, two
//! decoders need not read the same.

use std::collections::HashMap;

/// A field: its number, and what it holds.
#[derive(Clone, Copy, Debug)]
enum Field<'a> {
    Number,
    Bytes(&'a [u8]),
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, tail) = rest.split_first().expect("a cut varint");
        *rest = tail;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < &0x80 {
            return value;
        }
    }
    panic!("a long varint");
}

/// The fields of a message.
fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest);
        let field = match key & 7 {
            0 => {
                varint(&mut rest);
                Field::Number
            }
            1 => {
                rest = &rest[8..];
                Field::Number
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)).unwrap();
                let (bytes, tail) = rest.split_at(length);
                rest = tail;
                Field::Bytes(bytes)
            }
            5 => {
                rest = &rest[4..];
                Field::Number
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

/// All fields of one number that hold bytes.
fn all(message: &[u8], number: u64) -> Vec<&[u8]> {
    let fields = fields(message).into_iter();
    let bytes = fields.filter(|(found, _)| *found == number);
    bytes
        .map(|(_, field)| match field {
            Field::Bytes(bytes) => bytes,
            Field::Number => panic!("a number in field {number}"),
        })
        .collect()
}

/// The only field of one number, or nothing.
fn one(message: &[u8], number: u64) -> &[u8] {
    let all = all(message, number);
    assert!(all.len() < 2, "field {number} stands twice");
    all.first().copied().unwrap_or_default()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text is UTF-8")
}

/// Fails unless one of the labels is the resource's, and ours.
fn ours<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let mut seen = HashMap::new();
    for (name, value) in labels {
        assert!(seen.insert(name, value).is_none(), "{name} stands twice");
    }
    assert_eq!(seen.get("resource_id"), Some(&"r1"));
}

/// A push of Loki's.
pub fn loki(push: &[u8]) {
    for stream in all(push, 1) {
        let labels = stream_labels(text(one(stream, 1)));
        ours(labels.iter().map(|(name, value)| (&**name, &**value)));
        for entry in all(stream, 2) {
            for metadata in all(entry, 3) {
                let name = sanitized(text(one(metadata, 1)));
                assert_ne!(name, "resource_id", "in the metadata");
            }
            assert!(all(entry, 4).is_empty());
        }
    }
}

/// `{name="value", …}`, of which the values are quoted in Go's way. What is escaped matters to no
/// name, and so it is skipped.
fn stream_labels(labels: &str) -> Vec<(String, String)> {
    let mut rest = labels.strip_prefix('{').unwrap();
    let mut found = Vec::new();
    while !rest.starts_with('}') {
        let (name, tail) = rest.split_once('=').unwrap();
        let name = name.trim_matches([' ', ',']);
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        let tail = tail.strip_prefix('"').unwrap();
        let mut end = 0;
        while tail.as_bytes()[end] != b'"' {
            assert!(tail.as_bytes()[end] != b'\n');
            end += if tail.as_bytes()[end] == b'\\' { 2 } else { 1 };
        }
        found.push((name.to_owned(), tail[..end].to_owned()));
        rest = &tail[end + 1..];
    }
    assert_eq!(rest, "}");
    found
}

/// Remote write 1.0.
pub fn remote_write_1(request: &[u8]) {
    for series in all(request, 1) {
        let labels = all(series, 1);
        let labels = labels
            .iter()
            .map(|label| (text(one(label, 1)), text(one(label, 2))));
        let names: Vec<&str> = labels.clone().map(|(name, _)| name).collect();
        assert!(names.is_sorted());
        ours(labels);
    }
}

/// Remote write 2.0.
pub fn remote_write_2(request: &[u8]) {
    let symbols: Vec<&str> = all(request, 4).into_iter().map(text).collect();
    for series in all(request, 5) {
        let mut rest = one(series, 1);
        let mut texts = Vec::new();
        while !rest.is_empty() {
            let reference = usize::try_from(varint(&mut rest)).unwrap();
            texts.push(symbols[reference]);
        }
        let (pairs, rest) = texts.as_chunks::<2>();
        assert!(rest.is_empty());
        ours(pairs.iter().map(|[name, value]| (*name, *value)));
    }
}

/// A name as the backends sanitize it.
fn sanitized(name: &str) -> String {
    let mut clean = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            clean.push(character);
        } else if !clean.ends_with('_') {
            clean.push('_');
        }
    }
    clean
}

/// Puts the attributes into `labels`, by their sanitized names. Maps are flattened where the backend
/// does it.
fn attributes(list: &[&[u8]], flatten: bool, prefix: &str, labels: &mut Vec<(String, String)>) {
    for attribute in list {
        let name = text(one(attribute, 1));
        let name = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}_{name}")
        };
        let value = one(attribute, 2);
        let maps = all(value, 6);
        if flatten && let [map] = &*maps {
            attributes(&all(map, 1), flatten, &name, labels);
            continue;
        }
        let value = String::from_utf8_lossy(one(value, 1)).into_owned();
        labels.push((sanitized(&name), value));
    }
}

/// Fails unless the attributes become the resource's label as often as said, and then to our id.
fn becomes(list: &[&[u8]], flatten: bool, times: usize) {
    let mut labels = Vec::new();
    attributes(list, flatten, "", &mut labels);
    let found: Vec<_> = labels
        .iter()
        .filter(|(name, _)| name == "resource_id")
        .collect();
    assert_eq!(found.len(), times, "{labels:?}");
    assert!(found.iter().all(|(_, value)| value == "r1"));
}

/// OTLP's log records.
pub fn otlp_logs(request: &[u8]) {
    for resource in all(request, 1) {
        becomes(&all(one(resource, 1), 1), true, 1);
        for scope in all(resource, 2) {
            becomes(&all(one(scope, 1), 3), true, 0);
            for record in all(scope, 2) {
                becomes(&all(record, 6), true, 0);
            }
        }
    }
}

/// OTLP's metrics.
pub fn otlp_metrics(request: &[u8]) {
    for resource in all(request, 1) {
        becomes(&all(one(resource, 1), 1), false, 1);
        for scope in all(resource, 2) {
            becomes(&all(one(scope, 1), 3), false, 0);
            for metric in all(scope, 2) {
                let mut kinds = 0;
                // Where the attributes of a data point are, by the metric's kind.
                for (kind, field) in [(5, 7), (7, 7), (9, 9), (10, 1), (11, 7)] {
                    assert!(all(metric, kind).len() < 2);
                    for data in all(metric, kind) {
                        kinds += 1;
                        for point in all(data, 1) {
                            becomes(&all(point, field), false, 1);
                        }
                    }
                }
                assert!(kinds < 2);
            }
        }
    }
}
