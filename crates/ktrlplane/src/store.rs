//! The embedded backend of `serve` and `check`: opened as the configuration says.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use embedded::{Backend, Limits, OpenError};

use crate::config::{Embedded, Place};

/// Why the directory of the embedded backend was not opened, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("the embedded backend's data cannot be used: {error}{}", advice(.error))]
pub(crate) struct StoreError {
    #[from]
    error: OpenError,
}

impl StoreError {
    /// Whether another process has the directory, which is then as it should be for that one.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self.error, OpenError::InUse(_))
    }
}

/// What the system says, and what to do where its own words do not say it.
const ADVICE: [(&[ErrorKind], &str); 4] = [
    (
        &[ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem],
        "; the user that ktrlplane runs as has to be able to write there",
    ),
    (
        &[ErrorKind::NotADirectory, ErrorKind::AlreadyExists],
        "; a file stands where a directory is to be",
    ),
    (
        &[ErrorKind::StorageFull, ErrorKind::QuotaExceeded],
        "; no room left: make some, or name a directory on another disk",
    ),
    // The store's own: damage.
    (
        &[ErrorKind::Other],
        "; bring that file back from a copy, or move it away, which loses what only it holds",
    ),
];

fn advice(error: &OpenError) -> &'static str {
    let OpenError::Io { error, .. } = error else {
        // The others say it themselves.
        return "";
    };
    let found = ADVICE
        .iter()
        .find(|(kinds, _)| kinds.contains(&error.kind()));
    found.map_or("", |(_, advice)| advice)
}

/// Opens the backend that `embedded` describes.
pub(crate) fn open(embedded: &Embedded) -> Result<Backend, StoreError> {
    let limits = Limits {
        retention: embedded.age,
        retention_bytes: embedded.size,
        ..Limits::default()
    };
    match &embedded.place {
        Place::Memory => Ok(Backend::new(limits)),
        Place::Directory(path) => Ok(Backend::open(path, limits)?),
    }
}

/// Opens the directory as a start would, and takes nothing away that is older or more than is to be
/// kept: who tries a configuration out may have mistaken a zero.
pub(crate) fn try_out(path: &Path) -> Result<Backend, StoreError> {
    let limits = Limits {
        retention: Duration::MAX,
        retention_bytes: None,
        ..Limits::default()
    };
    let backend = Backend::open(path, limits)?;
    // What is there already can be opened on a full disk, too.
    let file = path.join(TRIED);
    let tried = try_to_write(&file);
    tried.map_err(|error| OpenError::Io { path: file, error })?;
    Ok(backend)
}

/// The file by which it is tried whether there is room.
const TRIED: &str = "check.unfinished";

/// Writes a file as large as a small batch, waits until it is on the disk, and removes it, whatever
/// came of it.
fn try_to_write(file: &Path) -> std::io::Result<()> {
    let write = || {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut opened = options.open(file)?;
        opened.write_all(&b".".repeat(1 << 16))?;
        opened.sync_all()
    };
    let written = write();
    let removed = std::fs::remove_file(file);
    written.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_a_directory_out_leaves_nothing_in_it() {
        let directory = tempfile::tempdir().unwrap();
        drop(try_out(directory.path()).unwrap());
        assert!(!directory.path().join(TRIED).exists());
    }

    #[test]
    fn a_disk_without_room_is_told_with_what_to_do() {
        let error = StoreError::from(OpenError::Io {
            path: "/data/check.unfinished".into(),
            error: ErrorKind::StorageFull.into(),
        });
        let said = error.to_string();
        assert!(said.contains("/data/check.unfinished: "), "{said}");
        assert!(said.contains("no room left: make some"), "{said}");
    }
}
