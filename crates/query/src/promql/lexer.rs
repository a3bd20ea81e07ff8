//! From bytes to tokens.
//!
//! What a character means depends on where it stands: keywords are plain names inside braces, and
//! inside brackets only the names of the duration functions are words. The grammar therefore asks
//! for the next token of one of these three kinds of place.

use crate::error::ParseError;
use crate::promql::ast::{AggregateOp, BinaryOp, Extension};
use crate::quote;

/// A piece of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it starts and where it ends, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a piece of the query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    /// A name without a colon that is no keyword (inside braces: any name).
    Name,
    /// A name with a colon, which only metrics may have.
    MetricName,
    Keyword(Keyword),
    Number,
    Duration,
    String,
    Operator(BinaryOp),
    /// `=`, which is no operator outside of braces, and `=~`, `!~`. `!=` is [`BinaryOp::Ne`].
    Assign,
    Matches,
    MatchesNot,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    At,
}

/// A word with a meaning of its own, in any mixture of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Aggregate(AggregateOp),
    /// `and`, `or`, `unless`.
    Set(BinaryOp),
    Atan2,
    Offset,
    Extension(Extension),
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
    /// `inf` and `nan`.
    Number,
}

impl Keyword {
    /// The longest keyword has this many letters.
    const LONGEST: usize = 12;

    /// The keyword that `word` is, whatever its cases.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        let mut lower = [0; Self::LONGEST];
        let lower = lower.get_mut(..word.len())?;
        for (to, from) in lower.iter_mut().zip(word) {
            *to = from.to_ascii_lowercase();
        }
        Some(match &*lower {
            b"and" => Self::Set(BinaryOp::And),
            b"or" => Self::Set(BinaryOp::Or),
            b"unless" => Self::Set(BinaryOp::Unless),
            b"atan2" => Self::Atan2,
            b"sum" => Self::Aggregate(AggregateOp::Sum),
            b"avg" => Self::Aggregate(AggregateOp::Avg),
            b"count" => Self::Aggregate(AggregateOp::Count),
            b"min" => Self::Aggregate(AggregateOp::Min),
            b"max" => Self::Aggregate(AggregateOp::Max),
            b"group" => Self::Aggregate(AggregateOp::Group),
            b"stddev" => Self::Aggregate(AggregateOp::Stddev),
            b"stdvar" => Self::Aggregate(AggregateOp::Stdvar),
            b"topk" => Self::Aggregate(AggregateOp::Topk),
            b"bottomk" => Self::Aggregate(AggregateOp::Bottomk),
            b"count_values" => Self::Aggregate(AggregateOp::CountValues),
            b"quantile" => Self::Aggregate(AggregateOp::Quantile),
            b"limitk" => Self::Aggregate(AggregateOp::Limitk),
            b"limit_ratio" => Self::Aggregate(AggregateOp::LimitRatio),
            b"offset" => Self::Offset,
            b"smoothed" => Self::Extension(Extension::Smoothed),
            b"anchored" => Self::Extension(Extension::Anchored),
            b"by" => Self::By,
            b"without" => Self::Without,
            b"on" => Self::On,
            b"ignoring" => Self::Ignoring,
            b"group_left" => Self::GroupLeft,
            b"group_right" => Self::GroupRight,
            b"fill" => Self::Fill,
            b"fill_left" => Self::FillLeft,
            b"fill_right" => Self::FillRight,
            b"bool" => Self::Bool,
            b"start" => Self::Start,
            b"end" => Self::End,
            b"step" => Self::Step,
            b"range" => Self::Range,
            b"max_of" => Self::MaxOf,
            b"min_of" => Self::MinOf,
            b"inf" | b"nan" => Self::Number,
            _ => return None,
        })
    }

    /// Whether a metric may have this name without quotes.
    pub(super) const fn names_a_metric(self) -> bool {
        match self {
            Self::Aggregate(_)
            | Self::Set(_)
            | Self::Offset
            | Self::Extension(_)
            | Self::By
            | Self::Without
            | Self::Fill
            | Self::FillLeft
            | Self::FillRight
            | Self::Start
            | Self::End
            | Self::Step
            | Self::Range
            | Self::MaxOf
            | Self::MinOf => true,
            Self::Atan2
            | Self::On
            | Self::Ignoring
            | Self::GroupLeft
            | Self::GroupRight
            | Self::Bool
            | Self::Number => false,
        }
    }

    /// Whether a label in `by (…)`, `on (…)` and the like may have this name without quotes.
    pub(super) const fn names_a_label(self) -> bool {
        !matches!(self, Self::Without | Self::Number)
    }
}

