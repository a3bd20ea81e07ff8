//! Exponential histograms, which become native ones.

use std::sync::Arc;

use prost::Message as _;

use super::points::{Adding, exemplars, is_nothing, millis};
use crate::histogram::{COARSEST_SCHEMA, FINEST_SCHEMA};
use crate::http::push::native::{self, Invalid, check_count, float, joined, stale, too_many};
use crate::http::push::proto::otlp::{Buckets, ExponentialHistogramDataPoint};
use crate::http::push::{Refused, bad};
use crate::{Histogram, HistogramSample};

/// Where the zero bucket ends, whatever the sender says, as in Prometheus.
const ZERO_THRESHOLD: f64 = 1e-128;

impl Adding<'_, '_> {
    pub(super) fn exponentials(&mut self, points: &[Vec<u8>]) -> Result<(), Refused> {
        for (at, point) in points.iter().enumerate() {
            let added = self.exponential(point);
            self.refuse_point(at, added)?;
        }
        Ok(())
    }

    fn exponential(&mut self, point: &[u8]) -> Result<(), Refused> {
        if point.len() > native::LONGEST {
            return Err(bad(too_many()));
        }
        let point = ExponentialHistogramDataPoint::decode(point).map_err(bad)?;
        let timestamp_ms = millis(point.time_unix_nano);
        let histogram = converted(&point).map_err(bad)?;
        let labels = self.labels(&point.attributes)?;
        let exemplars = exemplars(&point.exemplars, timestamp_ms)?;
        self.span.widen(timestamp_ms);
        let sample = HistogramSample {
            timestamp_ms,
            histogram: Arc::new(histogram),
        };
        let series = labels.series(self.family, "", None);
        self.batch.histogram(series, sample)?;
        self.exemplify(&labels, "", None, exemplars)
    }
}

fn converted(point: &ExponentialHistogramDataPoint) -> Result<Histogram, Invalid> {
    if is_nothing(point.flags) {
        return Ok(stale());
    }
    if point.scale < COARSEST_SCHEMA {
        return Err(format!(
            "its scale is {}, and native histograms begin at {COARSEST_SCHEMA}",
            point.scale
        ));
    }
    let schema = point.scale.min(FINEST_SCHEMA);
    // So many times two buckets become one.
    let shift = point.scale.saturating_sub(FINEST_SCHEMA).clamp(0, 63);
    let side = |buckets: Option<&Buckets>| buckets.map_or(Ok(Vec::new()), |one| place(one, shift));
    let sum = point.sum.unwrap_or(0.0);
    let sides = point.positive.iter().chain(&point.negative);
    let counts = sides.flat_map(|buckets| &buckets.bucket_counts);
    check_count(point.count, counts, point.zero_count, sum)?;
    let histogram = Histogram {
        schema,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: float(point.zero_count),
        count: float(point.count),
        sum,
        positive: side(point.positive.as_ref())?,
        negative: side(point.negative.as_ref())?,
        ..Histogram::default()
    };
    histogram.check()?;
    Ok(histogram)
}

/// Buckets with the indices that Prometheus gives them: there a bucket's bound is its upper one, and
/// here its lower one.
fn place(buckets: &Buckets, shift: i32) -> Result<Vec<(i32, f64)>, Invalid> {
    let first = i64::from(buckets.offset);
    let counts = (first..).zip(&buckets.bucket_counts);
    let filled = counts.filter(|(_, count)| **count > 0);
    joined(filled.map(|(at, count)| ((at >> shift) + 1, float(*count))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(scale: i32, offset: i32, counts: &[u64]) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            scale,
            count: counts.iter().sum(),
            sum: Some(1.5),
            positive: Some(Buckets {
                offset,
                bucket_counts: counts.to_vec(),
            }),
            ..ExponentialHistogramDataPoint::default()
        }
    }

    #[test]
    fn buckets_get_the_indices_that_prometheus_gives_them() {
        for (scale, offset, counts, schema, wanted) in [
            (0, 0, &[1, 2][..], 0, &[(1, 1.0), (2, 2.0)][..]),
            (-4, -3, &[1, 0, 0, 5], -4, &[(-2, 1.0), (1, 5.0)]),
            (8, 1, &[4], 8, &[(2, 4.0)]),
            // One finer than is stored: two become one, and those beside zero stay apart.
            (9, -2, &[1, 2, 3, 4, 5], 8, &[(0, 3.0), (1, 7.0), (2, 5.0)]),
            (20, -1, &[1, 2], 8, &[(0, 1.0), (1, 2.0)]),
            (i32::MAX, -1, &[1, 2], 8, &[(0, 1.0), (1, 2.0)]),
            (3, 0, &[], 3, &[]),
        ] {
            let got = converted(&point(scale, offset, counts)).unwrap();
            assert_eq!((got.schema, got.positive.as_slice()), (schema, wanted));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut miscounted = point(0, 0, &[1]);
        miscounted.count = 2;
        let cases = [
            (point(-5, 0, &[1]), "its scale is -5"),
            (miscounted, "1 observations are in its buckets"),
            (point(0, i32::MAX, &[1]), "beyond all numbers"),
            (point(0, 2_000_000, &[1]), "beyond all numbers"),
        ];
        for (point, sentence) in cases {
            let said = converted(&point).unwrap_err();
            assert!(said.contains(sentence), "{said}");
        }
    }
}
