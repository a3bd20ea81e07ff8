//! The streams or series of one tenant, with an index of their labels.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::labels::Labels;
use crate::store::PushError;
use crate::store::chunks::{Chunks, Selected, Timed};
use crate::store::select::{Selection, Test};

#[derive(Debug)]
pub(super) struct Table<T> {
    rows: Vec<Row<T>>,
    ids: HashMap<Labels, usize>,
    /// Label name to value to the rows that have it, ascending.
    index: HashMap<String, BTreeMap<String, Vec<usize>>>,
}

#[derive(Debug)]
struct Row<T> {
    labels: Labels,
    data: Chunks<T>,
}

/// Is told, while the table is locked, of what a table takes.
pub(super) trait Observer<T> {
    /// Whether entries with these labels are wanted.
    fn wants(&self, labels: &Labels) -> bool;

    /// Entries that were not there before.
    fn taken(&self, labels: &Labels, entries: Vec<T>);
}

/// Nobody looks.
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
            rows: Vec::new(),
            ids: HashMap::new(),
            index: HashMap::new(),
        }
    }
}

impl<T: Timed> Table<T> {
    /// Adds all of `batch`, or nothing of it where it would make too many rows.
    pub(super) fn push(
        &mut self,
        batch: Vec<(Labels, Vec<T>)>,
        max_rows: usize,
        retention: i64,
        observer: &impl Observer<T>,
    ) -> Result<(), PushError> {
        let mut fresh: Vec<&Labels> = batch
            .iter()
            .map(|(labels, _)| labels)
            .filter(|labels| !self.ids.contains_key(*labels))
            .collect();
        fresh.sort_unstable();
        fresh.dedup();
        if self.rows.len() + fresh.len() > max_rows {
            return Err(PushError::TooManyStreams(max_rows));
        }
        for (labels, entries) in batch {
            let id = self.id(&labels);
            let Some(row) = self.rows.get_mut(id) else {
                continue;
            };
            if observer.wants(&labels) {
                let mut fresh = Vec::new();
                for entry in entries {
                    if row.data.push(entry.clone()) {
                        fresh.push(entry);
                    }
                }
                observer.taken(&labels, fresh);
            } else {
                for entry in entries {
                    row.data.push(entry);
                }
            }
            if let Some(newest) = row.data.newest() {
                row.data.drop_before(newest.saturating_sub(retention));
            }
        }
        Ok(())
    }

    fn id(&mut self, labels: &Labels) -> usize {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = self.rows.len();
        self.rows.push(Row {
            labels: labels.clone(),
            data: Chunks::default(),
        });
        self.ids.insert(labels.clone(), id);
        for (name, value) in labels.iter() {
            let values = self.index.entry(name.to_owned()).or_default();
            values.entry(value.to_owned()).or_default().push(id);
        }
        id
    }

    pub(super) fn select(&self, selection: &Selection, start: i64, end: i64) -> Vec<Selected<T>> {
        let mut found: Vec<Selected<T>> = self
            .matching(selection)
            .filter_map(|row| row.data.select(&row.labels, start, end))
            .collect();
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        found
    }

    /// Adds to `found` the labels of the rows whose time meets the one from `start` (inclusive) to
    /// `end` (exclusive).
    pub(super) fn labels(
        &self,
        selection: &Selection,
        start: i64,
        end: i64,
        found: &mut BTreeSet<Labels>,
    ) {
        let rows = self.matching(selection);
        let within = rows.filter(|row| row.data.overlap(start, end));
        found.extend(within.map(|row| row.labels.clone()));
    }

    fn matching<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> Box<dyn Iterator<Item = &'a Row<T>> + 'a> {
        let candidates: Box<dyn Iterator<Item = &'a Row<T>> + 'a> = match self.candidates(selection)
        {
            Some(ids) => Box::new(ids.into_iter().filter_map(|id| self.rows.get(id))),
            None => Box::new(self.rows.iter()),
        };
        Box::new(candidates.filter(move |row| selection.matches(&row.labels)))
    }

    /// Rows among which all matching ones are, from the matcher that leaves the fewest; `None`
    /// where no matcher demands a label to be there.
    fn candidates(&self, selection: &Selection) -> Option<Vec<usize>> {
        let mut best: Option<Vec<usize>> = None;
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
                    values
                        .iter()
                        .filter(|(value, _)| test.passes(value))
                        .flat_map(|(_, rows)| rows.iter().copied())
                        .collect()
                }
            };
            if best.as_ref().is_none_or(|best| rows.len() < best.len()) {
                best = Some(rows);
            }
        }
        best
    }
}
