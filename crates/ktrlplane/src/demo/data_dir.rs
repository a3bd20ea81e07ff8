//! The directory in which a demo keeps what outlives it.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The directory in which a demo keeps what outlives it. It holds a signing key and tokens, so it
/// and its files belong to the user alone.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// It cannot be made, or a file in it cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        error: std::io::Error,
    },
    /// Others could put a signing key of their own into it.
    #[error("{0} can be written by others; `chmod go-w` it, or choose another --data-dir")]
    Shared(String),
    /// Somebody else may have put a signing key of their own into it.
    #[error("{0} belongs to another user; choose another --data-dir")]
    Foreign(String),
    /// Another demo uses it.
    #[error("a demo is running on {0} already; stop it, or give this one its own --data-dir")]
    InUse(String),
}

impl DataDir {
    /// The directory at `path`, which need not exist.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes the directory and takes it for this process, for as long as the answer lives.
    pub(crate) fn occupy(&self) -> Result<File, DataDirError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        let failed = |error| Self::error(&self.path, error);
        builder.create(&self.path).map_err(failed)?;
        // A directory that was there already has whatever owner and permissions it has.
        let found = std::fs::metadata(&self.path).map_err(failed)?;
        own(&self.path, &found)?;
        if found.mode() & 0o022 != 0 {
            return Err(DataDirError::Shared(self.path.display().to_string()));
        }
        let path = self.path.join("lock");
        let file = private(&path).map_err(|error| Self::error(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(DataDirError::InUse(self.path.display().to_string()))
            }
            Err(TryLockError::Error(error)) => Err(Self::error(&path, error)),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of the file `name`, which has to be the user's own; `None` where there is no such
    /// file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, DataDirError> {
        let path = self.file(name);
        let failed = |error| Self::error(&path, error);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        own(&path, &file.metadata().map_err(failed)?)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        Ok(Some(text))
    }

    /// Writes the file `name` so that a reader sees the old text or the new one, and nobody but
    /// the user reads it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), DataDirError> {
        let path = self.file(name);
        let new = self.file(&format!("{name}.new"));
        let written = || {
            // A left-over may have been made with other permissions.
            match std::fs::remove_file(&new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            private(&new)?.write_all(text.as_bytes())?;
            std::fs::rename(&new, &path)
        };
        written().map_err(|error| Self::error(&path, error))
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), DataDirError> {
        let path = self.file(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Self::error(&path, error))
            }
            _ => Ok(()),
        }
    }

    fn error(path: &Path, error: std::io::Error) -> DataDirError {
        DataDirError::File {
            path: path.display().to_string(),
            error,
        }
    }
}

/// Checks that what is at `path` belongs to the user who runs this.
fn own(path: &Path, found: &Metadata) -> Result<(), DataDirError> {
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(DataDirError::Foreign(path.display().to_string()))
}

/// Opens a file for writing that its owner alone may read.
fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        // Files are written anew, and the lock stays empty; behind a link, nothing is lost.
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_written_is_for_the_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::new(parent.path().join("a/b"));
        let _lock = dir.occupy().unwrap();
        assert_eq!(dir.read("x").unwrap(), None);
        dir.write("x", "1").unwrap();
        dir.write("x", "2").unwrap();
        assert_eq!(dir.read("x").unwrap().as_deref(), Some("2"));
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.file("x")), 0o600);
        assert_eq!(mode(parent.path().join("a/b")), 0o700);
    }

    #[test]
    fn a_directory_that_others_can_write_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        for (mode, usable) in [
            (0o777, false),
            (0o770, false),
            (0o1777, false),
            (0o755, true),
        ] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(parent.path(), permissions).unwrap();
            let occupied = DataDir::new(parent.path()).occupy();
            let shared = matches!(occupied, Err(DataDirError::Shared(_)));
            assert_eq!(shared, !usable, "{mode:o}");
        }
    }

    #[test]
    fn what_belongs_to_another_user_is_not_used() {
        let foreign = |result: Result<(), DataDirError>| {
            assert!(
                matches!(result, Err(DataDirError::Foreign(_))),
                "{result:?}"
            );
        };
        if !rustix::process::geteuid().is_root() {
            // Nobody but root can give files away, and root has some already.
            return foreign(DataDir::new("/usr").occupy().map(drop));
        }
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::new(parent.path());
        dir.write("key", "theirs").unwrap();
        std::os::unix::fs::chown(dir.file("key"), Some(65_534), None).unwrap();
        foreign(dir.read("key").map(drop));
        std::os::unix::fs::chown(dir.path(), Some(65_534), None).unwrap();
        foreign(dir.occupy().map(drop));
    }

    #[test]
    fn what_a_link_in_the_place_of_the_lock_leads_to_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let other = parent.path().join("other");
        std::fs::write(&other, "kept").unwrap();
        std::os::unix::fs::symlink(&other, parent.path().join("lock")).unwrap();
        let _lock = DataDir::new(parent.path()).occupy();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "kept");
    }

    #[test]
    fn two_demos_cannot_share_a_directory() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::new(parent.path());
        let lock = dir.occupy().unwrap();
        assert!(matches!(dir.occupy(), Err(DataDirError::InUse(_))));
        drop(lock);
        assert!(dir.occupy().is_ok());
    }
}
