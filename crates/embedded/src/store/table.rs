//! The streams or series of one tenant, with an index of their labels, their entries that are in
//! memory, and the segments that have the others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::chunks::{Chunks, Fate, Timed};
use crate::store::disk::bytes::put_text;
use crate::store::disk::codec::Record;
use crate::store::disk::segment::Segment;
use crate::store::select::{Selection, TEST, Test};
use crate::store::selected::Part;
use crate::ticker::Ticker;

/// The id of a stream or series within its tenant. It is never given to another.
pub(super) type Id = u32;

#[derive(Debug)]
pub(super) struct Table<T> {
    rows: HashMap<Id, Row<T>, RandomState>,
    /// By labels, in one piece each: comparing the strings of a label set one by one is slow.
    ids: HashMap<Box<[u8]>, Id, RandomState>,
    /// Label name to value to the rows that have it.
    index: HashMap<String, BTreeMap<String, Vec<Id>>>,
    /// Above all ids that were ever given.
    pub(super) next_id: Id,
    /// The oldest first.
    pub(super) segments: Vec<Arc<Segment>>,
    /// About how many bytes the entries take that are not sealed.
    pub(super) weight: usize,
    /// Whether there are frozen entries.
    pub(super) is_frozen: bool,
}

#[derive(Debug)]
struct Row<T> {
    labels: Labels,
    /// Entries that are being sealed.
    frozen: Chunks<T>,
    data: Chunks<T>,
}

impl<T: Timed> Row<T> {
    /// The entry that one of `time` comes right after, where that is known: the newest in memory, if
    /// nothing that is sealed can be between the two.
    fn before(&self, time: i64, sealed: Option<i64>) -> Option<&T> {
        let newest = [self.data.last(), self.frozen.last()];
        let newest = newest.into_iter().flatten().max_by_key(|one| one.time())?;
        let is_right_before =
            newest.time() < time && sealed.is_none_or(|sealed| sealed < newest.time());
        is_right_before.then_some(newest)
    }
}

/// A row that was found.
#[derive(Debug)]
pub(super) struct Match<T> {
    pub(super) id: Id,
    pub(super) labels: Labels,
    /// What of it is in memory.
    pub(super) parts: Vec<Part<T>>,
    /// Times of the oldest and newest entries in memory.
    pub(super) span: Option<(i64, i64)>,
}

/// Is told, while the table is locked, of what a table takes.
pub(super) trait Observer<T> {
    /// Whether entries with these labels are wanted.
    fn wants(&self, labels: &Labels) -> bool;

    /// Entries that were not there before.
    fn taken(&self, labels: &Labels, entries: Vec<T>);
}

/// Nobody looks.
#[derive(Debug, Default)]
pub(super) struct Unobserved;

impl<T> Observer<T> for Unobserved {
    fn wants(&self, _: &Labels) -> bool {
        false
    }

    fn taken(&self, _: &Labels, _: Vec<T>) {}
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: HashMap::default(),
            ids: HashMap::default(),
            index: HashMap::new(),
            next_id: 0,
            segments: Vec::new(),
            weight: 0,
            is_frozen: false,
        }
    }
}

