//! Tokens of LogQL.
//!
//! Loki's lexer is Go's `text/scanner` with additions, and it decides by what follows: `rate` is a
//! function before `(` (or before `by (`) and a label's name elsewhere, `-5m` is one duration and
//! `-5` two tokens. What Loki takes for an identifier of one odd character (`@`, `$`) is refused.

mod keyword;

use self::keyword::{KEYWORD_BYTES, is_function, keyword};
use super::ast::{Conversion, RangeOp, VectorOp};
use super::literal;
use crate::error::{ParseError, Parsed};
use crate::word;

/// A token and where it stands in the query, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// What a token is. Durations are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Identifier,
    String,
    Number,
    Duration(i64),
    Bytes(u64),
    /// `[5m]`
    Range(i64),
    Strict,
    KeepEmpty,
    Comma,
    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    Pipe,
    PipeExact,
    PipeMatch,
    PipePattern,
    NotPattern,
    Equal,
    NotEqual,
    Regex,
    NotRegex,
    Compare,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Or,
    And,
    Unless,
    By,
    Without,
    Bool,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Offset,
    Unwrap,
    Json,
    Logfmt,
    Regexp,
    Pattern,
    Unpack,
    Decolorize,
    LabelFormat,
    LineFormat,
    Drop,
    Keep,
    Ip,
    Vector,
    LabelReplace,
    RangeAggregate(RangeOp),
    Aggregate(VectorOp),
    Convert(Conversion),
}

/// Reads tokens from a query, one at a time.
pub(super) struct Lexer<'q> {
    query: &'q str,
    bytes: &'q [u8],
    at: usize,
}

impl<'q> Lexer<'q> {
    pub(super) fn new(query: &'q str) -> Self {
        Self {
            query,
            bytes: query.as_bytes(),
            // Go's scanner ignores a byte order mark at the very start.
            at: if query.starts_with('\u{feff}') { 3 } else { 0 },
        }
    }

    /// The next token; at the end of the query `End`, as often as asked.
    pub(super) fn next(&mut self) -> Parsed<Token> {
        self.skip_blanks()?;
        let start = self.at;
        let Some(&first) = self.bytes.get(start) else {
            return Ok(Token {
                kind: Kind::End,
                start,
                end: start,
            });
        };
        let second = self.bytes.get(start + 1).copied().unwrap_or_default();
        let (kind, length) = match (first, second) {
            (b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.., _) => self.word()?,
            (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => self.number()?,
            (b'"', _) => (Kind::String, self.quoted()?),
            (b'`', _) => (Kind::String, self.raw()?),
            (b'[', _) => self.range()?,
            (b'-', _) => self.minus(),
            (b'!', b'=') => (Kind::NotEqual, 2),
            (b'!', b'~') => (Kind::NotRegex, 2),
            (b'!', b'>') => (Kind::NotPattern, 2),
            (b'=', b'~') => (Kind::Regex, 2),
            (b'=', b'=') => (Kind::Compare, 2),
            (b'|', b'=') => (Kind::PipeExact, 2),
            (b'|', b'~') => (Kind::PipeMatch, 2),
            (b'|', b'>') => (Kind::PipePattern, 2),
            (b'>', b'=') => (Kind::GreaterEqual, 2),
            (b'<', b'=') => (Kind::LessEqual, 2),
            (b'{', _) => (Kind::OpenBrace, 1),
            (b'}', _) => (Kind::CloseBrace, 1),
            (b'(', _) => (Kind::OpenParen, 1),
            (b')', _) => (Kind::CloseParen, 1),
            (b',', _) => (Kind::Comma, 1),
            (b'=', _) => (Kind::Equal, 1),
            (b'|', _) => (Kind::Pipe, 1),
            (b'>', _) => (Kind::Greater, 1),
            (b'<', _) => (Kind::Less, 1),
            (b'+', _) => (Kind::Add, 1),
            (b'*', _) => (Kind::Mul, 1),
            (b'/', _) => (Kind::Div, 1),
            (b'%', _) => (Kind::Mod, 1),
            (b'^', _) => (Kind::Pow, 1),
            (b'\'', _) => {
                return Err(self.error(
                    start,
                    "a string is written in double quotes or backticks, not in single quotes",
                ));
            }
            (0, _) => return Err(self.error(start, "a NUL character is not allowed")),
            _ => {
                return Err(self.error(
                    start,
                    format!("unexpected character {:?}", char::from(first)),
                ));
            }
        };
        self.at = start + length;
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }

    #[cold]
    fn error(&self, offset: usize, message: impl Into<String>) -> Box<ParseError> {
        Box::new(ParseError::at(self.query, offset, message))
    }

    fn rest(&self, from: usize) -> &'q [u8] {
        self.bytes.get(from..).unwrap_or_default()
    }

