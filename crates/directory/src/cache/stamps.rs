//! Whether what was read still holds.
//!
//! Each thing that can change falls on one of many stripes by its hash, and each stripe has a
//! stamp. Who asks the database reads the stamp first and stores it with the answer; a change
//! raises it. An answer counts while its stamp is that of its stripe. So there is no moment at
//! which an answer that was read before a change and arrives after it could count, in whichever
//! order the two meet, and nothing has to be found and removed. The price is that a change takes a
//! few answers about other things along, which are then asked for again.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::hashing::{Seeded, seeded};

/// With 100,000 answers a change takes some 25 along.
const STRIPES: usize = 4096;

/// What a stamp is about; its id alone may be that of another thing.
#[derive(Clone, Copy, Hash)]
pub(crate) enum About<'a> {
    /// All that a subject holds. The organization of a project is not known before the question,
    /// so a stamp for each place where something is held could not be read in time.
    Subject(&'a str),
    /// An organization.
    Organization(&'a str),
    /// A project.
    Project(&'a str),
    /// A resource.
    Resource(&'a str),
}

/// The moment at which something was asked, as far as it is about one stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

/// All stripes.
pub(crate) struct Stamps {
    /// Random, so that nobody can choose ids which fall on the stripe of another.
    hasher: Seeded,
    stripes: Box<[AtomicU64]>,
}

impl Stamps {
    pub(crate) fn new() -> Self {
        Self {
            hasher: seeded(),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The stamp now: to be read before the database is asked, and compared with on use.
    pub(crate) fn now(&self, about: About<'_>) -> Stamp {
        let stripe = self.stripe(about).map(|stamp| stamp.load(Ordering::SeqCst));
        Stamp(stripe.unwrap_or_default())
    }

    /// What was asked about this before does not count any more.
    pub(crate) fn raise(&self, about: About<'_>) {
        if let Some(stamp) = self.stripe(about) {
            stamp.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Nothing that was asked before counts any more.
    pub(crate) fn raise_all(&self) {
        for stamp in &self.stripes {
            stamp.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn stripe(&self, about: About<'_>) -> Option<&AtomicU64> {
        let hash = usize::try_from(self.hasher.hash_one(about) % STRIPES as u64);
        hash.ok().and_then(|hash| self.stripes.get(hash))
    }
}
