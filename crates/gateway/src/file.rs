//! Reading files that others write: the configuration, certificates, keys, secrets.
//!
//! Whoever may write one of them can put a pipe or a device in its place, or something without an end.
//! None of these is to be waited for.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// What a file holds, and who may do what with it.
pub struct Content {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether everybody on the machine may read it.
    pub is_readable_by_all: bool,
    /// Whether everybody on the machine may write it.
    pub is_writable_by_all: bool,
    /// Whether it came out of a pipe, and cannot be had again.
    pub is_pipe: bool,
}

/// Reads a regular file of no more than `most` bytes, through links, and never waits for anybody but the
/// disk.
///
/// # Errors
///
/// If it is something else, is longer or cannot be read.
pub fn read(path: &Path, most: u64) -> io::Result<Content> {
    // A pipe is opened without waiting for who writes it, a terminal does not become ours.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    // Of what was opened: at the path there may be something else by now.
    match file.metadata()?.file_type() {
        kind if kind.is_file() => content(file, most),
        kind => Err(not_regular(kind)),
    }
}

/// Reads a pipe to its end, such as `/dev/stdin` or `<(…)` of a shell; and what is none as [`read`] does.
///
/// # Errors
///
/// If it is longer than `most` bytes or cannot be read, and those of [`read`].
pub fn read_or_pipe(path: &Path, most: u64) -> io::Result<Content> {
    if !std::fs::metadata(path)?.file_type().is_fifo() {
        return read(path, most);
    }
    let file = File::open(path)?;
    match file.metadata()?.file_type() {
        kind if kind.is_fifo() => content(file, most),
        kind => Err(not_regular(kind)),
    }
}

fn content(file: File, most: u64) -> io::Result<Content> {
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode();
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let longer = format!("it is longer than {} MiB", most / 1024 / 1024);
        return Err(io::Error::new(ErrorKind::FileTooLarge, longer));
    }
    Ok(Content {
        bytes,
        is_readable_by_all: mode & 0o004 != 0,
        is_writable_by_all: mode & 0o002 != 0,
        is_pipe: metadata.file_type().is_fifo(),
    })
}

fn not_regular(kind: FileType) -> io::Error {
    let what = if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    };
    let wrong = format!("it is {what}, and no regular file");
    io::Error::new(ErrorKind::InvalidInput, wrong)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    fn pipe(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    }

    fn refused(path: &Path) -> String {
        read(path, 4).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (fifo, link) = (dir.path().join("fifo"), dir.path().join("link"));
        pipe(&fifo);
        symlink("fifo", &link).unwrap();
        for (path, what) in [
            (&*fifo, "a pipe"),
            (&*link, "a pipe"),
            (Path::new("/dev/zero"), "a device"),
            (dir.path(), "a directory"),
        ] {
            let expected = format!("it is {what}, and no regular file");
            assert_eq!(refused(path), expected);
        }
        assert!(read_or_pipe(Path::new("/dev/zero"), 4).is_err());
    }

    #[test]
    fn links_are_followed_and_what_is_too_long_is_not_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "four").unwrap();
        symlink("file", &link).unwrap();
        assert_eq!(read(&link, 4).unwrap().bytes, b"four");
        std::fs::write(&file, "fiver").unwrap();
        assert_eq!(refused(&link), "it is longer than 0 MiB");
    }

    #[test]
    fn a_pipe_is_read_to_its_end_by_who_asks_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        pipe(&fifo);
        std::thread::scope(|scope| {
            scope.spawn(|| std::fs::write(&fifo, "four").unwrap());
            let content = read_or_pipe(&fifo, 4).unwrap();
            assert!(content.is_pipe && content.bytes == b"four");
        });
    }

    #[test]
    fn who_may_do_what_is_that_of_the_file_and_not_of_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "").unwrap();
        symlink("file", &link).unwrap();
        for (mode, readable, writable) in [
            (0o600, false, false),
            (0o644, true, false),
            (0o662, false, true),
        ] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let content = read(&link, 4).unwrap();
            assert_eq!(content.is_readable_by_all, readable, "{mode:o}");
            assert_eq!(content.is_writable_by_all, writable, "{mode:o}");
        }
    }
}
