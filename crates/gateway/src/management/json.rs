//! Bodies: one JSON object each, of known fields.

use directory::policy::IdError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Flaw};

/// The longest sentence about a body, in bytes; more would be the caller's own text.
const MAX_SENTENCE: usize = 300;

/// Reads a body. What cannot be read is said with its line and column.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let (before, _) = body
            .split_at_checked(error.valid_up_to())
            .unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let last = before.rsplit(|byte| *byte == b'\n').next();
        let column = last.map_or(0, <[u8]>::len) + 1;
        bad(format!(
            "the body is not valid UTF-8 at line {line} column {column}"
        ))
    })?;
    // A list would be taken for an object whose fields come in their order.
    if !text
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with('{')
    {
        return Err(bad("the body must be a JSON object".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| {
        let sentence = error.to_string();
        bad(if sentence.len() <= MAX_SENTENCE {
            format!("the body: {sentence}")
        } else {
            let (line, column) = (error.line(), error.column());
            let beginning: String = sentence.chars().take(MAX_SENTENCE / 4).collect();
            format!("the body: {beginning}… at line {line} column {column}")
        })
    })
}

/// Checks an id of the body.
pub(super) fn id<'a, T>(
    field: &str,
    text: &'a str,
    new: impl FnOnce(&'a str) -> Result<T, IdError>,
) -> Result<T, Error> {
    new(text).map_err(|error| bad(format!("{field}: {error}")))
}

/// A field that says something by being null.
#[derive(Debug, Default)]
pub(super) enum Nullable<T> {
    #[default]
    Absent,
    Null,
    Is(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::deserialize(deserializer)?;
        Ok(given.map_or(Self::Null, Self::Is))
    }
}

/// Settings as they were given. Deeper than JSON is commonly read (128 levels), they would be a trap
/// for whoever reads them next.
pub(super) fn settings(given: Option<Box<RawValue>>) -> Result<Option<String>, Error> {
    let Some(raw) = given else {
        return Ok(None);
    };
    serde_json::from_str::<Value>(raw.get())
        .map_err(|error| bad(format!("settings_json: {error}")))?;
    Ok(Some(raw.get().to_owned()))
}

/// What an update says where no field of it is there.
pub(super) fn nothing(fields: &str) -> Error {
    bad(format!(
        "the body changes nothing: give one or more of {fields}"
    ))
}

pub(super) fn bad(sentence: String) -> Error {
    Error::BadData(Flaw::Management, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        #[expect(dead_code, reason = "only whether it can be read matters")]
        name: String,
        settings: Option<Box<RawValue>>,
    }

    fn refused(body: &[u8]) -> String {
        read::<Pair>(body).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        let deep = format!("{{\"name\": {}", "[".repeat(10_000));
        let long = format!("{{\"{}\": 1}}", "x".repeat(1000));
        let said: Vec<String> = [
            &b""[..],
            b"null",
            b"[\"a\", null]",
            b"{",
            b"{\"name\": 5}",
            b"{\"name\": \"a\",\n\"name\": \"b\"}",
            b"{\"name\": \"a\", \"nmae\": 1}",
            b"{\"name\": \"a\"} x",
            b"{\"name\":\n\"\xff\"}",
            b"{\"name\": \"\\ud800\"}",
            b"{}",
            deep.as_bytes(),
            long.as_bytes(),
        ]
        .map(refused)
        .into();
        insta::assert_snapshot!(said.join("\n"), @r"
        the body must be a JSON object
        the body must be a JSON object
        the body must be a JSON object
        the body: EOF while parsing an object at line 1 column 1
        the body: invalid type: integer `5`, expected a string at line 1 column 10
        the body: duplicate field `name` at line 2 column 6
        the body: unknown field `nmae`, expected `name` or `settings` at line 1 column 20
        the body: trailing characters at line 1 column 15
        the body is not valid UTF-8 at line 2 column 2
        the body: unexpected end of hex escape at line 1 column 17
        the body: missing field `name` at line 1 column 2
        the body: invalid type: sequence, expected a string at line 1 column 9
        the body: unknown field `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… at line 1 column 1003
        ");
    }

    #[test]
    fn settings_are_kept_as_they_are_unless_they_are_too_deep() {
        let read = |given: &str| {
            let body = format!(r#"{{"name": "a", "settings": {given}}}"#);
            settings(read::<Pair>(body.as_bytes()).unwrap().settings)
        };
        assert_eq!(read("null").unwrap(), None);
        let kept = r#"{ "b" : 1.50, "a":[ ] }"#;
        assert_eq!(read(kept).unwrap().as_deref(), Some(kept));
        let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&deep(127)).is_ok());
        assert!(read(&deep(10_000)).is_err());
        assert!(read(r#""\ud800""#).is_err());
    }
}
