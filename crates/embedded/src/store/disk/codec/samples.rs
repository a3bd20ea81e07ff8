//! Samples: times as runs of equal changes of their distance, values as differences of integers
//! or, where they are none, of bits.
//!
//! This is Gorilla's idea (Pelkonen and others, 2015) on whole bytes, which are read several times
//! faster than bits; the compression of the page around them finds what is left.

use super::{MOST_ENTRIES, Record, check_count};
use crate::store::Sample;
use crate::store::disk::Damaged;
use crate::store::disk::bytes::{Bytes, put_i64, put_len};

const INTEGERS: u8 = 0;
const FLOATS: u8 = 1;

/// Integers up to here are the same as a float and as an integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Record for Sample {
    const NAME: &'static str = "samples";
    const UNIT_NS: i64 = 1_000_000;
    const PER_CHUNK: usize = 1_024;

    fn weight(&self) -> usize {
        size_of::<Self>()
    }

    fn encode(entries: &[Self], out: &mut Vec<u8>) {
        debug_assert!(entries.len() <= MOST_ENTRIES);
        put_changes(out, entries);
        if entries.iter().all(|sample| integer(sample.value).is_some()) {
            out.push(INTEGERS);
            let mut last = 0_i64;
            for value in entries.iter().filter_map(|sample| integer(sample.value)) {
                put_i64(out, value - last);
                last = value;
            }
        } else {
            out.push(FLOATS);
            let mut last = 0_u64;
            for sample in entries {
                let bits = sample.value.to_bits();
                put_bits(out, bits ^ last);
                last = bits;
            }
        }
    }

    fn decode(bytes: &[u8], count: usize, out: &mut Vec<Self>) -> Result<(), Damaged> {
        check_count(count)?;
        let mut bytes = Bytes(bytes);
        let begin = out.len();
        out.reserve(count);
        read_changes(&mut bytes, count, out)?;
        let samples = out.get_mut(begin..).unwrap_or_default();
        match bytes.byte()? {
            INTEGERS => {
                let mut last = 0_i64;
                for sample in samples {
                    last = last.wrapping_add(bytes.i64()?);
                    #[allow(clippy::cast_precision_loss)] // only those that lose none are written
                    let value = last as f64;
                    sample.value = value;
                }
            }
            FLOATS => {
                let mut last = 0_u64;
                for sample in samples {
                    last ^= read_bits(&mut bytes)?;
                    sample.value = f64::from_bits(last);
                }
            }
            _ => return Err(Damaged("samples of an unknown form")),
        }
        bytes.end()
    }
}

/// The value as an integer if that says all of it; negative zero is none.
fn integer(value: f64) -> Option<i64> {
    if value.abs() >= EXACT {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // compared below
    let whole = value as i64;
    #[allow(clippy::cast_precision_loss)] // below 2^53
    let back = whole as f64;
    (back.to_bits() == value.to_bits()).then_some(whole)
}

fn put_changes(out: &mut Vec<u8>, samples: &[Sample]) {
    let (mut last, mut distance) = (0_i64, 0_i64);
    let mut run: Option<(i64, usize)> = None;
    for sample in samples {
        let fresh = sample.timestamp_ms.wrapping_sub(last);
        let change = fresh.wrapping_sub(distance);
        (last, distance) = (sample.timestamp_ms, fresh);
        match &mut run {
            Some((of, length)) if *of == change => *length += 1,
            Some((of, length)) => {
                put_i64(out, *of);
                put_len(out, *length);
                (*of, *length) = (change, 1);
            }
            None => run = Some((change, 1)),
        }
    }
    if let Some((of, length)) = run {
        put_i64(out, of);
        put_len(out, length);
    }
}

fn read_changes(
    bytes: &mut Bytes<'_>,
    mut count: usize,
    out: &mut Vec<Sample>,
) -> Result<(), Damaged> {
    let (mut last, mut distance) = (0_i64, 0_i64);
    while count > 0 {
        let change = bytes.i64()?;
        let length = bytes.len()?;
        if length == 0 || length > count {
            return Err(Damaged("a run of times is longer than the samples"));
        }
        count -= length;
        for _ in 0..length {
            distance = distance.wrapping_add(change);
            last = last.wrapping_add(distance);
            out.push(Sample {
                timestamp_ms: last,
                value: 0.0,
            });
        }
    }
    Ok(())
}

/// The bytes between the zeros on both sides, behind a byte that tells how many there are of each.
#[allow(clippy::cast_possible_truncation)] // both numbers are at most 8
fn put_bits(out: &mut Vec<u8>, bits: u64) {
    if bits == 0 {
        out.push(0);
        return;
    }
    let low = bits.trailing_zeros() / 8;
    let kept = 8 - low - bits.leading_zeros() / 8;
    out.push((low << 4 | kept) as u8);
    let bytes = (bits >> (low * 8)).to_le_bytes();
    out.extend(bytes.iter().take(kept as usize));
}

fn read_bits(bytes: &mut Bytes<'_>) -> Result<u64, Damaged> {
    let head = bytes.byte()?;
    let (low, kept) = (u32::from(head >> 4), usize::from(head & 0xf));
    if low as usize + kept > 8 {
        return Err(Damaged("a value has too many bytes"));
    }
    let mut value = [0; 8];
    for (to, from) in value.iter_mut().zip(bytes.take(kept)?) {
        *to = *from;
    }
    Ok(u64::from_le_bytes(value).checked_shl(low * 8).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::STALE_NAN;

    #[test]
    fn samples_come_back_to_the_last_bit() {
        let values = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1e300,
            f64::MIN_POSITIVE,
            EXACT,
            EXACT - 1.0,
            0.1 + 0.2,
            f64::INFINITY,
            f64::NAN,
            f64::from_bits(STALE_NAN),
        ];
        for some in [&values[..1], &values[2..4], &values] {
            for times in [[i64::MIN, i64::MAX, 0], [5, 5, 5], [1, 2, 3]] {
                let samples: Vec<Sample> = some
                    .iter()
                    .zip(times.iter().cycle())
                    .map(|(value, time)| Sample {
                        timestamp_ms: *time,
                        value: *value,
                    })
                    .collect();
                let mut bytes = Vec::new();
                Sample::encode(&samples, &mut bytes);
                let mut back = Vec::new();
                Sample::decode(&bytes, samples.len(), &mut back).unwrap();
                let bits = |all: &[Sample]| -> Vec<(i64, u64)> {
                    let pairs = all.iter();
                    pairs
                        .map(|sample| (sample.timestamp_ms, sample.value.to_bits()))
                        .collect()
                };
                assert_eq!(bits(&samples), bits(&back));
            }
        }
    }

    #[test]
    fn a_regular_counter_takes_few_bytes() {
        let samples: Vec<Sample> = (0..240_i32)
            .map(|at| Sample {
                timestamp_ms: 1_700_000_000_000 + i64::from(at) * 15_000,
                value: f64::from(at * 17),
            })
            .collect();
        let mut bytes = Vec::new();
        Sample::encode(&samples, &mut bytes);
        assert!(bytes.len() < 270, "{}", bytes.len());
    }
}
