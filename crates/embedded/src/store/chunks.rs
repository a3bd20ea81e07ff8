//! The data of one stream or series: chunks by time, shared with whoever reads them.

use std::sync::Arc;

use crate::LogEntry;
use crate::store::Sample;
use crate::store::disk::codec::Record;

/// Entries in a full chunk. A writer copies the chunk that it writes to if somebody reads it, so
/// chunks are small.
const FULL: usize = 512;

/// What becomes of an entry, given what is kept already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is kept too.
    New,
    /// It was sent before and is left out, which its sender need not know.
    Known,
    /// It cannot be kept beside the one that is there, and its sender is told so.
    Refused,
}

/// What is kept in order of time.
pub trait Timed: Clone {
    /// The time, in the unit of its kind.
    fn time(&self) -> i64;

    /// What becomes of this one with `kept` there already.
    fn beside(&self, kept: &Self) -> Fate;

    /// Notes what can be told of this one from the one that it comes right after, if that is known.
    fn follow(&mut self, _before: Option<&Self>) {}

    /// Forgets that, for it may come after another one.
    fn unfollow(&mut self) {}
}

impl Timed for LogEntry {
    fn time(&self) -> i64 {
        self.timestamp_ns
    }

    /// Loki keeps one of several lines of a stream that are alike in time, text and structured
    /// metadata.
    fn beside(&self, kept: &Self) -> Fate {
        if self.timestamp_ns == kept.timestamp_ns
            && self.line == kept.line
            && self.structured_metadata == kept.structured_metadata
        {
            Fate::Known
        } else {
            Fate::New
        }
    }
}

impl Timed for Sample {
    fn time(&self) -> i64 {
        self.timestamp_ms
    }

    /// A series has one value at a time, the first that came. The same one again is what senders
    /// do after a lost answer; Prometheus and Mimir take that, and refuse another.
    fn beside(&self, kept: &Self) -> Fate {
        if self.timestamp_ms != kept.timestamp_ms {
            Fate::New
        } else if self.value.to_bits() == kept.value.to_bits() {
            Fate::Known
        } else {
            Fate::Refused
        }
    }
}

