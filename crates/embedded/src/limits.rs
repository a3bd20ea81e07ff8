//! What one query may cost, and how an evaluation ends early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::memory::Held;

/// Limits of the backend. The defaults suit one machine that does other work too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one query may run.
    pub query_timeout: Duration,
    /// How many queries run at a time, of which one tenant has half at the most, and one at least.
    /// More wait, as long as a query may run.
    pub concurrent_queries: usize,
    /// How many queries of one tenant may wait, as Mimir's `max_outstanding_requests_per_tenant`.
    pub waiting_queries_per_tenant: usize,
    /// Samples that one PromQL query may hold in memory, as Prometheus's `query.max-samples`.
    pub max_samples: usize,
    /// Series that the selectors of one PromQL query may find, each selector counted for itself, as
    /// Mimir's `max_fetched_series_per_query`.
    pub max_fetched_series: usize,
    /// Series in one answer to a LogQL query, as Loki's `max_query_series`.
    pub max_series: usize,
    /// Log lines in one answer, as Loki's `max_entries_limit_per_query`.
    pub max_entries: usize,
    /// Bytes of log lines that one query may read, as Loki's `max_query_bytes_read`. `None`: as many
    /// as it gets through in its time.
    pub max_query_bytes: Option<u64>,
    /// Bytes of memory that one query may hold while it is evaluated, as Mimir's
    /// `max_estimated_memory_consumption_per_query`. It is counted where the program's allocator is
    /// jemalloc.
    pub max_query_memory: u64,
    /// Whether a LogQL query may select streams without demanding a label of them (`{}`,
    /// `{app!="x"}`). Loki refuses that, and so does this backend unless told otherwise.
    pub any_selector: bool,
    /// Streams, and likewise series, that one tenant may have.
    pub max_streams_per_tenant: usize,
    /// How far ahead of the clock data may be dated, as Loki's and Mimir's `creation_grace_period`.
    pub creation_grace: Duration,
    /// Bytes of text that the labels of all streams and series of one tenant may have. Labels are in
    /// memory, about three times as large, until the last entry of their stream has gone.
    pub label_bytes_per_tenant: usize,
    /// And those of all tenants together.
    pub label_bytes: usize,
    /// How long data is kept. In memory it is counted back from the newest of its stream or series,
    /// in a directory from now. Somewhat older data may be there still, for it goes in blocks.
    pub retention: Duration,
    /// Bytes of data on disk that one tenant may have; when there are more, its oldest go, whatever
    /// their stream. The size of a block or two may be there beyond, and labels and metadata. `None`: as many as come within
    /// `retention`.
    pub retention_bytes: Option<u64>,
    /// Live tails that one tenant may have open at a time, as Loki's
    /// `max_concurrent_tail_requests`.
    pub tails_per_tenant: usize,
    /// Lines that wait for the reader of one tail; what comes when it is full is dropped, and the
    /// reader is told so.
    pub tail_buffer: usize,
    /// How far back PromQL looks for the newest sample of a series.
    pub lookback: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_timeout: Duration::from_mins(1),
            concurrent_queries: 4,
            waiting_queries_per_tenant: 100,
            max_samples: 50_000_000,
            max_fetched_series: 500_000,
            max_series: 500,
            max_entries: 5_000,
            max_query_bytes: Some(64 << 30),
            max_query_memory: 1 << 30,
            any_selector: false,
            max_streams_per_tenant: 100_000,
            creation_grace: Duration::from_hours(24),
            label_bytes_per_tenant: 64 << 20,
            label_bytes: 256 << 20,
            retention: Duration::from_hours(24),
            retention_bytes: None,
            tails_per_tenant: 10,
            tail_buffer: 1_000,
            lookback: Duration::from_mins(5),
        }
    }
}

/// Why a query was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The query is wrong as such.
    #[error("{0}")]
    Invalid(String),
    /// The query is right, and this backend cannot evaluate it.
    #[error("{0}")]
    Unsupported(String),
    /// The query is right, and the data that it met are not (many-to-many matching, for one).
    #[error("{0}")]
    Execution(String),
    /// The query would cost more than it may.
    #[error("{0}")]
    Limit(String),
    /// The query ran longer than it may.
    #[error("query timed out in query execution")]
    Timeout,
    /// The query waited for a place to run in for as long as it may run.
    #[error("query timed out in query queue")]
    NoPlace,
    /// Too many queries of the tenant wait already.
    #[error("too many outstanding requests")]
    TooManyWaiting,
    /// Whoever asked does not wait any more.
    #[error("query was canceled in query execution")]
    Canceled,
    /// Some of the data that the query asks for cannot be read. The cause is in the log.
    #[error("some of the data that the query asks for is damaged or cannot be read; see the log")]
    Unreadable,
    /// The backend failed, and not the query. The cause is in the log.
    #[error("internal error")]
    Internal,
}

