//! Functions of a window's values.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with counts and times as floats
#![allow(clippy::unnecessary_wraps)] // one signature for all functions

use super::kahan::{Mean, Sum};
use super::quantile::quantile;
use super::range_functions::Window;

pub(super) fn sum(window: &Window) -> Option<f64> {
    let mut sum = Sum::default();
    window.values().for_each(|value| sum.add(value));
    Some(sum.value())
}

pub(super) fn avg(window: &Window) -> Option<f64> {
    let mut mean = Mean::default();
    window.values().for_each(|value| mean.add(value));
    Some(mean.value())
}

pub(super) fn count(window: &Window) -> Option<f64> {
    Some(window.samples.len() as f64)
}

/// NaN counts only where there is nothing else.
pub(super) fn max(window: &Window) -> Option<f64> {
    window.values().reduce(|max, value| {
        if value > max || max.is_nan() {
            value
        } else {
            max
        }
    })
}

/// NaN counts only where there is nothing else.
pub(super) fn min(window: &Window) -> Option<f64> {
    window.values().reduce(|min, value| {
        if value < min || min.is_nan() {
            value
        } else {
            min
        }
    })
}

pub(super) fn first(window: &Window) -> Option<f64> {
    window.values().next()
}

pub(super) fn last(window: &Window) -> Option<f64> {
    window.values().next_back()
}

pub(super) fn present(_: &Window) -> Option<f64> {
    Some(1.0)
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
    Some(quantile(window.argument, window.values().collect()))
}

/// How often the value changed; from NaN to NaN is no change.
pub(super) fn changes(window: &Window) -> Option<f64> {
    Some(count_pairs(window, |before, after| {
        #[allow(clippy::float_cmp)] // any difference is a change
        let differs = before != after;
        differs && !(before.is_nan() && after.is_nan())
    }))
}

/// How often the value fell.
pub(super) fn resets(window: &Window) -> Option<f64> {
    Some(count_pairs(window, |before, after| after < before))
}

fn count_pairs(window: &Window, counts: impl Fn(f64, f64) -> bool) -> f64 {
    let pairs = window.samples.array_windows();
    pairs
        .filter(|[before, after]| counts(before.value, after.value))
        .count() as f64
}

pub(super) fn deriv(window: &Window) -> Option<f64> {
    regression(window, window.samples.first()?.timestamp_ms).map(|(slope, _)| slope)
}

/// The value so many seconds from the step that the line through the window's samples leads to.
pub(super) fn predict_linear(window: &Window) -> Option<f64> {
    regression(window, window.step_ms).map(|(slope, intercept)| slope * window.argument + intercept)
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
