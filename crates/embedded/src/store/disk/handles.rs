//! The files that a store has open, and what is written to them.
//!
//! A tenant has several files, a process may have about a thousand open, and there may be a thousand
//! tenants: so files are opened when they are needed, and those that were used least lately are
//! closed. Everything that is written to them is synchronized before it is relied upon, so that a
//! file can be closed at any time.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Files of one store that stay open.
const MOST_OPEN: usize = 256;

/// The errors of a system or a process that has too many files open (`ENFILE` and `EMFILE`).
const TOO_MANY: [i32; 2] = [23, 24];

/// The open files of a store, and what was seen of its disk.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    open: Mutex<Open>,
    next: AtomicU64,
    /// Bytes at the ends of logs that were no whole records.
    pub(crate) torn: AtomicU64,
    /// Bytes elsewhere that were not what had been written.
    pub(crate) damaged: AtomicU64,
    /// Synchronizations that failed.
    pub(crate) unsynchronized: AtomicU64,
    #[cfg(test)]
    pub(crate) fault: Mutex<Fault>,
}

/// What a disk of a test does.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// So many bytes are left; of what is longer, the beginning is written.
    Full(usize),
    /// What is written may be there or not.
    NoSync,
}

#[derive(Debug, Default)]
struct Open {
    /// With the time of the last use.
    files: HashMap<u64, (Arc<File>, u64)>,
    clock: u64,
}

impl Handles {
    /// A number for a file, by which it is known here.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The file with this number, which is opened if it is not.
    pub(crate) fn get(
        &self,
        number: u64,
        open: impl Fn() -> io::Result<File>,
    ) -> io::Result<Arc<File>> {
        let mut known = self.lock();
        known.clock += 1;
        let now = known.clock;
        if let Some((file, used)) = known.files.get_mut(&number) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        drop(known);
        let file = match open() {
            // Whatever else took them: ours can be opened again.
            Err(error)
                if error
                    .raw_os_error()
                    .is_some_and(|of| TOO_MANY.contains(&of)) =>
            {
                self.lock().files.clear();
                open()?
            }
            other => other?,
        };
        let file = Arc::new(file);
        let mut known = self.lock();
        if known.files.len() >= MOST_OPEN {
            let oldest = known.files.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                known.files.remove(&oldest);
            }
        }
        known.files.insert(number, (Arc::clone(&file), now));
        Ok(file)
    }

    /// Closes a file as soon as nobody uses it.
    pub(crate) fn forget(&self, number: u64) {
        self.lock().files.remove(&number);
    }

    /// How many are open.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().files.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes bytes at a place of a file. On an error some of them may be there.
    #[cfg_attr(
        not(test),
        allow(clippy::unused_self, reason = "tests have disks that fail")
    )]
    pub(crate) fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        #[cfg(test)]
        {
            let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            if let Fault::Full(left) = &mut *fault {
                if bytes.len() > *left {
                    file.write_all_at(bytes.get(..*left).unwrap_or_default(), at)?;
                    *left = 0;
                    return Err(io::ErrorKind::StorageFull.into());
                }
                *left -= bytes.len();
            }
        }
        file.write_all_at(bytes, at)
    }

    /// Returns when what was written to a file is on the disk. After an error nobody knows what is
    /// there, and neither does the system: it has forgotten what it could not write, and would find
    /// nothing wrong with it the next time.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        if *self.fault.lock().unwrap_or_else(PoisonError::into_inner) == Fault::NoSync {
            self.unsynchronized.fetch_add(1, Ordering::Relaxed);
            return Err(io::Error::from_raw_os_error(5));
        }
        file.sync_data().inspect_err(|_| {
            self.unsynchronized.fetch_add(1, Ordering::Relaxed);
        })
    }
}
