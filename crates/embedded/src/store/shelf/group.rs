//! Group commit: whoever comes while others are being written waits, and then all who waited are
//! written together.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::store::PushError;

/// Work that is done in groups, in the order in which it came.
#[derive(Debug)]
pub(super) struct Group<W> {
    queue: Mutex<Queue<W>>,
    done: Condvar,
}

#[derive(Debug)]
struct Queue<W> {
    waiting: Vec<W>,
    /// The number that the next one gets.
    next: u64,
    /// Below this, all are done.
    finished: u64,
    /// Those that failed, until they were told so.
    failed: BTreeMap<u64, PushError>,
    /// Whether somebody does the work of the others.
    is_led: bool,
}

impl<W> Default for Group<W> {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Queue {
                waiting: Vec::new(),
                next: 0,
                finished: 0,
                failed: BTreeMap::new(),
                is_led: false,
            }),
            done: Condvar::new(),
        }
    }
}

impl<W> Group<W> {
    fn lock(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the work was done, by this thread or by another that `run`s it with its own;
    /// `run` tells for each piece what came of it.
    pub(super) fn submit(
        &self,
        work: W,
        run: impl Fn(Vec<W>) -> Vec<Result<(), PushError>>,
    ) -> Result<(), PushError> {
        let mut queue = self.lock();
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push(work);
        loop {
            if queue.finished > number {
                return queue.failed.remove(&number).map_or(Ok(()), Err);
            }
            if queue.is_led {
                let woken = self.done.wait(queue);
                queue = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.is_led = true;
            let work = std::mem::take(&mut queue.waiting);
            let mut lead = Lead {
                group: self,
                numbers: queue.next - work.len() as u64..queue.next,
                results: Vec::new(),
            };
            drop(queue);
            lead.results = run(work);
            drop(lead);
            queue = self.lock();
        }
    }
}

/// Tells the others what came of their work, however the one who did it ended.
struct Lead<'a, W> {
    group: &'a Group<W>,
    numbers: std::ops::Range<u64>,
    /// Of the first of them; that of all if this thread does not break off.
    results: Vec<Result<(), PushError>>,
}

impl<W> Drop for Lead<'_, W> {
    fn drop(&mut self) {
        let mut queue = self.group.lock();
        queue.is_led = false;
        queue.finished = self.numbers.end;
        let mut results = std::mem::take(&mut self.results).into_iter();
        for number in self.numbers.clone() {
            let result = results.next().unwrap_or(Err(PushError::Unwritable));
            if let Err(error) = result {
                queue.failed.insert(number, error);
            }
        }
        drop(queue);
        self.group.done.notify_all();
    }
}
