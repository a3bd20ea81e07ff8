//! Calls of functions and aggregations.

use super::{Frame, Operand, Parser};
use crate::error::Parsed;
use crate::promql::ast::{Aggregate, AggregateOp, Call, Expr, Grouping, ValueType};
use crate::promql::check;
use crate::promql::functions::Function;
use crate::promql::lexer::{Kind, Token};

impl Parser<'_> {
    /// A call or a selector, whose name has been read.
    pub(super) fn named(&mut self, name: Token) -> Parsed<Option<Operand>> {
        if self.token.kind != Kind::OpenParen {
            return self.selector(Some(name)).map(Some);
        }
        let text = self.lexer.text(name);
        let function = check::function(text).map_err(|message| self.error(name.start, message))?;
        self.advance()?;
        if self.token.kind == Kind::CloseParen {
            self.advance()?;
            return self.call(function, name.start, Vec::new(), 0).map(Some);
        }
        self.push(Frame::Call {
            function,
            start: name.start,
            args: Vec::with_capacity(function.signature().args.len()),
            height: 0,
        })?;
        Ok(None)
    }

    pub(super) fn call(
        &self,
        function: Function,
        start: usize,
        args: Vec<Expr>,
        height: usize,
    ) -> Parsed<Operand> {
        check::arity(function, args.len()).map_err(|message| self.error(start, message))?;
        let kind = function.signature().returns;
        self.node(Expr::Call(Call { function, args }), kind, start, height)
    }

    pub(super) fn open_aggregate(&mut self, op: AggregateOp, start: usize) -> Parsed<()> {
        let grouping = self.grouping()?;
        self.expect(Kind::OpenParen, "\"(\"")?;
        if self.token.kind == Kind::CloseParen {
            let message = check::aggregate_arity(op, 0).err().unwrap_or_default();
            return Err(self.error(start, message));
        }
        self.push(Frame::Aggregate {
            op,
            start,
            grouping,
            args: Vec::with_capacity(1 + usize::from(op.param_type().is_some())),
        })
    }

    /// The aggregation whose closing parenthesis has just been read.
    pub(super) fn aggregate(
        &mut self,
        op: AggregateOp,
        start: usize,
        grouping: Option<Grouping>,
        mut args: Vec<Operand>,
    ) -> Parsed<Operand> {
        let grouping = match grouping {
            Some(grouping) => Some(grouping),
            None => self.grouping()?,
        };
        check::aggregate_arity(op, args.len()).map_err(|message| self.error(start, message))?;
        let height = args.iter().map(|arg| arg.height).max().unwrap_or(0);
        let Some(last) = args.pop() else {
            return Err(self.error(start, "the aggregation has no argument"));
        };
        let param = args.pop();
        if let (Some(param), Some(wanted)) = (&param, op.param_type()) {
            self.expect_type(param, wanted, || {
                format!("as first argument of {}", op.as_str())
            })?;
        }
        let wanted = ValueType::InstantVector;
        self.expect_type(&last, wanted, || format!("as argument of {}", op.as_str()))?;
        let aggregate = Aggregate {
            op,
            param: param.map(|param| param.expr),
            expr: last.expr,
            // `by ()` groups like nothing at all.
            grouping: grouping.filter(|by| by.without || !by.labels.is_empty()),
        };
        self.node(Expr::Aggregate(Box::new(aggregate)), wanted, start, height)
    }

    /// Adds an argument to those before it, of which the highest has `height` levels; the height of
    /// all.
    pub(super) fn argument(
        &self,
        function: Function,
        operand: Operand,
        args: &mut Vec<Expr>,
        height: usize,
    ) -> Parsed<usize> {
        // An argument too many has no type; it is counted later.
        if let Some(wanted) = function.signature().arg(args.len()) {
            self.expect_type(&operand, wanted, || {
                format!("as argument {} of {}", args.len() + 1, function.name())
            })?;
        }
        args.push(operand.expr);
        Ok(height.max(operand.height))
    }
}
