//! Keeping watch over changes that others make, so that what is remembered can be believed.
//!
//! Three ways, by what the database offers; each applies changes to the cache and then confirms the
//! lease, counted from a moment before which it has certainly seen everything:
//!
//! - [`notifications`]: PostgreSQL where it is ours, whose triggers say what changed;
//! - [`snapshot`]: PostgreSQL where it is not, which tells whether anything was committed;
//! - [`data_version`]: a SQLite file, which tells whether another connection has committed.
//!
//! A SQLite database in memory belongs to the process, and there is nothing to watch.

mod data_version;
mod notifications;
mod snapshot;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::address::Address;
use crate::cache::Cache;
use crate::cache::lease::Lease;
use crate::error::DirectoryError;
use crate::options::Options;
use crate::store::{reading_alone, sqlite_options};

/// How old what is remembered may be where changes are told, or looked for very often. A withdrawal
/// has to be in force within a second, and a tail that asks again every quarter of one adds to it.
const BOUND: Duration = Duration::from_millis(500);

/// How long the watch waits before it tries again.
const PAUSE: Duration = Duration::from_millis(200);

/// The task that keeps watch. It ends with the last clone of the directory.
pub(crate) struct Watch {
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What a watch watches.
enum Watched {
    File(Box<SqliteConnectOptions>),
    Ours(Box<PgConnectOptions>),
    Theirs(Box<PgConnectOptions>),
}

/// Why a watch has to begin anew.
type Lost = DirectoryError;

impl Watch {
    /// Makes the cache for a database that is open, and starts to watch over it.
    pub(crate) fn start(options: &Options) -> Result<(Arc<Cache>, Self), DirectoryError> {
        let (watched, lease) = match Address::parse(&options.url)? {
            Address::Memory => (None, Lease::endless()),
            Address::File(path) => (
                Some(Watched::File(Box::new(
                    sqlite_options(options).filename(path),
                ))),
                Lease::new(BOUND, options.grace),
            ),
            Address::Postgres(address) if options.managed => (
                Some(Watched::Ours(address)),
                Lease::new(BOUND, options.grace),
            ),
            Address::Postgres(address) => (
                Some(Watched::Theirs(Box::new(reading_alone(*address)))),
                Lease::new(options.poll, options.grace),
            ),
        };
        let cache = Cache::new(options.cache_entries, lease);
        let task = watched.map(|watched| spawn(watched, options, Arc::clone(&cache)));
        let task = Mutex::new(task);
        Ok((cache, Self { task }))
    }

    /// Ends the watch, and waits until it has ended.
    pub(crate) async fn stop(&self) {
        if let Some(task) = self.take() {
            task.abort();
            // An error says that it was aborted.
            task.await.ok();
        }
    }

    fn take(&self) -> Option<JoinHandle<()>> {
        self.task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = self.take() {
            task.abort();
        }
    }
}

fn spawn(watched: Watched, options: &Options, cache: Arc<Cache>) -> JoinHandle<()> {
    let (patience, poll) = (options.query_timeout, options.poll);
    options.runtime.spawn(async move {
        let mut is_new = true;
        loop {
            let Err(lost) = match &watched {
                Watched::File(file) => data_version::watch(file, patience, &cache).await,
                Watched::Ours(address) => notifications::watch(address, patience, &cache).await,
                Watched::Theirs(address) => snapshot::watch(address, patience, poll, &cache).await,
            };
            // Once per outage is enough.
            if cache.lease().doubt() || is_new {
                tracing::warn!(%lost, "changes cannot be watched: every request asks the directory");
            }
            is_new = false;
            sleep(PAUSE).await;
        }
    })
}
