//! Callers' connections: how many there are, which of them may be closed, and how long each may take
//! for what it is doing.
//!
//! Beyond the ceiling a new connection takes the place of one that is worth less: of one of which no
//! request had a token that was accepted, then of one that carries no request, then of one whose caller
//! is waited for. Whoever opens ten thousand and says nothing, or asks for what is open to everybody,
//! keeps nobody out, and nobody's answer is cut who takes it. Where there is none of these, the new one
//! is told at once to come back: a connection that waits to be accepted looks like a gateway that hangs.
//! Only probes have a few places beyond the ceiling, for a gateway that is busy is not to be restarted.

mod bodies;
mod row;
mod seat;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::settings::ConnectionSettings;
use row::Row;
use seat::State;

#[cfg(test)]
pub(crate) use bodies::Watched;
pub(crate) use seat::{Seat, Verdict};

/// Places beyond the ceiling, for probes.
const PROBES: usize = 16;

/// The connections of all threads.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Inner>);

struct Inner {
    settings: ConnectionSettings,
    started: Instant,
    /// How many there are, those that are turned away and those of probes apart.
    open: AtomicUsize,
    /// Of how many of these no request had a token that was accepted.
    strangers: AtomicUsize,
    /// How many there are beyond it.
    probes: AtomicUsize,
    row: Mutex<Row>,
}

impl Connections {
    pub(crate) fn new(settings: ConnectionSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            started: Instant::now(),
            open: AtomicUsize::new(0),
            strangers: AtomicUsize::new(0),
            probes: AtomicUsize::new(0),
            row: Mutex::default(),
        }))
    }

    /// How many there are within the ceiling.
    pub(crate) fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// A place for one more, for which another may have to leave; none where all are in use.
    pub(crate) fn enter(&self) -> Option<Seat> {
        let inner = &self.0;
        if inner.open.fetch_add(1, Ordering::Relaxed) >= inner.settings.most && !self.make_room() {
            inner.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        inner.strangers.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(State::new(false, inner.now()));
        let open = inner.open.load(Ordering::Relaxed);
        inner.row().add(&state, open);
        Some(Seat::new(state, Arc::clone(inner)))
    }

    /// A place beyond the ceiling, for one that may be a probe's; none where all of them are being
    /// answered. Those that have said nothing make room for those that come: a probe says what it wants
    /// as it comes.
    pub(crate) fn enter_for_a_probe(&self) -> Option<Seat> {
        let inner = &self.0;
        let mut row = inner.row();
        if inner.probes.load(Ordering::Relaxed) >= PROBES && !row.probe_leaves(inner) {
            return None;
        }
        // Entered by those alone who have the row.
        let open = inner.probes.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(State::new(true, inner.now()));
        row.add_probe(&state, open);
        drop(row);
        Some(Seat::new(state, Arc::clone(inner)))
    }

    /// Has the connection leave that is worth the least. Whether there was one.
    pub(crate) fn make_room(&self) -> bool {
        self.0.row().make_room(&self.0, self.0.now())
    }
}

impl Inner {
    fn now(&self) -> u64 {
        // Not 0, which stands for none.
        u64::try_from(self.started.elapsed().as_millis()).map_or(u64::MAX, |now| now + 1)
    }

    /// Whether those of which no request had a token have more than half of the places.
    fn are_strangers_many(&self) -> bool {
        self.strangers.load(Ordering::Relaxed) > self.settings.most / 2
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
