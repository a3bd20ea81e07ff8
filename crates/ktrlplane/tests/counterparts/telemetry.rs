//! The gateway's own metrics, read by Debian's `promtool` and Prometheus, and the dashboard and the alert
//! rules of `deploy/observability` asked of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::demo::Demo;
use crate::http::{get, with_query};
use crate::process::{PATIENCE, find, free_port, missing};
use crate::prometheus::Prometheus;

/// A file that is shipped.
fn shipped(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("deploy/observability").join(name)
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).expect("it is there")
}

/// What is only there with TLS towards callers, which the demo has not.
const OF_TLS: &str = "ktrlplane_tls_certificate_not_after_timestamp_seconds";

/// The queries of the dashboard, as Grafana would ask them of all replicas.
fn queries_of_the_dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text_of("dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let queries: Vec<String> = targets
        .map(|target| {
            let query = target["expr"].as_str().expect("a query");
            query
                .replace("$__rate_interval", "1m")
                .replace("$instance", ".*")
        })
        .collect();
    assert!(queries.len() > 30, "{}", queries.len());
    queries
}

/// The expressions of the alert rules, each on one line.
fn queries_of_the_alerts() -> Vec<String> {
    let text = text_of("alerts.yaml");
    let mut queries: Vec<String> = Vec::new();
    let mut is_within = false;
    for line in text.lines() {
        let said = line.trim();
        if let Some(query) = said.strip_prefix("expr:") {
            is_within = query.trim() == "|";
            queries.push(if is_within { "" } else { query.trim() }.to_owned());
        } else if said.starts_with("for:") || said.starts_with("labels:") {
            is_within = false;
        } else if is_within {
            let query = queries.last_mut().expect("one has begun");
            query.push(' ');
            query.push_str(said);
        }
    }
    assert_eq!(queries.len(), text.matches("- alert:").count());
    assert!(queries.len() > 10 && queries.iter().all(|query| !query.is_empty()));
    queries
}

/// The metrics that a query names.
fn metrics_in(query: &str) -> BTreeSet<&str> {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    query
        .split(|c| !of_a_name(c))
        .filter(|word| word.starts_with("ktrlplane_") || word.starts_with("process_"))
        .collect()
}

fn runs(command: &mut Command) {
    let output = command.output().expect("it runs");
    let (said, wrong) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{wrong}");
}

#[test]
fn promtool_has_nothing_to_say_against_the_metrics_and_the_alert_rules() {
    let Some(promtool) = find("promtool") else {
        missing("Prometheus");
        return;
    };
    runs(
        Command::new(&promtool)
            .args(["check", "rules"])
            .arg(shipped("alerts.yaml")),
    );
    // They fire when they are to, and not before.
    runs(
        Command::new(&promtool)
            .args(["test", "rules"])
            .arg(shipped("alerts.test.yaml")),
    );
    let demo = Demo::start();
    let metrics = get(demo.metrics(), None).expect(200).body;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &metrics).expect("it can be written");
    let input = Stdio::from(file.reopen().expect("it can be read"));
    runs(
        Command::new(promtool)
            .args(["check", "metrics"])
            .stdin(input),
    );
}

#[test]
fn every_alert_is_in_the_runbook_and_every_metric_in_its_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let runbook = std::fs::read_to_string(root.join("docs/operations.md")).expect("it is there");
    let alerts = text_of("alerts.yaml");
    for alert in alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        let heading = format!("### {alert}\n");
        assert!(runbook.contains(&heading), "{alert}");
        let link = format!("docs/operations.md#{}\n", alert.to_lowercase());
        assert!(alerts.contains(&link), "{alert}");
    }
    let demo = Demo::start();
    let metrics = get(demo.metrics(), None).expect(200).body;
    let names = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    for name in names.filter_map(|line| line.split(' ').next()) {
        assert!(runbook.contains(&format!("`{name}")), "{name}");
    }
    assert!(runbook.contains(&format!("`{OF_TLS}`")));
    let tested = text_of("alerts.test.yaml");
    for alert in [
        "Absent",
        "RequestsFail",
        "BackendAway",
        "CertificateExpires",
    ] {
        assert!(
            tested.contains(&format!("alertname: KtrlPlane{alert}\n")),
            "{alert}"
        );
    }
}

/// A Prometheus that scrapes the demo's own metrics and sends them through the demo's own door.
fn observer(demo: &Demo) -> String {
    let scraped = demo.metrics().trim_start_matches("http://");
    let scraped = scraped.trim_end_matches("/metrics");
    format!(
        r#"
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: ktrlplane
    static_configs: [{{targets: ["{scraped}"]}}]
remote_write:
  - url: {}/api/v1/projects/acme-shop/resources/shop-api/prometheus/api/v1/write
    authorization: {{credentials: "{}"}}
    metadata_config: {{send: false}}
    queue_config: {{batch_send_deadline: 1s, min_backoff: 50ms, max_backoff: 100ms}}
"#,
        demo.url,
        demo.token("erin"),
    )
}

#[test]
fn the_gateway_answers_every_query_of_its_own_dashboard_and_alerts_about_itself() {
    let demo = Demo::start();
    let directory = tempfile::tempdir().expect("a directory");
    let config = observer(&demo);
    let Some(_prometheus) = Prometheus::with_config(directory.path(), free_port(), &config) else {
        return;
    };
    let victor = demo.token("victor");
    let base = format!("{}/api/v1/projects/acme-shop/resources/shop-api", demo.url);
    let ask = |query: &str| {
        let url = format!("{base}/prometheus/api/v1/query");
        get(&with_query(&url, &[("query", query)]), Some(victor))
    };
    let has_data = |query: &str| {
        let answer = ask(query);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let answer = answer.json();
        let found = answer["data"]["result"].as_array().expect("a vector");
        !found.is_empty()
    };
    // Rates need two samples, and some traffic: a good query, a bad one, and nobody's.
    let began = std::time::Instant::now();
    let settled = r#"sum(rate(ktrlplane_requests_total{route="logs",outcome="ok"}[1m])) > 0"#;
    while !has_data(settled) {
        assert!(began.elapsed() < 2 * PATIENCE, "nothing arrives");
        get(&format!("{base}/logs"), Some(victor)).expect(200);
        get(&format!("{base}/logs?query=%7B"), Some(victor)).expect(400);
        get(&format!("{base}/logs"), None).expect(401);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let known: BTreeSet<String> = {
        let metrics = get(demo.metrics(), None).expect(200).body;
        let samples = metrics.lines().filter(|line| !line.starts_with('#'));
        let name = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
        samples.map(name).collect()
    };
    // Series arrive one after the other, the last ones of a scrape last.
    for query in queries_of_the_dashboard() {
        if query.contains(OF_TLS) {
            assert!(!has_data(&query), "{query}");
            continue;
        }
        while !has_data(&query) {
            assert!(began.elapsed() < 2 * PATIENCE, "no data: {query}");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
    for query in queries_of_the_alerts() {
        // Nothing is wrong, and so most of them find nothing.
        has_data(&query);
        let names = metrics_in(&query);
        assert!(!names.is_empty(), "{query}");
        for name in names.into_iter().filter(|name| *name != OF_TLS) {
            assert!(known.contains(name), "{name} of {query}");
            assert!(has_data(name), "{name}");
        }
    }
}
