//! Copies of trees, made level by level.
//!
//! The derived `Clone` needs a few kilobytes of stack a level without optimization, which is too
//! much for the depth that trees may have. `PartialEq` and `Drop` need little, and are derived.

use super::ast::{Aggregate, Binary, Call, DurationExpr, Expr, Subquery};
use crate::text::Text;

impl Clone for Expr {
    fn clone(&self) -> Self {
        let mut copy = self.without_children();
        let mut work = vec![(self, &mut copy)];
        let (mut children, mut places) = (Vec::new(), Vec::new());
        while let Some((from, to)) = work.pop() {
            from.push_children(&mut children);
            to.push_children_mut(&mut places);
            for (child, place) in children.drain(..).zip(places.drain(..)) {
                *place = child.without_children();
                work.push((child, place));
            }
        }
        copy
    }
}

impl Expr {
    /// What stands where a child will be put.
    pub(super) fn placeholder() -> Self {
        Self::String(Text::default())
    }

    /// A copy with placeholders for children.
    fn without_children(&self) -> Self {
        match self {
            Self::Number(number) => Self::Number(number.clone()),
            Self::String(text) => Self::String(text.clone()),
            Self::Vector(selector) => Self::Vector(selector.clone()),
            Self::Matrix(matrix) => Self::Matrix(matrix.clone()),
            Self::Subquery(subquery) => Self::Subquery(Box::new(Subquery {
                expr: Self::placeholder(),
                range: subquery.range.clone(),
                step: subquery.step.clone(),
                modifiers: subquery.modifiers.clone(),
            })),
            Self::Paren(_) => Self::Paren(Box::new(Self::placeholder())),
            Self::Unary(op, _) => Self::Unary(*op, Box::new(Self::placeholder())),
            Self::Binary(binary) => Self::Binary(Box::new(Binary {
                op: binary.op,
                return_bool: binary.return_bool,
                matching: binary.matching.clone(),
                fill: binary.fill.clone(),
                lhs: Self::placeholder(),
                rhs: Self::placeholder(),
            })),
            Self::Aggregate(aggregate) => Self::Aggregate(Box::new(Aggregate {
                op: aggregate.op,
                param: aggregate.param.as_ref().map(|_| Self::placeholder()),
                expr: Self::placeholder(),
                grouping: aggregate.grouping.clone(),
            })),
            Self::Call(call) => Self::Call(Call {
                function: call.function,
                args: call.args.iter().map(|_| Self::placeholder()).collect(),
            }),
        }
    }
}

impl Clone for DurationExpr {
    fn clone(&self) -> Self {
        let mut copy = self.without_children();
        let mut work = vec![(self, &mut copy)];
        while let Some((from, to)) = work.pop() {
            for (child, place) in from.children().into_iter().zip(to.children_mut()) {
                if let (Some(child), Some(place)) = (child, place) {
                    *place = child.without_children();
                    work.push((child, place));
                }
            }
        }
        copy
    }
}

impl DurationExpr {
    /// A copy with placeholders for children.
    fn without_children(&self) -> Self {
        let placeholder = || Box::new(Self::Step);
        match self {
            Self::Literal(literal) => Self::Literal(literal.clone()),
            Self::Step => Self::Step,
            Self::Range => Self::Range,
            Self::Unary(op, _) => Self::Unary(*op, placeholder()),
            Self::Binary(op, ..) => Self::Binary(*op, placeholder(), placeholder()),
            Self::Min(..) => Self::Min(placeholder(), placeholder()),
            Self::Max(..) => Self::Max(placeholder(), placeholder()),
            Self::Paren(_) => Self::Paren(placeholder()),
        }
    }

    fn children(&self) -> [Option<&Self>; 2] {
        match self {
            Self::Literal(_) | Self::Step | Self::Range => [None, None],
            Self::Unary(_, inner) | Self::Paren(inner) => [Some(inner), None],
            Self::Binary(_, first, second)
            | Self::Min(first, second)
            | Self::Max(first, second) => [Some(first), Some(second)],
        }
    }

    fn children_mut(&mut self) -> [Option<&mut Self>; 2] {
        match self {
            Self::Literal(_) | Self::Step | Self::Range => [None, None],
            Self::Unary(_, inner) | Self::Paren(inner) => [Some(inner), None],
            Self::Binary(_, first, second)
            | Self::Min(first, second)
            | Self::Max(first, second) => [Some(first), Some(second)],
        }
    }
}
