//! What a service counts, and the samples of it.

use std::collections::BTreeMap;

use embedded::{MetricKind, MetricMetadata, Sample, SampleSeries};
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::line::Request;
use super::service::{Service, is_incident, wave};

/// The upper bounds of the latency histogram's buckets, in seconds.
const BUCKETS: [&str; 12] = [
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
];

/// One series of a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    metric: Metric,
    pod: usize,
    /// The index of the route, where the metric has one.
    route: usize,
}

/// The metrics, with what tells their series apart beside pod and route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Metric {
    Cpu,
    Memory,
    Requests { status: u16 },
    Bucket { index: usize },
    Sum,
    Count,
}

/// The counters of a service, and samples that nobody took yet.
pub(crate) struct Metrics {
    service: &'static Service,
    counters: BTreeMap<Series, f64>,
    samples: BTreeMap<Series, Vec<Sample>>,
}

/// Type, help and unit of every metric that a service has.
pub(in crate::demo) fn metadata() -> Vec<MetricMetadata> {
    [
        (
            "http_requests_total",
            MetricKind::Counter,
            "Requests that were answered.",
            "",
        ),
        (
            "http_request_duration_seconds",
            MetricKind::Histogram,
            "How long answers took.",
            "seconds",
        ),
        (
            "cpu_usage_percent",
            MetricKind::Gauge,
            "The share of its processors that a pod uses.",
            "percent",
        ),
        (
            "memory_usage_bytes",
            MetricKind::Gauge,
            "The memory that a pod holds.",
            "bytes",
        ),
    ]
    .map(|(metric, kind, help, unit)| MetricMetadata {
        metric: metric.to_owned(),
        kind,
        help: help.to_owned(),
        unit: unit.to_owned(),
    })
    .into()
}

impl Metrics {
    /// All counters at zero. The series of successful requests are there from the beginning, as a
    /// client library would have them.
    pub(crate) fn new(service: &'static Service) -> Self {
        let mut metrics = Self {
            service,
            counters: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        for pod in 0..service.pods.len() {
            for route in 0..service.routes.len() {
                metrics.add(pod, route, 200, None);
            }
        }
        metrics
    }

    /// Counts one request.
    pub(crate) fn count(&mut self, request: &Request) {
        let duration = Some(request.duration);
        self.add(request.pod, request.route, request.status, duration);
    }

    /// Counts a request of this duration, or makes its series without counting.
    fn add(&mut self, pod: usize, route: usize, status: u16, duration: Option<f64>) {
        let one = if duration.is_some() { 1.0 } else { 0.0 };
        let seconds = duration.unwrap_or(0.0);
        let mut add = |metric, value| {
            let series = Series { metric, pod, route };
            *self.counters.entry(series).or_default() += value;
        };
        add(Metric::Requests { status }, one);
        for (index, bound) in BUCKETS.iter().enumerate() {
            let bound = bound.parse().unwrap_or(f64::INFINITY);
            let within = if seconds <= bound { one } else { 0.0 };
            add(Metric::Bucket { index }, within);
        }
        add(Metric::Sum, seconds);
        add(Metric::Count, one);
    }

    /// Samples everything at this second.
    pub(crate) fn sample(&mut self, second: i64, random: &mut StdRng) {
        let timestamp_ms = second * 1000;
        let mut push = |series, value| {
            let samples = self.samples.entry(series).or_default();
            samples.push(Sample {
                timestamp_ms,
                value,
            });
        };
        for (series, value) in &self.counters {
            push(*series, *value);
        }
        let load = 0.5 + 0.35 * wave(second, 1800) + if is_incident(second) { 0.3 } else { 0.0 };
        for pod in 0..self.service.pods.len() {
            let (idle, more) = self.service.cpu;
            let cpu = idle + more * load + random.random_range(-3.0..3.0);
            let memory = self.service.memory * (1.0 + 0.1 * load + random.random_range(0.0..0.01));
            let gauge = |metric| Series {
                metric,
                pod,
                route: 0,
            };
            push(
                gauge(Metric::Cpu),
                (cpu.clamp(0.0, 100.0) * 100.0).round() / 100.0,
            );
            push(gauge(Metric::Memory), memory.round());
        }
    }

    /// The samples since the last time.
    pub(crate) fn take(&mut self) -> Vec<SampleSeries> {
        std::mem::take(&mut self.samples)
            .into_iter()
            .map(|(series, samples)| SampleSeries {
                labels: self.labels(series),
                samples,
            })
            .collect()
    }

    fn labels(&self, series: Series) -> Vec<(String, String)> {
        let (name, own) = match series.metric {
            Metric::Cpu => ("cpu_usage_percent", None),
            Metric::Memory => ("memory_usage_bytes", None),
            Metric::Requests { status } => {
                ("http_requests_total", Some(("status", status.to_string())))
            }
            Metric::Bucket { index } => {
                let bound = BUCKETS.get(index).copied().unwrap_or_default();
                (
                    "http_request_duration_seconds_bucket",
                    Some(("le", bound.to_owned())),
                )
            }
            Metric::Sum => ("http_request_duration_seconds_sum", None),
            Metric::Count => ("http_request_duration_seconds_count", None),
        };
        let mut labels = self.service.labels(series.pod);
        labels.push(("__name__".to_owned(), name.to_owned()));
        labels.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let of_a_route = !matches!(series.metric, Metric::Cpu | Metric::Memory);
        if let Some(route) = self.service.routes.get(series.route).filter(|_| of_a_route) {
            labels.push(("method".to_owned(), route.method.to_owned()));
            labels.push(("route".to_owned(), route.path.to_owned()));
        }
        labels
    }
}
