//! How many samples a query holds.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::EvalError;

/// Counts the samples that a query holds in memory, against a limit.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            limit,
        }
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
