//! The functions of templates that make texts of texts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::run::MAX_OUTPUT;
use super::time::Time;
use super::value::Value;
use crate::logql::go;
use crate::logql::work::{STEP, Work};
use crate::regexes;

/// A text, unless it is so long that somebody means harm.
pub(super) fn bounded(text: String) -> Result<Value, String> {
    if text.len() > MAX_OUTPUT {
        return Err("the text is too long".to_owned());
    }
    Ok(Value::Text(text))
}

/// A text with the first `count` places of `old`, or all for a negative count, made `new`.
pub(super) fn replace(text: &str, old: &str, new: &str, count: i64) -> Result<Value, String> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let places = text.matches(old).take(count).count();
    if text.len().saturating_add(places.saturating_mul(new.len())) > 2 * MAX_OUTPUT {
        return Err("the text is too long".to_owned());
    }
    bounded(text.replacen(old, new, count))
}

/// A text with all matches replaced, by a template with groups or by a text as it is.
pub(super) fn replace_matches(
    regex: &regex::Regex,
    text: &str,
    replacement: &str,
    expand: bool,
    work: &Work,
) -> Result<Value, String> {
    let too_long = || "the text is too long".to_owned();
    let mut out = String::new();
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else {
            continue;
        };
        let before = out.len();
        out.push_str(text.get(end..found.start()).unwrap_or_default());
        if expand {
            regexes::expand(replacement, &captures, &mut out, MAX_OUTPUT).ok_or_else(too_long)?;
        } else {
            out.push_str(replacement);
        }
        end = found.end();
        if out.len() > MAX_OUTPUT {
            return Err(too_long());
        }
        // Even where there is nothing to put in, the template was read; and the search for the next
        // match may go to the end.
        let made = replacement.len() + out.len().saturating_sub(before);
        let behind = text.len().saturating_sub(end);
        work.spend(STEP / 16 + made + behind / 64)
            .map_err(|error| error.to_string())?;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    bounded(out)
}

pub(super) fn repeat(text: &str, count: i64) -> Result<String, String> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    if text.len().saturating_mul(count) > MAX_OUTPUT {
        return Err("the text is too long".to_owned());
    }
    Ok(text.repeat(count))
}

/// The bytes of a text from `start` to `end`; what is left of a character that is cut apart is shown
/// byte by byte.
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
    Ok(Value::Text(go::lossy(bytes)))
}

/// A letter as a word begins with it: digraphs have a form for that.
fn title_case(c: char) -> char {
    match c {
        'Ǆ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǳ' => 'ǲ',
        c => go::to_upper(c.encode_utf8(&mut [0; 4]))
            .chars()
            .next()
            .unwrap_or(c),
    }
}

/// Every word with a capital.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            out.push(c);
        } else {
            out.push(title_case(c));
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
    Ok(go::lossy(&out))
}

/// The usual alphabet; bits of the last letter that belong to no byte may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

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
    if let Ok(bytes) = LENIENT.decode(&padded) {
        return go::lossy(&bytes);
    }
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // The first byte that is none of the alphabet; else what is too short to be a group.
    let at = padded.bytes().position(|byte| !in_alphabet(byte));
    let at = at.unwrap_or(padded.len() / 4 * 4);
    format!("illegal base64 data at input byte {at}")
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

/// A text as a string of JavaScript has it.
pub(super) fn js_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str(r"\\"),
            '\'' => out.push_str(r"\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
