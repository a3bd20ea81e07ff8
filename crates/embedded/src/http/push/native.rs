//! Native histograms as they are sent, and what has to hold of them, which is what has to hold in
//! Prometheus.

use std::sync::Arc;

use crate::histogram::{CUSTOM_SCHEMA, FINEST_SCHEMA};
use crate::http::push::proto::histogram::{Count, Histogram as Sent, Span, ZeroCount};
use crate::store::STALE_NAN;
use crate::{Histogram, HistogramSample, ResetHint};

/// Bytes of one histogram at the most, and its buckets on each side; hundreds are usual.
pub(super) const LONGEST: usize = 1 << 20;
const MOST_BUCKETS: usize = 1 << 16;

/// Schemas finer than those that are stored, which are made coarser; finer ones there are not.
const FINEST_SENT: i32 = 52;

/// Why one is refused.
pub(super) type Invalid = String;

/// A histogram of remote write.
pub(super) fn of_remote_write(sent: &Sent) -> Result<HistogramSample, Invalid> {
    let mut histogram = Histogram {
        schema: sent.schema,
        zero_threshold: sent.zero_threshold,
        sum: sent.sum,
        custom_bounds: sent.custom_values.clone(),
        reset_hint: match sent.reset_hint {
            1 => ResetHint::Reset,
            2 => ResetHint::NotReset,
            3 => ResetHint::Gauge,
            _ => ResetHint::Unknown,
        },
        ..Histogram::default()
    };
    check_bounds(sent)?;
    let side = |of: &str, spans: &[Span], counts: Vec<f64>| {
        let placed = placed(spans, counts);
        placed.map_err(|invalid| format!("{of} side: {invalid}"))
    };
    let (positive, negative) = match sent.count {
        Some(Count::Float(count)) => {
            let zero = match sent.zero_count {
                Some(ZeroCount::Float(zero)) => zero,
                Some(ZeroCount::Int(_)) | None => 0.0,
            };
            let all = sent.positive_counts.iter().chain(&sent.negative_counts);
            if all.chain([&zero, &count]).any(|count| *count < 0.0) {
                return Err("a count is negative".to_owned());
            }
            (histogram.count, histogram.zero_count) = (count, zero);
            (sent.positive_counts.clone(), sent.negative_counts.clone())
        }
        Some(Count::Int(_)) | None => {
            let count = match sent.count {
                Some(Count::Int(count)) => count,
                Some(Count::Float(_)) | None => 0,
            };
            let zero = match sent.zero_count {
                Some(ZeroCount::Int(zero)) => zero,
                Some(ZeroCount::Float(_)) | None => 0,
            };
            let positive = counts(&sent.positive_deltas)?;
            let negative = counts(&sent.negative_deltas)?;
            check_count(count, positive.iter().chain(&negative), zero, sent.sum)?;
            (histogram.count, histogram.zero_count) = (float(count), float(zero));
            let floats = |counts: &[u64]| counts.iter().copied().map(float).collect();
            (floats(&positive), floats(&negative))
        }
    };
    let mut positive = side("positive", &sent.positive_spans, positive)?;
    let mut negative = side("negative", &sent.negative_spans, negative)?;
    if (FINEST_SCHEMA + 1..=FINEST_SENT).contains(&sent.schema) {
        let shift = (sent.schema - FINEST_SCHEMA).unsigned_abs();
        for side in [&mut positive, &mut negative] {
            for (index, _) in side {
                *index = ((*index - 1) >> shift) + 1;
            }
        }
        histogram.schema = FINEST_SCHEMA;
    }
    histogram.positive = joined(positive)?;
    histogram.negative = joined(negative)?;
    if sent.schema == CUSTOM_SCHEMA {
        check_custom(&histogram)?;
    }
    histogram.check()?;
    Ok(HistogramSample {
        timestamp_ms: sent.timestamp,
        histogram: Arc::new(histogram),
    })
}

