//! `histogram_quantile` and `histogram_fraction` over classic histograms.

use std::collections::HashMap;

use query::promql::ast::Call;

use super::call::argument;
use super::evaluator::Evaluator;
use super::quantile::{Bucket, bucket_fraction, bucket_quantile};
use super::series::{Collector, Cursor, Series, unnamed};
use crate::labels::Labels;
use crate::limits::EvalError;

const BUCKET_LABEL: &str = "le";

impl Evaluator<'_> {
    /// `histogram_quantile(q, buckets)`
    pub(super) fn histogram_quantile(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let quantiles = self.scalar(argument(call, 0)?)?;
        let series = self.vector(argument(call, 1)?)?;
        self.per_histogram(&series, |step, buckets| {
            Some(bucket_quantile(*quantiles.get(step)?, buckets))
        })
    }

    /// `histogram_fraction(lower, upper, buckets)`
    pub(super) fn histogram_fraction(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let lowers = self.scalar(argument(call, 0)?)?;
        let uppers = self.scalar(argument(call, 1)?)?;
        let series = self.vector(argument(call, 2)?)?;
        self.per_histogram(&series, |step, buckets| {
            Some(bucket_fraction(
                *lowers.get(step)?,
                *uppers.get(step)?,
                buckets,
            ))
        })
    }

    /// Applies a function to every histogram at every step.
    fn per_histogram(
        &self,
        series: &[Series],
        function: impl Fn(usize, Vec<Bucket>) -> Option<f64>,
    ) -> Result<Vec<Series>, EvalError> {
        let mut collector = Collector::default();
        for (labels, buckets) in histograms(series) {
            self.stop.check()?;
            let slot = collector.slot(unnamed(&labels), true);
            let mut cursors: Vec<(f64, Cursor)> = buckets
                .into_iter()
                .map(|(bound, series)| (bound, Cursor::new(series)))
                .collect();
            for (step, time) in self.steps.times().enumerate() {
                let buckets: Vec<Bucket> = cursors
                    .iter_mut()
                    .filter_map(|(upper_bound, cursor)| {
                        Some(Bucket {
                            upper_bound: *upper_bound,
                            count: cursor.at(time)?,
                        })
                    })
                    .collect();
                if !buckets.is_empty()
                    && let Some(value) = function(step, buckets)
                {
                    collector.push(slot, time, value)?;
                }
            }
        }
        Ok(collector.finish())
    }
}

/// The histograms that the series are buckets of: labels without the bucket's, and the series
/// with their bounds. A series without a bound is none.
fn histograms(series: &[Series]) -> Vec<(Labels, Vec<(f64, &Series)>)> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut found: Vec<(Labels, Vec<(f64, &Series)>)> = Vec::new();
    for one in series {
        let Ok(bound) = one.labels.get(BUCKET_LABEL).parse::<f64>() else {
            continue;
        };
        if bound.is_nan() {
            continue;
        }
        let labels = one.labels.filter(|name| name != BUCKET_LABEL);
        let at = *index.entry(labels.clone()).or_insert_with(|| {
            found.push((labels, Vec::new()));
            found.len() - 1
        });
        if let Some((_, buckets)) = found.get_mut(at) {
            buckets.push((bound, one));
        }
    }
    found
}
