//! How much may wait, and what a line is made of.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use directory::manage::Operation;
use directory::policy::{OrganizationId, ProjectId, Subject};
use serde_json::{Value, json};

use super::*;
use crate::clock::SystemClock;
use crate::settings::AuditQueries;

const SMALL: Bounds = Bounds {
    lines: 4,
    bytes: 1000,
};

fn opening() -> Opening {
    Opening {
        request_id: HeaderValue::from_static("an-id"),
        time: Timestamp::UNIX_EPOCH,
        started: Instant::now(),
        endpoint: "logs",
        action: Some("read"),
    }
}

fn to(path: &std::path::Path) -> AuditSettings {
    AuditSettings {
        output: AuditOutput::File(path.to_owned()),
        queries: AuditQueries::Full,
    }
}

/// An audit to a pipe that nobody reads from until the test does: its writer hangs in the middle of a
/// write, as with a log collector that has stopped. A `cat` holds the other end open.
fn to_a_full_pipe(dir: &std::path::Path) -> (Audit, std::process::Child) {
    let pipe = dir.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let mut reader = Command::new("sh")
        .args(["-c", "exec 3<\"$0\"; read go; exec cat <&3"])
        .arg(&pipe)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let audit = Audit::bounded(&to(&pipe), Arc::new(SystemClock), SMALL).unwrap();
    let Some(queue) = &audit.queue else {
        reader.kill().unwrap();
        panic!("there is an audit");
    };
    assert!(queue.admits(Timestamp::UNIX_EPOCH));
    (audit, reader)
}

fn wait_for(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn more_than_the_bound_does_not_wait_and_what_was_let_in_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (audit, mut reader) = to_a_full_pipe(dir.path());
    // A pipe holds 64 KiB; this line is longer, and fills the bound of bytes by itself.
    let before = audit.open(opening()).unwrap();
    let first = audit.open(opening()).unwrap();
    let long = "x".repeat(100_000);
    first.queries([long.as_str()].into_iter());
    drop(first);
    for _ in 0..3 {
        assert_eq!(audit.open(opening()).err(), Some(Error::AuditUnavailable));
    }
    // A request that was let in before has its line all the same.
    before.allowed(Some("a1"));
    drop(before);
    reader.stdin.take().unwrap().write_all(b"go\n").unwrap();
    wait_for(|| audit.open(opening()).is_ok());
    audit.close();
    let mut text = String::new();
    reader
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    reader.wait().unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |event: &'static str| lines.iter().filter(move |line| line["event"] == event);
    assert!(of("request").any(|line| line["queries"] == json!([long])));
    assert!(of("request").any(|line| line["assignment"] == "a1"));
    let refused: u64 = of("gap").map(|gap| gap["refused"].as_u64().unwrap()).sum();
    assert!(refused >= 3, "{text}");
}

#[test]
fn lines_count_as_well_as_bytes_until_they_are_written() {
    let queue = Arc::new(Queue::new(AuditQueries::Hash, SMALL));
    let now = Timestamp::UNIX_EPOCH;
    for _ in 0..4 {
        assert!(queue.admits(now));
        drop(Record::open(Arc::clone(&queue), opening()));
    }
    assert!(!queue.admits(now));
    let work = queue.take(|| 2).unwrap();
    assert_eq!(work.lines.len(), 4);
    // Taken is not written.
    assert!(!queue.admits(now));
    queue.written(1, 0);
    assert!(queue.admits(now));
    queue.set_failing(true);
    assert!(!queue.admits(now));
}

#[test]
fn a_record_that_was_not_opened_takes_everything_and_says_nothing() {
    let audit = Audit::start(&AuditSettings::OFF, Arc::new(SystemClock)).unwrap();
    let record = audit.open(opening()).unwrap();
    record.subject(&Subject::new("victor").unwrap());
    record.queries(["up"].into_iter());
    audit.reopen();
    audit.close();
}