fn check_bounds(sent: &Sent) -> Result<(), Invalid> {
    let sides = [
        sent.positive_deltas.len(),
        sent.positive_counts.len(),
        sent.negative_deltas.len(),
        sent.negative_counts.len(),
        sent.custom_values.len(),
    ];
    if sides.iter().any(|count| *count > MOST_BUCKETS) {
        return Err(too_many());
    }
    if sent.schema != CUSTOM_SCHEMA && !sent.custom_values.is_empty() {
        return Err("it has custom bounds, which its schema has not".to_owned());
    }
    if sent.custom_values.last() == Some(&f64::INFINITY) {
        return Err("its last custom bound is infinite, which goes without saying".to_owned());
    }
    Ok(())
}

#[allow(clippy::float_cmp)] // zero is what is meant
fn check_custom(histogram: &Histogram) -> Result<(), Invalid> {
    if histogram.zero_count != 0.0 || histogram.zero_threshold != 0.0 {
        return Err("it has custom bounds and a zero bucket".to_owned());
    }
    Ok(())
}

/// That as many observations were counted as are in the buckets; those that were NaN, which make the
/// sum NaN, are in none.
pub(super) fn check_count<'a>(
    count: u64,
    buckets: impl Iterator<Item = &'a u64>,
    zero: u64,
    sum: f64,
) -> Result<(), Invalid> {
    let in_buckets = buckets.map(|count| u128::from(*count)).sum::<u128>() + u128::from(zero);
    let all = u128::from(count);
    if in_buckets == all || (sum.is_nan() && in_buckets < all) {
        return Ok(());
    }
    Err(format!(
        "{in_buckets} observations are in its buckets, and its count is {count}"
    ))
}

/// Counts from what each differs by.
fn counts(deltas: &[i64]) -> Result<Vec<u64>, Invalid> {
    let mut last = 0_i64;
    let counts = deltas.iter().map(|delta| {
        last = last.checked_add(*delta)?;
        u64::try_from(last).ok()
    });
    let counts: Option<Vec<u64>> = counts.collect();
    counts.ok_or_else(|| "a count is negative, or more than can be counted".to_owned())
}

/// Counts with the indices that spans give them.
fn placed(spans: &[Span], counts: Vec<f64>) -> Result<Vec<(i64, f64)>, Invalid> {
    let needed: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if needed != counts.len() as u64 {
        return Err(format!(
            "its spans need {needed} buckets, and there are {}",
            counts.len()
        ));
    }
    if spans.iter().skip(1).any(|span| span.offset < 0) {
        return Err("a span begins before the one before it ends".to_owned());
    }
    let mut placed = Vec::with_capacity(counts.len());
    let mut counts = counts.into_iter();
    let mut next = 0_i64;
    for span in spans {
        next = next.saturating_add(i64::from(span.offset));
        for count in counts.by_ref().take(span.length as usize) {
            placed.push((next, count));
            next = next.saturating_add(1);
        }
    }
    Ok(placed)
}

/// Puts buckets together that have the same index.
pub(super) fn joined(
    buckets: impl IntoIterator<Item = (i64, f64)>,
) -> Result<Vec<(i32, f64)>, Invalid> {
    let mut joined: Vec<(i32, f64)> = Vec::new();
    for (index, count) in buckets {
        let index = i32::try_from(index).map_err(|_| "it has buckets beyond all numbers")?;
        match joined.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            Some(_) | None => joined.push((index, count)),
        }
        if joined.len() > MOST_BUCKETS {
            return Err(too_many());
        }
    }
    Ok(joined)
}

pub(super) fn too_many() -> Invalid {
    format!("it has more than {MOST_BUCKETS} buckets")
}

/// The mark of a series' end.
pub(super) fn stale() -> Histogram {
    Histogram {
        sum: f64::from_bits(STALE_NAN),
        ..Histogram::default()
    }
}

#[allow(clippy::cast_precision_loss)] // samples are floats
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
