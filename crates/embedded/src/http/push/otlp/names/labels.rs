//! Names of labels.

use super::nothing_left;
use crate::http::push::{Refused, bad};

/// The label of an attribute in Loki: what may not be in a label's name becomes an underscore, and
/// several underscores one.
pub(in crate::http::push::otlp) fn loki(name: &str) -> Result<String, Refused> {
    // A name like `__this__` keeps what is around it.
    let inner = name
        .strip_prefix("__")
        .and_then(|rest| rest.strip_suffix("__"));
    let mut label = String::with_capacity(name.len());
    for char in inner.unwrap_or(name).chars() {
        if char.is_ascii_alphanumeric() {
            label.push(char);
        } else if !label.ends_with('_') {
            label.push('_');
        }
    }
    if inner.is_some() {
        label = format!("__{label}__");
    }
    checked(name, label)
}

/// The label of an attribute in Prometheus: what may not be in a label's name becomes an underscore,
/// and a name that begins with one gets `key` before it.
pub(in crate::http::push::otlp) fn prometheus(name: &str) -> Result<String, Refused> {
    let allowed = |char: char| {
        if char.is_ascii_alphanumeric() {
            char
        } else {
            '_'
        }
    };
    let mut label: String = name.chars().map(allowed).collect();
    if label.starts_with('_') && !label.starts_with("__") {
        label.insert_str(0, "key");
    }
    checked(name, label)
}

fn checked(name: &str, mut label: String) -> Result<String, Refused> {
    if name.is_empty() {
        return Err(bad("an attribute has no name"));
    }
    if label.starts_with(|first: char| first.is_ascii_digit()) {
        label.insert_str(0, "key_");
    }
    if label.chars().all(|char| char == '_') {
        return Err(nothing_left("attribute's", name));
    }
    Ok(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_become_labels() {
        for (name, in_loki, in_prometheus) in [
            ("service.name", "service_name", "service_name"),
            ("a..b", "a_b", "a__b"),
            ("a__b", "a_b", "a__b"),
            ("_a", "_a", "key_a"),
            ("__a", "_a", "__a"),
            ("__a..b__", "__a_b__", "__a__b__"),
            ("9a", "key_9a", "key_9a"),
            (".9a", "_9a", "key_9a"),
            ("caf\u{e9}", "caf_", "caf_"),
            ("a\u{e9}\u{e9}b", "a_b", "a__b"),
            ("A:b", "A_b", "A_b"),
        ] {
            assert_eq!(loki(name).unwrap(), in_loki, "{name}");
            assert_eq!(prometheus(name).unwrap(), in_prometheus, "{name}");
        }
        for name in ["", "_", "...", "____", "\u{e9}"] {
            assert!(loki(name).is_err(), "{name}");
            // With `key` before it, there is something left of one underscore.
            assert_eq!(
                prometheus(name).is_ok(),
                matches!(name, "_" | "\u{e9}"),
                "{name}"
            );
        }
    }
}
