//! Quantiles of values, and of the buckets of a classic histogram.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with counts as floats

/// Differences of bucket counts below this, relatively, are taken for rounding errors.
const SMALL_DIFFERENCE: f64 = 1e-12;

/// The `q`-quantile of these values, NaN counting as smaller than all others; between two values
/// their weighted mean.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let ascending = |a: &f64, b: &f64| {
        let order = a.partial_cmp(b);
        order.unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
    };
    let rank = q * (values.len() - 1) as f64;
    // Not negative and below the number of values.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let lower = rank.floor() as usize;
    let lower = lower.min(values.len() - 1);
    let weight = rank - rank.floor();
    // Two of the values are wanted, and the order of the others does not matter.
    let (_, lower, above) = values.select_nth_unstable_by(lower, ascending);
    let upper = above.iter().copied().min_by(ascending).unwrap_or(*lower);
    *lower * (1.0 - weight) + upper * weight
}

/// A bucket of a classic histogram: how many observations were at most the bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    pub(super) upper_bound: f64,
    pub(super) count: f64,
}

/// The lowest and the highest bound of a bucket whose count had to be raised, and by how much it
/// was raised at the most.
pub(super) type RaisedBuckets = ((f64, f64), f64);

/// The `q`-quantile of a classic histogram, linear within a bucket; and which counts had to be
/// raised for it.
pub(super) fn bucket_quantile(q: f64, mut buckets: Vec<Bucket>) -> (f64, Option<RaisedBuckets>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    if buckets
        .last()
        .is_none_or(|last| last.upper_bound != f64::INFINITY)
    {
        return (f64::NAN, None);
    }
    join_equal_bounds(&mut buckets);
    let raised = make_monotonic(&mut buckets);
    (monotonic_quantile(q, &buckets), raised)
}

/// The quantile of buckets in their order, the last one without end, whose counts do not fall.
fn monotonic_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    let [inner @ .., last] = buckets else {
        return f64::NAN;
    };
    let Some(highest) = inner.last() else {
        return f64::NAN;
    };
    if last.count == 0.0 {
        return f64::NAN;
    }
    let rank = q * last.count;
    // A NaN rank finds no bucket and ends in the last one, as it does in Prometheus.
    let at = inner
        .iter()
        .position(|bucket| bucket.count >= rank)
        .unwrap_or(inner.len());
    let Some(bucket) = inner.get(at) else {
        return highest.upper_bound;
    };
    if at == 0 && bucket.upper_bound <= 0.0 {
        return bucket.upper_bound;
    }
    let below = at.checked_sub(1).and_then(|at| inner.get(at));
    let (start, passed) = below.map_or((0.0, 0.0), |below| (below.upper_bound, below.count));
    start + (bucket.upper_bound - start) * ((rank - passed) / (bucket.count - passed))
}

/// The share of a classic histogram's observations between two values, linear within a bucket.
pub(super) fn bucket_fraction(lower: f64, upper: f64, mut buckets: Vec<Bucket>) -> f64 {
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    join_equal_bounds(&mut buckets);
    let Some(last) = buckets
        .last()
        .filter(|last| last.upper_bound == f64::INFINITY)
    else {
        return f64::NAN;
    };
    if last.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let total = last.count;
    (rank(upper, &buckets).min(total) - rank(lower, &buckets).min(total)) / total
}

/// How many observations of a classic histogram are below `value`. Within a bucket without end no
/// interpolation is possible: one to the left counts as a whole, one to the right not at all.
fn rank(value: f64, buckets: &[Bucket]) -> f64 {
    let starts_below_zero = buckets
        .first()
        .is_some_and(|first| first.upper_bound <= 0.0);
    let mut start = if starts_below_zero {
        f64::NEG_INFINITY
    } else {
        0.0
    };
    let mut passed = 0.0;
    for bucket in buckets {
        if start >= value {
            return passed;
        }
        if bucket.upper_bound > value {
            if start == f64::NEG_INFINITY {
                return bucket.count;
            }
            let share = (bucket.count - passed) * (value - start);
            return passed + share / (bucket.upper_bound - start);
        }
        start = bucket.upper_bound;
        passed = bucket.count;
    }
    passed
}

fn join_equal_bounds(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|later, earlier| {
        #[allow(clippy::float_cmp)] // bounds come from text; equal is equal
        let equal = later.upper_bound == earlier.upper_bound;
        if equal {
            earlier.count += later.count;
        }
        equal
    });
}

/// Counts never fall from one bucket to the next; where they do, or rise by a rounding error
/// only, the scrape or a `rate` was not exact.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<RaisedBuckets> {
    let mut buckets = buckets.iter_mut();
    let mut before = buckets.next()?.count;
    let mut raised: Option<RaisedBuckets> = None;
    for bucket in buckets {
        if nearly_equal(bucket.count, before) {
            bucket.count = before;
        } else if bucket.count < before {
            let (bound, by) = (bucket.upper_bound, before - bucket.count);
            let ((lowest, highest), most) = raised.unwrap_or(((bound, bound), by));
            raised = Some(((lowest.min(bound), highest.max(bound)), most.max(by)));
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    raised
}

fn nearly_equal(a: f64, b: f64) -> bool {
    #[allow(clippy::float_cmp)] // what is near comes below
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DIFFERENCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DIFFERENCE
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact results are wanted
mod tests {
    use super::*;

    fn of(q: f64, buckets: &[(f64, f64)]) -> f64 {
        let buckets = buckets
            .iter()
            .map(|&(upper_bound, count)| Bucket { upper_bound, count });
        bucket_quantile(q, buckets.collect()).0
    }

    #[test]
    fn a_histogram_is_linear_within_its_buckets() {
        let inf = f64::INFINITY;
        for (q, buckets, wanted) in [
            (0.5, &[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)][..], 1.0),
            (0.75, &[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)], 1.5),
            (0.25, &[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)], 0.5),
            // Beyond the highest bound there is nothing to interpolate with.
            (0.9, &[(1.0, 10.0), (2.0, 10.0), (inf, 100.0)], 2.0),
            // A lowest bucket at or below zero has no lower bound.
            (0.1, &[(-1.0, 10.0), (2.0, 20.0), (inf, 20.0)], -1.0),
            (-0.1, &[(1.0, 10.0), (inf, 20.0)], f64::NEG_INFINITY),
            (1.1, &[(1.0, 10.0), (inf, 20.0)], inf),
            // Counts that fall are raised.
            (0.5, &[(1.0, 10.0), (2.0, 9.0), (inf, 20.0)], 1.0),
        ] {
            assert_eq!(of(q, buckets), wanted, "{q} {buckets:?}");
        }
        assert!(of(0.5, &[(1.0, 10.0), (2.0, 20.0)]).is_nan(), "no +Inf");
        assert!(of(0.5, &[(inf, 20.0)]).is_nan(), "one bucket");
        assert!(of(0.5, &[(1.0, 0.0), (inf, 0.0)]).is_nan(), "empty");
    }

    #[test]
    fn a_quantile_between_two_values_is_their_weighted_mean() {
        assert_eq!(quantile(0.5, vec![3.0, 1.0, 2.0, 4.0]), 2.5);
        assert_eq!(quantile(0.0, vec![3.0, 1.0]), 1.0);
        assert_eq!(quantile(1.0, vec![3.0, 1.0]), 3.0);
        assert!(quantile(0.0, vec![3.0, f64::NAN]).is_nan());
    }
}
