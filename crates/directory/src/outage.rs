//! What is known of a database that cannot be asked, so that not every request has to find it out
//! anew, each by waiting.
//!
//! Nothing here lets anybody in: who may not ask is told what they would have been told after the
//! wait, which is what may serve in place of an answer, or none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a failure speaks for the questions after it, and a question that tries again for those
/// beside it.
const SPEAKS: Duration = Duration::from_secs(1);

/// Whether the database is known to be away, and what decisions rest on meanwhile.
#[derive(Default)]
pub(crate) struct Outage {
    known: Mutex<Known>,
    on_grace: AtomicBool,
}

#[derive(Default)]
struct Known {
    /// The last failure, since which nothing was answered.
    failed: Option<Instant>,
    /// Since when somebody tries again.
    trying: Option<Instant>,
}

/// Leave to ask the database, since a moment.
#[derive(Clone, Copy)]
pub(crate) struct Leave(Instant);

impl Outage {
    /// Leave to ask, unless it is known that the database is away and somebody already tries again.
    pub(crate) fn leave(&self, now: Instant) -> Option<Leave> {
        let speaks = |moment: Instant| now.saturating_duration_since(moment) < SPEAKS;
        let mut known = self.known();
        match (known.failed, known.trying) {
            (None, _) => {}
            (Some(_), Some(since)) if speaks(since) => return None,
            (Some(failed), None) if !speaks(failed) => *known = Known::default(),
            // One who has tried for long may be waiting for a connection that is dead.
            (Some(_), _) => known.trying = Some(now),
        }
        Some(Leave(now))
    }

    /// The database has answered.
    pub(crate) fn answered(&self) {
        *self.known() = Known::default();
        self.rests_no_longer("the directory answers again");
    }

    /// The database could not be asked.
    pub(crate) fn failed(&self, leave: Leave, now: Instant) {
        let mut known = self.known();
        known.failed = Some(now);
        if known.trying == Some(leave.0) {
            known.trying = None;
        }
    }

    /// A decision rests on what is remembered although the database cannot be asked.
    pub(crate) fn rests(&self) {
        if !self.on_grace.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the directory cannot be asked: decisions rest on what is remembered \
                 (database.grace)"
            );
        }
    }

    /// Decisions rest on what is known, or are refused.
    pub(crate) fn rests_no_longer(&self, why: &'static str) {
        // Every request comes by here, and a load is less than a swap.
        if self.on_grace.load(Ordering::Relaxed) && self.on_grace.swap(false, Ordering::Relaxed) {
            tracing::warn!(why, "decisions no longer rest on what is remembered");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tries_again_speaks_for_the_others_for_a_second() {
        let (outage, start) = (Outage::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        let first = outage.leave(start).unwrap();
        let second = outage.leave(start).unwrap();
        outage.failed(first, after(10));
        // The one who tries, and the others.
        let third = outage.leave(after(20)).unwrap();
        assert!(outage.leave(after(20)).is_none());
        // One who asked before it was known changes nothing about that.
        outage.failed(second, after(30));
        assert!(outage.leave(after(1019)).is_none());
        // Who hangs is replaced, and says nothing about who came in its place.
        let fourth = outage.leave(after(1020)).unwrap();
        outage.failed(third, after(1500));
        assert!(outage.leave(after(1501)).is_none());
        outage.failed(fourth, after(1600));
        assert!(outage.leave(after(1601)).is_some());
        assert!(outage.leave(after(1602)).is_none());
        outage.answered();
        assert!(outage.leave(after(1603)).is_some() && outage.leave(after(1603)).is_some());
    }

    #[test]
    fn a_failure_is_no_news_after_a_second() {
        let (outage, start) = (Outage::default(), Instant::now());
        let leave = outage.leave(start).unwrap();
        outage.failed(leave, start);
        assert!(outage.leave(start + SPEAKS).is_some());
        assert!(outage.leave(start + SPEAKS).is_some());
    }
}
