//! What one thread counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::closed::Closed;
use super::histogram::{Histogram, Sum};
use super::lookups::Lookups;
use super::words::{Limited, Outcome, Sent};
use crate::error::{Error, Flaw};
use crate::routes::{Backend, NAMES};

/// Counters of one closed list.
#[derive(Debug)]
pub(super) struct Counters(Box<[AtomicU64]>);

/// What one thread counts. Others only read it.
#[derive(Debug)]
pub(crate) struct Shard {
    /// By a route's number; the last is of what has no route.
    pub(super) routes: Box<[OfRoute]>,
    pub(super) backends: [OfBackend; Backend::ALL.len()],
    pub(super) flaws: Counters,
    pub(super) limited: Counters,
    pub(super) begun: AtomicU64,
    pub(super) ended: AtomicU64,
    /// Connections for which there was no place.
    pub(super) turned_away: AtomicU64,
    /// Of tokens and queries that the thread remembers.
    pub(super) tokens: Arc<Lookups>,
    pub(super) queries: Arc<Lookups>,
}

#[derive(Debug)]
pub(super) struct OfRoute {
    pub(super) outcomes: Counters,
    pub(super) took: Histogram,
}

#[derive(Debug)]
pub(super) struct OfBackend {
    pub(super) sent: Counters,
    pub(super) took: Histogram,
}

impl Counters {
    fn of<T>(all: &[T]) -> Self {
        Self(all.iter().map(|_| AtomicU64::new(0)).collect())
    }

    fn count(&self, what: impl Closed) {
        if let Some(counter) = self.0.get(what.number()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What of it is counted here.
    pub(super) fn read(&self, what: impl Closed) -> u64 {
        let counter = self.0.get(what.number());
        counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::new(Arc::default(), Arc::default())
    }
}

impl Shard {
    pub(crate) fn new(tokens: Arc<Lookups>, queries: Arc<Lookups>) -> Self {
        let route = |_| OfRoute {
            outcomes: Counters::of(Outcome::ALL),
            took: Histogram::default(),
        };
        Self {
            routes: (0..=NAMES.len()).map(route).collect(),
            backends: Backend::ALL.map(|_| OfBackend {
                sent: Counters::of(Sent::ALL),
                took: Histogram::default(),
            }),
            flaws: Counters::of(Flaw::ALL),
            limited: Counters::of(Limited::ALL),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            tokens,
            queries,
        }
    }

    /// A connection is told that there is no place for it.
    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// A request ends in this error.
    pub(crate) fn refused(&self, error: &Error) {
        if let Error::BadData(flaw, _) = error {
            self.flaws.count(*flaw);
        }
        if let Some(limited) = Limited::of(error) {
            self.limited.count(limited);
        }
    }

    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self, route: usize, outcome: Outcome) {
        if let Some(route) = self.routes.get(route) {
            route.outcomes.count(outcome);
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn head(&self, route: usize, took: Duration) {
        if let Some(route) = self.routes.get(route) {
            route.took.observe(took);
        }
    }

    pub(super) fn sent(&self, backend: Backend, sent: Sent, took: Duration) {
        let of_backend = self.of(backend);
        of_backend.sent.count(sent);
        if sent.was_waited_for() {
            of_backend.took.observe(took);
        }
    }

    /// How long those of a route took.
    pub(super) fn took(&self, route: usize) -> Option<&Histogram> {
        self.routes.get(route).map(|route| &route.took)
    }

    pub(super) fn of(&self, backend: Backend) -> &OfBackend {
        let [loki, mimir] = &self.backends;
        match backend {
            Backend::Loki => loki,
            Backend::Mimir => mimir,
        }
    }
}

/// Adds up what the shards have counted.
pub(super) fn sum(shards: &[Arc<Shard>], count: impl Fn(&Shard) -> u64) -> u64 {
    shards.iter().map(|shard| count(shard)).sum()
}

/// Adds up the histograms of the shards.
pub(super) fn sum_of<'a>(
    shards: &'a [Arc<Shard>],
    histogram: impl Fn(&'a Shard) -> Option<&'a Histogram>,
) -> Sum {
    let mut sum = Sum::default();
    for histogram in shards.iter().filter_map(|shard| histogram(shard)) {
        sum.add(histogram);
    }
    sum
}
