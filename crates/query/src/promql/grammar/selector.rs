//! Selectors: a metric name, matchers in braces, and what stands behind them.

use super::{Operand, Parser};
use crate::error::Parsed;
use crate::limits::MAX_DEPTH;
use crate::matcher::Matcher;
use crate::number::Number;
use crate::promql::ast::{
    At, DurationExpr, Expr, Extension, MatrixSelector, Modifiers, Subquery, UnaryOp, ValueType,
    VectorSelector,
};
use crate::promql::check;
use crate::promql::lexer::{Keyword, Kind, Token};
use crate::small_str::SmallStr;
use crate::text::Text;

const NAME: &str = "__name__";

impl Parser<'_> {
    /// A selector whose name, if it has one, has been read.
    pub(super) fn selector(&mut self, name: Option<Token>) -> Parsed<Operand> {
        let start = name.map_or(self.token.start, |name| name.start);
        let mut selector = VectorSelector {
            name: name.map(|name| self.lexer.text(name).into()),
            ..VectorSelector::default()
        };
        if self.token.kind == Kind::OpenBrace {
            self.matchers(&mut selector)?;
        }
        self.node(
            Expr::Vector(Box::new(selector)),
            ValueType::InstantVector,
            start,
            0,
        )
    }

    /// The matchers behind the brace that is looked at.
    fn matchers(&mut self, selector: &mut VectorSelector) -> Parsed<()> {
        loop {
            self.advance_in_braces()?;
            if self.token.kind == Kind::CloseBrace {
                break;
            }
            let at = self.token.start;
            let matcher = self.matcher()?;
            if let Some(name) = &selector.name
                && matcher.name == NAME
            {
                let message = format!(
                    "the metric name is set twice, as {name:?} and as {:?}",
                    matcher.value.to_string_lossy()
                );
                return Err(self.error(at, message));
            }
            if let Err(message) = check::label(&matcher) {
                return Err(self.error(at, message));
            }
            selector.matchers.push(matcher);
            if self.token.kind == Kind::CloseBrace {
                break;
            }
            if self.lexer.text(self.token) == "or" {
                let message = "\"or\" between matchers is not PromQL; \
                               write \"or\" between two selectors";
                return Err(self.error(self.token.start, message));
            }
            if self.token.kind != Kind::Comma {
                return Err(self.unexpected("\",\" or \"}\""));
            }
        }
        self.advance()
    }

    /// One matcher, and the token behind it.
    fn matcher(&mut self) -> Parsed<Matcher> {
        let token = self.token;
        let quoted = token.kind == Kind::String;
        let name = if quoted {
            self.unquoted_name(token)?
        } else if token.kind == Kind::Name {
            self.lexer.text(token).into()
        } else {
            return Err(self.unexpected("a label name or \"}\""));
        };
        self.advance_in_braces()?;
        let Some(op) = self.token.kind.match_op() else {
            // A string alone is the metric's name.
            return if quoted {
                Ok(Matcher::equal(NAME, name))
            } else {
                Err(self.unexpected("=, !=, =~ or !~"))
            };
        };
        self.advance_in_braces()?;
        if self.token.kind != Kind::String {
            return Err(self.unexpected("a string, as the value of the label"));
        }
        let value = self.lexer.unquote(self.token)?;
        self.advance_in_braces()?;
        Ok(Matcher { name, op, value })
    }

    pub(super) fn unquoted_name(&self, token: Token) -> Parsed<SmallStr> {
        let text: Text = self.lexer.unquote(token)?;
        match text.as_str() {
            Some(name) => Ok(name.into()),
            None => Err(self.error(token.start, "a name must be UTF-8")),
        }
    }

    fn advance_in_braces(&mut self) -> Parsed<()> {
        self.token = self.lexer.next_in_braces()?;
        Ok(())
    }

    /// Whatever belongs to the operand in front of it: a range, `offset`, `@`, `anchored`.
    pub(super) fn postfix(&mut self, operand: &mut Operand) -> Parsed<()> {
        loop {
            if self.token.kind == Kind::OpenBracket {
                self.range(operand)?;
            } else if self.token.kind == Kind::At {
                self.at(operand)?;
            } else if self.token.kind == Kind::Keyword(Keyword::Offset) {
                self.offset(operand)?;
            } else if let Kind::Keyword(Keyword::Extension(extension)) = self.token.kind {
                self.extension(operand, extension)?;
            } else {
                return Ok(());
            }
        }
    }

    fn range(&mut self, operand: &mut Operand) -> Parsed<()> {
        let bracket = self.token.start;
        let (range, height) = self.duration_in_brackets()?;
        self.contains(operand, height)?;
        if self.token.kind == Kind::Colon {
            return self.subquery(operand, bracket, range);
        }
        if self.token.kind != Kind::CloseBracket {
            return Err(self.unexpected("\":\" or \"]\""));
        }
        let Expr::Vector(selector) = &mut operand.expr else {
            let message = "a range is only allowed behind a selector; \
                           a subquery has a colon, as in [1h:]";
            return Err(self.error(bracket, message));
        };
        if selector.modifiers.offset.is_some() || selector.modifiers.at.is_some() {
            return Err(self.error(bracket, "a range stands in front of offset and @"));
        }
        operand.expr = Expr::Matrix(Box::new(MatrixSelector {
            selector: std::mem::take(selector),
            range,
        }));
        operand.kind = ValueType::RangeVector;
        self.advance()
    }

    /// Counts the levels of a duration within `operand`.
    fn contains(&self, operand: &mut Operand, height: usize) -> Parsed<()> {
        operand.height = operand.height.max(height + 1);
        if operand.height > MAX_DEPTH {
            return Err(self.too_deep(operand.start));
        }
        Ok(())
    }

    fn subquery(
        &mut self,
        operand: &mut Operand,
        bracket: usize,
        range: DurationExpr,
    ) -> Parsed<()> {
        let step = match self.step_in_brackets()? {
            Some((step, height)) => {
                self.contains(operand, height)?;
                Some(step)
            }
            None => None,
        };
        if self.token.kind != Kind::CloseBracket {
            return Err(self.unexpected("\"]\""));
        }
        if operand.kind != ValueType::InstantVector {
            let message = check::wrong_type(
                ValueType::InstantVector,
                operand.kind,
                "in front of a subquery's range",
            );
            return Err(self.error(bracket, message));
        }
        let expr = Expr::Subquery(Box::new(Subquery {
            expr: std::mem::replace(&mut operand.expr, Expr::placeholder()),
            range,
            step,
            modifiers: Modifiers::default(),
        }));
        *operand = self.node(expr, ValueType::RangeVector, operand.start, operand.height)?;
        self.advance()
    }

    fn offset(&mut self, operand: &mut Operand) -> Parsed<()> {
        let at = self.token.start;
        self.advance()?;
        let offset = self.offset_duration()?;
        let Some(modifiers) = modifiers(&mut operand.expr) else {
            return Err(self.error(at, "offset is only allowed behind a selector or a subquery"));
        };
        if modifiers.offset.is_some() {
            return Err(self.error(at, "offset is set twice"));
        }
        let Some((offset, height)) = offset else {
            return Ok(());
        };
        modifiers.offset = Some(offset);
        self.contains(operand, height)
    }

    fn at(&mut self, operand: &mut Operand) -> Parsed<()> {
        let start = self.token.start;
        self.advance()?;
        let time = if self.token.kind == Kind::Keyword(Keyword::Start) {
            self.at_preprocessor(At::Start)?
        } else if self.token.kind == Kind::Keyword(Keyword::End) {
            self.at_preprocessor(At::End)?
        } else {
            At::Timestamp(self.signed_number("a time: Unix seconds, start() or end()")?)
        };
        if let At::Timestamp(number) = &time {
            // The greatest time of which Prometheus accepts the seconds.
            const MAX: f64 = 9_223_372_036_854_775_807.0;
            if number.value.is_nan() || number.value.abs() >= MAX {
                return Err(self.error(start, "the time behind @ is out of bounds"));
            }
        }
        let Some(modifiers) = modifiers(&mut operand.expr) else {
            return Err(self.error(start, "@ is only allowed behind a selector or a subquery"));
        };
        if modifiers.at.is_some() {
            return Err(self.error(start, "@ is set twice"));
        }
        modifiers.at = Some(time);
        Ok(())
    }

    fn at_preprocessor(&mut self, at: At) -> Parsed<At> {
        self.advance()?;
        self.expect(Kind::OpenParen, "\"(\"")?;
        self.expect(Kind::CloseParen, "\")\"")?;
        Ok(at)
    }

    /// A number or a duration as seconds, with or without one sign.
    pub(super) fn signed_number(&mut self, expected: &str) -> Parsed<Number> {
        let mut sign = None;
        if let Kind::Operator(op) = self.token.kind {
            sign = UnaryOp::of(op);
        }
        if sign.is_some() {
            self.advance()?;
        }
        if !matches!(self.token.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected(expected));
        }
        let mut number = self.number(self.token)?;
        self.advance()?;
        if let Some(sign) = sign {
            number.text = sign.sign_text(&number.text);
            if sign == UnaryOp::Minus {
                number.value = -number.value;
            }
        }
        Ok(number)
    }

    fn extension(&mut self, operand: &mut Operand, extension: Extension) -> Parsed<()> {
        let selector = match &mut operand.expr {
            Expr::Vector(selector) => selector,
            Expr::Matrix(matrix) => &mut matrix.selector,
            Expr::Number(_)
            | Expr::String(_)
            | Expr::Subquery(_)
            | Expr::Paren(_)
            | Expr::Unary(..)
            | Expr::Binary(_)
            | Expr::Aggregate(_)
            | Expr::Call(_) => {
                let message = format!("{} is only allowed behind a selector", extension.as_str());
                return Err(self.error(self.token.start, message));
            }
        };
        if selector.extension.is_some_and(|other| other != extension) {
            let message = "anchored and smoothed exclude each other";
            return Err(self.error(self.token.start, message));
        }
        selector.extension = Some(extension);
        self.advance()
    }
}

/// The time modifiers of what may have some.
fn modifiers(expr: &mut Expr) -> Option<&mut Modifiers> {
    match expr {
        Expr::Vector(selector) => Some(&mut selector.modifiers),
        Expr::Matrix(matrix) => Some(&mut matrix.selector.modifiers),
        Expr::Subquery(subquery) => Some(&mut subquery.modifiers),
        Expr::Number(_)
        | Expr::String(_)
        | Expr::Paren(_)
        | Expr::Unary(..)
        | Expr::Binary(_)
        | Expr::Aggregate(_)
        | Expr::Call(_) => None,
    }
}
