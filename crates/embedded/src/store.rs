//! Streams and series, apart for every tenant, in memory or in a directory.
//!
//! Writers lock one tenant's table for the length of one push. Readers lock it only while they
//! find the streams that match and take references to their chunks; what they hold then stays as
//! it was, whatever is written meanwhile.

pub(crate) mod age;
mod chunks;
pub(crate) mod disk;
mod exemplars;
mod feed;
mod fuzzing;
mod gone;
mod histograms;
mod keeper;
mod lines;
mod metadata;
mod refused;
mod select;
mod selected;
mod shelf;
mod table;
mod tenant;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use query::Matcher;

use crate::labels::Labels;
use crate::limits::{EvalError, Limits};
use crate::ticker::Ticker;
use crate::{Clock, ExemplarSeries, HistogramSeries, LogEntry, LogStream, SampleSeries};
pub use chunks::Timed;
pub use disk::codec::Record;
use disk::directory::Directory;
pub use disk::directory::OpenError;
pub(crate) use disk::reading::Reading;
pub use exemplars::{Exemplar, TenantExemplars};
use feed::Feed;
pub(crate) use feed::{Batch, Dropped, Tail};
#[doc(hidden)]
pub use fuzzing::read_anything;
pub use histograms::HistogramSample;
pub(crate) use lines::{Lines, LogLine, Needle, SharedReading};
pub use metadata::{MetricKind, MetricMetadata};
pub use refused::PushError;
pub(crate) use select::Patterns;
pub use select::Selection;
use select::selections;
pub use selected::Selected;
use shelf::{Setting, Shelf};
use table::{Observer, Unobserved};
use tenant::Tenant;

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

/// What a store has seen of its disk since it was opened. All of it is in the log, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskHealth {
    /// Bytes at the ends of logs that were no whole records, and were set aside. There are some
    /// after a crash; after a clean stop they are damage.
    pub torn_bytes: u64,
    /// Bytes elsewhere in logs that were damaged, and were set aside.
    pub damaged_bytes: u64,
    /// How often the system could not tell that data is on the disk. What it was asked for was
    /// refused.
    pub failed_syncs: u64,
}

/// All tenants' data.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    /// Looks after what is on disk; there is none for a store in memory.
    keeper: Option<JoinHandle<()>>,
}

/// What the store and its keeper have in common.
struct Shared {
    tenants: RwLock<HashMap<String, Tenant>>,
    setting: Setting,
    directory: Option<Directory>,
    /// Bytes on disk that one tenant may have.
    retention_bytes: Option<u64>,
    /// Whether the keeper has looked since the start.
    was_kept: AtomicBool,
    /// How far ahead of the clock data may be dated, in nanoseconds.
    grace_ns: i64,
    clock: Clock,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// The logs of one tenant. Clones share the data.
#[derive(Clone, Debug)]
pub struct TenantLogs(Arc<Shelf<LogEntry, Feed>>);

/// The metrics of one tenant. Clones share the data.
#[derive(Clone, Debug)]
pub struct TenantMetrics(
    Arc<Shelf<Sample, Unobserved>>,
    Arc<Shelf<HistogramSample, Unobserved>>,
);

impl Store {
    /// An empty store in memory, which takes data of any time.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self::in_memory(limits, Arc::new(|| i64::MAX))
    }

