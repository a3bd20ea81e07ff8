//! The connections of either database: opening, migrating, and running a statement in bounded time.

mod open;

mod transaction;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, FromRow, PgPool, Postgres, Sqlite, SqlitePool};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::error::{Failure, is_lost};
use crate::statements::changing::{self, Changing};
use crate::statements::listing::{self, Listing};
use crate::statements::{POSTGRES, SQLITE, Statements};
pub(crate) use open::{reading_alone, sqlite_options};

pub(crate) use transaction::Transaction;

/// An open database.
pub(crate) struct Store {
    pools: Pools,
    query_timeout: Duration,
    max_connections: u32,
    managed: bool,
    /// Whose turn it is to write, on SQLite.
    writing: Mutex<()>,
    /// When old answers to repeated writes were last dropped, in seconds since the epoch.
    forgot: AtomicI64,
}

enum Pools {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs the same code on whichever pool is there.
macro_rules! on_pool {
    ($store:expr, $pool:ident => $body:expr) => {
        match &$store.pools {
            Pools::Sqlite($pool) => $body,
            Pools::Postgres($pool) => $body,
        }
    };
}

impl Store {
    /// The statements in this database's dialect.
    pub(crate) fn statements(&self) -> &'static Statements {
        match self.pools {
            Pools::Sqlite(_) => &SQLITE,
            Pools::Postgres(_) => &POSTGRES,
        }
    }

    /// The statements of writes.
    pub(crate) fn changing(&self) -> &'static Changing {
        match self.pools {
            Pools::Sqlite(_) => &changing::SQLITE,
            Pools::Postgres(_) => &changing::POSTGRES,
        }
    }

    /// The statements of lists.
    pub(crate) fn listing(&self) -> &'static Listing {
        match self.pools {
            Pools::Sqlite(_) => &listing::SQLITE,
            Pools::Postgres(_) => &listing::POSTGRES,
        }
    }

    /// Whether the database is ours to write.
    pub(crate) fn is_managed(&self) -> bool {
        self.managed
    }

    /// Whether old answers should be dropped again: about once in ten minutes.
    pub(crate) fn is_time_to_forget(&self, now: Timestamp) -> bool {
        let now = now.as_second();
        let last = self.forgot.load(Ordering::Relaxed);
        now.saturating_sub(last) >= 600
            && self
                .forgot
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Reads. A connection that turns out to be gone is replaced and the question asked again, so
    /// that the usual case is one round trip without a test beforehand.
    pub(crate) async fn fetch<R>(
        &self,
        sql: &'static str,
        arguments: &[Option<&str>],
    ) -> Result<Vec<R>, Failure>
    where
        R: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        let deadline = Instant::now() + self.query_timeout;
        let late = |_| Failure::TimedOut(self.query_timeout);
        on_pool!(self, pool => {
            // After a restart of the server every idle connection may be a dead one.
            let mut attempts = self.max_connections;
            loop {
                let mut connection = timeout_at(deadline, pool.acquire())
                    .await
                    .map_err(late)?
                    .map_err(Failure::Database)?;
                let query = arguments.iter().fold(sqlx::query_as::<_, R>(sql), |query, argument| {
                    query.bind(argument.map(str::to_owned))
                });
                match timeout_at(deadline, query.fetch_all(&mut *connection)).await {
                    Ok(Ok(rows)) => return Ok(rows),
                    Ok(Err(error)) if is_lost(&error) && attempts > 0 => {
                        attempts -= 1;
                        connection.discard();
                    }
                    Ok(Err(error)) => return Err(Failure::Database(error)),
                    Err(elapsed) => {
                        connection.discard();
                        return Err(late(elapsed));
                    }
                }
            }
        })
    }

    /// Writes, and says how many rows were. The connection is tested first, because a write whose
    /// connection breaks must not be repeated blindly.
    pub(crate) async fn execute(
        &self,
        sql: &'static str,
        arguments: &[Option<&str>],
    ) -> Result<u64, Failure> {
        let deadline = Instant::now() + self.query_timeout;
        let late = |_| Failure::TimedOut(self.query_timeout);
        on_pool!(self, pool => {
            let mut connection = loop {
                let mut connection = timeout_at(deadline, pool.acquire())
                    .await
                    .map_err(late)?
                    .map_err(Failure::Database)?;
                match timeout_at(deadline, connection.ping()).await {
                    Ok(Ok(())) => break connection,
                    Ok(Err(_)) => connection.discard(),
                    Err(elapsed) => {
                        connection.discard();
                        return Err(late(elapsed));
                    }
                }
            };
            let query = arguments.iter().fold(sqlx::query(sql), |query, argument| {
                query.bind(argument.map(str::to_owned))
            });
            match timeout_at(deadline, query.execute(&mut *connection)).await {
                Ok(Ok(done)) => Ok(done.rows_affected()),
                Ok(Err(error)) => {
                    if is_lost(&error) {
                        connection.discard();
                    }
                    Err(Failure::Database(error))
                }
                Err(elapsed) => {
                    connection.discard();
                    Err(late(elapsed))
                }
            }
        })
    }

    /// Closes all connections, once they are idle.
    pub(crate) async fn close(&self) {
        on_pool!(self, pool => pool.close().await);
    }
}

/// What to do with a connection that must not be used again.
trait Discard {
    fn discard(self);
}

impl Discard for PoolConnection<Postgres> {
    /// Closes the socket at once. Giving the connection back instead would have the pool wait for
    /// an answer on it, which on a network that swallows packets takes minutes and a place.
    fn discard(self) {
        drop(self.detach());
    }
}

impl Discard for PoolConnection<Sqlite> {
    /// Gives the connection back: there is no network, it finishes what it does and is usable
    /// again, and a database in memory would be gone with it.
    fn discard(self) {
        drop(self);
    }
}
