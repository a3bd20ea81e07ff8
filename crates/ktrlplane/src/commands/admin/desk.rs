//! Where all tasks are done: the directory, the operator who writes, and how answers are given.

use std::fmt::Display;

use gateway::directory::manage::list::{Listed, Page};
use gateway::directory::manage::record::Done;
use gateway::directory::manage::{Actor, Operation, Write};
use gateway::directory::{Directory, DirectoryError};
use gateway::{Clock as _, SystemClock};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::super::Failure;
use super::print::Table;
use crate::output;

/// So many records are read at a time.
const PAGE: u16 = 500;

/// There is no such thing.
const NOT_FOUND: u8 = 3;
/// What is there does not permit it.
const NOT_PERMITTED: u8 = 4;
/// The database cannot be asked.
const UNAVAILABLE: u8 = 5;

/// The operator's.
pub(super) struct Desk {
    pub(super) directory: Directory,
    json: bool,
    /// What the lines of this run in the audit have in common.
    run: String,
}

/// A record's line in a table.
pub(super) trait Row: Serialize {
    /// The titles of its columns.
    const TITLES: &'static [&'static str];

    /// Its cells.
    fn cells(&self) -> Vec<String>;
}

impl Desk {
    pub(super) fn new(directory: Directory, json: bool) -> Self {
        Self {
            directory,
            json,
            run: format!("admin-{:016x}", rand::random::<u64>()),
        }
    }

    /// Writes as the operator.
    pub(super) async fn write(&self, operation: Operation) -> Result<Done, Failure> {
        let write = Write {
            actor: Actor::Operator,
            now: now(),
            request_id: self.run.clone(),
            if_match: None,
            idempotency_key: None,
        };
        Ok(self.directory.write(write, operation).await?)
    }

    /// Says what a write has done: the record as JSON, or a sentence.
    pub(super) fn done(&self, done: &Done, sentence: impl Display) -> Result<(), Failure> {
        match &done.json {
            Some(record) if self.json => output::line(record)?,
            Some(_) | None => self.said(json!({}), sentence)?,
        }
        Ok(())
    }

    /// Says what was done to something that is not there any more, or has no record.
    pub(super) fn said(
        &self,
        json: serde_json::Value,
        sentence: impl Display,
    ) -> Result<(), Failure> {
        if self.json {
            output::line(json)?;
        } else {
            output::line(sentence)?;
        }
        Ok(())
    }

    /// Shows one record.
    pub(super) fn show<T: Row>(&self, record: &T) -> Result<(), Failure> {
        if self.json {
            return print_json(record);
        }
        Ok(Table::new(T::TITLES).record(&record.cells())?)
    }

    /// Shows all records of a list that is not read in pages.
    pub(super) fn all<T: Row>(&self, records: &[T]) -> Result<(), Failure> {
        if self.json {
            return print_json(records);
        }
        let cells: Vec<Vec<String>> = records.iter().map(Row::cells).collect();
        Ok(Table::new(T::TITLES).rows(&cells, true)?)
    }

    /// Shows a list, page by page, so that a long one begins at once and is held nowhere as a
    /// whole. `most` is the most records, and `wanted` says which of them.
    pub(super) async fn pages<T: Row>(
        &self,
        most: Option<usize>,
        wanted: impl Fn(&T) -> bool,
        read: impl AsyncFn(&Page) -> Result<Listed<T>, DirectoryError>,
    ) -> Result<(), Failure> {
        let table = Table::new(T::TITLES);
        let mut page = Page {
            after: None,
            limit: PAGE,
        };
        let (mut shown, mut is_first) = (0, true);
        loop {
            let mut listed = read(&page).await?;
            listed.records.retain(&wanted);
            listed
                .records
                .truncate(most.map_or(usize::MAX, |most| most.saturating_sub(shown)));
            if self.json {
                for (index, record) in listed.records.iter().enumerate() {
                    let before = if shown + index == 0 { "[" } else { "," };
                    let record = serde_json::to_string(record).map_err(Failure::new)?;
                    output::line(format_args!("{before}{record}"))?;
                }
            } else {
                let cells: Vec<Vec<String>> = listed.records.iter().map(Row::cells).collect();
                table.rows(&cells, is_first)?;
            }
            is_first = false;
            shown += listed.records.len();
            page.after = listed.next;
            if page.after.is_none() || most.is_some_and(|most| shown >= most) {
                break;
            }
        }
        if self.json {
            output::line(if shown == 0 { "[]" } else { "]" })?;
        }
        Ok(())
    }
}

/// The time of this moment.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

fn print_json(value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
    output::line(serde_json::to_string(value).map_err(Failure::new)?)?;
    Ok(())
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        // The directory's sentences name the parameter of the API.
        let failure = Self::new(error.to_string().replace("?cascade=true", "--cascade"));
        match error {
            DirectoryError::NotFound(_) => failure.with_code(NOT_FOUND),
            DirectoryError::AlreadyExists(_)
            | DirectoryError::Conflict(_)
            | DirectoryError::PreconditionFailed
            | DirectoryError::KeyReused => failure.with_code(NOT_PERMITTED),
            DirectoryError::Unavailable(_) => failure.with_code(UNAVAILABLE),
            DirectoryError::Forbidden(_)
            | DirectoryError::ReadOnly
            | DirectoryError::Invalid(_) => failure,
        }
    }
}

/// A text of the table for what may not be there.
pub(super) fn or_dash(text: Option<impl Display>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}
