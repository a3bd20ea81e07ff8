//! An answer as it arrives, within its part of the room.

use directory::policy::ProjectId;

use super::{SHARE, SHORT};
use crate::room::{Full, Place};

/// From this length on, in bytes, an answer grows by a quarter, and below by as much as it has.
const LONG: usize = 1 << 20;

/// What was collected and holds a part of the room.
pub(crate) struct Collected<'a> {
    whole: Vec<u8>,
    place: &'a mut Place<ProjectId>,
    /// What the place held before.
    before: usize,
}

/// Why an answer is not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncollected {
    /// It would be too long at any time.
    TooLong,
    /// There is no room for it at the moment.
    NoRoom,
}

impl<'a> Collected<'a> {
    pub(crate) fn new(place: &'a mut Place<ProjectId>) -> Self {
        Self {
            whole: Vec::new(),
            before: place.held(),
            place,
        }
    }

    /// Appends what has arrived. Memory is taken by no more than has arrived already.
    pub(crate) fn add(&mut self, data: &[u8]) -> Result<(), Uncollected> {
        let all = self.whole.len().saturating_add(data.len());
        if all > self.whole.capacity() {
            let most = SHARE.saturating_sub(self.before);
            if all > most {
                return Err(Uncollected::TooLong);
            }
            // Long ones by a quarter, so as not to hold twice what they need.
            let more = if all > LONG { all / 4 } else { all };
            let grown = all.saturating_add(more).max(SHORT).min(most);
            let held = self.place.hold(self.before.saturating_add(grown));
            held.map_err(|full| match full {
                Full::Share | Full::Room => Uncollected::NoRoom,
            })?;
            self.whole.reserve_exact(grown - self.whole.len());
        }
        self.whole.extend_from_slice(data);
        Ok(())
    }

    /// All of it, which holds its own length from now on.
    pub(crate) fn whole(mut self) -> Vec<u8> {
        self.whole.shrink_to_fit();
        let held = self.before.saturating_add(self.whole.len());
        // Less than before always fits.
        let _ = self.place.hold(held);
        self.whole
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::filter::Sieve;
    use crate::room::BASE;

    fn place(sieve: &Sieve) -> Place<ProjectId> {
        sieve.0.enter(&ProjectId::new("p1").unwrap()).unwrap()
    }

    #[test]
    fn an_answer_takes_what_has_arrived_and_no_more_than_a_share() {
        let sieve = Sieve::default();
        let mut first = place(&sieve);
        let mut collected = Collected::new(&mut first);
        let mebibyte = vec![b'x'; 1 << 20];
        collected.add(&mebibyte).unwrap();
        assert_eq!(collected.place.held(), BASE + (2 << 20));
        for _ in 0..14 {
            collected.add(&mebibyte).unwrap();
        }
        assert_eq!(collected.place.held(), SHARE);
        assert_eq!(collected.add(&mebibyte), Err(Uncollected::TooLong));
        // What is left of the share is too little for another, which may come again.
        assert!(sieve.0.enter(&ProjectId::new("p1").unwrap()).is_err());
        drop(collected);
        first.hold(SHARE / 2).unwrap();
        let mut second = place(&sieve);
        let mut collected = Collected::new(&mut second);
        let much = vec![b'x'; SHARE / 2];
        assert_eq!(collected.add(&much), Err(Uncollected::NoRoom));
        drop(first);
        assert_eq!(collected.add(&much), Ok(()));
    }
}
