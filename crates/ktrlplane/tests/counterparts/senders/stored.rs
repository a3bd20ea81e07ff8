//! What a test's sender has stored.

use std::time::Instant;

use serde_json::Value;

use crate::gateway::Gateway;
use crate::process::{PATIENCE, free_port};
use crate::world::{PROJECT, RESOURCE};

/// The embedded backend, and a real Loki where one is named.
pub(super) fn backends() -> Vec<String> {
    let named = std::env::var("KTRLPLANE_TEST_LOKI_URL").ok();
    ["embedded:".to_owned()].into_iter().chain(named).collect()
}

/// Another word in every run: the same Loki may serve many.
pub(super) fn run() -> String {
    format!("run-{}-{}", std::process::id(), free_port())
}

/// The resource's streams, once they have `count` lines.
#[track_caller]
pub(super) fn read(gateway: &Gateway, query: &str, count: usize, token: &str) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let parameters = [("query", query), ("since", "1h"), ("limit", "1000")];
        let answer = gateway.logs(PROJECT, RESOURCE, &parameters, Some(token));
        let answer = answer.expect(200).json();
        let streams = answer["data"]["result"].as_array().expect("streams");
        let values = |stream: &Value| stream["values"].as_array().map_or(0, Vec::len);
        if streams.iter().map(values).sum::<usize>() == count {
            return streams.clone();
        }
        assert!(start.elapsed() < PATIENCE, "{answer}\n{}", gateway.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// The JSON in every line.
pub(super) fn lines(streams: &[Value]) -> Vec<Value> {
    let values = streams.iter().filter_map(|one| one["values"].as_array());
    let lines = values.flatten().filter_map(|value| value[1].as_str());
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
