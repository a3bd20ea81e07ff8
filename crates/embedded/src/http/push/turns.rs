//! Whose writes are worked on. The threads that do it are all tenants': without a bound, what is slow
//! for one would hold all of them, and whatever comes from others would wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refused;

/// Writes of one tenant, and of all, that are worked on at a time.
const PER_TENANT: usize = 4;
const ALL: usize = 16;
/// How long a write waits for those before it. Its body is in memory meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// The writes that are worked on.
#[derive(Debug)]
pub(in crate::http) struct Turns {
    /// Of those tenants that write now.
    tenants: Mutex<HashMap<String, Arc<Semaphore>>>,
    all: Arc<Semaphore>,
    patience: Duration,
}

/// Is held as long as a write is worked on.
#[derive(Debug)]
pub(super) struct Turn {
    _tenant: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self::new(PATIENCE)
    }
}

impl Turns {
    fn new(patience: Duration) -> Self {
        Self {
            tenants: Mutex::default(),
            all: Arc::new(Semaphore::new(ALL)),
            patience,
        }
    }

    /// Waits for those before it; too many of the same tenant are its own fault (429), and too many
    /// of all are not (503).
    pub(super) async fn take(&self, tenant: &str) -> Result<Turn, Refused> {
        let own = acquire(self.of(tenant), self.patience)
            .await
            .ok_or_else(|| {
                let sentence = "too many writes of this tenant at a time; send fewer, or try again";
                (StatusCode::TOO_MANY_REQUESTS, sentence.to_owned())
            })?;
        let all = acquire(Arc::clone(&self.all), self.patience).await;
        let all = all.ok_or_else(|| {
            let sentence = "too many writes at a time; try again";
            (StatusCode::SERVICE_UNAVAILABLE, sentence.to_owned())
        })?;
        Ok(Turn {
            _tenant: own,
            _all: all,
        })
    }

    fn of(&self, tenant: &str) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = tenants.get(tenant) {
            return Arc::clone(turns);
        }
        // Whoever waits for one or has one holds the semaphore, too.
        tenants.retain(|_, turns| Arc::strong_count(turns) > 1);
        let turns = Arc::new(Semaphore::new(PER_TENANT));
        tenants.insert(tenant.to_owned(), Arc::clone(&turns));
        turns
    }
}

async fn acquire(of: Arc<Semaphore>, patience: Duration) -> Option<OwnedSemaphorePermit> {
    let permit = tokio::time::timeout(patience, of.acquire_owned()).await;
    permit.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_tenant_never_holds_the_turns_of_others() {
        let turns = Turns::new(Duration::from_millis(1));
        let mut held = Vec::new();
        for _ in 0..PER_TENANT {
            held.push(turns.take("a").await.unwrap());
        }
        let refused = turns.take("a").await.unwrap_err();
        assert_eq!(refused.0, StatusCode::TOO_MANY_REQUESTS);
        drop(turns.take("b").await.unwrap());
        held.pop();
        held.push(turns.take("a").await.unwrap());
        let mut tenant = 0;
        while held.len() < ALL {
            held.push(
                turns
                    .take(&format!("t{}", tenant / PER_TENANT))
                    .await
                    .unwrap(),
            );
            tenant += 1;
        }
        let refused = turns.take("b").await.unwrap_err();
        assert_eq!(refused.0, StatusCode::SERVICE_UNAVAILABLE);
        held.clear();
        drop(turns.take("b").await.unwrap());
        drop(turns.take("c").await.unwrap());
        // Of those that write no more nothing is left.
        assert_eq!(turns.tenants.lock().unwrap().len(), 1);
    }
}
