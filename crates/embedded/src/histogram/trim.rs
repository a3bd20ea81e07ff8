//! The operators `</` and `>/`: what is left of a histogram below or above a value.

use super::Histogram;
use super::buckets::Bucket;

/// Which end is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trim {
    /// `</`: what is below the value stays.
    Upper,
    /// `>/`: what is above the value stays.
    Lower,
}

impl Histogram {
    /// Cuts off what is beyond `limit`. Count and sum are estimated anew if anything went.
    pub(crate) fn trim(&mut self, limit: f64, trim: Trim) {
        let custom = self.has_custom_bounds();
        let (mut count, mut sum, mut trimmed) = (0.0, 0.0, false);
        let mut keep = |bucket: Bucket, positive: bool| {
            let (kept, middle) = part(bucket, limit, trim, positive, custom);
            count += kept;
            sum += middle * kept;
            #[allow(clippy::float_cmp)] // what was not touched is the same
            let changed = kept != bucket.count;
            trimmed |= changed;
            kept
        };
        let populated = |buckets: &[(i32, f64)]| buckets.iter().any(|(_, count)| *count != 0.0);
        let has_positive = populated(&self.positive);
        let has_negative = populated(&self.negative);
        let side = |buckets: &[(i32, f64)], keep: &mut dyn FnMut(i32, f64) -> f64| {
            let all = buckets.iter();
            all.map(|&(index, count)| {
                (
                    index,
                    if count == 0.0 {
                        0.0
                    } else {
                        keep(index, count)
                    },
                )
            })
            .collect::<Vec<_>>()
        };
        let positive = side(&self.positive, &mut |index, count| {
            keep(self.positive_bucket(index, count), true)
        });
        let negative = side(&self.negative, &mut |index, count| {
            keep(self.negative_bucket(index, count), false)
        });
        if self.zero_count > 0.0 {
            let mut zero = self.zero_bucket();
            if has_negative && !has_positive {
                zero.upper = 0.0;
            } else if has_positive && !has_negative {
                zero.lower = 0.0;
            }
            let (kept, middle) = zero_part(zero, limit, trim);
            #[allow(clippy::float_cmp)] // what was not touched is the same
            let changed = kept != self.zero_count;
            trimmed |= changed;
            self.zero_count = kept;
            count += kept;
            sum += middle * kept;
        }
        if trimmed {
            (self.positive, self.negative) = (positive, negative);
            (self.count, self.sum) = (count, sum);
            self.compact();
        }
    }
}

/// How much of a bucket stays, and where its middle is then.
fn part(bucket: Bucket, limit: f64, trim: Trim, positive: bool, linear: bool) -> (f64, f64) {
    let whole = || {
        (
            bucket.count,
            middle(bucket.lower, bucket.upper, positive, linear),
        )
    };
    if limit.is_nan() {
        return (0.0, 0.0);
    }
    match trim {
        Trim::Upper if bucket.upper <= limit => return whole(),
        Trim::Upper if bucket.lower >= limit => return (0.0, 0.0),
        Trim::Lower if bucket.lower >= limit => return whole(),
        Trim::Lower if bucket.upper <= limit => return (0.0, 0.0),
        Trim::Upper | Trim::Lower => {}
    }
    if bucket.lower == f64::NEG_INFINITY {
        return endless_below(bucket, limit, trim);
    }
    if bucket.upper == f64::INFINITY {
        return match trim {
            Trim::Upper => (0.0, 0.0),
            Trim::Lower => (bucket.count, limit),
        };
    }
    let below = bucket.count * bucket.share_below(limit, linear);
    match trim {
        Trim::Upper => (below, middle(bucket.lower, limit, positive, linear)),
        Trim::Lower => (
            bucket.count - below,
            middle(limit, bucket.upper, positive, linear),
        ),
    }
}

/// A bucket without a lower end, which only custom bounds have: where it ends above zero it is
/// taken to begin there, and else nothing is known of its inside.
fn endless_below(bucket: Bucket, limit: f64, trim: Trim) -> (f64, f64) {
    let ends_above_zero = bucket.upper > 0.0 && bucket.upper.is_finite();
    match trim {
        Trim::Upper if limit > 0.0 && ends_above_zero => {
            (bucket.count * limit / bucket.upper, limit / 2.0)
        }
        Trim::Upper if bucket.upper <= 0.0 => (bucket.count, limit),
        Trim::Lower if limit >= 0.0 && ends_above_zero => (
            bucket.count * (1.0 - limit / bucket.upper),
            f64::midpoint(limit, bucket.upper),
        ),
        Trim::Upper | Trim::Lower => (0.0, 0.0),
    }
}

fn zero_part(zero: Bucket, limit: f64, trim: Trim) -> (f64, f64) {
    let Bucket {
        lower,
        upper,
        count,
    } = zero;
    let whole = (count, f64::midpoint(lower, upper));
    match trim {
        Trim::Upper if limit <= lower => (0.0, 0.0),
        Trim::Upper if limit >= upper => whole,
        Trim::Upper => (
            count * ((limit - lower) / (upper - lower)),
            f64::midpoint(lower, limit),
        ),
        Trim::Lower if limit <= lower => whole,
        Trim::Lower if limit >= upper => (0.0, 0.0),
        Trim::Lower => (
            count * ((upper - limit) / (upper - lower)),
            f64::midpoint(limit, upper),
        ),
    }
}

/// Where the observations between two values are on average.
fn middle(lower: f64, upper: f64, positive: bool, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if linear => f64::midpoint(lower, upper),
        (false, false) => {
            let middle = (lower * upper).abs().sqrt();
            if positive { middle } else { -middle }
        }
    }
}
