//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, over classic histograms
//! and native ones.

use std::collections::HashMap;

use query::promql::ast::{Call, Expr};

use super::call::{argument, text};
use super::evaluator::Evaluator;
use super::notes::Raised;
use super::quantile::{Bucket, bucket_fraction, bucket_quantile};
use super::series::{Collector, Cursor, Operand, Series, unnamed};
use crate::histogram::{Histogram, NanEffect};
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::numbers::go_general;

const BUCKET_LABEL: &str = "le";

/// A histogram at one step.
enum AnyHistogram<'a> {
    Classic(Vec<Bucket>),
    Native(&'a Histogram),
}

/// A histogram over the steps: the series of its buckets, or a series of native ones, or both.
#[derive(Debug, Default)]
struct Parts<'a> {
    buckets: Vec<(f64, &'a Series)>,
    native: Option<&'a Series>,
}

impl Evaluator<'_> {
    /// `histogram_quantile(q, histograms)`
    pub(super) fn histogram_quantile(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let q_expr = argument(call, 0)?;
        let quantiles = self.scalar(q_expr)?;
        let series = self.vector(argument(call, 1)?)?;
        let at = argument(call, 1)?;
        for q in &quantiles {
            self.notes.check_quantile(q_expr, *q);
        }
        let mut collector = Collector::default();
        self.per_histogram(at, &series, |step, time, labels, histogram| {
            let Some(q) = quantiles.get(step) else {
                return Ok(());
            };
            let value = self.quantile(at, (*q, time, labels), histogram);
            let slot = collector.slot(self.result_labels(labels), true);
            collector.push(slot, time, Operand::Float(value))
        })?;
        Ok(collector.finish())
    }

    /// `histogram_quantiles(histograms, "label", q, …)`: a series with the label for each quantile.
    pub(super) fn histogram_quantiles(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let at = argument(call, 0)?;
        let label = text(call, 1)?;
        let mut quantiles = Vec::new();
        for q_expr in call.args.iter().skip(2) {
            let q = self.scalar(q_expr)?;
            for q in &q {
                self.notes.check_quantile(q_expr, *q);
            }
            quantiles.push(q);
        }
        let series = self.vector(at)?;
        let mut collector = Collector::default();
        self.per_histogram(at, &series, |step, time, labels, histogram| {
            for q in quantiles.iter().filter_map(|all| all.get(step)) {
                let value = self.quantile(at, (*q, time, labels), histogram);
                let labels = self.result_labels(labels).with(label, &open_metrics(*q));
                // The label may be the name, which then is not the one that has to go.
                let slot = collector.slot(labels, self.delayed_name_removal);
                collector.push(slot, time, Operand::Float(value))?;
            }
            Ok(())
        })?;
        Ok(collector.finish())
    }

    /// `histogram_fraction(lower, upper, histograms)`
    pub(super) fn histogram_fraction(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let lowers = self.scalar(argument(call, 0)?)?;
        let uppers = self.scalar(argument(call, 1)?)?;
        let at = argument(call, 2)?;
        let series = self.vector(at)?;
        let mut collector = Collector::default();
        self.per_histogram(at, &series, |step, time, labels, histogram| {
            let (Some(lower), Some(upper)) = (lowers.get(step), uppers.get(step)) else {
                return Ok(());
            };
            let value = match histogram {
                AnyHistogram::Classic(buckets) => bucket_fraction(*lower, *upper, buckets.clone()),
                AnyHistogram::Native(native) => {
                    let (value, effect) = native.fraction(*lower, *upper);
                    self.tell_nan(at, labels, effect);
                    value
                }
            };
            let slot = collector.slot(self.result_labels(labels), true);
            collector.push(slot, time, Operand::Float(value))
        })?;
        Ok(collector.finish())
    }

    fn result_labels(&self, labels: &Labels) -> Labels {
        if self.delayed_name_removal {
            labels.clone()
        } else {
            unnamed(labels)
        }
    }

    fn quantile(
        &self,
        at: &Expr,
        (q, time, labels): (f64, i64, &Labels),
        histogram: &AnyHistogram,
    ) -> f64 {
        match histogram {
            AnyHistogram::Native(native) => {
                let (value, effect) = native.quantile(q);
                self.tell_nan(at, labels, effect);
                value
            }
            AnyHistogram::Classic(buckets) => {
                let (value, raised) = bucket_quantile(q, buckets.clone());
                if let Some((bounds, most)) = raised {
                    let raised = Raised {
                        bounds,
                        most,
                        times: (time, time),
                        count: 1,
                    };
                    self.notes.raised(at, &self.named(labels), raised);
                }
                value
            }
        }
    }

    /// The labels as warnings may tell them: without the name where it has been dropped.
    fn named(&self, labels: &Labels) -> Labels {
        self.result_labels(labels)
    }

    fn tell_nan(&self, at: &Expr, labels: &Labels, effect: NanEffect) {
        let effect = match effect {
            NanEffect::Nothing => return,
            NanEffect::Result => "histogram_quantile has NaN observations, result is NaN",
            NanEffect::Skew => "histogram_quantile has NaN observations, result is skewed higher",
            NanEffect::LeftOut => {
                "histogram_fraction has NaN observations, which are excluded from all fractions"
            }
        };
        self.notes.about_input(at, effect, &self.named(labels));
    }

    /// Calls a function with every histogram at every step.
    fn per_histogram(
        &self,
        at: &Expr,
        series: &[Series],
        mut function: impl FnMut(usize, i64, &Labels, &AnyHistogram) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        for (labels, parts) in self.histograms(at, series) {
            self.stop.check()?;
            let mut cursors: Vec<(f64, Cursor)> = parts
                .buckets
                .into_iter()
                .map(|(bound, series)| (bound, Cursor::new(series)))
                .collect();
            let mut native = parts.native.map(Cursor::new);
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
                let native = native.as_mut().and_then(|cursor| cursor.histogram_at(time));
                match (native, buckets.is_empty()) {
                    (None, true) => {}
                    (None, false) => {
                        let classic = AnyHistogram::Classic(buckets);
                        function(step, time, &labels, &classic)?;
                    }
                    (Some(native), true) => {
                        function(step, time, &labels, &AnyHistogram::Native(native))?;
                    }
                    (Some(_), false) => self.notes.mixed_kinds(at, &self.named(&labels)),
                }
            }
        }
        Ok(())
    }

    /// The histograms that the series are, or are buckets of, with their labels but the bucket's. A
    /// number without a bound is of none.
    fn histograms<'a>(&self, at: &Expr, series: &'a [Series]) -> Vec<(Labels, Parts<'a>)> {
        let mut index: HashMap<Labels, usize> = HashMap::new();
        let mut found: Vec<(Labels, Parts)> = Vec::new();
        let mut place = |labels: Labels, found: &mut Vec<(Labels, Parts<'a>)>| {
            *index.entry(labels.clone()).or_insert_with(|| {
                found.push((labels, Parts::default()));
                found.len() - 1
            })
        };
        for one in series {
            if !one.histograms.is_empty() {
                let at = place(one.labels.clone(), &mut found);
                if let Some((_, parts)) = found.get_mut(at) {
                    parts.native = Some(one);
                }
            }
            if one.points.is_empty() {
                continue;
            }
            let written = one.labels.get(BUCKET_LABEL);
            let Ok(bound) = written.parse::<f64>() else {
                self.notes.bad_bucket(at, &self.named(&one.labels), written);
                continue;
            };
            if bound.is_nan() {
                continue;
            }
            let at = place(one.labels.filter(|name| name != BUCKET_LABEL), &mut found);
            if let Some((_, parts)) = found.get_mut(at) {
                parts.buckets.push((bound, one));
            }
        }
        found
    }
}

/// A number as `OpenMetrics` has it in a label: with a point or an exponent.
fn open_metrics(value: f64) -> String {
    let text = go_general(value);
    if value.is_finite() && !text.contains(['.', 'e']) {
        return text + ".0";
    }
    text
}
