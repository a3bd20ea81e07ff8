//! Functions over range vectors: a window slides over every series.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use std::thread;

use query::promql::ast::{Call, Expr, Extension};

use super::evaluator::Evaluator;
use super::notes::Notes;
use super::range_vector::RangeVector;
use super::selector::demanded_labels;
use super::series::{Operand, Series, point, same_labels, weight};
use crate::answer::Point;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::HistogramSample;

/// The samples that a range function sees at one step; there is at least one. With an extension
/// there may be some from outside of the edges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    pub(super) samples: &'a [Point],
    pub(super) histograms: &'a [HistogramSample],
    /// Left edge, exclusive, in milliseconds.
    pub(super) start_ms: i64,
    /// Right edge, inclusive, in milliseconds.
    pub(super) end_ms: i64,
    /// The step, which `@` and `offset` do not move.
    pub(super) step_ms: i64,
    /// The function's scalar arguments at this step; NaN where it has none.
    pub(super) arguments: [f64; 2],
    pub(super) extension: Option<Extension>,
    /// The series' labels, and the range vector that it is of.
    pub(super) labels: &'a Labels,
    pub(super) expr: &'a Expr,
    /// The first scalar argument as it is written.
    pub(super) argument_expr: Option<&'a Expr>,
    /// The first argument of the call.
    pub(super) first: &'a Expr,
    pub(super) notes: &'a Notes,
}

impl Window<'_> {
    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.samples.iter().map(|sample| sample.value)
    }

    pub(super) fn range_seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }

    /// The first scalar argument.
    pub(super) fn argument(&self) -> f64 {
        self.arguments[0]
    }
}

/// Samples from which on a window takes so long that the time is looked at between two of them.
const LONG_WINDOW: usize = 256;

/// A function of a window. `None` is no value at this step.
#[derive(Clone, Copy, Debug)]
pub(super) enum RangeFunction {
    /// Reads numbers alone; histograms beside them are left out, which is told.
    Floats(fn(&Window) -> Option<f64>),
    /// Reads both.
    Any(fn(&Window) -> Option<Operand>),
    /// Reads both, and may end the query.
    Failing(fn(&Window) -> Result<Option<f64>, EvalError>),
}

impl RangeFunction {
    fn apply(self, window: &Window) -> Result<Option<Operand>, EvalError> {
        match self {
            Self::Any(function) => Ok(function(window)),
            Self::Floats(function) => {
                if window.samples.is_empty() {
                    return Ok(None);
                }
                if !window.histograms.is_empty() {
                    window.notes.ignored_in_range(window.first, window.labels);
                }
                Ok(function(window).map(Operand::Float))
            }
            Self::Failing(function) => Ok(function(window)?.map(Operand::Float)),
        }
    }
}

/// How a range function is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct RangeCall<'a> {
    pub(super) range: &'a Expr,
    /// The first argument, which need not be the range.
    pub(super) first: &'a Expr,
    pub(super) arguments: [Option<&'a Expr>; 2],
    pub(super) keeps_name: bool,
    pub(super) function: RangeFunction,
    /// The metric should be a counter by its name.
    pub(super) wants_counter: bool,
}

