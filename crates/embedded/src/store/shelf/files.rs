//! The files of a shelf.

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Setting, record};
use crate::labels::Labels;
use crate::store::PushError;
use crate::store::disk::bytes::{Bytes, put_len, put_text, put_u64};
use crate::store::disk::codec::Record;
use crate::store::disk::directory::{OpenError, make_durable, sync_directory};
use crate::store::disk::handles::Handles;
use crate::store::disk::log::{Log, frame, open_log};
use crate::store::disk::segment::Segment;
use crate::store::disk::{Damaged, DiskError, unwritten};
use crate::store::keeper::Wake;
use crate::store::table::{Id, Table, Unobserved};

/// A longer write-ahead log is sealed, whatever it holds: a start has to read it.
const LONGEST_WAL: u64 = 64 << 20;

const STREAM: u8 = 0;
const NEXT_ID: u8 = 1;

/// The files of a shelf.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) directory: PathBuf,
    streams: Mutex<Streams>,
    wal: Mutex<Wal>,
    pub(super) wake: Arc<Wake>,
    pub(super) handles: Arc<Handles>,
}

/// The file of label sets and their ids.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) directory: PathBuf,
    log: Option<Log>,
    handles: Arc<Handles>,
}

/// The write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    directory: PathBuf,
    log: Option<Log>,
    pub(super) seq: u64,
    /// Bytes of older ones that are not sealed yet.
    pub(super) older: u64,
    /// The newest one that the disk failed with: what is in memory has to be sealed soon, which
    /// writes all of it anew.
    shaken: Option<u64>,
    buffer: Vec<u8>,
    handles: Arc<Handles>,
}

impl Files {
    /// Reads what is in the directory, which is made with the first push.
    pub(super) fn open<T: Record>(
        directory: PathBuf,
        setting: &Setting,
        table: &mut Table<T>,
    ) -> Result<Self, OpenError> {
        let mut streams = None;
        let mut wal = Wal {
            directory: directory.clone(),
            log: None,
            seq: 0,
            older: 0,
            shaken: None,
            buffer: Vec::new(),
            handles: Arc::clone(&setting.handles),
        };
        if directory.is_dir() {
            let on = |error: DiskError| error.of_open(&directory);
            let mut listed =
                list(&directory, &setting.handles).map_err(|error| on(error.into()))?;
            streams = Some(open_streams(&directory, &setting.handles, table).map_err(on)?);
            for segment in listed.without_merged() {
                table.next_id = table.next_id.max(segment.next_id);
                wal.seq = wal.seq.max(segment.seq);
                table.segments.push(Arc::new(segment));
            }
            table.segments.sort_by_key(|segment| segment.seq);
            // What is not read here because it is sealed goes: its segment has to be there to stay.
            sync_directory(&directory).map_err(|error| on(error.into()))?;
            wal.replay(listed.wals, table).map_err(on)?;
        }
        Ok(Self {
            streams: Mutex::new(Streams {
                directory: directory.clone(),
                log: streams,
                handles: Arc::clone(&setting.handles),
            }),
            wal: Mutex::new(wal),
            wake: Arc::clone(&setting.wake),
            handles: Arc::clone(&setting.handles),
            directory,
        })
    }

