//! The names of all metrics, and what each says.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::histogram::Sum;
use super::process::Process;
use super::shard::{sum, sum_of};
use super::sources::Sources;
use super::words::{Limited, Outcome, Sent};
use crate::error::Flaw;
use crate::ingest::Refused;
use crate::routes::{Backend, NAMES};

/// What stands in the place of a route's name for what has none.
const NO_ROUTE: &str = "none";

const CACHES: [&str; 3] = ["token", "query", "decision"];
const RESULTS: [&str; 2] = ["hit", "miss"];

/// Of exemplars, of which there are none.
type NoLabels = [(&'static str, String); 0];

type Written = Result<(), fmt::Error>;

/// Writes one metric after the other.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn counters<const LABELS: usize>(
        &mut self,
        (name, help): (&str, &str),
        samples: impl IntoIterator<Item = ([(&'static str, String); LABELS], u64)>,
    ) -> Written {
        let counter = MetricType::Counter;
        let mut metric = self.0.encode_descriptor(name, help, None, counter)?;
        for (labels, value) in samples {
            let mut sample = metric.encode_family(&labels)?;
            sample.encode_counter::<NoLabels, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn counter(&mut self, (name, help): (&str, &str), value: u64) -> Written {
        let counter = MetricType::Counter;
        let mut metric = self.0.encode_descriptor(name, help, None, counter)?;
        metric.encode_counter::<NoLabels, _, u64>(&value, None)
    }

    fn gauges<const LABELS: usize>(
        &mut self,
        (name, help): (&str, &str),
        samples: impl IntoIterator<Item = ([(&'static str, String); LABELS], f64)>,
    ) -> Written {
        let gauge = MetricType::Gauge;
        let mut metric = self.0.encode_descriptor(name, help, None, gauge)?;
        for (labels, value) in samples {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Nothing of what is not known.
    fn gauge(&mut self, (name, help): (&str, &str), value: impl Into<Option<f64>>) -> Written {
        let Some(value) = value.into() else {
            return Ok(());
        };
        let gauge = MetricType::Gauge;
        let mut metric = self.0.encode_descriptor(name, help, None, gauge)?;
        metric.encode_gauge(&value)
    }

    fn histograms(
        &mut self,
        (name, help): (&str, &str),
        label: &'static str,
        samples: impl IntoIterator<Item = (String, Sum)>,
    ) -> Written {
        let histogram = MetricType::Histogram;
        let mut metric = self.0.encode_descriptor(name, help, None, histogram)?;
        for (value, sum) in samples {
            let labels = [(label, value)];
            let mut sample = metric.encode_family(&labels)?;
            let (seconds, count, buckets) = (sum.seconds(), sum.count(), sum.buckets());
            sample.encode_histogram::<NoLabels>(seconds, count, &buckets, None)?;
        }
        Ok(())
    }
}

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Written {
        let mut page = Page(encoder);
        page.gauges(
            ("ktrlplane_build_info", "1, with the version that runs"),
            [([("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0)],
        )?;
        self.requests(&mut page)?;
        self.upstream(&mut page)?;
        self.remembered(&mut page)?;
        self.held(&mut page)?;
        self.ingest(&mut page)?;
        self.parts(&mut page)?;
        process(&mut page)
    }
}

impl Sources {
    fn requests(&self, page: &mut Page<'_>) -> Written {
        let routes = || {
            let names = NAMES.iter().copied().chain([NO_ROUTE]);
            names.map(str::to_owned).enumerate()
        };
        page.counters(
            (
                "ktrlplane_requests",
                "Requests by what has become of them, counted when their answer has ended",
            ),
            routes().flat_map(|(number, route)| {
                Outcome::ALL.iter().map(move |outcome| {
                    let of = |shard: &super::Shard| {
                        let route = shard.routes.get(number);
                        route.map_or(0, |route| route.outcomes.read(*outcome))
                    };
                    let labels = [
                        ("route", route.clone()),
                        ("outcome", outcome.word().to_owned()),
                    ];
                    (labels, sum(&self.shards, of))
                })
            }),
        )?;
        page.histograms(
            (
                "ktrlplane_request_duration_seconds",
                "Time from a request to the head of its answer, without those that a limit holds back",
            ),
            "route",
            routes().map(|(number, route)| {
                let of = |shard| super::Shard::took(shard, number);
                (route, sum_of(&self.shards, of))
            }),
        )?;
        let begun = sum(&self.shards, |shard| shard.begun.load(Ordering::Relaxed));
        let ended = sum(&self.shards, |shard| shard.ended.load(Ordering::Relaxed));
        page.gauge(
            (
                "ktrlplane_requests_in_flight",
                "Requests whose answer has not ended, tails as events among them",
            ),
            number(begun.saturating_sub(ended)),
        )?;
        page.counters(
            (
                "ktrlplane_refusals",
                "Requests that were refused for what they ask, by what is wrong with it",
            ),
            Flaw::ALL.iter().map(|flaw| {
                let count = sum(&self.shards, |shard| shard.flaws.read(*flaw));
                ([("reason", flaw.word().to_owned())], count)
            }),
        )?;
        page.counters(
            (
                "ktrlplane_limited",
                "Requests that were refused because a limit was reached, by the key that sets it",
            ),
            Limited::ALL.iter().map(|limit| {
                let count = sum(&self.shards, |shard| shard.limited.read(*limit));
                ([("limit", limit.word().to_owned())], count)
            }),
        )
    }

    fn upstream(&self, page: &mut Page<'_>) -> Written {
        let configured = || {
            let all = Backend::ALL.into_iter();
            all.filter_map(|backend| Some((backend, self.transports.get(backend)?)))
        };
        page.counters(
            (
                "ktrlplane_upstream_requests",
                "Requests to a backend by what has become of them, up to the head of the answer",
            ),
            configured().flat_map(|(backend, _)| {
                Sent::ALL.iter().map(move |sent| {
                    let count = sum(&self.shards, |shard| shard.of(backend).sent.read(*sent));
                    let labels = [
                        ("backend", backend.name().to_owned()),
                        ("outcome", sent.word().to_owned()),
                    ];
                    (labels, count)
                })
            }),
        )?;
        page.histograms(
            (
                "ktrlplane_upstream_duration_seconds",
                "Time from a request to a backend to the head of its answer",
            ),
            "backend",
            configured().map(|(backend, _)| {
                let took = sum_of(&self.shards, |shard| Some(&shard.of(backend).took));
                (backend.name().to_owned(), took)
            }),
        )?;
        page.gauges(
            (
                "ktrlplane_upstream_available",
                "Whether a URL of a backend is asked; url is its place in the configuration, from 0",
            ),
            configured().flat_map(|(backend, transport)| {
                let endpoints = transport.endpoints().iter().enumerate();
                endpoints.map(move |(place, endpoint)| {
                    let labels = [
                        ("backend", backend.name().to_owned()),
                        ("url", place.to_string()),
                    ];
                    (labels, truth(!endpoint.breaker.is_open()))
                })
            }),
        )
    }

    fn remembered(&self, page: &mut Page<'_>) -> Written {
        let mut sums = [[0; RESULTS.len()]; CACHES.len()];
        for shard in &self.shards {
            let of_threads = [&shard.tokens, &shard.queries];
            for (sum, lookups) in sums.iter_mut().zip(of_threads) {
                let [hits, misses] = lookups.sums();
                *sum = [sum[0] + hits, sum[1] + misses];
            }
        }
        sums[2] = self.shared.directory.lookups();
        page.counters(
            (
                "ktrlplane_cache_lookups",
                "Looks at what is remembered of tokens, scoped queries and decisions",
            ),
            CACHES.iter().zip(sums).flat_map(|(cache, sums)| {
                RESULTS.iter().zip(sums).map(move |(result, count)| {
                    let labels = [
                        ("cache", (*cache).to_owned()),
                        ("result", (*result).to_owned()),
                    ];
                    (labels, count)
                })
            }),
        )
    }

    fn held(&self, page: &mut Page<'_>) -> Written {
        page.gauge(
            (
                "ktrlplane_queries_waiting",
                "Queries that wait in line for others to end",
            ),
            count(self.shared.limits.waiting()),
        )?;
        page.gauge(
            (
                "ktrlplane_connections",
                "Callers' connections that are open",
            ),
            count(self.connections.count()),
        )?;
        page.gauge(
            (
                "ktrlplane_connections_max",
                "How many may be open (server.max_connections)",
            ),
            count(self.shared.connections.most),
        )?;
        let turned_away = |shard: &super::Shard| shard.turned_away.load(Ordering::Relaxed);
        page.counter(
            (
                "ktrlplane_connections_turned_away",
                "Connections for which there was no place",
            ),
            sum(&self.shards, turned_away),
        )?;
        page.gauge(
            ("ktrlplane_tails", "Live tails that are open"),
            count(self.shared.tails.open()),
        )
    }

    fn ingest(&self, page: &mut Page<'_>) -> Written {
        let totals = &self.shared.ingest.totals;
        let sums = totals.snapshot();
        for (name, help, value) in [
            (
                "ktrlplane_ingest_batches",
                "Batches that were stamped with their resource",
                sums.batches,
            ),
            (
                "ktrlplane_ingest_bytes",
                "Their bytes, after decompression",
                sums.bytes,
            ),
            (
                "ktrlplane_ingest_entries",
                "Their log lines, samples and data points",
                sums.entries,
            ),
            (
                "ktrlplane_ingest_replaced_labels",
                "Labels in them that claimed to be the resource's and were replaced",
                sums.replaced,
            ),
            (
                "ktrlplane_ingest_unknown_fields",
                "Fields in them that are not of the protocol and were dropped",
                sums.unknown,
            ),
            (
                "ktrlplane_ingest_failed_batches",
                "Batches that no backend acknowledged",
                sums.failed,
            ),
        ] {
            page.counter((name, help), value)?;
        }
        page.counters(
            (
                "ktrlplane_ingest_refused_batches",
                "Batches that were not taken, by why",
            ),
            Refused::ALL.iter().map(|reason| {
                let labels = [("reason", reason.word().to_owned())];
                (labels, totals.refused(*reason))
            }),
        )
    }

    fn parts(&self, page: &mut Page<'_>) -> Written {
        let spans = self.shared.traces.batches().sums();
        page.counters(
            (
                "ktrlplane_trace_spans",
                "Spans of traces by what has become of them",
            ),
            spans.map(|(result, count)| ([("result", result.to_owned())], count)),
        )?;
        let audit = self.shared.audit.state();
        page.counter(
            (
                "ktrlplane_audit_lines",
                "Lines of the audit that were written",
            ),
            audit.written,
        )?;
        page.gauge(
            (
                "ktrlplane_audit_waiting_lines",
                "Lines of the audit that are not written yet",
            ),
            count(audit.waiting),
        )?;
        page.gauge(
            (
                "ktrlplane_audit_failing",
                "Whether the audit cannot be written, so that requests are refused",
            ),
            truth(!self.shared.audit.is_written()),
        )?;
        self.trusted(page)
    }

    /// What tokens, callers and roles are looked at with.
    fn trusted(&self, page: &mut Page<'_>) -> Written {
        let keys = &self.shared.keys;
        page.gauge(
            (
                "ktrlplane_issuer_keys_available",
                "Whether keys of the issuer are held",
            ),
            truth(keys.are_held()),
        )?;
        let fetched = keys.fetched();
        page.gauge(
            (
                "ktrlplane_issuer_keys_fetched_timestamp_seconds",
                "When they were fetched",
            ),
            fetched.at.map(|at| at.as_duration().as_secs_f64()),
        )?;
        page.counter(
            (
                "ktrlplane_issuer_fetch_failures",
                "Attempts to fetch the issuer's keys that failed",
            ),
            fetched.failures,
        )?;
        let tls = self.tls.as_ref();
        page.gauge(
            (
                "ktrlplane_tls_certificate_not_after_timestamp_seconds",
                "When the certificate expires that new connections of callers get",
            ),
            tls.map(|tls| tls.until().as_duration().as_secs_f64()),
        )?;
        let (is_in_force, since) = self.shared.configured.now();
        page.gauge(
            (
                "ktrlplane_config_last_reload_successful",
                "Whether the configuration is in force that was read last",
            ),
            truth(is_in_force),
        )?;
        page.gauge(
            (
                "ktrlplane_config_last_reload_success_timestamp_seconds",
                "When one was last read that is in force",
            ),
            Duration::from_secs(since.unsigned_abs()).as_secs_f64(),
        )?;
        page.gauge(
            (
                "ktrlplane_directory_available",
                "Whether the directory answers",
            ),
            truth(self.directory.load(Ordering::Relaxed)),
        )
    }
}

fn process(page: &mut Page<'_>) -> Written {
    let process = Process::now();
    // The one counter of the library's that is no whole number.
    if let Some(seconds) = process.cpu_seconds {
        let name = "process_cpu_seconds";
        let help = "Processor time spent by the process, in seconds";
        let counter = MetricType::Counter;
        let mut metric = page.0.encode_descriptor(name, help, None, counter)?;
        metric.encode_counter::<NoLabels, _, u64>(&seconds, None)?;
    }
    for (name, help, value) in [
        (
            "process_resident_memory_bytes",
            "Memory of the process that is in use",
            process.resident_bytes,
        ),
        (
            "process_virtual_memory_bytes",
            "Memory that the process has reserved",
            process.virtual_bytes,
        ),
        (
            "process_open_fds",
            "File descriptors that are open",
            process.open_fds,
        ),
        (
            "process_max_fds",
            "File descriptors that may be open",
            process.max_fds,
        ),
        ("process_threads", "Threads of the process", process.threads),
    ] {
        page.gauge((name, help), value.map(number))?;
    }
    page.gauge(
        (
            "process_start_time_seconds",
            "When the process was started, in seconds since 1970",
        ),
        process.start_seconds,
    )
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 2^53, and a size beyond that needs no exact number"
)]
fn number(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    number(u64::try_from(value).unwrap_or(u64::MAX))
}
