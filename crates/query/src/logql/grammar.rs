//! The grammar: from tokens to the tree.
//!
//! Nothing here recurses. Expressions in brackets wait on a stack of their own, so that the depth
//! of a query costs heap and is limited, and every token is read once.

// The lint guards matches over trees. Here it is tokens, and each that is not named is an error.
#![allow(clippy::wildcard_enum_match_arm)]

mod filter;
mod metric;
mod pipeline;
mod range;

use super::ast::{Expr, Grouping, LogExpr, Selector};
use super::check;
use super::lexer::{Kind, Lexer, Token};
use super::literal;
use crate::error::{ParseError, Parsed};
use crate::limits::{MAX_DEPTH, MAX_QUERY_BYTES};
use crate::matcher::{MatchOp, Matcher};
use crate::number::Number;
use crate::quote;
use crate::small_str::SmallStr;
use crate::text::Text;

/// A part of the tree, and its height: how many levels of nodes it has.
type Tall<T> = (T, usize);

/// Parses a whole query. With `implied_selector`, one that starts with a pipeline, or is empty, is
/// taken as one on the empty selector.
pub(super) fn parse(query: &str, implied_selector: bool) -> Parsed<Expr> {
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("the query is longer than {MAX_QUERY_BYTES} bytes");
        return Err(Box::new(ParseError::at(query, MAX_QUERY_BYTES, message)));
    }
    let mut parser = Parser::new(query)?;
    if implied_selector && parser.at_pipeline() {
        let log = parser.log_pipeline(Selector::default())?;
        if parser.kind() != Kind::End {
            return Err(parser.unexpected("a pipeline stage or the end of the query"));
        }
        return Ok(Expr::Log(log));
    }
    parser.query()
}

/// The state of parsing: the lexer and the one token that is looked at.
struct Parser<'q> {
    query: &'q str,
    lexer: Lexer<'q>,
    token: Token,
}

impl<'q> Parser<'q> {
    fn new(query: &'q str) -> Parsed<Self> {
        let mut lexer = Lexer::new(query);
        let token = lexer.next()?;
        Ok(Self {
            query,
            lexer,
            token,
        })
    }

    fn kind(&self) -> Kind {
        self.token.kind
    }

    /// Goes on to the next token and gives the one that was looked at.
    fn advance(&mut self) -> Parsed<Token> {
        let token = self.token;
        self.token = self.lexer.next()?;
        Ok(token)
    }

    /// Goes on if the token is of this kind.
    fn take(&mut self, kind: Kind) -> Parsed<bool> {
        let found = self.kind() == kind;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, kind: Kind, expected: &str) -> Parsed<Token> {
        if self.kind() == kind {
            return self.advance();
        }
        Err(self.unexpected(expected))
    }

