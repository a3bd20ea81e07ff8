//! What of a store is on disk: its bytes, and the files that hold them.
//!
//! ```text
//! FORMAT  LOCK  tenants/<tenant>/{logs,samples,histograms,exemplars}/
//!                                           streams.log       label sets and their ids
//!                                           wal-<seq>.log     acknowledged, not sealed
//!                                           seg-<seqs>-….seg  sealed, compressed, indexed
//!               tenants/<tenant>/metadata.log
//! ```
//!
//! Everything that is read back carries a checksum. What does not match is never guessed at: it is
//! set aside where a crash tore the end of a log, and an error for those who ask for it elsewhere.

pub(crate) mod bytes;
pub(crate) mod codec;
pub(crate) mod directory;
pub(crate) mod handles;
pub(crate) mod log;
pub(crate) mod reading;
pub(crate) mod sealing;
pub(crate) mod segment;

use std::io;

use crate::limits::EvalError;
use crate::store::PushError;

/// Why something was not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    /// The system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The bytes are not what was written.
    #[error("{0}")]
    Damaged(#[from] Damaged),
}

/// Bytes that are not what was written, and how that was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged: {0}")]
pub struct Damaged(pub(crate) &'static str);

impl DiskError {
    /// The error of a query that needed it. The cause goes to the log.
    pub(crate) fn of_query(&self, file: &std::path::Path) -> EvalError {
        tracing::error!(file = %file.display(), error = %self, "stored data cannot be read");
        EvalError::Unreadable
    }

    /// The error of a start that needed it.
    pub(crate) fn of_open(self, file: &std::path::Path) -> directory::OpenError {
        directory::OpenError::Io {
            path: file.to_owned(),
            error: match self {
                Self::Io(error) => error,
                Self::Damaged(damaged) => io::Error::other(damaged),
            },
        }
    }
}

/// The error of a push that could not be written. The cause goes to the log.
pub(crate) fn unwritten(error: &io::Error, file: &std::path::Path) -> PushError {
    tracing::error!(file = %file.display(), %error, "data was refused, for it could not be stored");
    let is_full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    if is_full {
        PushError::DiskFull
    } else {
        PushError::Unwritable
    }
}
