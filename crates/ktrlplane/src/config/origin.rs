//! The file that values came from, and whether it is still the same.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use gateway::file::{Content, read, read_or_pipe};

/// The longest file that is read, in bytes. With every key and a thousand limits of projects one has a
/// tenth of that.
const LONGEST: u64 = 1024 * 1024;

/// What the file held, without holding it: there may be secrets in it, and it is compared every second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest(Vec<u8>);

impl Digest {
    fn of(bytes: &[u8]) -> Self {
        Self(digest(&SHA256, bytes).as_ref().to_vec())
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it held.
    pub(crate) digest: Digest,
    /// Whether it was a pipe, of which there is no second time.
    pub(crate) is_pipe: bool,
    /// Whether it gave anything.
    pub(super) gives: bool,
    is_writable_by_all: bool,
}

impl Origin {
    /// What is not wrong with the file and yet had better be known, in a sentence.
    pub(crate) fn warning(&self) -> Option<String> {
        self.is_writable_by_all.then(|| {
            format!(
                "every user of this machine may write {}, and so decide whom the gateway serves: see its \
                 permissions",
                self.path.display()
            )
        })
    }
}

/// What is in the file, and the text of it.
pub(super) fn open(path: &Path, may_be_pipe: bool) -> io::Result<(Origin, String)> {
    let read = if may_be_pipe { read_or_pipe } else { read };
    let Content {
        bytes,
        is_writable_by_all,
        is_pipe,
        ..
    } = read(path, LONGEST)?;
    let digest = Digest::of(&bytes);
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))?;
    let origin = Origin {
        path: path.to_owned(),
        digest,
        is_pipe,
        gives: false,
        is_writable_by_all: is_writable_by_all && !is_pipe,
    };
    Ok((origin, text))
}

/// What the file holds now, or why that cannot be said.
pub(crate) fn look(path: &Path) -> Result<Digest, String> {
    let content = read(path, LONGEST).map_err(|error| error.to_string())?;
    Ok(Digest::of(&content.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_troubles_with_a_file_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.yaml");
        let absent = look(&file);
        std::fs::create_dir(&file).unwrap();
        let directory = look(&file);
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        let empty = look(&file);
        assert!(absent.is_err() && directory.is_err() && empty.is_ok());
        assert_ne!(absent, directory);
        assert_eq!(absent, look(&dir.path().join("neither")));
        assert_eq!(empty, look(&file));
    }

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(LONGEST).unwrap();
        assert!(open(&path, true).is_ok());
        // A hole of a terabyte, which takes no room on the disk.
        file.set_len(1 << 40).unwrap();
        for may_be_pipe in [true, false] {
            let error = open(&path, may_be_pipe).map(|_| ()).unwrap_err();
            assert_eq!(error.to_string(), "it is longer than 1 MiB");
        }
        assert_eq!(look(&path), Err("it is longer than 1 MiB".to_owned()));
    }
}
