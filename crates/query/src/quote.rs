//! String literals: Go's escapes, which both languages use.

use std::fmt;

use crate::text::Text;

/// Why a literal has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnquoteError {
    /// Offset in the literal, in bytes, of what is wrong.
    pub offset: usize,
    /// What is wrong.
    pub message: &'static str,
}

impl fmt::Display for UnquoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for UnquoteError {}

/// The value of a whole literal with its quotes: `"…"` and `'…'` with escapes, or `` `…` ``, in
/// which a backslash is a backslash.
///
/// The escapes are Go's: `\a \b \f \n \r \t \v \\`, the literal's own quote, `\x` with two hex
/// digits and `\` with three octal digits (each one byte), `\u` with four and `\U` with eight hex
/// digits (each one character, no surrogate).
///
/// # Errors
/// A quote is missing or stands in the middle, a newline stands in `"…"` or `'…'`, or an escape
/// is none of these.
pub fn unquote(literal: &str) -> Result<Text, UnquoteError> {
    let bytes = literal.as_bytes();
    let (Some(&quote), Some(&last)) = (bytes.first(), bytes.last()) else {
        return error(0, "a string starts with a quote");
    };
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return error(0, "a string starts with a quote");
    }
    if bytes.len() < 2 || last != quote {
        return error(bytes.len(), "a string ends with the quote it starts with");
    }
    let inner = bytes.get(1..bytes.len() - 1).unwrap_or_default();
    let special = |byte: &u8| match quote {
        b'`' => *byte == b'`',
        _ => *byte == b'\\' || *byte == b'\n' || *byte == quote,
    };
    // Most literals have nothing to unescape.
    let Some(first) = inner.iter().position(special) else {
        return Ok(Text::from(inner));
    };
    let mut value = Vec::with_capacity(inner.len());
    value.extend_from_slice(inner.get(..first).unwrap_or_default());
    let mut rest = Escaped {
        bytes: inner,
        at: first,
    };
    while let Some(byte) = rest.next() {
        if byte == b'\\' && quote != b'`' {
            rest.escape(quote, &mut value)?;
        } else if byte == quote {
            return error(
                rest.at,
                "a quote inside a string is written with a backslash",
            );
        } else if byte == b'\n' && quote != b'`' {
            return error(rest.at, "a string in quotes ends on its line");
        } else {
            value.push(byte);
        }
    }
    Ok(Text::from(value))
}

/// The inside of a literal, read from `at`.
struct Escaped<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Escaped<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// Reads the escape whose backslash has just been read.
    fn escape(&mut self, quote: u8, value: &mut Vec<u8>) -> Result<(), UnquoteError> {
        // The opening quote stands before `bytes`, so the backslash is at `self.at` in the literal.
        let start = self.at;
        let Some(kind) = self.next() else {
            return error(start, "the escape sequence is not complete");
        };
        let byte = match kind {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'\\' => b'\\',
            _ if kind == quote => quote,
            b'x' => self.byte(2, 16)?,
            b'0'..=b'7' => {
                self.at -= 1;
                self.byte(3, 8)?
            }
            b'u' | b'U' => {
                let code = self.digits(if kind == b'u' { 4 } else { 8 }, 16)?;
                let Some(char) = char::from_u32(code) else {
                    return error(start, "the escape sequence is no Unicode character");
                };
                value.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return error(start, "unknown escape sequence"),
        };
        value.push(byte);
        Ok(())
    }

    fn byte(&mut self, count: usize, radix: u32) -> Result<u8, UnquoteError> {
        let start = self.at;
        let code = self.digits(count, radix)?;
        match u8::try_from(code) {
            Ok(byte) => Ok(byte),
            Err(_) => error(start, "the escape sequence is greater than a byte"),
        }
    }

    fn digits(&mut self, count: usize, radix: u32) -> Result<u32, UnquoteError> {
        let mut code: u32 = 0;
        for _ in 0..count {
            let start = self.at;
            let digit = self
                .next()
                .and_then(|byte| char::from(byte).to_digit(radix));
            let Some(digit) = digit else {
                return error(start + 1, "the escape sequence has too few digits");
            };
            // Eight hexadecimal digits fit exactly.
            code = code.wrapping_mul(radix).wrapping_add(digit);
        }
        Ok(code)
    }
}