    pub(super) fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wal(&self) -> MutexGuard<'_, Wal> {
        self.wal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Listed {
    segments: Vec<Segment>,
    wals: Vec<(u64, PathBuf)>,
}

impl Listed {
    /// The segments, but for those that others were merged from, which a crash left.
    fn without_merged(&mut self) -> Vec<Segment> {
        let mut left: Vec<Segment> = Vec::new();
        let mut all = std::mem::take(&mut self.segments);
        // Those that were merged from the most come first.
        all.sort_by_key(|segment| Reverse(segment.seq - segment.first));
        for segment in all {
            if left.iter().any(|longer| longer.replaces(&segment)) {
                segment.doom();
            } else {
                left.push(segment);
            }
        }
        left
    }
}

fn list(directory: &Path, handles: &Arc<Handles>) -> io::Result<Listed> {
    let mut listed = Listed::default();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let metadata = entry.metadata()?;
        if let Some(mut segment) = Segment::named(&path, metadata.len(), handles) {
            let time = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH);
            let time = time
                .ok()
                .and_then(|time| i64::try_from(time.as_nanos()).ok());
            segment.sealed_ns = time.unwrap_or(i64::MAX);
            listed.segments.push(segment);
        } else if let Some(seq) = wal_seq(name) {
            listed.wals.push((seq, path));
        } else if name.ends_with(".unfinished") {
            std::fs::remove_file(&path)?;
        } else if name != "streams.log" && !is_aside(&path) {
            tracing::warn!(file = %path.display(), "not a file of ours; left alone");
        }
    }
    listed.wals.sort();
    Ok(listed)
}

/// Whether a file has what was no record of a log.
fn is_aside(path: &Path) -> bool {
    path.extension()
        .is_some_and(|kind| kind == "torn" || kind == "damaged")
}

fn wal_seq(name: &str) -> Option<u64> {
    let seq = name.strip_prefix("wal-")?.strip_suffix(".log")?;
    u64::from_str_radix(seq, 16).ok()
}

fn wal_path(directory: &Path, seq: u64) -> PathBuf {
    directory.join(format!("wal-{seq:016x}.log"))
}

fn open_streams<T: Record>(
    directory: &Path,
    handles: &Arc<Handles>,
    table: &mut Table<T>,
) -> Result<Log, DiskError> {
    open_log(
        &directory.join("streams.log"),
        handles,
        |payload| match stream(payload) {
            Ok((id, Some(labels))) => table.insert(id, &labels),
            Ok((id, None)) => table.next_id = table.next_id.max(id),
            Err(error) => tracing::error!(%error, "a stream's labels are lost"),
        },
    )
}

/// A stream's id and labels; without labels, the next id.
pub(crate) fn stream(payload: &[u8]) -> Result<(Id, Option<Labels>), Damaged> {
    let mut bytes = Bytes(payload);
    let kind = bytes.byte()?;
    let id = bytes.u32()?;
    if kind == NEXT_ID {
        bytes.end()?;
        return Ok((id, None));
    }
    let count = bytes.count()?;
    let pairs = (0..count)
        .map(|_| Ok((bytes.text()?.to_owned(), bytes.text()?.to_owned())))
        .collect::<Result<Vec<_>, Damaged>>()?;
    bytes.end()?;
    Ok((id, Some(Labels::new(pairs))))
}

