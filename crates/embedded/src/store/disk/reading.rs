//! Reading chunks: files that stay open, and pages that stay decompressed, as long as one query
//! reads from them.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use super::DiskError;
use super::codec::Record;
use super::segment::{Chunk, Page, Segment, read_page};
use crate::limits::EvalError;

/// Segments that one query has open at a time.
const MOST_OPEN: usize = 128;

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
    open: HashMap<u64, Open>,
    /// Grows with every page that is asked for.
    clock: u64,
}

#[derive(Debug)]
struct Open {
    /// Which file it is; keeps it from being removed.
    segment: Arc<Segment>,
    file: Arc<File>,
    /// The page that was read last: streams that stand beside each other share one.
    last: Option<(u64, Arc<Vec<u8>>)>,
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
        let key = stored.segment.seq;
        let known = self.open.get(&key);
        if !known.is_some_and(|open| Arc::ptr_eq(&open.segment, &stored.segment)) {
            if self.open.len() >= MOST_OPEN {
                let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
                if let Some(oldest) = oldest.map(|(key, _)| *key) {
                    self.open.remove(&oldest);
                }
            }
            let open = Open {
                segment: Arc::clone(&stored.segment),
                file: Arc::new(File::open(&stored.segment.path)?),
                last: None,
                used: 0,
            };
            self.open.insert(key, open);
        }
        let Some(open) = self.open.get_mut(&key) else {
            return Err(super::Damaged("no file").into());
        };
        open.used = self.clock;
        if let Some((offset, page)) = &open.last
            && *offset == stored.page.offset
        {
            return Ok(Arc::clone(page));
        }
        let page = Arc::new(read_page(&open.file, stored.page)?);
        open.last = Some((stored.page.offset, Arc::clone(&page)));
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
        let page = reading.page(self)?;
        let from = self.chunk.offset as usize;
        let bytes = page.get(from..from + self.chunk.len as usize);
        T::decode(bytes.unwrap_or_default(), self.chunk.count as usize, all)
            .map_err(|error| self.unreadable(error))
    }

    /// The error for a chunk whose bytes are not entries. The cause goes to the log.
    pub(crate) fn unreadable(&self, error: super::Damaged) -> EvalError {
        DiskError::from(error).of_query(&self.segment.path)
    }
}
