//! One request, and one question to a backend, until they are counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;

use super::shard::Shard;
use super::words::{Outcome, Sent};
use crate::routes::{Backend, NAMES};
use crate::stream::Broken;
use crate::traces::Trace;

/// A request that has come, until it is dropped. Who goes before there is an answer drops it, too.
pub(crate) struct Counting {
    shard: Arc<Shard>,
    route: usize,
    outcome: Outcome,
    /// Whether its body has to come to an end for the outcome to hold.
    has_body: bool,
    /// Its spans, the first of which ends with it.
    pub(crate) trace: Trace,
}

impl Counting {
    pub(crate) fn begin(shard: &Arc<Shard>, trace: Trace) -> Self {
        shard.begin();
        Self {
            shard: Arc::clone(shard),
            route: NAMES.len(),
            outcome: Outcome::CallerGone,
            has_body: false,
            trace,
        }
    }

    /// It is of the route with this number.
    pub(crate) fn is_of(&mut self, route: usize) {
        self.route = route;
    }

    /// The head of its answer is there. That of one that was held back says nothing about how long
    /// anything takes.
    pub(crate) fn answered(&mut self, status: StatusCode, has_body: bool, took: Option<Duration>) {
        self.outcome = Outcome::of(status);
        self.has_body = has_body;
        self.trace.answered(status);
        if let Some(took) = took {
            self.shard.head(self.route, took);
        }
    }

    /// Its answer has broken off.
    pub(crate) fn broke(&mut self, broken: &Broken) {
        self.trace.broke();
        self.ends_as(Outcome::of_broken(broken));
    }

    /// Nobody has taken its answer to the end.
    pub(crate) fn left(&mut self) {
        self.ends_as(Outcome::CallerGone);
    }

    fn ends_as(&mut self, outcome: Outcome) {
        // What was refused stays refused, however much of the sentence was taken.
        if self.has_body && self.outcome == Outcome::Ok {
            self.outcome = outcome;
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.shard.end(self.route, self.outcome);
    }
}

/// A question to a backend, until it is dropped.
pub(crate) struct Asking<'a> {
    shard: &'a Shard,
    backend: Backend,
    began: Instant,
    sent: Sent,
}

impl<'a> Asking<'a> {
    pub(crate) fn begin(shard: &'a Shard, backend: Backend, began: Instant) -> Self {
        Self {
            shard,
            backend,
            began,
            sent: Sent::CallerGone,
        }
    }

    /// This has become of it.
    pub(crate) fn became(mut self, sent: Sent) {
        self.sent = sent;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.shard.sent(self.backend, self.sent, took);
    }
}