#[test]
fn a_write_says_what_it_writes_and_a_late_refusal_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let audit = Audit::start(&to(&path), Arc::new(SystemClock)).unwrap();
    for error in [None, Some(Error::Forbidden)] {
        let record = audit
            .open(Opening {
                action: None,
                ..opening()
            })
            .unwrap();
        record.allowed(Some("a1"));
        record.operation(&Operation::CreateProject {
            id: ProjectId::new("acme-shop").unwrap(),
            organization: Some(OrganizationId::new("acme").unwrap()),
            name: "Shop".to_owned(),
        });
        let status = error
            .as_ref()
            .map_or(http::StatusCode::CREATED, |error| error.status().0);
        record.answered(status, error.as_ref());
        record.sent(7, Ok(()));
    }
    audit.close();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, expected) in lines.iter().zip([
        json!({ "decision": "allow", "assignment": "a1", "status": 201 }),
        json!({ "decision": "deny", "status": 403, "error": "forbidden" }),
    ]) {
        let mut line = line.as_object().unwrap().clone();
        assert_eq!(line.remove("time").unwrap(), "1970-01-01T00:00:00.000000Z");
        line.remove("duration_us").unwrap();
        let mut whole = json!({
            "target": "audit", "event": "request", "request_id": "an-id", "organization": "acme", "project": "acme-shop",
            "endpoint": "logs", "operation": "project.create", "bytes": 7, "complete": true,
        });
        whole
            .as_object_mut()
            .unwrap()
            .extend(expected.as_object().unwrap().clone());
        assert_eq!(Value::from(line), whole);
    }
    assert_eq!(lines.len(), 2);
}

#[test]
fn an_audit_that_is_dropped_writes_what_is_still_on_its_way_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let audit = Audit::start(&to(&path), Arc::new(SystemClock)).unwrap();
    let queue = Arc::downgrade(audit.queue.as_ref().unwrap());
    let record = audit.open(opening()).unwrap();
    drop(Running::new(audit));
    thread::sleep(Duration::from_millis(50));
    drop(record);
    wait_for(|| queue.strong_count() == 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
}

/// The page that says what every field means, and a line that has them all.
#[test]
fn every_field_is_documented_and_every_example_is_a_line() {
    const PAGE: &str = include_str!("../../../../docs/audit.md");
    let mut known: Vec<String> = ["since", "refused"].map(str::to_owned).to_vec();
    for queries in [AuditQueries::Full, AuditQueries::Hash] {
        let queue = Arc::new(Queue::new(queries, SMALL));
        let record = Record::open(Arc::clone(&queue), opening());
        record.subject(&Subject::new("victor").unwrap());
        record.target(crate::routes::Target::Resource("acme-shop", "shop-api"));
        record.organization(&OrganizationId::new("acme").unwrap());
        record.operation(&Operation::DeleteProject {
            id: ProjectId::new("acme-shop").unwrap(),
            cascade: false,
        });
        let error = Error::InvalidToken("the token has expired");
        record.answered(error.status().0, Some(&error));
        record.allowed(Some("a1"));
        record.queries(["up"].into_iter());
        record.stamped(crate::ingest::Counts::default());
        record.sent(1, Err("reader gone"));
        drop(record);
        let work = queue.take(|| 2).unwrap();
        let mut line = Vec::new();
        line::request(&mut line, &work.lines[0], queries);
        let line: Value = serde_json::from_slice(&line).unwrap();
        known.extend(line.as_object().unwrap().keys().cloned());
    }
    for field in &known {
        assert!(PAGE.contains(&format!("`{field}`")), "{field}");
    }
    let blocks = PAGE.split("```json\n").skip(1);
    let examples = blocks.map(|block| block.split("\n```").next().unwrap());
    let examples: Vec<Value> = examples
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let lines = examples
        .iter()
        .filter(|example| example["target"] == "audit");
    for line in lines.clone() {
        for field in line.as_object().unwrap().keys() {
            assert!(known.contains(field), "{field}");
        }
    }
    assert!(lines.count() > 5);
}
