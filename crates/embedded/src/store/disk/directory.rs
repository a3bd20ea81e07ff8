//! The directory as a whole: whose it is, which form it has, and that one process has it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Files are for their owner alone, and so are directories.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// What the file `FORMAT` says, in front of the version.
const FORMAT: &str = "ktrlplane embedded store, version ";
/// The version of everything in the directory. It goes up with every change that an older program
/// would read wrongly.
const VERSION: u32 = 2;

/// Why a directory was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it, or another store of this one.
    #[error("the directory {0} is in use by another process; stop it, or name another directory")]
    InUse(PathBuf),
    /// It holds something else.
    #[error(
        "the directory {0} is not empty and no data directory of ours (it has no file FORMAT); \
         name an empty one"
    )]
    NotOurs(PathBuf),
    /// Somebody else made it, or something in it.
    #[error(
        "{path} belongs to the user {owner}, who could read and change what is in it; give it to the \
         user of this process, or name another directory"
    )]
    OfAnother {
        /// The directory, or what is in it.
        path: PathBuf,
        /// The user's id.
        owner: u32,
    },
    /// A newer version wrote it.
    #[error(
        "the directory {path} has the form {found}, and this version knows no newer one than \
         {VERSION}; run the version that wrote it"
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A version before the first release wrote it.
    #[error(
        "the directory {path} has the form {found}, which no released version writes, and this one \
         reads {VERSION} alone; name an empty directory, or run the version that wrote it"
    )]
    Older {
        /// The directory.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Its file `FORMAT` says nothing that we wrote.
    #[error("the file {0} is damaged: it does not say which form the directory has")]
    NoVersion(PathBuf),
    /// The system said no.
    #[error("{path}: {error}")]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// Why it was not.
        error: io::Error,
    },
}

/// A directory that this process has to itself.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Holds the lock as long as it is open.
    _lock: File,
}

impl Directory {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let on = |path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, error }
        };
        make(path).map_err(on(path))?;
        // A link to the directory is as good as its name, and whoever made it is no matter.
        let owner = std::fs::metadata(path).map_err(on(path))?.uid();
        refuse_another(path, owner)?;
        let lock_path = path.join("LOCK");
        let format_path = path.join("FORMAT");
        let is_known = format_path.try_exists().map_err(on(&format_path))?;
        if !is_known && !holds_nothing(path).map_err(on(path))? {
            return Err(OpenError::NotOurs(path.to_owned()));
        }
        let lock = options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(on(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(on(&lock_path)(error)),
        }
        restrict(path);
        if is_known {
            check(path, &format_path)?;
        } else {
            let text = format!("{FORMAT}{VERSION}\n");
            replace(&format_path, text.as_bytes()).map_err(on(&format_path))?;
        }
        let tenants = path.join("tenants");
        make(&tenants).map_err(on(&tenants))?;
        for own in [&lock_path, &format_path, &tenants] {
            let owner = std::fs::symlink_metadata(own).map_err(on(own))?.uid();
            refuse_another(own, owner)?;
        }
        sync_directory(path).map_err(on(path))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where a tenant's data are; `None` for a name that is no DNS label, which could lead out of
    /// the directory.
    pub(crate) fn tenant(&self, tenant: &str) -> Option<PathBuf> {
        is_safe(tenant).then(|| self.path.join("tenants").join(tenant))
    }

    /// The tenants that have data.
    pub(crate) fn tenants(&self) -> Result<Vec<String>, OpenError> {
        let path = self.path.join("tenants");
        let list = || -> io::Result<Vec<(String, u32)>> {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(&path)? {
                let entry = entry?;
                let name = entry.file_name();
                if let Some(name) = name.to_str().filter(|name| is_safe(name)) {
                    // Of a link, this is who made the link.
                    found.push((name.to_owned(), entry.metadata()?.uid()));
                } else {
                    tracing::warn!(?name, "not a tenant's directory; left alone");
                }
            }
            Ok(found)
        };
        let found = list().map_err(|error| OpenError::Io {
            path: path.clone(),
            error,
        })?;
        let found = found.into_iter().map(|(name, owner)| {
            refuse_another(&path.join(&name), owner)?;
            Ok(name)
        });
        found.collect()
    }
}

/// Whether a tenant's name is a DNS label (RFC 1123), as our ids are: it can then be a file's name
/// on every system and never `..`.
pub(crate) fn is_safe(tenant: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&tenant.len())
        && tenant.bytes().all(is_inner)
        && !tenant.starts_with('-')
        && !tenant.ends_with('-')
}