/// Reads tokens off a query.
pub(super) struct Lexer<'a> {
    pub(super) query: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(query: &'a str) -> Self {
        Self { query, at: 0 }
    }

    /// The text from `start` to `end`.
    pub(super) fn text(&self, token: Token) -> &'a str {
        self.query.get(token.start..token.end).unwrap_or_default()
    }

    /// The byte `ahead` of the place that is read next; 0 behind the end, which no token contains.
    fn peek(&self, ahead: usize) -> u8 {
        self.query
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
                _ => return,
            }
        }
    }

    fn skip_while(&mut self, holds: impl Fn(u8) -> bool) {
        let rest = self.query.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !holds(*byte));
        self.at += length.unwrap_or(rest.len());
    }

    fn token(&mut self, kind: Kind, length: usize) -> Token {
        let start = self.at;
        self.at += length;
        Token {
            kind,
            start,
            end: self.at,
        }
    }

    fn since(&self, kind: Kind, start: usize) -> Token {
        Token {
            kind,
            start,
            end: self.at,
        }
    }

    fn error(&self, at: usize, message: impl Into<String>) -> ParseError {
        ParseError::at(self.query, at, message)
    }

    fn unexpected(&self) -> ParseError {
        let rest = self.query.get(self.at..).unwrap_or_default();
        match rest.chars().next() {
            Some(char) => self.error(self.at, format!("unexpected character {char:?}")),
            None => self.error(self.at, "unexpected end of the query"),
        }
    }

    /// The next token of an expression.
    pub(super) fn next(&mut self) -> Result<Token, ParseError> {
        self.skip_blanks();
        let operator = Kind::Operator;
        Ok(match self.peek(0) {
            0 if self.at >= self.query.len() => self.token(Kind::End, 0),
            b'(' => self.token(Kind::OpenParen, 1),
            b')' => self.token(Kind::CloseParen, 1),
            b'{' => self.token(Kind::OpenBrace, 1),
            b'}' => self.token(Kind::CloseBrace, 1),
            b'[' => self.token(Kind::OpenBracket, 1),
            b']' => self.token(Kind::CloseBracket, 1),
            b',' => self.token(Kind::Comma, 1),
            b'@' => self.token(Kind::At, 1),
            b'+' => self.token(operator(BinaryOp::Add), 1),
            b'-' => self.token(operator(BinaryOp::Sub), 1),
            b'*' => self.token(operator(BinaryOp::Mul), 1),
            b'/' => self.token(operator(BinaryOp::Div), 1),
            b'%' => self.token(operator(BinaryOp::Mod), 1),
            b'^' => self.token(operator(BinaryOp::Pow), 1),
            b'=' if self.peek(1) == b'=' => self.token(operator(BinaryOp::Eq), 2),
            b'=' if self.peek(1) == b'~' => self.token(Kind::Matches, 2),
            b'=' => self.token(Kind::Assign, 1),
            b'!' if self.peek(1) == b'=' => self.token(operator(BinaryOp::Ne), 2),
            b'!' if self.peek(1) == b'~' => self.token(Kind::MatchesNot, 2),
            b'<' if self.peek(1) == b'=' => self.token(operator(BinaryOp::Le), 2),
            b'<' if self.peek(1) == b'/' => self.token(operator(BinaryOp::TrimUpper), 2),
            b'<' => self.token(operator(BinaryOp::Lt), 1),
            b'>' if self.peek(1) == b'=' => self.token(operator(BinaryOp::Ge), 2),
            b'>' if self.peek(1) == b'/' => self.token(operator(BinaryOp::TrimLower), 2),
            b'>' => self.token(operator(BinaryOp::Gt), 1),
            b'"' | b'\'' | b'`' => self.string()?,
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek(1).is_ascii_digit() => self.number()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => self.word(),
            _ => return Err(self.unexpected()),
        })
    }

    /// The next token between the braces of a selector.
    pub(super) fn next_in_braces(&mut self) -> Result<Token, ParseError> {
        self.skip_blanks();
        Ok(match self.peek(0) {
            0 if self.at >= self.query.len() => self.token(Kind::End, 0),
            b'}' => self.token(Kind::CloseBrace, 1),
            b',' => self.token(Kind::Comma, 1),
            b'=' if self.peek(1) == b'~' => self.token(Kind::Matches, 2),
            b'=' => self.token(Kind::Assign, 1),
            b'!' if self.peek(1) == b'=' => self.token(Kind::Operator(BinaryOp::Ne), 2),
            b'!' if self.peek(1) == b'~' => self.token(Kind::MatchesNot, 2),
            b'"' | b'\'' | b'`' => self.string()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let start = self.at;
                self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                self.since(Kind::Name, start)
            }
            _ => return Err(self.unexpected()),
        })
    }

    /// The next token between the brackets of a range.
    pub(super) fn next_in_brackets(&mut self) -> Result<Token, ParseError> {
        self.skip_blanks();
        let start = self.at;
        match self.peek(0) {
            b':' => Ok(self.token(Kind::Colon, 1)),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.skip_while(|byte| byte.is_ascii_alphabetic() || byte == b'_');
                let token = self.since(Kind::Name, start);
                match Keyword::of(self.text(token).as_bytes()) {
                    Some(
                        word @ (Keyword::Step | Keyword::Range | Keyword::MinOf | Keyword::MaxOf),
                    ) => Ok(self.since(Kind::Keyword(word), start)),
                    Some(_) | None => Err(self.error(
                        start,
                        "expected a duration such as 5m, step(), range(), min_of(…) or max_of(…)",
                    )),
                }
            }
            _ => self.next(),
        }
    }

    /// A name or a keyword.
    fn word(&mut self) -> Token {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
        let name = self.since(Kind::Name, start);
        let word = self.text(name).as_bytes();
        let kind = match Keyword::of(word) {
            Some(Keyword::Atan2) => Kind::Operator(BinaryOp::Atan2),
            Some(Keyword::Number) => Kind::Number,
            // These were names of metrics before they were words, and still are where no list
            // follows.
            Some(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)
                if !self.followed_by_paren() =>
            {
                Kind::Name
            }
            Some(keyword) => Kind::Keyword(keyword),
            None if word.contains(&b':') => Kind::MetricName,
            None => Kind::Name,
        };
        self.since(kind, start)
    }

    fn followed_by_paren(&self) -> bool {
        let rest = self.query.as_bytes().get(self.at..).unwrap_or_default();
        let blank = |byte: &&u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        rest.iter().find(blank) == Some(&b'(')
    }

    /// A string with its quotes. Its escapes are judged where its value is made.
    fn string(&mut self) -> Result<Token, ParseError> {
        let start = self.at;
        let quote = self.peek(0);
        self.at += 1;
        loop {
            self.skip_while(|byte| byte != quote && byte != b'\\' && byte != b'\n');
            match self.peek(0) {
                byte if byte == quote => {
                    self.at += 1;
                    return Ok(self.since(Kind::String, start));
                }
                b'\\' if quote != b'`' && self.at + 1 < self.query.len() => self.at += 2,
                b'\\' | b'\n' if quote == b'`' => self.at += 1,
                b'\n' => {
                    return Err(self.error(
                        start,
                        "the string does not end on its line; write \\n, or use backticks",
                    ));
                }
                _ => return Err(self.error(start, "the string does not end")),
            }
        }
    }

    /// The value of a string token.
    pub(super) fn unquote(&self, token: Token) -> Result<crate::Text, ParseError> {
        let literal = self.text(token);
        // Prometheus takes this character for a byte that is not UTF-8, and refuses it.
        if let Some(at) = literal.find('\u{fffd}') {
            let message = "the string holds the replacement character; write it as \\ufffd";
            return Err(self.error(token.start + at, message));
        }
        quote::unquote(literal)
            .map_err(|error| self.error(token.start + error.offset, error.message))
    }

    /// A number or a duration, by the rules of Prometheus's lexer; the value is made elsewhere.
    fn number(&mut self) -> Result<Token, ParseError> {
        let start = self.at;
        if self.scan_number() {
            return Ok(self.since(Kind::Number, start));
        }
        if self.scan_duration() {
            return Ok(self.since(Kind::Duration, start));
        }
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
        let text = self.text(self.since(Kind::Number, start));
        Err(self.error(
            start,
            format!("{text:?} is neither a number nor a duration"),
        ))
    }

    fn accept(&mut self, holds: impl Fn(u8) -> bool) -> bool {
        let accepted = self.at < self.query.len() && holds(self.peek(0));
        self.at += usize::from(accepted);
        accepted
    }

    /// Reads as much as belongs to a number; whether that is one, and ends like one.
    fn scan_number(&mut self) -> bool {
        let mut hexadecimal = false;
        if self.accept(|byte| byte == b'0') && self.accept(|byte| matches!(byte, b'x' | b'X')) {
            self.accept(|byte| byte == b'_');
            hexadecimal = true;
        }
        let digit = |byte: u8| match hexadecimal {
            true => byte.is_ascii_hexdigit(),
            false => byte.is_ascii_digit(),
        };
        let exponent = |byte: u8| matches!(byte, b'e' | b'E');
        self.accept(|byte| byte == b'.');
        self.accept(digit);
        let mut dot = false;
        let mut raised = false;
        loop {
            let byte = self.peek(0);
            if byte == b'.' {
                self.at += 1;
                // A second dot, a dot before an underscore, or one in a hexadecimal number.
                if dot || hexadecimal || self.accept(|byte| matches!(byte, b'_' | b'.')) {
                    return false;
                }
                dot = true;
            } else if exponent(byte) {
                // In a hexadecimal number, too: Prometheus reads 0x1e+5 as one piece.
                self.at += 1;
                if raised {
                    return false;
                }
                raised = true;
                self.accept(|byte| matches!(byte, b'+' | b'-'));
                if self.not_more() {
                    return false;
                }
            } else if byte == b'_' {
                self.at += 1;
                if self.not_more() {
                    return false;
                }
            } else if digit(byte) {
                self.skip_while(digit);
            } else {
                return !(byte.is_ascii_alphanumeric() || byte == b'_');
            }
        }
    }

    /// Whether what follows cannot continue a number after an exponent or an underscore.
    fn not_more(&mut self) -> bool {
        self.at >= self.query.len() || self.accept(|byte| matches!(byte, b'.' | b'_' | b'e' | b'E'))
    }

    /// Reads the rest of a duration behind its first digits; whether it ends like one.
    fn scan_duration(&mut self) -> bool {
        if !self.accept(|byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w' | b'y')) {
            return false;
        }
        self.accept(|byte| byte == b's');
        while self.peek(0).is_ascii_digit() {
            self.skip_while(|byte| byte.is_ascii_digit());
            if !self.accept(|byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w')) {
                return false;
            }
            self.accept(|byte| byte == b's');
        }
        !(self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_')
    }
}
