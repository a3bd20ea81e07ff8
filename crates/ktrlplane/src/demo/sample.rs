//! Sample data: what the demo's resources would log and count if they were real.
//!
//! Every resource answers requests. Each request is a log line, and is counted; every 15 seconds
//! the counters are sampled, so logs and metrics tell one story. The same seed and the same times
//! give the same data.

mod line;
mod metrics;
mod service;

use std::collections::BTreeMap;

use embedded::{LogEntry, LogStream, SampleSeries};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use line::Request;
use metrics::Metrics;
pub(super) use metrics::metadata;
pub(super) use service::{SERVICES, Service};

/// How often counters and gauges are sampled, in seconds.
const SCRAPE_INTERVAL: i64 = 15;

/// New data of one resource, without the label that says whose they are: the gateway puts it there.
#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    /// Log lines.
    pub(crate) logs: Vec<LogStream>,
    /// Samples.
    pub(crate) samples: Vec<SampleSeries>,
}

/// The first second of which there are to be lines, and likewise samples, since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    pub(crate) lines: i64,
    pub(crate) samples: i64,
}

/// Makes the sample data of one service, second by second.
pub(crate) struct Source {
    service: &'static Service,
    begin: Begin,
    /// The next second to make, since the Unix epoch.
    next: i64,
    random: StdRng,
    metrics: Metrics,
}

/// The streams of a batch: the index of the pod and the level, with the lines.
type Lines = BTreeMap<(usize, &'static str), Vec<LogEntry>>;

impl Source {
    /// A source of data from `begin` on.
    pub(crate) fn new(service: &'static Service, seed: u64, begin: Begin) -> Self {
        let next = begin.lines.min(begin.samples);
        // No two resources log the same, nor one resource after two starts.
        let name = service.resource.bytes();
        let of_the_resource = name.fold(0_u64, |sum, byte| sum * 31 + u64::from(byte));
        let of_the_start = next.cast_unsigned().rotate_left(32);
        Self {
            service,
            begin,
            next,
            random: StdRng::seed_from_u64(seed ^ of_the_resource ^ of_the_start),
            metrics: Metrics::new(service),
        }
    }

    /// The next second to make.
    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// Everything that happened until `end` (in seconds since the Unix epoch, not included) and was
    /// not given out before.
    pub(crate) fn advance(&mut self, end: i64) -> Batch {
        let mut lines = Lines::new();
        for second in self.next..end {
            for _ in 0..self.requests_at(second) {
                let request = Request::draw(self.service, second, &mut self.random);
                self.metrics.count(&request);
                if second >= self.begin.lines {
                    let entries = lines.entry((request.pod, request.level())).or_default();
                    entries.push(request.entry(self.service));
                }
            }
            if second >= self.begin.samples && second.rem_euclid(SCRAPE_INTERVAL) == 0 {
                self.metrics.sample(second, &mut self.random);
            }
        }
        self.next = self.next.max(end);
        Batch {
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
