//! PostgreSQL that is not ours: nobody tells what changed, but the server says which transactions
//! have ended. As long as it says the same, none was committed, and what is remembered still holds;
//! otherwise anything may have changed.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep_until, timeout};

use super::Lost;
use crate::cache::Cache;
use crate::change::Change;

/// The snapshot of a standby does not name the transactions that are still running, so two may look
/// alike although one of these has ended in between. But there nothing ends without more of the
/// log having been replayed.
const SNAPSHOT: &str = "SELECT concat(pg_catalog.pg_current_snapshot(), ' ', \
     CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() END)";

/// The shortest time between two looks.
const LEAST: Duration = Duration::from_millis(50);

/// Watches until the connection is lost, or says nothing for `patience`. Looks twice in the time of
/// a `poll`, so that a look that takes a while still comes in time.
pub(super) async fn watch(
    address: &PgConnectOptions,
    patience: Duration,
    poll: Duration,
    cache: &Cache,
) -> Result<Infallible, Lost> {
    let late = |_| Lost::Unavailable(format!("the poll had no answer within {patience:?}"));
    let period = (poll / 2).max(LEAST);
    let connect = PgConnection::connect_with(address);
    let mut connection = timeout(patience, connect).await.map_err(late)??;
    let mut last = None;
    loop {
        let started = Instant::now();
        let look = sqlx::query_scalar(SNAPSHOT).fetch_one(&mut connection);
        let snapshot: Option<String> = Some(timeout(patience, look).await.map_err(late)??);
        if snapshot != last {
            cache.forget(&Change::Everything);
            last = snapshot;
        }
        cache.lease().confirm(started.into_std());
        sleep_until(started + period).await;
    }
}
