//! What waits to be written, and whether more may come.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::record::Fields;
use crate::settings::AuditQueries;

/// How long lines wait for others, to be written with them. The thread that writes is woken at most
/// once in that time, however many requests there are.
const LINGER: Duration = Duration::from_millis(5);

/// How often the thread looks whether anybody could still come, once the gateway ends.
const LOOK: Duration = Duration::from_millis(10);

/// The room of how many lines is kept to be used again.
const SPARE: usize = 1 << 10;

/// How much may wait before no more requests are let in. Those that were let in before come on top.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Lines.
    pub(super) lines: usize,
    /// Bytes of queries.
    pub(super) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            lines: 16 << 10,
            bytes: 64 << 20,
        }
    }
}

/// Between the requests' threads and the one that writes.
pub(super) struct Queue {
    keeps: ArcSwap<AuditQueries>,
    bounds: Bounds,
    /// Lines that are not written yet, also those that the writer has taken.
    lines: AtomicUsize,
    /// The bytes of their queries.
    bytes: AtomicUsize,
    /// Lines that were written.
    written: AtomicU64,
    /// Whether the last attempt to write failed.
    failing: AtomicBool,
    state: Mutex<State>,
    /// For the writer: there is something to do.
    work: Condvar,
    /// For who waits for the end: the writer has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Fields>,
    /// Empty, with the room of lines that were written, to wait in next.
    spare: Vec<Fields>,
    refused: Option<Refused>,
    reopen: bool,
    /// When to give up what cannot be written, once the gateway ends.
    closed: Option<Instant>,
    /// Whether somebody waits for that, who holds the queue and adds nothing to it.
    watched: bool,
    ended: bool,
}

/// Requests that were refused because they could not have been audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) count: u64,
    pub(super) since: Timestamp,
}

/// Why no more requests may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The last attempt to write failed.
    Failing,
    /// Too many lines wait.
    TooSlow,
}

/// What the writer is to do next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) lines: Vec<Fields>,
    pub(super) refused: Option<Refused>,
    pub(super) reopen: bool,
}

impl Queue {
    pub(super) fn new(keeps: AuditQueries, bounds: Bounds) -> Self {
        Self {
            keeps: ArcSwap::from_pointee(keeps),
            bounds,
            lines: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            state: Mutex::default(),
            work: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    /// What is kept of queries.
    pub(super) fn keeps(&self) -> AuditQueries {
        **self.keeps.load()
    }

    /// Keeps this of queries from now on, also of those whose line is still to be written.
    pub(super) fn keep(&self, keeps: AuditQueries) {
        self.keeps.store(Arc::new(keeps));
    }

    /// Whether one more request could come.
    pub(super) fn has_room(&self) -> Result<(), Full> {
        if self.failing.load(Ordering::Acquire) {
            return Err(Full::Failing);
        }
        let full = self.lines.load(Ordering::Relaxed) >= self.bounds.lines
            || self.bytes.load(Ordering::Relaxed) >= self.bounds.bytes;
        if full { Err(Full::TooSlow) } else { Ok(()) }
    }

    /// Whether one more request may come; if not, it is counted.
    pub(super) fn admits(&self, now: Timestamp) -> bool {
        let Err(why) = self.has_room() else {
            return true;
        };
        let mut state = self.locked();
        if let Some(refused) = &mut state.refused {
            refused.count += 1;
            return false;
        }
        state.refused = Some(Refused {
            count: 1,
            since: now,
        });
        self.work.notify_one();
        if why == Full::TooSlow {
            tracing::error!("the audit is written too slowly: requests are refused");
        }
        false
    }

    /// One more line, from a request that was let in.
    pub(super) fn push(&self, fields: Fields) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size(&fields), Ordering::Relaxed);
        let mut state = self.locked();
        if state.ended {
            tracing::error!("a line of the audit is lost: it came after the end");
            return;
        }
        let is_first = state.waiting.is_empty();
        state.waiting.push(fields);
        drop(state);
        if is_first {
            self.work.notify_one();
        }
    }

    /// The file is to be opened anew.
    pub(super) fn reopen(&self) {
        self.locked().reopen = true;
        self.work.notify_one();
    }

    /// The gateway ends: nothing is waited for longer than until then.
    pub(super) fn close(&self, give_up: Instant, watched: bool) {
        let mut state = self.locked();
        state.closed = Some(give_up);
        state.watched = watched;
        drop(state);
        self.work.notify_one();
    }

    /// Waits for something to do. None at the end: the queue is closed and empty, and of those who
    /// hold it nobody is left who could put something into it.
    pub(super) fn take(&self, holders: impl Fn() -> usize) -> Option<Work> {
        let mut state = self.locked();
        loop {
            if !state.waiting.is_empty() || state.refused.is_some() || state.reopen {
                break;
            }
            if let Some(give_up) = state.closed {
                let alone = holders() <= 1 + usize::from(state.watched);
                if alone || Instant::now() >= give_up {
                    return None;
                }
                let waited = self.work.wait_timeout(state, LOOK);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            } else {
                let waited = self.work.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        if state.closed.is_none() {
            drop(state);
            std::thread::sleep(LINGER);
            state = self.locked();
        }
        let spare = std::mem::take(&mut state.spare);
        Some(Work {
            lines: std::mem::replace(&mut state.waiting, spare),
            refused: state.refused.take(),
            reopen: std::mem::take(&mut state.reopen),
        })
    }

    /// These are lines by now, and their room can be used again, unless it is that of a crowd.
    pub(super) fn give_back(&self, mut lines: Vec<Fields>) {
        lines.clear();
        if lines.capacity() <= SPARE {
            self.locked().spare = lines;
        }
    }

    /// These are written.
    pub(super) fn written(&self, lines: usize, bytes: usize) {
        self.lines.fetch_sub(lines, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let written = u64::try_from(lines).unwrap_or_default();
        self.written.fetch_add(written, Ordering::Relaxed);
    }

    /// How many lines were written, and how many are not yet.
    pub(super) fn state(&self) -> super::State {
        super::State {
            written: self.written.load(Ordering::Relaxed),
            waiting: self.lines.load(Ordering::Relaxed),
        }
    }

    /// Whether what was tried last could be written; answers whether that is news.
    pub(super) fn set_failing(&self, failing: bool) -> bool {
        self.failing.swap(failing, Ordering::AcqRel) != failing
    }

    /// Waits until it is time to try again, or until the file is to be opened anew. False: the
    /// gateway ends, and it is time to give up.
    pub(super) fn wait_to_retry(&self, pause: Duration) -> bool {
        let retry_at = Instant::now() + pause;
        let mut state = self.locked();
        loop {
            let now = Instant::now();
            if state.closed.is_some_and(|give_up| now >= give_up) {
                return false;
            }
            if now >= retry_at || std::mem::take(&mut state.reopen) {
                return true;
            }
            let until = state.closed.map_or(retry_at, |end| end.min(retry_at));
            let waited = self
                .work
                .wait_timeout(state, until.saturating_duration_since(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The writer ends.
    pub(super) fn end(&self) {
        self.locked().ended = true;
        self.ended.notify_all();
    }

    /// Waits until the writer has ended, for so long at most; the number of lines that are lost.
    pub(super) fn wait_for_the_end(&self, patience: Duration) -> usize {
        let waited = self
            .ended
            .wait_timeout_while(self.locked(), patience, |state| !state.ended);
        drop(waited);
        self.lines.load(Ordering::Relaxed)
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts of a line: its queries, since all else in it is short.
pub(super) fn size(fields: &Fields) -> usize {
    fields.queries.iter().map(|query| query.len()).sum()
}
