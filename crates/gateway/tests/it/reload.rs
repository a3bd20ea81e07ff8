//! Other settings while the gateway runs.

use std::time::Duration;

use gateway::settings::{Credentials, Secret};
use gateway::{AuditOutput, AuditQueries, Settings};
use jsonwebtoken::Algorithm;

use crate::harness::{AUDIENCE, LOGS, World, eventually};

/// The settings of this world, changed.
fn settings(world: &World, change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings {
        listen: world.server.local_addr(),
        workers: 1,
        tls: None,
        metrics: None,
        traces: None,
        connections: gateway::ConnectionSettings::default(),
        issuer: gateway::IssuerSettings {
            issuer: world.issuer.url(),
            audience: AUDIENCE.to_owned(),
            algorithms: vec![Algorithm::RS256],
        },
        loki: Some(crate::harness::backend_at(&world.loki.url())),
        mimir: Some(crate::harness::backend_at(&world.mimir.url())),
        max_log_lines: Settings::MAX_LOG_LINES,
        tail: gateway::TailSettings::default(),
        ingest: gateway::ingest::Limits::default(),
        limits: gateway::LimitSettings::default(),
        management: gateway::ManagementSettings::default(),
        audit: gateway::AuditSettings::OFF,
        explore: None,
        shutdown_grace: Duration::from_secs(5),
    };
    change(&mut settings);
    settings
}

fn bearer(secret: Secret) -> impl FnOnce(&mut Settings) {
    |settings| settings.loki.as_mut().unwrap().credentials = Credentials::Bearer(secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn other_credentials_are_shown_from_the_next_request_on_and_their_file_is_kept_up_with() {
    let world = World::with(bearer(Secret::Text("first".to_owned()))).await;
    world.get("victor", LOGS).await;
    assert_eq!(
        world.loki.last().header("authorization"),
        Some("Bearer first")
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "second").unwrap();
    let other = settings(&world, bearer(Secret::File(file.clone())));
    world.server.reload(&other).unwrap();
    world.get("victor", LOGS).await;
    assert_eq!(
        world.loki.last().header("authorization"),
        Some("Bearer second")
    );
    std::fs::write(&file, "third").unwrap();
    eventually(async || {
        world.get("victor", LOGS).await;
        world.loki.last().header("authorization") == Some("Bearer third")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_part_cannot_be_used_no_part_takes_effect() {
    let world = World::with(bearer(Secret::Text("first".to_owned()))).await;
    let other = settings(&world, |settings| {
        settings.max_log_lines = 7;
        bearer(Secret::File("/nowhere/token".into()))(settings);
    });
    let error = world.server.reload(&other).unwrap_err().to_string();
    assert!(
        error.contains("the bearer token file /nowhere/token cannot be read"),
        "{error}"
    );
    let answer = world.get("victor", &format!("{LOGS}?limit=8")).await;
    assert_eq!(answer.status, 200);
    let header = world.loki.last();
    assert_eq!(header.header("authorization"), Some("Bearer first"));
    let good = settings(&world, |settings| settings.max_log_lines = 7);
    world.server.reload(&good).unwrap();
    let answer = world.get("victor", &format!("{LOGS}?limit=8")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(world.loki.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_audit_keeps_of_queries_changes_with_the_next_request() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("audit.log");
    let output = AuditOutput::File(file.clone());
    let world = World::with(|settings| {
        settings.audit.output = output;
        settings.audit.queries = AuditQueries::None;
    })
    .await;
    world.get("victor", LOGS).await;
    let written = || std::fs::read_to_string(&file).unwrap_or_default();
    eventually(async || written().lines().count() == 1).await;
    let other = settings(&world, |settings| {
        settings.audit.queries = AuditQueries::Full;
    });
    world.server.reload(&other).unwrap();
    world.get("victor", LOGS).await;
    eventually(async || written().lines().count() == 2).await;
    let text = written();
    let mut lines = text.lines();
    assert!(!lines.next().unwrap().contains("\"queries\""));
    assert!(lines.next().unwrap().contains("\"queries\""));
}
