//! What one subject, or one project, has used.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::bucket::Bucket;
use super::exceeded::{Exceeded, Limit, Whose};
use super::settings::{Queue, Quota};

/// The bytes of a minute fill in again within one.
const MINUTE: u64 = 60 * 1_000_000_000;

/// When somebody may try again who has too many requests on their way: as soon as one has ended, which
/// may be any moment.
const SOON: Duration = Duration::from_secs(1);

/// What one subject, or one project, has used.
#[derive(Debug)]
pub struct Account {
    whose: Whose,
    /// Another from the next request on where the settings have changed.
    quota: ArcSwap<Quota>,
    /// From when on its buckets count.
    since: Instant,
    in_flight: AtomicU32,
    requests: Bucket,
    bytes: Bucket,
    /// Places for queries that run. It wakes those who wait in the order in which they came, and
    /// nobody who comes later takes a place before them.
    places: Semaphore,
    /// How many places there are, taken or not.
    size: Mutex<usize>,
    /// How many of those that are taken are not given back, since there are fewer now.
    owed: AtomicUsize,
    waiting: AtomicUsize,
}

/// The place of a query that runs, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Account>);

/// Whether a place is free.
pub(super) enum Free {
    /// There are as many as one likes.
    Unlimited,
    /// This one.
    Place(Place),
    /// None, or others wait for it.
    None,
}

