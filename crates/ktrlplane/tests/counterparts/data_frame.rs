//! The Python package `prometheus-api-client` reads a resource into data frames.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::missing;
use crate::prometheus::{Data, Prometheus, START};
use crate::world::{PROJECT, RESOURCE, World};

const ALL: Data = &[("shop-api", "ours"), ("shop-db", "theirs")];
const OURS: Data = &[("shop-api", "ours")];

/// What the script read from a server.
fn read(python: &PathBuf, url: &str, token: &str) -> Value {
    let script = package().join("read.py");
    let (start, end) = ((START + 600).to_string(), (START + 3000).to_string());
    let output = Command::new(python)
        .arg(script)
        .args([url, token, &start, &end])
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/prometheus-api-client")
}

#[test]
fn a_range_is_read_into_a_data_frame() {
    let python = package().join(".venv/bin/python");
    if !package().join(".venv/.installed-requirements.txt").exists() {
        missing("the PyPI package prometheus-api-client");
        return;
    }
    let Some(mut world) = World::new() else {
        return;
    };
    let (Some(shared), Some(alone)) = (
        Prometheus::anywhere(world.path(), ALL),
        Prometheus::anywhere(world.path(), OURS),
    ) else {
        return;
    };
    let gateway = world.gateway(None, Some(&shared.url));
    let token = world.issuer.token("victor");
    let url = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/prometheus",
        gateway.url
    );
    let through = read(&python, &url, &token);
    assert_eq!(
        through,
        read(&python, &format!("{}/prometheus", alone.url), "")
    );
    // Three series over forty minutes, one point a minute.
    assert_eq!(through["range"]["rows"].as_array().map(Vec::len), Some(123));
    assert_eq!(through["values"], serde_json::json!(["ours"]));
    let everything = read(&python, &format!("{}/prometheus", shared.url), "");
    assert!(everything.to_string().contains("theirs"));
}
