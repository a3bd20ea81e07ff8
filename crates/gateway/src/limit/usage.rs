//! What one request uses.

use std::sync::Arc;

use tokio::time::Instant;

use super::account::{Account, Free, Place};
use super::exceeded::Exceeded;
use super::settings::Queue;

/// So many bytes of an answer may have gone out without being counted yet: what is counted one by
/// one costs more than it tells.
const UNCOUNTED: u64 = 256 << 10;

/// What one request uses, until it is dropped. A query's goes along with its answer's body.
#[derive(Debug, Default)]
pub struct Usage {
    subject: Option<Arc<Account>>,
    project: Option<Arc<Account>>,
    places: [Option<Place>; 2],
    /// Bytes that have gone out and are not counted yet.
    bytes: u64,
}

impl Usage {
    pub(super) fn of_subject(account: Arc<Account>) -> Self {
        let mut usage = Self::default();
        usage.subject = Some(account);
        usage
    }

    pub(super) fn add_project(&mut self, account: Arc<Account>) {
        self.project = Some(account);
    }

    fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.subject.iter().chain(&self.project)
    }

    pub(super) fn check_bytes(&self, now: Instant) -> Result<(), Exceeded> {
        let mut accounts = self.accounts();
        accounts.try_for_each(|account| account.check_bytes(now))
    }

    /// Waits for the subject's place first: whoever has many queries so waits for their own, and
    /// holds nothing of the project's meanwhile.
    pub(super) async fn enter(&mut self, queue: Queue) -> Result<(), Exceeded> {
        if self.enter_now() {
            return Ok(());
        }
        // Boxed, since few have to wait, and each request would carry what waiting needs.
        Box::pin(self.wait(queue)).await
    }

    /// Takes the places that are free. Whether these are all: what was got is kept until then.
    fn enter_now(&mut self) -> bool {
        for (account, place) in [&self.subject, &self.project]
            .into_iter()
            .zip(&mut self.places)
        {
            let Some(account) = account else { continue };
            match account.free_place() {
                Free::Unlimited => {}
                Free::Place(free) => *place = Some(free),
                Free::None => return false,
            }
        }
        true
    }

    async fn wait(&mut self, queue: Queue) -> Result<(), Exceeded> {
        let deadline = Instant::now() + queue.timeout;
        for (account, place) in [&self.subject, &self.project]
            .into_iter()
            .zip(&mut self.places)
        {
            if let Some(account) = account
                && place.is_none()
            {
                *place = account.place(queue, deadline).await?;
            }
        }
        Ok(())
    }

    /// So many bytes of the answer have gone out.
    pub fn sent(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= UNCOUNTED {
            self.count();
        }
    }

    fn count(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 && (self.subject.is_some() || self.project.is_some()) {
            let now = Instant::now();
            self.accounts()
                .for_each(|account| account.count_bytes(bytes, now));
        }
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.count();
    }
}