/// One that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Account {
    pub(super) fn new(whose: Whose, quota: Quota, now: Instant) -> Self {
        let size = size(&quota);
        Self {
            whose,
            quota: ArcSwap::from_pointee(quota),
            since: now,
            in_flight: AtomicU32::new(0),
            requests: Bucket::default(),
            bytes: Bucket::default(),
            places: Semaphore::new(size),
            size: Mutex::new(size),
            owed: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Holds from now on to this quota, if that is another one. What was used stays used: requests, as
    /// so many of the new ones, bytes, requests that are on their way, and queries that run, which are
    /// as many as they are until they end.
    pub(super) fn hold_to(&self, quota: Quota, now: Instant) {
        let before = self.quota.load();
        if **before == quota {
            return;
        }
        let mut held = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        let size = size(&quota);
        if size < *held {
            let fewer = *held - size;
            let taken = fewer - self.places.forget_permits(fewer);
            self.owed.fetch_add(taken, Ordering::Relaxed);
        } else {
            // First come those that are taken and were not to be given back.
            let more = size - *held;
            let pay = |owed: usize| Some(owed - owed.min(more));
            let owed = self
                .owed
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay);
            let paid = owed.map_or(0, |owed| owed.min(more));
            self.places.add_permits(more - paid);
        }
        *held = size;
        if let (Some(old), Some(new)) = (before.requests, quota.requests)
            && old != new
        {
            let [from, to] = [old, new].map(|rate| u128::from(nanos(rate.every).max(1)));
            let most = to * u128::from(new.burst.get());
            self.requests.change(self.nanos(now), |missing| {
                let missing = (u128::from(missing) * to / from).min(most);
                u64::try_from(missing).unwrap_or(u64::MAX)
            });
        }
        self.quota.store(Arc::new(quota));
    }

    /// A place is free again, unless there are fewer than were taken.
    fn give_back(&self) {
        let pay = |owed: usize| owed.checked_sub(1);
        let paid = self
            .owed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay);
        if paid.is_err() {
            self.places.add_permits(1);
        }
    }

    /// Whether all of it is as if it were new. Those who hold a place or wait for one hold the
    /// account, too, and are not looked for here.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let now = self.nanos(now);
        self.requests.is_full(now) && self.bytes.is_full(now)
    }

    /// One more request is on its way, if it may be. It is until [`Account::end`].
    pub(super) fn begin(&self) -> Result<(), Exceeded> {
        // Another that comes in between is refused by a place that is given back at once: the limit is
        // never exceeded, and reached a moment early at the worst.
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        match self.quota.load().in_flight {
            Some(most) if before >= most.get() => {
                self.end();
                Err(self.exceeded(Limit::InFlight(most.get()), SOON))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A request has ended that [`Account::begin`] has let through.
    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a request, if it may come.
    pub(super) fn count_request(&self, now: Instant) -> Result<(), Exceeded> {
        let Some(rate) = self.quota.load().requests else {
            return Ok(());
        };
        let every = nanos(rate.every).max(1);
        let depth = every.saturating_mul(rate.burst.get().into());
        let taken = self.requests.take(self.nanos(now), every, depth);
        taken.map_err(|wait| self.exceeded(Limit::Requests(rate), wait))
    }

    /// Counts bytes that have gone out.
    pub(super) fn count_bytes(&self, bytes: u64, now: Instant) {
        if let Some(most) = self.quota.load().bytes_per_minute {
            let cost = u128::from(bytes) * u128::from(MINUTE) / u128::from(most.get());
            let cost = u64::try_from(cost).unwrap_or(u64::MAX);
            // However much one answer was, a minute after its end is enough.
            self.bytes.take_anyway(self.nanos(now), cost, 2 * MINUTE);
        }
    }

    /// Whether more may be read.
    pub(super) fn check_bytes(&self, now: Instant) -> Result<(), Exceeded> {
        let Some(most) = self.quota.load().bytes_per_minute else {
            return Ok(());
        };
        match self.bytes.wait(self.nanos(now), MINUTE) {
            Some(wait) => Err(self.exceeded(Limit::Bytes(most.get()), wait)),
            None => Ok(()),
        }
    }

    /// A place, where one is free, which none is while anybody waits.
    pub(super) fn free_place(self: &Arc<Self>) -> Free {
        if self.quota.load().queries.is_none() {
            return Free::Unlimited;
        }
        match self.places.try_acquire() {
            Ok(permit) => {
                permit.forget();
                Free::Place(Place(Arc::clone(self)))
            }
            Err(_) => Free::None,
        }
    }

    /// Waits in line for a place. Dropped, it waits no more.
    pub(super) async fn place(
        self: &Arc<Self>,
        queue: Queue,
        deadline: Instant,
    ) -> Result<Option<Place>, Exceeded> {
        if let Free::Place(place) = self.free_place() {
            return Ok(Some(place));
        }
        let Some(most) = self.quota.load().queries else {
            return Ok(None);
        };
        let Some(_waiting) = Waiting::begin(&self.waiting, queue.length) else {
            let limit = Limit::Queue(most.get(), queue.length);
            return Err(self.exceeded(limit, queue.timeout));
        };
        // The places are never closed.
        if let Ok(Ok(permit)) = timeout_at(deadline, self.places.acquire()).await {
            permit.forget();
            return Ok(Some(Place(Arc::clone(self))));
        }
        let limit = Limit::Waited(most.get(), queue.timeout);
        Err(self.exceeded(limit, queue.timeout))
    }

    fn exceeded(&self, limit: Limit, retry_after: Duration) -> Exceeded {
        Exceeded {
            whose: self.whose,
            limit,
            retry_after,
        }
    }

    fn nanos(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.since))
    }

    /// How many requests are on their way.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many queries run.
    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        let owed = self.owed.load(Ordering::Relaxed);
        *self.size.lock().unwrap() + owed - self.places.available_permits()
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl<'a> Waiting<'a> {
    /// One more waits, if fewer than `most` do.
    fn begin(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let more = |waiting: usize| (waiting < most).then_some(waiting + 1);
        let begun = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        begun.ok().map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many places there are. Where they are not limited nobody takes one.
fn size(quota: &Quota) -> usize {
    let most = quota.queries.map_or(usize::MAX, |most| {
        usize::try_from(most.get()).unwrap_or(usize::MAX)
    });
    most.min(Semaphore::MAX_PERMITS >> 1)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
