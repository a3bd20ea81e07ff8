//! The keywords.

use super::Kind;
use crate::logql::ast::{Conversion, RangeOp, VectorOp};

/// The length of the longest keyword.
pub(super) const KEYWORD_BYTES: usize = 18;

/// Whether the keyword is one only where it is called, and a name elsewhere.
pub(super) fn is_function(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::RangeAggregate(_)
            | Kind::Aggregate(_)
            | Kind::Convert(_)
            | Kind::Vector
            | Kind::LabelReplace
            | Kind::Ip
    )
}

/// The keyword that a word in small letters is.
pub(super) fn keyword(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"rate" => Kind::RangeAggregate(RangeOp::Rate),
        b"rate_counter" => Kind::RangeAggregate(RangeOp::RateCounter),
        b"count_over_time" => Kind::RangeAggregate(RangeOp::CountOverTime),
        b"bytes_rate" => Kind::RangeAggregate(RangeOp::BytesRate),
        b"bytes_over_time" => Kind::RangeAggregate(RangeOp::BytesOverTime),
        b"avg_over_time" => Kind::RangeAggregate(RangeOp::AvgOverTime),
        b"sum_over_time" => Kind::RangeAggregate(RangeOp::SumOverTime),
        b"min_over_time" => Kind::RangeAggregate(RangeOp::MinOverTime),
        b"max_over_time" => Kind::RangeAggregate(RangeOp::MaxOverTime),
        b"stdvar_over_time" => Kind::RangeAggregate(RangeOp::StdvarOverTime),
        b"stddev_over_time" => Kind::RangeAggregate(RangeOp::StddevOverTime),
        b"quantile_over_time" => Kind::RangeAggregate(RangeOp::QuantileOverTime),
        b"first_over_time" => Kind::RangeAggregate(RangeOp::FirstOverTime),
        b"last_over_time" => Kind::RangeAggregate(RangeOp::LastOverTime),
        b"absent_over_time" => Kind::RangeAggregate(RangeOp::AbsentOverTime),
        b"sum" => Kind::Aggregate(VectorOp::Sum),
        b"avg" => Kind::Aggregate(VectorOp::Avg),
        b"max" => Kind::Aggregate(VectorOp::Max),
        b"min" => Kind::Aggregate(VectorOp::Min),
        b"count" => Kind::Aggregate(VectorOp::Count),
        b"stddev" => Kind::Aggregate(VectorOp::Stddev),
        b"stdvar" => Kind::Aggregate(VectorOp::Stdvar),
        b"bottomk" => Kind::Aggregate(VectorOp::Bottomk),
        b"topk" => Kind::Aggregate(VectorOp::Topk),
        b"approx_topk" => Kind::Aggregate(VectorOp::ApproxTopk),
        b"sort" => Kind::Aggregate(VectorOp::Sort),
        b"sort_desc" => Kind::Aggregate(VectorOp::SortDesc),
        b"bytes" => Kind::Convert(Conversion::Bytes),
        b"duration" => Kind::Convert(Conversion::Duration),
        b"duration_seconds" => Kind::Convert(Conversion::DurationSeconds),
        b"vector" => Kind::Vector,
        b"label_replace" => Kind::LabelReplace,
        b"ip" => Kind::Ip,
        b"or" => Kind::Or,
        b"and" => Kind::And,
        b"unless" => Kind::Unless,
        b"by" => Kind::By,
        b"without" => Kind::Without,
        b"bool" => Kind::Bool,
        b"on" => Kind::On,
        b"ignoring" => Kind::Ignoring,
        b"group_left" => Kind::GroupLeft,
        b"group_right" => Kind::GroupRight,
        b"offset" => Kind::Offset,
        b"unwrap" => Kind::Unwrap,
        b"json" => Kind::Json,
        b"logfmt" => Kind::Logfmt,
        b"regexp" => Kind::Regexp,
        b"pattern" => Kind::Pattern,
        b"unpack" => Kind::Unpack,
        b"decolorize" => Kind::Decolorize,
        b"label_format" => Kind::LabelFormat,
        b"line_format" => Kind::LineFormat,
        b"drop" => Kind::Drop,
        b"keep" => Kind::Keep,
        _ => return None,
    })
}
