//! The data of one stream or series: chunks by time, shared with whoever reads them.

use std::sync::Arc;

use crate::LogEntry;
use crate::labels::Labels;
use crate::store::Sample;

/// Entries in a full chunk. A writer copies the chunk that it writes to if somebody reads it, so
/// chunks are small.
const FULL: usize = 512;

/// What is kept in order of time.
pub trait Timed: Clone {
    /// The time, in the unit of its kind.
    fn time(&self) -> i64;

    /// Whether, with `other` kept already, this one is to be left out.
    fn repeats(&self, other: &Self) -> bool;
}

impl Timed for LogEntry {
    fn time(&self) -> i64 {
        self.timestamp_ns
    }

    /// Loki keeps one of several lines of a stream that are alike in time and text.
    fn repeats(&self, other: &Self) -> bool {
        self.timestamp_ns == other.timestamp_ns && self.line == other.line
    }
}

impl Timed for Sample {
    fn time(&self) -> i64 {
        self.timestamp_ms
    }

    /// A series has one value at a time: the first that came.
    fn repeats(&self, other: &Self) -> bool {
        self.timestamp_ms == other.timestamp_ms
    }
}

/// All entries of one stream or series. The chunks do not overlap and are sorted by time, as are
/// their entries; of entries of the same time the one that came first stands first. No chunk is
/// empty.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T> {
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: Timed> Chunks<T> {
    pub(super) fn oldest(&self) -> Option<i64> {
        Some(self.chunks.first()?.first()?.time())
    }

    pub(super) fn newest(&self) -> Option<i64> {
        Some(self.chunks.last()?.last()?.time())
    }

    /// Adds an entry, and tells whether it was not there before.
    pub(super) fn push(&mut self, entry: T) -> bool {
        let time = entry.time();
        // The last chunk that begins at or before the entry; one that came late goes into the
        // middle.
        let after = self
            .chunks
            .partition_point(|chunk| chunk.first().is_some_and(|first| first.time() <= time));
        let at = after.saturating_sub(1);
        let is_last = at + 1 >= self.chunks.len();
        let Some(shared) = self.chunks.get_mut(at) else {
            self.chunks.push(Arc::new(vec![entry]));
            return true;
        };
        let end = shared.partition_point(|kept| kept.time() <= time);
        if shared
            .iter()
            .take(end)
            .rev()
            .take_while(|kept| kept.time() == time)
            .any(|kept| entry.repeats(kept))
        {
            return false;
        }
        if is_last && end == shared.len() && end >= FULL {
            // A run of one time never spans chunks, for the search above looks at one.
            if shared.last().is_some_and(|last| last.time() < time) {
                let mut fresh = Vec::with_capacity(FULL);
                fresh.push(entry);
                self.chunks.push(Arc::new(fresh));
                return true;
            }
        }
        let chunk = Arc::make_mut(shared);
        chunk.insert(end, entry);
        if chunk.len() >= 2 * FULL {
            self.split(at);
        }
        true
    }

    /// Splits a chunk that late entries made too long, never within a run of one time.
    fn split(&mut self, at: usize) {
        let Some(shared) = self.chunks.get_mut(at) else {
            return;
        };
        let chunk = Arc::make_mut(shared);
        let Some(middle) = chunk.get(chunk.len() / 2).map(Timed::time) else {
            return;
        };
        let cut = chunk.partition_point(|kept| kept.time() < middle);
        if cut > 0 {
            let rest = chunk.split_off(cut);
            self.chunks.insert(at + 1, Arc::new(rest));
        }
    }

    /// Whether the time from the oldest entry to the newest one meets the one from `start`
    /// (inclusive) to `end` (exclusive), be there an entry or not.
    pub(super) fn overlap(&self, start: i64, end: i64) -> bool {
        let bounds = self.oldest().zip(self.newest());
        bounds.is_some_and(|(oldest, newest)| start <= newest && oldest < end)
    }

    /// Drops whole chunks that are older than `oldest`.
    pub(super) fn drop_before(&mut self, oldest: i64) {
        let gone = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| last.time() < oldest));
        self.chunks.drain(..gone);
    }

    pub(super) fn select(&self, labels: &Labels, start: i64, end: i64) -> Option<Selected<T>> {
        let from = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| last.time() < start));
        let chunks: Vec<_> = self
            .chunks
            .iter()
            .skip(from)
            .take_while(|chunk| chunk.first().is_some_and(|first| first.time() < end))
            .cloned()
            .collect();
        let selected = Selected {
            labels: labels.clone(),
            chunks,
            start,
            end,
        };
        selected.entries().next()?;
        Some(selected)
    }
}

