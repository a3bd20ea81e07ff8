//! Another configuration while the gateway runs.

mod closed;
mod starting;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::harness::{NOTHING, PATIENCE, Running, demo, get, ktrlplane, run, stdout, token};

const LOGS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs";

/// A gateway with a file, beside a demo whose tokens it takes.
struct Configured {
    dir: TempDir,
    _demo: Running,
    told: Value,
    gateway: Option<Running>,
    url: String,
}

fn eventually<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "this did not become true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Configured {
    /// Started with `more` in its file, which `place` puts where it is read.
    fn new(more: &str, place: impl FnOnce(&Path, &str) -> PathBuf) -> Self {
        let dir = tempdir().unwrap();
        let (demo, told) = demo(dir.path());
        let mut configured = Self {
            dir,
            _demo: demo,
            told,
            gateway: None,
            url: String::new(),
        };
        let text = configured.text(more);
        let file = place(configured.dir.path(), &text);
        let log = std::fs::File::create(configured.dir.path().join("log")).unwrap();
        let mut command = ktrlplane(configured.dir.path());
        command.args(["serve", "--config"]).arg(file);
        command.stdout(Stdio::null()).stderr(log);
        configured.gateway = Some(Running::new(command.spawn().unwrap()));
        let line = configured.logged(&["listening address="]);
        let (_, rest) = line.split_once("listening address=").unwrap();
        let address = rest.split_whitespace().next().unwrap();
        configured.url = format!("http://{address}");
        configured
    }

    /// The whole file, with `more` in it.
    fn text(&self, more: &str) -> String {
        let directory = self.dir.path().join("data/directory.sqlite");
        format!(
            "auth: {{issuer: \"{}\", audience: ktrlplane-demo}}\n\
             database: {{url: \"sqlite:{}\"}}\n\
             embedded: {{directory: memory}}\n{more}",
            self.told["issuer"].as_str().unwrap(),
            directory.display(),
        )
    }

    fn write(&self, more: &str) {
        std::fs::write(self.dir.path().join("gateway.yaml"), self.text(more)).unwrap();
    }

    /// The first line of the log that has all of these in it.
    fn logged(&self, parts: &[&str]) -> String {
        eventually(|| {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
            let mut lines = log.lines();
            let line = lines.find(|line| parts.iter().all(|part| line.contains(part)));
            line.map(str::to_owned)
        })
    }

    fn hang_up(&self) {
        let id = self.gateway.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status();
        assert!(sent.unwrap().success());
    }

    /// The status of a request for so many lines.
    fn asks_for(&self, lines: &str) -> u16 {
        let victor = Some(token(&self.told, "victor"));
        get(&self.url, LOGS, victor, &[("limit", lines)]).0
    }
}

fn in_place(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("gateway.yaml");
    std::fs::write(&file, text).unwrap();
    file
}

/// On a port that the system picks, with so many lines at most.
fn lines(most: u32) -> String {
    format!(
        "server: {{host: 127.0.0.1, port: 0}}\n\
         observability: {{loki: {{enabled: true, url: \"embedded:\", max_lines: {most}}}}}\n"
    )
}

#[test]
fn a_changed_file_is_in_force_without_a_restart_and_no_request_is_lost() {
    let configured = Configured::new(&lines(100), in_place);
    assert_eq!(configured.asks_for("50"), 200);
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(configured.asks_for("5"), 200);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        configured.write(&lines(10));
        eventually(|| (configured.asks_for("50") == 400).then_some(()));
        let line = configured.logged(&["was read again and is in force"]);
        assert!(line.contains("observability.loki.max_lines"), "{line}");
        configured.write(&format!(
            "{}limits: {{subject: {{queries: 3}}}}\n",
            lines(100)
        ));
        configured.hang_up();
        configured.logged(&["in force", "limits.subject.queries"]);
        assert_eq!(configured.asks_for("50"), 200);
        let so_far = asked.load(Ordering::Relaxed);
        eventually(|| (asked.load(Ordering::Relaxed) > so_far + 10).then_some(()));
        stop.store(true, Ordering::Relaxed);
    });
    assert!(configured.gateway.unwrap().terminate());
}

