//! Reading chunks: pages that stay decompressed as long as one query reads from them.

use std::collections::HashMap;
use std::sync::Arc;

use super::DiskError;
use super::codec::Record;
use super::segment::{Chunk, Page, Segment, read_page};
use crate::limits::EvalError;

/// Segments of which one query has a page at a time.
const MOST_PAGES: usize = 128;

/// A chunk that is on disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) segment: Arc<Segment>,
    pub(crate) page: Page,
    pub(crate) chunk: Chunk,
}

/// What one query holds of the files that it reads.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// By the number of the segment.
    open: HashMap<u64, Open>,
    /// Grows with every page that is asked for.
    clock: u64,
}

#[derive(Debug)]
struct Open {
    /// The page that was read last, and where it begins: streams that stand beside each other share
    /// one.
    last: (u64, Arc<Vec<u8>>),
    used: u64,
}

impl Reading {
    /// The page that a chunk is in. What went wrong goes to the log.
    pub(crate) fn page(&mut self, stored: &Stored) -> Result<Arc<Vec<u8>>, EvalError> {
        self.try_page(stored)
            .map_err(|error| error.of_query(&stored.segment.path))
    }

    fn try_page(&mut self, stored: &Stored) -> Result<Arc<Vec<u8>>, DiskError> {
        self.clock += 1;
        let (clock, number) = (self.clock, stored.segment.number);
        if let Some(open) = self.open.get_mut(&number) {
            open.used = clock;
            if open.last.0 == stored.page.offset {
                return Ok(Arc::clone(&open.last.1));
            }
        } else if self.open.len() >= MOST_PAGES {
            let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                self.open.remove(&oldest);
            }
        }
        let page = Arc::new(read_page(&*stored.segment.file()?, stored.page)?);
        let open = Open {
            last: (stored.page.offset, Arc::clone(&page)),
            used: clock,
        };
        self.open.insert(number, open);
        Ok(page)
    }
}

impl Stored {
    /// The entries. What went wrong goes to the log.
    pub(crate) fn read<T: Record>(&self, reading: &mut Reading) -> Result<Vec<T>, EvalError> {
        let mut entries = Vec::new();
        self.read_into(reading, &mut entries)?;
        Ok(entries)
    }

    /// Likewise, behind others.
    pub(crate) fn read_into<T: Record>(
        &self,
        reading: &mut Reading,
        all: &mut Vec<T>,
    ) -> Result<(), EvalError> {
        self.try_read_into(reading, all)
            .map_err(|error| error.of_query(&self.segment.path))
    }

    /// Likewise, with the cause as the error.
    pub(crate) fn try_read_into<T: Record>(
        &self,
        reading: &mut Reading,
        all: &mut Vec<T>,
    ) -> Result<(), DiskError> {
        let page = reading.try_page(self)?;
        let from = self.chunk.offset as usize;
        let bytes = page.get(from..from + self.chunk.len as usize);
        T::decode(bytes.unwrap_or_default(), self.chunk.count as usize, all)?;
        Ok(())
    }

    /// The error for a chunk whose bytes are not entries. The cause goes to the log.
    pub(crate) fn unreadable(&self, error: super::Damaged) -> EvalError {
        DiskError::from(error).of_query(&self.segment.path)
    }
}
