//! Debian's Prometheus as the metrics backend.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::http::{Answer, get, try_get, with_query};
use crate::process::{Process, find, free_port, missing};

/// The first sample's time, 2026-01-27T10:00:00Z; there is one every 15 seconds for an hour.
pub(crate) const START: i64 = 1_769_508_000;

/// What is in a server: a resource's id and the word in its `canary` label.
pub(crate) type Data<'a> = &'a [(&'a str, &'a str)];

/// A Prometheus with Mimir's paths.
pub(crate) struct Prometheus {
    _process: Process,
    /// Without a path: `/prometheus/api/v1/query_range` is below it.
    pub(crate) url: String,
}

impl Prometheus {
    /// Starts a server on `port` with the samples of `data`; `None` where it is not installed.
    pub(crate) fn start(directory: &Path, port: u16, data: Data) -> Option<Self> {
        let (Some(prometheus), Some(promtool)) = (find("prometheus"), find("promtool")) else {
            missing("Prometheus");
            return None;
        };
        let home = directory.join(format!("prometheus-{port}"));
        let storage = home.join("data");
        std::fs::create_dir_all(&home).expect("a directory can be made");
        std::fs::write(home.join("samples.txt"), open_metrics(data)).expect("a file");
        std::fs::write(home.join("prometheus.yml"), "").expect("a file");
        let output = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .arg(home.join("samples.txt"))
            .arg(&storage)
            .output()
            .expect("promtool runs");
        assert!(output.status.success(), "{output:?}");

        Some(Self::launch(&prometheus, &home, port))
    }

    /// Starts a server that is empty and scrapes and sends as `config` says; it takes remote write,
    /// exemplars and native histograms. `None` where it is not installed.
    pub(crate) fn with_config(directory: &Path, port: u16, config: &str) -> Option<Self> {
        let Some(prometheus) = find("prometheus") else {
            missing("Prometheus");
            return None;
        };
        let home = directory.join(format!("prometheus-{port}"));
        std::fs::create_dir_all(&home).expect("a directory can be made");
        std::fs::write(home.join("prometheus.yml"), config).expect("a file");
        Some(Self::launch(&prometheus, &home, port))
    }

    fn launch(prometheus: &Path, home: &Path, port: u16) -> Self {
        let url = format!("http://127.0.0.1:{port}");
        let storage = home.join("data");
        let mut process = Process::start(prometheus, home, |command| {
            command
                .arg(format!(
                    "--config.file={}",
                    home.join("prometheus.yml").display()
                ))
                .arg(format!("--storage.tsdb.path={}", storage.display()))
                .args(["--storage.tsdb.retention.time=100y", "--log.level=warn"])
                .args([
                    "--web.enable-remote-write-receiver",
                    "--enable-feature=native-histograms,exemplar-storage",
                ])
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg(format!("--web.external-url={url}/prometheus"));
        });
        let ready = format!("{url}/prometheus/-/ready");
        process.wait_until("ready", || {
            try_get(&ready, None).is_ok_and(|answer| answer.status == 200)
        });
        Self {
            _process: process,
            url,
        }
    }

    /// Starts a server on a port of its own.
    pub(crate) fn anywhere(directory: &Path, data: Data) -> Option<Self> {
        Self::start(directory, free_port(), data)
    }

    /// Asks the server itself, without the gateway.
    pub(crate) fn query_range(&self, query: &str) -> Answer {
        let url = format!("{}/prometheus/api/v1/query_range", self.url);
        get(&range(&url, query), None)
    }
}

/// The URL of `query` over forty of the sixty minutes, in steps of one.
pub(crate) fn range(url: &str, query: &str) -> String {
    let (start, end) = ((START + 600).to_string(), (START + 3000).to_string());
    with_query(
        url,
        &[
            ("query", query),
            ("start", &start),
            ("end", &end),
            ("step", "60s"),
        ],
    )
}

/// The series of a matrix in an order of their own, so that two answers can be compared.
pub(crate) fn series(answer: &Value) -> Vec<Value> {
    assert_eq!(answer["status"], "success", "{answer}");
    let mut series = answer["data"]["result"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    series.sort_by_cached_key(ToString::to_string);
    series
}

/// Samples of the resources in `data`, as text to import. All resources have the same series;
/// what differs are the values, the `canary` label and a metric that only the others have.
fn open_metrics(data: Data) -> String {
    let mut text = String::new();
    let mut series = |name: &str, labels: &str, value: &dyn Fn(i64) -> f64| {
        for step in 0..=240 {
            let time = START + step * 15;
            writeln!(text, "{name}{{{labels}}} {} {time}", value(step)).expect("text");
        }
    };
    for (number, (resource, canary)) in (0_i32..).zip(data) {
        let far = 1.0 + f64::from(number) * 1000.0;
        for instance in [0_i32, 1, 2] {
            let own = format!("resource_id=\"{resource}\",canary=\"{canary}\"");
            let labels = format!("{own},job=\"web\",instance=\"i-{instance}\"");
            let tilt = f64::from(instance + 1);
            series("up", &labels, &|_| 1.0);
            series(
                "target_info",
                &format!("{labels},version=\"1.{number}\""),
                &|_| 1.0,
            );
            series("cpu_usage_percent", &labels, &|step| {
                let turn = i32::try_from(step % 37).expect("below 37");
                far + tilt * f64::from(turn) + 0.25
            });
            for (code, pace) in [("200", 7.0), ("500", 0.5)] {
                let labels = format!("{labels},code=\"{code}\"");
                series("http_requests_total", &labels, &|step| {
                    let step = i32::try_from(step).expect("an hour of steps");
                    (far * tilt * pace * f64::from(step)).floor()
                });
            }
            for (bound, share) in [("0.1", 0.5), ("0.5", 0.8), ("2", 0.9), ("+Inf", 1.0)] {
                let labels = format!("{labels},le=\"{bound}\"");
                series("http_request_duration_seconds_bucket", &labels, &|step| {
                    let step = i32::try_from(step).expect("an hour of steps");
                    let shift = if bound == "+Inf" {
                        0.0
                    } else {
                        0.01 * f64::from(number)
                    };
                    (far * tilt * 40.0 * (share - shift) * f64::from(step)).floor()
                });
            }
            if *canary != "ours" {
                series("only_theirs", &labels, &|_| 42.0);
            }
        }
    }
    if data.len() > 1 {
        series("orphan", "canary=\"theirs\"", &|_| 7.0);
    }
    text.push_str("# EOF\n");
    text
}
