//! Rates and differences over a window.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use super::range_functions::Window;

/// What a counter's or gauge's change over a window is given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// `rate`: of a counter, per second
    Rate,
    /// `increase`: of a counter
    Increase,
    /// `delta`: of a gauge
    Delta,
}

pub(super) fn rate(window: &Window) -> Option<f64> {
    extrapolated(window, Change::Rate)
}

pub(super) fn increase(window: &Window) -> Option<f64> {
    extrapolated(window, Change::Increase)
}

pub(super) fn delta(window: &Window) -> Option<f64> {
    extrapolated(window, Change::Delta)
}

/// The change between the first and the last sample of the window, extrapolated to its edges: all
/// the way where a sample is about as near as samples are to each other, and half the mean distance
/// of samples otherwise. A counter is not extrapolated below zero.
fn extrapolated(window: &Window, change: Change) -> Option<f64> {
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    if window.samples.len() < 2 {
        return None;
    }
    let is_counter = change != Change::Delta;
    let mut result = last.value - first.value;
    if is_counter {
        for [before, after] in window.samples.array_windows() {
            if after.value < before.value {
                result += before.value;
            }
        }
    }

    let seconds = |from: i64, to: i64| (to - from) as f64 / 1000.0;
    let sampled = seconds(first.timestamp_ms, last.timestamp_ms);
    let mean_distance = sampled / (window.samples.len() - 1) as f64;
    let near = mean_distance * 1.1;

    let mut to_start = seconds(window.start_ms, first.timestamp_ms);
    if to_start >= near {
        to_start = mean_distance / 2.0;
    }
    if is_counter && result > 0.0 && first.value >= 0.0 {
        to_start = to_start.min(sampled * (first.value / result));
    }
    let mut to_end = seconds(last.timestamp_ms, window.end_ms);
    if to_end >= near {
        to_end = mean_distance / 2.0;
    }

    // The order of the operations is Prometheus's, to the last digit.
    let mut factor = (sampled + to_start + to_end) / sampled;
    if change == Change::Rate {
        factor /= window.range_seconds();
    }
    Some(result * factor)
}

/// `irate`: between the last two samples, per second; after a reset the last value itself.
pub(super) fn irate(window: &Window) -> Option<f64> {
    let [.., before, last] = window.samples else {
        return None;
    };
    let change = if last.value < before.value {
        last.value
    } else {
        last.value - before.value
    };
    Some(change / ((last.timestamp_ms - before.timestamp_ms) as f64 / 1000.0))
}

/// `idelta`: between the last two samples.
pub(super) fn idelta(window: &Window) -> Option<f64> {
    let [.., before, last] = window.samples else {
        return None;
    };
    Some(last.value - before.value)
}
