//! Which range aggregations mean something.

use query::logql::ast::{RangeAggregation, RangeOp};

use crate::limits::EvalError;

/// Which aggregation goes with `unwrap` and with a grouping; the parser of the language lets some
/// combinations pass that mean nothing.
pub(super) fn validate(aggregation: &RangeAggregation) -> Result<(), EvalError> {
    let op = aggregation.op;
    let name = name(op);
    let refuse = |why: String| Err(EvalError::Invalid(format!("parse error : {why}")));
    let (groups, with_unwrap, without_unwrap) = match op {
        RangeOp::CountOverTime | RangeOp::BytesOverTime | RangeOp::BytesRate => {
            (false, false, true)
        }
        RangeOp::Rate | RangeOp::AbsentOverTime => (false, true, true),
        RangeOp::RateCounter | RangeOp::SumOverTime => (false, true, false),
        RangeOp::AvgOverTime
        | RangeOp::MinOverTime
        | RangeOp::MaxOverTime
        | RangeOp::StdvarOverTime
        | RangeOp::StddevOverTime
        | RangeOp::QuantileOverTime
        | RangeOp::FirstOverTime
        | RangeOp::LastOverTime => (true, true, false),
    };
    if aggregation.grouping.is_some() && !groups {
        return refuse(format!("grouping not allowed for {name} aggregation"));
    }
    if aggregation.range.unwrap.is_some() && !with_unwrap {
        return refuse(format!("invalid aggregation {name} with unwrap"));
    }
    if aggregation.range.unwrap.is_none() && !without_unwrap {
        return refuse(format!("invalid aggregation {name} without unwrap"));
    }
    match (&aggregation.param, op == RangeOp::QuantileOverTime) {
        (None, true) => refuse(format!("parameter required for operation {name}")),
        (Some(param), false) => refuse(format!(
            "parameter {} not supported for operation {name}",
            param.text
        )),
        _ => Ok(()),
    }
}

fn name(op: RangeOp) -> &'static str {
    match op {
        RangeOp::CountOverTime => "count_over_time",
        RangeOp::Rate => "rate",
        RangeOp::RateCounter => "rate_counter",
        RangeOp::BytesOverTime => "bytes_over_time",
        RangeOp::BytesRate => "bytes_rate",
        RangeOp::AvgOverTime => "avg_over_time",
        RangeOp::SumOverTime => "sum_over_time",
        RangeOp::MinOverTime => "min_over_time",
        RangeOp::MaxOverTime => "max_over_time",
        RangeOp::StdvarOverTime => "stdvar_over_time",
        RangeOp::StddevOverTime => "stddev_over_time",
        RangeOp::QuantileOverTime => "quantile_over_time",
        RangeOp::FirstOverTime => "first_over_time",
        RangeOp::LastOverTime => "last_over_time",
        RangeOp::AbsentOverTime => "absent_over_time",
    }
}
