//! A gateway with everything around it, all on loopback and in this process.

pub(crate) mod backend;
pub(crate) mod broken;
pub(crate) mod client;
pub(crate) mod issuer;
pub(crate) mod log;
pub(crate) mod tail;
pub(crate) mod tls;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use directory::policy::{OrganizationId, ProjectId, ResourceId, Scope, Subject};
use directory::{Directory, Grant, Options};
use gateway::directory;
use gateway::{
    AuditSettings, BackendSettings, Clock, ConnectionSettings, IssuerSettings, ManagementSettings,
    Server, Settings, TailSettings,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Algorithm;
use tokio::runtime::Handle;

use backend::Backend;
use client::{Answer, Ask};
use issuer::Issuer;

pub(crate) const AUDIENCE: &str = "https://ktrlplane.test";
pub(crate) const LOGS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs";
pub(crate) const METRICS: &str =
    "/api/v1/projects/acme-shop/resources/shop-api/metrics/query_range";
/// What the metrics endpoint needs beside its query.
pub(crate) const RANGE: &str = "start=1737972000&end=1737975600&step=15s";

/// A clock that tests set.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) issuer: Issuer,
    pub(crate) loki: Backend,
    pub(crate) mimir: Backend,
    pub(crate) directory: Directory,
    pub(crate) clock: Arc<TestClock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose gateway has other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(Issuer::start().await, change).await
    }

    /// A world whose directory others may open, too.
    pub(crate) async fn beside(database: &str) -> Self {
        Self::on(database, Issuer::start().await, |_| {}).await
    }

    /// A world with this issuer.
    pub(crate) async fn build(issuer: Issuer, change: impl FnOnce(&mut Settings)) -> Self {
        Self::on("sqlite::memory:", issuer, change).await
    }

    /// A world whose directory is in this database, which is empty.
    pub(crate) async fn on(url: &str, issuer: Issuer, change: impl FnOnce(&mut Settings)) -> Self {
        let (loki, mimir) = (Backend::start().await, Backend::start().await);
        let directory = directory(url).await;
        let clock = Arc::new(TestClock(Mutex::new(Timestamp::now())));
        let mut settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            workers: 1,
            tls: None,
            connections: ConnectionSettings::default(),
            issuer: IssuerSettings {
                issuer: issuer.url(),
                audience: AUDIENCE.to_owned(),
                algorithms: vec![Algorithm::RS256],
            },
            loki: Some(backend_at(&loki.url())),
            mimir: Some(backend_at(&mimir.url())),
            max_log_lines: Settings::MAX_LOG_LINES,
            tail: TailSettings::default(),
            ingest: gateway::ingest::Limits::default(),
            limits: gateway::LimitSettings::default(),
            management: ManagementSettings::default(),
            audit: AuditSettings::OFF,
            explore: None,
            metrics: None,
            traces: None,
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

    /// Now, as timestamps of log lines are written.
    pub(crate) fn clock_nanos(&self) -> i128 {
        self.clock.now().as_nanosecond()
    }

    /// A token for `subject` as the issuer would give it now.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.issuer.token(subject, self.clock.now())
    }

    /// A request without a token.
    pub(crate) fn ask(&self, path_and_query: &str) -> Ask {
        Ask::new(self.server.local_addr(), path_and_query)
    }

    /// The answer to a GET by `subject`.
    pub(crate) async fn get(&self, subject: &str, path_and_query: &str) -> Answer {
        self.ask(path_and_query)
            .token(&self.token(subject))
            .send()
            .await
    }

    /// The answer to a write by `subject`.
    pub(crate) async fn write(
        &self,
        subject: &str,
        method: Method,
        path: &str,
        json: &str,
    ) -> Answer {
        let ask = self.ask(path).token(&self.token(subject));
        let ask = if json.is_empty() {
            ask.method(method)
        } else {
            ask.json(method, json)
        };
        ask.send().await
    }

    /// How many requests the backends have had.
    pub(crate) fn forwarded(&self) -> usize {
        self.loki.count() + self.mimir.count()
    }
}

pub(crate) fn backend_at(url: &str) -> BackendSettings {
    BackendSettings::new(url.parse().unwrap(), Duration::from_secs(5))
}

/// The organizations, projects, resources and people of the tests.
async fn directory(url: &str) -> Directory {
    let directory = Directory::open(Options::new(url, Handle::current()))
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

pub(crate) async fn person(directory: &Directory, subject: &str) {
    let email = format!("{subject}@acme.test");
    directory
        .put_user(&Subject::new(subject).unwrap(), Some(&email), subject)
        .await
        .unwrap();
}

pub(crate) async fn grant(
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

/// A URL where nobody listens, for as long as the socket is held: bound, it keeps everybody else
/// from the port.
pub(crate) fn nobody() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (socket, url)
}

/// Percent-encodes a parameter's value.
pub(crate) fn encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Asks until `condition` holds; fails when it does not within a time that a busy machine needs not.
pub(crate) async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("this did not become true");
}
