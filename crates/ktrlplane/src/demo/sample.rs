//! Sample data: what the demo's resources would log and count if they were real.
//!
//! Every resource answers requests. Each request is a log line, and is counted; every 15 seconds
//! the counters are sampled, so logs and metrics tell one story. The same seed and the same times
//! give the same data.

mod line;
mod metrics;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use embedded::{LogEntry, LogStream, MetricMetadata, SampleSeries};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use line::Request;
use metrics::Metrics;
use service::{SERVICES, Service};

/// How often counters and gauges are sampled, in seconds.
const SCRAPE_INTERVAL: i64 = 15;

/// New data of one tenant.
#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    /// The tenant: a project's id.
    pub(crate) tenant: &'static str,
    /// Log lines.
    pub(crate) logs: Vec<LogStream>,
    /// Samples.
    pub(crate) samples: Vec<SampleSeries>,
}

/// What there is to know of the metrics of each tenant.
pub(crate) fn metadata() -> impl Iterator<Item = (&'static str, Vec<MetricMetadata>)> {
    let tenants: BTreeSet<&str> = SERVICES.iter().map(|service| service.tenant).collect();
    tenants
        .into_iter()
        .map(|tenant| (tenant, metrics::metadata()))
}

/// Makes sample data, second by second.
pub(crate) struct Generator {
    /// The next second to make, since the Unix epoch.
    next: i64,
    running: Vec<Running>,
}

/// One service at work.
struct Running {
    service: &'static Service,
    random: StdRng,
    metrics: Metrics,
}

/// The streams of a batch: the index of the pod and the level, with the lines.
type Lines = BTreeMap<(usize, &'static str), Vec<LogEntry>>;

impl Generator {
    /// A generator whose data begin at `start`, in seconds since the Unix epoch.
    pub(crate) fn new(seed: u64, start: i64) -> Self {
        let running = SERVICES.iter().zip(0..).map(|(service, index)| Running {
            service,
            random: StdRng::seed_from_u64(seed ^ index),
            metrics: Metrics::new(service),
        });
        Self {
            next: start,
            running: running.collect(),
        }
    }

    /// Everything that happened until `end` (in seconds since the Unix epoch, not included) and was
    /// not given out before.
    pub(crate) fn advance(&mut self, end: i64) -> Vec<Batch> {
        let seconds = self.next..end;
        self.next = self.next.max(end);
        self.running
            .iter_mut()
            .map(|running| running.advance(seconds.clone()))
            .collect()
    }
}

impl Running {
    fn advance(&mut self, seconds: std::ops::Range<i64>) -> Batch {
        let mut lines = Lines::new();
        for second in seconds {
            for _ in 0..self.requests_at(second) {
                let request = Request::draw(self.service, second, &mut self.random);
                self.metrics.count(&request);
                let entries = lines.entry((request.pod, request.level())).or_default();
                entries.push(request.entry(self.service));
            }
            if second.rem_euclid(SCRAPE_INTERVAL) == 0 {
                self.metrics.sample(second, &mut self.random);
            }
        }
        Batch {
            tenant: self.service.tenant,
            logs: self.streams(lines),
            samples: self.metrics.take(),
        }
    }

    /// How many requests come in this second: the service's rate, rising and falling over half an
    /// hour.
    fn requests_at(&mut self, second: i64) -> u32 {
        let expected = self.service.rate * (1.0 + 0.4 * service::wave(second, 1800));
        (0..8)
            .filter(|_| self.random.random_bool((expected / 8.0).clamp(0.0, 1.0)))
            .map(|_| 1)
            .sum()
    }

    fn streams(&self, lines: Lines) -> Vec<LogStream> {
        let stream = |((pod, level), entries): ((usize, &str), Vec<LogEntry>)| {
            let mut labels = self.service.labels(pod);
            labels.push(("level".to_owned(), level.to_owned()));
            LogStream { labels, entries }
        };
        lines.into_iter().map(stream).collect()
    }
}

#[cfg(test)]
mod tests;
