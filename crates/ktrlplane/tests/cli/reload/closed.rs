//! What was closed stays so, whatever becomes of the file.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::tempdir;

use super::{Configured, eventually, in_place, lines};
use crate::harness::{Running, ktrlplane, run, stderr, stdout};
use crate::tls::{ALONE, Papers};

/// A gateway that decides on nobody, in `dir`, with these arguments; its log is `dir/log`.
struct Alone<'a> {
    dir: &'a Path,
    gateway: Running,
}

impl<'a> Alone<'a> {
    fn new(dir: &'a Path, arguments: &[&str]) -> Self {
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let mut command = ktrlplane(dir);
        command.arg("serve").args(arguments).envs(ALONE);
        command.env("KTRLPLANE_SERVER_HOST", "127.0.0.1");
        command.env("KTRLPLANE_SERVER_PORT", "0");
        command.stdout(Stdio::null()).stderr(log);
        let gateway = Running::new(command.spawn().unwrap());
        let alone = Self { dir, gateway };
        alone.logged(1, &["listening address="]);
        alone
    }

    /// Waits until so many lines of the log have all of these in them, and returns the last one.
    fn logged(&self, times: usize, parts: &[&str]) -> String {
        eventually(|| {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap();
            let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
            let found: Vec<_> = log.lines().filter(has_all).collect();
            assert!(found.len() <= times, "{log}");
            (found.len() == times).then(|| found[times - 1].to_owned())
        })
    }

    fn hang_up(&self) {
        let id = self.gateway.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status();
        assert!(sent.unwrap().success());
    }
}

#[test]
fn a_file_that_is_gone_or_empty_or_something_else_leaves_all_as_it_was() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let closed = "management: {create: nobody, reserved: [secret-tenant]}\n";
    std::fs::write(&file, closed).unwrap();
    let alone = Alone::new(dir.path(), &[]);
    let stays = |times, why: &str| alone.logged(times, &["ERROR", "stays in force", why]);
    std::fs::remove_file(&file).unwrap();
    stays(1, "No such file");
    std::fs::write(&file, "").unwrap();
    stays(1, "config.yaml cannot be read: it gives no key any more");
    std::fs::write(&file, "management:\n").unwrap();
    stays(2, "it gives no key any more");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    stays(1, "it is a directory, and no regular file");
    // From a directory to nothing is another trouble.
    std::fs::remove_dir(&file).unwrap();
    stays(2, "No such file");
    let made = Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    stays(1, "it is a pipe, and no regular file");
    // Who asks hears of it again.
    alone.hang_up();
    stays(2, "it is a pipe, and no regular file");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, closed).unwrap();
    alone.hang_up();
    alone.logged(1, &["nothing has changed"]);
    assert!(alone.gateway.terminate());
}

#[test]
fn what_opens_what_was_closed_stays_out_whole_and_what_closes_more_is_taken() {
    let management = |create: &str, reserved: &str| {
        format!("management: {{create: {create}, reserved: [{reserved}]}}\n")
    };
    let closed = management("members", "one, two");
    let configured = Configured::new(&format!("{}{closed}", lines(100)), in_place);
    for (more, key) in [
        (String::new(), "management.create"),
        (management("anyone", "one, two"), "management.create"),
        (management("members", "one"), "management.reserved"),
    ] {
        let log = configured.dir.path().join("log");
        std::fs::write(&log, "").unwrap();
        // Beside it stands what could change.
        configured.write(&format!("{}{more}", lines(10)));
        let line = configured.logged(&["ERROR", "stays in force", key]);
        assert!(line.contains("opens what was closed"), "{line}");
        assert!(line.contains("restart to change it"), "{line}");
        assert_eq!(configured.asks_for("50"), 200, "{more}");
    }
    let limits = "limits: {subject: {queries: 3}}\n";
    let closed = management("nobody", "one, two, three");
    configured.write(&format!("{}{closed}{limits}", lines(10)));
    configured.logged(&["in force", "management.create, management.reserved"]);
    assert_eq!(configured.asks_for("50"), 400);
    // Limits may go back to their defaults, and the log says which did.
    configured.write(&format!("{}{closed}", lines(11)));
    configured.logged(&["in force", "max_lines, limits.subject.queries"]);
    assert!(configured.gateway.unwrap().terminate());
}

