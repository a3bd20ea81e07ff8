//! Starting, sharing a port, stopping, and trying out the counterparts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::stream;
use gateway::routes::Backend;
use gateway::{
    AuditOutput, AuditSettings, ConnectionSettings, IssuerSettings, Server, Settings, StartError,
    SystemClock, TailSettings,
};
use jsonwebtoken::Algorithm;

use crate::harness::client::Ask;
use crate::harness::issuer::{Issuer, Mood};
use crate::harness::{AUDIENCE, LOGS, World, backend_at, nobody};

#[tokio::test(flavor = "multi_thread")]
async fn all_threads_serve_one_port() {
    let world = World::with(|settings| settings.workers = 3).await;
    assert_ne!(world.server.local_addr().port(), 0);
    // Each connection of its own may land on any thread.
    for _ in 0..30 {
        assert_eq!(world.get("victor", LOGS).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_stops_the_start() {
    let world = World::new().await;
    let started = start(&world, |settings| {
        settings.listen = world.server.local_addr();
    });
    let error = started.err().unwrap();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    assert!(
        error.to_string().starts_with("cannot listen on 127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_speak_http_stops_the_start() {
    let world = World::new().await;
    let started = start(&world, |settings| {
        settings.loki = Some(backend_at("ftp://user:secret@loki/"));
    });
    assert_eq!(
        started.err().unwrap().to_string(),
        "the logs backend cannot be at ftp://loki/: expected an http or https URL"
    );
}

/// Starts a second gateway in the world of the first.
pub(crate) fn start(
    world: &World,
    change: impl FnOnce(&mut Settings),
) -> Result<Server, StartError> {
    let mut settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        workers: 2,
        tls: None,
        connections: ConnectionSettings::default(),
        issuer: IssuerSettings {
            issuer: world.issuer.url(),
            audience: AUDIENCE.to_owned(),
            algorithms: vec![Algorithm::RS256],
        },
        loki: None,
        mimir: None,
        max_log_lines: Settings::MAX_LOG_LINES,
        tail: TailSettings::default(),
        ingest: gateway::ingest::Limits::default(),
        limits: gateway::LimitSettings::default(),
        management: gateway::ManagementSettings::default(),
        audit: AuditSettings::OFF,
        explore: None,
        metrics: None,
        traces: None,
        shutdown_grace: Duration::ZERO,
    };
    change(&mut settings);
    let background = tokio::runtime::Handle::current();
    gateway::start(
        settings,
        world.directory.clone(),
        background,
        Arc::new(SystemClock),
    )
}

/// The answer of a backend that takes half a second from its first byte to its last.
fn slow() -> axum::response::Response {
    let chunks = stream::unfold(0, |sent| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (sent < 5).then(|| (Ok::<_, std::convert::Infallible>("x"), sent + 1))
    });
    Body::from_stream(chunks).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_answers_and_accepts_no_more() {
    let world = World::new().await;
    world.loki.answers(slow);
    let address: SocketAddr = world.server.local_addr();
    let ask = Ask::new(address, LOGS).token(&world.token("victor"));
    let answer = tokio::spawn(ask.send());
    while world.loki.count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.server.shutdown().await;
    assert_eq!(answer.await.unwrap().body, "xxxxx");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_no_longer_than_it_was_told() {
    let world = World::with(|settings| settings.shutdown_grace = Duration::from_millis(100)).await;
    world.loki.answers(|| {
        Body::from_stream(stream::pending::<Result<&str, std::convert::Infallible>>())
            .into_response()
    });
    let ask = Ask::new(world.server.local_addr(), LOGS).token(&world.token("victor"));
    let answer = tokio::spawn(ask.try_send());
    while world.loki.count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    world.server.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(15));
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_does_not_wait_for_an_audit_that_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let output = AuditOutput::File(dir.path().join("audit.log"));
    let world = World::with(|settings| settings.audit.output = output).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    let started = Instant::now();
    world.server.shutdown().await;
    // Where somebody seems to be left who could add to it, five seconds are waited for them.
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_what_is_wrong_with_the_issuer() {
    let issuer = Issuer::start().await;
    let mut settings = IssuerSettings {
        issuer: issuer.url(),
        audience: AUDIENCE.to_owned(),
        algorithms: vec![Algorithm::RS256],
    };
    let finding = gateway::check::issuer(&settings).await;
    assert!(
        finding.ok && finding.sentence.ends_with("has 1 usable keys"),
        "{finding}"
    );

    settings.algorithms = vec![Algorithm::ES256];
    let finding = gateway::check::issuer(&settings).await;
    assert!(
        !finding.ok && finding.sentence.ends_with("has no key for [ES256]"),
        "{finding}"
    );

    let without_slash = issuer.url().trim_end_matches('/').to_owned();
    settings.issuer = without_slash;
    let finding = gateway::check::issuer(&settings).await;
    assert!(
        !finding.ok && finding.sentence.contains("is that of"),
        "{finding}"
    );

    issuer.set(Mood::Down);
    let finding = gateway::check::issuer(&settings).await;
    assert!(
        !finding.ok && finding.sentence.contains("answered 500"),
        "{finding}"
    );

    for issuer in ["", "ktrlplane", "ftp://a/"] {
        settings.issuer = issuer.to_owned();
        let finding = gateway::check::issuer(&settings).await;
        assert!(
            !finding.ok && finding.sentence.contains("not an http"),
            "{finding}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_what_is_wrong_with_a_backend() {
    let world = World::new().await;
    let url = world.loki.url().replace("http://", "http://user:secret@");
    let settings = backend_at(&url);
    for backend in Backend::ALL {
        let finding = gateway::check::backend(backend, &settings).await;
        assert!(
            finding.ok && finding.sentence.ends_with("answers queries"),
            "{finding}"
        );
        assert!(!finding.sentence.contains("secret"), "{finding}");
    }
    world.loki.fails(404, "no such page");
    let finding = gateway::check::backend(Backend::Loki, &settings).await;
    assert!(
        !finding.ok
            && finding
                .sentence
                .ends_with("answered 404 Not Found: no such page"),
        "{finding}"
    );
    let (_held, nowhere) = nobody();
    let finding = gateway::check::backend(Backend::Mimir, &backend_at(&nowhere)).await;
    assert!(
        !finding.ok && finding.sentence.contains("cannot be asked: "),
        "{finding}"
    );
}

/// Whatever the root certificates of this machine are: TLS is tried, and its failure is a sentence.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_speak_tls_is_no_https_backend() {
    let world = World::new().await;
    let url = world.loki.url().replace("http://", "https://");
    let finding = gateway::check::backend(Backend::Loki, &backend_at(&url)).await;
    assert!(!finding.ok, "{finding}");
    assert_eq!(world.loki.count(), 0);
    let started = start(&world, |settings| settings.loki = Some(backend_at(&url)));
    match started {
        Ok(server) => server.shutdown().await,
        Err(error) => assert!(matches!(error, StartError::Transport { .. }), "{error}"),
    }
}
