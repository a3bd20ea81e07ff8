//! Leaving out of a push what was sealed before: senders send again what they got no answer for.

use std::sync::Arc;

use super::{Pending, Shelf};
use crate::store::chunks::{Fate, among};
use crate::store::disk::codec::Record;
use crate::store::disk::reading::{Reading, Stored};
use crate::store::disk::segment::{Chunk, Segment};
use crate::store::table::{Id, Observer};

impl<T: Record, O: Observer<T>> Shelf<T, O> {
    /// Takes out of a push what segments have that were not looked at for it before. What cannot be
    /// read is taken for nothing: the push is then kept beside it, and whoever reads both leaves out
    /// what is there twice.
    pub(super) fn sift(&self, pending: &mut Pending<T>) {
        let (newest, sealed) = {
            let table = self.read();
            let fresh = table.segments.iter();
            let fresh = fresh.filter(|segment| segment.seq > pending.sealed);
            (fresh.map(|segment| segment.max).max(), table.sealed())
        };
        let before = std::mem::replace(&mut pending.sealed, sealed);
        // Most of what comes is newer than all that is sealed.
        let Some(newest) = newest else { return };
        let mut reading = Reading::default();
        for (id, entries) in &mut pending.batch {
            let old = entries.iter().map(T::time).filter(|time| *time <= newest);
            let Some((start, end)) = old.fold(None, |span: Option<(i64, i64)>, time| {
                let (min, max) = span.unwrap_or((time, time));
                Some((min.min(time), max.max(time)))
            }) else {
                continue;
            };
            let segments = self.read().overlapping(start, end.saturating_add(1));
            for segment in segments.iter().filter(|segment| segment.seq > before) {
                let refused = leave_out(segment, *id, entries, &mut reading);
                if pending.refused.is_none()
                    && let Some(time) = refused
                {
                    pending.refused = self.read().labels(*id).map(|labels| (labels, time));
                }
            }
        }
        pending.batch.retain(|(_, entries)| !entries.is_empty());
    }
}

/// Takes those entries out that a segment has; the time of the first that it refuses.
fn leave_out<T: Record>(
    segment: &Arc<Segment>,
    id: Id,
    entries: &mut Vec<T>,
    reading: &mut Reading,
) -> Option<i64> {
    let index = match segment.index() {
        Ok(index) => index,
        Err(error) => {
            tracing::warn!(file = %segment.path.display(), %error, "what is sent again was not looked for, for the index cannot be read");
            return None;
        }
    };
    let mut refused = None;
    let within = |chunk: &Chunk, time: i64| (chunk.min..=chunk.max).contains(&time);
    for chunk in index.find(id, i64::MIN, i64::MAX) {
        if !entries.iter().any(|entry| within(chunk, entry.time())) {
            continue;
        }
        let Some(page) = index.pages.get(chunk.page as usize) else {
            continue;
        };
        let stored = Stored {
            segment: Arc::clone(segment),
            page: *page,
            chunk: *chunk,
        };
        let Ok(kept) = stored.read::<T>(reading) else {
            continue;
        };
        entries.retain(|entry| match among(entry, &kept) {
            Fate::New => true,
            Fate::Known => false,
            Fate::Refused => {
                refused = refused.or(Some(entry.time()));
                false
            }
        });
    }
    refused
}