/// What becomes of an entry with these there, which are sorted by time.
pub(super) fn among<T: Timed>(entry: &T, kept: &[T]) -> Fate {
    let time = entry.time();
    let from = kept.partition_point(|one| one.time() < time);
    let same = kept.iter().skip(from);
    same.take_while(|one| one.time() == time)
        .map(|one| entry.beside(one))
        .find(|fate| *fate != Fate::New)
        .unwrap_or(Fate::New)
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
        Some(self.last()?.time())
    }

    /// The newest entry.
    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// What would become of an entry.
    pub(super) fn fate(&self, entry: &T) -> Fate {
        let time = entry.time();
        if self.newest().is_none_or(|newest| newest < time) {
            return Fate::New;
        }
        let mut found = self.find(time, time.saturating_add(1));
        found.next().map_or(Fate::New, |chunk| among(entry, chunk))
    }

    /// Adds an entry, if it is new.
    pub(super) fn push(&mut self, entry: T) -> Fate {
        let time = entry.time();
        // Most entries are newer than all that there are: nothing else need be looked at, which with
        // many series would not be in the processor's caches.
        if let Some(shared) = self.chunks.last_mut()
            && shared.len() < FULL
            && shared.last().is_some_and(|last| last.time() < time)
        {
            Arc::make_mut(shared).push(entry);
            return Fate::New;
        }
        // The last chunk that begins at or before the entry; one that came late goes into the
        // middle.
        let after = self
            .chunks
            .partition_point(|chunk| chunk.first().is_some_and(|first| first.time() <= time));
        let at = after.saturating_sub(1);
        let is_last = at + 1 >= self.chunks.len();
        let Some(shared) = self.chunks.get_mut(at) else {
            self.chunks.push(Arc::new(vec![entry]));
            return Fate::New;
        };
        let end = shared.partition_point(|kept| kept.time() <= time);
        let fate = among(&entry, shared.get(..end).unwrap_or_default());
        if fate != Fate::New {
            return fate;
        }
        if is_last && end == shared.len() && end >= FULL {
            // A run of one time never spans chunks, for the search above looks at one.
            if shared.last().is_some_and(|last| last.time() < time) {
                let mut fresh = Vec::with_capacity(FULL);
                fresh.push(entry);
                self.chunks.push(Arc::new(fresh));
                return Fate::New;
            }
        }
        let chunk = Arc::make_mut(shared);
        chunk.insert(end, entry);
        let is_long = chunk.len() >= 2 * FULL;
        if let Some(next) = chunk.get_mut(end + 1) {
            next.unfollow();
        } else if let Some(next) = self.chunks.get_mut(at + 1) {
            let next = Arc::make_mut(next).first_mut();
            next.into_iter().for_each(Timed::unfollow);
        }
        if is_long {
            self.split(at);
        }
        Fate::New
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

    /// Drops whole chunks that are older than `oldest`; about how many bytes they took.
    pub(super) fn drop_before(&mut self, oldest: i64) -> usize
    where
        T: Record,
    {
        let gone = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| last.time() < oldest));
        let gone = self.chunks.drain(..gone);
        gone.map(|chunk| chunk.iter().map(T::weight).sum::<usize>())
            .sum()
    }

    /// The chunks that may have entries from `start` (inclusive) to `end` (exclusive).
    pub(super) fn find(&self, start: i64, end: i64) -> impl Iterator<Item = &Arc<Vec<T>>> {
        let from = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|last| last.time() < start));
        let chunks = self.chunks.iter().skip(from);
        chunks.take_while(move |chunk| chunk.first().is_some_and(|first| first.time() < end))
    }

    /// All chunks.
    pub(super) fn all(&self) -> &[Arc<Vec<T>>] {
        &self.chunks
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::store::selected::{Part, Selected};

    fn sample(timestamp_ms: i64) -> Sample {
        Sample {
            timestamp_ms,
            value: 1.0,
        }
    }

    fn selected<T: Record>(chunks: &Chunks<T>, start: i64, end: i64) -> Selected<T> {
        let found = chunks.find(start, end);
        Selected {
            labels: Labels::default(),
            parts: found.map(|chunk| Part::Memory(Arc::clone(chunk))).collect(),
            start,
            end,
        }
    }

    fn times(chunks: &Chunks<Sample>, start: i64, end: i64) -> Vec<i64> {
        let entries = selected(chunks, start, end).entries().unwrap();
        entries.iter().map(|sample| sample.timestamp_ms).collect()
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
    fn a_second_sample_of_one_time_is_left_out_and_one_with_another_value_is_refused() {
        let mut chunks = Chunks::default();
        let mut other = sample(5);
        other.value = 2.0;
        for (pushed, fate) in [
            (sample(5), Fate::New),
            (sample(5), Fate::Known),
            (other, Fate::Refused),
            (sample(6), Fate::New),
            (sample(5), Fate::Known),
            (other, Fate::Refused),
        ] {
            assert_eq!(chunks.fate(&pushed), fate);
            assert_eq!(chunks.push(pushed), fate);
        }
        assert_eq!(times(&chunks, 0, 10), [5, 6]);
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
        let entries = selected(&chunks, 7, 8).entries().unwrap();
        let lines: Vec<_> = entries.into_iter().map(|entry| entry.line).collect();
        let wanted: Vec<_> = (0..1500).map(|at| format!("line {at}")).collect();
        assert_eq!(lines, wanted);
    }

    #[test]
    fn what_was_selected_does_not_change_when_more_is_written() {
        let mut chunks = Chunks::default();
        chunks.push(sample(1));
        let selected = selected(&chunks, 0, 10);
        chunks.push(sample(2));
        assert_eq!(selected.count(), Ok(1));
        assert_eq!(times(&chunks, 0, 10), [1, 2]);
    }
}
