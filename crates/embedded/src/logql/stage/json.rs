//! Reading JSON as forgivingly as Loki does: no validation beyond what is needed to find keys and
//! values, nothing said about what follows the object, and errors in its words.

use std::borrow::Cow;

/// Objects within objects that are read; a line with more is an error and not a stack overflow.
const MAX_DEPTH: usize = 128;

const MALFORMED: &str = "Malformed JSON error";
const NO_STRING_END: &str = "Value is string, but can't find closing '\"' symbol";
const NO_ARRAY_END: &str = "Value is array, but can't find closing ']' symbol";
const NO_OBJECT_END: &str = "Value looks like object, but can't find closing '}' symbol";
const UNKNOWN_TYPE: &str = "Unknown value type";
const BAD_ESCAPE: &str = "Encountered an invalid escape sequence in a string";
const TOO_DEEP: &str = "Objects are nested too deep";

/// A value, as it stands in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Without its quotes, still escaped.
    String(&'a str),
    Number(&'a str),
    Boolean(&'a str),
    Null,
    Object(&'a str),
    Array(&'a str),
}

/// Why reading ended before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The text is not JSON.
    Malformed(&'static str),
    /// The visitor has what it wants.
    Enough,
    /// The visitor found something that drops the line.
    Drop,
}

/// Calls `visit` for every key and value of an object, in order, until it returns an end.
pub(super) fn each<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(&str, Value<'a>) -> Result<(), End>,
) -> Result<(), End> {
    let mut rest = skip_space(text).ok_or(End::Malformed(NO_OBJECT_END))?;
    rest = rest
        .strip_prefix('{')
        .ok_or(End::Malformed(NO_OBJECT_END))?;
    rest = skip_space(rest).ok_or(End::Malformed(MALFORMED))?;
    loop {
        if rest.starts_with('}') {
            return Ok(());
        }
        rest = rest
            .strip_prefix('"')
            .ok_or(End::Malformed(NO_OBJECT_END))?;
        let (key, after) = split_string(rest).ok_or(End::Malformed(MALFORMED))?;
        let unescaped;
        let key = if key.contains('\\') {
            unescaped = unescape(key).ok_or(End::Malformed(BAD_ESCAPE))?;
            unescaped.as_str()
        } else {
            key
        };
        rest = skip_space(after).ok_or(End::Malformed(MALFORMED))?;
        rest = rest.strip_prefix(':').ok_or(End::Malformed(MALFORMED))?;
        let (value, after) = value(rest).map_err(End::Malformed)?;
        visit(key, value)?;
        rest = skip_space(after).ok_or(End::Malformed(NO_ARRAY_END))?;
        if rest.starts_with('}') {
            return Ok(());
        }
        rest = rest
            .strip_prefix(',')
            .ok_or(End::Malformed(NO_OBJECT_END))?;
        rest = skip_space(rest).ok_or(End::Malformed(NO_ARRAY_END))?;
    }
}

/// Whether objects may be read at this depth.
pub(super) fn check_depth(depth: usize) -> Result<(), End> {
    if depth > MAX_DEPTH {
        Err(End::Malformed(TOO_DEEP))
    } else {
        Ok(())
    }
}

/// What follows white space; `None` if nothing does.
pub(super) fn skip_space(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches([' ', '\n', '\r', '\t']);
    if rest.is_empty() { None } else { Some(rest) }
}

/// The string up to its closing quote, and what follows the quote.
pub(super) fn split_string(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let found = memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        at += 2;
    }
}

/// The value at the start of `text`, and what follows it.
pub(super) fn value(text: &str) -> Result<(Value<'_>, &str), &'static str> {
    let text = skip_space(text).ok_or(MALFORMED)?;
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'"') => {
            let (string, rest) = split_string(&text[1..]).ok_or(NO_STRING_END)?;
            Ok((Value::String(string), rest))
        }
        Some(b'[') => {
            let (array, rest) = split_block(text, b'[', b']').ok_or(NO_ARRAY_END)?;
            Ok((Value::Array(array), rest))
        }
        Some(b'{') => {
            let (object, rest) = split_block(text, b'{', b'}').ok_or(NO_OBJECT_END)?;
            Ok((Value::Object(object), rest))
        }
        first => {
            let is_end = |c: char| matches!(c, ' ' | '\n' | '\r' | '\t' | ',' | '}' | ']');
            let end = text.find(is_end).unwrap_or(text.len());
            let (token, rest) = text.split_at(end);
            let value = match (first, token) {
                (_, "true" | "false") => Value::Boolean(token),
                (_, "null") => Value::Null,
                (Some(b'0'..=b'9' | b'-'), _) => Value::Number(token),
                _ => return Err(UNKNOWN_TYPE),
            };
            Ok((value, rest))
        }
    }
}

/// The block that `text` begins with, brackets included, and what follows it.
pub(super) fn split_block(text: &str, open: u8, close: u8) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut level = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' {
            let (string, _) = split_string(text.get(at + 1..)?)?;
            at += string.len() + 1;
        } else if *byte == open {
            level += 1;
        } else if *byte == close {
            level = level.checked_sub(1)?;
            if level == 0 {
                return Some(text.split_at(at + 1));
            }
        }
        at += 1;
    }
    None
}

