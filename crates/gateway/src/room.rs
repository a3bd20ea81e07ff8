//! What bodies on their way may take together, and what of it one holder may: writes by their project,
//! forms and texts of management by their subject, and answers that are sifted by the project again.
//!
//! Memory is charged by what has arrived, and not by what a head announces: a body that dribbles
//! takes no more than what has dribbled. Whoever decodes a large batch takes a turn; a holder has
//! fewer turns than there are, so that its own batches wait for each other, and not another's for them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use directory::hashing::{Seeded, seeded};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// From so many holders on, those that hold nothing are forgotten.
const MANY: usize = 10_000;

/// What a request takes for itself, whatever its body.
pub(crate) const BASE: usize = 4 << 10;

/// Such a part of the room is only for those that hold little: whoever may make projects would
/// otherwise fill all of it with the shares of a few, and keep everybody out.
const RESERVE: usize = 8;

/// One that holds at most such a part of its share holds little.
const LITTLE: usize = 16;

/// The room for all, by who holds it.
#[derive(Debug)]
pub(crate) struct Room<K> {
    size: usize,
    held: AtomicUsize,
    /// How many batches are decoded at the same time.
    turns: Arc<Semaphore>,
    /// What is left of it for those that hold little.
    reserve: usize,
    /// What one may have of both.
    share: usize,
    turns_of_one: usize,
    holders: Mutex<Holders<K>>,
}

#[derive(Debug)]
struct Holders<K> {
    shares: HashMap<K, Arc<Share>, Seeded>,
    /// How many may be known before those that hold nothing are looked for.
    most: usize,
}

/// What one holder takes of the room.
#[derive(Debug)]
struct Share {
    held: AtomicUsize,
    turns: Arc<Semaphore>,
}

/// A request's part of the room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K> {
    room: Arc<Room<K>>,
    share: Arc<Share>,
    bytes: usize,
}

/// What has no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The holder's share.
    Share,
    /// All of it.
    Room,
}

/// The permission to decode a batch.
#[derive(Debug)]
pub(crate) struct Turn {
    _own: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

impl<K: Clone + Eq + Hash> Room<K> {
    /// A room of so many bytes, of which one may hold its `share`, and of which `cores` batches at least
    /// are decoded at the same time.
    pub(crate) fn new(size: usize, share: usize, cores: usize) -> Self {
        // With one core as well, one leaves a turn to the others.
        let turns = cores.max(2);
        Self {
            size,
            held: AtomicUsize::new(0),
            reserve: size / RESERVE,
            turns: Arc::new(Semaphore::new(turns)),
            share: share.min(size),
            turns_of_one: turns / 2,
            holders: Mutex::new(Holders {
                shares: HashMap::with_hasher(seeded()),
                most: MANY,
            }),
        }
    }

    /// What one may hold, in bytes.
    pub(crate) fn share(&self) -> usize {
        self.share
    }

    /// A place for a request of this holder, which holds [`BASE`].
    pub(crate) fn enter(self: &Arc<Self>, holder: &K) -> Result<Place<K>, Full> {
        let mut place = Place {
            room: Arc::clone(self),
            share: self.share_of(holder),
            bytes: 0,
        };
        place.hold(BASE)?;
        Ok(place)
    }

    /// What is held of it, in bytes.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn share_of(&self, holder: &K) -> Arc<Share> {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = holders.shares.get(holder) {
            return Arc::clone(share);
        }
        if holders.shares.len() >= holders.most {
            holders
                .shares
                .retain(|_, share| Arc::strong_count(share) > 1);
            holders.most = holders.shares.len().saturating_mul(2).max(MANY);
        }
        let share = Arc::new(Share {
            held: AtomicUsize::new(0),
            turns: Arc::new(Semaphore::new(self.turns_of_one)),
        });
        holders.shares.insert(holder.clone(), Arc::clone(&share));
        share
    }
}

impl<K> Place<K> {
    /// Holds `bytes` from now on, more or less than before. Where there is no room for more it holds
    /// what it has held.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Full> {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            let room = &self.room;
            let before = take(&self.share.held, more, room.share).ok_or(Full::Share)?;
            let is_little = before.saturating_add(more) <= room.share / LITTLE;
            let reserve = if is_little { 0 } else { room.reserve };
            if take(&room.held, more, room.size.saturating_sub(reserve)).is_none() {
                self.share.held.fetch_sub(more, Ordering::Relaxed);
                return Err(Full::Room);
            }
            self.bytes = bytes;
        } else {
            self.give_back(bytes);
        }
        Ok(())
    }

    /// What it holds, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.bytes
    }

    /// Holds no more than `bytes`.
    fn give_back(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        self.share.held.fetch_sub(less, Ordering::Relaxed);
        self.room.held.fetch_sub(less, Ordering::Relaxed);
    }

    /// Of which room it is.
    pub(crate) fn room(&self) -> &Room<K> {
        &self.room
    }

    /// Waits for a turn: first among its holder's own batches, then among all others', of whom each
    /// has by then no more than a few before this one.
    pub(crate) fn turn(&self) -> impl Future<Output = Result<Turn, AcquireError>> + use<K> {
        let (own, room) = (Arc::clone(&self.share.turns), Arc::clone(&self.room.turns));
        async move {
            Ok(Turn {
                _own: own.acquire_owned().await?,
                _room: room.acquire_owned().await?,
            })
        }
    }
}

