//! What writes on their way may take together, and what of it one project may; and likewise answers
//! that are sifted.
//!
//! Memory is charged by what has arrived, and not by what a head announces: a body that dribbles
//! takes no more than what has dribbled. Whoever decodes a large batch takes a turn; a project has
//! fewer turns than there are, so that its own batches wait for each other, and not another's for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use directory::policy::ProjectId;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::Limits;

/// From so many projects on, those that hold nothing are forgotten.
const MANY: usize = 10_000;

/// What a write takes for itself, whatever its body.
pub(crate) const BASE: usize = 4 << 10;

/// Such a part of the room is only for projects that hold little: whoever may make projects would
/// otherwise fill all of it with the shares of a few, and keep everybody out.
const RESERVE: usize = 8;

/// A project that holds at most such a part of its share holds little.
const LITTLE: usize = 16;

/// The room for all writes.
#[derive(Debug)]
pub(crate) struct Room {
    size: usize,
    held: AtomicUsize,
    /// How many batches are decoded at the same time.
    turns: Arc<Semaphore>,
    /// What is left of it for projects that hold little.
    reserve: usize,
    /// What one project may have of both.
    share: usize,
    turns_of_one: usize,
    projects: Mutex<Projects>,
}

#[derive(Debug, Default)]
struct Projects {
    shares: HashMap<ProjectId, Arc<Share>>,
    /// How many may be known before those that hold nothing are looked for.
    most: usize,
}

/// What a project takes of the room.
#[derive(Debug)]
struct Share {
    held: AtomicUsize,
    turns: Arc<Semaphore>,
}

/// A write's part of the room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    share: Arc<Share>,
    bytes: usize,
}

/// What has no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The project's share.
    Share,
    /// All of it.
    Room,
}

/// The permission to decode a batch.
#[derive(Debug)]
pub(crate) struct Turn {
    _project: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

impl Room {
    /// A room of which `cores` batches at least are decoded at the same time.
    pub(super) fn new(limits: &Limits, cores: usize) -> Self {
        Self::sized(limits.room, limits.project_room, cores)
    }

    /// A room of so many bytes, of which one project may have a share.
    pub(crate) fn sized(size: usize, share: usize, cores: usize) -> Self {
        // With one core as well, one project leaves a turn to the others.
        let turns = cores.max(2);
        Self {
            size,
            held: AtomicUsize::new(0),
            reserve: size / RESERVE,
            turns: Arc::new(Semaphore::new(turns)),
            share: share.min(size),
            turns_of_one: turns / 2,
            projects: Mutex::default(),
        }
    }

    /// What one project may hold, in bytes.
    pub(super) fn share(&self) -> usize {
        self.share
    }

    /// A place for a write of the project, which holds [`BASE`].
    pub(crate) fn enter(self: &Arc<Self>, project: &ProjectId) -> Result<Place, Full> {
        let mut place = Place {
            room: Arc::clone(self),
            share: self.share_of(project),
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

    fn share_of(&self, project: &ProjectId) -> Arc<Share> {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = projects.shares.get(project) {
            return Arc::clone(share);
        }
        if projects.shares.len() >= projects.most.max(MANY) {
            projects
                .shares
                .retain(|_, share| Arc::strong_count(share) > 1);
            projects.most = projects.shares.len().saturating_mul(2);
        }
        let share = Arc::new(Share {
            held: AtomicUsize::new(0),
            turns: Arc::new(Semaphore::new(self.turns_of_one)),
        });
        projects.shares.insert(project.clone(), Arc::clone(&share));
        share
    }
}

impl Place {
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
    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Waits for a turn: first among the project's own batches, then among all projects', of which each
    /// has by then no more than a few before this one.
    pub(crate) fn turn(&self) -> impl Future<Output = Result<Turn, AcquireError>> + use<> {
        let (project, room) = (Arc::clone(&self.share.turns), Arc::clone(&self.room.turns));
        async move {
            Ok(Turn {
                _project: project.acquire_owned().await?,
                _room: room.acquire_owned().await?,
            })
        }
    }
}

impl Drop for Place {
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
    use futures_util::FutureExt as _;

    use super::*;

    const KIB: usize = 1 << 10;

    fn room(size: usize, share: usize) -> Arc<Room> {
        let limits = Limits {
            room: size,
            project_room: share,
            ..Limits::default()
        };
        Arc::new(Room::new(&limits, 1))
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
        for share in room.projects.lock().unwrap().shares.values() {
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
            room.projects
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
