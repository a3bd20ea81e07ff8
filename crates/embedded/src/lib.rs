//! A Loki- and Prometheus-compatible backend in one process, for development and small installs.
//!
//! Log lines and samples come in from within the process ([`Backend::push_logs`],
//! [`Backend::push_samples`]) and are kept in memory ([`Backend::new`]) or in a directory
//! ([`Backend::open`]), apart for every tenant. Queries come in over
//! HTTP ([`Backend::router`]), in Loki's and in Prometheus's form, and are evaluated over the trees
//! of the crate `query`. What cannot be evaluated is refused, never guessed.

pub mod histogram;
pub mod labels;
pub mod limits;
mod memory;
mod numbers;
pub mod regexes;
pub mod store;

pub mod answer;
pub mod logql;
pub mod promql;

mod patterns;
mod structured_metadata;
mod volume;

pub mod http;

use std::path::Path;
use std::sync::Arc;

pub use histogram::{Histogram, ResetHint};
pub use http::credentials::Credentials;
pub use labels::Labels;
pub use limits::{EvalError, Limits, Stop};
pub use store::{
    DiskHealth, Exemplar, HistogramSample, MetricKind, MetricMetadata, OpenError, PushError, Sample,
};

/// Tells the time, in nanoseconds since the Unix epoch. Only requests that name no time ask it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A Loki and a Prometheus, in memory or in a directory. Clones share the data.
#[derive(Clone)]
pub struct Backend {
    pub(crate) store: Arc<store::Store>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) clock: Clock,
}

/// Log lines of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStream {
    /// The stream's labels, in any order.
    pub labels: Vec<(String, String)>,
    /// Its lines, in any order.
    pub entries: Vec<LogEntry>,
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// The line.
    pub line: String,
    /// Labels of this line alone, which do not tell streams apart.
    pub structured_metadata: Vec<(String, String)>,
}

/// Samples of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleSeries {
    /// The series' labels with its metric name as `__name__`, in any order.
    pub labels: Vec<(String, String)>,
    /// Its samples, in any order.
    pub samples: Vec<Sample>,
}

/// Native histograms of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSeries {
    /// The series' labels with its metric name as `__name__`, in any order.
    pub labels: Vec<(String, String)>,
    /// Its histograms, in any order.
    pub samples: Vec<HistogramSample>,
}

/// Exemplars of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct ExemplarSeries {
    /// The series' labels with its metric name as `__name__`, in any order.
    pub labels: Vec<(String, String)>,
    /// Its exemplars, in any order.
    pub exemplars: Vec<Exemplar>,
}

fn system_clock() -> Clock {
    Arc::new(|| i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX))
}

impl Backend {
    /// An empty backend in memory, on the system's clock.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, system_clock())
    }

    /// An empty backend in memory, on a clock of the caller's.
    #[must_use]
    pub fn with_clock(limits: Limits, clock: Clock) -> Self {
        Self {
            store: Arc::new(store::Store::in_memory(&limits, Arc::clone(&clock))),
            limits: Arc::new(limits),
            clock,
        }
    }

    /// The backend that keeps its data in `directory`, on the system's clock. The directory is made
    /// if it is not there, and is for this backend alone until the last clone of it is dropped.
    ///
    /// Pushes return when their data is on the disk: until then they block, and pushes from several
    /// threads share the wait. However the process ended before, what it acknowledged is there.
    pub fn open(directory: &Path, limits: Limits) -> Result<Self, OpenError> {
        Self::open_with_clock(directory, limits, system_clock())
    }

    /// Likewise, on a clock of the caller's, which also tells what is older than the retention.
    pub fn open_with_clock(
        directory: &Path,
        limits: Limits,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            store: Arc::new(store::Store::open(directory, &limits, Arc::clone(&clock))?),
            limits: Arc::new(limits),
            clock,
        })
    }

    /// Adds log lines. Either all of them are taken or, on an error, none, but for
    /// [`PushError::TooOld`] and [`PushError::TooNew`], with which the others are.
    pub fn push_logs(&self, tenant: &str, mut streams: Vec<LogStream>) -> Result<(), PushError> {
        structured_metadata::settle(&mut streams);
        self.store.push_logs(tenant, streams)
    }

    /// Adds samples. Either all of them are taken or, on an error, none, but for
    /// [`PushError::DuplicateSample`], [`PushError::TooOld`] and [`PushError::TooNew`], with which the
    /// others are.
    pub fn push_samples(&self, tenant: &str, series: Vec<SampleSeries>) -> Result<(), PushError> {
        self.store.push_samples(tenant, series)
    }

    /// Adds native histograms. Either all of them are taken or, on an error, none, but for
    /// [`PushError::DuplicateSample`] and [`PushError::TooNew`], with which the others are.
    ///
    /// Of the hint, only that the counts began anew and that it is a gauge is believed; that they
    /// went on is found out from the counts.
    pub fn push_histograms(
        &self,
        tenant: &str,
        series: Vec<HistogramSeries>,
    ) -> Result<(), PushError> {
        self.store.push_histograms(tenant, series)
    }

    /// Adds exemplars. Either all of them are taken or, on an error, none, but for
    /// [`PushError::TooNew`], with which the others are.
    pub fn push_exemplars(
        &self,
        tenant: &str,
        series: Vec<ExemplarSeries>,
    ) -> Result<(), PushError> {
        self.store.push_exemplars(tenant, series)
    }

    /// Tells what metrics mean. On an error nothing is taken. What has no name, or a name or unit of
    /// more than 1 KiB, is left out, and help is cut after 4 KiB. What is more than one tenant may
    /// have, 16 MiB of text and as many descriptions as streams, takes the place of what was not told
    /// for the longest time.
    pub fn add_metadata(&self, tenant: &str, batch: Vec<MetricMetadata>) -> Result<(), PushError> {
        self.store.add_metadata(tenant, batch)
    }

    /// What the backend has seen of its disk since it was opened; nothing for one in memory.
    #[must_use]
    pub fn disk_health(&self) -> DiskHealth {
        self.store.disk_health()
    }

    /// The HTTP face. With credentials, every request has to carry them (HTTP Basic), whatever it
    /// asks for.
    pub fn router(&self, credentials: Option<Credentials>) -> axum::Router {
        http::router(self.clone(), credentials)
    }
}
