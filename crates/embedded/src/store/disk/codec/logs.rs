//! Log lines: times, lengths, what structured metadata there is, and then the text of all lines in
//! one piece, so that a search can run over it without looking at one line at a time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{Record, check_count, pairs, put_pairs, put_times};
use crate::LogEntry;
use crate::store::disk::Damaged;
use crate::store::disk::bytes::{Bytes, put_len};

impl Record for LogEntry {
    const NAME: &'static str = "logs";
    const UNIT_NS: i64 = 1;
    const PER_CHUNK: usize = 4_096;

    fn weight(&self) -> usize {
        let metadata = self.structured_metadata.iter();
        let texts: usize = metadata
            .map(|(name, value)| 48 + name.len() + value.len())
            .sum();
        size_of::<Self>() + self.line.len() + texts
    }

    fn encode(entries: &[Self], out: &mut Vec<u8>) {
        put_times(out, entries.iter().map(|entry| entry.timestamp_ns));
        for entry in entries {
            put_len(out, entry.line.len());
        }
        put_metadata(out, entries);
        for entry in entries {
            out.extend_from_slice(entry.line.as_bytes());
        }
    }

    fn decode(bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Result<(), Damaged> {
        let frame = Frame::parse(bytes, count)?;
        let text = bytes
            .get(frame.text.clone())
            .ok_or(Damaged("bytes are missing"))?;
        let text = std::str::from_utf8(text).map_err(|_| Damaged("a line is not UTF-8"))?;
        out.reserve(count);
        let mut from = 0;
        for (at, (time, end)) in frame.times.iter().zip(&frame.ends).enumerate() {
            let line = text
                .get(from..*end)
                .ok_or(Damaged("a line ends within a character"))?;
            from = *end;
            out.push(Self {
                timestamp_ns: *time,
                line: line.to_owned(),
                structured_metadata: frame.metadata(at).to_vec(),
            });
        }
        Ok(())
    }
}

fn put_metadata(out: &mut Vec<u8>, entries: &[LogEntry]) {
    let mut sets: Vec<&[(String, String)]> = Vec::new();
    let mut ids: HashMap<&[(String, String)], usize> = HashMap::new();
    let mut used = Vec::with_capacity(entries.len());
    for entry in entries {
        let set = entry.structured_metadata.as_slice();
        used.push(*ids.entry(set).or_insert_with(|| {
            sets.push(set);
            sets.len() - 1
        }));
    }
    if let [] | [[]] = sets.as_slice() {
        put_len(out, 0);
        return;
    }
    put_len(out, sets.len());
    for set in sets {
        let pairs = set.iter();
        put_pairs(
            out,
            pairs.map(|(name, value)| (name.as_str(), value.as_str())),
        );
    }
    for id in used {
        put_len(out, id);
    }
}

/// Where everything is within the bytes of some lines.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) times: Vec<i64>,
    /// Where each line ends, counted from the beginning of the text.
    pub(crate) ends: Vec<usize>,
    /// The text of all lines within the bytes.
    pub(crate) text: Range<usize>,
    sets: Vec<Vec<(String, String)>>,
    used: Vec<usize>,
}

impl Frame {
    pub(crate) fn parse(all: &[u8], count: usize) -> Result<Self, Damaged> {
        check_count(count)?;
        let mut bytes = Bytes(all);
        let mut times = Vec::with_capacity(count);
        let mut last = 0_i64;
        for _ in 0..count {
            last = last.wrapping_add(bytes.i64()?);
            times.push(last);
        }
        let mut ends = Vec::with_capacity(count);
        let mut end = 0_usize;
        for _ in 0..count {
            end = end
                .checked_add(bytes.len()?)
                .ok_or(Damaged("a length is too large"))?;
            ends.push(end);
        }
        let known = bytes.count()?;
        let sets = (0..known)
            .map(|_| pairs(&mut bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let mut used = Vec::new();
        if known > 0 {
            for _ in 0..count {
                let set = bytes.len()?;
                if set >= known {
                    return Err(Damaged("structured metadata is missing"));
                }
                used.push(set);
            }
        }
        if bytes.0.len() != end {
            return Err(Damaged("the text has not the length of its lines"));
        }
        Ok(Self {
            times,
            ends,
            text: all.len() - end..all.len(),
            sets,
            used,
        })
    }

    /// The structured metadata of a line.
    pub(crate) fn metadata(&self, at: usize) -> &[(String, String)] {
        let set = self.used.get(at).and_then(|set| self.sets.get(*set));
        set.map_or(&[], Vec::as_slice)
    }
}

/// Lines of a page, which they share with the lines of other streams.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) frame: Frame,
    page: Arc<Vec<u8>>,
    text: Range<usize>,
}

impl Block {
    pub(crate) fn new(
        page: Arc<Vec<u8>>,
        range: Range<usize>,
        count: usize,
    ) -> Result<Self, Damaged> {
        let bytes = page
            .get(range.clone())
            .ok_or(Damaged("lines are outside of their page"))?;
        let frame = Frame::parse(bytes, count)?;
        let text = range.start + frame.text.start..range.start + frame.text.end;
        Ok(Self { frame, page, text })
    }

    /// The text of all lines.
    pub(crate) fn text(&self) -> &[u8] {
        self.page.get(self.text.clone()).unwrap_or_default()
    }

    /// Where a line is within the text.
    pub(crate) fn range(&self, at: usize) -> Range<usize> {
        let end = self.frame.ends.get(at).copied().unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| self.frame.ends.get(at));
        before.copied().unwrap_or_default()..end
    }

    /// A line; checked to be UTF-8 when it is asked for, for few of them are.
    pub(crate) fn line(&self, at: usize) -> Result<&str, Damaged> {
        let bytes = self.text().get(self.range(at)).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| Damaged("a line is not UTF-8"))
    }
}
