//! Quantiles, fractions and variance of a native histogram.

use super::Histogram;
use super::buckets::Bucket;
use crate::promql::Sum;

/// What NaN among the observations did to a quantile or a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanEffect {
    /// None, or there were none.
    Nothing,
    /// The quantile is NaN.
    Result,
    /// The quantile is higher than that of the other observations.
    Skew,
    /// They are in no fraction.
    LeftOut,
}

impl Histogram {
    /// The bucket about zero, if it is known to which side of zero it belongs: where all others
    /// are positive, it is too.
    fn one_sided(&self, mut bucket: Bucket) -> Bucket {
        if self.negative.is_empty() && !self.positive.is_empty() {
            bucket.lower = 0.0;
        } else if self.positive.is_empty() && !self.negative.is_empty() {
            bucket.upper = 0.0;
        }
        bucket
    }

    /// The `q`-quantile: within a bucket exponential, within the zero bucket and between custom
    /// bounds linear. NaN among the observations counts as larger than all others.
    pub(crate) fn quantile(&self, q: f64) -> (f64, NanEffect) {
        if q < 0.0 {
            return (f64::NEG_INFINITY, NanEffect::Nothing);
        }
        if q > 1.0 {
            return (f64::INFINITY, NanEffect::Nothing);
        }
        if self.count == 0.0 || q.is_nan() {
            return (f64::NAN, NanEffect::Nothing);
        }
        // From the end that is nearer, except where NaN is at the upper one.
        let forward = self.sum.is_nan() || q < 0.5;
        let mut buckets = self.buckets();
        let mut rank = q * self.count;
        if !forward {
            buckets.reverse();
            rank = (1.0 - q) * self.count;
        }
        let mut bucket = Bucket {
            lower: 0.0,
            upper: 0.0,
            count: 0.0,
        };
        let (mut passed, mut rest) = (0.0, buckets.iter());
        for one in rest.by_ref() {
            bucket = *one;
            passed += bucket.count;
            if bucket.count != 0.0 && passed >= rank {
                break;
            }
        }
        if self.has_custom_bounds() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return (bucket.upper, NanEffect::Nothing);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return (bucket.lower, NanEffect::Nothing);
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            bucket = self.one_sided(bucket);
        }
        // Rounding may have made the sum of the buckets more than the count.
        passed = passed.min(self.count);
        if passed < rank {
            return if self.sum.is_nan() {
                (f64::NAN, NanEffect::Result)
            } else {
                (bucket.upper, NanEffect::Nothing)
            };
        }
        let into = if forward {
            rank - (passed - bucket.count)
        } else {
            passed - rank
        };
        let mut effect = NanEffect::Nothing;
        if self.sum.is_nan() && rest.fold(passed, |sum, one| sum + one.count) < self.count {
            effect = NanEffect::Skew;
        }
        (self.within(bucket, into / bucket.count), effect)
    }

    /// The value that this share of the bucket's observations are below.
    fn within(&self, bucket: Bucket, share: f64) -> f64 {
        if self.has_custom_bounds() || bucket.has_zero() {
            return bucket.lower + (bucket.upper - bucket.lower) * share;
        }
        let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
        if bucket.lower > 0.0 {
            (lower + (upper - lower) * share).exp2()
        } else {
            -(upper + (lower - upper) * (1.0 - share)).exp2()
        }
    }

    /// The share of the observations between two values.
    pub(crate) fn fraction(&self, lower: f64, upper: f64) -> (f64, NanEffect) {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return (f64::NAN, NanEffect::Nothing);
        }
        if lower >= upper {
            return (0.0, NanEffect::Nothing);
        }
        let buckets = self.buckets();
        let (mut total, mut effect) = (self.count, NanEffect::Nothing);
        if self.sum.is_nan() {
            total = buckets.iter().map(|bucket| bucket.count).sum();
            if total < self.count {
                effect = NanEffect::LeftOut;
            }
        }
        let rank = |value| {
            self.rank(value, &buckets)
                .map_or(total, |rank| rank.min(total))
        };
        ((rank(upper) - rank(lower)) / self.count, effect)
    }

    /// How many observations are below `value`; `None` beyond all buckets.
    fn rank(&self, value: f64, buckets: &[Bucket]) -> Option<f64> {
        let mut passed = 0.0;
        for bucket in buckets {
            let has_zero = bucket.has_zero();
            let bucket = if has_zero {
                self.one_sided(*bucket)
            } else {
                *bucket
            };
            if bucket.lower >= value {
                return Some(passed);
            }
            if bucket.upper > value {
                // Where a bucket has no end, nothing can be said of its inside: what is to the
                // left counts as a whole, and what is to the right not at all.
                if bucket.lower == f64::NEG_INFINITY {
                    return Some(bucket.count);
                }
                let evenly = self.has_custom_bounds() || has_zero;
                return Some(passed + bucket.count * bucket.share_below(value, evenly));
            }
            passed += bucket.count;
        }
        None
    }

    /// The variance, with every observation at the middle of its bucket (the geometric one).
    pub(crate) fn variance(&self) -> f64 {
        let mean = self.sum / self.count;
        let mut sum = Sum::default();
        for bucket in self.buckets() {
            if bucket.count == 0.0 {
                continue;
            }
            let middle = if self.has_custom_bounds() {
                f64::midpoint(bucket.upper, bucket.lower)
            } else if bucket.has_zero() {
                0.0
            } else {
                (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
            };
            let delta = middle - mean;
            sum.add(bucket.count * delta * delta);
        }
        sum.value() / self.count
    }
}
