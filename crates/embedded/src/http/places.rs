//! The places that queries run in: so many at a time, and only a part of them for one tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::room::Room;
use crate::limits::{EvalError, Limits};

/// Places for queries.
///
/// A tenant has half of them at the most, so that whatever it asks, there is room for others. A query
/// waits for one of its tenant's places first, and only then with those of others, in the order in
/// which they came: a tenant that asks much is never far ahead of one that asks little.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    of_one_tenant: usize,
    most_waiting: usize,
    tenants: Mutex<HashMap<String, Tenant>>,
    /// Where answers are kept after that.
    pub(super) room: Arc<Room>,
}

/// What a tenant has while any of its queries runs or waits.
#[derive(Debug)]
struct Tenant {
    places: Arc<Semaphore>,
    /// Queries that run or wait.
    present: usize,
}

/// A place that a query has until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_tenant: OwnedSemaphorePermit,
    _present: Present,
}

/// Counts a query as present.
#[derive(Debug)]
struct Present {
    places: Arc<Places>,
    tenant: String,
}

impl Places {
    /// As many as the limits say, and one at least.
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let all = limits.concurrent_queries.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            all: Arc::new(Semaphore::new(all)),
            of_one_tenant: (all / 2).max(1),
            most_waiting: limits.waiting_queries_per_tenant,
            tenants: Mutex::default(),
            room: Arc::default(),
        })
    }

    /// A place for a query of this tenant, waited for up to `within`.
    pub(super) async fn take(
        self: &Arc<Self>,
        tenant: &str,
        within: Duration,
    ) -> Result<Place, EvalError> {
        let (present, places) = self.enter(tenant)?;
        let wait = async {
            let of_tenant = places.acquire_owned().await?;
            let of_all = Arc::clone(&self.all).acquire_owned().await?;
            Ok::<_, AcquireError>((of_tenant, of_all))
        };
        let (of_tenant, of_all) = tokio::time::timeout(within, wait)
            .await
            .map_err(|_| EvalError::NoPlace)?
            .map_err(|_| EvalError::Canceled)?;
        Ok(Place {
            _of_all: of_all,
            _of_tenant: of_tenant,
            _present: present,
        })
    }

    fn enter(self: &Arc<Self>, tenant: &str) -> Result<(Present, Arc<Semaphore>), EvalError> {
        // Counts are right also where a thread broke off while it held the lock.
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let own = tenants.entry(tenant.to_owned()).or_insert_with(|| Tenant {
            places: Arc::new(Semaphore::new(self.of_one_tenant)),
            present: 0,
        });
        if own.present >= self.of_one_tenant.saturating_add(self.most_waiting) {
            return Err(EvalError::TooManyWaiting);
        }
        own.present += 1;
        let places = Arc::clone(&own.places);
        drop(tenants);
        let present = Present {
            places: Arc::clone(self),
            tenant: tenant.to_owned(),
        };
        Ok((present, places))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let tenants = &self.places.tenants;
        let mut tenants = tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = tenants.get_mut(&self.tenant) else {
            return;
        };
        own.present = own.present.saturating_sub(1);
        if own.present == 0 {
            tenants.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;
    /// Far more than anything here takes.
    const PATIENCE: Duration = Duration::from_mins(1);

    fn places(concurrent_queries: usize, waiting_queries_per_tenant: usize) -> Arc<Places> {
        Places::new(&Limits {
            concurrent_queries,
            waiting_queries_per_tenant,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn a_tenant_has_half_of_the_places_and_others_have_the_rest() {
        for (all, half) in [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)] {
            let places = places(all, 100);
            let mut taken = Vec::new();
            for _ in 0..half {
                taken.push(places.take("greedy", AT_ONCE).await.unwrap());
            }
            let more = places.take("greedy", AT_ONCE).await.unwrap_err();
            assert_eq!(more, EvalError::NoPlace);
            for at in half..all {
                let other = places.take(&format!("other {at}"), AT_ONCE).await;
                taken.push(other.unwrap());
            }
            let full = places.take("one more", AT_ONCE).await.unwrap_err();
            assert_eq!(full, EvalError::NoPlace);
            taken.clear();
            places.take("greedy", AT_ONCE).await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_waits_is_not_behind_all_that_another_tenant_asked_before() {
        let places = places(2, 100);
        let other = places.take("other", AT_ONCE).await.unwrap();
        let first = places.take("greedy", AT_ONCE).await.unwrap();
        let (come, mut came) = tokio::sync::mpsc::unbounded_channel();
        let wait = |tenant: &'static str| {
            let (places, come) = (Arc::clone(&places), come.clone());
            tokio::spawn(async move {
                let place = places.take(tenant, PATIENCE).await.unwrap();
                come.send(tenant).unwrap();
                drop(place);
            });
        };
        for _ in 0..10 {
            wait("greedy");
        }
        wait("patient");
        // All of them wait now: this runtime has one thread, and has looked at each.
        while places.tenants.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
        drop(other);
        assert_eq!(came.recv().await, Some("patient"));
        drop(first);
        assert_eq!(came.recv().await, Some("greedy"));
    }

    #[tokio::test]
    async fn what_waits_beyond_a_tenants_number_is_refused_at_once() {
        let places = places(2, 1);
        let running = places.take("greedy", AT_ONCE).await.unwrap();
        let mut waiting = Box::pin(places.take("greedy", PATIENCE));
        let early = tokio::time::timeout(AT_ONCE, &mut waiting).await;
        assert!(early.is_err(), "{early:?}");
        let refused = places.take("greedy", PATIENCE).await.unwrap_err();
        assert_eq!(refused, EvalError::TooManyWaiting);
        places.take("other", AT_ONCE).await.unwrap();
        // Who gives up waiting leaves room for another.
        drop(waiting);
        drop(running);
        places.take("greedy", AT_ONCE).await.unwrap();
        assert!(places.tenants.lock().unwrap().is_empty());
    }
}