fn put_stream(out: &mut Vec<u8>, id: Id, labels: &Labels) {
    out.push(STREAM);
    put_u64(out, u64::from(id));
    put_len(out, labels.iter().count());
    for (name, value) in labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

fn put_streams(seed: u64, streams: &[(Id, Labels)], bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut payload = Vec::new();
    for (id, labels) in streams {
        payload.clear();
        put_stream(&mut payload, *id, labels);
        frame(seed, &payload, bytes)?;
    }
    Ok(())
}

impl Streams {
    /// Whether it has to be written anew before something is added.
    pub(super) fn is_suspect(&self) -> bool {
        self.log.as_ref().is_some_and(Log::is_suspect)
    }

    /// Notes new streams, and returns when they are on the disk.
    pub(super) fn append(&mut self, fresh: &[(Id, Labels)]) -> Result<(), PushError> {
        if fresh.is_empty() {
            return Ok(());
        }
        let write = |streams: &mut Self| -> io::Result<()> {
            let log = match &mut streams.log {
                Some(log) => log,
                empty @ None => {
                    make_durable(&streams.directory)?;
                    let path = streams.directory.join("streams.log");
                    empty.insert(Log::create(&path, &streams.handles)?)
                }
            };
            let mut bytes = Vec::new();
            put_streams(log.seed(), fresh, &mut bytes)?;
            log.append(&bytes)
        };
        write(self).map_err(|error| unwritten(&error, &self.directory))
    }

    /// Writes the file anew with these streams alone.
    pub(super) fn rewrite(&mut self, next_id: Id, streams: &[(Id, Labels)]) -> io::Result<()> {
        let path = self.directory.join("streams.log");
        let log = Log::replace(&path, &self.handles, |seed, bytes| {
            put_streams(seed, streams, bytes)?;
            let mut payload = vec![NEXT_ID];
            put_u64(&mut payload, u64::from(next_id));
            frame(seed, &payload, bytes)
        })?;
        self.log = Some(log);
        Ok(())
    }
}

impl Wal {
    /// Bytes of this one.
    pub(super) fn len(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::len)
    }

    /// Takes what was acknowledged and not sealed into memory.
    fn replay<T: Record>(
        &mut self,
        wals: Vec<(u64, PathBuf)>,
        table: &mut Table<T>,
    ) -> Result<(), DiskError> {
        let sealed = self.seq;
        for (seq, path) in wals {
            if seq <= sealed && !table.segments.is_empty() {
                // Everything in it is in a segment, and a crash came before it was removed.
                std::fs::remove_file(&path)?;
                continue;
            }
            let mut orphans = 0_usize;
            let log = open_log(&path, &self.handles, |payload| {
                match record::decode::<T>(payload) {
                    Ok(batch) => {
                        for (id, entries) in &batch {
                            table.next_id = table.next_id.max(id.saturating_add(1));
                            if !table.has(*id) {
                                orphans += entries.len();
                            }
                        }
                        table.apply(batch, &Unobserved);
                    }
                    Err(error) => tracing::error!(file = %path.display(), %error, "a push is lost"),
                }
            })?;
            if orphans > 0 {
                tracing::error!(file = %path.display(), entries = orphans, "entries of streams whose labels are not known were left out");
            }
            self.older += self.log.as_ref().map_or(0, Log::len);
            self.log = Some(log);
            self.seq = seq;
        }
        Ok(())
    }

    /// Writes records, and returns when all of them are on the disk.
    pub(super) fn append<'a>(&mut self, records: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        match &self.log {
            None => self.rotate()?,
            Some(log) if log.is_suspect() => {
                self.shaken = Some(self.seq);
                self.rotate()?;
            }
            Some(_) => {}
        }
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        self.buffer.clear();
        for record in records {
            frame(log.seed(), record, &mut self.buffer)?;
        }
        let result = log.append(&self.buffer);
        if log.is_suspect() {
            self.shaken = Some(self.seq);
        }
        self.buffer.shrink_to(1 << 20);
        result
    }

    /// Whether there is anything in it or in an older one.
    pub(super) fn has_records(&self) -> bool {
        self.older > 0 || self.log.as_ref().is_some_and(Log::has_records)
    }

    /// Whether there is a reason to seal what is in memory, however little it is.
    pub(super) fn is_due(&self) -> bool {
        self.len() > LONGEST_WAL || self.shaken.is_some()
    }

    /// Begins a new one.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        let fresh = Log::create(&wal_path(&self.directory, self.seq + 1), &self.handles)?;
        self.seq += 1;
        self.older += self.log.as_ref().map_or(0, Log::len);
        self.log = Some(fresh);
        Ok(())
    }

    /// Removes those up to `seq`, whose data are sealed.
    pub(super) fn remove_up_to(&mut self, seq: u64) -> io::Result<()> {
        let mut older = 0;
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            match name.to_str().and_then(wal_seq) {
                Some(of) if of <= seq => std::fs::remove_file(entry.path())?,
                Some(of) if of < self.seq => older += entry.metadata()?.len(),
                Some(_) | None => {}
            }
        }
        self.older = older;
        self.shaken = self.shaken.filter(|shaken| *shaken > seq);
        Ok(())
    }
}
