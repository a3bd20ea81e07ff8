//! `anchored` and `smoothed` over native histograms.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use std::sync::Arc;

use super::extended::ends;
use super::histogram_rate::{About, tell_of};
use super::range_functions::Window;
use super::rate::Change;
use super::series::Operand;
use crate::histogram::{Histogram, ResetHint};
use crate::store::HistogramSample;

/// `rate`, `increase` and `delta`.
pub(super) fn change(window: &Window, change: Change, smoothed: bool) -> Option<Operand> {
    let (all, start, end) = (window.histograms, window.start_ms, window.end_ms);
    let about: About = (window.notes, window.expr, window.labels);
    let times: Vec<i64> = all.iter().map(|one| one.timestamp_ms).collect();
    let (first, last) = ends(&times, start, end, smoothed)?;
    let is_counter = change.is_of_counter();
    let used = all.get(first..=last)?;
    let [from, ..] = used else { return None };
    let custom = from.histogram.has_custom_bounds();
    if used
        .iter()
        .any(|one| one.histogram.has_custom_bounds() != custom)
    {
        about.0.mixed_schemas(about.1, about.2);
        return None;
    }
    let is_gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
    if is_counter && used.iter().any(|one| is_gauge(&one.histogram)) {
        about.0.not_a_counter(about.1, about.2);
    }
    let left = match all.get(first + 1) {
        Some(next) if smoothed && from.timestamp_ms < start => {
            between(from, next, start, is_counter, about)?
        }
        Some(_) | None => Histogram::clone(&from.histogram),
    };
    let to = all.get(last)?;
    let right = match last.checked_sub(1).and_then(|at| all.get(at)) {
        Some(before) if smoothed && to.timestamp_ms > end => {
            between(before, to, end, is_counter, about)?
        }
        Some(_) | None => Histogram::clone(&to.histogram),
    };
    if !is_counter && (!is_gauge(&left) || !is_gauge(&right)) {
        about.0.not_a_gauge(about.1, about.2);
    }
    let mut result = right.clone();
    let told = result.sub(&left);
    tell_of(told, "subtraction", about)?;
    if is_counter {
        for lost in resets(all, (first, last), (&left, &right), start, smoothed) {
            let told = result.add(lost);
            tell_of(told, "addition", about)?;
        }
    }
    if change == Change::Rate {
        result.divide(window.range_seconds());
    }
    result.reset_hint = ResetHint::Gauge;
    result.compact();
    Some(Operand::histogram(result))
}

/// The histograms at which the counts stood before each reset within the window.
fn resets<'a>(
    all: &'a [HistogramSample],
    (first, last): (usize, usize),
    (left, right): (&'a Histogram, &'a Histogram),
    start: i64,
    smoothed: bool,
) -> Vec<&'a Histogram> {
    let mut from = first + 1;
    let mut before = left;
    if let (Some(one), Some(next)) = (all.get(first), all.get(from))
        && smoothed
        && one.timestamp_ms < start
        && next.histogram.is_reset_after(&one.histogram)
    {
        // The value at the left edge has this reset in it already.
        before = &next.histogram;
        from += 1;
    }
    let mut lost = Vec::new();
    if from > last {
        return lost;
    }
    let within = all.get(from..last).unwrap_or_default();
    let within = within.iter().map(|one| &*one.histogram);
    for histogram in within.chain([right]) {
        if histogram.is_reset_after(before) {
            lost.push(before);
        }
        before = histogram;
    }
    lost
}

/// The histogram at `time` on the line between two. A counter that began anew began at zero.
fn between(
    before: &HistogramSample,
    after: &HistogramSample,
    time: i64,
    is_counter: bool,
    about: About,
) -> Option<Histogram> {
    let (from, to) = (&before.histogram, &after.histogram);
    if time == before.timestamp_ms {
        return Some(Histogram::clone(from));
    }
    if time == after.timestamp_ms {
        return Some(Histogram::clone(to));
    }
    let passed = (time - before.timestamp_ms) as f64;
    let share = passed / (after.timestamp_ms - before.timestamp_ms) as f64;
    let mut result = Histogram::clone(to);
    if is_counter && to.is_reset_after(from) {
        result.scale(share);
        return Some(result);
    }
    let told = result.sub(from);
    tell_of(told, "subtraction", about)?;
    result.scale(share);
    let told = result.add(from);
    tell_of(told, "addition", about)?;
    Some(result)
}

/// The histogram of a `smoothed` instant vector.
pub(super) fn smoothed(all: &[HistogramSample], time: i64, about: About) -> Option<Operand> {
    let at = all.partition_point(|one| one.timestamp_ms < time);
    let before = at.checked_sub(1).and_then(|at| all.get(at));
    match (before, all.get(at)) {
        (_, Some(exact)) if exact.timestamp_ms == time => {
            Some(Operand::Histogram(Arc::clone(&exact.histogram)))
        }
        (Some(before), Some(next)) => {
            let (from, to) = (&before.histogram, &next.histogram);
            if from.has_custom_bounds() != to.has_custom_bounds() {
                about.0.mixed_schemas(about.1, about.2);
                return None;
            }
            let is_counter =
                from.reset_hint != ResetHint::Gauge || to.reset_hint != ResetHint::Gauge;
            let between = between(before, next, time, is_counter, about)?;
            Some(Operand::histogram(between))
        }
        (Some(before), None) => {
            let mut last = Histogram::clone(&before.histogram);
            last.reset_hint = ResetHint::Unknown;
            Some(Operand::histogram(last))
        }
        (None, _) => None,
    }
}
