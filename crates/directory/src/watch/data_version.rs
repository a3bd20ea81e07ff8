//! A SQLite file: nobody tells what changed, but `PRAGMA data_version` says whether another
//! connection than the one that asks has committed, in this process or in another.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::time::{Instant, sleep_until, timeout};

use super::Lost;
use crate::cache::Cache;
use crate::change::Change;

/// The time between two looks, each of which takes some microseconds.
const PERIOD: Duration = Duration::from_millis(100);

/// Watches until the file cannot be read, or not within `patience`.
pub(super) async fn watch(
    file: &SqliteConnectOptions,
    patience: Duration,
    cache: &Cache,
) -> Result<Infallible, Lost> {
    let late = |_| Lost::Unavailable(format!("the file could not be read within {patience:?}"));
    // It never writes, and so is never told of its own commits.
    let connect = SqliteConnection::connect_with(file);
    let mut connection = timeout(patience, connect).await.map_err(late)??;
    let mut last = None;
    loop {
        let started = Instant::now();
        let look = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut connection);
        let version: Option<i64> = Some(timeout(patience, look).await.map_err(late)??);
        if version != last {
            cache.forget(&Change::Everything);
            last = version;
        }
        cache.lease().confirm(started.into_std());
        sleep_until(started + PERIOD).await;
    }
}
