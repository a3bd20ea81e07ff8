//! A gateway with everything around it, all on loopback and in this process.

pub mod backend;
pub mod client;
pub mod issuer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use directory::policy::{OrganizationId, ProjectId, ResourceId, Scope, Subject};
use directory::{Directory, Grant, Options};
use gateway::directory;
use gateway::{BackendSettings, Clock, IssuerSettings, Server, Settings};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Algorithm;
use tokio::runtime::Handle;

use backend::Backend;
use client::{Answer, Ask};
use issuer::Issuer;

pub const AUDIENCE: &str = "https://ktrlplane.test";
pub const LOGS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs";
pub const METRICS: &str = "/api/v1/projects/acme-shop/resources/shop-api/metrics/query_range";
/// What the metrics endpoint needs beside its query.
pub const RANGE: &str = "start=1737972000&end=1737975600&step=15s";

/// A clock that tests set.
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub struct World {
    pub server: Server,
    pub issuer: Issuer,
    pub loki: Backend,
    pub mimir: Backend,
    pub directory: Directory,
    pub clock: Arc<TestClock>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose gateway has other settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(Issuer::start().await, change).await
    }

    /// A world with this issuer.
    pub async fn build(issuer: Issuer, change: impl FnOnce(&mut Settings)) -> Self {
        let (loki, mimir) = (Backend::start().await, Backend::start().await);
        let directory = directory().await;
        let clock = Arc::new(TestClock(Mutex::new(Timestamp::now())));
        let mut settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            workers: 1,
            issuer: IssuerSettings {
                issuer: issuer.url(),
                audience: AUDIENCE.to_owned(),
                algorithms: vec![Algorithm::RS256],
            },
            loki: Some(backend_at(&loki.url())),
            mimir: Some(backend_at(&mimir.url())),
            shutdown_grace: Duration::from_secs(5),
        };
        change(&mut settings);
        let server = gateway::start(
            settings,
            directory.clone(),
            Handle::current(),
            Arc::<TestClock>::clone(&clock),
        )
        .unwrap();
        Self {
            server,
            issuer,
            loki,
            mimir,
            directory,
            clock,
        }
    }

    /// A token for `subject` as the issuer would give it now.
    pub fn token(&self, subject: &str) -> String {
        self.issuer.token(subject, self.clock.now())
    }

    /// A request without a token.
    pub fn ask(&self, path_and_query: &str) -> Ask {
        Ask::new(self.server.local_addr(), path_and_query)
    }

    /// The answer to a GET by `subject`.
    pub async fn get(&self, subject: &str, path_and_query: &str) -> Answer {
        self.ask(path_and_query)
            .token(&self.token(subject))
            .send()
            .await
    }

    /// How many requests the backends have had.
    pub fn forwarded(&self) -> usize {
        self.loki.count() + self.mimir.count()
    }
}

pub fn backend_at(url: &str) -> BackendSettings {
    BackendSettings {
        url: url.parse().unwrap(),
        timeout: Duration::from_secs(5),
    }
}

/// The organizations, projects, resources and people of the tests.
async fn directory() -> Directory {
    let directory = Directory::open(Options::new("sqlite::memory:", Handle::current()))
        .await
        .unwrap();
    let organization = |id| OrganizationId::new(id).unwrap();
    let project = |id| ProjectId::new(id).unwrap();
    for id in ["acme", "globex"] {
        directory
            .create_organization(&organization(id), id)
            .await
            .unwrap();
    }
    for (id, of) in [
        ("acme-shop", "acme"),
        ("acme-lab", "acme"),
        ("globex-iot", "globex"),
    ] {
        directory
            .create_project(&project(id), Some(&organization(of)), id)
            .await
            .unwrap();
    }
    for (id, of) in [
        ("shop-api", "acme-shop"),
        ("shop-db", "acme-shop"),
        ("lab-flow", "acme-lab"),
        ("iot-graph", "globex-iot"),
    ] {
        let resource = ResourceId::new(id).unwrap();
        directory
            .create_resource(&resource, &project(of), id, "Konnektr.Graph")
            .await
            .unwrap();
    }
    for (subject, role, scope) in [
        ("alice", "Owner", Scope::Organization(organization("acme"))),
        ("erin", "Editor", Scope::Project(project("acme-shop"))),
        ("victor", "Viewer", Scope::Project(project("acme-shop"))),
        ("gina", "Owner", Scope::Organization(organization("globex"))),
    ] {
        person(&directory, subject).await;
        grant(&directory, subject, role, scope, None).await;
    }
    person(&directory, "mallory").await;
    directory
}

pub async fn person(directory: &Directory, subject: &str) {
    let email = format!("{subject}@acme.test");
    directory
        .put_user(&Subject::new(subject).unwrap(), Some(&email), subject)
        .await
        .unwrap();
}

pub async fn grant(
    directory: &Directory,
    subject: &str,
    role: &str,
    scope: Scope,
    expires_at: Option<Timestamp>,
) -> String {
    let grant = Grant {
        subject: Subject::new(subject).unwrap(),
        role: role.to_owned(),
        scope,
        assigned_by: None,
        expires_at,
    };
    directory.grant(grant).await.unwrap()
}

/// Percent-encodes a parameter's value.
pub fn encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Asks until `condition` holds; fails when it does not within some seconds.
pub async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("this did not become true");
}
