//! Everything that reads a directory's bytes, for the fuzzer.

use std::sync::Arc;

use crate::LogEntry;
use crate::store::disk::codec::Record;
use crate::store::disk::codec::logs::Block;
use crate::store::disk::log::scan;
use crate::store::disk::segment::{FOOTER, Footer, Index, decompress};
use crate::store::shelf::read_record;
use crate::store::{Exemplar, HistogramSample, Sample, metadata};

/// Reads bytes as everything that is in a data directory. The first two tell how many entries a
/// chunk says that it has.
///
/// # Panics
///
/// Where what was read is not the same when it is written and read again, which is a finding.
pub fn read_anything(bytes: &[u8]) {
    let Some((count, bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let count = usize::from(u16::from_le_bytes(*count));
    let _ = scan(bytes, |_| {});
    let _ = metadata::parse(bytes);
    read_record(bytes);
    let _ = decompress(bytes, count);
    let _ = bytes.get(..FOOTER).map(|footer| Footer::parse(footer, 0));
    if let Ok(index) = Index::parse(bytes, count as u64) {
        for (id, _) in &index.ids {
            let _ = index.find(*id, i64::MIN, i64::MAX);
        }
        assert_eq!(Index::parse(&index.encode(), count as u64), Ok(index));
    }
    again::<Sample>(bytes, count);
    again::<Exemplar>(bytes, count);
    again::<HistogramSample>(bytes, count);
    again::<LogEntry>(bytes, count);
    let page = Arc::new(bytes.to_vec());
    if let Ok(block) = Block::new(page, 0..bytes.len(), count) {
        for at in 0..count {
            let _ = block.line(at);
            let _ = block.frame.metadata(at);
        }
    }
}

/// What could be read can be written, and is the same when it is read again.
fn again<T: Record>(bytes: &[u8], count: usize) {
    let mut entries = Vec::new();
    if T::decode(bytes, count, &mut entries).is_err() {
        return;
    }
    let mut written = Vec::new();
    T::encode(&entries, &mut written);
    let mut read = Vec::new();
    let result = T::decode(&written, entries.len(), &mut read);
    assert!(result.is_ok() && format!("{entries:?}") == format!("{read:?}"));
}
