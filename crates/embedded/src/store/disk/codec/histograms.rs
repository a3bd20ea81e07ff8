//! Native histograms.

use std::sync::Arc;

use super::{Record, check_count, put_times};
use crate::histogram::{Histogram, ResetHint};
use crate::store::HistogramSample;
use crate::store::disk::Damaged;
use crate::store::disk::bytes::{Bytes, put_i64, put_len};

impl Record for HistogramSample {
    const NAME: &'static str = "histograms";
    const UNIT_NS: i64 = 1_000_000;
    const PER_CHUNK: usize = 120;

    fn weight(&self) -> usize {
        let histogram = &self.histogram;
        let buckets = histogram.positive.len() + histogram.negative.len();
        size_of::<Self>()
            + size_of::<Histogram>()
            + buckets * size_of::<(i32, f64)>()
            + histogram.custom_bounds.len() * size_of::<f64>()
    }

    fn encode(entries: &[Self], out: &mut Vec<u8>) {
        put_times(out, entries.iter().map(|entry| entry.timestamp_ms));
        for entry in entries {
            put_histogram(out, &entry.histogram);
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
            out.push(Self {
                timestamp_ms,
                histogram: Arc::new(histogram(&mut bytes)?),
            });
        }
        bytes.end()
    }
}

fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn float(bytes: &mut Bytes<'_>) -> Result<f64, Damaged> {
    Ok(f64::from_bits(u64::from_le_bytes(bytes.array()?)))
}

fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    put_i64(out, i64::from(histogram.schema));
    out.push(match histogram.reset_hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    });
    let totals = [
        histogram.zero_threshold,
        histogram.zero_count,
        histogram.count,
        histogram.sum,
    ];
    for total in totals {
        put_float(out, total);
    }
    for buckets in [&histogram.positive, &histogram.negative] {
        put_len(out, buckets.len());
        for (index, count) in buckets {
            put_i64(out, i64::from(*index));
            put_float(out, *count);
        }
    }
    put_len(out, histogram.custom_bounds.len());
    for bound in &histogram.custom_bounds {
        put_float(out, *bound);
    }
}

fn histogram(bytes: &mut Bytes<'_>) -> Result<Histogram, Damaged> {
    let schema = index(bytes)?;
    let reset_hint = match bytes.byte()? {
        0 => ResetHint::Unknown,
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => return Err(Damaged("a histogram of an unknown kind")),
    };
    Ok(Histogram {
        schema,
        reset_hint,
        zero_threshold: float(bytes)?,
        zero_count: float(bytes)?,
        count: float(bytes)?,
        sum: float(bytes)?,
        positive: buckets(bytes)?,
        negative: buckets(bytes)?,
        custom_bounds: {
            let count = bytes.count()?;
            (0..count).map(|_| float(bytes)).collect::<Result<_, _>>()?
        },
    })
}

fn index(bytes: &mut Bytes<'_>) -> Result<i32, Damaged> {
    i32::try_from(bytes.i64()?).map_err(|_| Damaged("a bucket's index is too large"))
}

fn buckets(bytes: &mut Bytes<'_>) -> Result<Vec<(i32, f64)>, Damaged> {
    let count = bytes.count()?;
    (0..count)
        .map(|_| Ok((index(bytes)?, float(bytes)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_come_back_as_they_were() {
        let exponential = Histogram {
            schema: 3,
            zero_threshold: 0.001,
            zero_count: 2.0,
            count: 12.5,
            sum: -3.0,
            positive: vec![(-4, 1.0), (7, 2.5)],
            negative: vec![(0, 7.0)],
            custom_bounds: Vec::new(),
            reset_hint: ResetHint::Gauge,
        };
        let custom = Histogram {
            schema: crate::histogram::CUSTOM_SCHEMA,
            count: 1.0,
            positive: vec![(1, 1.0)],
            custom_bounds: vec![0.5, 1.0],
            ..Histogram::default()
        };
        let samples: Vec<_> = [exponential, custom]
            .into_iter()
            .zip([1_000, -5])
            .map(|(histogram, timestamp_ms)| HistogramSample {
                timestamp_ms,
                histogram: Arc::new(histogram),
            })
            .collect();
        let mut bytes = Vec::new();
        HistogramSample::encode(&samples, &mut bytes);
        let mut back = Vec::new();
        HistogramSample::decode(&bytes, 2, &mut back).unwrap();
        assert_eq!(back, samples);
        for cut in 0..bytes.len() {
            assert!(HistogramSample::decode(&bytes[..cut], 2, &mut Vec::new()).is_err());
        }
    }
}
