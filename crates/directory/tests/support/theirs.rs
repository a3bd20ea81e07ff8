//! A PostgreSQL database that is `KtrlPlane`'s: of its shape, filled by SQL, and open to a role
//! that may select from the tables of the contract and nothing else.
//!
//! Other crates' tests may take this file in with `#[path]`, beside that of the server.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "support for tests, of which not every one uses all"
)]

use std::thread;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

const SHAPE: &str = include_str!("ktrlplane.sql");

/// What the gateway's role needs: to be kept as in `docs/operating.md`.
pub const GRANTS: &str = "GRANT USAGE ON SCHEMA ktrlplane TO {role}; \
    GRANT SELECT ON ktrlplane.users, ktrlplane.organizations, ktrlplane.projects, \
    ktrlplane.resources, ktrlplane.roles, ktrlplane.permissions, ktrlplane.role_permissions, \
    ktrlplane.role_assignments TO {role}";

/// The database, and the role that reads it.
pub struct Theirs {
    /// The URL of its owner.
    pub owner: String,
    /// The URL of the role that may select.
    pub reader: String,
    /// The role's name.
    pub role: String,
}

impl Theirs {
    /// Makes the shape and the role in an empty database.
    pub fn make(owner: &str) -> Self {
        let role = format!("reader_{}", Uuid::now_v7().simple());
        let (_, address) = owner.split_once('@').expect("a URL with a user");
        let theirs = Self {
            owner: owner.to_owned(),
            reader: format!("postgres://{role}:only-reads@{address}"),
            role,
        };
        theirs.sql(SHAPE);
        theirs.sql("CREATE ROLE {role} LOGIN PASSWORD 'only-reads'");
        theirs.sql(GRANTS);
        theirs
    }

    /// Runs statements as the owner, from whatever thread and runtime; `{role}` is the role.
    pub fn sql(&self, statements: &str) {
        let (url, statements) = (self.owner.clone(), statements.replace("{role}", &self.role));
        let work = async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            connection.execute(AssertSqlSafe(statements)).await.unwrap();
            connection.close().await.unwrap();
        };
        on_a_thread(work);
    }

    /// One text, as the owner sees it.
    pub fn text(&self, query: &str) -> String {
        let (url, query) = (self.owner.clone(), query.to_owned());
        on_a_thread(async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let query = sqlx::query_scalar(AssertSqlSafe(query));
            let text: String = query.fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            text
        })
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // A role belongs to the server, which may live longer than the database.
        if !thread::panicking() {
            self.sql("DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }
}

fn on_a_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let ran = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(work)
    });
    ran.join().expect("the statements succeed")
}
