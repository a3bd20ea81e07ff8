//! How much a project may send: one token bucket for each.

use std::num::NonZeroU32;

use directory::policy::ProjectId;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::limits::Rate;
use super::refusal::Refusal;

/// From so many buckets on, those that have filled up again are forgotten.
const MANY: usize = 10_000;

/// The buckets of all projects.
pub(super) struct Rates<C: Clock = DefaultClock> {
    rate: Rate,
    buckets: RateLimiter<ProjectId, DashMapStateStore<ProjectId>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl Rates {
    pub(super) fn new(rate: Rate) -> Self {
        Self::on(rate, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn on(rate: Rate, clock: C) -> Self {
        let quota = Quota::per_second(rate.bytes_per_second).allow_burst(rate.burst);
        let buckets = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
        Self {
            rate,
            buckets,
            clock,
        }
    }

    /// Takes `bytes` out of the project's bucket, all of them or none.
    pub(super) fn take(&self, project: &ProjectId, bytes: usize) -> Result<(), Refusal> {
        let Some(tokens) = NonZeroU32::new(u32::try_from(bytes).unwrap_or(u32::MAX)) else {
            return Ok(());
        };
        if self.buckets.len() > MANY {
            self.buckets.retain_recent();
        }
        match self.buckets.check_key_n(project, tokens) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Refusal::RateLimited {
                limit: self.rate.bytes_per_second.get(),
                bytes,
                retry_after: not_until.wait_time_from(self.clock.now()),
            }),
            // More than the bucket ever holds: no waiting helps.
            Err(_) => Err(Refusal::TooLarge {
                what: "the batch",
                limit: usize::try_from(self.rate.burst.get()).unwrap_or(usize::MAX),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_project_that_sends_too_much_waits_and_no_other_does() {
        let clock = FakeRelativeClock::default();
        let rate = Rate {
            bytes_per_second: NonZeroU32::new(1000).unwrap(),
            burst: NonZeroU32::new(5000).unwrap(),
        };
        let rates = Rates::on(rate, clock.clone());
        let [one, other] = ["p1", "p2"].map(|id| ProjectId::new(id).unwrap());
        assert_eq!(rates.take(&one, 5000), Ok(()));
        let refused = rates.take(&one, 2000).unwrap_err();
        let Refusal::RateLimited {
            retry_after,
            limit,
            bytes,
        } = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!((limit, bytes), (1000, 2000));
        assert!(retry_after > Duration::from_millis(1900) && retry_after <= Duration::from_secs(2));
        assert_eq!(rates.take(&other, 5000), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(rates.take(&one, 2000), Ok(()));
        assert!(rates.take(&one, 1).is_err());
        assert_eq!(rates.take(&one, 0), Ok(()));
        assert!(matches!(
            rates.take(&other, 5001),
            Err(Refusal::TooLarge { limit: 5000, .. })
        ));
    }
}
