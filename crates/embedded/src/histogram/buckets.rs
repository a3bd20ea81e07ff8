//! The bounds of buckets, and the walk over them.

use std::sync::LazyLock;

use super::Histogram;

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

impl Bucket {
    /// Which share of the bucket's observations are below `value`, which is in it: as if they were
    /// spread evenly, or evenly over the logarithms.
    pub(crate) fn share_below(&self, value: f64, evenly: bool) -> f64 {
        if evenly {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let (lower, upper) = (self.lower.abs().log2(), self.upper.abs().log2());
        let value = value.abs().log2();
        if self.lower > 0.0 {
            (value - lower) / (upper - lower)
        } else {
            1.0 - (value - upper) / (lower - upper)
        }
    }

    pub(crate) fn has_zero(&self) -> bool {
        self.lower <= 0.0 && self.upper >= 0.0
    }
}

/// The upper bound of bucket `index` in an exponential schema.
pub(super) fn bound(index: i32, schema: i32) -> f64 {
    let Ok(fine) = u32::try_from(schema) else {
        let exponent = i64::from(index) << schema.unsigned_abs().min(8);
        // The largest finite bound is the largest number.
        return match exponent {
            1024 => f64::MAX,
            exponent => power_of_two(exponent),
        };
    };
    let steps = 1_i32 << fine.min(FINEST);
    let (whole, part) = (index.div_euclid(steps), index.rem_euclid(steps));
    if part == 0 && whole == 1024 {
        return f64::MAX;
    }
    let at = usize::try_from(part).unwrap_or_default() << (FINEST - fine.min(FINEST));
    let fraction = FRACTIONS.get(at).copied().unwrap_or(1.0);
    // In two factors, so that the smallest numbers do not come out as zero.
    let half = whole / 2;
    fraction * power_of_two(i64::from(half)) * power_of_two(i64::from(whole - half))
}

/// The finest schema that there is.
const FINEST: u32 = 8;

/// The bounds from 1 up to 2 in the finest schema. They are calculated as those were that Prometheus
/// has, rounding for rounding, so that bounds read the same: those between the bounds of one schema
/// are the ones before them, times the root of the next.
static FRACTIONS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut bounds = vec![1.0];
    for schema in 1..=FINEST {
        let root = match schema {
            // Next to the nearest.
            1 => f64::from_bits(std::f64::consts::SQRT_2.to_bits() - 1),
            _ => f64::from(1_u32 << schema).recip().exp2(),
        };
        bounds = bounds
            .iter()
            .flat_map(|bound| [*bound, bound * root])
            .collect();
    }
    bounds
});

fn power_of_two(exponent: i64) -> f64 {
    #[allow(clippy::cast_possible_truncation)] // beyond these ends it is 0 or infinite anyway
    let exponent = exponent.clamp(-2000, 2000) as i32;
    2.0_f64.powi(exponent)
}

impl Histogram {
    /// The bounds of a bucket of positive observations, or of custom bounds.
    pub(crate) fn positive_bucket(&self, index: i32, count: f64) -> Bucket {
        let (lower, upper) = if self.has_custom_bounds() {
            let at = |index: i32| usize::try_from(index).ok();
            let bound = |index| at(index).and_then(|at| self.custom_bounds.get(at).copied());
            (
                bound(index - 1).unwrap_or(f64::NEG_INFINITY),
                bound(index).unwrap_or(f64::INFINITY),
            )
        } else {
            (bound(index - 1, self.schema), bound(index, self.schema))
        };
        Bucket {
            lower,
            upper,
            count,
        }
    }

    /// The bounds of a bucket of negative observations.
    pub(crate) fn negative_bucket(&self, index: i32, count: f64) -> Bucket {
        Bucket {
            lower: -bound(index, self.schema),
            upper: -bound(index - 1, self.schema),
            count,
        }
    }

    pub(crate) fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            count: self.zero_count,
        }
    }

    /// All buckets from the lowest to the highest; a bucket that the zero bucket reaches into
    /// begins where that one ends.
    pub(crate) fn buckets(&self) -> Vec<Bucket> {
        let negative = self.negative.iter().rev();
        let mut all: Vec<Bucket> = negative
            .map(|&(index, count)| {
                let mut bucket = self.negative_bucket(index, count);
                if bucket.upper > -self.zero_threshold && bucket.lower < -self.zero_threshold {
                    bucket.upper = -self.zero_threshold;
                }
                bucket
            })
            .collect();
        if self.zero_count > 0.0 && !self.has_custom_bounds() {
            all.push(self.zero_bucket());
        }
        all.extend(self.positive.iter().map(|&(index, count)| {
            let mut bucket = self.positive_bucket(index, count);
            if !self.has_custom_bounds()
                && bucket.lower < self.zero_threshold
                && bucket.upper > self.zero_threshold
            {
                bucket.lower = self.zero_threshold;
            }
            bucket
        }));
        all
    }

    /// Takes the buckets away that hold nothing.
    pub(crate) fn compact(&mut self) {
        self.positive.retain(|(_, count)| *count != 0.0);
        self.negative.retain(|(_, count)| *count != 0.0);
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact results are wanted
mod tests {
    use super::bound;

    #[test]
    fn bounds_are_powers_of_two_and_their_roots() {
        for (index, schema, wanted) in [
            (0, 0, 1.0),
            (3, 0, 8.0),
            (-2, 0, 0.25),
            // One less in its last place, as Prometheus has it.
            (1, 1, 2.0 * 0.707_106_781_186_547_5),
            (-1, 1, 0.707_106_781_186_547_5),
            (3, 3, 1.296_839_554_651_009_6),
            (2, -1, 16.0),
            (1024, 0, f64::MAX),
            (1025, 0, f64::INFINITY),
            (-1074, 0, 5e-324),
            (256, -2, f64::MAX),
        ] {
            assert_eq!(bound(index, schema), wanted, "{index} {schema}");
        }
    }
}
