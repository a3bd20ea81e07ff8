//! Files that are only ever appended to: records, each with a checksum.
//!
//! A crash leaves at most the end of such a file torn, which was never acknowledged and is cut off
//! at the next start. Damage elsewhere is skipped up to the next record that is whole, and told.
//! The checksums begin with a number of the file's own, so that nothing that is stored in a record
//! can pass for one.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use memchr::memmem;

use super::directory::{FILE_MODE, sync_directory};
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
    file: File,
    seed: u64,
    /// Up to here all is written and synchronized.
    len: u64,
    /// Whether there may be bytes behind: a write that failed left them.
    is_dirty: bool,
}

/// What was found in a file of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes at the end that no whole record follows.
    pub(crate) torn: usize,
    /// Bytes elsewhere that are no record.
    pub(crate) damaged: usize,
}

impl Log {
    /// An empty file, in the place of one that may be there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(path)?;
        let seed = RandomState::new().hash_one(path);
        let mut log = Self {
            file,
            seed,
            len: 0,
            is_dirty: false,
        };
        log.append(&header(seed))?;
        if let Some(parent) = path.parent() {
            sync_directory(parent)?;
        }
        Ok(log)
    }

    /// Opens a file, or creates it, and shows every whole record to `visit`. A torn end is cut off.
    pub(crate) fn open(path: &Path, visit: impl FnMut(&[u8])) -> Result<(Self, Found), DiskError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        // A crash right after the creation.
        if bytes.len() < HEADER {
            return Ok((Self::create(path)?, Found::default()));
        }
        let (seed, len, found) = scan(&bytes, visit)?;
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut log = Self {
            file,
            seed,
            len: len as u64,
            is_dirty: found.torn > 0,
        };
        log.cut()?;
        Ok((log, found))
    }

    /// Bytes in the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The number that the checksums of this file's records begin with.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Writes records that [`frame`] made, and returns when they are on the disk. On an error none
    /// of them is.
    pub(crate) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        self.cut()?;
        self.is_dirty = true;
        self.file.write_all_at(records, self.len)?;
        self.file.sync_data()?;
        self.is_dirty = false;
        self.len += records.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.is_dirty {
            self.file.set_len(self.len)?;
            self.file.sync_data()?;
            self.is_dirty = false;
        }
        Ok(())
    }
}

/// Opens a log. One whose very beginning is damaged is set aside, and an empty one comes in its
/// place.
pub(crate) fn open_log(path: &Path, visit: impl FnMut(&[u8])) -> Result<Log, DiskError> {
    let (log, found) = match Log::open(path, visit) {
        Err(DiskError::Damaged(damaged)) => {
            let aside = path.with_extension("log.damaged");
            tracing::error!(file = %path.display(), error = %damaged, "the file cannot be read; it was set aside");
            std::fs::rename(path, aside)?;
            (Log::create(path)?, Found::default())
        }
        other => other?,
    };
    if found.torn > 0 {
        tracing::warn!(file = %path.display(), bytes = found.torn, "an unfinished write at the end was cut off");
    }
    if found.damaged > 0 {
        tracing::error!(file = %path.display(), bytes = found.damaged, "damaged bytes were skipped; what they held is lost");
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
            found.damaged += at - end;
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