#[test]
fn client_certificates_are_asked_for_also_when_the_file_is_cut_off_before_their_authority() {
    let papers = Papers::new();
    let dir = papers.0.path();
    let file = dir.join("gateway.yaml");
    let whole = format!(
        "server:\n  tls:\n    min_version: 1.3\n    certificate: {}\n    key: {}\n    client_ca: {}\n",
        papers.path("server.crt"),
        papers.path("server.key"),
        papers.path("ca.crt"),
    );
    std::fs::write(&file, &whole).unwrap();
    let alone = Alone::new(dir, &["--config", "gateway.yaml"]);
    let line = alone.logged(1, &["listening address="]);
    let (_, rest) = line.split_once("listening address=").unwrap();
    let address = rest.split_whitespace().next().unwrap();
    let gets_in = || {
        let mut curl = Command::new("curl");
        let url = format!("https://{address}/livez");
        curl.args(["-sS", "-m", "60", "--cacert", &papers.path("ca.crt"), &url]);
        run(&mut curl, "").status.success()
    };
    assert!(!gets_in());
    let (cut, _) = whole.split_once("    client_ca").unwrap();
    std::fs::write(&file, cut).unwrap();
    alone.logged(
        1,
        &["ERROR", "server.tls.client_ca", "opens what was closed"],
    );
    assert!(!gets_in());
    let optional = format!("{whole}    client_certificates: optional\n");
    std::fs::write(&file, optional.replace("1.3", "1.2")).unwrap();
    for key in ["client_certificates", "min_version"] {
        alone.logged(1, &["ERROR", key, "opens what was closed"]);
    }
    assert!(!gets_in());
    assert!(alone.gateway.terminate());
}

#[test]
fn a_configuration_that_everybody_may_write_is_warned_of_at_the_start_and_when_it_is_read_again() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let allow = |mode| std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    std::fs::write(&file, "limits: {subject: {queries: 3}}\n").unwrap();
    allow(0o666);
    let alone = Alone::new(dir.path(), &[]);
    let warned = ["WARN", "every user of this machine may write config.yaml"];
    alone.logged(1, &warned);
    alone.hang_up();
    alone.logged(2, &warned);
    std::fs::write(&file, "limits: {subject: {queries: 4}}\n").unwrap();
    alone.logged(3, &warned);
    allow(0o664);
    alone.hang_up();
    alone.logged(2, &["nothing has changed"]);
    alone.logged(3, &warned);
    assert!(alone.gateway.terminate());
}

#[test]
fn a_configuration_may_come_out_of_a_pipe_at_the_start_and_is_not_read_from_it_again() {
    let dir = tempdir().unwrap();
    let mut show = ktrlplane(dir.path());
    show.args(["config", "--config", "/dev/stdin"]);
    let shown = run(&mut show, "server: {port: 4711}\n");
    assert!(stdout(&shown).contains("port: 4711"), "{}", stderr(&shown));
    let device = run(
        ktrlplane(dir.path()).args(["config", "--config", "/dev/zero"]),
        "",
    );
    assert!(
        stderr(&device).contains("/dev/zero cannot be read: it is a device, and no regular file"),
        "{}",
        stderr(&device)
    );
    // As a shell does it for `<(…)`: whoever writes the pipe has gone by the time of the signal.
    let pipe = dir.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&pipe, "limits: {subject: {queries: 3}}\n").unwrap());
        let alone = Alone::new(dir.path(), &["--config", "pipe"]);
        alone.hang_up();
        alone.logged(
            1,
            &[
                "ERROR",
                "stays in force",
                "pipe cannot be read: it is a pipe",
            ],
        );
        assert!(alone.gateway.terminate());
    });
}
