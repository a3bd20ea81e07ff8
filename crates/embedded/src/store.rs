//! Streams and series in memory, apart for every tenant.
//!
//! Writers lock one tenant's table for the length of one push. Readers lock it only while they
//! find the streams that match and take references to their chunks; what they hold then stays as
//! it was, whatever is written meanwhile.

mod chunks;
mod exemplars;
mod feed;
mod metadata;
mod select;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use query::Matcher;

use crate::labels::Labels;
use crate::limits::{EvalError, Limits};
use crate::{ExemplarSeries, LogEntry, LogStream, SampleSeries};
pub use chunks::{Selected, Timed};
pub use exemplars::{Exemplar, TenantExemplars};
use feed::Feed;
pub(crate) use feed::{Batch, Tail};
use metadata::Registry;
pub use metadata::{MetricKind, MetricMetadata};
pub use select::Selection;
use select::selections;
use table::{Table, Unobserved};

/// A sample of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The value. One NaN, [`STALE_NAN`], says that the series ended.
    pub value: f64,
}

/// The bits of the NaN that marks the end of a series, as Prometheus defines it.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

impl Sample {
    /// Whether this is the mark of a series' end and no value.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.value.to_bits() == STALE_NAN
    }
}

/// Why data was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// A stream or series without any label.
    #[error("a stream or series needs at least one label")]
    NoLabels,
    /// A label without a name.
    #[error("a label has no name")]
    EmptyLabelName,
    /// A label name given twice.
    #[error("label {0:?} is given more than once")]
    DuplicateLabel(String),
    /// A series without a metric name.
    #[error("series {0} has no metric name (__name__)")]
    NoMetricName(String),
    /// The tenant's limit of streams or series.
    #[error("the tenant has reached its limit of {0} streams or series")]
    TooManyStreams(usize),
}

/// All tenants' data.
#[derive(Debug)]
pub struct Store {
    tenants: RwLock<HashMap<String, Tenant>>,
    max_streams: usize,
    retention_ns: i64,
}

#[derive(Clone, Debug, Default)]
struct Tenant {
    logs: TenantLogs,
    metrics: TenantMetrics,
    exemplars: TenantExemplars,
    metadata: Arc<RwLock<Registry>>,
}

/// The logs of one tenant. Clones share the data.
#[derive(Clone, Debug, Default)]
pub struct TenantLogs {
    table: Arc<RwLock<Table<LogEntry>>>,
    feed: Arc<Feed>,
}

/// The metrics of one tenant. Clones share the data.
#[derive(Clone, Debug, Default)]
pub struct TenantMetrics(Arc<RwLock<Table<Sample>>>);

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            tenants: RwLock::default(),
            max_streams: limits.max_streams_per_tenant,
            retention_ns: i64::try_from(limits.retention.as_nanos()).unwrap_or(i64::MAX),
        }
    }

    /// The logs of `tenant`; a tenant that nothing was written for has none.
    #[must_use]
    pub fn logs(&self, tenant: &str) -> TenantLogs {
        self.existing(tenant).logs
    }

    /// The logs of `tenant`, to be waited for: a tenant that nothing was written for may get some
    /// later.
    pub(crate) fn logs_to_come(&self, tenant: &str) -> TenantLogs {
        self.or_created(tenant).logs
    }

    /// The metrics of `tenant`; a tenant that nothing was written for has none.
    #[must_use]
    pub fn metrics(&self, tenant: &str) -> TenantMetrics {
        self.existing(tenant).metrics
    }

    /// See [`crate::Backend::push_logs`].
    pub fn push_logs(&self, tenant: &str, streams: Vec<LogStream>) -> Result<(), PushError> {
        let mut checked = Vec::with_capacity(streams.len());
        for stream in streams {
            checked.push((check(stream.labels)?, stream.entries));
        }
        let logs = self.or_created(tenant).logs;
        let mut table = logs.table.write().unwrap_or_else(PoisonError::into_inner);
        table.push(checked, self.max_streams, self.retention_ns, &*logs.feed)
    }

    /// See [`crate::Backend::push_samples`].
    pub fn push_samples(&self, tenant: &str, series: Vec<SampleSeries>) -> Result<(), PushError> {
        let checked = named(series.into_iter().map(|one| (one.labels, one.samples)))?;
        let table = self.or_created(tenant).metrics.0;
        let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
        table.push(
            checked,
            self.max_streams,
            self.retention_ns / 1_000_000,
            &Unobserved,
        )
    }

    /// See [`crate::Backend::push_exemplars`].
    pub fn push_exemplars(
        &self,
        tenant: &str,
        series: Vec<ExemplarSeries>,
    ) -> Result<(), PushError> {
        let checked = named(series.into_iter().map(|one| (one.labels, one.exemplars)))?;
        let table = self.or_created(tenant).exemplars.0;
        let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
        table.push(
            checked,
            self.max_streams,
            self.retention_ns / 1_000_000,
            &Unobserved,
        )
    }

    /// See [`crate::Backend::add_metadata`].
    pub fn add_metadata(&self, tenant: &str, batch: Vec<MetricMetadata>) -> Result<(), PushError> {
        let registry = self.or_created(tenant).metadata;
        let mut registry = registry.write().unwrap_or_else(PoisonError::into_inner);
        registry.add(batch, self.max_streams)
    }

    /// The exemplars of `tenant`; a tenant that nothing was written for has none.
    #[must_use]
    pub fn exemplars(&self, tenant: &str) -> TenantExemplars {
        self.existing(tenant).exemplars
    }

    /// The metadata of one metric of `tenant`, or of all if its name is empty; of `limit` metrics
    /// at most, sorted by their names.
    #[must_use]
    pub fn metadata(
        &self,
        tenant: &str,
        metric: &str,
        limit: usize,
    ) -> Vec<(String, Vec<MetricMetadata>)> {
        let registry = self.existing(tenant).metadata;
        let registry = registry.read().unwrap_or_else(PoisonError::into_inner);
        registry.find(metric, limit)
    }

    fn existing(&self, tenant: &str) -> Tenant {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).cloned().unwrap_or_default()
    }

    fn or_created(&self, tenant: &str) -> Tenant {
        {
            let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(tenant) = tenants.get(tenant) {
                return tenant.clone();
            }
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.entry(tenant.to_owned()).or_default().clone()
    }
}

