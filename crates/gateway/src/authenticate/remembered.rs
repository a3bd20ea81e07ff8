//! Tokens whose signatures have been checked before.
//!
//! A signature costs more to check than all else that a request needs, and a caller sends the same
//! token for an hour. So what a token says is remembered once it was found good: by the SHA-256 digest of
//! the whole token, signature included, and for as long as the issuer's keys are the very set that it
//! was checked with. A change of a single bit is another token, and another set of keys, also one
//! with the same keys in it, makes everything unknown again. What depends on the time, expiry and
//! beginning, is not decided here: the clock of each request does.
//!
//! Each thread remembers by itself, and what it remembers is bounded. Only what the issuer has signed
//! gets in, so nobody pushes others out by making up tokens.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use directory::hashing::{Seeded, seeded};

use super::keys::KeySet;
use super::token::Verified;
use crate::metrics::Lookups;

/// How many tokens fill one of the two halves. One of a few hundred bytes takes about as many here.
const HALF: usize = 4096;

/// The digest of a whole token.
pub(super) type Digest = [u8; SHA256_OUTPUT_LEN];

/// What one thread remembers.
#[derive(Default)]
pub struct Remembered {
    halves: Mutex<Halves>,
    lookups: Arc<Lookups>,
}

/// When the newer half is full it becomes the older one, and what was in that is forgotten. What is
/// used again moves to the newer half, so that what is in use stays.
struct Halves {
    /// By which all of them were checked.
    keys: Option<Arc<KeySet>>,
    newer: Half,
    older: Half,
}

type Half = HashMap<Digest, Verified, Seeded>;

impl Default for Halves {
    fn default() -> Self {
        Self {
            keys: None,
            newer: Half::with_hasher(seeded()),
            older: Half::with_hasher(seeded()),
        }
    }
}

/// What identifies a token; `None` is not to be expected.
pub(super) fn digest_of(token: &[u8]) -> Option<Digest> {
    digest(&SHA256, token).as_ref().try_into().ok()
}

impl Remembered {
    /// How often a token was known here.
    pub(crate) fn lookups(&self) -> Arc<Lookups> {
        Arc::clone(&self.lookups)
    }

    /// What the token with this digest says, if it was found good by these very keys.
    pub(super) fn recall(&self, keys: &Arc<KeySet>, token: &Digest) -> Option<Verified> {
        let known = self.find(keys, token);
        self.lookups.count(known.is_some());
        known
    }

    fn find(&self, keys: &Arc<KeySet>, token: &Digest) -> Option<Verified> {
        let mut halves = self.halves();
        if !halves.are_by(keys) {
            return None;
        }
        if let Some(verified) = halves.newer.get(token) {
            return Some(verified.clone());
        }
        let verified = halves.older.remove(token)?;
        halves.insert(*token, verified.clone());
        Some(verified)
    }

    /// The token with this digest was found good by these keys.
    pub(super) fn remember(&self, keys: &Arc<KeySet>, token: Digest, verified: Verified) {
        let mut halves = self.halves();
        if !halves.are_by(keys) {
            *halves = Halves {
                keys: Some(Arc::clone(keys)),
                ..Halves::default()
            };
        }
        halves.insert(token, verified);
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        // A panic leaves whole entries or none.
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    /// Whether all that is remembered was checked with these keys. The set is held, so that no other can
    /// come to lie at its address.
    fn are_by(&self, keys: &Arc<KeySet>) -> bool {
        self.keys
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, keys))
    }

    fn insert(&mut self, token: Digest, verified: Verified) {
        if self.newer.len() >= HALF {
            self.older = mem::replace(&mut self.newer, Half::with_hasher(seeded()));
        }
        self.newer.insert(token, verified);
    }
}

#[cfg(test)]
mod tests {
    use directory::policy::Subject;
    use jiff::Timestamp;

    use super::super::token::Validity;
    use super::*;

    fn keys() -> Arc<KeySet> {
        Arc::new(KeySet::new(Vec::new()))
    }

    fn of(name: &str) -> Verified {
        Verified {
            subject: Subject::new(name).unwrap(),
            validity: Validity {
                expires_at: Timestamp::UNIX_EPOCH,
                not_before: None,
            },
            email: None,
            name: None,
        }
    }

    fn number(at: usize) -> Digest {
        digest_of(at.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_token_is_known_by_the_very_keys_that_it_was_checked_with() {
        let (remembered, first, second) = (Remembered::default(), keys(), keys());
        remembered.remember(&first, number(1), of("victor"));
        let known = remembered.recall(&first, &number(1)).unwrap();
        assert_eq!(known.subject.as_str(), "victor");
        assert!(remembered.recall(&second, &number(1)).is_none());
        assert!(remembered.recall(&first, &number(2)).is_none());
        // Another set of keys leaves nothing of what was known before.
        remembered.remember(&second, number(2), of("mallory"));
        assert!(remembered.recall(&second, &number(1)).is_none());
        assert!(remembered.recall(&first, &number(1)).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_in_use_stays() {
        let (remembered, keys) = (Remembered::default(), keys());
        for at in 0..10 * HALF {
            remembered.remember(&keys, number(at), of("somebody"));
            assert!(remembered.recall(&keys, &number(0)).is_some(), "{at}");
        }
        let halves = remembered.halves();
        assert!(halves.newer.len() + halves.older.len() <= 2 * HALF);
    }
}
