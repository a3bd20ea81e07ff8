//! From tokens to a tree: operator precedence with a stack of its own.
//!
//! Nothing here recurses. What is open (a parenthesis, a call, a sign, an operator that waits for
//! its right side) is a [`Frame`] on a stack, so that the nesting of a query costs memory on the
//! heap, and no more of it than [`MAX_DEPTH`] allows.

mod call;
mod duration;
mod modifier;
mod selector;

use super::ast::{AggregateOp, Binary, BinaryOp, Expr, Fill, Grouping, UnaryOp, ValueType};
use super::check;
use super::functions::Function;
use super::lexer::{Keyword, Kind, Lexer, Token};
use super::literal;
use super::operator::Precedence;
use crate::error::{ParseError, Parsed};
use crate::limits::{MAX_DEPTH, MAX_QUERY_BYTES};
use crate::number::Number;

/// An expression and what its surroundings must know of it.
struct Operand {
    expr: Expr,
    kind: ValueType,
    /// Where it starts, in bytes.
    start: usize,
    /// Levels of the tree.
    height: usize,
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
        /// With a placeholder on its right side. In its box from the start, so that it need not
        /// be moved there later.
        binary: Box<Binary>,
        /// Type, start and height of its left side.
        kind: ValueType,
        start: usize,
        height: usize,
        /// Where the operator stands.
        at: usize,
    },
    Call {
        function: Function,
        start: usize,
        args: Vec<Expr>,
        /// Levels of the highest argument.
        height: usize,
    },
    Aggregate {
        op: AggregateOp,
        start: usize,
        /// `None` where neither `by` nor `without` stood in front of the arguments.
        grouping: Option<Grouping>,
        args: Vec<Operand>,
    },
}

pub(super) fn parse(query: &str) -> Parsed<Expr> {
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("the query is longer than {MAX_QUERY_BYTES} bytes");
        return Err(Box::new(ParseError::at(query, MAX_QUERY_BYTES, message)));
    }
    let mut lexer = Lexer::new(query);
    let token = lexer.next()?;
    let mut parser = Parser {
        lexer,
        token,
        frames: Vec::new(),
    };
    if token.kind == Kind::End {
        return Err(parser.error(token.start, "the query is empty"));
    }
    parser.expression()
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that is looked at; what stands behind it has not been read.
    token: Token,
    frames: Vec<Frame>,
}

