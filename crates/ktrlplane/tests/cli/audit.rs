//! The audit of the binary: standard output, a file, and the signal of whoever rotates it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::harness::{
    NOTHING, PATIENCE, Running, demo, get, ktrlplane, last_hour, run, serve, stdout, token,
};

const LOGS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs";

/// What a gateway needs that decides on nobody.
const ALONE: [(&str, &str); 2] = [
    ("KTRLPLANE_AUTH_ISSUER", "http://127.0.0.1:9/"),
    ("KTRLPLANE_AUTH_AUDIENCE", "a"),
];

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

fn wait_for<T>(condition: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "this did not become true");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_demo_writes_its_audit_beside_its_other_files() {
    let dir = tempdir().unwrap();
    let (demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let parameters = last_hour("{level=\"error\"}");
    assert_eq!(
        get(url, LOGS, Some(token(&told, "victor")), &parameters).0,
        200
    );
    assert!(demo.terminate());
    let lines = lines(&dir.path().join("data/audit.jsonl"));
    // The sample data come through the same door.
    let (senders, victor): (Vec<_>, Vec<_>) = lines.iter().partition(|line| {
        let subject = line["subject"].as_str();
        subject.is_some_and(|subject| subject.ends_with("-sender@clients"))
    });
    assert!(senders.iter().any(|line| line["endpoint"] == "loki_push"));
    assert_eq!(victor.len(), 1, "{victor:?}");
    assert_eq!(victor[0]["decision"], "allow");
    assert_eq!(
        victor[0]["queries"][0],
        r#"{level="error", resource_id="shop-api"}"#
    );
}

#[test]
fn a_file_is_opened_anew_at_sighup_and_whole_at_the_end() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("audit.jsonl");
    let mut variables = ALONE.to_vec();
    variables.push(("KTRLPLANE_AUDIT_OUTPUT", "./audit.jsonl"));
    let (gateway, url) = serve(dir.path(), &variables);
    assert_eq!(get(&url, LOGS, None, NOTHING).0, 401);
    wait_for(|| (lines(&file).len() == 1).then_some(()));
    let moved = dir.path().join("audit.jsonl.1");
    std::fs::rename(&file, &moved).unwrap();
    let id = gateway.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &id])
            .status()
            .unwrap()
            .success()
    );
    wait_for(|| file.exists().then_some(()));
    for _ in 0..20 {
        assert_eq!(get(&url, LOGS, None, NOTHING).0, 401);
    }
    assert!(gateway.terminate());
    assert_eq!((lines(&moved).len(), lines(&file).len()), (1, 20));
}

#[test]
fn without_a_word_about_it_the_audit_is_on_standard_output_and_the_log_is_not() {
    let dir = tempdir().unwrap();
    let mut command = ktrlplane(dir.path());
    command.arg("serve").envs(ALONE);
    command.env("KTRLPLANE_SERVER_HOST", "127.0.0.1");
    command.env("KTRLPLANE_SERVER_PORT", "0");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let audit = child.stdout.take().unwrap();
    let gateway = Running::new(child);
    let url = log.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("listening address=")?;
        Some(format!("http://{}", rest.split_whitespace().next()?))
    });
    std::thread::spawn(move || log.count());
    assert_eq!(get(&url.unwrap(), LOGS, None, NOTHING).0, 401);
    assert!(gateway.terminate());
    let text = std::io::read_to_string(audit).unwrap();
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&line["target"], &line["status"]),
        (&"audit".into(), &401.into())
    );
}

#[test]
fn a_check_opens_the_file_that_a_start_would() {
    let dir = tempdir().unwrap();
    for (output, expected) in [
        (
            "./new.jsonl",
            "audit          ok      ./new.jsonl can be written",
        ),
        ("stdout", "audit          ok      goes to standard output"),
        ("off", "audit          ok      is off: nothing is audited"),
        (
            "./no/such",
            "audit          FAILED  ./no/such cannot be opened: ",
        ),
    ] {
        let mut command = ktrlplane(dir.path());
        command
            .arg("check")
            .envs(ALONE)
            .env("KTRLPLANE_AUDIT_OUTPUT", output);
        let said = stdout(&run(&mut command, ""));
        assert!(
            said.lines().any(|line| line.starts_with(expected)),
            "{said}"
        );
    }
}
