//! `and`, `or` and `unless`.

use query::promql::ast::Binary;

use super::evaluator::Evaluator;
use super::matching::{SideSeries, Signatures};
use super::series::{Collector, Operand, Series};
use crate::limits::EvalError;

/// The points of both sides at one step.
struct Step<'a> {
    time: i64,
    lefts: Vec<(&'a Series, usize, Operand)>,
    rights: Vec<(&'a Series, usize, Operand)>,
    /// Whether a match group has a series on the left, and on the right.
    on_left: Vec<bool>,
    on_right: Vec<bool>,
}

impl Evaluator<'_> {
    pub(super) fn and(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        self.set(binary, lhs, rhs, |step, collector| {
            step.keep_lefts(collector, |on_right| on_right)
        })
    }

    pub(super) fn unless(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        self.set(binary, lhs, rhs, |step, collector| {
            step.keep_lefts(collector, |on_right| !on_right)
        })
    }

    /// The left side, and of the right side what has no partner on the left.
    pub(super) fn or(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        self.set(binary, lhs, rhs, |step, collector| {
            step.keep_lefts(collector, |_| true)?;
            for (series, signature, value) in &step.rights {
                if step.on_left.get(*signature) == Some(&false) {
                    push(collector, step.time, series, value.clone())?;
                }
            }
            Ok(())
        })
    }

    fn set(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
        mut keep: impl FnMut(&Step, &mut Collector) -> Result<(), EvalError>,
    ) -> Result<Vec<Series>, EvalError> {
        let matching = binary.matching.as_ref();
        let mut signatures = Signatures::default();
        let mut lefts = signatures.side(lhs, matching);
        let mut rights = signatures.side(rhs, matching);
        let mut collector = Collector::default();
        for time in self.steps.times() {
            self.stop.check()?;
            let mut on_left = vec![false; signatures.count()];
            let mut on_right = vec![false; signatures.count()];
            let step = Step {
                time,
                lefts: present(&mut lefts, time, &mut on_left),
                rights: present(&mut rights, time, &mut on_right),
                on_left,
                on_right,
            };
            keep(&step, &mut collector)?;
        }
        Ok(collector.finish())
    }
}

impl Step<'_> {
    fn keep_lefts(
        &self,
        collector: &mut Collector,
        wanted: impl Fn(bool) -> bool,
    ) -> Result<(), EvalError> {
        for (series, signature, value) in &self.lefts {
            let on_right = self.on_right.get(*signature).copied().unwrap_or_default();
            if wanted(on_right) {
                push(collector, self.time, series, value.clone())?;
            }
        }
        Ok(())
    }
}

fn present<'a>(
    side: &mut [SideSeries<'a>],
    time: i64,
    groups: &mut [bool],
) -> Vec<(&'a Series, usize, Operand)> {
    side.iter_mut()
        .filter_map(|one| {
            let value = one.cursor.value_at(time)?;
            if let Some(seen) = groups.get_mut(one.signature) {
                *seen = true;
            }
            Some((one.series, one.signature, value))
        })
        .collect()
}

fn push(
    collector: &mut Collector,
    time: i64,
    series: &Series,
    value: Operand,
) -> Result<(), EvalError> {
    let slot = collector.slot(series.labels.clone(), series.drop_name);
    collector.push(slot, time, value)
}