impl Parser<'_> {
    fn expression(&mut self) -> Parsed<Expr> {
        loop {
            let Some(mut operand) = self.operand()? else {
                continue;
            };
            // Behind an operand: what belongs to it, and then an operator or an end.
            loop {
                self.postfix(&mut operand)?;
                match self.token.kind {
                    Kind::Operator(op) | Kind::Keyword(Keyword::Set(op)) => {
                        // In `foo offset +(5m) * 2` the plus, which is not kept, says that the
                        // offset ends with the parenthesis.
                        if op.between_durations().is_some() && operand.expr.ends_with_open_offset()
                        {
                            operand = self.paren(operand.start, operand)?;
                        }
                        operand = self.reduce(operand, Some(op.precedence()))?;
                        self.operator(op, operand)?;
                        break;
                    }
                    Kind::CloseParen => operand = self.close(operand)?,
                    Kind::Comma => {
                        self.next_argument(operand)?;
                        break;
                    }
                    Kind::End => return self.finish(operand),
                    Kind::Name
                    | Kind::MetricName
                    | Kind::Keyword(_)
                    | Kind::Number
                    | Kind::Duration
                    | Kind::String
                    | Kind::Assign
                    | Kind::Matches
                    | Kind::MatchesNot
                    | Kind::OpenParen
                    | Kind::OpenBrace
                    | Kind::CloseBrace
                    | Kind::OpenBracket
                    | Kind::CloseBracket
                    | Kind::Colon
                    | Kind::At => return Err(self.unexpected("an operator or the end")),
                }
            }
        }
    }

    /// Reads an operand, or opens what an operand stands in and gives `None`.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let token = self.token;
        match token.kind {
            Kind::Number | Kind::Duration => {
                let number = self.number(token)?;
                self.advance()?;
                Ok(Some(leaf(Expr::Number(number), ValueType::Scalar, token)))
            }
            Kind::String => {
                let text = self.lexer.unquote(token)?;
                self.advance()?;
                Ok(Some(leaf(Expr::String(text), ValueType::String, token)))
            }
            Kind::OpenParen => {
                self.advance()?;
                self.push(Frame::Paren { start: token.start })?;
                Ok(None)
            }
            Kind::Operator(op) => {
                let Some(op) = UnaryOp::of(op) else {
                    return Err(self.unexpected("an expression"));
                };
                self.advance()?;
                self.push(Frame::Unary {
                    op,
                    start: token.start,
                })?;
                Ok(None)
            }
            Kind::OpenBrace => self.selector(None).map(Some),
            Kind::MetricName => {
                self.advance()?;
                self.selector(Some(token)).map(Some)
            }
            Kind::Name => {
                self.advance()?;
                self.named(token)
            }
            Kind::Keyword(keyword) => self.keyword(token, keyword),
            Kind::End
            | Kind::Assign
            | Kind::Matches
            | Kind::MatchesNot
            | Kind::CloseParen
            | Kind::CloseBrace
            | Kind::OpenBracket
            | Kind::CloseBracket
            | Kind::Comma
            | Kind::Colon
            | Kind::At => Err(self.unexpected("an expression")),
        }
    }

    fn keyword(&mut self, token: Token, keyword: Keyword) -> Parsed<Option<Operand>> {
        if !keyword.names_a_metric() {
            return Err(self.unexpected("an expression"));
        }
        self.advance()?;
        if keyword.names_a_function() {
            return self.named(token);
        }
        if let Keyword::Aggregate(op) = keyword
            && matches!(
                self.token.kind,
                Kind::OpenParen | Kind::Keyword(Keyword::By | Keyword::Without)
            )
        {
            self.open_aggregate(op, token.start)?;
            return Ok(None);
        }
        self.selector(Some(token)).map(Some)
    }

    /// Reads the operator that is looked at, behind its left side, with its modifiers.
    fn operator(&mut self, op: BinaryOp, lhs: Operand) -> Parsed<()> {
        let at = self.token.start;
        self.advance()?;
        let mut binary = Box::new(Binary {
            op,
            return_bool: false,
            matching: None,
            fill: Fill::default(),
            lhs: lhs.expr,
            rhs: Expr::placeholder(),
        });
        self.modifiers(&mut binary)?;
        self.push(Frame::Binary {
            binary,
            kind: lhs.kind,
            start: lhs.start,
            height: lhs.height,
            at,
        })
    }

    /// Completes signs and operators left of `operand` that take it before an operator of
    /// precedence `next` does; all of them where there is no such operator.
    fn reduce(&mut self, mut operand: Operand, next: Option<Precedence>) -> Parsed<Operand> {
        let takes = |own: Precedence| next.is_none_or(|next| own.takes_before(next));
        loop {
            let complete = match self.frames.last() {
                Some(Frame::Unary { .. }) => takes(Precedence::Product),
                Some(Frame::Binary { binary, .. }) => takes(binary.op.precedence()),
                Some(Frame::Paren { .. } | Frame::Call { .. } | Frame::Aggregate { .. }) | None => {
                    false
                }
            };
            if !complete {
                return Ok(operand);
            }
            match self.frames.pop() {
                Some(Frame::Unary { op, start }) => operand = self.unary(op, start, operand)?,
                Some(Frame::Binary {
                    mut binary,
                    kind,
                    start,
                    height,
                    at,
                }) => {
                    let kinds = (kind, operand.kind);
                    check::operands(&binary, kinds, (start, operand.start), at)
                        .map_err(|(at, message)| self.error(at, message))?;
                    let scalars = [kind, operand.kind].map(|kind| kind == ValueType::Scalar);
                    if scalars != [false, false] {
                        // Lists without labels are allowed next to scalars, and mean nothing there.
                        binary.matching = None;
                    }
                    let kind = if scalars == [true, true] {
                        ValueType::Scalar
                    } else {
                        ValueType::InstantVector
                    };
                    binary.rhs = operand.expr;
                    let height = height.max(operand.height);
                    operand = self.node(Expr::Binary(binary), kind, start, height)?;
                }
                Some(Frame::Paren { .. } | Frame::Call { .. } | Frame::Aggregate { .. }) | None => {
                    return Ok(operand);
                }
            }
        }
    }

    fn unary(&self, op: UnaryOp, start: usize, operand: Operand) -> Parsed<Operand> {
        if let Expr::Number(number) = operand.expr {
            let number = Number {
                value: match op {
                    UnaryOp::Plus => number.value,
                    UnaryOp::Minus => -number.value,
                },
                text: op.sign_text(&number.text),
            };
            return self.node(Expr::Number(number), operand.kind, start, 0);
        }
        check::sign(op, operand.kind).map_err(|message| self.error(operand.start, message))?;
        let expr = Expr::Unary(op, Box::new(operand.expr));
        self.node(expr, operand.kind, start, operand.height)
    }

    fn paren(&self, start: usize, operand: Operand) -> Parsed<Operand> {
        let expr = Expr::Paren(Box::new(operand.expr));
        self.node(expr, operand.kind, start, operand.height)
    }

    /// `operand` stands in front of the closing parenthesis that is looked at.
    fn close(&mut self, operand: Operand) -> Parsed<Operand> {
        let operand = self.reduce(operand, None)?;
        match self.frames.pop() {
            Some(Frame::Paren { start }) => {
                self.advance()?;
                self.paren(start, operand)
            }
            Some(Frame::Call {
                function,
                start,
                mut args,
                height,
            }) => {
                let height = self.argument(function, operand, &mut args, height)?;
                self.advance()?;
                self.call(function, start, args, height)
            }
            Some(Frame::Aggregate {
                op,
                start,
                grouping,
                mut args,
            }) => {
                args.push(operand);
                self.advance()?;
                self.aggregate(op, start, grouping, args)
            }
            Some(Frame::Unary { .. } | Frame::Binary { .. }) | None => {
                Err(self.error(self.token.start, "\")\" closes nothing"))
            }
        }
    }

    /// `operand` stands in front of the comma that is looked at.
    fn next_argument(&mut self, operand: Operand) -> Parsed<()> {
        let operand = self.reduce(operand, None)?;
        let comma = self.token.start;
        match self.frames.pop() {
            Some(Frame::Call {
                function,
                start,
                mut args,
                height,
            }) => {
                let height = self.argument(function, operand, &mut args, height)?;
                self.frames.push(Frame::Call {
                    function,
                    start,
                    args,
                    height,
                });
            }
            Some(Frame::Aggregate {
                op,
                start,
                grouping,
                mut args,
            }) => {
                args.push(operand);
                self.frames.push(Frame::Aggregate {
                    op,
                    start,
                    grouping,
                    args,
                });
            }
            Some(Frame::Paren { .. } | Frame::Unary { .. } | Frame::Binary { .. }) | None => {
                return Err(self.unexpected("an operator or the end"));
            }
        }
        self.advance()?;
        if self.token.kind == Kind::CloseParen {
            return Err(self.error(comma, "a comma must not stand behind the last argument"));
        }
        Ok(())
    }

    fn finish(&mut self, operand: Operand) -> Parsed<Expr> {
        let operand = self.reduce(operand, None)?;
        match self.frames.last() {
            None => Ok(operand.expr),
            Some(_) => Err(self.unexpected("\")\"")),
        }
    }

    fn expect_type(
        &self,
        operand: &Operand,
        wanted: ValueType,
        place: impl FnOnce() -> String,
    ) -> Parsed<()> {
        if operand.kind == wanted {
            return Ok(());
        }
        let message = check::wrong_type(wanted, operand.kind, &place());
        Err(self.error(operand.start, message))
    }

    /// A node above children of which the highest has `height` levels.
    fn node(&self, expr: Expr, kind: ValueType, start: usize, height: usize) -> Parsed<Operand> {
        if height >= MAX_DEPTH {
            return Err(self.too_deep(start));
        }
        Ok(Operand {
            expr,
            kind,
            start,
            height: height + 1,
        })
    }

    fn push(&mut self, frame: Frame) -> Parsed<()> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.too_deep(self.token.start));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn too_deep(&self, at: usize) -> Box<ParseError> {
        let message = format!(
            "the query is nested deeper than {MAX_DEPTH} levels; each operator of a chain counts"
        );
        self.error(at, message)
    }

    fn number(&self, token: Token) -> Parsed<Number> {
        let text = self.lexer.text(token);
        let value = if token.kind == Kind::Duration {
            #[allow(clippy::cast_precision_loss)] // as Prometheus does
            self.length(token).map(|nanos| nanos as f64 / 1e9)?
        } else {
            literal::number(text).ok_or_else(|| {
                self.error(token.start, format!("{text:?} is not a 64-bit number"))
            })?
        };
        Ok(Number {
            value,
            text: literal::written(text),
        })
    }

    /// The length of a duration token, in nanoseconds.
    fn length(&self, token: Token) -> Parsed<i64> {
        let text = self.lexer.text(token);
        literal::duration(text)
            .map_err(|reason| self.error(token.start, format!("{text:?} is {reason}")))
    }

    fn advance(&mut self) -> Parsed<()> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn expect(&mut self, kind: Kind, name: &str) -> Parsed<()> {
        if self.token.kind != kind {
            return Err(self.unexpected(name));
        }
        self.advance()
    }

    fn unexpected(&self, expected: &str) -> Box<ParseError> {
        let found = if self.token.kind == Kind::End {
            "end of the query".to_owned()
        } else {
            format!("{:?}", shortened(self.lexer.text(self.token)))
        };
        self.error(
            self.token.start,
            format!("unexpected {found}, expected {expected}"),
        )
    }

    fn error(&self, at: usize, message: impl Into<String>) -> Box<ParseError> {
        Box::new(ParseError::at(self.lexer.query, at, message))
    }
}

fn leaf(expr: Expr, kind: ValueType, token: Token) -> Operand {
    Operand {
        expr,
        kind,
        start: token.start,
        height: 1,
    }
}

/// The beginning of a token, for an error.
fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
