//! What writes have added up to, since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Counts, Refusal};
use crate::metrics::{Closed as _, closed};

closed! {
    /// Why a batch was not taken.
    pub(crate) enum Refused {
        Media = "unsupported_media_type",
        TooLarge = "too_large",
        Bad = "bad_data",
        Rate = "rate",
        NoRoom = "no_room",
    }
}

impl Refused {
    fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::UnsupportedMedia(_) => Self::Media,
            Refusal::TooLarge { .. } => Self::TooLarge,
            Refusal::Bad { .. } => Self::Bad,
            Refusal::RateLimited { .. } => Self::Rate,
            Refusal::NoRoom { .. } => Self::NoRoom,
        }
    }
}

/// Sums of what was taken and what was refused. Each is read by itself: two of them may be from
/// moments that lie a request apart.
#[derive(Debug, Default)]
pub struct Totals {
    taken: Sums,
    /// By the place of the reason.
    refused: [AtomicU64; Refused::ALL.len()],
    failed: AtomicU64,
}

#[derive(Debug, Default)]
struct Sums {
    batches: AtomicU64,
    bytes: AtomicU64,
    entries: AtomicU64,
    replaced: AtomicU64,
    unknown: AtomicU64,
}

/// The sums at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Batches that were stamped.
    pub batches: u64,
    /// Their bytes, after decompression.
    pub bytes: u64,
    /// Their log lines, samples and data points.
    pub entries: u64,
    /// Labels and attributes that claimed to be the resource's.
    pub replaced: u64,
    /// Fields that were not known, and were dropped.
    pub unknown: u64,
    /// Batches that no backend acknowledged.
    pub failed: u64,
}

impl Totals {
    /// A batch was stamped.
    pub(crate) fn take(&self, counts: Counts) {
        let add = |sum: &AtomicU64, more: usize| {
            let more = u64::try_from(more).unwrap_or(u64::MAX);
            sum.fetch_add(more, Ordering::Relaxed);
        };
        add(&self.taken.batches, 1);
        add(&self.taken.bytes, counts.bytes);
        add(&self.taken.entries, counts.entries);
        add(&self.taken.replaced, counts.replaced);
        add(&self.taken.unknown, counts.unknown);
    }

    /// A batch was refused for what was in it, or for being too much.
    pub(crate) fn refuse(&self, refusal: &Refusal) {
        let reason = Refused::of(refusal);
        if let Some(refused) = self.refused.get(reason.number()) {
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were refused for this reason.
    pub(crate) fn refused(&self, reason: Refused) -> u64 {
        let refused = self.refused.get(reason.number());
        refused.map_or(0, |refused| refused.load(Ordering::Relaxed))
    }

    /// A batch was stamped and not acknowledged.
    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// The sums now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let read = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        Snapshot {
            batches: read(&self.taken.batches),
            bytes: read(&self.taken.bytes),
            entries: read(&self.taken.entries),
            replaced: read(&self.taken.replaced),
            unknown: read(&self.taken.unknown),
            failed: read(&self.failed),
        }
    }
}
