//! What is done beside pushes and queries: sealing, forgetting what is too old or too much, and
//! taking away streams that have nothing left.

use std::collections::HashSet;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Files, Shelf};
use crate::store::disk::codec::Record;
use crate::store::disk::sealing::Sealing;
use crate::store::table::{Observer, Table};

/// Bytes in memory from which on lines, and likewise exemplars, are sealed.
const MOST_BYTES: usize = 32 << 20;
/// Samples of a series that should be sealed together: fewer compress badly.
const SAMPLES_TOGETHER: usize = 120;
/// Memory for samples, however many series there are: a start reads all that is not sealed.
const MOST_SAMPLE_BYTES: usize = 64 << 20;
/// What comes within this part of the retention is sealed together, if it is not enough sooner.
const PERIODS: i64 = 24;
const SHORTEST_PERIOD_NS: i64 = 3_600_000_000_000;
const LONGEST_PERIOD_NS: i64 = 24 * SHORTEST_PERIOD_NS;
/// With fewer streams, those that have nothing left cost nothing worth the work.
const MANY_STREAMS: usize = 1_000;

impl<T: Record, O: Observer<T>> Shelf<T, O> {
    /// About how many bytes there should be in memory at the most.
    pub(super) fn most_in_memory(table: &Table<T>) -> usize {
        let together = table.len() * SAMPLES_TOGETHER * size_of::<crate::store::Sample>();
        if T::NAME == <crate::store::Sample as Record>::NAME {
            together.clamp(MOST_BYTES / 2, MOST_SAMPLE_BYTES)
        } else {
            MOST_BYTES
        }
    }

    /// About how many bytes are in memory that are not sealed.
    pub(in crate::store) fn weight(&self) -> usize {
        self.read().weight
    }

    /// Bytes on disk.
    pub(in crate::store) fn size(&self) -> u64 {
        let Some(files) = &self.files else {
            return 0;
        };
        let log = {
            let wal = files.wal();
            wal.len() + wal.older
        };
        let segments: u64 = self
            .read()
            .segments
            .iter()
            .map(|segment| segment.size)
            .sum();
        log + files.streams().len() + segments
    }

    /// Seals what is in memory if it is much or old, or if it has to be.
    pub(in crate::store) fn seal_if(&self, must: bool, now_ns: i64) {
        let Some(files) = &self.files else {
            return;
        };
        let is_due = {
            let table = self.read();
            let is_much = table.weight > Self::most_in_memory(&table);
            table.is_frozen || is_much || (must && table.weight > 0)
        };
        if !is_due && !files.wal().is_due() && !self.is_old(files, now_ns) {
            return;
        }
        let result = self.seal(files);
        self.has_failed.store(result.is_err(), Ordering::Relaxed);
        if let Err(error) = result {
            tracing::error!(directory = %files.directory.display(), %error, "data could not be sealed; it stays in the log, and it is tried again");
        }
    }

    /// Whether what is not sealed has waited for long enough, though it is little: what is sealed goes
    /// when it is too old, and a log goes as a whole. So does one of which nothing is left.
    fn is_old(&self, files: &Files, now_ns: i64) -> bool {
        let has_records = files.wal().has_records();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if !has_records {
            *since = None;
            return false;
        }
        let age = now_ns.saturating_sub(*since.get_or_insert(now_ns));
        let longest = self.retention.saturating_mul(T::UNIT_NS) / PERIODS;
        age >= longest.clamp(SHORTEST_PERIOD_NS, LONGEST_PERIOD_NS) || self.read().weight == 0
    }

    fn seal(&self, files: &Files) -> io::Result<()> {
        let mut frozen_up_to = self.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed = if let Some(sealed) = *frozen_up_to {
            sealed
        } else {
            // Nobody writes to the log or the table now.
            let mut wal = files.wal();
            wal.rotate()?;
            self.write().freeze();
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let sealed = wal.seq - 1;
            *frozen_up_to = Some(sealed);
            sealed
        };
        let (frozen, next_id) = {
            let table = self.read();
            (table.frozen(), table.next_id)
        };
        let mut sealing = Sealing::begin(&files.directory, (sealed, sealed), &files.handles)?;
        for (id, chunks) in &frozen {
            for chunk in chunks.all() {
                sealing.entries(*id, chunk)?;
            }
        }
        drop(frozen);
        let segment = sealing.finish(next_id)?;
        self.write().thaw(segment);
        *frozen_up_to = None;
        files.wal().remove_up_to(sealed)
    }

    /// Takes away what is older than the retention by the clock.
    pub(in crate::store) fn expire(&self, now_ns: i64) {
        if self.files.is_none() {
            return;
        }
        let oldest = (now_ns / T::UNIT_NS).saturating_sub(self.retention);
        let mut table = self.write();
        let before = table.segments.len();
        table.segments.retain(|segment| {
            let is_old = segment.max < oldest;
            if is_old {
                segment.doom();
            }
            !is_old
        });
        table.drop_before(oldest);
        let has_gone = table.segments.len() < before;
        drop(table);
        if has_gone {
            self.drop_empty_streams();
        }
    }

    /// Time of the newest entry of the oldest segment, in nanoseconds since the Unix epoch.
    pub(in crate::store) fn oldest(&self) -> Option<i64> {
        let table = self.read();
        let oldest = table.segments.iter().map(|segment| segment.max).min()?;
        Some(oldest.saturating_mul(T::UNIT_NS))
    }

    /// Takes the oldest segment away.
    pub(in crate::store) fn drop_oldest(&self) {
        let mut table = self.write();
        let all = table.segments.iter().enumerate();
        if let Some(at) = all.min_by_key(|(_, segment)| segment.max).map(|(at, _)| at) {
            table.segments.remove(at).doom();
        }
        drop(table);
        self.drop_empty_streams();
    }

    /// Bytes that indexes take in memory.
    pub(in crate::store) fn indexes_weight(&self) -> usize {
        self.read()
            .segments
            .iter()
            .map(|segment| segment.kept())
            .sum()
    }

    /// Forgets the indexes of the older half of the segments, which queries ask for less.
    pub(in crate::store) fn forget_indexes(&self) {
        let table = self.read();
        let half = table.segments.len().div_ceil(2);
        for segment in table.segments.iter().take(half) {
            segment.forget();
        }
    }

    /// Takes away the streams that have nothing left, so that they do not count any more.
    fn drop_empty_streams(&self) {
        let Some(files) = &self.files else {
            return;
        };
        if self.read().len() < MANY_STREAMS.min(self.max_streams) {
            return;
        }
        // Whoever seals adds segments, and whoever pushes uses ids.
        let _sealing = self.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let segments = self.read().segments.clone();
        let mut used: HashSet<u32> = HashSet::new();
        for segment in segments {
            match segment.read_index() {
                Ok(index) => used.extend(index.ids.iter().map(|(id, _)| *id)),
                Err(error) => {
                    tracing::warn!(file = %segment.path.display(), %error, "streams without data are kept, for it is not known which ones these are");
                    return;
                }
            }
        }
        let (left, next_id) = {
            let mut table = self.write();
            (table.retain(|id| used.contains(&id)), table.next_id)
        };
        if let Err(error) = files.streams().rewrite(next_id, &left) {
            tracing::warn!(directory = %files.directory.display(), %error, "the list of streams was not made shorter");
        }
    }
}
