//! Results of pure functions, kept for the next time that the same is asked for.
//!
//! A dashboard sends the same few queries again and again, with other times. What a function makes of
//! one depends on nothing but its arguments, so an entry holds all of them beside the result, and is
//! used only where each of them is equal: a hash says where to look, and never that it is the same.
//!
//! There are so many places and no more. An entry goes into the place of its hash, whatever is in
//! there: to throw others out costs them their time and nothing else, and nobody knows the seed.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use directory::hashing::{Seeded, seeded};

/// How many places there are.
const PLACES: usize = 512;

/// What one thread keeps. Nobody ever waits for the lock.
pub(crate) struct Memo<E> {
    places: Mutex<Box<[Option<E>]>>,
    seeded: Seeded,
}

impl<E> Default for Memo<E> {
    fn default() -> Self {
        Self::with_places(PLACES)
    }
}

impl<E> fmt::Debug for Memo<E> {
    /// Nothing of what is in it, which is the callers'.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

impl<E> Memo<E> {
    fn with_places(count: usize) -> Self {
        Self {
            places: Mutex::new((0..count).map(|_| None).collect()),
            seeded: seeded(),
        }
    }

    /// What `find` takes from the entry that is in the place of `key`. It has to compare all that the
    /// result depends on.
    pub(crate) fn recall<T>(
        &self,
        key: &impl Hash,
        find: impl FnOnce(&E) -> Option<T>,
    ) -> Option<T> {
        let mut places = self.places();
        self.place(&mut places, key)?.as_ref().and_then(find)
    }

    /// Keeps an entry in the place of `key`.
    pub(crate) fn remember(&self, key: &impl Hash, entry: E) {
        let mut places = self.places();
        if let Some(place) = self.place(&mut places, key) {
            *place = Some(entry);
        }
    }

    fn place<'a>(&self, places: &'a mut [Option<E>], key: &impl Hash) -> Option<&'a mut Option<E>> {
        let hash = self.seeded.hash_one(key);
        let count = u64::try_from(places.len()).ok()?;
        let at = hash.checked_rem(count)?;
        places.get_mut(usize::try_from(at).ok()?)
    }

    fn places(&self) -> MutexGuard<'_, Box<[Option<E>]>> {
        // A panic leaves whole entries or none.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_in_the_same_place_is_another_as_long_as_its_key_is() {
        let memo = Memo::with_places(1);
        let recall = |key: &'static str| {
            memo.recall(&key, |(of, result): &(&str, u8)| {
                (*of == key).then_some(*result)
            })
        };
        memo.remember(&"a", ("a", 1));
        assert_eq!((recall("a"), recall("b")), (Some(1), None));
        memo.remember(&"b", ("b", 2));
        assert_eq!((recall("a"), recall("b")), (None, Some(2)));
    }
}