    /// An empty store in memory, on a clock.
    pub(crate) fn in_memory(limits: &Limits, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                tenants: RwLock::default(),
                setting: Setting::new(limits),
                directory: None,
                retention_bytes: None,
                was_kept: AtomicBool::new(false),
                grace_ns: nanoseconds(limits.creation_grace),
                clock,
            }),
            keeper: None,
        }
    }

    /// The store in a directory, which is made if it is not there. What was acknowledged before is
    /// in it, however the last process ended.
    pub fn open(directory: &Path, limits: &Limits, clock: Clock) -> Result<Self, OpenError> {
        let mut store = Self::open_unkept(directory, limits, clock)?;
        let kept = Arc::clone(&store.shared);
        let keeper = std::thread::Builder::new().name("store".to_owned());
        let keeper = keeper.spawn(move || {
            while kept.setting.wake.wait() {
                kept.keep();
            }
        });
        store.keeper = Some(keeper.map_err(|error| OpenError::Io {
            path: directory.to_owned(),
            error,
        })?);
        Ok(store)
    }

    /// Likewise, and nobody looks after it.
    fn open_unkept(directory: &Path, limits: &Limits, clock: Clock) -> Result<Self, OpenError> {
        let files = Directory::open(directory)?;
        let setting = Setting::new(limits);
        let tenants = tenant::open_all(&files, &setting)?;
        let shared = Arc::new(Shared {
            tenants: RwLock::new(tenants),
            setting,
            directory: Some(files),
            retention_bytes: limits.retention_bytes,
            was_kept: AtomicBool::new(false),
            grace_ns: nanoseconds(limits.creation_grace),
            clock,
        });
        Ok(Self {
            shared,
            keeper: None,
        })
    }

    /// Writes what is in memory into segments, however little it is. Nothing needs this to be safe;
    /// the next start has less to read.
    pub fn seal(&self) {
        self.shared.seal();
    }

    /// Does now what is otherwise done about every second: seals what has become much, and takes
    /// away what is older or more than is to be kept.
    pub fn keep(&self) {
        self.shared.keep();
    }

    /// What was seen of the disk since the store was opened.
    #[must_use]
    pub fn disk_health(&self) -> DiskHealth {
        let handles = &self.shared.setting.handles;
        DiskHealth {
            torn_bytes: handles.torn.load(Ordering::Relaxed),
            damaged_bytes: handles.damaged.load(Ordering::Relaxed),
            failed_syncs: handles.unsynchronized.load(Ordering::Relaxed),
        }
    }

    /// The logs of `tenant`; a tenant that nothing was written for has none.
    #[must_use]
    pub fn logs(&self, tenant: &str) -> TenantLogs {
        TenantLogs(self.existing(tenant).logs)
    }

    /// The logs of `tenant`, to be waited for: a tenant that nothing was written for may get some
    /// later.
    pub(crate) fn logs_to_come(&self, tenant: &str) -> TenantLogs {
        let tenant = self.or_created(tenant);
        TenantLogs(tenant.unwrap_or_else(|_| self.nobody()).logs)
    }

    /// The metrics of `tenant`; a tenant that nothing was written for has none.
    #[must_use]
    pub fn metrics(&self, tenant: &str) -> TenantMetrics {
        let tenant = self.existing(tenant);
        TenantMetrics(tenant.metrics, tenant.histograms)
    }

    /// See [`crate::Backend::push_logs`].
    pub fn push_logs(&self, tenant: &str, streams: Vec<LogStream>) -> Result<(), PushError> {
        let mut checked = Vec::with_capacity(streams.len());
        for stream in streams {
            checked.push((check(stream.labels)?, stream.entries));
        }
        let too_old = self.take_old(&mut checked, "entry for stream");
        let too_new = self.leave_out_too_new(&mut checked);
        if !checked.is_empty() || too_old.is_none() {
            self.or_created(tenant)?.logs.push(checked)?;
        }
        too_old.map_or(too_new, Err)
    }

    /// See [`crate::Backend::push_samples`].
    pub fn push_samples(&self, tenant: &str, series: Vec<SampleSeries>) -> Result<(), PushError> {
        let mut checked = named(series.into_iter().map(|one| (one.labels, one.samples)))?;
        let too_old = self.take_old(&mut checked, "sample of series");
        let too_new = self.leave_out_too_new(&mut checked);
        if !checked.is_empty() || too_old.is_none() {
            self.or_created(tenant)?.metrics.push(checked)?;
        }
        too_old.map_or(too_new, Err)
    }

    /// See [`crate::Backend::push_histograms`].
    pub fn push_histograms(
        &self,
        tenant: &str,
        series: Vec<HistogramSeries>,
    ) -> Result<(), PushError> {
        for sample in series.iter().flat_map(|one| &one.samples) {
            let checked = sample.histogram.check();
            checked.map_err(PushError::BadHistogram)?;
        }
        let mut checked = named(series.into_iter().map(|one| (one.labels, one.samples)))?;
        let too_old = self.take_old(&mut checked, "histogram of series");
        let too_new = self.leave_out_too_new(&mut checked);
        if !checked.is_empty() || too_old.is_none() {
            self.or_created(tenant)?.histograms.push(checked)?;
        }
        too_old.map_or(too_new, Err)
    }

    /// See [`crate::Backend::push_exemplars`].
    pub fn push_exemplars(
        &self,
        tenant: &str,
        series: Vec<ExemplarSeries>,
    ) -> Result<(), PushError> {
        let mut checked = named(series.into_iter().map(|one| (one.labels, one.exemplars)))?;
        let too_new = self.leave_out_too_new(&mut checked);
        self.or_created(tenant)?.exemplars.push(checked)?;
        too_new
    }

    /// Takes those entries out of a push that are dated too far ahead; the first of them, if there
    /// is one. They would be the last that the retention takes away.
    fn leave_out_too_new<T: Record>(&self, push: &mut [(Labels, Vec<T>)]) -> Result<(), PushError> {
        let newest_ns = (self.shared.clock)().saturating_add(self.shared.grace_ns);
        let newest = newest_ns / T::UNIT_NS;
        let mut first = Ok(());
        for (labels, entries) in push {
            let is_too_new = |entry: &&T| entry.time() > newest;
            let Some(time) = entries.iter().find(is_too_new).map(T::time) else {
                continue;
            };
            entries.retain(|entry| entry.time() <= newest);
            if first.is_ok() {
                let ns = i128::from(time).saturating_mul(i128::from(T::UNIT_NS));
                let time = jiff::Timestamp::from_nanosecond(ns)
                    .map_or_else(|_| format!("{ns} ns"), |time| time.to_string());
                let labels = labels.to_string();
                first = Err(PushError::TooNew { labels, time });
            }
        }
        first
    }

    /// See [`crate::Backend::add_metadata`].
    pub fn add_metadata(&self, tenant: &str, batch: Vec<MetricMetadata>) -> Result<(), PushError> {
        self.or_created(tenant)?.metadata.add(batch)
    }

    /// The exemplars of `tenant`; a tenant that nothing was written for has none.
    #[must_use]
    pub fn exemplars(&self, tenant: &str) -> TenantExemplars {
        TenantExemplars(self.existing(tenant).exemplars)
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
        self.existing(tenant).metadata.find(metric, limit)
    }

    fn existing(&self, tenant: &str) -> Tenant {
        let tenants = &self.shared.tenants;
        let tenants = tenants.read().unwrap_or_else(PoisonError::into_inner);
        let found = tenants.get(tenant).cloned();
        found.unwrap_or_else(|| self.nobody())
    }

    /// A tenant without data.
    fn nobody(&self) -> Tenant {
        Tenant::in_memory(&self.shared.setting)
    }

    fn or_created(&self, tenant: &str) -> Result<Tenant, PushError> {
        let tenants = &self.shared.tenants;
        if let Some(tenant) = tenants
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
        {
            return Ok(tenant.clone());
        }
        let setting = &self.shared.setting;
        let mut tenants = tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(tenant) {
            return Ok(tenant.clone());
        }
        let created = match &self.shared.directory {
            None => Tenant::in_memory(setting),
            Some(directory) => {
                let bad = || PushError::BadTenant(tenant.to_owned());
                let path = directory.tenant(tenant).ok_or_else(bad)?;
                Tenant::open(&path, setting).map_err(|error| {
                    tracing::error!(%error, "a tenant's directory was not opened");
                    PushError::Unwritable
                })?
            }
        };
        tenants.insert(tenant.to_owned(), created.clone());
        Ok(created)
    }
}

