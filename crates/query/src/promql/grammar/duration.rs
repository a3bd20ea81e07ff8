//! Durations and arithmetic between them, with a stack as for expressions.
//!
//! Behind `offset` Prometheus reads one literal or call, with or without one sign, and leaves an
//! operator behind it to the expression: `foo offset 5m + bar`. Only what starts with a
//! parenthesis goes on: in `foo offset (5m) + 1` the sum is the offset.

use super::Parser;
use crate::duration::Duration;
use crate::error::Parsed;
use crate::limits::MAX_DEPTH;
use crate::promql::ast::{DurationExpr, DurationOp, UnaryOp};
use crate::promql::lexer::{Keyword, Kind, Token};
use crate::promql::literal;
use crate::promql::operator::Precedence;

/// A duration, and the levels of its tree.
type Measured = (DurationExpr, usize);

/// A duration and what its surroundings must know of it.
struct Operand {
    expr: DurationExpr,
    /// Where it starts, in bytes.
    start: usize,
    /// Levels of the tree.
    height: usize,
    /// The seconds, if it is a literal.
    literal: Option<f64>,
}

/// What was begun and is not yet complete.
enum Frame {
    Paren {
        start: usize,
    },
    Unary {
        op: UnaryOp,
        start: usize,
    },
    Binary {
        lhs: Operand,
        op: DurationOp,
        at: usize,
    },
    Call {
        maximum: bool,
        start: usize,
        first: Option<Operand>,
    },
}

/// Where a duration stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Brackets,
    Offset,
}

impl Parser<'_> {
    /// The range behind the bracket that is looked at.
    pub(super) fn duration_in_brackets(&mut self) -> Parsed<Measured> {
        self.token = self.lexer.next_in_brackets()?;
        self.positive_duration()
    }

    /// The step of a subquery, behind the colon that is looked at.
    pub(super) fn step_in_brackets(&mut self) -> Parsed<Option<Measured>> {
        self.token = self.lexer.next_in_brackets()?;
        if self.token.kind == Kind::CloseBracket {
            return Ok(None);
        }
        self.positive_duration().map(Some)
    }

    fn positive_duration(&mut self) -> Parsed<Measured> {
        let duration = Durations::new(self, Place::Brackets).read()?;
        if duration.literal.is_some_and(|seconds| seconds <= 0.0) {
            return Err(self.error(duration.start, "the duration must be greater than 0"));
        }
        Ok((duration.expr, duration.height))
    }

    /// What stands behind `offset`; `None` for a plain zero.
    pub(super) fn offset_duration(&mut self) -> Parsed<Option<Measured>> {
        let duration = Durations::new(self, Place::Offset).read()?;
        if let DurationExpr::Literal(Duration { nanos: 0, .. }) = duration.expr
            && duration.literal.is_some_and(|seconds| !seconds.is_nan())
        {
            return Ok(None);
        }
        if duration.expr.stands_behind_offset() {
            return Ok(Some((duration.expr, duration.height)));
        }
        let paren = DurationExpr::Paren(Box::new(duration.expr));
        Ok(Some((paren, duration.height + 1)))
    }
}

struct Durations<'p, 'a> {
    parser: &'p mut Parser<'a>,
    place: Place,
    frames: Vec<Frame>,
    /// How many of the frames end with a closing parenthesis.
    open: usize,
}

impl<'p, 'a> Durations<'p, 'a> {
    const fn new(parser: &'p mut Parser<'a>, place: Place) -> Self {
        Self {
            parser,
            place,
            frames: Vec::new(),
            open: 0,
        }
    }

    fn read(&mut self) -> Parsed<Operand> {
        loop {
            let Some(mut operand) = self.operand()? else {
                continue;
            };
            loop {
                if self.ends_offset(&operand) {
                    return self.reduce(operand, None);
                }
                let kind = self.parser.token.kind;
                if let Some(op) = self.operator() {
                    let lhs = self.reduce(operand, Some(op.precedence()))?;
                    let at = self.parser.token.start;
                    self.advance()?;
                    self.push(Frame::Binary { lhs, op, at })?;
                    break;
                } else if kind == Kind::CloseParen && self.open > 0 {
                    operand = self.close(operand)?;
                } else if kind == Kind::Comma && self.open > 0 {
                    self.second_argument(operand)?;
                    break;
                } else {
                    let operand = self.reduce(operand, None)?;
                    return match self.frames.last() {
                        None => Ok(operand),
                        Some(_) => Err(self.parser.unexpected("an operator or \")\"")),
                    };
                }
            }
        }
    }

