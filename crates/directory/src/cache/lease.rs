//! How long what is remembered may be believed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longer than any process runs: a century.
const ENDLESS: Duration = Duration::from_hours(100 * 365 * 24);

/// Says until when what is remembered may be believed: for a bounded time from the last moment for
/// which it is known that every change before it was applied.
///
/// Who watches the database for changes confirms such moments, and gives the lease up when in
/// doubt. If the watcher itself hangs, nobody needs to notice: the lease ends by itself.
pub(crate) struct Lease {
    /// What the moments below count from.
    start: Instant,
    bound: Duration,
    grace: Duration,
    /// The last confirmed moment, in nanoseconds since the start and one; 0 before the first.
    confirmed: AtomicU64,
    /// The same while there is no doubt about it, and 0 otherwise.
    trusted: AtomicU64,
    /// No other process can change the database: one confirmation is for good.
    endless: bool,
    closed: AtomicBool,
}

impl Lease {
    /// A lease that lasts for `bound` after each confirmation, and for `grace` more where nothing
    /// else is to be had.
    pub(crate) fn new(bound: Duration, grace: Duration) -> Self {
        Self {
            start: Instant::now(),
            bound,
            grace,
            confirmed: AtomicU64::new(0),
            trusted: AtomicU64::new(0),
            endless: false,
            closed: AtomicBool::new(false),
        }
    }

    /// A lease for a database that no other process can change.
    pub(crate) fn endless() -> Self {
        let lease = Self {
            endless: true,
            ..Self::new(Duration::ZERO, Duration::ZERO)
        };
        lease.confirm(lease.start);
        lease
    }

    /// Every change that was committed before `moment` has been applied.
    pub(crate) fn confirm(&self, moment: Instant) {
        let since = moment.saturating_duration_since(self.start).as_nanos();
        let moment = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        self.confirmed.store(moment, Ordering::SeqCst);
        self.trusted.store(moment, Ordering::SeqCst);
    }

    /// Changes may have been missed. Before the next confirmation, everything has to be forgotten.
    /// Says whether there was no doubt before.
    pub(crate) fn doubt(&self) -> bool {
        self.trusted.swap(0, Ordering::SeqCst) != 0
    }

    /// Nothing may be believed any more, whatever is confirmed.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Until when what is recalled after this call may be believed.
    pub(crate) fn trusted(&self) -> Option<Instant> {
        self.after(&self.trusted, self.bound)
    }

    /// Until when what is recalled after this call may serve if the database cannot be asked.
    /// `None` also without any grace.
    pub(crate) fn graced(&self) -> Option<Instant> {
        if self.grace.is_zero() {
            return None;
        }
        self.after(&self.confirmed, self.bound.saturating_add(self.grace))
            .filter(|until| Instant::now() < *until)
    }

    fn after(&self, moment: &AtomicU64, lasts: Duration) -> Option<Instant> {
        let moment = moment.load(Ordering::SeqCst);
        if moment == 0 || self.closed.load(Ordering::SeqCst) {
            return None;
        }
        if self.endless {
            // Any moment that is still to come when the caller looks at the clock.
            return self.start.checked_add(ENDLESS);
        }
        let moment = self.start.checked_add(Duration::from_nanos(moment - 1))?;
        moment.checked_add(lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_millis(500);
    const GRACE: Duration = Duration::from_mins(1);

    #[test]
    fn a_lease_counts_from_the_moment_that_is_confirmed_and_not_from_the_confirmation() {
        let lease = Lease::new(BOUND, Duration::ZERO);
        assert_eq!(lease.trusted(), None);
        let moment = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        lease.confirm(moment);
        assert_eq!(lease.trusted(), Some(moment + BOUND));
    }

    #[test]
    fn doubt_ends_the_trust_and_leaves_the_grace() {
        let lease = Lease::new(BOUND, GRACE);
        assert_eq!(lease.graced(), None);
        let moment = Instant::now();
        lease.confirm(moment);
        lease.doubt();
        assert_eq!(lease.trusted(), None);
        assert_eq!(lease.graced(), Some(moment + BOUND + GRACE));
        assert_eq!(Lease::new(BOUND, Duration::ZERO).graced(), None);
    }

    #[test]
    fn a_closed_lease_stays_closed() {
        for lease in [Lease::new(BOUND, GRACE), Lease::endless()] {
            lease.confirm(Instant::now());
            lease.close();
            lease.confirm(Instant::now());
            assert_eq!((lease.trusted(), lease.graced()), (None, None));
        }
    }
}
