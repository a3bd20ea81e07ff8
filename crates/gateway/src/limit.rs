//! What one subject and one project may take of the gateway, so that nobody's load is everybody's.
//!
//! Three things are counted for each: requests, as they come; queries, while they run; and the
//! bytes of their answers, as they leave. What comes too fast is refused; what runs beside too many
//! others waits in line for a while; an answer that runs is never cut.
//!
//! And one for subjects alone: requests of every kind that are on their way, each of which takes a
//! connection's place. They are counted from the moment in which the token was checked, so that no
//! body that never comes and no wait in line takes more than one subject's share of the places.
//!
//! A subject has an [`Account`] only once its token was checked, and a project only once the
//! request is permitted there: who may do nothing grows nothing here, and learns nothing about a
//! project's load. Accounts of which nothing is left to remember go away.
//!
//! Each process counts by itself: two replicas let through up to twice as much.

mod account;
mod bounds;
mod bucket;
mod exceeded;
mod ledger;
mod settings;
mod usage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use directory::policy::{ProjectId, Subject};
use tokio::time::Instant;

pub use account::Account;
pub use bounds::Bounds;
pub(crate) use bounds::{Beyond, beyond};
pub use exceeded::{Exceeded, Limit, Whose};
pub use ledger::Ledger;
pub use settings::{LimitSettings, Queue, Quota, Rate};
pub use usage::Usage;

/// The limits of the gateway, and who has used what of them. All threads share it.
#[derive(Clone, Debug)]
pub struct Limits {
    settings: LimitSettings,
    subjects: Arc<Ledger<Subject>>,
    projects: Arc<Ledger<ProjectId>>,
    /// How many were refused.
    refused: Arc<AtomicU32>,
    /// How many queries wait in line.
    waiting: Arc<AtomicUsize>,
}

impl Limits {
    /// Nobody has used anything yet.
    #[must_use]
    pub fn new(settings: LimitSettings) -> Self {
        Self {
            settings,
            subjects: Arc::new(Ledger::new(Whose::Subject)),
            projects: Arc::new(Ledger::new(Whose::Project)),
            refused: Arc::default(),
            waiting: Arc::default(),
        }
    }

    /// Others, of which the same is used.
    #[must_use]
    pub fn changed(&self, settings: LimitSettings) -> Self {
        Self {
            settings,
            ..self.clone()
        }
    }

    /// Counts a request of a subject whose token was checked. It is on its way until `usage` is dropped,
    /// also where it comes too fast and is refused for that.
    ///
    /// # Errors
    /// The subject has as many requests on their way as it may, or sends more than it may.
    pub fn count_subject(
        &self,
        usage: &mut Usage,
        subject: &Subject,
        now: Instant,
    ) -> Result<(), Exceeded> {
        let quota = self.settings.subject;
        if quota.is_unlimited() {
            return Ok(());
        }
        let account = usage.begin(self.subjects.account(subject, quota, now))?;
        account.count_request(now)?;
        usage.reads();
        Ok(())
    }

    /// Counts a write of a subject whose token was checked, which is on its way until `usage` is
    /// dropped, and counts for nothing else here: what is in it has limits of its own.
    ///
    /// # Errors
    /// The subject has as many requests on their way as it may.
    pub fn count_write(
        &self,
        usage: &mut Usage,
        subject: &Subject,
        now: Instant,
    ) -> Result<(), Exceeded> {
        let quota = self.settings.subject;
        if quota.in_flight.is_some() {
            usage.begin(self.subjects.account(subject, quota, now))?;
        }
        Ok(())
    }

    /// Counts a request that is permitted in a project, and looks whether more may be read there.
    ///
    /// # Errors
    /// Readers of the project send more requests than they may together; or what was read lately, by
    /// the subject or by all of them, was more than may be read in a minute.
    pub fn count_project(
        &self,
        usage: &mut Usage,
        project: &ProjectId,
        now: Instant,
    ) -> Result<(), Exceeded> {
        let quota = self.settings.of_project(project);
        if !quota.is_unlimited() {
            let account = self.projects.account(project, quota, now);
            account.count_request(now)?;
            usage.add_project(account);
        }
        usage.check_bytes(now)
    }

    /// Waits until one more query may run, in the order in which queries came. What is then held is
    /// given back when `usage` is dropped.
    ///
    /// # Errors
    /// Too many wait already, or it has waited for as long as it may.
    pub async fn enter(&self, usage: &mut Usage) -> Result<(), Exceeded> {
        usage.enter(self.settings.queue, &self.waiting).await
    }

    /// How many queries wait in line.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// What a query in this project may ask for.
    #[must_use]
    pub fn bounds(&self, project: &ProjectId) -> Bounds {
        self.settings.bounds_of(project)
    }

    /// How long a refusal is held back. Whoever sends the next request as soon as the last one is
    /// answered would otherwise be refused as fast as the machine can, which is work that others
    /// would wait for.
    ///
    /// Each is another time between the half and one and a half of what the settings say, spread
    /// evenly by the golden ratio. Many that were refused together would otherwise come back
    /// together, to what has meanwhile filled in again, and be a burst each time.
    #[must_use]
    pub fn pause(&self) -> Duration {
        const GOLDEN: u32 = 0x9E37_79B9;
        let turn = self.refused.fetch_add(1, Ordering::Relaxed);
        let spread = f64::from(turn.wrapping_mul(GOLDEN)) / f64::from(u32::MAX);
        self.settings.pause.mul_f64(0.5 + spread)
    }
}

#[cfg(test)]
mod tests;
