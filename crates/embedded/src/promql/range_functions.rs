//! Functions over range vectors: a window slides over every series.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use std::thread;

use query::promql::ast::Expr;

use super::evaluator::Evaluator;
use super::selector::{RangeVector, demanded_labels};
use super::series::{Series, same_labels};
use crate::answer::Point;
use crate::limits::EvalError;

/// The samples that a range function sees at one step; never empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    pub(super) samples: &'a [Point],
    /// Left edge, exclusive, in milliseconds.
    pub(super) start_ms: i64,
    /// Right edge, inclusive, in milliseconds.
    pub(super) end_ms: i64,
    /// The step, which `@` and `offset` do not move.
    pub(super) step_ms: i64,
    /// The function's scalar argument at this step; NaN where it has none.
    pub(super) argument: f64,
}

impl Window<'_> {
    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.samples.iter().map(|sample| sample.value)
    }

    pub(super) fn range_seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }
}

/// Samples from which on a window takes so long that the time is looked at between two of them.
const LONG_WINDOW: usize = 256;

/// A function of a window. `None` is no value at this step.
pub(super) type RangeFunction = fn(&Window) -> Option<f64>;

impl Evaluator<'_> {
    /// Applies `function` to the windows of `range`, with the scalar of each step.
    pub(super) fn over_range(
        &self,
        range: &Expr,
        argument: Option<&Expr>,
        keeps_name: bool,
        function: RangeFunction,
    ) -> Result<Vec<Series>, EvalError> {
        let vector = self.range_vector(range)?;
        let arguments = argument.map(|expr| self.scalar(expr)).transpose()?;
        let arguments = arguments.as_deref();
        let mut parts = vector.into_parts();
        let last = parts.pop();
        let found = thread::scope(|scope| {
            let work = |part| self.over_part(part, arguments, keeps_name, function);
            let others = parts.into_iter();
            let others: Vec<_> = others.map(|part| scope.spawn(move || work(part))).collect();
            let last = last.map(work).transpose()?;
            let mut found: Vec<Series> = Vec::new();
            for other in others {
                let part = other.join().map_err(|_| EvalError::Internal)?;
                found.extend(part?);
            }
            found.extend(last.into_iter().flatten());
            Ok::<_, EvalError>(found)
        })?;
        if !self.delayed_name_removal {
            let mut labels: Vec<_> = found.iter().map(|series| &series.labels).collect();
            labels.sort_unstable();
            if labels.array_windows().any(|[a, b]| a == b) {
                return Err(same_labels());
            }
        }
        Ok(found)
    }

    /// The same for some of the series, on a thread of its own.
    fn over_part(
        &self,
        vector: RangeVector,
        arguments: Option<&[f64]>,
        keeps_name: bool,
        function: RangeFunction,
    ) -> Result<Vec<Series>, EvalError> {
        let (shift, length) = (vector.shift, vector.range);
        let mut found: Vec<Series> = Vec::new();
        for series in vector.into_series() {
            self.stop.check()?;
            let mut series = series?;
            self.budget.take(series.points.len())?;
            let samples = std::mem::take(&mut series.points);
            let (mut from, mut to) = (0, 0);
            for (step, step_ms) in self.steps.times().enumerate() {
                let end_ms = shift.of(step_ms);
                let start_ms = end_ms.saturating_sub(length);
                to += count_until(samples.get(to..), end_ms);
                from += count_until(samples.get(from..to), start_ms);
                let samples = samples.get(from..to).unwrap_or_default();
                if samples.is_empty() {
                    continue;
                }
                if samples.len() > LONG_WINDOW {
                    self.stop.check()?;
                }
                let argument = arguments
                    .and_then(|arguments| arguments.get(step).copied())
                    .unwrap_or(f64::NAN);
                let value = function(&Window {
                    samples,
                    start_ms,
                    end_ms,
                    step_ms,
                    argument,
                });
                if let Some(value) = value {
                    series.points.push(Point {
                        timestamp_ms: step_ms,
                        value,
                    });
                }
            }
            self.budget.give_back(samples.len());
            self.budget.take(series.points.len())?;
            if !keeps_name {
                self.drop_name(&mut series);
            }
            if !series.points.is_empty() {
                found.push(series);
            }
        }
        Ok(found)
    }

    /// `absent_over_time`: 1 at the steps at which no series has a sample in its window.
    pub(super) fn absent_over_time(&self, range: &Expr) -> Result<Vec<Series>, EvalError> {
        let present = self.over_range(range, None, true, super::over_time::present)?;
        Ok(self.absent(range, &present))
    }

    /// 1 at the steps at which none of the series has a point, with the labels that `selector`
    /// demands.
    pub(super) fn absent(&self, selector: &Expr, present: &[Series]) -> Vec<Series> {
        let mut seen = vec![false; self.steps.count()];
        for point in present.iter().flat_map(|series| &series.points) {
            if let Some(seen) = seen.get_mut(self.steps.index(point.timestamp_ms)) {
                *seen = true;
            }
        }
        let points: Vec<Point> = self
            .steps
            .times()
            .zip(seen)
            .filter(|(_, seen)| !seen)
            .map(|(timestamp_ms, _)| Point {
                timestamp_ms,
                value: 1.0,
            })
            .collect();
        if points.is_empty() {
            return Vec::new();
        }
        vec![Series {
            labels: demanded_labels(selector),
            drop_name: false,
            points,
        }]
    }
}

/// How many of the samples are not after `time`. Windows move by few samples at a time, so they
/// are counted one by one.
fn count_until(samples: Option<&[Point]>, time: i64) -> usize {
    samples
        .unwrap_or_default()
        .iter()
        .take_while(|sample| sample.timestamp_ms <= time)
        .count()
}
