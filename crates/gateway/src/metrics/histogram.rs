//! A histogram of durations with fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets, in microseconds: from 1 ms to 60 s. What takes longer is in one more.
const BOUNDS: [u64; 15] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// The same in seconds, and the last, which has no bound.
const SECONDS: [f64; BOUNDS.len() + 1] = [
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    f64::MAX,
];

/// How many took how long.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; SECONDS.len()],
    /// In microseconds: enough for half a million years.
    sum: AtomicU64,
}

/// The sum of some histograms.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    buckets: [u64; SECONDS.len()],
    micros: u64,
}

impl Histogram {
    pub(super) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Sum {
    pub(super) fn add(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        self.micros += histogram.sum.load(Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// In seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "what is lost is less than a second in three hundred years"
    )]
    pub(super) fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// The bound of each bucket in seconds, and how many are in it and in none before it.
    pub(super) fn buckets(&self) -> [(f64, u64); SECONDS.len()] {
        std::array::from_fn(|at| {
            let bound = SECONDS.get(at).copied().unwrap_or(f64::MAX);
            (bound, self.buckets.get(at).copied().unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_it_is_not_longer_than() {
        let histogram = Histogram::default();
        for micros in [0, 1_000, 1_001, 60_000_000, 60_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut sum = Sum::default();
        sum.add(&histogram);
        let buckets = sum.buckets();
        assert_eq!((buckets[0], buckets[1]), ((0.001, 2), (0.0025, 1)));
        assert_eq!((buckets[14].1, buckets[15]), (1, (f64::MAX, 1)));
        assert_eq!(sum.count(), 5);
        assert!((sum.seconds() - 120.002_002).abs() < 1e-9);
    }

    #[test]
    fn bounds_are_the_same_in_both_units() {
        for (micros, seconds) in BOUNDS.iter().zip(SECONDS) {
            assert_eq!(
                Duration::from_micros(*micros),
                Duration::from_secs_f64(seconds)
            );
        }
    }
}
