//! Opening a database: connect, migrate, make the pool.

mod foreign;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection, PgPool, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Pools, Store};
use crate::address::Address;
use crate::error::{DirectoryError, is_lost};
use crate::options::Options;
use crate::outage::Outage;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long the migrations may take, those of another replica included.
const MIGRATION_TIMEOUT: Duration = Duration::from_mins(2);

/// How long to wait before connecting again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

impl Store {
    pub(crate) async fn open(options: &Options) -> Result<Self, DirectoryError> {
        let deadline = Instant::now() + options.connect_timeout;
        let address = Address::parse(&options.url)?;
        let pools = if options.managed {
            match address {
                Address::Memory => Pools::Sqlite(open_memory(options).await?),
                Address::File(path) => Pools::Sqlite(open_file(&path, options, deadline).await?),
                Address::Postgres(address) => {
                    Pools::Postgres(open_postgres(*address, options, deadline).await?)
                }
            }
        } else {
            foreign::open(address, options, deadline).await?
        };
        let connections = match &pools {
            Pools::Sqlite(pool) => pool.options().get_max_connections(),
            Pools::Postgres(pool) => pool.options().get_max_connections(),
        };
        let for_lists = usize::try_from(connections / 2).unwrap_or(1).max(1);
        Ok(Self {
            pools,
            listing: Semaphore::new(for_lists),
            outage: Outage::default(),
            managed: options.managed,
            query_timeout: options.query_timeout,
            max_connections: options.max_connections.max(1),
            writing: Mutex::new(()),
            forgot: AtomicI64::new(0),
        })
    }
}

/// The most connections to a SQLite file. Each has pages of its own in memory, and a question takes
/// microseconds: a few that have read what most questions need are faster than many that have not.
const MOST_TO_A_FILE: u32 = 4;

/// So many connections are held to a SQLite file.
fn connections_to_a_file(options: &Options) -> u32 {
    options.max_connections.clamp(1, MOST_TO_A_FILE)
}

/// How every connection to a SQLite database is made.
pub(crate) fn sqlite_options(options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .read_only(!options.managed)
        // In kibibytes, below zero. The inner pages of a million rows' indexes fit, of which every
        // question reads some; with the default they would be read from the file each time.
        .pragma("cache_size", "-8192")
        // Below the query timeout, so that a lock ends as an error and not as an abandoned query.
        .busy_timeout(options.query_timeout.mul_f32(0.8))
}

/// The address for connections that cannot write.
///
/// This is said in the start-up packet and not by a statement: a pooler between here and the server
/// would keep what a statement sets, and hand the connection to a program that has to write.
pub(crate) fn reading_alone(address: PgConnectOptions) -> PgConnectOptions {
    address.options([("default_transaction_read_only", "on")])
}

async fn open_memory(options: &Options) -> Result<SqlitePool, DirectoryError> {
    // The database is its one connection, which therefore must stay.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(sqlite_options(options).in_memory(true))
        .await?;
    let mut connection = pool.acquire().await?;
    SQLITE_MIGRATIONS
        .run_direct(None, &mut *connection, false)
        .await?;
    drop(connection);
    Ok(pool)
}

