//! Durations as text.

use crate::promql::ast::{DurationExpr, DurationOp};
use crate::promql::operator::Precedence;

/// Writes `[range]`.
pub(super) fn print_range(out: &mut String, range: &DurationExpr) {
    out.push('[');
    print(out, range);
    out.push(']');
}

/// Writes `[range:]` or `[range:step]`.
pub(super) fn print_subquery_range(
    out: &mut String,
    range: &DurationExpr,
    step: Option<&DurationExpr>,
) {
    out.push('[');
    print(out, range);
    out.push(':');
    if let Some(step) = step {
        print(out, step);
    }
    out.push(']');
}

/// Writes what stands behind `offset`, in parentheses if it needs them there.
pub(super) fn print_offset(out: &mut String, offset: &DurationExpr) {
    if offset.stands_behind_offset() {
        print(out, offset);
    } else {
        out.push('(');
        print(out, offset);
        out.push(')');
    }
}

/// Whether an operator behind this offset would become part of it.
pub(super) fn is_open(offset: &DurationExpr) -> bool {
    !offset.is_one_word() && !matches!(offset, DurationExpr::Unary(..))
        || !offset.stands_behind_offset()
}

/// What is still to be written.
enum Work<'a> {
    Expr(&'a DurationExpr),
    Text(&'static str),
    Operator(DurationOp),
}

fn print(out: &mut String, duration: &DurationExpr) {
    let mut work = Vec::new();
    let mut next = Some(Work::Expr(duration));
    while let Some(now) = next {
        match now {
            Work::Text(text) => out.push_str(text),
            Work::Operator(op) => {
                out.push(' ');
                out.push_str(op.as_str());
                out.push(' ');
            }
            Work::Expr(expr) => print_start(expr, out, &mut work),
        }
        next = work.pop();
    }
}

/// Writes what comes first, and leaves the rest in `work`, last thing first.
fn print_start<'a>(expr: &'a DurationExpr, out: &mut String, work: &mut Vec<Work<'a>>) {
    let call = |first, second| {
        [
            Work::Text(")"),
            Work::Expr(second),
            Work::Text(", "),
            Work::Expr(first),
        ]
    };
    match expr {
        DurationExpr::Literal(literal) => out.push_str(&literal.text),
        DurationExpr::Step => out.push_str("step()"),
        DurationExpr::Range => out.push_str("range()"),
        DurationExpr::Min(first, second) => {
            out.push_str("min_of(");
            work.extend(call(first, second));
        }
        DurationExpr::Max(first, second) => {
            out.push_str("max_of(");
            work.extend(call(first, second));
        }
        DurationExpr::Paren(inner) => push(inner, true, work),
        DurationExpr::Unary(op, inner) => {
            out.push_str(op.as_str());
            // A sign binds as tightly as `*` does, and may stand in front of another sign.
            let parens = inner.operator().is_some_and(|op| op != DurationOp::Pow);
            push(inner, parens, work);
        }
        DurationExpr::Binary(op, lhs, rhs) => {
            let own = op.precedence();
            // A sign needs no parentheses on the right side: nothing can take it away.
            let rhs_op = rhs.operator();
            let parens = rhs_op.is_some_and(|op| own.takes_before(op.precedence()));
            push(rhs, parens, work);
            work.push(Work::Operator(*op));
            push(lhs, !lhs.precedence().takes_before(own), work);
        }
    }
}

fn push<'a>(expr: &'a DurationExpr, parens: bool, work: &mut Vec<Work<'a>>) {
    if parens {
        work.extend([Work::Text(")"), Work::Expr(expr), Work::Text("(")]);
    } else {
        work.push(Work::Expr(expr));
    }
}

impl DurationExpr {
    /// Whether the parser reads all of it behind `offset`: one word with or without a sign, or
    /// what starts with a parenthesis.
    pub(in crate::promql) fn stands_behind_offset(&self) -> bool {
        let mut first = self;
        while let Self::Binary(_, lhs, _) = first {
            first = lhs;
        }
        match (self, first) {
            (_, Self::Paren(_)) => true,
            (Self::Unary(_, inner), _) => inner.is_one_word() || matches!(**inner, Self::Paren(_)),
            _ => self.is_one_word(),
        }
    }

    /// Whether it is a literal or a call.
    fn is_one_word(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Step | Self::Range | Self::Min(..) | Self::Max(..) => true,
            Self::Unary(..) | Self::Binary(..) | Self::Paren(_) => false,
        }
    }

    fn operator(&self) -> Option<DurationOp> {
        match self {
            Self::Binary(op, ..) => Some(*op),
            Self::Literal(_)
            | Self::Step
            | Self::Range
            | Self::Min(..)
            | Self::Max(..)
            | Self::Unary(..)
            | Self::Paren(_) => None,
        }
    }

    /// How tightly the duration holds together.
    fn precedence(&self) -> Precedence {
        match self {
            Self::Binary(op, ..) => op.precedence(),
            Self::Unary(..) => Precedence::Product,
            Self::Literal(literal) if literal.text.starts_with(['+', '-']) => Precedence::Product,
            Self::Literal(_)
            | Self::Step
            | Self::Range
            | Self::Min(..)
            | Self::Max(..)
            | Self::Paren(_) => Precedence::Primary,
        }
    }
}
