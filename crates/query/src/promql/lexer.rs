//! From bytes to tokens.
//!
//! What a character means depends on where it stands: keywords are plain names inside braces, and
//! inside brackets only the names of the duration functions are words. The grammar therefore asks
//! for the next token of one of these three kinds of place.

mod keyword;
mod number;

use crate::error::{ParseError, Parsed};
use crate::matcher::MatchOp;
use crate::promql::ast::BinaryOp;
use crate::quote;
use crate::word;
pub(super) use keyword::Keyword;

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

impl Kind {
    /// The operator between a label and its value that this is.
    pub(super) fn match_op(self) -> Option<MatchOp> {
        const OPERATORS: [(Kind, MatchOp); 4] = [
            (Kind::Assign, MatchOp::Equal),
            (Kind::Operator(BinaryOp::Ne), MatchOp::NotEqual),
            (Kind::Matches, MatchOp::Regex),
            (Kind::MatchesNot, MatchOp::NotRegex),
        ];
        let found = OPERATORS.iter().find(|(kind, _)| *kind == self);
        found.map(|(_, op)| *op)
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

    fn skip_word(&mut self) {
        let rest = self.query.as_bytes().get(self.at..).unwrap_or_default();
        self.at += word::length(rest);
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

    fn error(&self, at: usize, message: impl Into<String>) -> Box<ParseError> {
        Box::new(ParseError::at(self.query, at, message))
    }

    fn unexpected(&self) -> Box<ParseError> {
        let rest = self.query.get(self.at..).unwrap_or_default();
        match rest.chars().next() {
            Some(char) => self.error(self.at, format!("unexpected character {char:?}")),
            None => self.error(self.at, "unexpected end of the query"),
        }
    }

    /// The next token of an expression.
    pub(super) fn next(&mut self) -> Parsed<Token> {
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
    pub(super) fn next_in_braces(&mut self) -> Parsed<Token> {
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
                self.skip_word();
                self.since(Kind::Name, start)
            }
            _ => return Err(self.unexpected()),
        })
    }

    /// The next token between the brackets of a range.
    pub(super) fn next_in_brackets(&mut self) -> Parsed<Token> {
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
        self.skip_word();
        if self.peek(0) == b':' {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
            return self.since(Kind::MetricName, start);
        }
        let word = self.query.as_bytes().get(start..self.at);
        let kind = match Keyword::of(word.unwrap_or_default()) {
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
    fn string(&mut self) -> Parsed<Token> {
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
    pub(super) fn unquote(&self, token: Token) -> Parsed<crate::Text> {
        let literal = self.text(token);
        // Prometheus takes this character for a byte that is not UTF-8, and refuses it.
        if let Some(at) = literal.find('\u{fffd}') {
            let message = "the string holds the replacement character; write it as \\ufffd";
            return Err(self.error(token.start + at, message));
        }
        quote::unquote(literal)
            .map_err(|error| self.error(token.start + error.offset, error.message))
    }
}
