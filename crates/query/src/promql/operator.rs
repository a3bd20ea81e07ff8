//! Operators: how they are written and how tightly they bind.

use super::ast::{AggregateOp, BinaryOp, DurationOp, Extension, UnaryOp, ValueType};
use crate::small_str::SmallStr;

/// How tightly an operator binds; the greater binds tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precedence {
    Or,
    And,
    Comparison,
    Sum,
    /// Also that of a sign, so that `-1 ^ 2` is `-(1 ^ 2)`.
    Product,
    /// The only one that groups from the right.
    Power,
    /// What needs no parentheses anywhere.
    Primary,
}

impl Precedence {
    /// Whether an operator of this precedence, standing left of an operand, takes it before
    /// `next`, standing right of it, does.
    pub(super) fn takes_before(self, next: Self) -> bool {
        self > next || (self == next && self != Self::Power)
    }
}

impl BinaryOp {
    /// The operator as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Lt => "<",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
        }
    }

    /// Whether this is `==`, `!=`, `>`, `<`, `>=` or `<=`.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Eq | Self::Ne | Self::Gt | Self::Lt | Self::Ge | Self::Le
        )
    }

    /// Whether this is `and`, `or` or `unless`.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    pub(super) const fn precedence(self) -> Precedence {
        match self {
            Self::Or => Precedence::Or,
            Self::And | Self::Unless => Precedence::And,
            Self::Eq
            | Self::Ne
            | Self::Gt
            | Self::Lt
            | Self::Ge
            | Self::Le
            | Self::TrimUpper
            | Self::TrimLower => Precedence::Comparison,
            Self::Add | Self::Sub => Precedence::Sum,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => Precedence::Product,
            Self::Pow => Precedence::Power,
        }
    }

    /// The operator between durations that is written the same.
    pub(super) const fn between_durations(self) -> Option<DurationOp> {
        Some(match self {
            Self::Add => DurationOp::Add,
            Self::Sub => DurationOp::Sub,
            Self::Mul => DurationOp::Mul,
            Self::Div => DurationOp::Div,
            Self::Mod => DurationOp::Mod,
            Self::Pow => DurationOp::Pow,
            Self::Atan2
            | Self::Eq
            | Self::Ne
            | Self::Gt
            | Self::Lt
            | Self::Ge
            | Self::Le
            | Self::And
            | Self::Or
            | Self::Unless
            | Self::TrimUpper
            | Self::TrimLower => return None,
        })
    }
}

impl DurationOp {
    /// The operator as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }

    pub(super) const fn precedence(self) -> Precedence {
        match self {
            Self::Add | Self::Sub => Precedence::Sum,
            Self::Mul | Self::Div | Self::Mod => Precedence::Product,
            Self::Pow => Precedence::Power,
        }
    }
}

impl UnaryOp {
    /// The sign as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }

    /// The sign that `op` is, if it is one.
    pub(super) fn of(op: BinaryOp) -> Option<Self> {
        match op.between_durations()? {
            DurationOp::Add => Some(Self::Plus),
            DurationOp::Sub => Some(Self::Minus),
            DurationOp::Mul | DurationOp::Div | DurationOp::Mod | DurationOp::Pow => None,
        }
    }

    /// A number literal with this sign in front, which `--1` and `+-1` keep to one sign at most.
    pub(super) fn sign_text(self, text: &str) -> SmallStr {
        let unsigned = text.trim_start_matches(['+', '-']);
        let negative = text.starts_with('-');
        match (self, negative) {
            (Self::Plus, false) => ["+", unsigned].concat().into(),
            (Self::Plus, true) | (Self::Minus, false) => ["-", unsigned].concat().into(),
            (Self::Minus, true) => unsigned.into(),
        }
    }
}

impl AggregateOp {
    /// Every operator, in the order of the enum.
    pub const ALL: [Self; 14] = [
        Self::Sum,
        Self::Avg,
        Self::Count,
        Self::Min,
        Self::Max,
        Self::Group,
        Self::Stddev,
        Self::Stdvar,
        Self::Topk,
        Self::Bottomk,
        Self::CountValues,
        Self::Quantile,
        Self::Limitk,
        Self::LimitRatio,
    ];

    /// The operator as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
            Self::Quantile => "quantile",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
        }
    }

    /// The type of the first of two arguments; `None` where there is only one.
    #[must_use]
    pub const fn param_type(self) -> Option<ValueType> {
        match self {
            Self::Topk | Self::Bottomk | Self::Quantile | Self::Limitk | Self::LimitRatio => {
                Some(ValueType::Scalar)
            }
            Self::CountValues => Some(ValueType::String),
            Self::Sum
            | Self::Avg
            | Self::Count
            | Self::Min
            | Self::Max
            | Self::Group
            | Self::Stddev
            | Self::Stdvar => None,
        }
    }
}

impl Extension {
    /// The keyword.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

impl ValueType {
    /// The type in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::InstantVector => "instant vector",
            Self::RangeVector => "range vector",
        }
    }
}
