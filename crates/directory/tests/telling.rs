//! What the directory says, in its log and to the database, and how often.

#![allow(
    clippy::unwrap_used,
    reason = "all of this is a test, also what is not marked as one"
)]

#[path = "support/home.rs"]
mod home;
#[path = "support/postgres.rs"]
mod postgres;

use std::io::Write;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use directory::manage::list::{Page, Reader};
use directory::policy::{Place, Scope};
use directory::{Directory, Options};
use home::{Home, access, at, fill, grant, project, reads, recalled, resource, subject};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log belongs to one test at a time.
fn listen() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    static START: Once = Once::new();
    START.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter("warn,sqlx=debug")
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
    let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    said("");
    one
}

/// The lines with a text that were said since this was asked last.
fn said(text: &str) -> Vec<String> {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = String::from_utf8(std::mem::take(&mut *log)).unwrap();
    let lines = lines.lines().filter(|line| line.contains(text));
    lines.map(str::to_owned).collect()
}

#[test]
fn as_much_is_asked_about_a_resource_that_is_absent() {
    let _log = listen();
    let home = Home::at("sqlite::memory:".to_owned());
    home.block_on(async {
        let directory = home.open().await;
        fill(&directory).await.unwrap();
        let owner = grant("alice", "Owner", Scope::Resource(resource("shop-api")));
        directory.grant(owner).await.unwrap();
        let held = async |who: &str, id: &str| {
            let scope = Scope::Resource(resource(id));
            let who = subject(who);
            let held = directory.permissions_at_scope(&who, &scope, at(0));
            held.await.unwrap().len()
        };
        for round in 0..3 {
            said("");
            assert_eq!(held("victor", "shop-api").await, 0);
            let of_one = said("SELECT").len();
            assert_eq!(held("victor", "absent").await, 0);
            let of_none = said("SELECT").len();
            assert_eq!(of_one, of_none, "round {round}");
            // The second time, what is held is remembered.
            assert_eq!(of_one, if round == 0 { 2 } else { 1 });
        }
        assert_eq!(held("alice", "shop-api").await, 4);
        assert_eq!(held("alice", "absent").await, 0);
    });
}

#[test]
fn an_id_that_is_none_is_reported_once() {
    let _log = listen();
    let home = Home::sqlite();
    home.block_on(async {
        let directory = home.open().await;
        fill(&directory).await.unwrap();
        for (table, rows) in [
            ("organizations", "(org_id, name) VALUES ('Bad_Org', 'x')"),
            ("projects", "(project_id, name) VALUES ('Bad_Project', 'x')"),
            (
                "resources",
                "(resource_id, project_id, name, type) \
                 VALUES ('Bad_Resource', 'acme-shop', 'x', 'x')",
            ),
        ] {
            let insert = format!("INSERT INTO {{}}{table} {rows}");
            home.sql_without_checks(table, &insert).await;
        }
        said("");
        let (all, shop) = (Reader::Operator, project("acme-shop"));
        let page = Page {
            after: None,
            limit: 100,
        };
        for _ in 0..2 {
            let organizations = directory.organizations(&all, &page).await.unwrap();
            assert_eq!(organizations.records.len(), 2);
            let projects = directory.projects(&all, None, &page).await.unwrap();
            assert_eq!(projects.records.len(), 4);
            let resources = directory.resources(&all, &shop, &page).await.unwrap();
            assert_eq!(resources.records.len(), 1);
        }
        let said = said(" WARN ");
        for id in ["Bad_Org", "Bad_Project", "Bad_Resource"] {
            let of_it = said.iter().filter(|line| line.contains(id));
            assert_eq!(of_it.count(), 1, "{said:?}");
        }
    });
}

#[test]
fn that_decisions_rest_on_grace_is_said_when_it_begins_and_ends() {
    let Some(mut cluster) = postgres::cluster() else {
        return;
    };
    let _log = listen();
    let home = Home::at(cluster.url("postgres"));
    home.block_on(async {
        let directory = Directory::open(Options {
            query_timeout: Duration::from_secs(2),
            grace: Duration::from_mins(1),
            ..home.options()
        });
        let directory = directory.await.unwrap();
        fill(&directory).await.unwrap();
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        directory.grant(viewer).await.unwrap();
        let place = Place::Project(project("acme-shop"));
        while recalled(&directory, "victor", &place).is_none() {
            assert!(reads(&directory, "victor", "acme-shop").await);
        }
        cluster.pause();
        std::thread::sleep(Duration::from_millis(700));
        said("");
        for _ in 0..20 {
            assert!(reads(&directory, "victor", "acme-shop").await);
        }
        assert_eq!(said("decisions rest on what is remembered").len(), 1);
        cluster.resume();
        let back = Instant::now();
        while access(&directory, "victor", "acme-lab", None)
            .await
            .is_err()
        {
            assert!(back.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(said("decisions no longer rest").len(), 1);
    });
}

#[test]
fn a_schema_that_exists_is_not_made_again() {
    let Some(home) = Home::postgres() else {
        return;
    };
    let _log = listen();
    home.block_on(async {
        home.open().await.close().await;
        said("");
        home.open().await.close().await;
        let said = said("schema \"ktrlplane\" already exists");
        assert!(said.is_empty(), "{said:?}");
    });
}
