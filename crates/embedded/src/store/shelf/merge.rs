//! Making one segment of many small ones, which queries would have to open one by one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};

use super::{Files, Indexed, Shelf};
use crate::store::disk::DiskError;
use crate::store::disk::codec::Record;
use crate::store::disk::reading::{Reading, Stored};
use crate::store::disk::sealing::Sealing;
use crate::store::disk::segment::Segment;
use crate::store::selected::put_in_order;
use crate::store::table::{Id, Observer};

/// So many are merged at least.
const LEAST: usize = 8;
/// Bytes of a merged segment at the most. What one stream has of it is in memory meanwhile.
const MOST_BYTES: u64 = 4 << 20;
/// The largest is at most this part of the whole, so that nothing is merged again and again.
const LARGEST_PART: u64 = 4;
/// What is merged goes when the newest of it is too old, so that it should not go from when to when
/// it likes: over this part of the retention at the most, unless one of them does anyway.
const SPANS: i64 = 8;

impl<T: Record, O: Observer<T>> Shelf<T, O> {
    /// Merges segments that stand beside each other, if there are enough small ones.
    pub(in crate::store) fn merge(&self) {
        let Some(files) = &self.files else {
            return;
        };
        // Whoever seals comes first, and merging can wait for the next time.
        let _sealing = match self.sealing.try_lock() {
            Ok(sealing) => sealing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let run = {
            let table = self.read();
            let run = mergeable(&table.segments, self.retention / SPANS);
            run.and_then(|run| table.segments.get(run))
                .map(<[_]>::to_vec)
        };
        let Some(run) = run else { return };
        match self.merged(files, &run) {
            Ok(merged) => self.write().merge(&run, merged),
            Err(error) => {
                tracing::warn!(directory = %files.directory.display(), %error, "small segments could not be merged; they stay as they are until the next start");
                for segment in &run {
                    segment.is_unmergeable.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn merged(&self, files: &Files, run: &[Arc<Segment>]) -> Result<Option<Segment>, DiskError> {
        let mut indexes: Vec<Indexed> = Vec::with_capacity(run.len());
        let mut ids: BTreeSet<Id> = BTreeSet::new();
        for segment in run {
            let index = segment.read_index()?;
            ids.extend(index.ids.iter().map(|(id, _)| *id));
            indexes.push((Arc::clone(segment), Arc::new(index)));
        }
        // As in every segment, sorted by labels: streams that are alike compress well together.
        let mut ids: Vec<(Option<_>, Id)> = {
            let table = self.read();
            ids.into_iter().map(|id| (table.labels(id), id)).collect()
        };
        ids.sort();
        let first = run.iter().map(|segment| segment.first).min();
        let seq = run.iter().map(|segment| segment.seq).max();
        let seqs = first.zip(seq).unwrap_or_default();
        let mut sealing = Sealing::begin(&files.directory, seqs, &files.handles)?;
        let mut reading = Reading::default();
        let mut entries: Vec<T> = Vec::new();
        for (_, id) in ids {
            entries.clear();
            for (segment, index) in &indexes {
                for chunk in index.find(id, i64::MIN, i64::MAX) {
                    let page = index.pages.get(chunk.page as usize).copied();
                    let stored = page.map(|page| Stored {
                        segment: Arc::clone(segment),
                        page,
                        chunk: *chunk,
                    });
                    if let Some(stored) = stored {
                        stored.try_read_into(&mut reading, &mut entries)?;
                    }
                }
            }
            if !entries.is_sorted_by(|a, b| a.time() < b.time()) {
                put_in_order(&mut entries);
            }
            sealing.entries(id, &entries)?;
        }
        let sealed_ns = run.iter().map(|segment| segment.sealed_ns).max();
        let next_id = run.iter().map(|segment| segment.next_id).max();
        Ok(sealing.finish(next_id.unwrap_or_default(), sealed_ns.unwrap_or(i64::MAX))?)
    }
}

/// The first segments that should become one.
fn mergeable(segments: &[Arc<Segment>], longest: i64) -> Option<Range<usize>> {
    (0..segments.len()).find_map(|from| {
        let (mut size, mut largest, mut to) = (0_u64, 0_u64, from);
        let (mut min, mut max, mut longest) = (i64::MAX, i64::MIN, longest);
        for segment in segments.iter().skip(from) {
            (min, max) = (min.min(segment.min), max.max(segment.max));
            longest = longest.max(segment.max.saturating_sub(segment.min));
            if size + segment.size > MOST_BYTES
                || max.saturating_sub(min) > longest
                || segment.is_unmergeable.load(Ordering::Relaxed)
            {
                break;
            }
            size += segment.size;
            largest = largest.max(segment.size);
            to += 1;
        }
        let is_worth_it = to - from >= LEAST && largest <= size / LARGEST_PART;
        is_worth_it.then_some(from..to)
    })
}
