//! Files that are only ever appended to: records, each with a checksum.
//!
//! A crash leaves at most the end of such a file torn, which was never acknowledged. At the next
//! start it is cut off, and kept in a file of its own: a disk that damages the last record looks the
//! same. Damage elsewhere is skipped up to the next record that is whole, kept, and told.
//!
//! When a synchronization fails, nothing is written to the file any more.
//!
//! The checksums begin with a number of the file's own, so that nothing that is stored in a record
//! can pass for one.

mod aside;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memchr::memmem;

use super::directory::{options, read, sync_directory};
use super::handles::Handles;
use super::{Damaged, DiskError};

const MAGIC: &[u8; 8] = b"kpo.log1";
/// The magic, the file's own number and the checksum of both.
const HEADER: usize = 20;
/// What every record begins with; its length and its checksum follow.
const MARK: &[u8; 4] = b"\xf5rec";
const FRAME: usize = 12;

/// A file of records.
#[derive(Debug)]
pub(crate) struct Log {
    handles: Arc<Handles>,
    number: u64,
    path: PathBuf,
    seed: u64,
    /// Up to here all is written and synchronized.
    len: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Clean,
    /// There may be bytes behind the end: a write that failed left them.
    Dirty,
    /// Nothing is written to it any more.
    Suspect,
}

/// What was found in a file of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes at the end that no whole record follows.
    pub(crate) torn: usize,
    /// Bytes elsewhere that are no record.
    pub(crate) damaged: usize,
    /// Where all of them are.
    pub(crate) holes: Vec<Range<usize>>,
}

