//! How many samples a query holds, and how many series it finds.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{EvalError, Limits};

/// Counts the samples that a query holds in memory and the series that its selectors find, against
/// limits.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    limit: usize,
    series: AtomicUsize,
    most_series: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            held: AtomicUsize::new(0),
            limit: limits.max_samples,
            series: AtomicUsize::new(0),
            most_series: limits.max_fetched_series,
        }
    }

    /// Counts what a selector found, and refuses what is more than all of them may find.
    pub(super) fn take_series(&self, series: usize) -> Result<(), EvalError> {
        let before = self.series.fetch_add(series, Ordering::Relaxed);
        if before.saturating_add(series) <= self.most_series {
            return Ok(());
        }
        Err(EvalError::Limit(format!(
            "the query exceeded the maximum number of series (limit: {} series) \
             (err-mimir-max-series-per-query). Consider reducing the time range and/or number of \
             series selected by the query, for example by adding more label matchers",
            self.most_series
        )))
    }

    /// Counts `samples` more, and refuses what is more than the query may hold.
    pub(super) fn take(&self, samples: usize) -> Result<(), EvalError> {
        let before = self.held.fetch_add(samples, Ordering::Relaxed);
        if before.saturating_add(samples) > self.limit {
            return Err(EvalError::Limit(
                "query processing would load too many samples into memory in query execution"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Sets the count back to what it was before something was evaluated, plus what is left of it.
    pub(super) fn settle(&self, before: usize, left: usize) {
        self.held
            .store(before.saturating_add(left), Ordering::Relaxed);
    }

    /// Takes back what is not held any more.
    pub(super) fn give_back(&self, samples: usize) {
        self.held.fetch_sub(samples, Ordering::Relaxed);
    }
}
