//! Subqueries.

use std::sync::Arc;

use query::promql::ast::Subquery;

use super::evaluator::{Evaluator, HISTOGRAM, Steps};
use super::range_vector::RangeVector;
use super::stored::Resets;
use crate::histogram::ResetHint;
use crate::limits::EvalError;

/// The step of a subquery that names none: Prometheus's default evaluation interval.
const DEFAULT_STEP_MS: i64 = 60_000;

impl Evaluator<'_> {
    /// Evaluates a subquery at every multiple of its step that some window of it may need.
    pub(super) fn subquery(&self, subquery: &Subquery) -> Result<RangeVector, EvalError> {
        let shift = self.shift(&subquery.modifiers)?;
        let range = self.positive_millis(&subquery.range)?;
        let step = subquery
            .step
            .as_ref()
            .map_or(Ok(DEFAULT_STEP_MS), |step| self.positive_millis(step))?;
        let (first, last) = shift.span(self.steps);
        // Windows leave out their left edge.
        let edge = first.saturating_sub(range);
        let start = edge.div_euclid(step).saturating_add(1).saturating_mul(step);
        let inner = Self {
            steps: Steps {
                start,
                end: last,
                step,
            },
            resets: Resets::AsHintedThroughout,
            ..*self
        };
        // A year in steps of a millisecond is refused before anything is made of them.
        self.budget.take(inner.steps.count())?;
        let mut series = if self.steps.count() == 0 || start > last {
            Vec::new()
        } else {
            match inner.eval(&subquery.expr)? {
                super::series::Value::Vector(series) => series,
                super::series::Value::Scalar(values) => inner.unlabelled(values),
                super::series::Value::String(_) => {
                    return Err(super::evaluator::wrong_type("instant vector"));
                }
            }
        };
        let mut ticker = self.ticker();
        for sample in series.iter_mut().flat_map(|one| &mut one.histograms) {
            ticker.tick(HISTOGRAM)?;
            // What a hint says of the sample before is not true of the one a step before.
            match sample.histogram.reset_hint {
                ResetHint::Reset | ResetHint::NotReset => {
                    Arc::make_mut(&mut sample.histogram).reset_hint = ResetHint::Unknown;
                }
                ResetHint::Unknown | ResetHint::Gauge => {}
            }
        }
        Ok(RangeVector::computed(series, shift, range))
    }
}