/// Series of which every one has labels that may be, a metric's name among them.
fn named<T>(
    series: impl Iterator<Item = (Vec<(String, String)>, Vec<T>)>,
) -> Result<Vec<(Labels, Vec<T>)>, PushError> {
    series
        .map(|(labels, items)| {
            let labels = check(labels)?;
            if labels.get("__name__").is_empty() {
                return Err(PushError::NoMetricName(labels.to_string()));
            }
            Ok((labels, items))
        })
        .collect()
}

fn check(labels: Vec<(String, String)>) -> Result<Labels, PushError> {
    let mut names: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names.first().is_some_and(|name| name.is_empty()) {
        return Err(PushError::EmptyLabelName);
    }
    if let Some([name, _]) = names.array_windows().find(|[a, b]| a == b) {
        return Err(PushError::DuplicateLabel((*name).to_owned()));
    }
    let labels = Labels::new(labels);
    if labels.is_empty() {
        return Err(PushError::NoLabels);
    }
    Ok(labels)
}

impl TenantLogs {
    /// The streams that all of `matchers` match, with their lines from `start_ns` (inclusive) to
    /// `end_ns` (exclusive) by time; streams without a line there are left out. The streams come
    /// sorted by their labels.
    pub fn select(
        &self,
        matchers: &[Matcher],
        start_ns: i64,
        end_ns: i64,
    ) -> Result<Vec<Selected<LogEntry>>, EvalError> {
        let selection = Selection::new(matchers)?;
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        Ok(table.select(&selection, start_ns, end_ns))
    }

    /// The label sets of the streams that all matchers of at least one group match, and that have
    /// lines both before `end_ns` (exclusive) and from `start_ns` on. Without a group: of all
    /// streams. What Loki's index knows of a stream is where it begins and ends, and so it is here.
    pub fn label_sets(
        &self,
        groups: &[Vec<Matcher>],
        start_ns: i64,
        end_ns: i64,
    ) -> Result<BTreeSet<Labels>, EvalError> {
        label_sets(&self.table, groups, start_ns, end_ns)
    }

    /// The streams that match, with their lines from `start_ns` on, and a tail that gets every
    /// line of such a stream that is not among them: none is missed, and none comes twice.
    pub(crate) fn tail(
        &self,
        matchers: &[Matcher],
        start_ns: i64,
        limits: &Limits,
    ) -> Result<(Arc<Tail>, Vec<Selected<LogEntry>>), EvalError> {
        let selection = Selection::new(matchers)?;
        // Writers wait as long as the table is locked for reading.
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let streams = table.select(&selection, start_ns, i64::MAX);
        let tail = self.feed.open(selection, limits)?;
        Ok((tail, streams))
    }
}

impl TenantMetrics {
    /// The series that all of `matchers` match, with their samples from `start_ms` to `end_ms`
    /// (both inclusive) by time; series without a sample there are left out. The series come
    /// sorted by their labels.
    pub fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Selected<Sample>>, EvalError> {
        let selection = Selection::new(matchers)?;
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(table.select(&selection, start_ms, end_ms.saturating_add(1)))
    }

    /// The label sets of the series that all matchers of at least one group match, and that have
    /// samples both up to `end_ms` and from `start_ms` on. Without a group: of all series.
    pub fn label_sets(
        &self,
        groups: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<BTreeSet<Labels>, EvalError> {
        label_sets(&self.0, groups, start_ms, end_ms.saturating_add(1))
    }
}

fn label_sets<T: Timed>(
    table: &RwLock<Table<T>>,
    groups: &[Vec<Matcher>],
    start: i64,
    end: i64,
) -> Result<BTreeSet<Labels>, EvalError> {
    let all = [Vec::new()];
    let selections = selections(if groups.is_empty() { &all } else { groups })?;
    let mut found = BTreeSet::new();
    let table = table.read().unwrap_or_else(PoisonError::into_inner);
    for selection in &selections {
        table.labels(selection, start, end, &mut found);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
