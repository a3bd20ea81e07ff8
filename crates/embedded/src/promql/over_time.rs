//! Functions of a window's values.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with counts and times as floats
#![allow(clippy::unnecessary_wraps)] // one signature for all functions

use std::sync::Arc;

use super::extended::anchored;
use super::kahan::{Mean, Sum};
use super::quantile::quantile;
use super::range_functions::Window;
use super::series::Operand;
use crate::answer::Point;
use crate::histogram::{Histogram, HistogramSum};
use crate::limits::EvalError;
use crate::store::HistogramSample;

pub(super) fn sum(window: &Window) -> Option<Operand> {
    let of_floats = || {
        let mut sum = Sum::default();
        window.values().for_each(|value| sum.add(value));
        sum.value()
    };
    total(window, of_floats, HistogramSum::add, HistogramSum::sum)
}

pub(super) fn avg(window: &Window) -> Option<Operand> {
    let of_floats = || {
        let mut mean = Mean::default();
        window.values().for_each(|value| mean.add(value));
        mean.value()
    };
    let add = HistogramSum::add_to_mean;
    total(window, of_floats, add, HistogramSum::mean)
}

/// A sum or mean of the window's numbers or of its histograms, which do not go together.
fn total(
    window: &Window,
    of_floats: impl Fn() -> f64,
    add: fn(&mut HistogramSum, &Histogram) -> Result<(), crate::histogram::Incompatible>,
    finish: fn(HistogramSum) -> Histogram,
) -> Option<Operand> {
    let [first, rest @ ..] = window.histograms else {
        return Some(Operand::Float(of_floats()));
    };
    if !window.samples.is_empty() {
        window.notes.mixed(window.expr, window.labels);
        return None;
    }
    let mut sum = HistogramSum::starting_with(&first.histogram);
    for sample in rest {
        if add(&mut sum, &sample.histogram).is_err() {
            window.notes.mixed_schemas(window.expr, window.labels);
            return None;
        }
    }
    if sum.collides() {
        window.notes.collision(window.expr, "aggregation");
    }
    if sum.reconciled {
        window.notes.reconciled(window.expr, "aggregation");
    }
    Some(Operand::histogram(finish(sum)))
}

pub(super) fn count(window: &Window) -> Option<Operand> {
    let count = window.samples.len() + window.histograms.len();
    Some(Operand::Float(count as f64))
}

/// NaN counts only where there is nothing else.
pub(super) fn max(window: &Window) -> Option<f64> {
    extreme(window, |value, max| value > max).map(|point| point.value)
}

/// NaN counts only where there is nothing else.
pub(super) fn min(window: &Window) -> Option<f64> {
    extreme(window, |value, min| value < min).map(|point| point.value)
}

/// When the largest value was, the last of them if there are several.
pub(super) fn time_of_max(window: &Window) -> Option<f64> {
    extreme(window, |value, max| value >= max).map(seconds)
}

pub(super) fn time_of_min(window: &Window) -> Option<f64> {
    extreme(window, |value, min| value <= min).map(seconds)
}

fn extreme(window: &Window, is_more: fn(f64, f64) -> bool) -> Option<Point> {
    window.samples.iter().copied().reduce(|most, one| {
        if is_more(one.value, most.value) || most.value.is_nan() {
            one
        } else {
            most
        }
    })
}

fn seconds(point: Point) -> f64 {
    super::call::seconds(point.timestamp_ms)
}

pub(super) fn first(window: &Window) -> Option<Operand> {
    ends(window).0.map(|(_, value)| value)
}

pub(super) fn last(window: &Window) -> Option<Operand> {
    ends(window).1.map(|(_, value)| value)
}

pub(super) fn time_of_first(window: &Window) -> Option<Operand> {
    let (time, _) = ends(window).0?;
    Some(Operand::Float(super::call::seconds(time)))
}

pub(super) fn time_of_last(window: &Window) -> Option<Operand> {
    let (time, _) = ends(window).1?;
    Some(Operand::Float(super::call::seconds(time)))
}

type TimedValue = (i64, Operand);

/// The first and the last value of either kind.
fn ends(window: &Window) -> (Option<TimedValue>, Option<TimedValue>) {
    let float = |point: &Point| (point.timestamp_ms, Operand::Float(point.value));
    let histogram = |sample: &HistogramSample| {
        let value = Operand::Histogram(Arc::clone(&sample.histogram));
        (sample.timestamp_ms, value)
    };
    let first = [
        window.histograms.first().map(histogram),
        window.samples.first().map(float),
    ];
    let last = [
        window.samples.last().map(float),
        window.histograms.last().map(histogram),
    ];
    (
        first.into_iter().flatten().min_by_key(|(time, _)| *time),
        last.into_iter().flatten().max_by_key(|(time, _)| *time),
    )
}

pub(super) fn present(_: &Window) -> Option<Operand> {
    Some(Operand::Float(1.0))
}

pub(super) fn stdvar(window: &Window) -> Option<f64> {
    let mut count = 0.0;
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for value in window.values() {
        count += 1.0;
        let delta = value - mean.value();
        mean.add(delta / count);
        squares.add(delta * (value - mean.value()));
    }
    Some(squares.value() / count)
}

pub(super) fn stddev(window: &Window) -> Option<f64> {
    stdvar(window).map(f64::sqrt)
}