impl<K> Drop for Place<K> {
    fn drop(&mut self) {
        self.give_back(0);
    }
}

/// Adds to what is held, if it stays within `limit`, and answers what was held before.
fn take(held: &AtomicUsize, more: usize, limit: usize) -> Option<usize> {
    let add = |held: usize| held.checked_add(more).filter(|held| *held <= limit);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .ok()
}

#[cfg(test)]
mod tests {
    use directory::policy::ProjectId;
    use futures_util::FutureExt as _;

    use super::*;

    const KIB: usize = 1 << 10;

    fn room(size: usize, share: usize) -> Arc<Room<ProjectId>> {
        Arc::new(Room::new(size, share, 1))
    }

    fn project(id: &str) -> ProjectId {
        ProjectId::new(id).unwrap()
    }

    #[test]
    fn one_project_does_not_take_anothers_room() {
        let room = room(120 * KIB, 40 * KIB);
        let [one, other] = ["p1", "p2"].map(project);
        let mut places = Vec::new();
        while let Ok(place) = room.enter(&one) {
            places.push(place);
        }
        assert_eq!(places.len(), 10);
        assert_eq!(room.enter(&one).unwrap_err(), Full::Share);
        let mut place = room.enter(&other).unwrap();
        assert_eq!(place.hold(40 * KIB), Ok(()));
        assert_eq!(place.hold(40 * KIB + 1), Err(Full::Share));
        assert_eq!(place.bytes, 40 * KIB);

        // What is given back can be had again, by the same project.
        places.truncate(9);
        assert!(room.enter(&one).is_ok());
        // All of it is held by two projects and a third, but for the last eighth.
        let mut third = room.enter(&project("p3")).unwrap();
        assert_eq!(third.hold(29 * KIB + 1), Err(Full::Room));
        assert_eq!(third.hold(29 * KIB), Ok(()));
        assert_eq!(place.hold(1), Ok(()));
        drop((places, place, third));
        assert_eq!(room.held.load(Ordering::Relaxed), 0);
        for share in room.holders.lock().unwrap().shares.values() {
            assert_eq!(share.held.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn projects_that_fill_the_room_keep_no_other_from_beginning() {
        let room = room(512 * KIB, 128 * KIB);
        // As many as it takes, made by one who wants to keep the others out.
        let mut places = Vec::new();
        for at in 0..5 {
            let mut place = room.enter(&project(&format!("full{at}"))).unwrap();
            let most = (1..=128).rev().map(|size| size * KIB);
            let _ = most.map(|size| place.hold(size)).find(Result::is_ok);
            places.push(place);
        }
        assert!(room.held.load(Ordering::Relaxed) >= 448 * KIB);
        let mut small = room.enter(&project("small")).unwrap();
        assert_eq!(small.hold(8 * KIB), Ok(()));
        assert_eq!(small.hold(8 * KIB + 1), Err(Full::Room));
        // Those who hold much get nothing of it.
        assert_eq!(room.enter(&project("full0")).unwrap_err(), Full::Share);
        assert_eq!(room.enter(&project("full3")).unwrap_err(), Full::Room);
    }

    #[test]
    fn one_project_leaves_a_turn_to_the_others() {
        let room = room(100 * KIB, 40 * KIB);
        let [one, other] = ["p1", "p2"].map(|id| room.enter(&project(id)).unwrap());
        let turn = one.turn().now_or_never().unwrap().unwrap();
        assert!(one.turn().now_or_never().is_none());
        assert!(other.turn().now_or_never().is_some());
        drop(turn);
        assert!(one.turn().now_or_never().is_some());
    }

    #[test]
    fn projects_that_hold_nothing_are_forgotten() {
        let room = room(100 * KIB, 40 * KIB);
        let held = room.enter(&project("held")).unwrap();
        for at in 0..MANY + 10 {
            room.enter(&project(&format!("p{at}"))).unwrap();
        }
        let known = |id: &str| {
            room.holders
                .lock()
                .unwrap()
                .shares
                .contains_key(&project(id))
        };
        assert!(known("held"));
        assert!(!known("p0"));
        drop(held);
    }
}
