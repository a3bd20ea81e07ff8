//! Rates and differences over a window.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use super::histogram_rate;
use super::range_functions::Window;
use super::series::Operand;
use crate::histogram::Histogram;

/// What a counter's or gauge's change over a window is given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// `rate`: of a counter, per second
    Rate,
    /// `increase`: of a counter
    Increase,
    /// `delta`: of a gauge
    Delta,
}

impl Change {
    pub(super) fn is_of_counter(self) -> bool {
        self != Self::Delta
    }
}

pub(super) fn rate(window: &Window) -> Option<Operand> {
    extrapolated(window, Change::Rate)
}

pub(super) fn increase(window: &Window) -> Option<Operand> {
    extrapolated(window, Change::Increase)
}

pub(super) fn delta(window: &Window) -> Option<Operand> {
    extrapolated(window, Change::Delta)
}

fn extrapolated(window: &Window, change: Change) -> Option<Operand> {
    if !window.samples.is_empty() && !window.histograms.is_empty() {
        window.notes.mixed(window.expr, window.labels);
        return None;
    }
    if window.extension.is_some() {
        return super::extended::change(window, change);
    }
    if let ([first, ..], [.., last]) = (window.histograms, window.histograms) {
        let times = Times {
            first: first.timestamp_ms,
            last: last.timestamp_ms,
            count: window.histograms.len(),
        };
        let mut result: Histogram = histogram_rate::difference(window, change)?;
        let from_zero = Some((first.histogram.count, result.count));
        let factor = factor(window, change, &times, from_zero)?;
        result.scale(factor);
        return Some(Operand::histogram(result));
    }
    let (first, last) = (window.samples.first()?, window.samples.last()?);
    let mut result = last.value - first.value;
    if change.is_of_counter() {
        for [before, after] in window.samples.array_windows() {
            if after.value < before.value {
                result += before.value;
            }
        }
    }
    let times = Times {
        first: first.timestamp_ms,
        last: last.timestamp_ms,
        count: window.samples.len(),
    };
    let factor = factor(window, change, &times, Some((first.value, result)))?;
    Some(Operand::Float(result * factor))
}

/// When a window's samples are.
struct Times {
    first: i64,
    last: i64,
    count: usize,
}

/// By what the change between the first and the last sample of the window is multiplied to be that
/// of the whole window: extrapolated all the way where a sample is about as near to an edge as
/// samples are to each other, and by half the mean distance of samples otherwise. A counter is not
/// extrapolated below zero; `from_zero` are its first value and its change.
fn factor(
    window: &Window,
    change: Change,
    times: &Times,
    from_zero: Option<(f64, f64)>,
) -> Option<f64> {
    if times.count < 2 {
        return None;
    }
    let seconds = |from: i64, to: i64| (to - from) as f64 / 1000.0;
    let sampled = seconds(times.first, times.last);
    let mean_distance = sampled / (times.count - 1) as f64;
    let near = mean_distance * 1.1;

    let mut to_start = seconds(window.start_ms, times.first);
    if to_start >= near {
        to_start = mean_distance / 2.0;
    }
    if let Some((first, result)) = from_zero
        && change.is_of_counter()
        && result > 0.0
        && first >= 0.0
    {
        to_start = to_start.min(sampled * (first / result));
    }
    let mut to_end = seconds(times.last, window.end_ms);
    if to_end >= near {
        to_end = mean_distance / 2.0;
    }
    // The order of the operations is Prometheus's, to the last digit.
    let mut factor = (sampled + to_start + to_end) / sampled;
    if change == Change::Rate {
        factor /= window.range_seconds();
    }
    Some(factor)
}

/// `irate`: between the last two samples, per second; after a reset the last value itself.
pub(super) fn irate(window: &Window) -> Option<Operand> {
    last_two(window, true)
}

/// `idelta`: between the last two samples.
pub(super) fn idelta(window: &Window) -> Option<Operand> {
    last_two(window, false)
}

fn last_two(window: &Window, is_rate: bool) -> Option<Operand> {
    let newest = |count: usize| {
        let point = window.samples.iter().nth_back(count);
        point.map(|point| (point.timestamp_ms, None, point.value))
    };
    let newest_histogram = |count: usize| {
        let sample = window.histograms.iter().nth_back(count);
        sample.map(|sample| (sample.timestamp_ms, Some(sample), 0.0))
    };
    let mut last = [
        newest(0),
        newest(1),
        newest_histogram(0),
        newest_histogram(1),
    ];
    last.sort_by_key(|one| std::cmp::Reverse(one.as_ref().map(|(time, ..)| *time)));
    let [
        Some((end, last, last_value)),
        Some((start, before, value)),
        ..,
    ] = last
    else {
        return None;
    };
    if start == end {
        return None;
    }
    let seconds = (end - start) as f64 / 1000.0;
    match (before, last) {
        (None, None) => {
            let is_reset = is_rate && last_value < value;
            let change = if is_reset {
                last_value
            } else {
                last_value - value
            };
            Some(Operand::Float(if is_rate {
                change / seconds
            } else {
                change
            }))
        }
        (Some(before), Some(last)) => {
            let mut change = histogram_rate::last_two(window, before, last, is_rate)?;
            if is_rate {
                change.divide(seconds);
            }
            Some(Operand::histogram(change))
        }
        (Some(_), None) | (None, Some(_)) => {
            window.notes.mixed(window.expr, window.labels);
            None
        }
    }
}
