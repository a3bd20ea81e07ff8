//! The functions of templates that make texts of texts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::run::MAX_OUTPUT;
use super::time::Time;
use super::value::Value;
use crate::logql::go;

/// A text, unless it is so long that somebody means harm.
pub(super) fn bounded(text: String) -> Result<Value, String> {
    if text.len() > MAX_OUTPUT {
        return Err("the text is too long".to_owned());
    }
    Ok(Value::Text(text))
}

pub(super) fn repeat(text: &str, count: i64) -> Result<String, String> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    if text.len().saturating_mul(count) > MAX_OUTPUT {
        return Err("the text is too long".to_owned());
    }
    Ok(text.repeat(count))
}

/// The bytes of a text from `start` to `end`; a character that is cut apart is lost.
pub(super) fn cut(text: &str, start: i64, end: i64) -> Result<Value, String> {
    let size = text.len();
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let bytes = bounds.and_then(|(start, end)| text.as_bytes().get(start..end));
    let bytes = bytes.ok_or_else(|| {
        if end < 0 || usize::try_from(end).is_ok_and(|end| end > size) {
            format!("runtime error: slice bounds out of range [:{end}] with length {size}")
        } else {
            format!("runtime error: slice bounds out of range [{start}:{end}]")
        }
    })?;
    Ok(Value::Text(String::from_utf8_lossy(bytes).into_owned()))
}

/// Every word with a capital.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
        in_word = c.is_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace());
    }
    out
}

pub(super) fn align(count: i64, text: &str, left: bool) -> Result<String, String> {
    let size = text.chars().count();
    let Ok(count) = usize::try_from(count) else {
        return Ok(text.to_owned());
    };
    if count > MAX_OUTPUT {
        return Err("the text is too long".to_owned());
    }
    Ok(match (count > size, left) {
        (true, true) => format!("{text:<count$}"),
        (true, false) => format!("{text:>count$}"),
        (false, true) => text.chars().take(count).collect(),
        (false, false) => text.chars().skip(size - count).collect(),
    })
}

pub(super) fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

pub(super) fn url_decode(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let mut at = 0;
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = text.get(at + 1..at + 3);
                let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let shown = || {
                    text.get(at..)
                        .map_or("", |rest| rest.get(..3).unwrap_or(rest))
                };
                out.push(
                    value.ok_or_else(|| format!("invalid URL escape {}", go::quote(shown())))?,
                );
                bytes.next();
                bytes.next();
                at += 2;
            }
            b'+' => out.push(b' '),
            other => out.push(other),
        }
        at += 1;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Forgiving about the padding; an error is the value, as sprig has it.
pub(super) fn base64_decode(text: &str) -> String {
    let padding = match text.len() % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    };
    // Go passes over line breaks.
    let padded: String = text
        .chars()
        .chain(padding.chars())
        .filter(|c| !matches!(c, '\r' | '\n'))
        .collect();
    match STANDARD.decode(&padded) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _)
                | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => at,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                    padded.len() / 4 * 4
                }
            };
            format!("illegal base64 data at input byte {at}")
        }
    }
}

pub(super) fn unix_to_time(text: &str) -> Result<Time, String> {
    let fail = |why: String| format!("unable to parse time '{text}': {why}");
    let value: i64 = text.parse().map_err(|_| {
        fail(format!(
            "strconv.ParseInt: parsing {}: invalid syntax",
            go::quote(text)
        ))
    })?;
    match text.len() {
        5 => Ok(Time::from_seconds(value.saturating_mul(86_400))),
        10 => Ok(Time::from_seconds(value)),
        13 => Ok(Time::from_nanos(value.saturating_mul(1_000_000))),
        16 => Ok(Time::from_nanos(value.saturating_mul(1_000))),
        19 => Ok(Time::from_nanos(value)),
        _ => Err(fail("%!w(<nil>)".to_owned())),
    }
}