impl Log {
    /// An empty file, in the place of one that may be there.
    pub(crate) fn create(path: &Path, handles: &Arc<Handles>) -> io::Result<Self> {
        let mut log = Self {
            handles: Arc::clone(handles),
            number: handles.number(),
            path: path.to_owned(),
            seed: RandomState::new().hash_one(path),
            len: 0,
            state: State::Clean,
        };
        handles.get(log.number, || {
            options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)
        })?;
        log.append(&header(log.seed))?;
        if let Some(parent) = path.parent() {
            sync_directory(parent)?;
        }
        Ok(log)
    }

    /// An empty file, or, where none can be written now, one whose place another has to take before
    /// something is written: a full disk is no reason not to read what is on it.
    fn create_later(path: &Path, handles: &Arc<Handles>) -> Self {
        Self::create(path, handles).unwrap_or_else(|error| {
            tracing::error!(file = %path.display(), %error, "the file could not be written; it is tried again when there is something to write");
            Self {
                handles: Arc::clone(handles),
                number: handles.number(),
                path: path.to_owned(),
                seed: 0,
                len: 0,
                state: State::Suspect,
            }
        })
    }

    /// A file with what `fill` appends, given the file's number for checksums, in the place of one
    /// that may be there; that one is left as it was on an error.
    pub(crate) fn replace(
        path: &Path,
        handles: &Arc<Handles>,
        fill: impl FnOnce(u64, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let fresh = path.with_extension("unfinished");
        let write = || -> io::Result<Self> {
            let mut log = Self::create(&fresh, handles)?;
            let mut bytes = Vec::new();
            fill(log.seed, &mut bytes)?;
            log.append(&bytes)?;
            std::fs::rename(&fresh, path)?;
            Ok(log)
        };
        let mut log = write().inspect_err(|_| {
            let _ = std::fs::remove_file(&fresh);
        })?;
        path.clone_into(&mut log.path);
        // The old one is gone for this process, and may be the one that is there after a crash.
        if path.parent().map(sync_directory).transpose().is_err() {
            log.state = State::Suspect;
        }
        Ok(log)
    }

    /// Opens a file, or creates it, and shows every whole record to `visit`. What is no record is
    /// set aside, and cut off at the end.
    pub(crate) fn open(
        path: &Path,
        handles: &Arc<Handles>,
        visit: impl FnMut(&[u8]),
    ) -> Result<(Self, Found), DiskError> {
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        // A crash right after the creation.
        if bytes.len() < HEADER {
            let mut found = Found::default();
            if !bytes.is_empty() {
                found.torn = bytes.len();
                found.holes.push(0..bytes.len());
                // A header, or a part of it: that there was more cannot be told from it.
                if let Err(error) = aside::keep(path, &bytes, &found) {
                    tracing::error!(file = %path.display(), %error, "the beginning of a file could not be set aside");
                }
            }
            return Ok((Self::create_later(path, handles), found));
        }
        let (seed, len, found) = scan(&bytes, visit)?;
        let mut log = Self {
            handles: Arc::clone(handles),
            number: handles.number(),
            path: path.to_owned(),
            seed,
            len: len as u64,
            state: State::Clean,
        };
        if let Err(error) = aside::keep(path, &bytes, &found) {
            tracing::error!(file = %path.display(), %error, "bytes that are no records could not be set aside; they stay where they are, and nothing is written behind them");
            log.state = State::Suspect;
        } else if found.torn > 0 {
            log.state = State::Dirty;
            log.cut()?;
        }
        Ok((log, found))
    }

    /// Bytes in the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn has_records(&self) -> bool {
        self.len > HEADER as u64
    }

    /// The number that the checksums of this file's records begin with.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether nothing can be written to it any more, because it is not known what of the last write
    /// is on the disk. Another file has to take its place.
    pub(crate) fn is_suspect(&self) -> bool {
        self.state == State::Suspect
    }

    /// Writes records that [`frame`] made, and returns when they are on the disk. On an error none
    /// of them is.
    pub(crate) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        self.cut()?;
        let file = self.file()?;
        self.state = State::Dirty;
        if let Err(error) = self.handles.write(&file, records, self.len) {
            // At once, so that what is refused is not there after a crash, and takes no room. If this
            // fails too, it is done before the next write.
            let _ = self.cut();
            return Err(error);
        }
        if let Err(error) = self.handles.sync(&file) {
            self.state = State::Suspect;
            // So that, if this has an effect, what is refused now does not come back.
            let _ = file.set_len(self.len);
            return Err(error);
        }
        self.state = State::Clean;
        self.len += records.len() as u64;
        Ok(())
    }

    fn file(&self) -> io::Result<Arc<File>> {
        let open = || options().read(true).write(true).open(&self.path);
        self.handles.get(self.number, open)
    }

    fn cut(&mut self) -> io::Result<()> {
        match self.state {
            State::Clean => Ok(()),
            State::Dirty => {
                let file = self.file()?;
                file.set_len(self.len)?;
                self.handles
                    .sync(&file)
                    .inspect_err(|_| self.state = State::Suspect)?;
                self.state = State::Clean;
                Ok(())
            }
            State::Suspect => Err(io::Error::other(
                "the disk failed while this file was written",
            )),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.handles.forget(self.number);
    }
}

/// Opens a log. One whose very beginning is damaged is set aside, and an empty one comes in its
/// place.
pub(crate) fn open_log(
    path: &Path,
    handles: &Arc<Handles>,
    visit: impl FnMut(&[u8]),
) -> Result<Log, DiskError> {
    let (log, found) = match Log::open(path, handles, visit) {
        Err(DiskError::Damaged(damaged)) => {
            let aside = aside::free(path);
            let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
            handles.damaged.fetch_add(bytes, Ordering::Relaxed);
            tracing::error!(file = %path.display(), aside = %aside.display(), error = %damaged, "the file cannot be read; it was set aside");
            std::fs::rename(path, aside)?;
            (Log::create_later(path, handles), Found::default())
        }
        other => other?,
    };
    let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    handles.torn.fetch_add(count(found.torn), Ordering::Relaxed);
    handles
        .damaged
        .fetch_add(count(found.damaged), Ordering::Relaxed);
    if found.torn > 0 {
        tracing::error!(file = %path.display(), bytes = found.torn, "the end of the file is no whole record and was set aside; if the system or the process broke off, it was never acknowledged, and if it did not, the disk has damaged it and data is lost");
    }
    if found.damaged > 0 {
        tracing::error!(file = %path.display(), bytes = found.damaged, "damaged bytes were set aside; what they held is lost");
    }
    Ok(log)
}

