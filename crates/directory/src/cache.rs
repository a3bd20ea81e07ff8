//! What the directory remembers of its answers about access.
//!
//! A decision needs three kinds of facts: what a subject holds at a place, which organization a
//! project is in, and which project a resource is in. Each is remembered by itself, with the stamp
//! of the moment at which it was asked for, so that a change of one leaves the others. Nothing here
//! knows the time: whether what is remembered may be believed is the [`Lease`]'s to say, and what
//! has expired the caller's, whose clock decides.

pub(crate) mod keys;
pub(crate) mod lease;
pub(crate) mod stamps;

use std::hash::Hash;
use std::sync::Arc;

use policy::{OrganizationId, Place, ProjectId, ResourceId, Scope, Subject};

use crate::access::Access;
use crate::access::answer::{Answer, Shared};
use crate::change::Change;
use crate::hashing::{Seeded, seeded};
use crate::lookups::Lookups;
use keys::{Question, QuestionRef, Seat, SeatRef};
use lease::Lease;
use stamps::{About, Stamp, Stamps};

/// Facts by their keys. The keys are callers' texts, so their hash is seeded.
type Entries<K, V> = moka::sync::Cache<K, V, Seeded>;

/// Answers about access, each until something that it is about changes.
///
/// An answer is complete or there is none: if one fact is missing, the database is asked for all.
/// What a subject holds at a place is such a fact also where the place does not exist, so that a
/// caller's first question about a place takes as long whether others have asked about it or not.
pub(crate) struct Cache {
    stamps: Stamps,
    lease: Lease,
    lookups: Lookups,
    held: Entries<Seat, Remembered<Shared>>,
    organizations: Entries<OrganizationId, Remembered<bool>>,
    projects: Entries<ProjectId, Remembered<Option<InOrganization>>>,
    resources: Entries<ResourceId, Remembered<Option<ProjectId>>>,
    /// Answers as they were made of the facts above, so that who asks again does not put together the
    /// same again. One counts while no stamp of what it is about has changed, as the facts do.
    made: Entries<Question, Made>,
}

/// An answer, with the stamps that all its facts had when it was made of them.
#[derive(Clone)]
struct Made {
    stamps: Asked,
    access: Access,
}

/// A fact, and when it was asked for.
#[derive(Clone)]
struct Remembered<T> {
    stamp: Stamp,
    fact: T,
}

/// Where a project is that exists.
type InOrganization = Option<OrganizationId>;

/// The stamps of all that a question is about, read before it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    subject: Stamp,
    place: Stamp,
    resource: Option<Stamp>,
}

impl Cache {
    /// An empty one with room for so many facts of each kind.
    pub(crate) fn new(entries: u64, lease: Lease) -> Arc<Self> {
        Arc::new(Self {
            stamps: Stamps::new(),
            lease,
            lookups: Lookups::default(),
            held: room_for(entries),
            organizations: room_for(entries),
            projects: room_for(entries),
            resources: room_for(entries),
            made: room_for(entries),
        })
    }

    /// How often a decision was remembered.
    pub(crate) fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// How long what is remembered may be believed.
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Forgets what a write may have changed. Also what is being read at this moment.
    pub(crate) fn forget(&self, change: &Change) {
        match change {
            Change::Assignments(subject) => self.stamps.raise(About::Subject(subject.as_str())),
            Change::Organization(id) => self.stamps.raise(About::Organization(id.as_str())),
            Change::Project(id) => self.stamps.raise(About::Project(id.as_str())),
            Change::Resource(id) => self.stamps.raise(About::Resource(id.as_str())),
            Change::Everything => self.stamps.raise_all(),
        }
    }

    /// The moment of a question: to be taken before the database is asked.
    pub(crate) fn asked(&self, subject: &Subject, place: &Place) -> Asked {
        let (about, resource) = match place {
            Place::Organization(id) => (About::Organization(id.as_str()), None),
            Place::Project(id) => (About::Project(id.as_str()), None),
            Place::Resource(id, resource) => (About::Project(id.as_str()), Some(resource)),
        };
        Asked {
            subject: self.stamps.now(About::Subject(subject.as_str())),
            place: self.stamps.now(about),
            resource: resource.map(|id| self.stamps.now(About::Resource(id.as_str()))),
        }
    }