    /// The operator between durations that is looked at.
    fn operator(&self) -> Option<DurationOp> {
        let Kind::Operator(op) = self.parser.token.kind else {
            return None;
        };
        op.between_durations()
    }

    /// Whether `operand`, which has just been read, is all that belongs to an offset.
    fn ends_offset(&self, operand: &Operand) -> bool {
        let in_parentheses = matches!(operand.expr, DurationExpr::Paren(_));
        self.place == Place::Offset
            && match self.frames.as_slice() {
                [] => !in_parentheses,
                [Frame::Unary { .. }] => true,
                _ => false,
            }
    }

    /// Reads an operand, or opens what an operand stands in and gives `None`.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        const EXPECTED: &str = "a duration such as 5m";
        let token = self.parser.token;
        match token.kind {
            Kind::Number | Kind::Duration => {
                let literal = self.literal(token)?;
                self.advance()?;
                Ok(Some(literal))
            }
            Kind::OpenParen => {
                self.advance()?;
                self.push(Frame::Paren { start: token.start })?;
                Ok(None)
            }
            Kind::Operator(op) => {
                let Some(op) = UnaryOp::of(op) else {
                    return Err(self.parser.unexpected(EXPECTED));
                };
                self.advance()?;
                let start = token.start;
                self.push(Frame::Unary { op, start })?;
                Ok(None)
            }
            Kind::Keyword(keyword @ (Keyword::Step | Keyword::Range)) => {
                self.advance()?;
                self.expect(Kind::OpenParen, "\"(\"")?;
                self.expect(Kind::CloseParen, "\")\"")?;
                let expr = if keyword == Keyword::Step {
                    DurationExpr::Step
                } else {
                    DurationExpr::Range
                };
                self.node(expr, token.start, 0).map(Some)
            }
            Kind::Keyword(keyword @ (Keyword::MinOf | Keyword::MaxOf)) => {
                self.advance()?;
                self.expect(Kind::OpenParen, "\"(\"")?;
                self.push(Frame::Call {
                    maximum: keyword == Keyword::MaxOf,
                    start: token.start,
                    first: None,
                })?;
                Ok(None)
            }
            Kind::End
            | Kind::Name
            | Kind::MetricName
            | Kind::Keyword(_)
            | Kind::String
            | Kind::Assign
            | Kind::Matches
            | Kind::MatchesNot
            | Kind::CloseParen
            | Kind::OpenBrace
            | Kind::CloseBrace
            | Kind::OpenBracket
            | Kind::CloseBracket
            | Kind::Comma
            | Kind::Colon
            | Kind::At => Err(self.parser.unexpected(EXPECTED)),
        }
    }

    fn literal(&self, token: Token) -> Parsed<Operand> {
        let text = literal::written(self.parser.lexer.text(token));
        let (duration, seconds) = if token.kind == Kind::Duration {
            let nanos = self.parser.length(token)?;
            #[allow(clippy::cast_precision_loss)] // only its sign and zero matter
            let seconds = nanos as f64 / 1e9;
            (Duration { nanos, text }, seconds)
        } else {
            let seconds = self.parser.number(token)?.value;
            let duration = literal::seconds(seconds, text).ok_or_else(|| {
                let message = "the duration is out of range: it must be within 292 years";
                self.parser.error(token.start, message)
            })?;
            (duration, seconds)
        };
        Ok(Operand {
            expr: DurationExpr::Literal(duration),
            start: token.start,
            height: 1,
            literal: Some(seconds),
        })
    }

    fn reduce(&mut self, mut operand: Operand, next: Option<Precedence>) -> Parsed<Operand> {
        let takes = |own: Precedence| next.is_none_or(|next| own.takes_before(next));
        loop {
            let complete = match self.frames.last() {
                Some(Frame::Unary { .. }) => takes(Precedence::Product),
                Some(Frame::Binary { op, .. }) => takes(op.precedence()),
                Some(Frame::Paren { .. } | Frame::Call { .. }) | None => false,
            };
            if !complete {
                return Ok(operand);
            }
            match self.frames.pop() {
                Some(Frame::Unary { op, start }) => operand = self.unary(op, start, operand)?,
                Some(Frame::Binary { lhs, op, at }) => {
                    operand = self.binary(lhs, op, at, operand)?;
                }
                Some(Frame::Paren { .. } | Frame::Call { .. }) | None => return Ok(operand),
            }
        }
    }

    fn unary(&self, op: UnaryOp, start: usize, operand: Operand) -> Parsed<Operand> {
        match (op, operand.expr) {
            (_, DurationExpr::Literal(duration)) => {
                let text = op.sign_text(&duration.text);
                let (nanos, literal) = match op {
                    UnaryOp::Plus => (duration.nanos, operand.literal),
                    UnaryOp::Minus => (
                        duration.nanos.saturating_neg(),
                        operand.literal.map(|seconds| -seconds),
                    ),
                };
                Ok(Operand {
                    expr: DurationExpr::Literal(Duration { nanos, text }),
                    start,
                    height: operand.height,
                    literal,
                })
            }
            (UnaryOp::Plus, expr) => Ok(Operand {
                expr,
                start,
                ..operand
            }),
            (UnaryOp::Minus, expr) => {
                let expr = DurationExpr::Unary(op, Box::new(expr));
                self.node(expr, start, operand.height)
            }
        }
    }

    fn binary(&self, lhs: Operand, op: DurationOp, at: usize, rhs: Operand) -> Parsed<Operand> {
        let divides = matches!(op, DurationOp::Div | DurationOp::Mod);
        if divides && rhs.literal.is_some_and(|seconds| seconds == 0.0) {
            return Err(self
                .parser
                .error(at, "a duration cannot be divided by zero"));
        }
        let height = lhs.height.max(rhs.height);
        let expr = DurationExpr::Binary(op, Box::new(lhs.expr), Box::new(rhs.expr));
        self.node(expr, lhs.start, height)
    }

    /// `operand` stands in front of the closing parenthesis that is looked at.
    fn close(&mut self, operand: Operand) -> Parsed<Operand> {
        let operand = self.reduce(operand, None)?;
        self.open = self.open.saturating_sub(1);
        match self.frames.pop() {
            Some(Frame::Paren { start }) => {
                self.advance()?;
                // A second pair of parentheses means nothing.
                if matches!(operand.expr, DurationExpr::Paren(_)) {
                    return Ok(Operand { start, ..operand });
                }
                let expr = DurationExpr::Paren(Box::new(operand.expr));
                self.node(expr, start, operand.height)
            }
            Some(Frame::Call {
                maximum,
                start,
                first: Some(first),
            }) => {
                self.advance()?;
                let height = first.height.max(operand.height);
                let (first, second) = (Box::new(first.expr), Box::new(operand.expr));
                let expr = if maximum {
                    DurationExpr::Max(first, second)
                } else {
                    DurationExpr::Min(first, second)
                };
                self.node(expr, start, height)
            }
            Some(Frame::Call { .. }) => Err(self.parser.unexpected("\",\" and a second duration")),
            Some(Frame::Unary { .. } | Frame::Binary { .. }) | None => {
                Err(self.parser.unexpected("an operator"))
            }
        }
    }

    /// `operand` stands in front of the comma that is looked at.
    fn second_argument(&mut self, operand: Operand) -> Parsed<()> {
        let operand = self.reduce(operand, None)?;
        match self.frames.last_mut() {
            Some(Frame::Call {
                first: first @ None,
                ..
            }) => *first = Some(operand),
            Some(
                Frame::Call { .. }
                | Frame::Paren { .. }
                | Frame::Unary { .. }
                | Frame::Binary { .. },
            )
            | None => return Err(self.parser.unexpected("an operator or \")\"")),
        }
        self.advance()
    }

    fn node(&self, expr: DurationExpr, start: usize, height: usize) -> Parsed<Operand> {
        if height >= MAX_DEPTH {
            return Err(self.parser.too_deep(start));
        }
        Ok(Operand {
            expr,
            start,
            height: height + 1,
            literal: None,
        })
    }

    fn push(&mut self, frame: Frame) -> Parsed<()> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.parser.too_deep(self.parser.token.start));
        }
        self.open += match frame {
            Frame::Paren { .. } | Frame::Call { .. } => 1,
            Frame::Unary { .. } | Frame::Binary { .. } => 0,
        };
        self.frames.push(frame);
        Ok(())
    }

    fn advance(&mut self) -> Parsed<()> {
        match self.place {
            Place::Brackets => self.parser.token = self.parser.lexer.next_in_brackets()?,
            Place::Offset => self.parser.advance()?,
        }
        Ok(())
    }

    fn expect(&mut self, kind: Kind, name: &str) -> Parsed<()> {
        if self.parser.token.kind != kind {
            return Err(self.parser.unexpected(name));
        }
        self.advance()
    }
}
