//! The Python package `prometheus-api-client` reads a resource into data frames.

use serde_json::Value;

use crate::prometheus::{Data, Prometheus, START};
use crate::python::Package;
use crate::world::{PROJECT, RESOURCE, World};

const ALL: Data = &[("shop-api", "ours"), ("shop-db", "theirs")];
const OURS: Data = &[("shop-api", "ours")];

/// What the script read from a server.
fn read(package: &Package, url: &str, token: &str) -> Value {
    let (start, end) = ((START + 600).to_string(), (START + 3000).to_string());
    package.script("read.py", &[url, token, &start, &end], &[])
}

#[test]
fn a_range_is_read_into_a_data_frame() {
    let Some(package) = Package::find("prometheus-api-client") else {
        return;
    };
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
    let through = read(&package, &url, &token);
    assert_eq!(
        through,
        read(&package, &format!("{}/prometheus", alone.url), "")
    );
    // Three series over forty minutes, one point a minute.
    assert_eq!(through["range"]["rows"].as_array().map(Vec::len), Some(123));
    assert_eq!(through["values"], serde_json::json!(["ours"]));
    let everything = read(&package, &format!("{}/prometheus", shared.url), "");
    assert!(everything.to_string().contains("theirs"));
}