/// A stream or series that was selected, with its entries of a range of time. It stays as it is
/// while others write.
#[derive(Clone, Debug)]
pub struct Selected<T> {
    /// The labels.
    pub labels: Labels,
    chunks: Vec<Arc<Vec<T>>>,
    start: i64,
    end: i64,
}

impl<T: Timed> Selected<T> {
    /// The entries, oldest first; reverse it for the newest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.slices().flatten()
    }

    /// The entries in slices, oldest first.
    pub fn slices(&self) -> impl DoubleEndedIterator<Item = &[T]> {
        self.chunks.iter().map(|chunk| {
            let from = chunk.partition_point(|entry| entry.time() < self.start);
            let to = chunk.partition_point(|entry| entry.time() < self.end);
            chunk.get(from..to).unwrap_or_default()
        })
    }

    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.slices().map(<[T]>::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(timestamp_ms: i64) -> Sample {
        Sample {
            timestamp_ms,
            value: 1.0,
        }
    }

    fn times(chunks: &Chunks<Sample>, start: i64, end: i64) -> Vec<i64> {
        chunks
            .select(&Labels::default(), start, end)
            .map(|selected| {
                selected
                    .entries()
                    .map(|sample| sample.timestamp_ms)
                    .collect()
            })
            .unwrap_or_default()
    }

    #[test]
    fn entries_that_come_in_any_order_are_read_by_time() {
        let mut chunks = Chunks::default();
        // A walk through 0..5003 that jumps to and fro.
        for at in 0..5003_i64 {
            chunks.push(sample(at * 1709 % 5003));
        }
        assert!(chunks.chunks.len() > 4);
        assert_eq!(times(&chunks, 0, 6000), (0..5003).collect::<Vec<_>>());
        assert_eq!(times(&chunks, 700, 1800), (700..1800).collect::<Vec<_>>());
        assert_eq!(times(&chunks, 6000, 7000), Vec::<i64>::new());
    }

    #[test]
    fn a_second_sample_of_one_time_is_left_out() {
        let mut chunks = Chunks::default();
        chunks.push(sample(5));
        chunks.push(sample(5));
        assert_eq!(times(&chunks, 0, 10), [5]);
    }

    #[test]
    fn lines_of_one_time_keep_their_order_and_repeated_ones_are_left_out() {
        let mut chunks = Chunks::default();
        for at in 0..1500 {
            for _ in 0..2 {
                chunks.push(LogEntry {
                    timestamp_ns: 7,
                    line: format!("line {at}"),
                    structured_metadata: Vec::new(),
                });
            }
        }
        let selected = chunks.select(&Labels::default(), 7, 8).unwrap();
        let lines: Vec<_> = selected.entries().map(|entry| entry.line.clone()).collect();
        let wanted: Vec<_> = (0..1500).map(|at| format!("line {at}")).collect();
        assert_eq!(lines, wanted);
    }

    #[test]
    fn what_was_selected_does_not_change_when_more_is_written() {
        let mut chunks = Chunks::default();
        chunks.push(sample(1));
        let selected = chunks.select(&Labels::default(), 0, 10).unwrap();
        chunks.push(sample(2));
        assert_eq!(selected.count(), 1);
        assert_eq!(times(&chunks, 0, 10), [1, 2]);
    }
}
