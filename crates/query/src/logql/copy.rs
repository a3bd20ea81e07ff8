//! Copies of trees, made level by level.
//!
//! The derived `Clone` needs close to a kilobyte of stack a level without optimization, which is
//! too much for the depth that trees may have. `PartialEq` and `Drop` need little, and are derived.

use super::ast::{Binary, LabelFilter, LabelReplace, MetricExpr, VectorAggregation};
use crate::number::Number;
use crate::small_str::SmallStr;
use crate::text::Text;

impl Clone for MetricExpr {
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

impl MetricExpr {
    /// What stands where a child will be copied to.
    fn placeholder() -> Self {
        Self::Literal(Number {
            value: 0.0,
            text: SmallStr::default(),
        })
    }

    /// A copy with placeholders for children.
    fn without_children(&self) -> Self {
        match self {
            Self::Range(range) => Self::Range(range.clone()),
            Self::Literal(number) => Self::Literal(number.clone()),
            Self::VectorLiteral(number) => Self::VectorLiteral(number.clone()),
            Self::Vector(aggregation) => Self::Vector(Box::new(VectorAggregation {
                op: aggregation.op,
                param: aggregation.param.clone(),
                expr: Self::placeholder(),
                grouping: aggregation.grouping.clone(),
            })),
            Self::Binary(binary) => Self::Binary(Box::new(Binary {
                op: binary.op,
                return_bool: binary.return_bool,
                matching: binary.matching.clone(),
                lhs: Self::placeholder(),
                rhs: Self::placeholder(),
            })),
            Self::LabelReplace(replace) => Self::LabelReplace(Box::new(LabelReplace {
                expr: Self::placeholder(),
                dst: replace.dst.clone(),
                replacement: replace.replacement.clone(),
                src: replace.src.clone(),
                regex: replace.regex.clone(),
            })),
        }
    }

    /// The expressions that this one is made of, in the order of the text.
    pub(super) fn children(&self) -> [Option<&Self>; 2] {
        match self {
            Self::Range(_) | Self::Literal(_) | Self::VectorLiteral(_) => [None, None],
            Self::Vector(aggregation) => [Some(&aggregation.expr), None],
            Self::LabelReplace(replace) => [Some(&replace.expr), None],
            Self::Binary(binary) => [Some(&binary.lhs), Some(&binary.rhs)],
        }
    }

    fn children_mut(&mut self) -> [Option<&mut Self>; 2] {
        match self {
            Self::Range(_) | Self::Literal(_) | Self::VectorLiteral(_) => [None, None],
            Self::Vector(aggregation) => [Some(&mut aggregation.expr), None],
            Self::LabelReplace(replace) => [Some(&mut replace.expr), None],
            Self::Binary(binary) => {
                let binary = &mut **binary;
                [Some(&mut binary.lhs), Some(&mut binary.rhs)]
            }
        }
    }
}

impl Clone for LabelFilter {
    fn clone(&self) -> Self {
        let mut copy = self.without_children();
        let mut work = vec![(self, &mut copy)];
        while let Some((from, to)) = work.pop() {
            match (from, to) {
                (Self::And(left, right), Self::And(left_place, right_place))
                | (Self::Or(left, right), Self::Or(left_place, right_place)) => {
                    **left_place = left.without_children();
                    **right_place = right.without_children();
                    work.push((left, left_place));
                    work.push((right, right_place));
                }
                (
                    Self::And(..)
                    | Self::Or(..)
                    | Self::Match(_)
                    | Self::Ip(_)
                    | Self::Number(..)
                    | Self::Duration(..)
                    | Self::Bytes(..),
                    _,
                ) => {}
            }
        }
        copy
    }
}

impl LabelFilter {
    /// A copy with placeholders for children.
    fn without_children(&self) -> Self {
        let placeholder = || Box::new(Self::Match(crate::Matcher::equal("", Text::default())));
        match self {
            Self::Match(matcher) => Self::Match(matcher.clone()),
            Self::Ip(filter) => Self::Ip(filter.clone()),
            Self::Number(label, op, value) => Self::Number(label.clone(), *op, value.clone()),
            Self::Duration(label, op, value) => Self::Duration(label.clone(), *op, value.clone()),
            Self::Bytes(label, op, value) => Self::Bytes(label.clone(), *op, value.clone()),
            Self::And(..) => Self::And(placeholder(), placeholder()),
            Self::Or(..) => Self::Or(placeholder(), placeholder()),
        }
    }
}
