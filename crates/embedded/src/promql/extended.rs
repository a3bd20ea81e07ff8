//! `anchored` and `smoothed`: selectors that take the samples about their windows into account, so
//! that nothing need be extrapolated.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use query::promql::ast::{Expr, Extension, VectorSelector};

use super::evaluator::Evaluator;
use super::extended_histograms;
use super::range_functions::Window;
use super::rate::Change;
use super::selector::matchers;
use super::series::{Operand, Series, point};
use crate::answer::Point;
use crate::limits::EvalError;
use crate::store::{HistogramSample, Reading};

/// Which samples of an extended window there are to look at: the last one up to its left edge (or
/// the first one), and the last one (smoothed: the first one from the right edge on).
pub(super) fn ends(times: &[i64], start: i64, end: i64, smoothed: bool) -> Option<(usize, usize)> {
    let (first, last) = reached(times, start, end, smoothed)?;
    let from = *times.get(first)?;
    (!(smoothed && from > end)).then_some((first, last))
}

/// Likewise, whether or not the first one is within the window: a window that is looked at as such
/// has its edges from beyond it.
fn reached(times: &[i64], start: i64, end: i64, smoothed: bool) -> Option<(usize, usize)> {
    let mut last = times.len().checked_sub(1)?;
    let inner = |last: usize| times.get(..last).unwrap_or_default();
    let behind_start = inner(last).partition_point(|time| *time <= start);
    let first = behind_start.saturating_sub(1);
    if smoothed {
        last = inner(last).partition_point(|time| *time < end);
    }
    (*times.get(last)? > start).then_some((first, last))
}

/// The value at `time` on the line between two samples. A counter that fell began at zero.
fn between(before: &Point, after: &Point, time: i64, is_counter: bool) -> f64 {
    let mut from = before.value;
    if is_counter && after.value < from {
        from = 0.0;
    }
    let passed = (time - before.timestamp_ms) as f64;
    let whole = (after.timestamp_ms - before.timestamp_ms) as f64;
    from + (after.value - from) * passed / whole
}

/// The values at both edges of a window.
fn edges(
    samples: &[Point],
    (first, last): (usize, usize),
    (start, end): (i64, i64),
    smoothed: bool,
    is_counter: bool,
) -> Option<(f64, f64)> {
    let (from, to) = (samples.get(first)?, samples.get(last)?);
    let left = match samples.get(first + 1) {
        Some(next) if smoothed && from.timestamp_ms < start => {
            between(from, next, start, is_counter)
        }
        Some(_) | None => from.value,
    };
    let right = match last.checked_sub(1).and_then(|at| samples.get(at)) {
        Some(before) if smoothed && to.timestamp_ms > end => between(before, to, end, is_counter),
        Some(_) | None => to.value,
    };
    Some((left, right))
}

/// `rate`, `increase` and `delta` over an extended window.
pub(super) fn change(window: &Window, change: Change) -> Option<Operand> {
    let smoothed = window.extension == Some(Extension::Smoothed);
    if !window.histograms.is_empty() {
        return extended_histograms::change(window, change, smoothed);
    }
    let (samples, start, end) = (window.samples, window.start_ms, window.end_ms);
    let times: Vec<i64> = samples.iter().map(|one| one.timestamp_ms).collect();
    let (mut first, mut last) = ends(&times, start, end, smoothed)?;
    let is_counter = change.is_of_counter();
    let (left, right) = edges(samples, (first, last), (start, end), smoothed, is_counter)?;
    let mut result = right - left;
    if is_counter {
        // Resets at the edges are in the values there already.
        if samples.get(first)?.timestamp_ms <= start {
            first += 1;
        }
        if samples.get(last)?.timestamp_ms < end {
            last += 1;
        }
        let mut before = left;
        let within = samples.get(first..last).unwrap_or_default();
        for value in within.iter().map(|one| one.value).chain([right]) {
            if value < before {
                result += before;
            }
            before = value;
        }
    }
    if change == Change::Rate {
        result /= window.range_seconds();
    }
    Some(Operand::Float(result))
}

