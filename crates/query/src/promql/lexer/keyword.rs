//! The words of the language.

use crate::promql::ast::{AggregateOp, BinaryOp, Extension};
use crate::word;

/// A word with a meaning of its own, in any mixture of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::promql) enum Keyword {
    Aggregate(AggregateOp),
    /// `and`, `or`, `unless`.
    Set(BinaryOp),
    Atan2,
    Offset,
    Extension(Extension),
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
    /// `inf` and `nan`.
    Number,
}

impl Keyword {
    /// The longest keyword has this many letters.
    const LONGEST: usize = 12;

    /// The keyword that `word` is, whatever its cases.
    pub(in crate::promql) fn of(word: &[u8]) -> Option<Self> {
        let lower = word::lower::<{ Self::LONGEST }>(word)?;
        Some(match lower.get(..word.len())? {
            b"and" => Self::Set(BinaryOp::And),
            b"or" => Self::Set(BinaryOp::Or),
            b"unless" => Self::Set(BinaryOp::Unless),
            b"atan2" => Self::Atan2,
            b"sum" => Self::Aggregate(AggregateOp::Sum),
            b"avg" => Self::Aggregate(AggregateOp::Avg),
            b"count" => Self::Aggregate(AggregateOp::Count),
            b"min" => Self::Aggregate(AggregateOp::Min),
            b"max" => Self::Aggregate(AggregateOp::Max),
            b"group" => Self::Aggregate(AggregateOp::Group),
            b"stddev" => Self::Aggregate(AggregateOp::Stddev),
            b"stdvar" => Self::Aggregate(AggregateOp::Stdvar),
            b"topk" => Self::Aggregate(AggregateOp::Topk),
            b"bottomk" => Self::Aggregate(AggregateOp::Bottomk),
            b"count_values" => Self::Aggregate(AggregateOp::CountValues),
            b"quantile" => Self::Aggregate(AggregateOp::Quantile),
            b"limitk" => Self::Aggregate(AggregateOp::Limitk),
            b"limit_ratio" => Self::Aggregate(AggregateOp::LimitRatio),
            b"offset" => Self::Offset,
            b"smoothed" => Self::Extension(Extension::Smoothed),
            b"anchored" => Self::Extension(Extension::Anchored),
            b"by" => Self::By,
            b"without" => Self::Without,
            b"on" => Self::On,
            b"ignoring" => Self::Ignoring,
            b"group_left" => Self::GroupLeft,
            b"group_right" => Self::GroupRight,
            b"fill" => Self::Fill,
            b"fill_left" => Self::FillLeft,
            b"fill_right" => Self::FillRight,
            b"bool" => Self::Bool,
            b"start" => Self::Start,
            b"end" => Self::End,
            b"step" => Self::Step,
            b"range" => Self::Range,
            b"max_of" => Self::MaxOf,
            b"min_of" => Self::MinOf,
            b"inf" | b"nan" => Self::Number,
            _ => return None,
        })
    }

    /// Whether a metric may have this name without quotes.
    pub(in crate::promql) const fn names_a_metric(self) -> bool {
        match self {
            Self::Aggregate(_)
            | Self::Set(_)
            | Self::Offset
            | Self::Extension(_)
            | Self::By
            | Self::Without
            | Self::Fill
            | Self::FillLeft
            | Self::FillRight
            | Self::Start
            | Self::End
            | Self::Step
            | Self::Range
            | Self::MaxOf
            | Self::MinOf => true,
            Self::Atan2
            | Self::On
            | Self::Ignoring
            | Self::GroupLeft
            | Self::GroupRight
            | Self::Bool
            | Self::Number => false,
        }
    }

    /// Whether it is a function's name, too.
    pub(in crate::promql) const fn names_a_function(self) -> bool {
        matches!(
            self,
            Self::Start | Self::End | Self::Step | Self::Range | Self::MaxOf | Self::MinOf
        )
    }

    /// Whether a label in `by (…)`, `on (…)` and the like may have this name without quotes.
    pub(in crate::promql) const fn names_a_label(self) -> bool {
        !matches!(self, Self::Without | Self::Number)
    }
}