impl Drop for Store {
    /// A clean stop: what was acknowledged is on disk already, so all there is to wait for is the
    /// keeper, which may be sealing.
    fn drop(&mut self) {
        self.shared.setting.wake.end();
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            tracing::error!("the thread that looks after the store broke off");
        }
    }
}

fn nanoseconds(of: std::time::Duration) -> i64 {
    i64::try_from(of.as_nanos()).unwrap_or(i64::MAX)
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

fn check(mut labels: Vec<(String, String)>) -> Result<Labels, PushError> {
    labels.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    if labels.first().is_some_and(|(name, _)| name.is_empty()) {
        return Err(PushError::EmptyLabelName);
    }
    if let Some([(name, _), _]) = labels.array_windows().find(|[a, b]| a.0 == b.0) {
        return Err(PushError::DuplicateLabel(name.clone()));
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
        let mut ticker = Ticker::unheeding();
        self.0.select(&selection, start_ns, end_ns, &mut ticker)
    }

    /// The label sets of the streams that all matchers of at least one group match, and that have
    /// lines both before `end_ns` (exclusive) and from `start_ns` on. Without a group: of all
    /// streams. What Loki's index knows of a stream is where it begins and ends, and so it is here.
    pub(crate) fn label_sets(
        &self,
        groups: &[Vec<Matcher>],
        start_ns: i64,
        end_ns: i64,
        patterns: &mut Patterns,
    ) -> Result<BTreeSet<Labels>, EvalError> {
        label_sets(&self.0, groups, (start_ns, end_ns), patterns)
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
        let open = || self.0.observer.open(selection.clone(), limits);
        let mut ticker = Ticker::unheeding();
        let times = (start_ns, i64::MAX);
        let (streams, tail) = self.0.select_and(&selection, times, &mut ticker, open)?;
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
        self.select_until(&selection, start_ms, end_ms, &mut Ticker::unheeding())
    }

    /// Likewise, of matchers that are compiled already, for as long as the ticker lets it.
    pub(crate) fn select_until(
        &self,
        selection: &Selection,
        start_ms: i64,
        end_ms: i64,
        ticker: &mut Ticker,
    ) -> Result<Vec<Selected<Sample>>, EvalError> {
        let end_ms = end_ms.saturating_add(1);
        self.0.select(selection, start_ms, end_ms, ticker)
    }

    /// The label sets of the series that all matchers of at least one group match, and that have
    /// samples both up to `end_ms` and from `start_ms` on. Without a group: of all series.
    pub(crate) fn label_sets(
        &self,
        groups: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
        patterns: &mut Patterns,
    ) -> Result<BTreeSet<Labels>, EvalError> {
        let times = (start_ms, end_ms.saturating_add(1));
        let mut found = label_sets(&self.0, groups, times, patterns)?;
        found.extend(label_sets(&self.1, groups, times, patterns)?);
        Ok(found)
    }
}

fn label_sets<T: Record>(
    shelf: &Shelf<T, impl Observer<T>>,
    groups: &[Vec<Matcher>],
    (start, end): (i64, i64),
    patterns: &mut Patterns,
) -> Result<BTreeSet<Labels>, EvalError> {
    let all = [Vec::new()];
    let groups = if groups.is_empty() { &all } else { groups };
    let selections = selections(groups, patterns)?;
    let mut ticker = patterns.ticker();
    let mut found = BTreeSet::new();
    for selection in &selections {
        shelf.labels(selection, (start, end), &mut ticker, &mut found)?;
    }
    Ok(found)
}

#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod tests;
