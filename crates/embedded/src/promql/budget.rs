//! How many samples a query holds.

use std::cell::Cell;

use crate::limits::EvalError;

/// Counts the samples that a query holds in memory, against a limit.
#[derive(Debug)]
pub(super) struct Budget {
    held: Cell<usize>,
    limit: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            held: Cell::new(0),
            limit,
        }
    }

    /// Counts `samples` more, and refuses what is more than the query may hold.
    pub(super) fn take(&self, samples: usize) -> Result<(), EvalError> {
        let held = self.held.get().saturating_add(samples);
        self.held.set(held);
        if held > self.limit {
            return Err(EvalError::Limit(
                "query processing would load too many samples into memory in query execution"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        self.held.get()
    }

    /// Sets the count back to what it was before something was evaluated, plus what is left of it.
    pub(super) fn settle(&self, before: usize, left: usize) {
        self.held.set(before.saturating_add(left));
    }
}