    /// What [`recall`](Self::recall) tells, made ready for a decision. Believe it only as the lease
    /// allows.
    pub(crate) fn access(&self, subject: &Subject, place: &Place) -> Option<Access> {
        // Read before the facts are: whatever changes from here on leaves the answer with stamps that
        // no longer are those of its stripes.
        let stamps = self.asked(subject, place);
        let made = self.made.get(&QuestionRef { subject, place });
        if let Some(made) = made.filter(|made| made.stamps == stamps) {
            return Some(made.access);
        }
        let access = Access::new(place, self.recall(subject, place)?);
        let made = Made {
            stamps,
            access: access.clone(),
        };
        let question = Question {
            subject: subject.clone(),
            place: place.clone(),
        };
        self.made.insert(question, made);
        Some(access)
    }

    /// What is remembered about a subject and a place, if that is all of it. Believe it only as the
    /// lease allows.
    pub(crate) fn recall(&self, subject: &Subject, place: &Place) -> Option<Answer> {
        let about = About::Subject(subject.as_str());
        let held = |scope_type, id| {
            let seat = SeatRef {
                subject,
                scope_type,
                id,
            };
            self.holds(about, self.held.get(&seat))
        };
        let (project, resource) = match place {
            Place::Organization(id) => {
                let about = About::Organization(id.as_str());
                return Some(Answer {
                    exists: self.holds(about, self.organizations.get(id))?,
                    on_organization: held("organization", id.as_str())?,
                    ..Answer::default()
                });
            }
            Place::Project(id) => (id, None),
            Place::Resource(id, resource) => (id, Some(resource)),
        };
        let about = About::Project(project.as_str());
        let found = self.holds(about, self.projects.get(project))?;
        let mut answer = Answer {
            exists: found.is_some(),
            organization: found.flatten(),
            on_project: held("project", project.as_str())?,
            ..Answer::default()
        };
        if let Some(id) = &answer.organization {
            answer.on_organization = held("organization", id.as_str())?;
        }
        if let Some(id) = resource {
            let about = About::Resource(id.as_str());
            answer.project_of_resource = self.holds(about, self.resources.get(id))?;
            answer.on_resource = held("resource", id.as_str())?;
        }
        Some(answer)
    }

    /// Remembers the answer to a question, from the moment at which it was asked.
    pub(crate) fn remember(&self, subject: &Subject, place: &Place, asked: Asked, answer: &Answer) {
        let held = |scope, held: &Shared| {
            let seat = Seat {
                subject: subject.clone(),
                scope,
            };
            self.held
                .insert(seat, Remembered::new(asked.subject, held.clone()));
        };
        let (project, resource) = match place {
            Place::Organization(id) => {
                let exists = Remembered::new(asked.place, answer.exists);
                self.organizations.insert(id.clone(), exists);
                held(Scope::Organization(id.clone()), &answer.on_organization);
                return;
            }
            Place::Project(id) => (id, None),
            Place::Resource(id, resource) => (id, Some(resource)),
        };
        let found = answer.exists.then(|| answer.organization.clone());
        self.projects
            .insert(project.clone(), Remembered::new(asked.place, found));
        held(Scope::Project(project.clone()), &answer.on_project);
        if let Some(id) = &answer.organization {
            held(Scope::Organization(id.clone()), &answer.on_organization);
        }
        if let Some((id, stamp)) = resource.zip(asked.resource) {
            let of = answer.project_of_resource.clone();
            self.resources
                .insert(id.clone(), Remembered::new(stamp, of));
            held(Scope::Resource(id.clone()), &answer.on_resource);
        }
    }

    /// The fact, if nothing has changed since it was asked for.
    fn holds<T>(&self, about: About<'_>, remembered: Option<Remembered<T>>) -> Option<T> {
        remembered
            .filter(|remembered| remembered.stamp == self.stamps.now(about))
            .map(|remembered| remembered.fact)
    }
}

fn room_for<K, V>(entries: u64) -> Entries<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    moka::sync::Cache::builder()
        .max_capacity(entries)
        .build_with_hasher(seeded())
}

impl<T> Remembered<T> {
    fn new(stamp: Stamp, fact: T) -> Self {
        Self { stamp, fact }
    }
}

#[cfg(test)]
mod tests;