    fn source(&self, token: Token) -> &'q str {
        self.query.get(token.start..token.end).unwrap_or_default()
    }

    #[cold]
    fn error(&self, offset: usize, message: impl Into<String>) -> Box<ParseError> {
        Box::new(ParseError::at(self.query, offset, message))
    }

    /// The error that the token is none of what is `expected` here.
    fn unexpected(&self, expected: &str) -> Box<ParseError> {
        const SHOWN: usize = 40;
        let source = self.source(self.token);
        let found = match self.kind() {
            Kind::End => "the query ends here".to_owned(),
            _ if source.len() > SHOWN => {
                let shown: String = source.chars().take(SHOWN / 2).collect();
                format!("unexpected {shown}…")
            }
            _ => format!("unexpected {source}"),
        };
        self.error(self.token.start, format!("{found}, expected {expected}"))
    }

    fn too_deep(&self, offset: usize) -> Box<ParseError> {
        self.error(
            offset,
            format!("the query is nested deeper than {MAX_DEPTH} levels; each operator of a chain counts"),
        )
    }

    /// Whether a pipeline stage may start here, or nothing is left.
    fn at_pipeline(&self) -> bool {
        matches!(
            self.kind(),
            Kind::End
                | Kind::Pipe
                | Kind::PipeExact
                | Kind::PipeMatch
                | Kind::PipePattern
                | Kind::NotEqual
                | Kind::NotRegex
                | Kind::NotPattern
        )
    }

    fn identifier(&mut self, expected: &str) -> Parsed<SmallStr> {
        match self.kind() {
            Kind::Identifier => {
                let token = self.advance()?;
                Ok(self.source(token).into())
            }
            _ => Err(self.unexpected_name(expected)),
        }
    }

    /// As [`Self::unexpected`] where a label's name is expected; a keyword there is explained.
    fn unexpected_name(&self, expected: &str) -> Box<ParseError> {
        let source = self.source(self.token);
        if source.starts_with(|c: char| c.is_alphabetic()) {
            return self.error(
                self.token.start,
                format!("{source} is a keyword here, expected {expected}"),
            );
        }
        self.unexpected(expected)
    }

    /// The value of the string that is looked at.
    fn string(&mut self, expected: &str) -> Parsed<Text> {
        let token = self.expect(Kind::String, expected)?;
        self.unquote(token)
    }

    fn unquote(&self, token: Token) -> Parsed<Text> {
        quote::unquote(self.source(token))
            .map_err(|error| self.error(token.start + error.offset, error.message))
    }

    /// A number token as the literal it is, with the sign that stood before it.
    fn number(&self, sign: &str, token: Token) -> Parsed<Number> {
        let source = self.source(token);
        let Some(value) = literal::number(source) else {
            return Err(self.error(
                token.start,
                format!("{source} is no decimal number, or is too large for one"),
            ));
        };
        Ok(Number {
            value: if sign == "-" { -value } else { value },
            text: if sign.is_empty() {
                source.into()
            } else {
                [sign, source].concat().into()
            },
        })
    }

    /// A number with or without a sign, if one stands here.
    fn signed_number(&mut self) -> Parsed<Option<Number>> {
        let sign = match self.kind() {
            Kind::Number => "",
            Kind::Add => "+",
            Kind::Sub => "-",
            _ => return Ok(None),
        };
        if !sign.is_empty() {
            self.advance()?;
        }
        let token = self.expect(Kind::Number, "a number behind the sign")?;
        self.number(sign, token).map(Some)
    }

    /// `{a="x", b=~"y"}`
    fn selector(&mut self) -> Parsed<Selector> {
        self.expect(Kind::OpenBrace, "a stream selector such as {app=\"x\"}")?;
        let mut matchers = Vec::new();
        if self.take(Kind::CloseBrace)? {
            return Ok(Selector { matchers });
        }
        loop {
            let name = self.identifier("a label's name, as in {app=\"x\"}")?;
            let Some(op) = self.match_op() else {
                return Err(self.unexpected("=, !=, =~ or !~"));
            };
            self.advance()?;
            let value = self.matched(op)?;
            matchers.push(Matcher { name, op, value });
            if !self.take(Kind::Comma)? {
                self.expect(Kind::CloseBrace, "a comma or }")?;
                return Ok(Selector { matchers });
            }
        }
    }

    /// The string behind a matcher's operator.
    fn matched(&mut self, op: MatchOp) -> Parsed<Text> {
        let at = self.token.start;
        let value = self.string("a string in quotes")?;
        check::matcher(op, &value).map_err(|message| self.error(at, message))?;
        Ok(value)
    }

    fn match_op(&self) -> Option<MatchOp> {
        Some(match self.kind() {
            Kind::Equal => MatchOp::Equal,
            Kind::NotEqual => MatchOp::NotEqual,
            Kind::Regex => MatchOp::Regex,
            Kind::NotRegex => MatchOp::NotRegex,
            _ => return None,
        })
    }

    /// The pipeline of a log query behind its selector.
    fn log_pipeline(&mut self, selector: Selector) -> Parsed<LogExpr> {
        let pipeline = self.pipeline()?;
        if let Some((at, _)) = pipeline.unwrap {
            return Err(self.error(
                at,
                "unwrap makes samples of lines, which needs a range aggregation around it, such as \
                 sum_over_time(… | unwrap x [5m])",
            ));
        }
        Ok(LogExpr {
            selector,
            stages: pipeline.stages,
        })
    }

    /// `by (a, b)` or `without (a, b)`, if it stands here.
    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let without = match self.kind() {
            Kind::By => false,
            Kind::Without => true,
            _ => return Ok(None),
        };
        self.advance()?;
        let labels = self.label_list()?;
        Ok(Some(Grouping { without, labels }))
    }

    /// `(a, b)` or `()`
    fn label_list(&mut self) -> Parsed<Vec<SmallStr>> {
        self.expect(Kind::OpenParen, "a list of labels in brackets")?;
        let mut labels = Vec::new();
        if self.take(Kind::CloseParen)? {
            return Ok(labels);
        }
        loop {
            labels.push(self.identifier("a label's name")?);
            if !self.take(Kind::Comma)? {
                self.expect(Kind::CloseParen, "a comma or )")?;
                return Ok(labels);
            }
        }
    }
}
