//! A stream or series that was selected, to be read.

use std::sync::Arc;

use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::chunks::Fate;
use crate::store::disk::codec::Record;
use crate::store::disk::reading::{Reading, Stored};

/// Entries of one stream or series, sorted by time, in memory or on disk.
#[derive(Clone, Debug)]
pub(crate) enum Part<T> {
    /// Never empty.
    Memory(Arc<Vec<T>>),
    Disk(Stored),
}

impl<T: Record> Part<T> {
    /// Times of the oldest and the newest entry.
    pub(crate) fn span(&self) -> (i64, i64) {
        match self {
            Self::Memory(entries) => {
                let ends = entries.first().zip(entries.last());
                ends.map_or((0, 0), |(first, last)| (first.time(), last.time()))
            }
            Self::Disk(stored) => (stored.chunk.min, stored.chunk.max),
        }
    }
}

/// A stream or series that was selected, with its entries of a range of time. It stays as it is
/// while others write.
#[derive(Clone, Debug)]
pub struct Selected<T> {
    /// The labels.
    pub labels: Labels,
    /// In the order of arrival, which is that of time but for entries that came late. Within a part
    /// no entry repeats another; those of different parts may.
    pub(crate) parts: Vec<Part<T>>,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl<T: Record> Selected<T> {
    /// All entries, oldest first; of those of the same time the one that came first stands first.
    pub(crate) fn read(&self, reading: &mut Reading) -> Result<Vec<T>, EvalError> {
        let mut all: Vec<T> = Vec::new();
        let mut is_sorted = true;
        for part in &self.parts {
            let begin = all.len();
            match part {
                Part::Memory(entries) => all.extend_from_slice(self.within(entries)),
                Part::Disk(stored) => self.decode(stored, reading, &mut all)?,
            }
            let before = begin.checked_sub(1).and_then(|at| all.get(at));
            if let (Some(before), Some(after)) = (before, all.get(begin)) {
                is_sorted &= before.time() < after.time();
            }
        }
        if !is_sorted {
            put_in_order(&mut all);
        }
        Ok(all)
    }

    fn decode(
        &self,
        stored: &Stored,
        reading: &mut Reading,
        all: &mut Vec<T>,
    ) -> Result<(), EvalError> {
        let begin = all.len();
        let chunk = stored.chunk;
        stored.read_into(reading, all)?;
        if chunk.min < self.start || chunk.max >= self.end {
            let mut at = 0_usize;
            all.retain(|entry| {
                at += 1;
                at <= begin || (self.start..self.end).contains(&entry.time())
            });
        }
        Ok(())
    }

    /// The entries of a part that are in the range.
    pub(crate) fn within<'a>(&self, entries: &'a [T]) -> &'a [T] {
        let from = entries.partition_point(|entry| entry.time() < self.start);
        let to = entries.partition_point(|entry| entry.time() < self.end);
        entries.get(from..to).unwrap_or_default()
    }

    /// Whether there is any entry.
    pub(crate) fn has_any(&self, reading: &mut Reading) -> Result<bool, EvalError> {
        let range = self.start..self.end;
        let is_sure = self.parts.iter().any(|part| match part {
            Part::Memory(entries) => !self.within(entries).is_empty(),
            Part::Disk(stored) => {
                range.contains(&stored.chunk.min) || range.contains(&stored.chunk.max)
            }
        });
        if is_sure {
            return Ok(true);
        }
        // A range between two entries of a chunk: only reading it tells.
        for part in &self.parts {
            if let Part::Disk(stored) = part {
                let mut entries = Vec::new();
                self.decode(stored, reading, &mut entries)?;
                if !entries.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// In how many pieces the entries are kept.
    pub(crate) fn chunks(&self) -> usize {
        let is_in = |part: &&Part<T>| {
            let (min, max) = part.span();
            self.start <= max && min < self.end
        };
        self.parts.iter().filter(is_in).count()
    }

    /// How many entries there are.
    pub fn count(&self) -> Result<usize, EvalError> {
        Ok(self.read(&mut Reading::default())?.len())
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Result<Vec<T>, EvalError> {
        self.read(&mut Reading::default())
    }
}

/// Sorts entries by time, those of the same time as they came, and leaves out what repeats others.
pub(super) fn put_in_order<T: Record>(all: &mut Vec<T>) {
    all.sort_by_key(T::time);
    // Each was put behind another one than the one that it is behind now.
    all.iter_mut().for_each(T::unfollow);
    drop_repeated(all);
}

/// Leaves the first of the entries that repeat one another, which have the same time.
fn drop_repeated<T: Record>(all: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(all.len());
    for entry in all.drain(..) {
        let same = kept.iter().rev();
        let mut same = same.take_while(|one| one.time() == entry.time());
        if same.all(|one| entry.beside(one) == Fate::New) {
            kept.push(entry);
        }
    }
    *all = kept;
}