    /// White space and the three kinds of comment.
    fn skip_blanks(&mut self) -> Parsed<()> {
        loop {
            match self.rest(self.at) {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => self.at += 1,
                [b'#', ..] | [b'/', b'/', ..] => {
                    let comment = self.rest(self.at);
                    let length = comment.iter().position(|byte| *byte == b'\n');
                    let comment = comment.get(..length.unwrap_or(comment.len()));
                    self.refuse_nul(comment.unwrap_or_default())?;
                    self.at = length.map_or(self.bytes.len(), |length| self.at + length);
                }
                [b'/', b'*', inner @ ..] => {
                    let Some(length) = inner.windows(2).position(|pair| pair == b"*/") else {
                        return Err(self.error(self.at, "the comment is not closed with */"));
                    };
                    self.refuse_nul(inner.get(..length).unwrap_or_default())?;
                    self.at += length + 4;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Loki refuses a NUL wherever it stands, comments included.
    fn refuse_nul(&self, text: &[u8]) -> Parsed<()> {
        if text.contains(&0) {
            return Err(self.error(self.at, "a NUL character is not allowed"));
        }
        Ok(())
    }

    /// An identifier or a keyword, and its length.
    fn word(&self) -> Parsed<(Kind, usize)> {
        let rest = self.rest(self.at);
        let length = word::length(rest);
        if rest.get(length).is_some_and(|byte| !byte.is_ascii()) {
            return self.wide_word();
        }
        let word = rest.get(..length).unwrap_or_default();
        // Longer words than the longest keyword are names.
        let Some(lower) = word::lower::<KEYWORD_BYTES>(word) else {
            return Ok((Kind::Identifier, length));
        };
        let kind = match keyword(lower.get(..length).unwrap_or_default()) {
            Some(kind) if is_function(kind) => {
                let rest = self.query.get(self.at + length..).unwrap_or_default();
                if opens_call(rest) {
                    kind
                } else {
                    Kind::Identifier
                }
            }
            Some(kind) => kind,
            None => Kind::Identifier,
        };
        Ok((kind, length))
    }

    /// A word with characters outside of ASCII, which is never a keyword.
    #[cold]
    fn wide_word(&self) -> Parsed<(Kind, usize)> {
        let text = self.query.get(self.at..).unwrap_or_default();
        let length = text
            .char_indices()
            .find(|(at, c)| !is_identifier_char(*c, *at == 0))
            .map_or(text.len(), |(at, _)| at);
        let word = text.get(..length).unwrap_or_default();
        // The Kelvin sign and the dotted capital I are the only characters outside of ASCII whose
        // lower case is in it. Loki reads `\u{212a}eep` as `keep`; here it is refused, so that
        // nobody can hide a keyword in a name.
        let hiding = |c: char| matches!(c, '\u{212a}' | '\u{130}');
        // What is a letter to Unicode is not always one to Loki, which then ends the word in front
        // of it: `or\u{b2}` is `or` and something else.
        let prefix = word
            .get(..word::length(word.as_bytes()))
            .unwrap_or_default();
        let lower = word::lower::<KEYWORD_BYTES>(prefix.as_bytes()).unwrap_or_default();
        if let Some(kind) = keyword(lower.get(..prefix.len()).unwrap_or_default())
            && !is_function(kind)
        {
            let message = format!("{prefix} is a keyword, behind which a word ends");
            return Err(self.error(self.at, message));
        }
        if let Some(at) = word.find(hiding).or((length == 0).then_some(0)) {
            let char = text.get(at..).and_then(|text| text.chars().next());
            let char = char.unwrap_or_default();
            return Err(self.error(self.at + at, format!("unexpected character {char:?}")));
        }
        Ok((Kind::Identifier, length))
    }

    /// A number, or a duration or byte size that starts with one, and its length.
    fn number(&self) -> Parsed<(Kind, usize)> {
        let length = self.number_length()?;
        if let Some(found) = self.duration(length) {
            return Ok(found);
        }
        let more = self.run(length, |byte| {
            matches!(byte, b'B' | b'i' | b'k' | b'K' | b'M' | b'G' | b'T' | b'P')
        });
        if more > length {
            let text = self.query.get(self.at..self.at + more).unwrap_or_default();
            if let Some(value) = literal::bytes(text) {
                return Ok((Kind::Bytes(value), more));
            }
        }
        Ok((Kind::Number, length))
    }

    /// A duration that starts with the `length` bytes that were already taken.
    fn duration(&self, length: usize) -> Option<(Kind, usize)> {
        // U+00B5 is 0xC2 0xB5; other characters with these bytes give no valid duration.
        let more = self.run(length, |byte| {
            matches!(
                byte,
                b'n' | b'u' | b'm' | b's' | b'h' | b'd' | b'w' | b'y' | 0xc2 | 0xb5
            )
        });
        if more == length {
            return None;
        }
        let text = self.bytes.get(self.at..self.at + more)?;
        let nanos = literal::prometheus_duration(text).or_else(|| literal::go_duration(text))?;
        Some((Kind::Duration(nanos), more))
    }

    /// How far digits, points and `unit` bytes go on behind `length`.
    fn run(&self, length: usize, unit: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest(self.at + length);
        let more = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit() && *byte != b'.' && !unit(*byte))
            .unwrap_or(rest.len());
        length + more
    }

    /// The length of a Go number literal.
    fn number_length(&self) -> Parsed<usize> {
        let text = self.rest(self.at);
        let at = |index: usize| text.get(index).copied().unwrap_or_default();
        let digits = |mut from: usize, hexadecimal: bool| {
            while matches!(at(from), b'0'..=b'9' | b'_')
                || hexadecimal && at(from).is_ascii_hexdigit()
            {
                from += 1;
            }
            from
        };
        if at(0) == b'0' && matches!(at(1), b'b' | b'B' | b'o' | b'O') {
            // To Go's scanner `0b1` and `0B` are one piece, of which Loki then makes no number.
            return Err(self.error(self.at, "a number is written in decimal digits"));
        }
        let hexadecimal = at(0) == b'0' && matches!(at(1), b'x' | b'X');
        let start = if hexadecimal { 2 } else { 0 };
        let mut end = digits(start, hexadecimal);
        let mut float = false;
        if at(end) == b'.' {
            float = true;
            end = digits(end + 1, hexadecimal);
        }
        if hexadecimal && end - start == usize::from(float) {
            return Err(self.error(self.at, "a hexadecimal number without digits"));
        }
        let exponent = if hexadecimal { b'p' } else { b'e' };
        if at(end) | 0x20 == exponent {
            float = true;
            end += 1;
            if matches!(at(end), b'+' | b'-') {
                end += 1;
            }
            let from = end;
            end = digits(end, false);
            if from == end {
                return Err(self.error(self.at + end, "the exponent has no digits"));
            }
        } else if hexadecimal && float {
            return Err(self.error(self.at, "a hexadecimal fraction needs an exponent (p)"));
        }
        let text = text.get(..end).unwrap_or_default();
        let octal = !float && !hexadecimal && at(0) == b'0';
        if octal && text.iter().any(|digit| matches!(digit, b'8' | b'9')) {
            return Err(self.error(
                self.at,
                "a whole number that starts with 0 has the digits 0 to 7 only",
            ));
        }
        let misplaced = text.iter().enumerate().any(|(index, byte)| {
            // Behind the number may stand a label that looks like hexadecimal digits.
            let digit = |index: usize| {
                index < end
                    && (at(index).is_ascii_digit()
                        || hexadecimal && (index == 1 || at(index).is_ascii_hexdigit()))
            };
            *byte == b'_' && !(index > 0 && digit(index - 1) && digit(index + 1))
        });
        if misplaced {
            return Err(self.error(self.at, "_ stands between digits only"));
        }
        Ok(end)
    }

    /// A flag, a negative duration or the operator, and its length.
    fn minus(&self) -> (Kind, usize) {
        let text = self.query.get(self.at..).unwrap_or_default();
        for (flag, kind) in [
            ("--strict", Kind::Strict),
            ("--keep-empty", Kind::KeepEmpty),
        ] {
            if let Some(after) = text.strip_prefix(flag)
                && !after.starts_with(|c: char| c.is_alphabetic() || c == '-')
            {
                return (kind, flag.len());
            }
        }
        self.duration(1).unwrap_or((Kind::Sub, 1))
    }

    /// The length of a string in double quotes. Its escapes are checked where its value is taken.
    fn quoted(&self) -> Parsed<usize> {
        let text = self.rest(self.at);
        let mut at = 1;
        loop {
            let inner = text.get(at..).unwrap_or_default();
            let Some(length) = inner
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | b'\n' | 0))
            else {
                return Err(self.error(self.at, "the string is not closed"));
            };
            at += length;
            match text.get(at) {
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at += 2,
                Some(0) => return Err(self.error(self.at + at, "a NUL character is not allowed")),
                _ => {
                    return Err(self.error(self.at, "the string is not closed on its line"));
                }
            }
        }
    }

    fn raw(&self) -> Parsed<usize> {
        let inner = self.rest(self.at + 1);
        let Some(length) = inner.iter().position(|byte| *byte == b'`') else {
            return Err(self.error(self.at, "the string is not closed"));
        };
        self.refuse_nul(inner.get(..length).unwrap_or_default())?;
        Ok(length + 2)
    }

    fn range(&self) -> Parsed<(Kind, usize)> {
        let inner = self.rest(self.at + 1);
        let Some(length) = inner.iter().position(|byte| *byte == b']') else {
            return Err(self.error(self.at, "the range is not closed with ]"));
        };
        let text = inner.get(..length).unwrap_or_default();
        let Some(nanos) = literal::prometheus_duration(text) else {
            return Err(self.error(
                self.at + 1,
                "a range is a duration in whole numbers, such as [5m] or [1h30m]",
            ));
        };
        Ok((Kind::Range(nanos), length + 2))
    }
}

/// A letter, `_` or, not at the start, a digit, as Unicode has them.
fn is_identifier_char(c: char, first: bool) -> bool {
    c == '_' || c.is_alphabetic() && !c.is_numeric() || !first && c.is_numeric()
}

/// Whether what follows a function's name makes it a call: `(`, `by (` or `without (`.
fn opens_call(rest: &str) -> bool {
    if rest.starts_with('(') {
        return true;
    }
    let rest = rest.trim_start();
    if rest.starts_with('(') {
        return true;
    }
    ["by", "without"].into_iter().any(|word| {
        rest.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
            && rest
                .get(word.len()..)
                .is_some_and(|rest| rest.trim_start().starts_with('('))
    })
}
