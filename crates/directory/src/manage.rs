//! Management: one way for every write, whoever asks for it.
//!
//! A [`Write`] says who writes, when, and on what conditions; an [`Operation`] says what.
//! [`Directory::write`] does both in one serializable transaction: the condition, the authority of
//! the writer as the directory has it at that moment, the rules (nobody grants more than they hold,
//! the last owner stays), the change, its line in the audit, and the answer that a repetition with
//! the same idempotency key gets. Either all of it is there afterwards, or nothing.

pub mod operation;

pub mod record;

pub mod list;

pub(crate) mod text;

mod carry_out;

mod authority;

mod change;

mod idempotency;

mod trail;

mod row;

mod wrapper;

use jiff::Timestamp;
use policy::Subject;

pub use operation::{Grantee, Operation};
use record::Done;

pub use wrapper::Grant;

use crate::directory::Directory;
use crate::error::DirectoryError;
use carry_out::carry_out;

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds the database's credentials, on the command line: may do everything that leaves
    /// the directory whole.
    Operator,
    /// A caller with a token: may do what their roles allow at that moment.
    Subject(Subject),
}

/// What belongs to a write besides what is written.
#[derive(Clone, Debug)]
pub struct Write {
    /// Who writes.
    pub actor: Actor,
    /// The time of the write: assignments that have expired by then count for nothing.
    pub now: Timestamp,
    /// The request's id, for the audit.
    pub request_id: String,
    /// The tags of which the record must have one (`If-Match`); `None` where any state will do.
    pub if_match: Option<IfMatch>,
    /// The key under which a repetition of this write is recognized for 24 hours.
    pub idempotency_key: Option<String>,
}

/// The condition of RFC 9110, section 13.1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: the record exists.
    Any,
    /// The record has one of these entity tags, quotes included.
    Tags(Vec<String>),
}

impl Directory {
    /// Writes. The errors, besides [`DirectoryError::Unavailable`]:
    ///
    /// - [`ReadOnly`](DirectoryError::ReadOnly) where the directory is not ours to write;
    /// - [`Forbidden`](DirectoryError::Forbidden) without the permission, and also where the place
    ///   does not exist and the actor may not know that;
    /// - [`NotFound`](DirectoryError::NotFound), [`AlreadyExists`](DirectoryError::AlreadyExists);
    /// - [`Conflict`](DirectoryError::Conflict) for what still holds something and for the last
    ///   owner;
    /// - [`PreconditionFailed`](DirectoryError::PreconditionFailed) where `if_match` does not hold;
    /// - [`KeyReused`](DirectoryError::KeyReused) where the idempotency key belongs to another write;
    /// - [`Invalid`](DirectoryError::Invalid) for texts that no directory takes.
    pub async fn write(&self, write: Write, operation: Operation) -> Result<Done, DirectoryError> {
        if !self.is_managed() {
            return Err(DirectoryError::ReadOnly);
        }
        text::check_write(&write)?;
        text::check(&operation)?;
        let directory = self.clone();
        self.run(|store| async move {
            let mut changes = Vec::new();
            let done = carry_out(&store, &write, &operation, &mut changes).await;
            // The write has happened, or may have, and whoever asked for it has no answer yet: from
            // now on every decision here sees it.
            for change in &changes {
                directory.cache().forget(change);
            }
            if write.idempotency_key.is_some() && store.is_time_to_forget(write.now) {
                idempotency::forget(&store, write.now).await;
            }
            done
        })
        .await
    }
}
