//! The data of one kind of one tenant: what is in memory, what is on disk, and the way from a push
//! to both.
//!
//! A push is checked, its streams get their ids, it is written to the write-ahead log together with
//! whatever else waits (one synchronization for all), and only then it is seen. When there is much
//! in memory it is frozen, sealed into a segment, and the log behind it goes.

mod files;
mod group;
mod keep;
mod label_budget;
mod merge;
mod record;
mod sift;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use self::files::Files;
use self::group::Group;
use self::label_budget::{LabelBudget, text};
use crate::labels::Labels;
use crate::limits::{EvalError, Limits};
use crate::store::PushError;
use crate::store::disk::codec::Record;
use crate::store::disk::directory::OpenError;
use crate::store::disk::handles::Handles;
use crate::store::disk::reading::{Reading, Stored};
use crate::store::disk::segment::{Index, Segment};
use crate::store::disk::{DiskError, unwritten};
use crate::store::keeper::Wake;
use crate::store::select::Selection;
use crate::store::selected::{Part, Selected};
use crate::store::table::{Id, Match, Observer, Table, join, put_key};
use crate::ticker::Ticker;

/// About how many units of work it is to find a stream's chunks in an index, and to load one.
const FIND: usize = 16;
const LOAD: usize = 1_024;

/// How long a push waits where data comes faster than it is sealed.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// The data of one kind of one tenant.
#[derive(Debug)]
pub(super) struct Shelf<T, O> {
    table: RwLock<Table<T>>,
    pub(super) observer: O,
    /// `None` where everything is in memory only.
    files: Option<Files>,
    group: Group<Pending<T>>,
    /// Held for reading as long as a push is on its way, and for writing by whoever takes streams
    /// away, whose ids the push may have been given.
    gate: RwLock<()>,
    max_streams: usize,
    labels: LabelBudget,
    /// When streams that have nothing left were looked for, in nanoseconds since the Unix epoch.
    swept: Mutex<Option<i64>>,
    /// In the unit of the data's time.
    retention: i64,
    /// Held by who seals: the last log whose data are frozen, if there are frozen ones. More logs may
    /// have come since, when sealing failed and it is tried again.
    sealing: Mutex<Option<u64>>,
    has_failed: AtomicBool,
    /// Since when there is something in the log, in nanoseconds since the Unix epoch.
    since: Mutex<Option<i64>>,
}

/// A push that waits to be written.
#[derive(Debug)]
struct Pending<T> {
    /// As the log has it; empty where there is none.
    record: Vec<u8>,
    batch: Vec<(Id, Vec<T>)>,
    /// The newest segment that was looked at for what is sent again.
    sealed: u64,
    /// A sample that is refused.
    refused: Option<(Labels, i64)>,
}

/// A segment with its index.
type Indexed = (Arc<Segment>, Arc<Index>);

/// What all shelves of a store have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Setting {
    pub(super) max_streams: usize,
    pub(super) labels: LabelBudget,
    pub(super) retention_ns: i64,
    pub(super) wake: Arc<Wake>,
    pub(super) handles: Arc<Handles>,
}

impl Setting {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_streams: limits.max_streams_per_tenant,
            labels: LabelBudget::new(limits.label_bytes_per_tenant, limits.label_bytes),
            retention_ns: i64::try_from(limits.retention.as_nanos()).unwrap_or(i64::MAX),
            wake: Arc::default(),
            handles: Arc::default(),
        }
    }

    /// That of the shelves of another tenant.
    pub(super) fn of_tenant(&self) -> Self {
        Self {
            labels: self.labels.of_tenant(),
            ..self.clone()
        }
    }
}

impl<T: Record, O: Observer<T>> Shelf<T, O> {
    /// An empty shelf in memory.
    pub(super) fn in_memory(setting: &Setting, observer: O) -> Self {
        Self::new(Table::default(), None, setting, observer)
    }

