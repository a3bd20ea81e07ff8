//! What comes while the gateway is still starting.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::{TempDir, tempdir};

use super::eventually;
use crate::harness::{PATIENCE, Running, ktrlplane};
use crate::tls::ALONE;

/// A gateway whose start takes until somebody reads its audit.
struct Starting {
    dir: TempDir,
    pipe: PathBuf,
    gateway: Running,
}

fn spawn(dir: &Path, text: &str) -> Child {
    std::fs::write(dir.join("config.yaml"), text).unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let mut command = ktrlplane(dir);
    command.arg("serve").envs(ALONE);
    command.env("KTRLPLANE_SERVER_HOST", "127.0.0.1");
    command.env("KTRLPLANE_SERVER_PORT", "0");
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn signal(id: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &id.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

impl Starting {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        let pipe = dir.path().join("audit");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let child = spawn(dir.path(), &text(&pipe, 3));
        let gateway = Running::new(child);
        let starting = Self { dir, pipe, gateway };
        starting.logged("starting version=");
        // It hears who wants it to end: what is left is the gateway itself, and with it the audit.
        eventually(|| starting.hears(15).then_some(()));
        starting
    }

    /// Whether this signal does not do what it does by default.
    fn hears(&self, signal: u32) -> bool {
        let status = format!("/proc/{}/status", self.gateway.id());
        let status = std::fs::read_to_string(status).unwrap();
        let mut lines = status.lines();
        let caught = lines.find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        caught & (1 << (signal - 1)) != 0
    }

    fn write(&self, queries: u32) {
        let text = text(&self.pipe, queries);
        std::fs::write(self.dir.path().join("config.yaml"), text).unwrap();
    }

    /// Lets the start go on, and waits for its end.
    fn go_on(&self) -> std::fs::File {
        let reader = std::fs::File::open(&self.pipe).unwrap();
        self.logged("listening address=");
        reader
    }

    fn logged(&self, part: &str) {
        eventually(|| {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
            log.contains(part).then_some(())
        });
    }
}

fn text(audit: &Path, queries: u32) -> String {
    format!(
        "audit: {{output: {}}}\ndatabase: {{url: \"sqlite:directory.db\"}}\nlimits: {{subject: {{queries: {queries}}}}}\n",
        audit.display()
    )
}

#[test]
fn a_file_that_changes_during_the_start_is_taken_after_it() {
    let starting = Starting::new();
    starting.write(4);
    let _reader = starting.go_on();
    starting.logged("is in force keys=\"limits.subject.queries\"");
    assert!(starting.gateway.terminate());
}

#[test]
fn a_hangup_during_the_start_leads_to_a_look_at_the_configuration_after_it() {
    let starting = Starting::new();
    signal(starting.gateway.id(), "-HUP");
    let _reader = starting.go_on();
    starting.logged("the configuration was read again: nothing has changed");
    assert!(starting.gateway.terminate());
}

#[test]
fn the_start_is_ended_at_once_also_while_a_file_is_waited_for() {
    let starting = Starting::new();
    assert!(starting.gateway.terminate());
}

#[test]
fn a_hangup_does_not_end_a_start_that_waits_for_its_database_and_a_termination_does() {
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = database.local_addr().unwrap().port();
    let dir = tempdir().unwrap();
    let url = format!("database: {{url: \"postgres://u@127.0.0.1:{port}/d\"}}\n");
    let mut child = spawn(dir.path(), &url);
    // It has asked, and is never answered.
    let _asked = database.accept().unwrap();
    signal(child.id(), "-HUP");
    signal(child.id(), "-TERM");
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begin.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(status.signal(), Some(15), "{status}");
}
