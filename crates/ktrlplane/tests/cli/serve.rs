//! `ktrlplane serve` and `ktrlplane check`, with a demo's issuer and directory as counterparts.

use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::harness::{NOTHING, demo, get, ktrlplane, last_hour, run, serve, stderr, stdout, token};

const LOGS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs";
const METRICS: &str = "/api/v1/projects/acme-shop/resources/shop-api/metrics/query_range";

/// The variables for a gateway that trusts the demo's issuer and shares its directory.
fn beside(dir: &Path, demo: &Value) -> Vec<(&'static str, String)> {
    let directory = dir.join("data/directory.sqlite");
    vec![
        (
            "KTRLPLANE_AUTH_ISSUER",
            demo["issuer"].as_str().unwrap().to_owned(),
        ),
        ("KTRLPLANE_AUTH_AUDIENCE", "ktrlplane-demo".to_owned()),
        (
            "KTRLPLANE_DATABASE_URL",
            format!("sqlite:{}", directory.display()),
        ),
    ]
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[test]
fn with_nothing_enabled_the_endpoints_answer_503_and_the_gateway_is_healthy() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let variables = beside(dir.path(), &told);
    let (gateway, url) = serve(dir.path(), &borrowed(&variables));
    let victor = Some(token(&told, "victor"));
    let cpu = last_hour("cpu_usage_percent");
    assert_eq!(get(&url, LOGS, victor, NOTHING).0, 503);
    assert_eq!(get(&url, METRICS, victor, &cpu).0, 503);
    // Who may not ask is not told that either.
    assert_eq!(
        get(&url, LOGS, Some(token(&told, "mallory")), NOTHING).0,
        403
    );
    assert_eq!(get(&url, "/livez", None, NOTHING).0, 200);
    assert!(gateway.terminate());
}

#[test]
fn a_backend_that_is_not_there_is_a_502_and_an_embedded_one_answers() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let variables = beside(dir.path(), &told);
    let mut variables = borrowed(&variables);
    variables.extend([
        ("KTRLPLANE_OBSERVABILITY_LOKI_ENABLED", "true"),
        // The discard port: nobody listens there.
        ("KTRLPLANE_OBSERVABILITY_LOKI_URL", "http://127.0.0.1:9"),
        ("KTRLPLANE_OBSERVABILITY_MIMIR_ENABLED", "true"),
        ("KTRLPLANE_OBSERVABILITY_MIMIR_URL", "embedded:"),
    ]);
    let (_gateway, url) = serve(dir.path(), &variables);
    let victor = Some(token(&told, "victor"));
    let cpu = last_hour("cpu_usage_percent");
    assert_eq!(get(&url, LOGS, victor, NOTHING).0, 502);
    let (status, answer) = get(&url, METRICS, victor, &cpu);
    assert_eq!(
        (status, &answer["status"]),
        (200, &Value::from("success")),
        "{answer}"
    );
}

/// The demo's identity provider exists in the demo alone: with the demo's directory at hand and its
/// issuer configured, `serve` still brings up no issuer, so its tokens are worth nothing.
#[test]
fn serve_has_no_identity_provider_whatever_it_is_configured_with() {
    let dir = tempdir().unwrap();
    let (demo, told) = demo(dir.path());
    assert!(demo.terminate());
    let variables = beside(dir.path(), &told);
    let (gateway, url) = serve(dir.path(), &borrowed(&variables));
    let (status, _) = get(&url, LOGS, Some(token(&told, "victor")), NOTHING);
    assert_eq!(status, 503, "no keys, no decision");
    for path in ["/.well-known/openid-configuration", "/jwks.json", "/token"] {
        assert_eq!(get(&url, path, None, NOTHING).0, 404, "{path}");
    }
    // Whether the issuer's old port is taken says nothing: any process may have got it since.
    assert_eq!(
        listening_ports(gateway.id()).len(),
        1,
        "the gateway's own port alone"
    );
}

/// The state of a listening socket, in the kernel's tables.
const LISTEN: &str = "0A";

