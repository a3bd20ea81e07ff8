//! Entries as bytes: the form that they have in a write-ahead log and, compressed, in a segment.

pub(crate) mod exemplars;
pub(crate) mod histograms;
pub(crate) mod logs;
pub(crate) mod samples;

use super::Damaged;
use super::bytes::{Bytes, put_i64, put_text};
use crate::store::chunks::Timed;

/// Entries in one encoded run; more are written as several.
pub(crate) const MOST_ENTRIES: usize = 1 << 16;

/// What can be stored.
pub trait Record: Timed + Send + Sync + std::fmt::Debug + 'static {
    /// Its name, which is its directory's.
    const NAME: &'static str;

    /// Nanoseconds in a unit of its time.
    const UNIT_NS: i64;

    /// Entries of one series that are compressed together at the most.
    const PER_CHUNK: usize;

    /// About how many bytes it takes in memory.
    fn weight(&self) -> usize;

    /// Appends entries, at most 65,536, in any order.
    fn encode(entries: &[Self], out: &mut Vec<u8>);

    /// Appends the `count` entries that these bytes encode, in their order.
    fn decode(bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Result<(), Damaged>;
}

fn check_count(count: usize) -> Result<(), Damaged> {
    if count > MOST_ENTRIES {
        return Err(Damaged("a run of entries is too long"));
    }
    Ok(())
}

/// Times as differences of one to the next.
fn put_times(out: &mut Vec<u8>, times: impl Iterator<Item = i64>) {
    let mut last = 0_i64;
    for time in times {
        put_i64(out, time.wrapping_sub(last));
        last = time;
    }
}

fn put_pairs<'a>(out: &mut Vec<u8>, pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>) {
    super::bytes::put_len(out, pairs.len());
    for (name, value) in pairs {
        put_text(out, name);
        put_text(out, value);
    }
}

fn pairs(bytes: &mut Bytes<'_>) -> Result<Vec<(String, String)>, Damaged> {
    let count = bytes.count()?;
    (0..count)
        .map(|_| Ok((bytes.text()?.to_owned(), bytes.text()?.to_owned())))
        .collect()
}
