//! One directory for one test, on either database.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unused_self,
    reason = "support for tests, of which not every one uses all"
)]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use directory::policy::{Action, OrganizationId, Place, ProjectId, ResourceId, Scope, Subject};
use directory::{Access, Directory, DirectoryError, Grant, Options};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tokio::runtime::Runtime;

use crate::postgres::{self, Database};

/// A database, and the runtime that all work on it runs on.
pub struct Home {
    pub url: String,
    pub runtime: Runtime,
    _database: Keep,
}

enum Keep {
    Sqlite(tempfile::TempDir),
    Postgres(Database),
    Elsewhere,
}

impl Home {
    pub fn sqlite() -> Self {
        let home = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", home.path().join("directory.db").display());
        Self::new(url, Keep::Sqlite(home))
    }

    pub fn postgres() -> Option<Self> {
        let database = postgres::database()?;
        Some(Self::new(database.url.clone(), Keep::Postgres(database)))
    }

    pub fn at(url: String) -> Self {
        Self::new(url, Keep::Elsewhere)
    }

    fn new(url: String, database: Keep) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        Self {
            url,
            runtime: runtime.worker_threads(2).enable_all().build().unwrap(),
            _database: database,
        }
    }

    /// Runs a test on a runtime without I/O and without timers, as proof that nothing of the
    /// directory runs where it is awaited.
    pub fn block_on<T>(&self, test: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.build().unwrap().block_on(test)
    }

    pub fn options(&self) -> Options {
        Options {
            connect_timeout: Duration::from_secs(20),
            query_timeout: Duration::from_secs(20),
            ..Options::new(self.url.clone(), self.runtime.handle().clone())
        }
    }

    pub async fn open(&self) -> Directory {
        Directory::open(self.options()).await.unwrap()
    }

    /// Runs statements past the directory. `{}` is where the schema goes.
    pub async fn sql(&self, statements: &str) -> Result<(), sqlx::Error> {
        self.raw(statements.to_owned(), "PRAGMA foreign_keys = ON")
            .await
    }

    /// The same, past the checks on `table` as well: a database that we did not make.
    pub async fn sql_without_checks(&self, table: &str, statements: &str) {
        let drop_checks = format!(
            "DO $$ DECLARE c record; BEGIN \
             FOR c IN SELECT conname FROM pg_constraint \
             WHERE conrelid = 'ktrlplane.{table}'::regclass AND contype IN ('c', 'f') LOOP \
             EXECUTE format('ALTER TABLE ktrlplane.{table} DROP CONSTRAINT %I', c.conname); \
             END LOOP; END $$;"
        );
        let statements = if self.is_postgres() {
            format!("{drop_checks}{statements}")
        } else {
            statements.to_owned()
        };
        let pragmas = "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF";
        self.raw(statements, pragmas).await.unwrap();
    }

    /// Asks PostgreSQL for a number.
    pub async fn count(&self, question: &str) -> usize {
        let (url, question) = (self.url.clone(), question.to_owned());
        let work = async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let question = sqlx::query_scalar(AssertSqlSafe(question));
            let count: i64 = question.fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            count
        };
        let count = self.runtime.spawn(work).await.unwrap();
        usize::try_from(count).unwrap()
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    async fn raw(&self, statements: String, pragmas: &'static str) -> Result<(), sqlx::Error> {
        let (url, is_postgres) = (self.url.clone(), self.is_postgres());
        let work = async move {
            if is_postgres {
                let statements = statements.replace("{}", "ktrlplane.");
                let mut connection = PgConnection::connect(&url).await?;
                connection.execute(AssertSqlSafe(statements)).await?;
                connection.close().await
            } else {
                let statements = statements.replace("{}", "");
                let mut connection = SqliteConnection::connect(&url).await?;
                connection.execute(pragmas).await?;
                connection.execute(AssertSqlSafe(statements)).await?;
                connection.close().await
            }
        };
        self.runtime.spawn(work).await.unwrap()
    }
}

pub fn organization(id: &str) -> OrganizationId {
    OrganizationId::new(id).unwrap()
}

pub fn project(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

pub fn resource(id: &str) -> ResourceId {
    ResourceId::new(id).unwrap()
}

pub fn subject(id: &str) -> Subject {
    Subject::new(id).unwrap()
}

pub fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

pub fn grant(who: &str, role: &str, scope: Scope) -> Grant {
    Grant {
        subject: subject(who),
        role: role.to_owned(),
        scope,
        assigned_by: None,
        expires_at: None,
    }
}

/// What `who` holds around a project, and around one of its resources where one is named.
pub async fn access(
    directory: &Directory,
    who: &str,
    on: &str,
    resource: Option<&str>,
) -> Result<Access, DirectoryError> {
    let place = match resource {
        None => Place::Project(project(on)),
        Some(id) => Place::Resource(project(on), self::resource(id)),
    };
    directory.access(&subject(who), &place).await
}

/// The answer, if it is there without waiting for anything: one that was remembered.
pub fn recalled(directory: &Directory, who: &str, place: &Place) -> Option<Access> {
    let who = subject(who);
    let question = pin!(directory.access(&who, place));
    match question.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.ok(),
        Poll::Pending => None,
    }
}

/// Whether `who` may do `action` on the project `on` at second `now`.
pub async fn may(directory: &Directory, who: &str, action: Action, on: &str, now: i64) -> bool {
    let access = access(directory, who, on, None).await.unwrap();
    access.decide_on_project(action, at(now)).is_ok()
}

pub async fn reads(directory: &Directory, who: &str, on: &str) -> bool {
    may(directory, who, Action::Read, on, 1_800_000_000).await
}

/// Waits until something that another process has changed is seen, which takes a second at the
/// most, and says how long it took. There are no timers where tests run, see [`Home::block_on`].
pub async fn within_a_second(mut is_seen: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    loop {
        let asked = started.elapsed();
        if is_seen().await {
            return asked;
        }
        assert!(asked < Duration::from_secs(1), "not seen after {asked:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Two organizations, three projects and one without organization, and users without a role.
pub async fn fill(directory: &Directory) -> Result<(), DirectoryError> {
    for id in ["acme", "globex"] {
        directory.create_organization(&organization(id), id).await?;
    }
    for (id, parent) in [
        ("acme-shop", Some("acme")),
        ("acme-lab", Some("acme")),
        ("globex-iot", Some("globex")),
        ("lonely", None),
    ] {
        let parent = parent.map(organization);
        directory
            .create_project(&project(id), parent.as_ref(), id)
            .await?;
    }
    for (id, parent) in [("shop-api", "acme-shop"), ("iot-graph", "globex-iot")] {
        let parent = project(parent);
        directory
            .create_resource(&resource(id), &parent, id, "Konnektr.Graph")
            .await?;
    }
    for who in ["alice", "victor"] {
        directory.put_user(&subject(who), None, who).await?;
    }
    Ok(())
}
