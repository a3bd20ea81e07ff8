//! The keys of what a subject holds somewhere, and of a whole answer, looked up without making one.

use std::hash::{Hash, Hasher};

use moka::Equivalent;
use policy::{Place, Scope, Subject};

/// A subject and where it may hold something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) subject: Subject,
    pub(crate) scope: Scope,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeatRef<'a> {
    pub(crate) subject: &'a Subject,
    /// As [`Scope::scope_type`] says it.
    pub(crate) scope_type: &'static str,
    pub(crate) id: &'a str,
}

impl Seat {
    fn borrow(&self) -> SeatRef<'_> {
        SeatRef {
            subject: &self.subject,
            scope_type: self.scope.scope_type(),
            id: self.scope.id(),
        }
    }
}

impl Hash for SeatRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.subject.as_str().hash(state);
        self.scope_type.hash(state);
        self.id.hash(state);
    }
}

impl Hash for Seat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrow().hash(state);
    }
}

impl Equivalent<Seat> for SeatRef<'_> {
    fn equivalent(&self, seat: &Seat) -> bool {
        let seat = seat.borrow();
        self.subject == seat.subject && self.scope_type == seat.scope_type && self.id == seat.id
    }
}

/// A subject and a place that it asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) subject: Subject,
    pub(crate) place: Place,
}

/// The same, borrowed. Its hash is that of the other: references hash as what they refer to.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct QuestionRef<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) place: &'a Place,
}

impl Equivalent<Question> for QuestionRef<'_> {
    fn equivalent(&self, question: &Question) -> bool {
        *self.subject == question.subject && *self.place == question.place
    }
}
