//! Opening a database that is somebody else's: nothing is migrated and nothing is written. What is
//! looked at first is whether all that is going to be read is there, so that an operator learns at
//! the start what is missing, in one sentence, and not from the first request.

mod contract;

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Connection, PgPool, SqlitePool};
use tokio::time::{Instant, timeout};

use super::{Pools, connect, connections_to_a_file, reading_alone, sqlite_options};
use crate::address::Address;
use crate::error::DirectoryError;
use crate::options::Options;

/// Connects for reading alone.
pub(super) async fn open(
    address: Address,
    options: &Options,
    deadline: Instant,
) -> Result<Pools, DirectoryError> {
    match address {
        Address::Memory => Err(DirectoryError::Invalid(
            "a database in memory is nobody else's: with `database.managed: false` name a file \
             or a PostgreSQL server"
                .to_owned(),
        )),
        Address::File(path) => Ok(Pools::Sqlite(open_file(&path, options).await?)),
        Address::Postgres(address) => Ok(Pools::Postgres(
            open_postgres(*address, options, deadline).await?,
        )),
    }
}

async fn open_file(path: &Path, options: &Options) -> Result<SqlitePool, DirectoryError> {
    if !path.is_file() {
        return Err(DirectoryError::Invalid(format!(
            "there is no database file {}, and one that is managed elsewhere is not made here",
            path.display()
        )));
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(connections_to_a_file(options))
        .acquire_timeout(options.query_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(sqlite_options(options).filename(path));
    let mut connection = pool.acquire().await?;
    contract::check_sqlite(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

async fn open_postgres(
    address: PgConnectOptions,
    options: &Options,
    deadline: Instant,
) -> Result<PgPool, DirectoryError> {
    let address = reading_alone(address);
    let mut first = connect(&address, options.connect_timeout, deadline).await?;
    timeout(options.query_timeout, contract::check_postgres(&mut first))
        .await
        .map_err(|_| {
            let within = options.query_timeout;
            DirectoryError::Unavailable(format!("no answer within {within:?}"))
        })??;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.query_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(address);
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use sqlx::error::DatabaseError;
    use tokio::runtime::Handle;

    use super::*;
    use crate::statements::postgres;
    use crate::store::Store;

    const READ_ONLY_SQL_TRANSACTION: &str = "25006";

    /// The connections themselves refuse, whatever this program would try and the role may do.
    async fn refuses_to_write(url: &str) -> String {
        let managed = Options::new(url, Handle::current());
        Store::open(&managed).await.unwrap().close().await;
        let foreign = Options {
            managed: false,
            ..managed
        };
        let store = Store::open(&foreign).await.unwrap();
        let error = match &store.pools {
            Pools::Sqlite(pool) => sqlx::query("DELETE FROM users").execute(pool).await.err(),
            Pools::Postgres(pool) => {
                let delete = sqlx::query("DELETE FROM ktrlplane.users");
                delete.execute(pool).await.err()
            }
        };
        let error = error.unwrap();
        let refused = error.as_database_error().unwrap();
        DatabaseError::code(refused).unwrap().into_owned()
    }

    #[tokio::test]
    async fn a_connection_to_postgresql_cannot_write() {
        if let Some(database) = postgres::database() {
            assert_eq!(
                refuses_to_write(&database.url).await,
                READ_ONLY_SQL_TRANSACTION
            );
        }
    }

    #[tokio::test]
    async fn a_connection_to_a_file_cannot_write() {
        let place = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", place.path().join("d.db").display());
        let sqlite_readonly = "8";
        assert_eq!(refuses_to_write(&url).await, sqlite_readonly);
    }
}