async fn open_file(
    path: &Path,
    options: &Options,
    deadline: Instant,
) -> Result<SqlitePool, DirectoryError> {
    create_file(path)?;
    let address = sqlite_options(options)
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // With less, a power failure could undo a withdrawal that was already confirmed.
        .synchronous(SqliteSynchronous::Full);
    // The change to WAL does not wait for locks as everything else does, so a second process that
    // starts at the same time has to try again.
    let mut first = loop {
        match SqliteConnection::connect_with(&address).await {
            Ok(connection) => break connection,
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                sleep(RETRY_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    migrate_file(&mut first, deadline).await?;
    first.close().await?;
    let pool = SqlitePoolOptions::new()
        .max_connections(connections_to_a_file(options))
        .acquire_timeout(options.query_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(address);
    Ok(pool)
}

/// Creates the file for its owner alone; its journal gets the same permissions from SQLite. A file
/// that exists keeps what its operator gave it.
fn create_file(path: &Path) -> Result<(), DirectoryError> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let above = path.parent().filter(|above| !above.exists());
            let advice = above.map_or_else(String::new, |above| {
                format!("; make the directory {} first", above.display())
            });
            Err(DirectoryError::Invalid(format!(
                "the database file {} cannot be created: {error}{advice}",
                path.display()
            )))
        }
    }
}

/// Runs the migrations in one transaction that takes the write lock first: the migrator's own lock
/// does nothing on SQLite.
async fn migrate_file(
    connection: &mut SqliteConnection,
    deadline: Instant,
) -> Result<(), DirectoryError> {
    let mut transaction = loop {
        match connection.begin_with("BEGIN IMMEDIATE").await {
            Ok(transaction) => break transaction,
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                sleep(RETRY_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    SQLITE_MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// `SQLITE_BUSY` or `SQLITE_LOCKED`, in any of their extended forms.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    let code = code.and_then(|code| code.parse::<i32>().ok());
    matches!(code.map(|code| code & 0xff), Some(5 | 6))
}

async fn open_postgres(
    address: PgConnectOptions,
    options: &Options,
    deadline: Instant,
) -> Result<PgPool, DirectoryError> {
    let mut first = connect(&address, options.connect_timeout, deadline).await?;
    timeout(MIGRATION_TIMEOUT, migrate_postgres(&mut first))
        .await
        .map_err(|_| {
            DirectoryError::Unavailable(format!(
                "the migrations did not end within {MIGRATION_TIMEOUT:?}"
            ))
        })??;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.query_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(address);
    Ok(pool)
}

/// Connects, and tries again while the server is starting or not there yet.
async fn connect(
    address: &PgConnectOptions,
    within: Duration,
    deadline: Instant,
) -> Result<PgConnection, DirectoryError> {
    let mut reason = None;
    loop {
        match timeout_at(deadline, PgConnection::connect_with(address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if is_lost(&error) && Instant::now() + RETRY_PAUSE < deadline => {
                reason = Some(error);
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {
                let reason = reason.map(|error| format!(": {error}")).unwrap_or_default();
                return Err(DirectoryError::Unavailable(format!(
                    "no connection within {within:?}{reason}"
                )));
            }
        }
        sleep(RETRY_PAUSE).await;
    }
}

async fn migrate_postgres(connection: &mut PgConnection) -> Result<(), DirectoryError> {
    // Neither the creation of the schema nor that of a table in it can be made twice over.
    let foreign: bool = sqlx::query_scalar(
        "SELECT to_regclass('ktrlplane.projects') IS NOT NULL \
         AND to_regclass('ktrlplane.observability_migrations') IS NULL",
    )
    .fetch_one(&mut *connection)
    .await?;
    if foreign {
        return Err(DirectoryError::Invalid(
            "the database already has a schema `ktrlplane` that this program did not make; \
             it is left as it is: set `database.managed: false` to read it without writing"
                .to_owned(),
        ));
    }
    // A table name of our own: the schema may hold another program's migrations some day.
    let mut migrator = Migrator {
        migrations: POSTGRES_MIGRATIONS.migrations.clone(),
        ..Migrator::DEFAULT
    };
    migrator.dangerous_set_table_name("ktrlplane.observability_migrations");
    create_schema(connection, &mut migrator).await?;
    migrator.run_direct(None, connection, false).await?;
    Ok(())
}

/// Has the schema made where there is none: naming one that exists would have the server say so at
/// every start, and ask for a permission that is not needed.
async fn create_schema(
    connection: &mut PgConnection,
    migrator: &mut Migrator,
) -> Result<(), DirectoryError> {
    let (exists, may, role, database): (bool, bool, String, String) = sqlx::query_as(
        "SELECT to_regnamespace('ktrlplane') IS NOT NULL, \
         has_database_privilege(current_database(), 'CREATE'), \
         quote_ident(current_user), quote_ident(current_database())",
    )
    .fetch_one(connection)
    .await?;
    if exists {
        return Ok(());
    }
    if !may {
        return Err(DirectoryError::Invalid(format!(
            "the role {role} may not create the schema `ktrlplane`: let it with `GRANT CREATE ON \
             DATABASE {database} TO {role}`, or set `database.managed: false` to read a database \
             that another program manages"
        )));
    }
    migrator.create_schema("ktrlplane");
    Ok(())
}
