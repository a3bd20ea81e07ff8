//! What metrics mean: their type, unit and a sentence for people.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::PushError;
use crate::store::disk::bytes::{Bytes, put_text};
use crate::store::disk::directory::{OpenError, make_durable};
use crate::store::disk::handles::Handles;
use crate::store::disk::log::{Log, frame, open_log};
use crate::store::disk::{Damaged, unwritten};

/// Descriptions of one metric that differ; more tell nothing.
const MOST_PER_METRIC: usize = 10;

/// What a metric means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricMetadata {
    /// The metric's name; of a histogram or summary without `_bucket`, `_sum` or `_count`.
    pub metric: String,
    /// Its type.
    pub kind: MetricKind,
    /// A sentence for people.
    pub help: String,
    /// Its unit, or the empty string.
    pub unit: String,
}

/// The types of metrics, as `OpenMetrics` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only ever grows, but for restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts per bucket.
    Histogram,
    /// Counts per bucket that may go down.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Always 1: the labels are what it says.
    Info,
    /// One of several states.
    StateSet,
    /// Nobody said.
    Unknown,
}

impl MetricKind {
    /// The type as Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Counter,
            Self::Gauge,
            Self::Histogram,
            Self::GaugeHistogram,
            Self::Summary,
            Self::Info,
            Self::StateSet,
            Self::Unknown,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// The metadata of one tenant, by metric.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    metrics: BTreeMap<String, Vec<MetricMetadata>>,
    /// Where there is a directory.
    path: Option<PathBuf>,
    /// Where something was written.
    log: Option<Log>,
    handles: Arc<Handles>,
}

impl Registry {
    /// What a tenant's directory has.
    pub(super) fn open(tenant: &Path, handles: &Arc<Handles>) -> Result<Self, OpenError> {
        let path = tenant.join("metadata.log");
        let mut state = State {
            handles: Arc::clone(handles),
            ..State::default()
        };
        if path.exists() {
            let metrics = &mut state.metrics;
            let log = open_log(&path, handles, |payload| match parse(payload) {
                Ok(one) => metrics.entry(one.metric.clone()).or_default().push(one),
                Err(error) => tracing::error!(%error, "what a metric means is lost"),
            });
            state.log = Some(log.map_err(|error| error.of_open(&path))?);
        }
        state.path = Some(path);
        Ok(Self(Mutex::new(state)))
    }

    pub(super) fn add(
        &self,
        batch: Vec<MetricMetadata>,
        max_metrics: usize,
    ) -> Result<(), PushError> {
        if batch.iter().any(|one| one.metric.is_empty()) {
            return Err(PushError::NoMetricName("{}".to_owned()));
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = &state.metrics;
        let mut fresh: Vec<&str> = batch.iter().map(|one| one.metric.as_str()).collect();
        fresh.retain(|metric| !metrics.contains_key(*metric));
        fresh.sort_unstable();
        fresh.dedup();
        if metrics.len() + fresh.len() > max_metrics {
            return Err(PushError::TooManyStreams(max_metrics));
        }
        // What is known is sent again and again, and need not be written again.
        let mut added: Vec<MetricMetadata> = Vec::new();
        for one in batch {
            let of_metric = |other: &&MetricMetadata| other.metric == one.metric;
            let known = metrics.get(&one.metric).map_or(&[][..], Vec::as_slice);
            let count = known.len() + added.iter().filter(of_metric).count();
            if count < MOST_PER_METRIC && !known.contains(&one) && !added.contains(&one) {
                added.push(one);
            }
        }
        state.write(&added)?;
        for one in added {
            state
                .metrics
                .entry(one.metric.clone())
                .or_default()
                .push(one);
        }
        Ok(())
    }

    /// Bytes on disk.
    pub(super) fn size(&self) -> u64 {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.log.as_ref().map_or(0, Log::len)
    }

    /// The metadata of one metric, or of all if its name is empty; of `limit` metrics at most.
    pub(super) fn find(&self, metric: &str, limit: usize) -> Vec<(String, Vec<MetricMetadata>)> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = state.metrics.iter();
        metrics
            .filter(|(name, _)| metric.is_empty() || *name == metric)
            .take(limit)
            .map(|(name, all)| (name.clone(), all.clone()))
            .collect()
    }
}

impl State {
    fn write(&mut self, added: &[MetricMetadata]) -> Result<(), PushError> {
        let Some(path) = self.path.clone().filter(|_| !added.is_empty()) else {
            return Ok(());
        };
        self.try_write(&path, added)
            .map_err(|error| unwritten(&error, &path))
    }

    fn try_write(&mut self, path: &Path, added: &[MetricMetadata]) -> io::Result<()> {
        if self.log.as_ref().is_some_and(Log::is_suspect) {
            let all = self.metrics.values().flatten();
            let fill = |seed, bytes: &mut Vec<u8>| put_all(seed, all, bytes);
            self.log = Some(Log::replace(path, &self.handles, fill)?);
        }
        let log = match &mut self.log {
            Some(log) => log,
            empty @ None => {
                path.parent().map(make_durable).transpose()?;
                empty.insert(Log::create(path, &self.handles)?)
            }
        };
        let mut bytes = Vec::new();
        put_all(log.seed(), added.iter(), &mut bytes)?;
        log.append(&bytes)
    }
}

fn put_all<'a>(
    seed: u64,
    all: impl Iterator<Item = &'a MetricMetadata>,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    let mut payload = Vec::new();
    for one in all {
        payload.clear();
        for text in [&one.metric, one.kind.as_str(), &one.help, &one.unit] {
            put_text(&mut payload, text);
        }
        frame(seed, &payload, bytes)?;
    }
    Ok(())
}

/// What [`put_all`] wrote.
pub(crate) fn parse(payload: &[u8]) -> Result<MetricMetadata, Damaged> {
    let mut bytes = Bytes(payload);
    let metric = bytes.text()?.to_owned();
    let kind =
        MetricKind::parse(bytes.text()?).ok_or(Damaged("a type that metrics do not have"))?;
    let (help, unit) = (bytes.text()?.to_owned(), bytes.text()?.to_owned());
    bytes.end()?;
    Ok(MetricMetadata {
        metric,
        kind,
        help,
        unit,
    })
}