#[test]
fn what_cannot_be_used_or_changed_stays_out_whole_and_the_log_says_why() {
    let configured = Configured::new(&lines(100), in_place);
    for (more, said) in [
        ("\t: [", "cannot be read"),
        ("limts: {}", "unknown key limts; did you mean limits?"),
        (
            "limits: {subject: {queries: hunter2}}",
            "limits.subject.queries (KTRLPLANE_LIMITS_SUBJECT_QUERIES) is \"hunter2\" (from ",
        ),
        ("ingest: {max_labels: 7}", "ingest.max_labels ("),
    ] {
        // Beside it stands what could change.
        configured.write(&format!("{}{more}\n", lines(10)));
        configured.logged(&["ERROR", "stays in force", said]);
        assert_eq!(configured.asks_for("50"), 200, "{more}");
    }
    let line = configured.logged(&["ERROR", "ingest.max_labels"]);
    assert!(line.contains("gateway.yaml, line "), "{line}");
    assert!(line.contains("restart to change it"), "{line}");
    // A certificate where there was none.
    configured
        .write(&lines(10).replace("port: 0", "port: 0, tls: {certificate: a.crt, key: a.key}"));
    configured.logged(&["ERROR", "server.tls.certificate", "restart to change it"]);
    assert_eq!(configured.asks_for("50"), 200);
    // No file at all.
    let file = configured.dir.path().join("gateway.yaml");
    std::fs::remove_file(file).unwrap();
    configured.logged(&["ERROR", "stays in force", "No such file"]);
    assert_eq!(configured.asks_for("50"), 200);
    configured.write(&lines(10));
    eventually(|| (configured.asks_for("50") == 400).then_some(()));
    assert!(configured.gateway.unwrap().terminate());
}

#[test]
fn the_metrics_say_whether_what_stands_in_the_file_is_in_force() {
    let serving = |most| format!("{}metrics: {{listen: \"127.0.0.1:0\"}}\n", lines(most));
    let configured = Configured::new(&serving(100), in_place);
    let line = configured.logged(&["own metrics address=127.0.0.1:"]);
    let (_, rest) = line.split_once("address=").unwrap();
    let url = format!("http://{}/metrics", rest.split_whitespace().next().unwrap());
    let says = |value: &str| {
        let page = run(Command::new("curl").args(["-sS", "-m", "60", &url]), "");
        let wanted = format!("\nktrlplane_config_last_reload_successful {value}.0\n");
        stdout(&page).contains(&wanted).then_some(())
    };
    eventually(|| says("1"));
    configured.write(&format!("{}limts: {{}}\n", serving(100)));
    eventually(|| says("0"));
    // What is right and needs a restart is not in force either.
    configured.write(&format!("{}ingest: {{max_labels: 7}}\n", serving(100)));
    configured.logged(&["ERROR", "ingest.max_labels"]);
    eventually(|| says("0"));
    // As it was before.
    configured.write(&serving(100));
    eventually(|| says("1"));
    assert!(configured.gateway.unwrap().terminate());
}

#[test]
fn a_link_that_is_replaced_is_followed_and_a_signal_without_a_change_is_harmless() {
    let configured = Configured::new(&lines(100), |dir, text| {
        std::fs::create_dir(dir.join("one")).unwrap();
        std::fs::write(dir.join("one/config.yaml"), text).unwrap();
        symlink("one", dir.join("..data")).unwrap();
        symlink("..data/config.yaml", dir.join("config.yaml")).unwrap();
        dir.join("config.yaml")
    });
    configured.hang_up();
    configured.logged(&["the configuration was read again: nothing has changed"]);
    assert_eq!(configured.asks_for("50"), 200);
    let dir = configured.dir.path();
    std::fs::create_dir(dir.join("two")).unwrap();
    std::fs::write(dir.join("two/config.yaml"), configured.text(&lines(10))).unwrap();
    symlink("two", dir.join("..new")).unwrap();
    std::fs::rename(dir.join("..new"), dir.join("..data")).unwrap();
    eventually(|| (configured.asks_for("50") == 400).then_some(()));
    assert!(configured.gateway.unwrap().terminate());
}

