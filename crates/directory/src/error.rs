//! What can go wrong, in the four ways that a caller treats differently.

use std::time::Duration;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;

/// Why the directory did not do what it was asked.
///
/// The texts never hold a password. They may hold what the database said, so those of
/// [`Unavailable`](Self::Unavailable) belong in a log and not in an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The directory cannot be asked now: nobody may be let in on what it might have said. After a
    /// write it is not known whether the write happened.
    #[error("the directory cannot be asked: {0}")]
    Unavailable(String),
    /// What the request refers to does not exist. The text is a sentence.
    #[error("{0}")]
    NotFound(String),
    /// What was to be created exists. The text is a sentence.
    #[error("{0}")]
    AlreadyExists(String),
    /// The actor may not do this, or it is about something of which they may not know whether it
    /// exists. The text is a sentence.
    #[error("{0}")]
    Forbidden(String),
    /// What is there does not permit it: something still holds something, or an organization would
    /// lose its last owner. The text is a sentence that says what to do.
    #[error("{0}")]
    Conflict(String),
    /// The record is not the one that the writer has seen.
    #[error("it has changed meanwhile: read it again and decide anew")]
    PreconditionFailed,
    /// The idempotency key was used for another write.
    #[error("this idempotency key was used for another request: choose a new one")]
    KeyReused,
    /// The directory belongs to another program, and is only read here.
    #[error("the directory is managed elsewhere and is only read here (database.managed is false)")]
    ReadOnly,
    /// The request cannot be carried out by any directory. The text is a sentence that says why.
    #[error("{0}")]
    Invalid(String),
}

/// A statement that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database answered with an error, or the connection broke.
    Database(sqlx::Error),
    /// No answer came in time.
    TimedOut(Duration),
}

impl Failure {
    /// Whether another write got in the way, so that the same one, from its beginning, may succeed
    /// or at least say why not.
    pub(crate) fn is_a_race(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        let Some(error) = error.as_database_error() else {
            return false;
        };
        // PostgreSQL's serialization failure and deadlock. A key that was free when the transaction
        // looked, or a parent that was there, is a race on either database.
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
            || matches!(
                error.kind(),
                ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation
            )
    }
}

impl From<Failure> for DirectoryError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => error.into(),
            Failure::TimedOut(timeout) => {
                Self::Unavailable(format!("no answer within {timeout:?}"))
            }
        }
    }
}

impl From<sqlx::Error> for DirectoryError {
    fn from(error: sqlx::Error) -> Self {
        // An id that a check constraint of the database refuses although ours let it through.
        let kind = error.as_database_error().map(DatabaseError::kind);
        if matches!(kind, Some(ErrorKind::CheckViolation)) {
            return Self::Invalid("the database refuses a value as malformed".to_owned());
        }
        Self::Unavailable(error.to_string())
    }
}

impl From<MigrateError> for DirectoryError {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::VersionMissing(version)
        | MigrateError::VersionMismatch(version)
        | MigrateError::VersionTooNew(version, _) = error
        {
            return Self::Invalid(format!(
                "the database has migration {version}, which this program does not know in that \
                 form: it was made by another version"
            ));
        }
        Self::Unavailable(error.to_string())
    }
}

/// Whether the connection is gone, or the server is going or coming: another connection may work.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    if let Some(error) = error.as_database_error() {
        // Class 08 is a broken connection; 57P01 to 57P03 are a shutdown, a crash and a start.
        return error
            .code()
            .is_some_and(|code| code.starts_with("08") || code.starts_with("57P0"));
    }
    matches!(
        error,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed
    )
}