fn header(seed: u64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&seed.to_le_bytes());
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    header
}

fn checksum(seed: u64, length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Appends a record to `out`.
pub(crate) fn frame(seed: u64, payload: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(payload.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a record would be too long"))?;
    out.extend_from_slice(MARK);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(seed, length, payload).to_le_bytes());
    out.extend_from_slice(payload);
    Ok(())
}

/// Shows every whole record to `visit`; the file's own number, the end of the last whole record,
/// and what was not one.
pub(crate) fn scan(
    bytes: &[u8],
    mut visit: impl FnMut(&[u8]),
) -> Result<(u64, usize, Found), Damaged> {
    let head = bytes.get(..HEADER).unwrap_or_default();
    let seed = head
        .get(8..16)
        .and_then(|seed| seed.try_into().ok())
        .map(u64::from_le_bytes)
        .ok_or(Damaged("the file has no header"))?;
    if head != header(seed) {
        return Err(Damaged("the file's header is not one of ours"));
    }
    let marks = memmem::Finder::new(MARK);
    let (mut at, mut end) = (HEADER, HEADER);
    let mut found = Found::default();
    // Behind damage, what looks like a record and is none could be made to cost without end.
    let mut patience = bytes.len().saturating_mul(16);
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let (whole, looked_at) = record(seed, rest);
        if let Some(payload) = whole {
            if at > end {
                found.damaged += at - end;
                found.holes.push(end..at);
            }
            visit(payload);
            at += FRAME + payload.len();
            end = at;
        } else {
            patience = patience
                .checked_sub(looked_at)
                .ok_or(Damaged("there are too many false records"))?;
            let next = rest.get(1..).and_then(|rest| marks.find(rest));
            at = next.map_or(bytes.len(), |next| at + 1 + next);
        }
    }
    found.torn = bytes.len() - end;
    if found.torn > 0 {
        found.holes.push(end..bytes.len());
    }
    Ok((seed, end, found))
}

/// The payload of the record that these bytes begin with, if they do with a whole one, and how many
/// bytes it took to know.
fn record(seed: u64, bytes: &[u8]) -> (Option<&[u8]>, usize) {
    let Some((length, sum, payload)) = parts(bytes) else {
        return (None, 0);
    };
    let is_whole = checksum(seed, length, payload) == sum;
    (is_whole.then_some(payload), payload.len())
}

fn parts(bytes: &[u8]) -> Option<(u32, u32, &[u8])> {
    let (mark, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    (mark == MARK).then(|| (length, u32::from_le_bytes(*sum), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(payloads: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = header(7);
        let mut ends = Vec::new();
        for payload in payloads {
            frame(7, payload, &mut bytes).unwrap();
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Found) {
        let mut all = Vec::new();
        let (_, _, found) = scan(bytes, |payload| all.push(payload.to_vec())).unwrap();
        (all, found)
    }

    #[test]
    fn wherever_the_end_is_torn_what_is_before_it_is_there() {
        let payloads: [&[u8]; 3] = [b"one", b"", b"three"];
        let (bytes, ends) = written(&payloads);
        for cut in HEADER..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let (all, found) = read(&bytes[..cut]);
            assert_eq!(all, payloads[..whole]);
            assert_eq!(found.damaged, 0);
        }
    }

    #[test]
    fn a_damaged_record_costs_itself_and_no_other() {
        let payloads: [&[u8]; 3] = [b"one", b"two", b"three"];
        let (bytes, ends) = written(&payloads);
        for at in ends[0]..ends[1] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            let (all, found) = read(&bytes);
            assert_eq!(all, [b"one".to_vec(), b"three".to_vec()]);
            assert_eq!(found.damaged, ends[1] - ends[0]);
        }
    }

    #[test]
    fn what_a_record_holds_does_not_pass_for_one() {
        let (other, _) = written(&[b"forged"]);
        let mut bytes = header(8);
        frame(8, &other, &mut bytes).unwrap();
        // The outer record is damaged, so that its payload is searched.
        bytes[HEADER + 9] ^= 1;
        assert_eq!(read(&bytes).0, Vec::<Vec<u8>>::new());
    }
}