impl Evaluator<'_> {
    /// Applies a function to the windows of a range vector, with the scalars of each step.
    pub(super) fn over_range(&self, call: RangeCall) -> Result<Vec<Series>, EvalError> {
        let vector = self.range_vector(call.range)?;
        let scalars = |expr: Option<&Expr>| expr.map(|expr| self.scalar(expr)).transpose();
        let arguments = [scalars(call.arguments[0])?, scalars(call.arguments[1])?];
        let mut parts = vector.into_parts();
        let last = parts.pop();
        let found = thread::scope(|scope| {
            let work = |part| self.over_part(part, call, &arguments);
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
        call: RangeCall,
        arguments: &[Option<Vec<f64>>; 2],
    ) -> Result<Vec<Series>, EvalError> {
        let (shift, length, extension) = (vector.shift, vector.range, vector.extension);
        let (before, behind) = self.reach(extension);
        let mut found: Vec<Series> = Vec::new();
        for series in vector.into_series(self.resets) {
            self.stop.check()?;
            let samples = series?;
            self.budget.take(samples.weight())?;
            let mut series = Series {
                labels: samples.labels.clone(),
                drop_name: samples.drop_name,
                ..Series::default()
            };
            let (mut floats, mut histograms) = (Slide::default(), Slide::default());
            for (step, step_ms) in self.steps.times().enumerate() {
                let end_ms = shift.of(step_ms);
                let start_ms = end_ms.saturating_sub(length);
                let edges = (
                    start_ms.saturating_sub(before),
                    end_ms.saturating_add(behind),
                );
                let window = Window {
                    samples: floats.to(&samples.points, edges, |one| one.timestamp_ms),
                    histograms: histograms.to(&samples.histograms, edges, |one| one.timestamp_ms),
                    start_ms,
                    end_ms,
                    step_ms,
                    arguments: arguments.each_ref().map(|all| {
                        let at = all.as_ref().and_then(|all| all.get(step).copied());
                        at.unwrap_or(f64::NAN)
                    }),
                    extension,
                    labels: &samples.labels,
                    expr: call.range,
                    first: call.first,
                    argument_expr: call.arguments[0],
                    notes: self.notes,
                };
                if window.samples.is_empty() && window.histograms.is_empty() {
                    continue;
                }
                if window.samples.len() + weight(window.histograms) > LONG_WINDOW {
                    self.stop.check()?;
                }
                if let Some(value) = call.function.apply(&window)? {
                    series.push(step_ms, value);
                }
            }
            self.budget.give_back(samples.weight());
            self.budget.take(series.weight())?;
            if call.wants_counter && !series.points.is_empty() {
                self.notes.check_counter(call.range, &samples.labels);
            }
            if !call.keeps_name {
                self.drop_name(&mut series);
            }
            if !series.is_empty() {
                found.push(series);
            }
        }
        Ok(found)
    }

    /// `absent_over_time`: 1 at the steps at which no series has a sample in its window.
    pub(super) fn absent_over_time(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let range = super::call::argument(call, 0)?;
        Self::check_extension(call, range)?;
        let present = self.over_range(RangeCall {
            range,
            first: range,
            arguments: [None, None],
            keeps_name: true,
            function: RangeFunction::Any(super::over_time::present),
            wants_counter: false,
        })?;
        Ok(self.absent(range, &present))
    }

    /// 1 at the steps at which none of the series has a value, with the labels that `selector`
    /// demands.
    pub(super) fn absent(&self, selector: &Expr, present: &[Series]) -> Vec<Series> {
        let mut seen = vec![false; self.steps.count()];
        let floats = present.iter().flat_map(|series| &series.points);
        let histograms = present.iter().flat_map(|series| &series.histograms);
        let times = floats.map(|point| point.timestamp_ms);
        for time in times.chain(histograms.map(|sample| sample.timestamp_ms)) {
            if let Some(seen) = seen.get_mut(self.steps.index(time)) {
                *seen = true;
            }
        }
        let steps = self.steps.times().zip(seen);
        let points: Vec<Point> = steps
            .filter(|(_, seen)| !seen)
            .map(|(timestamp_ms, _)| point(timestamp_ms, 1.0))
            .collect();
        if points.is_empty() {
            return Vec::new();
        }
        vec![Series {
            labels: demanded_labels(selector),
            points,
            ..Series::default()
        }]
    }
}

/// A window that slides over samples.
#[derive(Debug, Default)]
struct Slide {
    from: usize,
    to: usize,
}

impl Slide {
    /// The samples behind the first edge and up to the second, neither of which ever goes back.
    fn to<'a, T>(&mut self, samples: &'a [T], edges: (i64, i64), time: fn(&T) -> i64) -> &'a [T] {
        // Windows move by few samples at a time, so they are counted one by one.
        let until = |samples: Option<&[T]>, edge: i64| {
            let samples = samples.unwrap_or_default().iter();
            samples.take_while(|sample| time(sample) <= edge).count()
        };
        self.to += until(samples.get(self.to..), edges.1);
        self.from += until(samples.get(self.from..self.to), edges.0);
        samples.get(self.from..self.to).unwrap_or_default()
    }
}