fn check(directory: &Path, format: &Path) -> Result<(), OpenError> {
    let no_version = || OpenError::NoVersion(format.to_owned());
    let text = read(format).map_err(|error| OpenError::Io {
        path: format.to_owned(),
        error,
    })?;
    let text = std::str::from_utf8(&text).map_err(|_| no_version())?;
    let version = text
        .strip_prefix(FORMAT)
        .and_then(|rest| rest.strip_suffix('\n'));
    let found: u32 = version
        .and_then(|version| version.parse().ok())
        .ok_or_else(no_version)?;
    match found {
        0 => Err(no_version()),
        VERSION => Ok(()),
        found if found < VERSION => Err(OpenError::Older {
            path: directory.to_owned(),
            found,
        }),
        _ => Err(OpenError::Newer {
            path: directory.to_owned(),
            found,
        }),
    }
}

/// Whether a directory is empty, but for what a crash at its very first opening leaves, and what
/// file systems put there by themselves.
fn holds_nothing(path: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        if !["LOCK", "FORMAT.new", "lost+found"]
            .iter()
            .any(|known| name == *known)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whoever owns a directory can put links into it, and read what is written there. The system's own
/// user can anyway, and owns many a mounted volume.
fn refuse_another(path: &Path, owner: u32) -> Result<(), OpenError> {
    let us = rustix::process::geteuid().as_raw();
    if is_trusted(owner, us) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(OpenError::OfAnother { path, owner })
}

fn is_trusted(owner: u32, us: u32) -> bool {
    owner == us || owner == 0
}

/// How files here are opened: never through a link, and for their owner alone.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .mode(FILE_MODE)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// All bytes of a file that is no link.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    options().read(true).open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes a directory that was there before from the others. Where it belongs to the system's user, as
/// a mounted volume may, what is in it is still for us alone.
fn restrict(path: &Path) {
    let is_open = |path: &Path| -> io::Result<bool> {
        Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
    };
    if is_open(path).unwrap_or(true)
        && let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))
    {
        tracing::warn!(directory = %path.display(), %error, "the directory stays open to others; the files in it are not");
    }
}

/// Makes a directory, and those above it, for the owner alone.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
}

/// Likewise, so that it is there after a crash.
pub(crate) fn make_durable(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|one| !one.is_dir());
    let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    make(path)?;
    for one in missing {
        one.parent().map(sync_directory).transpose()?;
    }
    Ok(())
}

/// Makes last what was created, renamed or removed in a directory.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Writes a file as a whole, or leaves it as it was.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // What a crash has left, and it may have been somebody else.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = options().create_new(true).write(true).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn a_directory_of_somebody_else_is_refused_with_a_sentence() {
        assert!(is_trusted(7, 7) && is_trusted(0, 7) && is_trusted(0, 0));
        assert!(!is_trusted(8, 7) && !is_trusted(8, 0));
        for inner in ["", "tenants", "tenants/acme", "FORMAT"] {
            let directory = tempfile::TempDir::new().unwrap();
            drop(Directory::open(directory.path()).unwrap());
            std::fs::create_dir(directory.path().join("tenants/acme")).unwrap();
            // Only the system's user may give something away.
            if chown(directory.path().join(inner), Some(12_345), None).is_err() {
                return;
            }
            let opened = Directory::open(directory.path()).and_then(|opened| opened.tenants());
            let sentence = opened.unwrap_err().to_string();
            assert!(sentence.contains("belongs to the user 12345"), "{sentence}");
        }
    }

    #[test]
    fn nothing_is_written_or_read_through_a_link_that_was_there_before() {
        let others = tempfile::TempDir::new().unwrap();
        let precious = others.path().join("precious");
        std::fs::write(&precious, "of somebody else").unwrap();
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path();

        symlink(&precious, path.join("FORMAT.new")).unwrap();
        drop(Directory::open(path).unwrap());
        assert!(path.join("FORMAT").symlink_metadata().unwrap().is_file());

        std::fs::remove_file(path.join("LOCK")).unwrap();
        symlink(&precious, path.join("LOCK")).unwrap();
        assert!(Directory::open(path).is_err());
        std::fs::remove_file(path.join("LOCK")).unwrap();
        std::fs::rename(path.join("FORMAT"), others.path().join("FORMAT")).unwrap();
        symlink(others.path().join("FORMAT"), path.join("FORMAT")).unwrap();
        assert!(Directory::open(path).is_err());
        let kept = std::fs::read_to_string(&precious).unwrap();
        assert_eq!(kept, "of somebody else");
    }
}
