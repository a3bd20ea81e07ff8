//! What a value looks like.

use std::collections::BTreeSet;

use super::super::go;

/// The type of a field, told from a value of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    #[default]
    String,
    /// `5`
    Int,
    /// `0.5`
    Float,
    /// `true`
    Boolean,
    /// `1h2.5s`
    Duration,
    /// `1.5 KiB`
    Bytes,
}

impl Kind {
    pub(super) fn of(value: &str) -> Self {
        const BOOLEANS: [&str; 12] = [
            "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False",
        ];
        if value.parse::<i64>().is_ok() {
            Self::Int
        } else if go::parse_float(value).is_ok() {
            Self::Float
        } else if BOOLEANS.contains(&value) {
            Self::Boolean
        } else if go::parse_duration(value).is_ok() {
            Self::Duration
        } else if go::parse_bytes(value).is_ok() {
            Self::Bytes
        } else {
            Self::String
        }
    }

    /// The type as Loki writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
        }
    }
}

/// A value as a query can take it: a size in bytes with a unit the way Loki prints one.
pub(super) fn insertable(value: &str) -> String {
    let has_unit = value.ends_with(|last: char| last.is_ascii_alphabetic());
    match go::parse_bytes(value) {
        Ok(bytes) if has_unit => go::format_bytes(bytes),
        Ok(_) | Err(_) => value.to_owned(),
    }
}

/// Whether a label of these values tells people nothing: it has none, or all of them are numbers or
/// UUIDs. A label that is 0 or 1 does tell something.
pub(crate) fn only_ids(values: &BTreeSet<&str>) -> bool {
    let is_flag = !values.is_empty() && values.iter().all(|value| matches!(*value, "0" | "1"));
    let is_id = |value: &str| go::parse_float(value).is_ok() || is_uuid(value);
    !is_flag && values.iter().all(|value| is_id(value))
}

fn is_uuid(value: &str) -> bool {
    let bare = value
        .strip_prefix("urn:uuid:")
        .or_else(|| {
            value
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
        })
        .unwrap_or(value);
    let groups: Vec<usize> = bare.split('-').map(str::len).collect();
    let is_hex = bare
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    is_hex && (groups == [8, 4, 4, 4, 12] || groups == [32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_from_values() {
        for (value, kind) in [
            ("5", Kind::Int),
            ("-5", Kind::Int),
            ("0.5", Kind::Float),
            ("NaN", Kind::Float),
            ("true", Kind::Boolean),
            ("yes", Kind::String),
            ("350ms", Kind::Duration),
            ("1.5 KiB", Kind::Bytes),
            ("12kB", Kind::Bytes),
            ("", Kind::String),
            ("GET", Kind::String),
        ] {
            assert_eq!(Kind::of(value), kind, "{value}");
        }
    }

    #[test]
    fn labels_of_nothing_but_ids_are_told_from_others() {
        let ids = |values: &[&str]| only_ids(&values.iter().copied().collect());
        assert!(ids(&[]));
        assert!(ids(&["1", "2", "3"]));
        assert!(ids(&["5f0c3a1e-8f8b-4b6e-9c43-0a4de1b1c6f1"]));
        assert!(ids(&["5"]));
        assert!(!ids(&["0", "1"]));
        assert!(!ids(&["1"]));
        assert!(!ids(&["1", "web"]));
        assert!(!ids(&["5f0c3a1e-8f8b-4b6e-9c43"]));
    }

    #[test]
    fn sizes_are_given_as_loki_prints_them() {
        assert_eq!(insertable("1.5 KiB"), "1.5kB");
        assert_eq!(insertable("900KB"), "900kB");
        assert_eq!(insertable("12"), "12");
        assert_eq!(insertable("web"), "web");
    }
}
