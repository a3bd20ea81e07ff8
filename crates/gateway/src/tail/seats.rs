//! How many tails each reader has open. A backend bounds them for a whole tenant, so that one reader
//! could take all that a project has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use directory::policy::{ProjectId, Subject};

use crate::authorize::Permit;

/// A reader in a project.
type Reader = (Subject, ProjectId);

/// The tails that are open, by reader; all threads share them.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<Reader, usize>>>);

/// One tail's place among its reader's, which is free again when this is dropped.
pub(super) struct Seat {
    seats: Seats,
    reader: Reader,
}

impl Seats {
    /// How many are taken.
    pub(crate) fn open(&self) -> usize {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.values().sum()
    }

    /// A place for one more tail, if the reader has fewer than `most`.
    pub(super) fn take(&self, permit: &Permit, most: usize) -> Option<Seat> {
        let reader = (
            permit.principal().subject().clone(),
            permit.project().clone(),
        );
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(reader.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat {
            seats: self.clone(),
            reader,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.reader) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.reader);
            }
        }
    }
}