fn error<T>(offset: usize, message: &'static str) -> Result<T, UnquoteError> {
    Err(UnquoteError { offset, message })
}

/// Appends `bytes` to `out` as a literal in double quotes that means exactly these bytes.
///
/// There is one such literal for a value: printable text stands for itself, control characters
/// have Go's short escapes or `\x`, bytes that are not UTF-8 have `\x`.
pub fn push_quoted(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        push_text(out, chunk.valid());
        for byte in chunk.invalid() {
            push_hex(out, 'x', 2, u32::from(*byte));
        }
    }
    out.push('"');
}

/// The literal in double quotes that means exactly this text; see [`push_quoted`].
#[must_use]
pub fn quote(text: &Text) -> String {
    let mut out = String::with_capacity(text.as_bytes().len() + 2);
    push_quoted(&mut out, text.as_bytes());
    out
}

fn push_text(out: &mut String, text: &str) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push_str(text);
        return;
    }
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(char),
            '\0'..='\x7f' => push_hex(out, 'x', 2, u32::from(char)),
            // U+FFFD is what Prometheus's lexer takes for broken UTF-8, U+FEFF is refused by
            // Loki's, and line separators and C1 controls should not hide in a log.
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffd}' => {
                push_hex(out, 'u', 4, u32::from(char));
            }
            _ => out.push(char),
        }
    }
}

fn push_hex(out: &mut String, kind: char, digits: u32, code: u32) {
    out.push('\\');
    out.push(kind);
    for place in (0..digits).rev() {
        out.push(char::from_digit(code >> (4 * place) & 0xf, 16).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_what_go_says() {
        let cases: &[(&str, &[u8])] = &[
            (r#""""#, b""),
            (r#""a\"b'c""#, br#"a"b'c"#),
            (r"'a\'b'", b"a'b"),
            (r"`a\d`", br"a\d"),
            ("`a\nb`", b"a\nb"),
            (r#""\a\b\f\n\r\t\v\\""#, b"\x07\x08\x0c\n\r\t\x0b\\"),
            (r#""\xff\101\377""#, b"\xffA\xff"),
            (r#""\u00e9\U0001f600""#, "\u{e9}\u{1f600}".as_bytes()),
            ("\"\u{e9}\\n\"", "\u{e9}\n".as_bytes()),
        ];
        for (literal, value) in cases {
            assert_eq!(
                unquote(literal).map(|text| text.as_bytes().to_vec()),
                Ok(value.to_vec()),
                "{literal}"
            );
        }
    }

    #[test]
    fn what_go_refuses_is_refused_at_its_place() {
        let cases = [
            ("", 0),
            ("a", 0),
            ("\"", 1),
            ("\"a'", 3),
            ("\"a\nb\"", 2),
            (r#""a"b""#, 2),
            ("`a`b`", 2),
            (r#""\""#, 1),
            (r#""a\'""#, 2),
            (r#""\d""#, 1),
            (r#""\x1""#, 4),
            (r#""\400""#, 1),
            (r#""\18""#, 3),
            (r#""\ud800""#, 1),
            (r#""\U00110000""#, 1),
            (r#""\Uffffffff""#, 1),
        ];
        for (literal, offset) in cases {
            assert_eq!(
                unquote(literal).map_err(|error| error.offset),
                Err(offset),
                "{literal}"
            );
        }
    }

    #[test]
    fn quoting_is_undone_by_unquoting() {
        let cases: &[(&[u8], &str)] = &[
            (b"", r#""""#),
            (b"plain", r#""plain""#),
            (b"a\"b\\c", r#""a\"b\\c""#),
            (b"\x00\n\x7f", r#""\x00\n\x7f""#),
            (b"\xff\xc3\xa9", "\"\\xff\u{e9}\""),
            (
                "\u{85}\u{fffd}\u{feff}".as_bytes(),
                r#""\u0085\ufffd\ufeff""#,
            ),
        ];
        for (value, literal) in cases {
            let text = Text::from(value.to_vec());
            assert_eq!(quote(&text), *literal);
            assert_eq!(unquote(literal), Ok(text));
        }
    }
}