/// A string's value as a label has it: what cannot be unescaped is empty, and what is not Unicode
/// becomes a space.
pub(super) fn label_value(escaped: &str) -> Cow<'_, str> {
    let value: Cow<'_, str> = if memchr::memchr(b'\\', escaped.as_bytes()).is_some() {
        unescape(escaped).unwrap_or_default().into()
    } else {
        escaped.into()
    };
    if has_replacement(&value) {
        value.replace('\u{fffd}', " ").into()
    } else {
        value
    }
}

/// Whether what is not Unicode was in a text. Most texts have not even the first byte of the character
/// that stands for it, which is sooner seen.
pub(super) fn has_replacement(text: &str) -> bool {
    text.as_bytes().contains(&0xef) && text.contains('\u{fffd}')
}

/// A string without its escapes; `None` if one of them is not JSON's.
pub(super) fn unescape(escaped: &str) -> Option<String> {
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let kind = rest.chars().next()?;
        rest = &rest[kind.len_utf8()..];
        match kind {
            '"' | '\\' | '/' => out.push(kind),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let (first, after) = hexadecimal(rest)?;
                rest = after;
                if (0xd800..=0xdfff).contains(&first) {
                    let (second, after) = hexadecimal(rest.strip_prefix("\\u")?)?;
                    rest = after;
                    if second < 0xdc00 {
                        return None;
                    }
                    // Halves that make no pair come out as Go's replacement character.
                    let high = first.wrapping_sub(0xd800) << 10;
                    let pair = 0x1_0000_u32
                        .wrapping_add(high)
                        .wrapping_add(second - 0xdc00);
                    out.push(char::from_u32(pair).unwrap_or('\u{fffd}'));
                } else {
                    out.push(char::from_u32(first)?);
                }
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(out)
}

fn hexadecimal(text: &str) -> Option<(u32, &str)> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, &text[4..]))
}

/// A label name made of a key: what a name may not have becomes `_`.
pub(super) fn sanitize(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 1);
    append_sanitized(&mut out, key);
    out
}

/// Appends what a label name may have of `key`.
pub(super) fn append_sanitized(out: &mut String, key: &str) {
    let key = key.trim();
    if out.is_empty() && key.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if key.bytes().all(is_legal) {
        out.push_str(key);
        return;
    }
    out.extend(
        key.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> (Vec<String>, Result<(), End>) {
        let mut keys = Vec::new();
        let end = each(text, &mut |key, _| {
            keys.push(key.to_owned());
            Ok(())
        });
        (keys, end)
    }

    #[test]
    fn what_is_no_object_is_told_in_lokis_words() {
        let cases = [
            ("{\"broken\": ", MALFORMED),
            ("not json at all", NO_OBJECT_END),
            ("{\"a\":nope}", UNKNOWN_TYPE),
            ("{\"a\":\"x}", NO_STRING_END),
            ("{\"a\":[1}", NO_ARRAY_END),
            ("{\"a\":1 \"b\":2}", NO_OBJECT_END),
            ("{\"a\":1", NO_ARRAY_END),
            ("", NO_OBJECT_END),
        ];
        for (text, wanted) in cases {
            assert_eq!(keys(text).1, Err(End::Malformed(wanted)), "{text}");
        }
    }

    #[test]
    fn keys_before_a_fault_are_read() {
        assert_eq!(keys("{\"a\":1, \"b\":nope}").0, ["a"]);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(
            unescape(r"a\n\u00e9\ud83d\ude00"),
            Some("a\né😀".to_owned())
        );
        assert_eq!(unescape(r"\x"), None);
        assert_eq!(label_value(r"\ud83d"), "");
    }
}
