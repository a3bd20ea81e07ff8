//! `topk` and `bottomk`: they choose series and keep their labels.

use std::cmp::Ordering;

use query::promql::Expr;

use super::aggregate::Group;
use super::evaluator::Evaluator;
use super::series::{Collector, Cursor, Operand, Series};
use crate::limits::EvalError;
use crate::numbers::{go_general, to_i64};

impl Evaluator<'_> {
    /// The `k` series with the largest (or smallest) numbers of each group at each step, the most
    /// extreme one first. Of equal ones, those that come first in the order of labels.
    pub(super) fn top(
        &self,
        expr: &Expr,
        groups: &[Group],
        parameters: &[f64],
        largest: bool,
    ) -> Result<Vec<Series>, EvalError> {
        let Some(counts) = counts(parameters)? else {
            return Ok(Vec::new());
        };
        let mut members = groups.iter().flat_map(|group| &group.members);
        if members.any(|member| !member.histograms.is_empty()) {
            let name = if largest { "topk" } else { "bottomk" };
            self.notes.ignored_in_aggregation(expr, name);
        }
        let mut collector = Collector::default();
        for group in groups {
            self.stop.check()?;
            let mut cursors: Vec<Cursor> =
                group.members.iter().map(|one| Cursor::new(one)).collect();
            for (time, k) in self.steps.times().zip(&counts) {
                let mut values: Vec<(usize, f64)> = cursors
                    .iter_mut()
                    .enumerate()
                    .filter_map(|(at, cursor)| Some((at, cursor.at(time)?)))
                    .collect();
                values.sort_by(|(_, a), (_, b)| extreme_first(*a, *b, largest));
                for (at, value) in values.into_iter().take(*k) {
                    if let Some(member) = group.members.get(at) {
                        let slot = collector.slot(member.labels.clone(), member.drop_name);
                        collector.push(slot, time, Operand::Float(value))?;
                    }
                }
            }
        }
        Ok(collector.finish())
    }
}

/// The parameters as numbers of series; `None` where no step wants any.
pub(super) fn counts(parameters: &[f64]) -> Result<Option<Vec<usize>>, EvalError> {
    if parameters.iter().all(|k| *k < 1.0) {
        return Ok(None);
    }
    parameters
        .iter()
        .map(|k| count(*k))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The parameter as a number of series.
fn count(k: f64) -> Result<usize, EvalError> {
    if k.is_nan() {
        return Err(EvalError::Execution("Parameter value is NaN".to_owned()));
    }
    match to_i64(k) {
        Some(k) => Ok(usize::try_from(k).unwrap_or_default()),
        None if k < 0.0 => Err(EvalError::Execution(format!(
            "Scalar value {} underflows int64",
            go_general(k)
        ))),
        None => Err(EvalError::Execution(format!(
            "Scalar value {} overflows int64",
            go_general(k)
        ))),
    }
}

/// NaN comes last in either direction.
fn extreme_first(a: f64, b: f64, largest: bool) -> Ordering {
    let order = a
        .partial_cmp(&b)
        .map(|order| if largest { order.reverse() } else { order });
    order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