impl<T: Record> Table<T> {
    /// How many streams or series there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn id(&self, labels: &Labels) -> Option<Id> {
        self.id_of(&key(labels))
    }

    /// The id of the stream with this key, which [`put_key`] made.
    pub(super) fn id_of(&self, key: &[u8]) -> Option<Id> {
        self.ids.get(key).copied()
    }

    pub(super) fn has(&self, id: Id) -> bool {
        self.rows.contains_key(&id)
    }

    /// Adds a row, unless there is one with these labels.
    pub(super) fn insert(&mut self, id: Id, labels: &Labels) {
        let key = key(labels).into_boxed_slice();
        if self.rows.contains_key(&id) || self.ids.contains_key(&key) {
            return;
        }
        self.next_id = self.next_id.max(id.saturating_add(1));
        let row = Row {
            labels: labels.clone(),
            frozen: Chunks::default(),
            data: Chunks::default(),
        };
        self.rows.insert(id, row);
        self.ids.insert(key, id);
        for (name, value) in labels.iter() {
            // Names and values that are known are found without copying them.
            if !self.index.contains_key(name) {
                self.index.insert(name.to_owned(), BTreeMap::new());
            }
            let Some(values) = self.index.get_mut(name) else {
                continue;
            };
            match values.get_mut(value) {
                Some(rows) => rows.push(id),
                None => {
                    values.insert(value.to_owned(), vec![id]);
                }
            }
        }
    }

    /// Whether there are rows that have nothing in memory.
    pub(super) fn has_idle(&self) -> bool {
        let mut rows = self.rows.values();
        rows.any(|row| row.data.is_empty() && row.frozen.is_empty())
    }

    /// Removes the rows that have nothing in memory, but for those to be kept; the ids of those that
    /// are left.
    pub(super) fn retain(&mut self, keep: impl Fn(Id) -> bool) -> Vec<(Id, Labels)> {
        self.rows
            .retain(|id, row| keep(*id) || !row.data.is_empty() || !row.frozen.is_empty());
        let rows = &self.rows;
        self.ids.retain(|_, id| rows.contains_key(id));
        for values in self.index.values_mut() {
            values.retain(|_, ids| {
                ids.retain(|id| rows.contains_key(id));
                !ids.is_empty()
            });
        }
        self.index.retain(|_, values| !values.is_empty());
        self.all()
    }

    /// Adds entries to rows. Labels and time of the first that was refused, if one was.
    pub(super) fn apply(
        &mut self,
        batch: Vec<(Id, Vec<T>)>,
        observer: &impl Observer<T>,
    ) -> Option<(Labels, i64)> {
        let mut refused = None;
        let sealed = self.segments.iter().map(|segment| segment.max).max();
        for (id, entries) in batch {
            let Some(row) = self.rows.get_mut(&id) else {
                continue;
            };
            let is_wanted = observer.wants(&row.labels);
            let mut fresh = Vec::new();
            for mut entry in entries {
                let weight = entry.weight();
                let copy = is_wanted.then(|| entry.clone());
                let time = entry.time();
                let fate = match row.frozen.fate(&entry) {
                    Fate::New => {
                        entry.follow(row.before(time, sealed));
                        row.data.push(entry)
                    }
                    decided @ (Fate::Known | Fate::Refused) => decided,
                };
                match fate {
                    Fate::New => {
                        self.weight += weight;
                        fresh.extend(copy);
                    }
                    Fate::Known => {}
                    Fate::Refused => {
                        refused.get_or_insert_with(|| (row.labels.clone(), time));
                    }
                }
            }
            if is_wanted {
                observer.taken(&row.labels, fresh);
            }
        }
        refused
    }

    /// The number of the newest segment, 0 if there is none: what is sealed later has a higher one.
    pub(super) fn sealed(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.seq)
    }

    /// All rows' ids and labels.
    pub(super) fn all(&self) -> Vec<(Id, Labels)> {
        let rows = self.rows.iter();
        rows.map(|(id, row)| (*id, row.labels.clone())).collect()
    }

    pub(super) fn labels(&self, id: Id) -> Option<Labels> {
        self.rows.get(&id).map(|row| row.labels.clone())
    }

    /// Drops what in memory is older than `retention`, counted back from the newest of these rows.
    pub(super) fn drop_behind_newest(&mut self, ids: &[Id], retention: i64) {
        for id in ids {
            if let Some(row) = self.rows.get_mut(id)
                && let Some(newest) = row.data.newest()
            {
                self.weight -= row.data.drop_before(newest.saturating_sub(retention));
            }
        }
    }

    /// Drops what in memory is older than `oldest`.
    pub(super) fn drop_before(&mut self, oldest: i64) {
        for row in self.rows.values_mut() {
            if row.data.oldest().is_some_and(|first| first < oldest) {
                self.weight -= row.data.drop_before(oldest);
            }
        }
    }

    /// Sets what is in memory aside to be sealed. What is written from now on is beside it.
    pub(super) fn freeze(&mut self) {
        for row in self.rows.values_mut() {
            row.frozen = std::mem::take(&mut row.data);
        }
        self.weight = 0;
        self.is_frozen = true;
    }

    /// What was set aside, sorted by labels.
    pub(super) fn frozen(&self) -> Vec<(Id, Chunks<T>)> {
        let rows = self.rows.iter().filter(|(_, row)| !row.frozen.is_empty());
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable_by(|a, b| a.1.labels.cmp(&b.1.labels));
        rows.into_iter()
            .map(|(id, row)| (*id, row.frozen.clone()))
            .collect()
    }

    /// Takes a segment in the place of what was set aside.
    pub(super) fn thaw(&mut self, sealed: Option<Segment>) {
        for row in self.rows.values_mut() {
            if !row.frozen.is_empty() {
                row.frozen = Chunks::default();
            }
        }
        self.is_frozen = false;
        self.segments.extend(sealed.map(Arc::new));
    }

    /// Takes a segment in the place of those that it was merged from. Some of them may have gone
    /// meanwhile, because they were too old; what is left of them goes the next time.
    pub(super) fn merge(&mut self, of: &[Arc<Segment>], merged: Option<Segment>) {
        self.segments.retain(|one| {
            let is_merged = of.iter().any(|other| Arc::ptr_eq(one, other));
            if is_merged {
                one.doom();
            }
            !is_merged
        });
        self.segments.extend(merged.map(Arc::new));
        self.segments.sort_by_key(|segment| segment.seq);
    }

    /// The rows that match, with what they have in memory of a range of time.
    pub(super) fn select(
        &self,
        selection: &Selection,
        start: i64,
        end: i64,
        ticker: &mut Ticker,
    ) -> Result<Vec<Match<T>>, EvalError> {
        let candidates: Box<dyn Iterator<Item = (Id, &Row<T>)>> =
            match self.candidates(selection, ticker)? {
                Some(ids) => Box::new(
                    ids.into_iter()
                        .filter_map(|id| Some((id, self.rows.get(&id)?))),
                ),
                None => Box::new(self.rows.iter().map(|(id, row)| (*id, row))),
            };
        let mut found = Vec::new();
        for (id, row) in candidates {
            ticker.tick(selection.work())?;
            if !selection.matches(&row.labels) {
                continue;
            }
            let parts = row.frozen.find(start, end).chain(row.data.find(start, end));
            found.push(Match {
                id,
                labels: row.labels.clone(),
                parts: parts.map(|chunk| Part::Memory(Arc::clone(chunk))).collect(),
                span: join(row.frozen.span(), row.data.span()),
            });
        }
        Ok(found)
    }

    /// Segments that may have entries from `start` (inclusive) to `end` (exclusive).
    pub(super) fn overlapping(&self, start: i64, end: i64) -> Vec<Arc<Segment>> {
        let overlapping = self.segments.iter().filter(|one| one.overlaps(start, end));
        overlapping.cloned().collect()
    }

    /// Rows among which all matching ones are, from the matcher that leaves the fewest; `None`
    /// where no matcher demands a label to be there.
    fn candidates(
        &self,
        selection: &Selection,
        ticker: &mut Ticker,
    ) -> Result<Option<Vec<Id>>, EvalError> {
        let mut best: Option<Vec<Id>> = None;
        for (name, test) in selection.tests() {
            if test.passes("") {
                continue;
            }
            let rows = match (self.index.get(name), test) {
                (None, _) => Vec::new(),
                (Some(values), Test::Equal(value)) => {
                    values.get(value).cloned().unwrap_or_default()
                }
                (Some(values), Test::NotEqual(_) | Test::Regex(_) | Test::NotRegex(_)) => {
                    // Going through every value only pays while nothing better was found.
                    if best.is_some() {
                        continue;
                    }
                    let mut rows = Vec::new();
                    for (value, of_value) in values {
                        ticker.tick(TEST)?;
                        if test.passes(value) {
                            rows.extend_from_slice(of_value);
                        }
                    }
                    rows
                }
            };
            if best.as_ref().is_none_or(|best| rows.len() < best.len()) {
                best = Some(rows);
            }
        }
        Ok(best)
    }
}

/// Appends a label set in one piece.
pub(super) fn put_key(out: &mut Vec<u8>, labels: &Labels) {
    for (name, value) in labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

fn key(labels: &Labels) -> Vec<u8> {
    let mut key = Vec::new();
    put_key(&mut key, labels);
    key
}

/// The span over both.
pub(super) fn join(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, None) | (None, one) => one,
    }
}

impl<T: Timed> Chunks<T> {
    /// Times of the oldest and newest entries.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        self.oldest().zip(self.newest())
    }
}
