//! What one request uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// Whose it is, among whose requests on their way it counts.
    subject: Option<Arc<Account>>,
    /// Whether what goes out counts for its subject.
    is_read: bool,
    project: Option<Arc<Account>>,
    places: [Option<Place>; 2],
    /// Bytes that have gone out and are not counted yet.
    bytes: u64,
}

/// One more waits, until this is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Usage {
    /// Is of this subject from now on, if it may have one more request on its way.
    pub(super) fn begin(&mut self, account: Arc<Account>) -> Result<&Account, Exceeded> {
        account.begin()?;
        self.end();
        Ok(self.subject.insert(account))
    }

    /// What goes out counts.
    pub(super) fn reads(&mut self) {
        self.is_read = true;
    }

    pub(super) fn add_project(&mut self, account: Arc<Account>) {
        self.project = Some(account);
    }

    fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        let subject = self.subject.iter().filter(|_| self.is_read);
        subject.chain(&self.project)
    }

    /// Nothing of it runs any more, and an error is all that goes out, which is not counted. It is still
    /// on its way.
    pub fn fail(&mut self) {
        self.bytes = 0;
        self.is_read = false;
        self.project = None;
        self.places = [None, None];
    }

    fn end(&mut self) {
        if let Some(account) = self.subject.take() {
            account.end();
        }
    }

    pub(super) fn check_bytes(&self, now: Instant) -> Result<(), Exceeded> {
        let mut accounts = self.accounts();
        accounts.try_for_each(|account| account.check_bytes(now))
    }

    /// Waits for the subject's place first: whoever has many queries so waits for their own, and
    /// holds nothing of the project's meanwhile.
    pub(super) async fn enter(
        &mut self,
        queue: Queue,
        waiting: &AtomicUsize,
    ) -> Result<(), Exceeded> {
        if self.enter_now() {
            return Ok(());
        }
        // Boxed, since few have to wait, and each request would carry what waiting needs.
        let _waits = Waits::begin(waiting);
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
        if bytes > 0 && (self.is_read || self.project.is_some()) {
            let now = Instant::now();
            self.accounts()
                .for_each(|account| account.count_bytes(bytes, now));
        }
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.count();
        self.end();
    }
}
