//! Durations: what they mean, and how they were written.

use std::time::Duration as StdDuration;

use crate::small_str::SmallStr;

/// A duration literal. Two are equal when they mean the same time, however they were written.
#[derive(Clone, Debug)]
pub struct Duration {
    /// Length in nanoseconds; negative only where a language allows it (`offset -5m`).
    pub nanos: i64,
    /// The literal as it was written, sign included, and as it is printed again.
    pub text: SmallStr,
}

impl Duration {
    /// The length, negative ones as zero.
    #[must_use]
    pub fn to_std(&self) -> StdDuration {
        StdDuration::from_nanos(u64::try_from(self.nanos).unwrap_or_default())
    }
}

impl PartialEq for Duration {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Duration {}
