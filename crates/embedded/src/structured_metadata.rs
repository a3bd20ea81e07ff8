//! Structured metadata as Loki stores it.

use std::borrow::Cow;

use crate::LogStream;

/// Gives the structured metadata of all lines names and values as Loki does when they come in:
/// names of letters, digits and single underscores, values without replacement characters. Of
/// two pairs that get the same name the later one counts.
pub(crate) fn settle(streams: &mut [LogStream]) {
    for entry in streams.iter_mut().flat_map(|stream| &mut stream.entries) {
        let pairs = &mut entry.structured_metadata;
        for (name, value) in pairs.iter_mut() {
            if let Cow::Owned(other) = settled_name(name) {
                *name = other;
            }
            if value.contains(char::REPLACEMENT_CHARACTER) {
                *value = value.replace(char::REPLACEMENT_CHARACTER, " ");
            }
        }
    }
}

/// The name of a label for a name that may have any characters. This is OpenTelemetry's rule for
/// Prometheus: what is no letter and no digit is an underscore, several of them are one, and what
/// begins with a digit begins with `key_`. The underscores around `__name__` stay.
fn settled_name(name: &str) -> Cow<'_, str> {
    let inner = name
        .strip_prefix("__")
        .and_then(|rest| rest.strip_suffix("__"));
    let mut out = String::with_capacity(name.len() + 4);
    if inner.is_some() {
        out.push_str("__");
    }
    let mut after_underscore = false;
    for c in inner.unwrap_or(name).chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
            after_underscore = false;
        } else if !after_underscore {
            out.push('_');
            after_underscore = true;
        }
    }
    if inner.is_some() {
        out.push_str("__");
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert_str(0, "key_");
    }
    // A name of nothing but underscores stands for nothing; Loki refuses it, and here it stays.
    if out == name || out.bytes().all(|byte| byte == b'_') {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_labels() {
        let cases = [
            ("trace_id", "trace_id"),
            ("http.method", "http_method"),
            ("a-b", "a_b"),
            ("a__b", "a_b"),
            ("1a", "key_1a"),
            ("__a.b__", "__a_b__"),
            ("_a", "_a"),
            ("é1", "_1"),
            ("__", "__"),
        ];
        for (name, wanted) in cases {
            assert_eq!(settled_name(name), wanted);
        }
    }
}
