//! Exemplars, which are few.

use super::{Record, check_count, pairs, put_pairs, put_times};
use crate::labels::Labels;
use crate::store::Exemplar;
use crate::store::disk::Damaged;
use crate::store::disk::bytes::Bytes;

impl Record for Exemplar {
    const NAME: &'static str = "exemplars";
    const UNIT_NS: i64 = 1_000_000;
    const PER_CHUNK: usize = 1_024;

    fn weight(&self) -> usize {
        let labels = self.labels.iter();
        let texts: usize = labels
            .map(|(name, value)| 48 + name.len() + value.len())
            .sum();
        size_of::<Self>() + texts
    }

    fn encode(entries: &[Self], out: &mut Vec<u8>) {
        put_times(out, entries.iter().map(|entry| entry.timestamp_ms));
        for entry in entries {
            out.extend_from_slice(&entry.value.to_bits().to_le_bytes());
            let labels: Vec<_> = entry.labels.iter().collect();
            put_pairs(out, labels.into_iter());
        }
    }

    fn decode(bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Result<(), Damaged> {
        check_count(count)?;
        let mut bytes = Bytes(bytes);
        let mut times = Vec::with_capacity(count);
        let mut last = 0_i64;
        for _ in 0..count {
            last = last.wrapping_add(bytes.i64()?);
            times.push(last);
        }
        for timestamp_ms in times {
            let value = f64::from_bits(u64::from_le_bytes(bytes.array()?));
            out.push(Self {
                labels: Labels::keeping_empty(pairs(&mut bytes)?),
                value,
                timestamp_ms,
            });
        }
        bytes.end()
    }
}
