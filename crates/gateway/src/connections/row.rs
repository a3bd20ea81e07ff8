//! The connections in the order in which they have to leave.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use super::Inner;
use super::seat::State;

/// How long a search is not repeated after it was in vain, in milliseconds: it looks at every connection
/// of its kind.
const IN_VAIN: u64 = 10;

/// The connections in the order in which they have to leave.
#[derive(Default)]
pub(super) struct Row {
    /// Those of which no request had a token that was accepted, the oldest first. Some of them are not
    /// known to be others yet.
    strangers: VecDeque<Weak<State>>,
    /// The others, those that are looked at next first.
    known: VecDeque<Weak<State>>,
    /// Those beyond the ceiling.
    probes: VecDeque<Weak<State>>,
    /// When there was none among the strangers, among those with nothing to do, and among those that
    /// wait for their callers.
    in_vain: [Option<u64>; 3],
}

impl Row {
    pub(super) fn add(&mut self, state: &Arc<State>, open: usize) {
        // Those that have gone are still in the row, until there are as many as the others.
        if self.strangers.len() + self.known.len() > 2 * open + 64 {
            self.strangers.retain(|state| state.strong_count() > 0);
            self.known.retain(|state| state.strong_count() > 0);
        }
        self.strangers.push_back(Arc::downgrade(state));
    }

    pub(super) fn add_probe(&mut self, state: &Arc<State>, open: usize) {
        if self.probes.len() > 2 * open + 64 {
            self.probes.retain(|state| state.strong_count() > 0);
        }
        self.probes.push_back(Arc::downgrade(state));
    }

    /// Has one leave. Whether there was one.
    ///
    /// First one that never had a request with a token, the oldest first. One that has just come may be
    /// about to send its request, and is spared as long as there are not so many of these that nobody
    /// else's connection would stay. Then one that has nothing to do, and only then one that the gateway
    /// waits for.
    pub(super) fn make_room(&mut self, inner: &Inner, now: u64) -> bool {
        self.stranger_leaves(inner, now)
            || self.idle_leaves(inner, now)
            || self.waiting_leaves(inner, now)
    }

    fn stranger_leaves(&mut self, inner: &Inner, now: u64) -> bool {
        if self.is_in_vain(0, now) {
            return false;
        }
        let are_many = inner.are_strangers_many();
        for _ in 0..self.strangers.len() {
            let Some((next, state)) = taken(&mut self.strangers) else {
                break;
            };
            if state.is_known() {
                self.known.push_back(next);
            } else if state.is_new(now) && !are_many {
                // So are those behind it, and to see that took no time.
                self.strangers.push_front(next);
                return false;
            } else if !state.is_idle() && !state.waits_for_its_caller(now) {
                self.strangers.push_back(next);
            } else if state.has_to_leave(inner) {
                return true;
            }
        }
        self.in_vain[0] = Some(now);
        false
    }

    fn idle_leaves(&mut self, inner: &Inner, now: u64) -> bool {
        if self.is_in_vain(1, now) {
            return false;
        }
        // Each has a second chance where it was used since it was looked at.
        for _ in 0..2 * self.known.len() {
            let Some((next, state)) = taken(&mut self.known) else {
                break;
            };
            if state.was_used() || !state.is_idle() {
                self.known.push_back(next);
            } else if state.has_to_leave(inner) {
                return true;
            }
        }
        self.in_vain[1] = Some(now);
        false
    }

    fn waiting_leaves(&mut self, inner: &Inner, now: u64) -> bool {
        if self.is_in_vain(2, now) {
            return false;
        }
        for _ in 0..self.known.len() {
            let Some((next, state)) = taken(&mut self.known) else {
                break;
            };
            if !state.waits_for_its_caller(now) {
                self.known.push_back(next);
            } else if state.has_to_leave(inner) {
                return true;
            }
        }
        self.in_vain[2] = Some(now);
        false
    }

    /// Has one of those beyond the ceiling leave, the oldest that is not being answered. Whether there
    /// was one.
    pub(super) fn probe_leaves(&mut self, inner: &Inner) -> bool {
        for _ in 0..self.probes.len() {
            let Some((next, state)) = taken(&mut self.probes) else {
                break;
            };
            if !state.is_idle() {
                self.probes.push_back(next);
            } else if state.has_to_leave(inner) {
                return true;
            }
        }
        false
    }

    fn is_in_vain(&self, search: usize, now: u64) -> bool {
        let last = self.in_vain.get(search).copied().flatten();
        last.is_some_and(|last| now.saturating_sub(last) < IN_VAIN)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.strangers.len() + self.known.len() + self.probes.len()
    }
}

/// The next one that has not left.
fn taken(row: &mut VecDeque<Weak<State>>) -> Option<(Weak<State>, Arc<State>)> {
    while let Some(next) = row.pop_front() {
        if let Some(state) = next.upgrade()
            && !state.has_left()
        {
            return Some((next, state));
        }
    }
    None
}
