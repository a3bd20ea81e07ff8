//! What becomes of the samples of a window.

use query::logql::ast::RangeOp;

/// A sample of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) time_ns: i64,
    pub(super) value: f64,
}

/// What is done with the samples of a window.
pub(super) struct Window {
    pub(super) op: RangeOp,
    pub(super) quantile: f64,
    pub(super) unwrapped: bool,
    pub(super) range: i64,
}

impl Window {
    /// The value of a window that is not empty.
    pub(super) fn aggregate(&self, samples: &[Sample], end: i64) -> f64 {
        let values = || samples.iter().map(|sample| sample.value);
        let sum = || values().sum::<f64>();
        let count = || float(samples.len());
        match self.op {
            RangeOp::CountOverTime => count(),
            RangeOp::Rate if self.unwrapped => sum() / seconds(self.range),
            RangeOp::Rate => count() / seconds(self.range),
            RangeOp::RateCounter => self.rate_counter(samples, end),
            RangeOp::BytesOverTime | RangeOp::SumOverTime => sum(),
            RangeOp::BytesRate => sum() / seconds(self.range),
            RangeOp::AvgOverTime => mean(values()),
            RangeOp::MinOverTime => values().fold(f64::NAN, |min, value| {
                if value < min || min.is_nan() {
                    value
                } else {
                    min
                }
            }),
            RangeOp::MaxOverTime => values().fold(f64::NAN, |max, value| {
                if value > max || max.is_nan() {
                    value
                } else {
                    max
                }
            }),
            RangeOp::StdvarOverTime => variance(values()),
            RangeOp::StddevOverTime => variance(values()).sqrt(),
            RangeOp::QuantileOverTime => quantile(self.quantile, values().collect()),
            RangeOp::FirstOverTime => values().next().unwrap_or(f64::NAN),
            RangeOp::LastOverTime => values().next_back().unwrap_or(f64::NAN),
            RangeOp::AbsentOverTime => 1.0,
        }
    }

    /// Prometheus's `rate` of a counter, with the window's true bounds.
    #[allow(clippy::cast_precision_loss)]
    fn rate_counter(&self, samples: &[Sample], end: i64) -> f64 {
        let ([first, ..], [.., last]) = (samples, samples) else {
            return 0.0;
        };
        if samples.len() < 2 {
            return 0.0;
        }
        let mut increase = last.value - first.value;
        let mut before = 0.0;
        for sample in samples {
            if sample.value < before {
                increase += before;
            }
            before = sample.value;
        }
        let start = end.saturating_sub(self.range);
        let mut to_start = (first.time_ns - start) as f64 / 1e9;
        let mut to_end = (end - last.time_ns) as f64 / 1e9;
        let sampled = (last.time_ns - first.time_ns) as f64 / 1e9;
        let between = sampled / (samples.len() - 1) as f64;
        // Beyond a distance that is usual between samples, the series is taken to begin or end
        // half of that distance away.
        let threshold = between * 1.1;
        if to_start >= threshold {
            to_start = between / 2.0;
        }
        // A counter did not begin below zero.
        if increase > 0.0 && first.value >= 0.0 {
            to_start = to_start.min(sampled * (first.value / increase));
        }
        if to_end >= threshold {
            to_end = between / 2.0;
        }
        increase * ((sampled + to_start + to_end) / sampled) / seconds(self.range)
    }
}

/// A mean that neither overflows nor loses an infinity.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count) = (0.0_f64, 0.0);
    for value in values {
        count += 1.0;
        if mean.is_infinite() {
            let same = value.is_infinite() && (mean > 0.0) == (value > 0.0);
            if same || value.is_finite() {
                continue;
            }
        }
        mean += value / count - mean / count;
    }
    mean
}

/// The variance of a population (Welford).
pub(in crate::logql) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut squares, mut count, mut mean) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// The φ-quantile, between the two values next to it by their distance.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN counts as the smallest.
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    match (values.get(lower), values.get(upper)) {
        (Some(lower), Some(upper)) => lower * (1.0 - weight) + upper * weight,
        _ => f64::NAN,
    }
}

/// Nanoseconds in seconds; the parts apart, so that whole seconds are exact.
#[allow(clippy::cast_precision_loss)]
pub(super) fn seconds(nanos: i64) -> f64 {
    (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9
}

#[allow(clippy::cast_precision_loss)] // lengths and counts are below 2^53
pub(super) fn float(length: usize) -> f64 {
    length as f64
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // the results are exact
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(0.5, vec![3.0, 1.0, 2.0, 4.0]), 2.5);
        assert_eq!(quantile(1.0, vec![3.0, 1.0]), 3.0);
        assert_eq!(quantile(1.5, vec![3.0]), f64::INFINITY);
    }

    #[test]
    fn an_infinite_mean_stays() {
        assert_eq!(mean([f64::INFINITY, 1.0].into_iter()), f64::INFINITY);
        assert_eq!(mean([1.0, 2.0, 6.0].into_iter()), 3.0);
    }
}
