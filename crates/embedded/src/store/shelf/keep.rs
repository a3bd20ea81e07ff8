//! What is done beside pushes and queries: sealing, forgetting what is too old or too much, and
//! taking away streams that have nothing left.

use std::collections::HashSet;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Files, Shelf, text};
use crate::labels::Labels;
use crate::store::disk::codec::Record;
use crate::store::disk::sealing::Sealing;
use crate::store::gone::Gone;
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
/// With fewer streams, those that have nothing left cost too little to be looked for each time that
/// something goes.
const MANY_STREAMS: usize = 1_000;
/// How often they are looked for anyway, and how often where there is little room for labels.
const SWEEP_NS: i64 = 3_600_000_000_000;
const TIGHT_SWEEP_NS: i64 = SWEEP_NS / 6;

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

    /// The tenant's name; empty for one in memory.
    pub(in crate::store) fn tenant(&self) -> &str {
        let directory = self
            .files
            .as_ref()
            .and_then(|files| files.directory.parent());
        let name = directory.and_then(|directory| directory.file_name());
        name.and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// About how many bytes are in memory that are not sealed.
    pub(in crate::store) fn weight(&self) -> usize {
        self.read().weight
    }

    /// Bytes of data on disk.
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
        log + segments
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
        let result = self.seal(files, now_ns);
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

    fn seal(&self, files: &Files, now_ns: i64) -> io::Result<()> {
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
        let segment = sealing.finish(next_id, now_ns)?;
        self.write().thaw(segment);
        *frozen_up_to = None;
        files.wal().remove_up_to(sealed)
    }

    /// Takes away what is older than the retention by the clock.
    pub(in crate::store) fn expire(&self, now_ns: i64, gone: &mut Gone) {
        if self.files.is_none() {
            return;
        }
        let oldest = (now_ns / T::UNIT_NS).saturating_sub(self.retention);
        let mut table = self.write();
        let before = table.segments.len();
        table.segments.retain(|segment| {
            let is_old = segment.age(T::UNIT_NS).0 < oldest;
            if is_old {
                let up_to_ns = segment.max.saturating_mul(T::UNIT_NS);
                gone.file(T::NAME, segment.size, up_to_ns);
                segment.doom();
            }
            !is_old
        });
        let weight = table.weight;
        table.drop_before(oldest);
        let dropped = weight.saturating_sub(table.weight);
        gone.in_memory(T::NAME, dropped, oldest.saturating_mul(T::UNIT_NS));
        let has_gone = table.segments.len() < before;
        drop(table);
        if has_gone {
            self.drop_empty_streams();
        }
    }

    /// The age of the oldest segment, in nanoseconds since the Unix epoch.
    pub(in crate::store) fn oldest(&self) -> Option<(i64, i64)> {
        let table = self.read();
        let ages = table.segments.iter().map(|one| one.age(T::UNIT_NS));
        let (by, newest) = ages.min()?;
        let unit = T::UNIT_NS;
        Some((by.saturating_mul(unit), newest.saturating_mul(unit)))
    }

    /// Takes the oldest segment away.
    pub(in crate::store) fn drop_oldest(&self, gone: &mut Gone) {
        let mut table = self.write();
        let all = table.segments.iter().enumerate();
        if let Some(at) = all
            .min_by_key(|(_, one)| one.age(T::UNIT_NS))
            .map(|(at, _)| at)
        {
            let segment = table.segments.remove(at);
            let up_to_ns = segment.max.saturating_mul(T::UNIT_NS);
            gone.file(T::NAME, segment.size, up_to_ns);
            segment.doom();
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

    /// Takes away the streams that have nothing left, if that was not done for a while.
    pub(in crate::store) fn sweep(&self, now_ns: i64) {
        let period = if self.labels.is_tight() {
            TIGHT_SWEEP_NS
        } else {
            SWEEP_NS
        };
        {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            let last = *swept.get_or_insert(now_ns);
            if now_ns.saturating_sub(last) < period {
                return;
            }
            *swept = Some(now_ns);
        }
        self.sweep_now();
    }

    /// Likewise, if they are many enough to be worth it or take room that others need.
    fn drop_empty_streams(&self) {
        let is_many = self.read().len() >= MANY_STREAMS.min(self.max_streams);
        if is_many || self.labels.is_tight() {
            self.sweep_now();
        }
    }

    fn sweep_now(&self) {
        let Some(files) = &self.files else {
            return;
        };
        if !self.read().has_idle() {
            return;
        }
        // Whoever seals adds segments.
        let _sealing = self.sealing.lock().unwrap_or_else(PoisonError::into_inner);
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
        // Whoever pushes uses ids.
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let (dropped, left, next_id) = {
            let mut table = self.write();
            let all = table.all();
            let left = table.retain(|id| used.contains(&id));
            if left.len() == all.len() {
                return;
            }
            let of = |some: &[(u32, Labels)]| text(some.iter().map(|(_, labels)| labels));
            (of(&all) - of(&left), left, table.next_id)
        };
        self.labels.give_back(dropped);
        if let Err(error) = files.streams().rewrite(next_id, &left) {
            tracing::warn!(directory = %files.directory.display(), %error, "the list of streams was not made shorter");
        }
    }
}
