//! A bucket that fills again as time passes, in one number.
//!
//! What is missing from it is told as time: until when nothing may be taken for it to be full again
//! (the theoretical arrival time of the generic cell rate algorithm, ITU-T I.371, annex A). So any
//! thread takes from it with one compare-and-swap, and a full one holds nothing worth keeping.
//! `governor`, which counts what writes may bring, does the same but knows no debt; an answer's bytes
//! are known when they are gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A bucket. Times are nanoseconds since whenever its owner began to count.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    full_at: AtomicU64,
}

impl Bucket {
    /// Takes what fills in again within `cost`, if by then no more than `depth` is missing;
    /// otherwise takes nothing, and says how long to wait.
    pub(super) fn take(&self, now: u64, cost: u64, depth: u64) -> Result<(), Duration> {
        let add = |full_at: u64| {
            let full_at = full_at.max(now).saturating_add(cost);
            (full_at - now <= depth).then_some(full_at)
        };
        let taken = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        taken.map(drop).map_err(|full_at| {
            let missing = full_at.max(now).saturating_add(cost) - now;
            Duration::from_nanos(missing.saturating_sub(depth))
        })
    }

    /// Takes what fills in again within `cost`, also where it is not there; never more than `deepest`
    /// is missing then.
    pub(super) fn take_anyway(&self, now: u64, cost: u64, deepest: u64) {
        let most = now.saturating_add(deepest);
        let add = |full_at: u64| Some(full_at.max(now).saturating_add(cost).min(most.max(full_at)));
        // The closure always answers, so this always succeeds.
        let _ = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Has that be missing which `by` makes of what is missing now.
    pub(super) fn change(&self, now: u64, by: impl Fn(u64) -> u64) {
        let change = |full_at: u64| Some(now.saturating_add(by(full_at.saturating_sub(now))));
        // The closure always answers, so this always succeeds.
        let _ = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }

    /// How long until less than `depth` is missing; nothing if that is so.
    pub(super) fn wait(&self, now: u64, depth: u64) -> Option<Duration> {
        let over = self.missing(now).checked_sub(depth)?;
        Some(Duration::from_nanos(over.saturating_add(1)))
    }

    /// Whether nothing is missing.
    pub(super) fn is_full(&self, now: u64) -> bool {
        self.missing(now) == 0
    }

    fn missing(&self, now: u64) -> u64 {
        self.full_at.load(Ordering::Relaxed).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn as_many_as_the_burst_come_at_once_and_then_one_at_a_time() {
        let (bucket, every, depth) = (Bucket::default(), SECOND / 2, 3 * SECOND / 2);
        let take = |now| bucket.take(now, every, depth);
        let start = 7 * SECOND;
        for _ in 0..3 {
            assert_eq!(take(start), Ok(()));
        }
        let half = Duration::from_millis(500);
        assert_eq!(take(start), Err(half));
        // A refusal takes nothing.
        assert_eq!(take(start), Err(half));
        assert_eq!(take(start + SECOND / 2 - 1), Err(Duration::from_nanos(1)));
        assert_eq!(take(start + SECOND / 2), Ok(()));
        assert!(take(start + SECOND / 2).is_err());
        assert!(!bucket.is_full(start + SECOND));
        assert!(bucket.is_full(start + 2 * SECOND));
        for _ in 0..3 {
            assert_eq!(take(start + 100 * SECOND), Ok(()));
        }
        assert!(take(start + 100 * SECOND).is_err());
    }

    #[test]
    fn what_was_taken_beyond_all_there_was_is_waited_for_and_no_longer() {
        let (bucket, minute) = (Bucket::default(), 60 * SECOND);
        assert_eq!(bucket.wait(0, minute), None);
        bucket.take_anyway(0, minute - 1, 2 * minute);
        assert_eq!(bucket.wait(0, minute), None);
        bucket.take_anyway(0, 1, 2 * minute);
        assert_eq!(bucket.wait(0, minute), Some(Duration::from_nanos(1)));
        bucket.take_anyway(0, 1000 * minute, 2 * minute);
        let wait = bucket.wait(0, minute).unwrap();
        assert_eq!(wait, Duration::from_nanos(minute + 1));
        let later = u64::try_from(wait.as_nanos()).unwrap();
        assert!(bucket.wait(later - 1, minute).is_some());
        assert_eq!(bucket.wait(later, minute), None);
    }

    #[test]
    fn an_earlier_time_takes_nothing_back() {
        let bucket = Bucket::default();
        bucket.take_anyway(100, 50, 60);
        bucket.take_anyway(10, 1, 60);
        assert!(!bucket.is_full(149));
        assert!(bucket.is_full(150));
    }
}
