//! The thread that looks after a store on disk.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often it looks when nobody wakes it.
const PERIOD: Duration = Duration::from_secs(1);

/// Wakes the thread, and ends it.
#[derive(Debug, Default)]
pub(super) struct Wake {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_woken: bool,
    is_ended: bool,
}

impl Wake {
    /// There is something to do.
    pub(super) fn now(&self) {
        self.set(|state| state.is_woken = true);
    }

    /// There will be nothing to do any more.
    pub(super) fn end(&self) {
        self.set(|state| state.is_ended = true);
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Waits until there is something to do, or for a while; `false` when all has ended.
    pub(super) fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self
            .changed
            .wait_timeout_while(state, PERIOD, |state| !state.is_woken && !state.is_ended);
        let (mut state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        state.is_woken = false;
        !state.is_ended
    }
}
