//! What it costs to find out who may do what: from memory, and from the database.

#![allow(clippy::unwrap_used, reason = "a measurement")]

#[path = "../tests/support/postgres.rs"]
mod postgres;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use directory::policy::{Action, OrganizationId, Place, ProjectId, ResourceId, Scope, Subject};
use directory::{Access, Directory, Grant, Options};
use divan::Bencher;
use jiff::Timestamp;
use tokio::runtime::Runtime;

/// A directory in which Alice owns the organization of the project of a resource.
struct World {
    // In the order in which they go.
    directory: Directory,
    runtime: Runtime,
    _file: Option<tempfile::TempDir>,
    _server: Option<postgres::Database>,
}

impl World {
    fn sqlite() -> Self {
        let file = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", file.path().join("d.db").display());
        Self::at(&url, Some(file), None)
    }

    fn postgresql() -> Option<Self> {
        let server = postgres::database()?;
        Some(Self::at(&server.url.clone(), None, Some(server)))
    }

    fn at(url: &str, file: Option<tempfile::TempDir>, server: Option<postgres::Database>) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        let options = Options::new(url, runtime.handle().clone());
        let directory = runtime.block_on(async {
            let directory = Directory::open(options).await.unwrap();
            let acme = OrganizationId::new("acme").unwrap();
            let shop = ProjectId::new("acme-shop").unwrap();
            let api = ResourceId::new("shop-api").unwrap();
            directory.create_organization(&acme, "x").await.unwrap();
            let created = directory.create_project(&shop, Some(&acme), "x").await;
            created.unwrap();
            let created = directory.create_resource(&api, &shop, "x", "x").await;
            created.unwrap();
            let alice = Subject::new("alice").unwrap();
            directory.put_user(&alice, None, "x").await.unwrap();
            let owner = Grant {
                subject: alice,
                role: "Owner".to_owned(),
                scope: Scope::Organization(acme),
                assigned_by: None,
                expires_at: None,
            };
            directory.grant(owner).await.unwrap();
            directory
        });
        Self {
            directory,
            runtime,
            _file: file,
            _server: server,
        }
    }

    /// Asks and decides; `None` where the answer is not remembered.
    fn recall(&self, who: &Subject, place: &Place) -> Option<bool> {
        let question = pin!(self.directory.access(who, place));
        match question.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(access) => Some(decide(&access.unwrap())),
            Poll::Pending => None,
        }
    }

    /// Measures decisions from memory. Where the lease has lapsed, on a busy machine, what is
    /// measured includes the wait for it.
    fn warm(&self, bencher: Bencher) {
        let (who, place) = (Subject::new("alice").unwrap(), place());
        bencher.bench(|| {
            loop {
                match self.recall(&who, &place) {
                    Some(decision) => return decision,
                    None => thread::sleep(Duration::from_millis(1)),
                }
            }
        });
    }

    /// Measures decisions about subjects who were never heard of.
    fn cold(&self, bencher: Bencher) {
        let (place, number) = (place(), AtomicU64::new(0));
        bencher.bench(|| {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let who = Subject::new(format!("nobody-{number}")).unwrap();
            let access = self.runtime.block_on(self.directory.access(&who, &place));
            decide(&access.unwrap())
        });
    }
}

fn place() -> Place {
    let project = ProjectId::new("acme-shop").unwrap();
    Place::Resource(project, ResourceId::new("shop-api").unwrap())
}

fn decide(access: &Access) -> bool {
    access
        .decide_on_project(Action::Read, Timestamp::UNIX_EPOCH)
        .is_ok()
}

#[divan::bench]
fn from_memory(bencher: Bencher) {
    World::sqlite().warm(bencher);
}

#[divan::bench(threads = 2)]
fn from_memory_by_two_threads(bencher: Bencher) {
    World::sqlite().warm(bencher);
}

#[divan::bench]
fn from_sqlite(bencher: Bencher) {
    World::sqlite().cold(bencher);
}

#[divan::bench]
fn from_postgresql(bencher: Bencher) {
    if let Some(world) = World::postgresql() {
        world.cold(bencher);
    }
}

fn main() {
    divan::main();
}
