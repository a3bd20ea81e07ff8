//! The memory of answers that their readers have not taken yet.
//!
//! A query gives its place back when it has been evaluated, but its answer is there until it has been
//! sent, and who reads slowly, or not at all, would have as many of them as they like.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::limits::EvalError;

/// Bytes of answers that wait for their readers, of all tenants.
const MOST: usize = 256 << 20;

/// Answers up to this are not counted: connections bound how many there are.
const SMALL: usize = 64 << 10;

/// Room for answers, half of it for one tenant at the most.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    tenants: HashMap<String, usize>,
}

/// An answer with its share of the room.
struct Share {
    room: Arc<Room>,
    tenant: String,
    text: String,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            most: MOST,
            held: Mutex::default(),
        }
    }
}

impl Room {
    /// The answer, which has its share until the last of its bytes is sent; an error where the tenant
    /// has too many that nobody reads.
    pub(super) fn hold(self: &Arc<Self>, tenant: &str, text: String) -> Result<Bytes, EvalError> {
        if text.len() <= SMALL {
            return Ok(text.into());
        }
        {
            // Counts are right also where a thread broke off while it held the lock.
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let own = held.tenants.get(tenant).copied().unwrap_or_default();
            let (own, all) = (own + text.len(), held.all + text.len());
            // Whatever its length, one answer at a time goes through.
            let is_alone = own == text.len();
            if all > self.most || (own > self.most / 2 && !is_alone) {
                return Err(EvalError::TooManyWaiting);
            }
            held.all = all;
            held.tenants.insert(tenant.to_owned(), own);
        }
        Ok(Bytes::from_owner(Share {
            room: Arc::clone(self),
            tenant: tenant.to_owned(),
            text,
        }))
    }
}

impl AsRef<[u8]> for Share {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let held = self.room.held.lock();
        let mut held = held.unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(self.text.len());
        let Some(own) = held.tenants.get_mut(&self.tenant) else {
            return;
        };
        *own = own.saturating_sub(self.text.len());
        if *own == 0 {
            held.tenants.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(of: usize) -> String {
        "x".repeat(of)
    }

    #[test]
    fn one_tenants_unread_answers_leave_room_for_anothers() {
        let room = Arc::new(Room {
            most: 8 * SMALL,
            ..Room::default()
        });
        let first = room.hold("greedy", answer(3 * SMALL)).unwrap();
        let more = room.hold("greedy", answer(2 * SMALL));
        assert_eq!(more, Err(EvalError::TooManyWaiting));
        // Small ones always go through.
        room.hold("greedy", answer(SMALL)).unwrap();
        let other = room.hold("other", answer(5 * SMALL)).unwrap();
        let full = room.hold("third", answer(2 * SMALL));
        assert_eq!(full, Err(EvalError::TooManyWaiting));

        // A part that is on its way holds the whole.
        let part = first.slice(..10);
        drop(first);
        assert!(room.hold("greedy", answer(2 * SMALL)).is_err());
        drop((part, other));
        room.hold("greedy", answer(2 * SMALL)).unwrap();
        assert!(room.held.lock().unwrap().tenants.is_empty());
    }
}