/// Cuts a series to a window with values at both edges.
pub(super) fn cut(
    series: &mut Series,
    start: i64,
    end: i64,
    extension: Extension,
) -> Result<(), EvalError> {
    let smoothed = extension == Extension::Smoothed;
    if !series.histograms.is_empty() {
        let name = if smoothed { "smoothed" } else { "anchored" };
        return Err(EvalError::Execution(format!(
            "{name} modifier is not supported with histograms"
        )));
    }
    let samples = std::mem::take(&mut series.points);
    let times: Vec<i64> = samples.iter().map(|one| one.timestamp_ms).collect();
    let Some(ends) = reached(&times, start, end, smoothed) else {
        return Ok(());
    };
    let Some((left, right)) = edges(&samples, ends, (start, end), smoothed, false) else {
        return Ok(());
    };
    let within = samples.iter().take(ends.1 + 1).skip(ends.0);
    series.points.push(point(start, left));
    series
        .points
        .extend(within.filter(|one| one.timestamp_ms > start && one.timestamp_ms < end));
    series.points.push(point(end, right));
    Ok(())
}

/// The samples that `anchored` makes of a window for functions that compare one to the next: those
/// in it, and the last one before it.
pub(super) fn anchored<'a>(window: &Window<'a>) -> Option<(&'a [Point], &'a [HistogramSample])> {
    let (points, histograms) = (window.samples, window.histograms);
    if window.extension != Some(Extension::Anchored) {
        return Some((points, histograms));
    }
    let start = window.start_ms;
    let mut float = points.partition_point(|one| one.timestamp_ms <= start);
    let mut histogram = histograms.partition_point(|one| one.timestamp_ms <= start);
    if float >= points.len() && histogram >= histograms.len() {
        return None;
    }
    let last_float = float.checked_sub(1).and_then(|at| points.get(at));
    let last_histogram = histogram.checked_sub(1).and_then(|at| histograms.get(at));
    match (last_float, last_histogram) {
        (None, None) => {}
        (Some(one), other) if other.is_none_or(|other| one.timestamp_ms >= other.timestamp_ms) => {
            float -= 1;
        }
        (_, Some(_)) => histogram -= 1,
        (Some(_), None) => float -= 1,
    }
    Some((points.get(float..)?, histograms.get(histogram..)?))
}

impl Evaluator<'_> {
    /// A `smoothed` instant vector: at every step the value on the line between the samples about
    /// it, and the last one where none follows.
    pub(super) fn smoothed_vector(
        &self,
        expr: &Expr,
        selector: &VectorSelector,
    ) -> Result<Vec<Series>, EvalError> {
        let shift = self.shift(&selector.modifiers)?;
        let (first, last) = shift.span(self.steps);
        if self.steps.count() == 0 {
            return Ok(Vec::new());
        }
        let from = first.saturating_sub(self.lookback).saturating_add(1);
        let to = last.saturating_add(self.lookback);
        let mut found = Vec::new();
        let mut reading = Reading::default();
        for stored in self.stored(&matchers(selector), from, to)? {
            self.stop.check()?;
            let mut samples = stored.read(&mut reading, self.resets)?;
            samples.points.retain(|one| !one.is_stale());
            samples.histograms.retain(|one| !one.is_stale());
            let mut series = Series {
                labels: stored.labels,
                ..Series::default()
            };
            for step in self.steps.times() {
                let time = shift.of(step);
                let within = (
                    time.saturating_sub(self.lookback),
                    time.saturating_add(self.lookback),
                );
                let points = part(&samples.points, within, |one| one.timestamp_ms);
                let histograms = part(&samples.histograms, within, |one| one.timestamp_ms);
                let value = match (points, histograms) {
                    (points, []) => smoothed(points, time).map(Operand::Float),
                    ([], histograms) => extended_histograms::smoothed(
                        histograms,
                        time,
                        (self.notes, expr, &series.labels),
                    ),
                    ([..], [..]) => {
                        self.notes.mixed(expr, &series.labels);
                        None
                    }
                };
                if let Some(value) = value {
                    series.push(step, value);
                }
            }
            self.budget.take(series.weight())?;
            if !series.is_empty() {
                found.push(series);
            }
        }
        Ok(found)
    }
}

fn smoothed(points: &[Point], time: i64) -> Option<f64> {
    let at = points.partition_point(|one| one.timestamp_ms < time);
    match points.get(at) {
        Some(exact) if exact.timestamp_ms == time => Some(exact.value),
        Some(next) => {
            let before = points.get(at.checked_sub(1)?)?;
            Some(between(before, next, time, false))
        }
        None => points.last().map(|last| last.value),
    }
}

/// The samples behind the first edge and up to the second.
fn part<T>(samples: &[T], edges: (i64, i64), time: fn(&T) -> i64) -> &[T] {
    let from = samples.partition_point(|one| time(one) <= edges.0);
    let to = samples.partition_point(|one| time(one) <= edges.1);
    samples.get(from..to).unwrap_or_default()
}