    /// A shelf in the tenant's directory, with what is there.
    pub(super) fn open(tenant: &Path, setting: &Setting, observer: O) -> Result<Self, OpenError> {
        let mut table = Table::default();
        let files = Files::open(tenant.join(T::NAME), setting, &mut table)?;
        setting
            .labels
            .take(text(table.all().iter().map(|(_, labels)| labels)));
        Ok(Self::new(table, Some(files), setting, observer))
    }

    fn new(table: Table<T>, files: Option<Files>, setting: &Setting, observer: O) -> Self {
        Self {
            table: RwLock::new(table),
            observer,
            files,
            group: Group::default(),
            gate: RwLock::default(),
            max_streams: setting.max_streams,
            labels: setting.labels.clone(),
            swept: Mutex::default(),
            retention: setting.retention_ns / T::UNIT_NS,
            sealing: Mutex::default(),
            has_failed: AtomicBool::new(false),
            since: Mutex::default(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table<T>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table<T>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of `batch` or, on an error, nothing, but for [`PushError::DuplicateSample`], with
    /// which it takes the others. Returns when it is on the disk, if there is one.
    pub(super) fn push(&self, mut batch: Vec<(Labels, Vec<T>)>) -> Result<(), PushError> {
        // A stream is there for its entries, and goes with the last of them.
        batch.retain(|(_, entries)| !entries.is_empty());
        if batch.is_empty() {
            return Ok(());
        }
        let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let ids = self.register(&batch)?;
        let entries = batch.into_iter().map(|(_, entries)| entries);
        let batch: Vec<(Id, Vec<T>)> = ids.into_iter().zip(entries).collect();
        let Some(files) = &self.files else {
            let ids: Vec<Id> = batch.iter().map(|(id, _)| *id).collect();
            let mut table = self.write();
            let refused = table.apply(batch, &self.observer);
            table.drop_behind_newest(&ids, self.retention);
            return told(refused);
        };
        let mut pending = Pending {
            record: Vec::new(),
            batch,
            sealed: 0,
            refused: None,
        };
        // What is sealed has been there long enough for most senders to have given up, but those
        // that were cut off for an hour send all of it again.
        self.sift(&mut pending);
        if pending.batch.is_empty() {
            return told(pending.refused);
        }
        pending.record = record::encode(&pending.batch).ok_or(PushError::TooLarge)?;
        self.group
            .submit(pending, |group| self.commit(files, group))
    }

    /// The ids of the streams of a batch, new ones among them.
    pub(super) fn register(&self, batch: &[(Labels, Vec<T>)]) -> Result<Vec<Id>, PushError> {
        // Worked out before the table is locked.
        let mut keys = Vec::with_capacity(batch.len() * 256);
        let ends = batch.iter().map(|(labels, _)| {
            put_key(&mut keys, labels);
            keys.len()
        });
        let ends: Vec<usize> = ends.collect();
        let find = |table: &Table<T>| -> Option<Vec<Id>> {
            let mut from = 0;
            let ids = ends.iter().map(|end| {
                let key = keys.get(from..*end)?;
                from = *end;
                table.id_of(key)
            });
            ids.collect()
        };
        if let Some(ids) = find(&self.read()) {
            return Ok(ids);
        }
        let streams = self.files.as_ref().map(Files::streams);
        // Without files there is nothing to wait for, and the table stays locked.
        let fresh = if let Some(mut streams) = streams {
            let fresh = self.fresh(&self.read(), batch)?;
            if streams.is_suspect() && !fresh.is_empty() {
                let (all, next_id) = {
                    let table = self.read();
                    (table.all(), table.next_id)
                };
                let replaced = streams.rewrite(next_id, &all);
                replaced.map_err(|error| unwritten(&error, &streams.directory))?;
            }
            let bytes = text(fresh.iter().map(|(_, labels)| labels));
            self.labels.try_take(bytes)?;
            streams
                .append(&fresh)
                .inspect_err(|_| self.labels.give_back(bytes))?;
            let mut table = self.write();
            for (id, labels) in &fresh {
                table.insert(*id, labels);
            }
            find(&table)
        } else {
            let mut table = self.write();
            let fresh = self.fresh(&table, batch)?;
            self.labels
                .try_take(text(fresh.iter().map(|(_, labels)| labels)))?;
            for (id, labels) in fresh {
                table.insert(id, &labels);
            }
            find(&table)
        };
        fresh.ok_or(PushError::Unwritable)
    }

    /// The streams of a batch that there are not yet, with ids for them.
    fn fresh(
        &self,
        table: &Table<T>,
        batch: &[(Labels, Vec<T>)],
    ) -> Result<Vec<(Id, Labels)>, PushError> {
        let labels = batch.iter().map(|(labels, _)| labels);
        let mut fresh: Vec<&Labels> = labels.filter(|one| table.id(one).is_none()).collect();
        fresh.sort_unstable();
        fresh.dedup();
        if table.len() + fresh.len() > self.max_streams {
            return Err(PushError::TooManyStreams(self.max_streams));
        }
        let ids = table.next_id..Id::MAX;
        let fresh: Vec<(Id, Labels)> = ids.zip(fresh.into_iter().cloned()).collect();
        Ok(fresh)
    }

    /// Writes pushes to the log, and shows them once they are there; what came of each.
    fn commit(&self, files: &Files, group: Vec<Pending<T>>) -> Vec<Result<(), PushError>> {
        let count = group.len();
        self.try_commit(files, group)
            .unwrap_or_else(|error| vec![Err(error); count])
    }

    fn try_commit(
        &self,
        files: &Files,
        mut group: Vec<Pending<T>>,
    ) -> Result<Vec<Result<(), PushError>>, PushError> {
        self.wait_for_room(files)?;
        let mut wal = files.wal();
        wal.append(group.iter().map(|pending| pending.record.as_slice()))
            .map_err(|error| unwritten(&error, &files.directory))?;
        let mut table = self.write();
        // What was sealed since the push came may be the same; that is rare, and looked at without
        // keeping readers waiting.
        while group.iter().any(|pending| pending.sealed < table.sealed()) {
            drop(table);
            for pending in &mut group {
                self.sift(pending);
            }
            table = self.write();
        }
        let results = group.into_iter().map(|pending| {
            let refused = table.apply(pending.batch, &self.observer);
            told(pending.refused.or(refused))
        });
        let results: Vec<_> = results.collect();
        let is_full = table.weight > Self::most_in_memory(&table) || wal.is_due();
        drop(table);
        drop(wal);
        if is_full {
            files.wake.now();
        }
        Ok(results)
    }

    /// Waits while there is twice as much in memory as there should be, and the half of it is being
    /// sealed.
    fn wait_for_room(&self, files: &Files) -> Result<(), PushError> {
        let begin = std::time::Instant::now();
        loop {
            {
                let table = self.read();
                if !table.is_frozen || table.weight <= 2 * Self::most_in_memory(&table) {
                    return Ok(());
                }
            }
            if self.has_failed.load(Ordering::Relaxed) || begin.elapsed() > PATIENCE {
                tracing::error!(directory = %files.directory.display(), "data was refused, for what came before could not be sealed");
                return Err(PushError::DiskFull);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The streams that match, with their entries from `start` (inclusive) to `end` (exclusive) by
    /// time; those without an entry there are left out. Sorted by their labels.
    pub(super) fn select(
        &self,
        selection: &Selection,
        start: i64,
        end: i64,
        ticker: &mut Ticker,
    ) -> Result<Vec<Selected<T>>, EvalError> {
        self.select_and(selection, (start, end), ticker, || Ok(()))
            .map(|(found, ())| found)
    }

    /// Likewise, and does something before the next entry is seen.
    pub(super) fn select_and<R>(
        &self,
        selection: &Selection,
        (start, end): (i64, i64),
        ticker: &mut Ticker,
        then: impl FnOnce() -> Result<R, EvalError>,
    ) -> Result<(Vec<Selected<T>>, R), EvalError> {
        let (mut matches, segments, done) = {
            // Writers wait as long as the table is locked for reading.
            let table = self.read();
            let matches = table.select(selection, start, end, ticker)?;
            (matches, table.overlapping(start, end), then()?)
        };
        matches.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        let indexes = self.indexes(segments, start, end, ticker)?;
        let mut reading = Reading::default();
        let mut found = Vec::with_capacity(matches.len());
        for one in matches {
            ticker.tick(FIND)?;
            let selected = assemble(one, &indexes, start, end);
            if !selected.parts.is_empty() && selected.has_any(&mut reading)? {
                found.push(selected);
            }
        }
        Ok((found, done))
    }

    /// Adds to `found` the labels of the streams whose time, from their oldest entry to their
    /// newest, meets the one from `start` (inclusive) to `end` (exclusive). Of what is on disk,
    /// segments are looked at one by one.
    pub(super) fn labels(
        &self,
        selection: &Selection,
        (start, end): (i64, i64),
        ticker: &mut Ticker,
        found: &mut BTreeSet<Labels>,
    ) -> Result<(), EvalError> {
        let (matches, segments) = {
            let table = self.read();
            let matches = table.select(selection, 0, 0, ticker)?;
            (matches, table.overlapping(start, end))
        };
        let indexes = self.indexes(segments, start, end, ticker)?;
        for one in matches {
            let mut span = one.span;
            for (_, index) in &indexes {
                ticker.tick(FIND)?;
                let chunks = index.find(one.id, i64::MIN, i64::MAX);
                let ends = chunks.first().zip(chunks.last());
                span = join(span, ends.map(|(first, last)| (first.min, last.max)));
            }
            if span.is_some_and(|(oldest, newest)| start <= newest && oldest < end) {
                found.insert(one.labels);
            }
        }
        Ok(())
    }

    fn indexes(
        &self,
        segments: Vec<Arc<Segment>>,
        start: i64,
        end: i64,
        ticker: &mut Ticker,
    ) -> Result<Vec<Indexed>, EvalError> {
        let load = |segment: Arc<Segment>| {
            ticker.tick(LOAD)?;
            let unreadable = |error: DiskError| error.of_query(&segment.path);
            let index = segment.index().map_err(unreadable)?;
            let lost = segment.lost(&index, |id| self.read().has(id));
            // Whether the streams that are not known would match cannot be told.
            if lost.is_some_and(|(min, max)| start <= max && min < end) {
                tracing::error!(file = %segment.path.display(), "stored data is of streams whose labels were lost");
                return Err(EvalError::Unreadable);
            }
            Ok((segment, index))
        };
        segments.into_iter().map(load).collect()
    }
}

/// What the sender of a push is told, of which a sample was refused or none.
fn told(refused: Option<(Labels, i64)>) -> Result<(), PushError> {
    refused.map_or(Ok(()), |(labels, timestamp_ms)| {
        Err(PushError::DuplicateSample {
            series: labels.to_string(),
            timestamp_ms,
        })
    })
}

fn assemble<T: Record>(of: Match<T>, indexes: &[Indexed], start: i64, end: i64) -> Selected<T> {
    let mut parts = Vec::new();
    for (segment, index) in indexes {
        for chunk in index.find(of.id, start, end) {
            if let Some(page) = index.pages.get(chunk.page as usize) {
                parts.push(Part::Disk(Stored {
                    segment: Arc::clone(segment),
                    page: *page,
                    chunk: *chunk,
                }));
            }
        }
    }
    parts.extend(of.parts);
    Selected {
        labels: of.labels,
        parts,
        start,
        end,
    }
}

/// Reads bytes as a push and as a stream's labels, for the fuzzer.
pub(super) fn read_record(bytes: &[u8]) {
    let _ = record::decode::<crate::LogEntry>(bytes);
    let _ = record::decode::<crate::store::Sample>(bytes);
    let _ = record::decode::<crate::store::HistogramSample>(bytes);
    let _ = record::decode::<crate::store::Exemplar>(bytes);
    let _ = files::stream(bytes);
}