/// Tells an evaluation when to end early: at its deadline, when nobody waits for it any more, or
/// when it has read too much. Evaluators ask it every few hundred lines, samples or steps.
#[derive(Clone, Debug)]
pub struct Stop {
    deadline: Instant,
    canceled: Arc<AtomicBool>,
    /// Bytes of log lines that were read, by all clones together.
    read: Arc<AtomicU64>,
    /// And how many lines these were.
    lines: Arc<AtomicU64>,
    most: u64,
    /// Memory that is held for the query, by all clones together.
    memory: Arc<Held>,
    most_memory: i64,
}

impl Stop {
    /// A stop `timeout` from now.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        let now = Instant::now();
        Self {
            deadline: now.checked_add(timeout).unwrap_or(now),
            canceled: Arc::default(),
            read: Arc::default(),
            lines: Arc::default(),
            most: u64::MAX,
            memory: Arc::default(),
            most_memory: i64::MAX,
        }
    }

    /// The stop of a query under these limits: their time from now, their bytes and their memory.
    #[must_use]
    pub fn within(limits: &Limits) -> Self {
        Self::within_time(limits, limits.query_timeout)
    }

    /// Likewise, with another time.
    #[must_use]
    pub fn within_time(limits: &Limits, timeout: Duration) -> Self {
        Self {
            most: limits.max_query_bytes.unwrap_or(u64::MAX),
            most_memory: i64::try_from(limits.max_query_memory).unwrap_or(i64::MAX),
            ..Self::after(timeout)
        }
    }

    /// Counts a log line of `bytes` that was read; an error if these are too many together.
    pub(crate) fn count(&self, bytes: usize) -> Result<(), EvalError> {
        let bytes = bytes as u64;
        self.lines.fetch_add(1, Ordering::Relaxed);
        let read = self.read.fetch_add(bytes, Ordering::Relaxed);
        let read = read.saturating_add(bytes);
        if read <= self.most {
            return Ok(());
        }
        Err(EvalError::Limit(format!(
            "the query would read too many bytes (query: {}, limit: {}); consider adding more \
             specific stream selectors or reduce the time range of the query",
            shown(read),
            shown(self.most)
        )))
    }

    /// An error if the evaluation has to end.
    pub fn check(&self) -> Result<(), EvalError> {
        if self.canceled.load(Ordering::Relaxed) {
            return Err(EvalError::Canceled);
        }
        if self.memory.update() > self.most_memory {
            return Err(EvalError::Limit(format!(
                "the query exceeded the maximum allowed amount of memory consumed by a single query \
                 (limit: {} bytes); narrow its time range or its selectors, or aggregate earlier",
                self.most_memory
            )));
        }
        if Instant::now() >= self.deadline {
            return Err(EvalError::Timeout);
        }
        Ok(())
    }

    /// Bytes and lines that were read.
    pub(crate) fn counted(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.read), load(&self.lines))
    }

    /// Time left.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// A guard that cancels the evaluation when it is dropped.
    #[must_use]
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Arc::clone(&self.canceled))
    }
}

/// A number of bytes in powers of 1,024, as Loki's errors show it: `1.5 MiB`.
#[allow(clippy::cast_precision_loss)] // three digits are shown
fn shown(bytes: u64) -> String {
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = bytes as f64;
    let mut unit = units.iter();
    let mut name = unit.next();
    while size >= 1_024.0
        && let Some(next) = unit.next()
    {
        size /= 1_024.0;
        name = Some(next);
    }
    let name = name.copied().unwrap_or_default();
    let rounded = (size * 10.0 + 0.5).floor() / 10.0;
    if rounded < 10.0 {
        format!("{rounded:.1} {name}")
    } else {
        format!("{rounded:.0} {name}")
    }
}

/// See [`Stop::cancel_on_drop`].
#[derive(Debug)]
pub struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_loki_shows_them() {
        let cases = [
            (7, "7 B"),
            (900, "900 B"),
            (1_024, "1.0 KiB"),
            (1_600_000, "1.5 MiB"),
            (20 << 30, "20 GiB"),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(shown(bytes), wanted);
        }
    }

    #[test]
    fn what_all_clones_read_counts_together() {
        let limits = Limits {
            max_query_bytes: Some(10),
            ..Limits::default()
        };
        let stop = Stop::within(&limits);
        assert_eq!(stop.clone().count(6), Ok(()));
        assert_eq!(stop.count(4), Ok(()));
        assert!(matches!(stop.count(1), Err(EvalError::Limit(_))));
    }
}
