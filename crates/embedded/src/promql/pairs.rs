//! Operations between vectors whose series pair up once and for all.
//!
//! Nearly all operations are of this kind. They are done pair by pair and not step by step: so memory
//! is read in its order, which is several times faster where there are many series.

use std::collections::HashSet;

use super::evaluator::Evaluator;
use super::matching::SideSeries;
use super::operation::Operation;
use super::series::Series;
use crate::labels::Labels;
use crate::limits::EvalError;

impl Evaluator<'_> {
    /// The results of an operation without groups and without values for missing partners; `None` if
    /// some match group has two series on a side, or two pairs the same labels, so that each step has
    /// to be looked at for itself. There are `groups` match groups.
    pub(super) fn paired(
        &self,
        operation: &mut Operation<'_>,
        (lhs, rhs): (&[SideSeries<'_>], &[SideSeries<'_>]),
        groups: usize,
    ) -> Result<Option<Vec<Series>>, EvalError> {
        let (Some(_), Some(partners)) = (by_group(lhs, groups), by_group(rhs, groups)) else {
            return Ok(None);
        };
        let mut labels: HashSet<Labels> = HashSet::with_capacity(lhs.len().min(rhs.len()));
        let mut results = Vec::with_capacity(lhs.len().min(rhs.len()));
        let mut held = 0;
        for left in lhs {
            self.stop.check()?;
            let Some(right) = partners.get(left.signature).copied().flatten() else {
                continue;
            };
            let mut result = operation.result(left.series, right.series);
            if !labels.insert(result.labels.clone()) {
                self.budget.give_back(held);
                return Ok(None);
            }
            let (mut left, mut right) = (left.cursor.clone(), right.cursor.clone());
            for time in self.steps.times() {
                let Some(values) = left.value_at(time).zip(right.value_at(time)) else {
                    continue;
                };
                let outcome = operation.outcome((&values.0, &values.1));
                if let Some(value) = operation.findings.sift(time, outcome) {
                    result.push(time, value);
                }
            }
            let weight = result.weight();
            self.budget.take(weight)?;
            held += weight;
            if !result.is_empty() {
                results.push(result);
            }
        }
        Ok(Some(results))
    }
}

/// The series of each match group, if none has two.
fn by_group<'a, 's>(
    side: &'a [SideSeries<'s>],
    groups: usize,
) -> Option<Vec<Option<&'a SideSeries<'s>>>> {
    let mut found = vec![None; groups];
    for one in side {
        let group = found.get_mut(one.signature)?;
        if group.replace(one).is_some() {
            return None;
        }
    }
    Some(found)
}
