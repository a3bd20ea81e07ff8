//! Lines as they come, for whoever follows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::LogEntry;
use crate::labels::Labels;
use crate::limits::{EvalError, Limits};
use crate::store::select::Selection;
use crate::store::table::Observer;

/// Bytes of lines that wait for the reader of one tail.
const MAX_BYTES: usize = 4 << 20;

/// Dropped lines that one tail names at a time.
const MAX_DROPPED: usize = 1_000;

/// How soon a tail looks again for lines that were not due.
const PAUSE: Duration = Duration::from_millis(50);

/// Who follows the logs of one tenant.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Vec<Weak<Tail>>>);

impl Feed {
    pub(super) fn open(
        &self,
        selection: Selection,
        limits: &Limits,
    ) -> Result<Arc<Tail>, EvalError> {
        let most = limits.tails_per_tenant;
        let mut tails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose client has gone counts for as long as its reader still works.
        tails.retain(|tail| tail.strong_count() > 0);
        if tails.len() >= most {
            return Err(EvalError::Limit(format!(
                "max concurrent tail requests limit exceeded, count > limit ({} > {most})",
                tails.len() + 1
            )));
        }
        let tail = Arc::new(Tail {
            selection,
            most: limits.tail_buffer,
            state: Mutex::default(),
            woken: Condvar::new(),
        });
        tails.push(Arc::downgrade(&tail));
        Ok(tail)
    }

    fn wanting(&self, labels: &Labels) -> Vec<Arc<Tail>> {
        let tails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tails = tails.iter().filter_map(Weak::upgrade);
        tails
            .filter(|tail| tail.selection.matches(labels))
            .collect()
    }
}

impl Observer<LogEntry> for Feed {
    fn wants(&self, labels: &Labels) -> bool {
        !self.wanting(labels).is_empty()
    }

    fn taken(&self, labels: &Labels, entries: Vec<LogEntry>) {
        for tail in self.wanting(labels) {
            tail.offer(labels, &entries);
        }
    }
}

/// One who follows some of the logs of one tenant.
#[derive(Debug)]
pub(crate) struct Tail {
    selection: Selection,
    most: usize,
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// By time, and by their order of arrival.
    waiting: BTreeMap<(i64, u64), Waiting>,
    bytes: usize,
    arrivals: u64,
    dropped: Dropped,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    labels: Labels,
    entry: LogEntry,
    since: Instant,
}

/// What a reader takes from a tail at a time.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Lines with the labels of their streams, by time.
    pub(crate) lines: Vec<(Labels, LogEntry)>,
    /// What was dropped since the batch before.
    pub(crate) dropped: Dropped,
}

/// Lines that were dropped.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    /// Times and stream labels of the first of them.
    pub(crate) lines: Vec<(i64, Labels)>,
    /// How many there are beyond these.
    pub(crate) more: u64,
}

impl Dropped {
    fn push(&mut self, time_ns: i64, labels: &Labels) {
        if self.lines.len() < MAX_DROPPED {
            self.lines.push((time_ns, labels.clone()));
        } else {
            self.more += 1;
        }
    }
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, labels: &Labels, entries: &[LogEntry]) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        for entry in entries {
            if state.waiting.len() >= self.most || state.bytes >= MAX_BYTES {
                state.dropped.push(entry.timestamp_ns, labels);
                continue;
            }
            let waiting = Waiting {
                labels: labels.clone(),
                entry: entry.clone(),
                since: Instant::now(),
            };
            let at = (entry.timestamp_ns, state.arrivals);
            state.arrivals += 1;
            state.bytes += entry.line.len();
            state.waiting.insert(at, waiting);
        }
        drop(state);
        self.woken.notify_one();
    }

    /// Waits for lines and takes at most `most`, which is above 0, as soon as they are `delay` old
    /// by the clock or have waited for so long here; `None` once the tail is closed.
    pub(crate) fn next(
        &self,
        most: usize,
        delay: Duration,
        clock: impl Fn() -> i64,
    ) -> Option<Batch> {
        let delay_ns = i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX);
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let now = clock();
            let mut batch = Batch::default();
            while batch.lines.len() < most
                && let Some(first) = state.waiting.first_entry()
            {
                let time = first.key().0;
                let is_due = delay.is_zero()
                    || time.saturating_add(delay_ns) <= now
                    || first.get().since.elapsed() >= delay;
                if !is_due {
                    break;
                }
                let Waiting { labels, entry, .. } = first.remove();
                state.bytes = state.bytes.saturating_sub(entry.line.len());
                batch.lines.push((labels, entry));
            }
            if !batch.lines.is_empty() {
                batch.dropped = std::mem::take(&mut state.dropped);
                return Some(batch);
            }
            state = if state.waiting.is_empty() {
                let woken = self.woken.wait(state);
                woken.unwrap_or_else(PoisonError::into_inner)
            } else {
                let woken = self.woken.wait_timeout(state, PAUSE);
                woken.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    /// Ends the tail: whoever waits for lines gets none any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        state.dropped = Dropped::default();
        drop(state);
        self.woken.notify_all();
    }
}
