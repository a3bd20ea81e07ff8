//! A transaction on either database, in which everything is as if nobody else wrote.

use std::fmt::Write as _;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Executor, FromRow, Postgres, Sqlite};
use tokio::sync::MutexGuard;
use tokio::time::{Instant, timeout_at};

use super::{Discard, Pools, Store};
use crate::error::{Failure, is_lost};

/// A transaction that sees and leaves the database as if it were alone. Dropped without
/// [`commit`](Self::commit), it leaves nothing.
pub(crate) struct Transaction<'s> {
    store: &'s Store,
    open: Open,
    deadline: Instant,
    /// SQLite has one writer at a time. Within this process they queue here, in order, instead of
    /// asking the file again and again whether it is free.
    _turn: Option<MutexGuard<'s, ()>>,
}

enum Open {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(Held),
}

/// A connection in a transaction, which must not go back to the pool before that has ended.
struct Held(Option<PoolConnection<Postgres>>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.discard();
        }
    }
}

impl Held {
    fn get(&mut self) -> Result<&mut PoolConnection<Postgres>, Failure> {
        let gone = || Failure::Database(sqlx::Error::PoolClosed);
        self.0.as_mut().ok_or_else(gone)
    }
}

/// Runs the same code on whichever connection is there.
macro_rules! on_connection {
    ($open:expr, $connection:ident => $body:expr) => {
        match &mut $open {
            Open::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            Open::Postgres(held) => {
                let $connection = &mut **held.get()?;
                $body
            }
        }
    };
}

impl Store {
    /// Until when a call that starts now may take.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.query_timeout
    }

    /// Begins a transaction that ends by `deadline`, one way or the other.
    pub(crate) async fn begin(&self, deadline: Instant) -> Result<Transaction<'_>, Failure> {
        let late = |_| Failure::TimedOut(self.query_timeout);
        let (open, turn) = match &self.pools {
            Pools::Sqlite(pool) => {
                let turn = timeout_at(deadline, self.writing.lock())
                    .await
                    .map_err(late)?;
                // The write lock comes first, so that what is read stays true until it is written.
                let begun = timeout_at(deadline, pool.begin_with("BEGIN IMMEDIATE")).await;
                let begun = begun.map_err(late)?.map_err(Failure::Database)?;
                (Open::Sqlite(begun), Some(turn))
            }
            Pools::Postgres(pool) => {
                let mut attempts = self.max_connections;
                let begun = loop {
                    let connection = timeout_at(deadline, pool.acquire()).await;
                    let connection = connection.map_err(late)?.map_err(Failure::Database)?;
                    let mut held = Held(Some(connection));
                    match timeout_at(deadline, begin_postgres(&mut held, deadline)).await {
                        Ok(Ok(())) => break held,
                        // Nothing has been done on it yet, so another connection may do it.
                        Ok(Err(Failure::Database(error))) if is_lost(&error) && attempts > 0 => {
                            attempts -= 1;
                        }
                        Ok(Err(failure)) => return Err(failure),
                        Err(elapsed) => return Err(late(elapsed)),
                    }
                };
                (Open::Postgres(begun), None)
            }
        };
        Ok(Transaction {
            store: self,
            open,
            deadline,
            _turn: turn,
        })
    }
}

async fn begin_postgres(held: &mut Held, deadline: Instant) -> Result<(), Failure> {
    // A statement that waits for a lock would keep the server busy after this side has given up.
    let left = deadline.saturating_duration_since(Instant::now());
    let mut begin = "BEGIN ISOLATION LEVEL SERIALIZABLE".to_owned();
    write!(
        begin,
        "; SET LOCAL statement_timeout = {}",
        left.as_millis().clamp(1, 3_600_000)
    )
    .ok();
    let connection = held.get()?;
    // Made of constants and a number.
    let begun = connection.execute(AssertSqlSafe(begin)).await;
    begun.map(drop).map_err(Failure::Database)
}

impl Transaction<'_> {
    /// The database that it is on.
    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    /// Reads.
    pub(crate) async fn fetch<R>(
        &mut self,
        sql: &'static str,
        arguments: &[Option<&str>],
    ) -> Result<Vec<R>, Failure>
    where
        R: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        let late = |_| Failure::TimedOut(self.store.query_timeout);
        on_connection!(self.open, connection => {
            let query = arguments.iter().fold(sqlx::query_as::<_, R>(sql), |query, argument| {
                query.bind(argument.map(str::to_owned))
            });
            let rows = timeout_at(self.deadline, query.fetch_all(connection)).await;
            rows.map_err(late)?.map_err(Failure::Database)
        })
    }

    /// Writes, and says how many rows were.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        arguments: &[Option<&str>],
    ) -> Result<u64, Failure> {
        let late = |_| Failure::TimedOut(self.store.query_timeout);
        on_connection!(self.open, connection => {
            let query = arguments.iter().fold(sqlx::query(sql), |query, argument| {
                query.bind(argument.map(str::to_owned))
            });
            let done = timeout_at(self.deadline, query.execute(connection)).await;
            Ok(done.map_err(late)?.map_err(Failure::Database)?.rows_affected())
        })
    }

    /// Makes it so. After an error other than one of [`Failure::is_a_race`] it is not known whether
    /// it is.
    pub(crate) async fn commit(self) -> Result<(), Failure> {
        let late = |_| Failure::TimedOut(self.store.query_timeout);
        match self.open {
            Open::Sqlite(transaction) => timeout_at(self.deadline, transaction.commit())
                .await
                .map_err(late)?
                .map_err(Failure::Database),
            Open::Postgres(held) => end(held, "COMMIT", self.deadline)
                .await
                .map_err(|failure| failure.unwrap_or(Failure::TimedOut(self.store.query_timeout))),
        }
    }

    /// Ends it without a trace. Dropping does so too, but costs a PostgreSQL connection.
    pub(crate) async fn roll_back(self) {
        match self.open {
            Open::Sqlite(transaction) => {
                timeout_at(self.deadline, transaction.rollback()).await.ok();
            }
            Open::Postgres(held) => {
                end(held, "ROLLBACK", self.deadline).await.ok();
            }
        }
    }
}

/// Ends a transaction and gives the connection back. An error without a [`Failure`] is a timeout.
async fn end(
    mut held: Held,
    statement: &'static str,
    deadline: Instant,
) -> Result<(), Option<Failure>> {
    let connection = held.get().map_err(Some)?;
    let ended = timeout_at(deadline, connection.execute(statement)).await;
    let ended = ended.map_err(|_| None)?;
    // An error answer to COMMIT ends the transaction as well; a lost connection ends itself.
    let keep = ended.as_ref().err().is_none_or(|error| !is_lost(error));
    if keep {
        drop(held.0.take());
    }
    ended
        .map(drop)
        .map_err(|error| Some(Failure::Database(error)))
}