#[test]
fn debug_is_logged_from_one_reload_to_the_next() {
    let level = |level: &str| format!("{}log: {{level: \"{level}\"}}\n", lines(100));
    let configured = Configured::new(&level("info"), in_place);
    let log = || std::fs::read_to_string(configured.dir.path().join("log")).unwrap();
    // Who may do nothing there is refused, and why is in the log at debug.
    let asks = || {
        let mallory = Some(token(&configured.told, "mallory"));
        assert_eq!(get(&configured.url, LOGS, mallory, NOTHING).0, 403);
    };
    // A request whose own line is there: what it had to say before that is there as well.
    let answered = || {
        let before = log().matches("status=403").count();
        asks();
        eventually(|| (log().matches("status=403").count() > before).then_some(()));
    };
    answered();
    assert!(!log().contains("DEBUG"), "{}", log());
    configured.write(&level("info,gateway=debug"));
    configured.hang_up();
    configured.logged(&["in force", "log.level"]);
    asks();
    configured.logged(&["DEBUG", "gateway::authorize", "refused"]);
    configured.write(&level("info"));
    configured.hang_up();
    eventually(|| (log().matches("in force").count() == 2).then_some(()));
    answered();
    let log = log();
    let (_, after) = log.rsplit_once("in force").unwrap();
    assert!(
        after.contains("status=403") && !after.contains("DEBUG"),
        "{after}"
    );
    assert!(configured.gateway.unwrap().terminate());
}

/// Who asks for it may take it back at once: what stands in the file in the end is in force.
#[test]
fn what_was_taken_at_a_signal_is_compared_with_what_the_file_holds_later() {
    let configured = Configured::new(&lines(100), in_place);
    configured.write(&lines(10));
    configured.hang_up();
    configured.logged(&["in force", "observability.loki.max_lines"]);
    configured.write(&lines(100));
    eventually(|| (configured.asks_for("50") == 200).then_some(()));
    assert!(configured.gateway.unwrap().terminate());
}

/// What a gateway with this `RUST_LOG` has logged when it listens.
fn log_with(rust_log: &str) -> String {
    let dir = tempdir().unwrap();
    let file = dir.path().join("log");
    let mut command = ktrlplane(dir.path());
    command.arg("serve").envs([
        ("KTRLPLANE_AUTH_ISSUER", "http://127.0.0.1:9/"),
        ("KTRLPLANE_AUTH_AUDIENCE", "a"),
        ("KTRLPLANE_SERVER_HOST", "127.0.0.1"),
        ("KTRLPLANE_SERVER_PORT", "0"),
        ("KTRLPLANE_LOG_LEVEL", "info"),
        ("RUST_LOG", rust_log),
    ]);
    command.stdout(Stdio::null());
    command.stderr(std::fs::File::create(&file).unwrap());
    let gateway = Running::new(command.spawn().unwrap());
    let log = || std::fs::read_to_string(&file).unwrap();
    eventually(|| log().contains("listening address=").then_some(()));
    assert!(gateway.terminate());
    log()
}

#[test]
fn the_log_says_where_rust_log_decides_in_place_of_the_configuration_and_where_it_cannot() {
    let log = log_with("info");
    let decides = "RUST_LOG says what is logged";
    assert!(log.contains("WARN") && log.contains(decides), "{log}");
    // A level that is none, of a span that is named.
    let log = log_with("gateway[request]=loud");
    let wrong = "RUST_LOG cannot be understood";
    assert!(log.contains("WARN") && log.contains(wrong), "{log}");
    assert!(!log.contains(decides), "{log}");
}
