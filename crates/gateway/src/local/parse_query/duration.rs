//! Lengths of time: milliseconds, or (experimental) an expression.

use std::borrow::Cow;

use query::duration::Duration;
use query::promql::ast::{DurationExpr, DurationOp};
use serde::{Serialize, Serializer};

use super::{decimal, sign};

/// The milliseconds of a literal, or 0 and the expression.
pub(super) fn milliseconds(length: Option<&DurationExpr>) -> (i64, Option<Length<'_>>) {
    match length.map(|length| (length, unwrapped(length))) {
        None => (0, None),
        Some((_, DurationExpr::Literal(literal))) => (literal.nanos / 1_000_000, None),
        Some((
            whole,
            DurationExpr::Step
            | DurationExpr::Range
            | DurationExpr::Unary(..)
            | DurationExpr::Binary(..)
            | DurationExpr::Min(..)
            | DurationExpr::Max(..)
            | DurationExpr::Paren(_),
        )) => (0, Some(Length(whole))),
    }
}

/// Without the parentheses around it. The parser keeps one pair at most.
fn unwrapped(length: &DurationExpr) -> &DurationExpr {
    match length {
        DurationExpr::Paren(inner) => inner,
        DurationExpr::Literal(_)
        | DurationExpr::Step
        | DurationExpr::Range
        | DurationExpr::Unary(..)
        | DurationExpr::Binary(..)
        | DurationExpr::Min(..)
        | DurationExpr::Max(..) => length,
    }
}

/// A length, to be written.
pub(super) struct Length<'a>(&'a DurationExpr);

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Node<'a> {
    NumberLiteral {
        val: Cow<'static, str>,
        /// Whether it was written with a unit.
        duration: bool,
    },
    DurationExpr {
        op: &'static str,
        lhs: Option<Length<'a>>,
        rhs: Option<Length<'a>>,
        wrapped: bool,
    },
}

impl Serialize for Length<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = unwrapped(self.0);
        let operation = |op, lhs, rhs| Node::DurationExpr {
            op,
            lhs,
            rhs,
            wrapped: !std::ptr::eq(inner, self.0),
        };
        let node = match inner {
            DurationExpr::Literal(literal) => number(literal),
            DurationExpr::Step => operation("step", None, None),
            DurationExpr::Range => operation("range", None, None),
            DurationExpr::Unary(op, of) => operation(sign(*op), None, Some(Length(of))),
            DurationExpr::Binary(op, lhs, rhs) => {
                operation(operator(*op), Some(Length(lhs)), Some(Length(rhs)))
            }
            DurationExpr::Min(lhs, rhs) => {
                operation("min_of", Some(Length(lhs)), Some(Length(rhs)))
            }
            DurationExpr::Max(lhs, rhs) => {
                operation("max_of", Some(Length(lhs)), Some(Length(rhs)))
            }
            DurationExpr::Paren(deeper) => return Length(deeper).serialize(serializer),
        };
        node.serialize(serializer)
    }
}

fn number(literal: &Duration) -> Node<'static> {
    let text = literal.text.as_str().trim_start_matches(['-', '+']);
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    // Exact enough: a literal has at most milliseconds with a unit, and is a float without one.
    #[allow(clippy::cast_precision_loss)]
    let seconds = literal.nanos as f64 / 1e9;
    Node::NumberLiteral {
        val: decimal(seconds),
        duration: !hexadecimal && text.ends_with(['s', 'm', 'h', 'd', 'w', 'y']),
    }
}

const fn operator(op: DurationOp) -> &'static str {
    match op {
        DurationOp::Add => "+",
        DurationOp::Sub => "-",
        DurationOp::Mul => "*",
        DurationOp::Div => "/",
        DurationOp::Mod => "%",
        DurationOp::Pow => "^",
    }
}
