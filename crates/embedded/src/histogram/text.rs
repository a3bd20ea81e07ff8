//! A histogram as Prometheus writes it where it has to be a text.

use std::fmt;

use super::Histogram;
use crate::numbers::go_general;

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, sum) = (go_general(self.count), go_general(self.sum));
        write!(f, "{{count:{count}, sum:{sum}")?;
        let mut buckets = self.buckets();
        // A zero bucket that holds less than nothing is none otherwise, and is shown.
        if self.zero_count < 0.0 && !self.has_custom_bounds() {
            buckets.insert(self.negative.len().min(buckets.len()), self.zero_bucket());
        }
        buckets.retain(|bucket| bucket.count != 0.0);
        for bucket in buckets {
            let (left, right) = self.inclusive(bucket.lower, bucket.upper);
            let left = if left { '[' } else { '(' };
            let right = if right { ']' } else { ')' };
            let (lower, upper) = (go_general(bucket.lower), go_general(bucket.upper));
            let count = go_general(bucket.count);
            write!(f, ", {left}{lower},{upper}{right}:{count}")?;
        }
        f.write_str("}")
    }
}

impl Histogram {
    /// Whether a bucket with these bounds has its lower and its upper bound in it.
    pub(crate) fn inclusive(&self, lower: f64, upper: f64) -> (bool, bool) {
        if self.has_custom_bounds() {
            return (lower == f64::NEG_INFINITY, true);
        }
        (lower < 0.0, upper > 0.0)
    }
}
