//! How often something remembered was found.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something was looked for in what one thread remembers, and how often it was there.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Lookups {
    /// It was looked for.
    pub(crate) fn count(&self, is_found: bool) {
        let counter = if is_found { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was there, and how often it was not.
    pub(super) fn sums(&self) -> [u64; 2] {
        [&self.hits, &self.misses].map(|counter| counter.load(Ordering::Relaxed))
    }
}
