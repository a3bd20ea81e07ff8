//! Whether a histogram began anew, and whether two are the same.

use super::{Histogram, ResetHint};

impl Histogram {
    /// Whether the counts began anew between `previous` and this one: some count fell, or the
    /// buckets became finer.
    #[must_use]
    pub fn is_reset_after(&self, previous: &Self) -> bool {
        match self.reset_hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            // A gauge is treated as a counter where somebody asks for a rate of it.
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.has_custom_bounds() != previous.has_custom_bounds() {
            return true;
        }
        if self.has_custom_bounds() {
            let (mut own, mut previous) = (self.clone(), previous.clone());
            // The kinds are the same, as was just seen.
            return own.align(&mut previous).is_err() || fell(&previous.positive, &own.positive);
        }
        #[allow(clippy::float_cmp)] // a threshold that had to be moved is another one
        let splits = |threshold: f64| previous.zero_threshold_from(threshold) != threshold;
        if self.schema > previous.schema
            || self.zero_threshold < previous.zero_threshold
            || splits(self.zero_threshold)
        {
            return true;
        }
        let mut previous = previous.clone();
        previous.widen_zero(self.zero_threshold);
        previous.reduce(self.schema);
        self.zero_count < previous.zero_count
            || fell(&previous.positive, &self.positive)
            || fell(&previous.negative, &self.negative)
    }

    /// Whether both hold the very same values in the same buckets.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let buckets = |a: &[(i32, f64)], b: &[(i32, f64)]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        };
        self.schema == other.schema
            && same(self.count, other.count)
            && same(self.sum, other.sum)
            && same(self.zero_threshold, other.zero_threshold)
            && same(self.zero_count, other.zero_count)
            && (!self.has_custom_bounds() || self.custom_bounds == other.custom_bounds)
            && buckets(&self.positive, &other.positive)
            && buckets(&self.negative, &other.negative)
    }
}

/// Whether some bucket holds less than it did.
fn fell(before: &[(i32, f64)], after: &[(i32, f64)]) -> bool {
    let mut after = after.iter().peekable();
    before.iter().any(|(index, count)| {
        while after.next_if(|(at, _)| at < index).is_some() {}
        match after.peek() {
            Some((at, now)) if at == index => now < count,
            Some(_) | None => *count != 0.0,
        }
    })
}
