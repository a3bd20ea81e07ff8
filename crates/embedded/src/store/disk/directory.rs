//! The directory as a whole: whose it is, which form it has, and that one process has it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Files are for their owner alone, and so are directories.
pub(crate) const FILE_MODE: u32 = 0o600;
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
        let lock_path = path.join("LOCK");
        let format_path = path.join("FORMAT");
        let is_known = format_path.try_exists().map_err(on(&format_path))?;
        if !is_known && !holds_nothing(path).map_err(on(path))? {
            return Err(OpenError::NotOurs(path.to_owned()));
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
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
        let list = || -> io::Result<Vec<String>> {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(&path)? {
                let name = entry?.file_name();
                if let Some(name) = name.to_str().filter(|name| is_safe(name)) {
                    found.push(name.to_owned());
                } else {
                    tracing::warn!(?name, "not a tenant's directory; left alone");
                }
            }
            Ok(found)
        };
        list().map_err(|error| OpenError::Io {
            path: path.clone(),
            error,
        })
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
    let text = std::fs::read(format).map_err(|error| OpenError::Io {
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

/// Takes a directory that was there before from the others. Where it belongs to somebody else, as a
/// mounted volume may, what is in it is still for us alone.
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
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(FILE_MODE)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}
