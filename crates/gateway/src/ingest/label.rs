//! Labels: names, limits, and the text form that Loki's protocol has.

use query::quote::{push_quoted, unquote};

use super::limits::Limits;
use super::refusal::{Refusal, bad, shown};

/// The label by which the backends know resources.
pub(super) use crate::scope::RESOURCE_LABEL;

/// What is in front of the underscore in [`RESOURCE_LABEL`], and what is behind it.
const PARTS: (&str, &str) = ("resource", "id");

/// How a name relates to the resource's label once a backend has sanitized it: characters other than
/// ASCII letters and digits become underscores, several in a row one (Prometheus' `otlptranslator`;
/// its older versions collapse nothing, and so reach the label from fewer names).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// It becomes the resource's label.
    Label,
    /// It becomes the front of it: Loki joins the names of maps in maps with underscores, so that
    /// `{"resource": {"id": …}}` becomes the label, too.
    Front,
    /// It becomes something else.
    Other,
}

/// What `name` becomes.
pub(super) fn becomes(name: &str) -> Becomes {
    match name.strip_prefix(PARTS.0) {
        // `resourceid` has nothing that an underscore could be made of.
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_alphanumeric()) => {
            Becomes::Other
        }
        Some(rest) => becomes_below(rest),
        None => Becomes::Other,
    }
}

/// What `name` becomes in a map whose own name [became](Becomes::Front) the front of the label.
pub(super) fn becomes_below(name: &str) -> Becomes {
    let rest = name.trim_start_matches(|first: char| !first.is_ascii_alphanumeric());
    match rest {
        "" => Becomes::Front,
        _ if rest == PARTS.1 => Becomes::Label,
        _ => Becomes::Other,
    }
}

/// Checks a label that the sender gave to `of`, a sentence's object.
pub(super) fn check(
    name: &str,
    value: &str,
    limits: &Limits,
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(bad(
            "label without a name",
            format!("{} has a label without a name", of()),
        ));
    }
    if name.len() > limits.name {
        let (of, name, limit) = (of(), shown(name), limits.name);
        return Err(bad(
            "label name too long",
            format!(
                "{of} has a label name that is too long: {name}; at most {limit} bytes are taken"
            ),
        ));
    }
    if value.len() > limits.value {
        let (of, name, value, limit) = (of(), shown(name), shown(value), limits.value);
        return Err(bad(
            "label value too long",
            format!(
                "{of} has a value that is too long for the label {name}: {value}; at most {limit} bytes \
             are taken"
            ),
        ));
    }
    Ok(())
}

/// The longest name and the longest unit of a metric, in bytes. Mimir takes as much of either unless
/// told otherwise (`max_metadata_length`).
const METADATA: usize = 1 << 10;

/// The longest help text or description of a metric, in bytes. More than Mimir keeps, which cuts
/// off what is longer than the others may be.
const HELP: usize = 4 << 10;

/// Checks what is said about a metric, which belongs to no series and is kept for the whole tenant.
pub(super) fn check_metadata(
    (name, help, unit): (&str, &str, &str),
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    for (what, text, limit) in [
        ("name", name, METADATA),
        ("help text", help, HELP),
        ("unit", unit, METADATA),
    ] {
        if text.len() > limit {
            let (of, text, length) = (of(), shown(text), text.len());
            return Err(bad(
                "text too long",
                format!(
                    "{of} has a {what} of {length} bytes: {text}; at most {limit} bytes are taken"
                ),
            ));
        }
    }
    Ok(())
}

/// Puts the resource's label in its place among labels in the order of their names, and takes out
/// what the sender called so. Answers how many that were.
pub(super) fn stamp<T>(labels: &mut Vec<T>, name: impl Fn(&T) -> &str, ours: T) -> usize {
    let replaced = strip(labels, &name);
    let place = labels.partition_point(|label| name(label) < RESOURCE_LABEL);
    labels.insert(place, ours);
    replaced
}

/// Takes out what the sender called so, where ours does not belong. Answers how many that were.
pub(super) fn strip<T>(labels: &mut Vec<T>, name: impl Fn(&T) -> &str) -> usize {
    let before = labels.len();
    labels.retain(|label| name(label) != RESOURCE_LABEL);
    before - labels.len()
}

/// The labels of a stream in Loki's text form, `{name="value", …}`. Names are ASCII letters,
/// digits and underscores; values are literals with Go's escapes.
///
/// Stricter than Loki, which also takes a metric's name in front and quoted names: neither is sent
/// by any client that is known. More than `most` are not read: five bytes of text are a label, which
/// takes many times that.
pub(super) fn parse(text: &str, most: usize) -> Result<Vec<(String, String)>, Refusal> {
    let mut labels = Vec::new();
    let wrong = |what: &str| {
        bad(
            "labels not understood",
            format!("error parsing labels {}: {what}", shown(text)),
        )
    };
    let opened = text.trim().strip_prefix('{');
    let Some(mut rest) = opened.map(str::trim_start) else {
        return Err(wrong("expected {name=\"value\"}"));
    };
    loop {
        if let Some(end) = rest.strip_prefix('}') {
            if end.trim().is_empty() {
                return Ok(labels);
            }
            return Err(wrong("there is something behind the closing brace"));
        }
        let end = rest
            .find(|next: char| !(next.is_ascii_alphanumeric() || next == '_'))
            .unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        if !is_name(name) {
            return Err(wrong(
                "expected a label's name, of ASCII letters, digits and underscores",
            ));
        }
        let Some(tail) = tail.trim_start().strip_prefix('=') else {
            return Err(wrong("expected = behind a label's name"));
        };
        let tail = tail.trim_start();
        let Some(length) = literal(tail) else {
            return Err(wrong("expected a label's value in quotes"));
        };
        let (value, tail) = tail.split_at(length);
        let value = unquote(value).map_err(|error| wrong(error.message))?;
        let Some(value) = value.as_str() else {
            return Err(wrong("a label's value is not UTF-8"));
        };
        if labels.len() >= most {
            return Err(wrong(&format!("there are more than {most} labels")));
        }
        labels.push((name.to_owned(), value.to_owned()));
        rest = tail.trim_start();
        if let Some(tail) = rest.strip_prefix(',') {
            rest = tail.trim_start();
        } else if !rest.starts_with('}') {
            return Err(wrong("expected , or } behind a label's value"));
        }
    }
}

