//! Where the lines go: a file or standard output, opened, written and opened anew.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::settings::AuditOutput;

/// How often it is looked whether the file is still the one at its path.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait for room in a full pipe.
const FULL: Duration = Duration::from_millis(5);

/// An open output.
pub(super) struct Output {
    file: File,
    /// None for standard output, which nobody rotates.
    path: Option<PathBuf>,
    looked: Instant,
    /// Whether it ends in the middle of a line.
    torn: bool,
}

/// What is being written, and how far it is.
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) done: usize,
}

impl Output {
    /// Opens it; none where there is none.
    pub(super) fn open(output: &AuditOutput) -> io::Result<Option<Self>> {
        let (file, path) = match output {
            AuditOutput::Off => return Ok(None),
            AuditOutput::Stdout => {
                // A file of its own: the library's handle would collect lines, and swallow errors.
                let stdout = io::stdout().as_fd().try_clone_to_owned()?;
                (File::from(stdout), None)
            }
            AuditOutput::File(path) => (open(path)?, Some(path.clone())),
        };
        Ok(Some(Self {
            torn: path.as_deref().is_some_and(is_torn),
            file,
            path,
            looked: Instant::now(),
        }))
    }

    /// Opens the file anew if another one, or none, is at its path by now; looks no more often than
    /// once a second, unless `now`.
    ///
    /// A file that was moved away is whole: what was written to it in part is written anew.
    pub(super) fn follow(&mut self, batch: &mut Batch, now: bool) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if !now && self.looked.elapsed() < LOOK {
            return Ok(());
        }
        let is_same = match std::fs::metadata(path) {
            Ok(there) => {
                let here = self.file.metadata()?;
                (there.dev(), there.ino()) == (here.dev(), here.ino())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !is_same {
            self.file = open(path)?;
            self.torn = is_torn(path);
            batch.rewind();
        }
        self.looked = Instant::now();
        Ok(())
    }

    /// Appends what is left of the batch, with one write where the system takes it in one.
    pub(super) fn append(&mut self, batch: &mut Batch) -> io::Result<()> {
        if self.torn {
            // A process has ended here in the middle of a line, which stays for itself. The batch is at
            // the beginning of one: the file has just been opened.
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        while let Some(rest) = batch
            .lines
            .get(batch.done..)
            .filter(|rest| !rest.is_empty())
        {
            match self.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => batch.done += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A pipe that somebody else has set not to wait: that it is full is no failure yet.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(FULL),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            lines: Vec::new(),
            done: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.done = 0;
    }

    /// Goes back to the beginning of the line that is being written.
    fn rewind(&mut self) {
        let done = self.lines.get(..self.done).unwrap_or_default();
        let whole = done.iter().rposition(|byte| *byte == b'\n');
        self.done = whole.map_or(0, |at| at + 1);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// Whether the file's last line has no end. What cannot be read is taken to be whole.
fn is_torn(path: &Path) -> bool {
    let last = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(false);
        }
        file.seek(SeekFrom::End(-1))?;
        let mut last = [b'\n'];
        file.read_exact(&mut last)?;
        Ok(last != [b'\n'])
    };
    last().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_half_written_when_the_file_was_moved_is_whole_in_the_new_one() {
        for (there, expected) in [("", "two\nthree\n"), ("torn", "torn\ntwo\nthree\n")] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("audit");
            let mut output = Output::open(&AuditOutput::File(path.clone()))
                .unwrap()
                .unwrap();
            let mut batch = Batch::new();
            batch.lines.extend_from_slice(b"one\ntwo\nthree\n");
            // As after a write that the system took in part.
            batch.done = "one\ntw".len();
            std::fs::rename(&path, dir.path().join("moved")).unwrap();
            std::fs::write(&path, there).unwrap();
            output.follow(&mut batch, true).unwrap();
            output.append(&mut batch).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        }
    }

    #[test]
    fn what_the_system_took_in_part_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let output = Output::open(&AuditOutput::File(path.clone()));
        let mut output = output.unwrap().unwrap();
        let mut batch = Batch::new();
        batch.lines.extend_from_slice(b"one\ntwo\n");
        output.file.write_all(b"one\ntw").unwrap();
        batch.done = "one\ntw".len();
        output.follow(&mut batch, true).unwrap();
        output.append(&mut batch).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(batch.done, batch.lines.len());
    }
}
