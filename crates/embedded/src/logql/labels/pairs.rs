//! Names and values in the order in which they came.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;

/// From so many pairs on they are looked up by an index: fewer are compared faster than hashed.
const INDEXED: usize = 32;

/// Pairs of which no two have the same name.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    list: Vec<(String, String)>,
    /// Where names are, by their hashes, once there are many.
    index: HashMap<u64, usize, RandomState>,
    /// Two names had the same hash, so that the index cannot be relied on.
    has_collided: bool,
    hasher: RandomState,
}

impl Pairs {
    pub(super) fn as_slice(&self) -> &[(String, String)] {
        &self.list
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let pair = self.list.get(self.position(name)?)?;
        Some(&pair.1)
    }

    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut String> {
        let at = self.position(name)?;
        self.list.get_mut(at).map(|pair| &mut pair.1)
    }

    #[inline]
    pub(super) fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    #[inline]
    fn position(&self, name: &str) -> Option<usize> {
        if self.list.len() < INDEXED {
            return self.list.iter().position(|pair| pair.0 == name);
        }
        self.indexed(name)
    }

    #[inline(never)]
    fn indexed(&self, name: &str) -> Option<usize> {
        if self.has_collided {
            return self.list.iter().position(|pair| pair.0 == name);
        }
        let at = *self.index.get(&self.hasher.hash_one(name))?;
        self.list.get(at).filter(|pair| pair.0 == name).map(|_| at)
    }

    /// Adds a pair whose name is not there yet.
    pub(super) fn push(&mut self, pair: (String, String)) {
        self.list.push(pair);
        if self.list.len() >= INDEXED {
            self.index_last();
        }
    }

    #[inline(never)]
    fn index_last(&mut self) {
        match self.list.len() {
            ..=INDEXED => {
                self.forget_index();
                for at in 0..self.list.len() {
                    self.note(at);
                }
            }
            more => self.note(more - 1),
        }
    }

    /// Takes a pair away. The others keep their order as long as they are few.
    pub(super) fn remove(&mut self, name: &str) -> Option<(String, String)> {
        let at = self.position(name)?;
        if self.list.len() < INDEXED {
            return Some(self.list.remove(at));
        }
        self.index.remove(&self.hasher.hash_one(name));
        let pair = self.list.swap_remove(at);
        if let Some((moved, _)) = self.list.get(at) {
            self.index.insert(self.hasher.hash_one(moved.as_str()), at);
        }
        Some(pair)
    }

    fn note(&mut self, at: usize) {
        if let Some((name, _)) = self.list.get(at) {
            let before = self.index.insert(self.hasher.hash_one(name.as_str()), at);
            self.has_collided |= before.is_some();
        }
    }

    fn forget_index(&mut self) {
        // Clearing takes time with the room that there is, and most lines need none.
        if !self.index.is_empty() {
            self.index.clear();
        }
        self.has_collided = false;
    }

    /// Takes all pairs away, to the end of `into`.
    #[inline]
    pub(super) fn take(&mut self, into: &mut Vec<(String, String)>) {
        // What the index may still have is forgotten before it is filled again.
        if !self.list.is_empty() {
            into.append(&mut self.list);
        }
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        if !self.list.is_empty() {
            self.list.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pairs_are_found_added_and_taken_away_as_few_are() {
        let mut pairs = Pairs::default();
        let name = |at: usize| format!("k{at}");
        for at in 0..200 {
            assert!(!pairs.has(&name(at)));
            pairs.push((name(at), at.to_string()));
        }
        // Down and up again over the size from which on there is an index.
        for (from, to) in [(0, 190), (200, 300)] {
            for at in from..to.min(190) {
                assert_eq!(pairs.remove(&name(at)), Some((name(at), at.to_string())));
                assert_eq!(pairs.remove(&name(at)), None);
            }
            for at in from.max(200)..to {
                pairs.push((name(at), at.to_string()));
            }
        }
        assert_eq!(pairs.len(), 110);
        for at in 190..300 {
            let value = at.to_string();
            assert_eq!(pairs.find(&name(at)), Some(value.as_str()));
        }
        assert!(!pairs.has("k5"));
        pairs.find_mut("k250").unwrap().push('!');
        assert_eq!(pairs.find("k250"), Some("250!"));
        pairs.clear();
        assert!(pairs.is_empty() && !pairs.has("k250"));
    }
}