/// The ports that a process listens on, as Linux tells them.
fn listening_ports(process: u32) -> std::collections::BTreeSet<u16> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            Some(
                link.to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    let mut ports = std::collections::BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let table = std::fs::read_to_string(format!("/proc/{process}/net/{table}"));
        for line in table.unwrap_or_default().lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            if columns[3] == LISTEN && sockets.iter().any(|inode| inode == columns[9]) {
                let (_, port) = columns[1].rsplit_once(':').unwrap();
                ports.insert(u16::from_str_radix(port, 16).unwrap());
            }
        }
    }
    ports
}

/// The same from within: no other code than the two commands names the demo.
#[test]
fn only_the_commands_demo_and_token_know_the_demo() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut knowing = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path)
                .unwrap()
                .contains("crate::demo")
                || std::fs::read_to_string(&path)
                    .unwrap()
                    .contains("crate::{demo")
            {
                let source = path
                    .to_str()
                    .unwrap()
                    .split("/src/")
                    .last()
                    .unwrap()
                    .to_owned();
                knowing.push(source);
            }
        }
    }
    knowing.retain(|path| !path.starts_with("demo/"));
    knowing.sort();
    assert_eq!(knowing, ["commands/demo.rs", "commands/token.rs"]);
}

#[test]
fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let dir = tempdir().unwrap();
    let mut command = ktrlplane(dir.path());
    command.arg("serve").envs([
        ("KTRLPLANE_AUTH_ISSUER", "http://127.0.0.1:9/"),
        ("KTRLPLANE_AUTH_AUDIENCE", "a"),
        (
            "KTRLPLANE_DATABASE_URL",
            "postgres://u:hunter2@127.0.0.1:9/d?sslmode=never",
        ),
    ]);
    let output = run(&mut command, "");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("postgres://u:***@127.0.0.1:9/d"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn check_says_which_part_is_wrong_and_what_to_look_at() {
    let dir = tempdir().unwrap();
    let (demo, told) = demo(dir.path());
    let variables = beside(dir.path(), &told);
    let check = |more: &[(&str, &str)]| {
        let mut command = ktrlplane(dir.path());
        command
            .arg("check")
            .envs(borrowed(&variables))
            .envs(more.iter().copied());
        run(&mut command, "")
    };
    let good = check(&[
        ("KTRLPLANE_OBSERVABILITY_LOKI_ENABLED", "true"),
        ("KTRLPLANE_OBSERVABILITY_LOKI_URL", "embedded:"),
    ]);
    let said = stdout(&good);
    assert!(good.status.success(), "{said}{}", stderr(&good));
    for start in [
        "configuration  ok",
        "directory      ok",
        "issuer         ok",
        "logs           ok",
        "metrics        off",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(start)),
            "{start}: {said}"
        );
    }
    assert!(!said.contains("management"), "{said}");
    assert!(demo.terminate());
    let bad = check(&[
        ("KTRLPLANE_OBSERVABILITY_LOKI_ENABLED", "true"),
        (
            "KTRLPLANE_OBSERVABILITY_LOKI_URL",
            "http://u:hunter2@127.0.0.1:9",
        ),
        ("KTRLPLANE_OBSERVABILITY_MIMIR_ENABLED", "true"),
        ("KTRLPLANE_OBSERVABILITY_MIMIR_URL", "https://127.0.0.1:9"),
        (
            "KTRLPLANE_OBSERVABILITY_MIMIR_TLS_CA_FILE",
            "/nowhere/ca.crt",
        ),
        (
            "KTRLPLANE_DATABASE_URL",
            "postgres://u:hunter2@127.0.0.1:9/d",
        ),
    ]);
    let said = stdout(&bad);
    assert_eq!(bad.status.code(), Some(1), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    for (part, key) in [
        ("management     warning", "management.reserved"),
        ("directory      FAILED", "database.url"),
        ("issuer         FAILED", "auth.issuer"),
        ("logs           FAILED", "observability.loki.url"),
        (
            "metrics        FAILED",
            "the CA file /nowhere/ca.crt cannot be read: No such file",
        ),
    ] {
        let line = said.lines().find(|line| line.starts_with(part));
        assert!(
            line.is_some_and(|line| line.contains(key)),
            "{part}: {said}"
        );
    }
}
