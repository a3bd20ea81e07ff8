//! `ktrlplane config`, and what a start says about a bad configuration.

use tempfile::tempdir;

use crate::harness::{ktrlplane, run, stderr, stdout};

const FILE: &str = "\
observability:
  loki:
    enabled: true
    url: \"http://reader:hunter2@loki-gateway:3100\"
auth:
  issuer: \"https://tenant.eu.auth0.com/\"
  audience: api
database:
  host: db
  user: ktrlplane
  password: hunter2
  dbname: ktrlplane
";

#[test]
fn the_configuration_in_the_working_directory_is_shown_without_its_secrets() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("config.yaml"), FILE).unwrap();
    let mut command = ktrlplane(dir.path());
    command.arg("config").env("KTRLPLANE_SERVER_PORT", "9090");
    let output = run(&mut command, "");
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(!shown.contains("hunter2"), "{shown}");
    for line in [
        "    url: \"http://reader:***@loki-gateway:3100\"  # config.yaml, line 4\n",
        "  port: 9090  # environment, KTRLPLANE_SERVER_PORT\n",
        "  password: \"***\"  # config.yaml, line 11\n",
        "  host: 0.0.0.0  # default\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn every_command_that_needs_the_configuration_stops_at_what_is_wrong_with_it() {
    let dir = tempdir().unwrap();
    let text = FILE.replace("auth:", "stripe: {key: hunter2}\nauth:");
    let file = dir.path().join("other.yaml");
    std::fs::write(&file, text).unwrap();
    for name in ["serve", "check", "config"] {
        let mut command = ktrlplane(dir.path());
        let output = run(command.arg(name).arg("--config").arg("other.yaml"), "");
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert_eq!(
            stderr(&output),
            "ktrlplane: other.yaml has the unknown key stripe; the sections are observability, \
             server, auth, database, audit, management, ingest, limits, explore, metrics, traces, log, \
             embedded\n"
        );
    }
}

#[test]
fn a_file_that_was_named_must_exist_and_one_that_was_not_need_not() {
    let dir = tempdir().unwrap();
    let mut command = ktrlplane(dir.path());
    let output = run(command.args(["serve", "--config", "nowhere.yaml"]), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("ktrlplane: nowhere.yaml cannot be read: "));
    let output = run(ktrlplane(dir.path()).arg("serve"), "");
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    let mut lines = said.lines();
    for key in [
        "auth.issuer (KTRLPLANE_AUTH_ISSUER)",
        "auth.audience (KTRLPLANE_AUTH_AUDIENCE)",
    ] {
        let line = lines.next().unwrap();
        assert!(
            line.starts_with(&format!("ktrlplane: {key} is missing; expected ")),
            "{line}"
        );
    }
    let last = lines.next().unwrap();
    assert!(
        last.starts_with("ktrlplane: no configuration file was read: "),
        "{last}"
    );
    assert_eq!(lines.next(), None);
}

#[test]
fn the_version_and_the_help_are_told() {
    let dir = tempdir().unwrap();
    let short = concat!("ktrlplane ", env!("CARGO_PKG_VERSION"), "\n");
    let version = run(ktrlplane(dir.path()).arg("-V"), "");
    assert_eq!(stdout(&version), short);
    let version = stdout(&run(ktrlplane(dir.path()).arg("--version"), ""));
    let told = version.strip_prefix(short).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    let [commit, logql, promql] = lines[..] else {
        panic!("{version}");
    };
    assert!(commit.starts_with("commit "), "{version}");
    assert!(logql.starts_with("LogQL as Loki "), "{version}");
    assert!(promql.starts_with("PromQL as Prometheus "), "{version}");
    for name in [
        "serve",
        "check",
        "health",
        "config",
        "demo",
        "token",
        "scope",
        "completions",
        "man",
    ] {
        let help = stdout(&run(ktrlplane(dir.path()).args([name, "--help"]), ""));
        assert!(help.contains("Examples:"), "{help}");
    }
    let overview = stdout(&run(ktrlplane(dir.path()).arg("--help"), ""));
    assert!(overview.contains("/docs"), "{overview}");
    for name in [
        "org", "project", "resource", "grant", "revoke", "access", "roles", "user", "audit",
    ] {
        let help = ["admin", name, "--help"];
        let help = stdout(&run(ktrlplane(dir.path()).args(help), ""));
        assert!(help.contains("\nExample"), "{help}");
    }
}

#[test]
fn shells_are_told_the_commands_and_their_options() {
    let dir = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let made = run(ktrlplane(dir.path()).args(["completions", shell]), "");
        let text = stdout(&made);
        for word in ["serve", "resource-id", "page-origin"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
    // What bash makes of it, where there is one.
    let made = stdout(&run(
        ktrlplane(dir.path()).args(["completions", "bash"]),
        "",
    ));
    let script = dir.path().join("completions");
    std::fs::write(&script, made).unwrap();
    let asked = "source completions; COMP_WORDS=(ktrlplane se); COMP_CWORD=1; \
                 _ktrlplane ktrlplane se ktrlplane; echo ${COMPREPLY[@]}";
    let bash = std::process::Command::new("bash")
        .current_dir(dir.path())
        .args(["-c", asked])
        .output();
    if let Ok(bash) = bash {
        assert_eq!(String::from_utf8_lossy(&bash.stdout).trim(), "serve");
    }
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let dir = tempdir().unwrap();
    let page = stdout(&run(ktrlplane(dir.path()).arg("man"), ""));
    assert!(page.contains(".TH ktrlplane 1"), "{page}");
    let made = run(ktrlplane(dir.path()).args(["man", "--dir", "man1"]), "");
    assert_eq!(stdout(&made), "");
    for name in ["ktrlplane", "ktrlplane-serve", "ktrlplane-admin-project"] {
        let page = std::fs::read_to_string(dir.path().join(format!("man1/{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
}