/// Whether this is a name that a stream's label can have.
pub(super) fn is_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(rest) && name.starts_with(|first: char| !first.is_ascii_digit())
}

/// The length of the literal with which the text begins.
fn literal(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    let (_, quote) = bytes.next()?;
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let mut escaped = false;
    for (at, byte) in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quote != b'`' => escaped = true,
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The text form, which [`parse`] reads back.
pub(super) fn print(labels: &[(String, String)]) -> String {
    let mut text = String::from("{");
    for (name, value) in labels {
        if text.len() > 1 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push('=');
        push_quoted(&mut text, value.as_bytes());
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_strictly() {
        let good: &[(&str, &[(&str, &str)])] = &[
            ("{}", &[]),
            (" { } ", &[]),
            (r#"{a="b"}"#, &[("a", "b")]),
            (r#"{ a = "b" , c="d", }"#, &[("a", "b"), ("c", "d")]),
            (r#"{a="}\", b=\"c"}"#, &[("a", "}\", b=\"c")]),
            ("{a='b\"',c=`\\n`}", &[("a", "b\""), ("c", "\\n")]),
            (r#"{_a1="\u00e9\n"}"#, &[("_a1", "é\n")]),
            (r#"{a="", b="日本"}"#, &[("a", ""), ("b", "日本")]),
            // The order and repetitions are the caller's matter.
            (
                r#"{b="1", a="2", b="3"}"#,
                &[("b", "1"), ("a", "2"), ("b", "3")],
            ),
        ];
        for (text, labels) in good {
            let labels: Vec<_> = labels
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect();
            assert_eq!(parse(text, 3).as_ref(), Ok(&labels), "{text}");
            assert_eq!(parse(&print(&labels), 3), Ok(labels), "{text}");
        }
        for text in [
            "",
            "{",
            "}",
            "a",
            r#"{a="b""#,
            r#"{a="b"} x"#,
            r#"{a="b"}, {resource_id="r2"}"#,
            r#"{a="b"}{c="d"}"#,
            r#"{a="b" c="d"}"#,
            r#"{a="b",,c="d"}"#,
            r#"{,a="b"}"#,
            "{a=b}",
            r#"{a!="b"}"#,
            r#"{a=~"b"}"#,
            r#"{="b"}"#,
            r#"{1a="b"}"#,
            r#"{a.b="c"}"#,
            r#"{é="c"}"#,
            r#"{"a"="b"}"#,
            r#"{"a"}"#,
            r#"up{a="b"}"#,
            r#"{a="b\"}"#,
            r#"{a="\q"}"#,
            r#"{a="\xff"}"#,
            "{a=\"b\n\"}",
            "{a=\"b\"} # a comment",
            "{a=\"b\",\u{a0}c=\"d\" #}",
        ] {
            assert!(parse(text, 3).is_err(), "{text}");
        }
        let many = format!("{{{}}}", "a=\"\",".repeat(4));
        assert!(parse(&many, 4).is_ok());
        let refused = parse(&many, 3).unwrap_err().to_string();
        assert!(refused.contains("more than 3 labels"), "{refused}");
    }

    #[test]
    fn names_that_sanitizing_makes_the_resources_label_are_known() {
        for name in [
            "resource_id",
            "resource.id",
            "resource-id",
            "resource id",
            "resource__id",
            "resource._.id",
            "resource/id",
            "resource\u{e9}id",
            "resource\u{0}id",
        ] {
            assert_eq!(becomes(name), Becomes::Label, "{name}");
        }
        for name in ["resource", "resource.", "resource_", "resource--"] {
            assert_eq!(becomes(name), Becomes::Front, "{name}");
        }
        for name in [
            "",
            "resourceid",
            "Resource_id",
            "resource_ID",
            "resource_id_",
            "_resource_id",
            "__resource_id__",
            "resource_ids",
            "resources_id",
            "res.resource_id",
            "id",
        ] {
            assert_eq!(becomes(name), Becomes::Other, "{name}");
        }
        assert_eq!(becomes_below("id"), Becomes::Label);
        assert_eq!(becomes_below("_.id"), Becomes::Label);
        assert_eq!(becomes_below(""), Becomes::Front);
        assert_eq!(becomes_below("id_"), Becomes::Other);
    }
}