pub(super) fn quantile_over_time(window: &Window) -> Option<f64> {
    if let Some(argument) = window.argument_expr {
        window.notes.check_quantile(argument, window.argument());
    }
    Some(quantile(window.argument(), window.values().collect()))
}

/// The median of the distances from the median.
pub(super) fn mad(window: &Window) -> Option<f64> {
    let values: Vec<f64> = window.values().collect();
    if values.iter().any(|value| value.is_nan()) {
        return Some(f64::NAN);
    }
    let median = quantile(0.5, values.clone());
    let distances = values.iter().map(|value| (value - median).abs());
    Some(quantile(0.5, distances.collect()))
}

/// How often the value changed; from NaN to NaN is no change.
pub(super) fn changes(window: &Window) -> Option<Operand> {
    count_pairs(window, |before, after| match (before, after) {
        (Operand::Float(before), Operand::Float(after)) => {
            #[allow(clippy::float_cmp)] // any difference is a change
            let differs = before != after;
            differs && !(before.is_nan() && after.is_nan())
        }
        (Operand::Histogram(before), Operand::Histogram(after)) => !after.is_same(before),
        (Operand::Float(_), Operand::Histogram(_)) | (Operand::Histogram(_), Operand::Float(_)) => {
            true
        }
    })
}

/// How often the value fell.
pub(super) fn resets(window: &Window) -> Option<Operand> {
    count_pairs(window, |before, after| match (before, after) {
        (Operand::Float(before), Operand::Float(after)) => after < before,
        (Operand::Histogram(before), Operand::Histogram(after)) => after.is_reset_after(before),
        (Operand::Float(_), Operand::Histogram(_)) | (Operand::Histogram(_), Operand::Float(_)) => {
            true
        }
    })
}

/// Of how many values it holds that they come behind the one before them.
fn count_pairs(window: &Window, counts: impl Fn(&Operand, &Operand) -> bool) -> Option<Operand> {
    let (points, histograms) = anchored(window)?;
    let mut histograms = histograms.iter().peekable();
    let mut points = points.iter().peekable();
    let mut before: Option<Operand> = None;
    let mut count = 0_usize;
    loop {
        let histogram_time = histograms.peek().map(|one| one.timestamp_ms);
        let comes_next = |point: &&Point| histogram_time.is_none_or(|at| point.timestamp_ms <= at);
        let value = if let Some(point) = points.next_if(comes_next) {
            Operand::Float(point.value)
        } else if let Some(sample) = histograms.next() {
            Operand::Histogram(Arc::clone(&sample.histogram))
        } else {
            return Some(Operand::Float(count as f64));
        };
        if before.as_ref().is_some_and(|before| counts(before, &value)) {
            count += 1;
        }
        before = Some(value);
    }
}

/// A level that follows the values, the older ones counting ever less, and their trend.
pub(super) fn double_exponential_smoothing(window: &Window) -> Result<Option<f64>, EvalError> {
    let [smoothing, trend_factor] = window.arguments;
    let check = |name: &str, letters: &str, factor: f64| {
        if factor > 0.0 && factor < 1.0 {
            return Ok(());
        }
        Err(EvalError::Execution(format!(
            "invalid {name} factor. Expected: 0 < {letters} < 1, got: {factor:.6}"
        )))
    };
    check("smoothing", "sf", smoothing)?;
    check("trend", "tf", trend_factor)?;
    if !window.samples.is_empty() && !window.histograms.is_empty() {
        window.notes.ignored_in_range(window.expr, window.labels);
    }
    let [first, second, ..] = window.samples else {
        return Ok(None);
    };
    let (mut before, mut level) = (0.0, first.value);
    let mut trend = second.value - first.value;
    for (at, value) in window.values().skip(1).enumerate() {
        if at > 0 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + trend);
        (before, level) = (level, next);
    }
    Ok(Some(level))
}

pub(super) fn deriv(window: &Window) -> Option<f64> {
    regression(window, window.samples.first()?.timestamp_ms).map(|(slope, _)| slope)
}

/// The value so many seconds from the step that the line through the window's samples leads to.
pub(super) fn predict_linear(window: &Window) -> Option<f64> {
    let (slope, intercept) = regression(window, window.step_ms)?;
    Some(slope * window.argument() + intercept)
}

/// Slope per second, and value at `origin`, of the least-squares line through the samples.
fn regression(window: &Window, origin: i64) -> Option<(f64, f64)> {
    let initial = window.samples.first()?.value;
    if window.samples.len() < 2 {
        return None;
    }
    #[allow(clippy::float_cmp)] // a constant series has a slope of exactly 0
    if window.values().all(|value| value == initial) {
        return Some(if initial.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, initial)
        });
    }
    let count = window.samples.len() as f64;
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) = Default::default();
    for sample in window.samples {
        let x = (sample.timestamp_ms - origin) as f64 / 1000.0;
        Sum::add(&mut x_sum, x);
        Sum::add(&mut y_sum, sample.value);
        Sum::add(&mut xy_sum, x * sample.value);
        Sum::add(&mut xx_sum, x * x);
    }
    let (x, y) = (x_sum.value(), y_sum.value());
    let covariance = xy_sum.value() - x * y / count;
    let variance = xx_sum.value() - x * x / count;
    let slope = covariance / variance;
    Some((slope, y / count - slope * x / count))
}
