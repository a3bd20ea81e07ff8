//! An audit that cannot be written, is moved away, or ends.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use gateway::{AuditOutput, AuditQueries, AuditSettings, StartError};
use serde_json::Value;

use super::{Audited, file, lines};
use crate::harness::{LOGS, World, eventually};

/// A world whose audit goes to this file's place, where `/dev/full` is: a disk that has no room.
async fn on_a_full_disk() -> Audited {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir);
    symlink("/dev/full", &path).unwrap();
    let world = World::with(|settings| {
        settings.audit = AuditSettings {
            output: AuditOutput::File(path),
            queries: AuditQueries::Hash,
        };
    })
    .await;
    Audited { world, dir }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_audit_cannot_be_written_nothing_is_answered_and_nothing_is_lost() {
    let audited = on_a_full_disk().await;
    let world = &audited.world;
    // The first line is the one that does not fit.
    let first = world.get("victor", LOGS).await;
    assert_eq!(first.status, 200);
    eventually(async || world.get("victor", LOGS).await.status == 503).await;
    let forwarded = world.forwarded();
    let refused = world.get("victor", LOGS).await;
    insta::assert_snapshot!(refused.told(), @r#"503 {"status":"error","errorType":"unavailable","error":"nothing is answered at the moment, because the audit cannot be written (request <id>)"}"#);
    assert_eq!(refused.header("retry-after"), Some("5"));
    // Whoever asks, and whatever for.
    assert_eq!(world.ask(LOGS).send().await.status, 503);
    assert_eq!(world.get("mallory", LOGS).await.status, 503);
    assert_eq!(world.ask("/livez").send().await.status, 200);
    assert_eq!(world.ask("/openapi.json").send().await.status, 200);
    // A balancer that asks sends nobody here meanwhile.
    let told = world.ask("/readyz").send().await.told();
    insta::assert_snapshot!(told, @r#"503 {"status":"DOWN","checks":{"audit":"DOWN","directory":"UP","issuer":"UP"}}"#);
    assert_eq!(world.forwarded(), forwarded);

    std::fs::remove_file(audited.file()).unwrap();
    // Also where nobody else comes, because a balancer keeps them away.
    eventually(async || world.ask("/readyz").send().await.status == 200).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    eventually(async || {
        let lines = lines(&audited.file());
        let of = |event: &'static str| lines.iter().filter(move |line| line["event"] == event);
        of("gap").count() > 0 && of("request").count() > forwarded
    })
    .await;
    let lines = lines(&audited.file());
    assert_eq!(
        lines[0]["request_id"],
        first.header("x-request-id").unwrap()
    );
    let gaps: Vec<&Value> = lines.iter().filter(|line| line["event"] == "gap").collect();
    let refused: u64 = gaps
        .iter()
        .map(|gap| gap["refused"].as_u64().unwrap())
        .sum();
    assert!(refused >= 4, "{gaps:?}");
    assert_eq!(gaps[0]["target"], "audit");
    assert!(gaps[0]["since"].as_str() <= gaps[0]["time"].as_str());
    let answered = lines.iter().filter(|line| line["event"] == "request");
    assert_eq!(answered.count(), forwarded + 1, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_moved_away_is_made_anew_for_its_owner_alone() {
    let audited = Audited::new(AuditQueries::None).await;
    let world = &audited.world;
    world.get("victor", LOGS).await;
    audited.lines(1).await;
    let moved = audited.dir.path().join("audit.jsonl.1");
    std::fs::rename(audited.file(), &moved).unwrap();
    // Without a signal it is noticed within a second; what comes before goes where the file went.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    world.get("erin", LOGS).await;
    let line = audited.lines(1).await.remove(0);
    assert_eq!(line["subject"], "erin");
    assert_eq!(lines(&moved).len(), 1);
    let mode = std::fs::metadata(audited.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_opened_anew_at_once_where_that_is_asked_for() {
    let audited = Audited::new(AuditQueries::None).await;
    let world = &audited.world;
    world.get("victor", LOGS).await;
    audited.lines(1).await;
    std::fs::rename(audited.file(), audited.dir.path().join("old")).unwrap();
    world.server.reopen_audit();
    eventually(async || audited.file().exists()).await;
    world.get("erin", LOGS).await;
    assert_eq!(audited.lines(1).await[0]["subject"], "erin");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_added_to_those_that_are_there_and_never_to_half_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir);
    std::fs::write(&path, "{\"whole\":1}\n{\"torn\":").unwrap();
    let world = World::with(|settings| {
        settings.audit = AuditSettings {
            output: AuditOutput::File(path.clone()),
            queries: AuditQueries::None,
        };
    })
    .await;
    world.get("victor", LOGS).await;
    world.server.shutdown().await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["{\"whole\":1}", "{\"torn\":"]);
    let line: Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(line["subject"], "victor");
    assert_eq!(lines.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_everything_is_written() {
    let audited = Audited::new(AuditQueries::None).await;
    let mut asked = Vec::new();
    for _ in 0..50 {
        let ask = audited
            .world
            .ask(LOGS)
            .token(&audited.world.token("victor"));
        asked.push(tokio::spawn(ask.send()));
    }
    for answer in asked {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    // A tail is ended by the end, and its line is there, too.
    let path = format!("{}?query=%7Ba%3D%22b%22%7D", super::TAIL);
    let _caller = audited.world.tail("victor", &path).await;
    let _backend = audited.world.loki.tail().await;
    let path = audited.file();
    audited.world.server.shutdown().await;
    let lines = lines(&path);
    assert_eq!(lines.len(), 51);
    assert_eq!(lines[50]["end"], "gateway stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_ever_for_what_cannot_be_written() {
    let audited = on_a_full_disk().await;
    audited.world.get("victor", LOGS).await;
    let started = Instant::now();
    audited.world.server.shutdown().await;
    let took = started.elapsed();
    assert!(
        took > Duration::from_secs(4) && took < Duration::from_secs(30),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_opened_stops_the_start() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let audit = |path: &str| AuditSettings {
        output: AuditOutput::File(dir.path().join(path)),
        queries: AuditQueries::Hash,
    };
    let started = crate::lifecycle::start(&world, |settings| settings.audit = audit("no/such"));
    let error = started.err().unwrap();
    assert!(matches!(error, StartError::Audit { .. }), "{error}");
    let found = gateway::check::audit(&audit("no/such"));
    assert!(
        !found.ok && found.sentence.contains("no/such cannot be opened: "),
        "{found}"
    );
    let found = gateway::check::audit(&audit("."));
    assert!(!found.ok, "{found}");
    let found = gateway::check::audit(&audit("new"));
    assert!(
        found.ok && found.sentence.ends_with("new can be written"),
        "{found}"
    );
    assert!(gateway::check::audit(&AuditSettings::OFF).ok);
    let stdout = AuditSettings {
        output: AuditOutput::Stdout,
        ..AuditSettings::OFF
    };
    assert!(gateway::check::audit(&stdout).ok);
}
