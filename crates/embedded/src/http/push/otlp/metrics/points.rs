//! Data points, which become samples.

use super::labels::LabelSet;
use super::resource::Resource;
use super::{Batch, Span};
use crate::http::push::proto::otlp::{
    Exemplar as Sent, HistogramDataPoint, KeyValue, Measured, Number, NumberDataPoint,
    SummaryDataPoint,
};
use crate::http::push::{Refused, bad};
use crate::numbers::go_float;
use crate::store::STALE_NAN;
use crate::{Exemplar, ExemplarSeries, Labels, Sample};

use super::super::value::{hex, text};

/// The points of one metric on their way into the batch.
pub(super) struct Adding<'a, 'r> {
    /// The metric's own name.
    pub(super) of: &'a str,
    /// Its name here.
    pub(super) family: &'a str,
    pub(super) resource: &'a Resource<'r>,
    pub(super) span: &'a mut Span,
    pub(super) batch: &'a mut Batch,
}

impl Adding<'_, '_> {
    pub(super) fn numbers(
        &mut self,
        points: Vec<NumberDataPoint>,
        with_exemplars: bool,
    ) -> Result<(), Refused> {
        for (at, point) in points.into_iter().enumerate() {
            let added = self.number(&point, with_exemplars);
            self.refuse_point(at, added)?;
        }
        Ok(())
    }

    pub(super) fn histograms(&mut self, points: Vec<HistogramDataPoint>) -> Result<(), Refused> {
        for (at, point) in points.into_iter().enumerate() {
            let added = self.histogram(&point);
            self.refuse_point(at, added)?;
        }
        Ok(())
    }

    pub(super) fn summaries(&mut self, points: Vec<SummaryDataPoint>) -> Result<(), Refused> {
        for (at, point) in points.into_iter().enumerate() {
            let added = self.summary(&point);
            self.refuse_point(at, added)?;
        }
        Ok(())
    }

    pub(super) fn refuse_point(
        &mut self,
        at: usize,
        added: Result<(), Refused>,
    ) -> Result<(), Refused> {
        added.or_else(|(status, sentence)| {
            let sentence = format!("data point {at} of the metric {:?}: {sentence}", self.of);
            self.batch.refuse(1, (status, sentence))
        })
    }

    fn number(&mut self, point: &NumberDataPoint, with_exemplars: bool) -> Result<(), Refused> {
        let time = millis(point.time_unix_nano);
        let value = match point.value {
            _ if is_nothing(point.flags) => STALE,
            Some(Number::Double(value)) => value,
            #[allow(clippy::cast_precision_loss, reason = "samples are floats")]
            Some(Number::Int(value)) => value as f64,
            None => return Err(bad("it has no value")),
        };
        let labels = self.labels(&point.attributes)?;
        let exemplars = if with_exemplars {
            exemplars(&point.exemplars, time)?
        } else {
            Vec::new()
        };
        self.add(&labels, "", None, value, time)?;
        self.exemplify(&labels, "", None, exemplars)
    }

    fn histogram(&mut self, point: &HistogramDataPoint) -> Result<(), Refused> {
        let time = millis(point.time_unix_nano);
        let labels = self.labels(&point.attributes)?;
        let mut exemplars = exemplars(&point.exemplars, time)?;
        let recorded = |value: f64| {
            if is_nothing(point.flags) {
                STALE
            } else {
                value
            }
        };
        if let Some(sum) = point.sum {
            self.add(&labels, "_sum", None, recorded(sum), time)?;
        }
        let count = recorded(counted(point.count));
        self.add(&labels, "_count", None, count, time)?;
        let mut below = 0_u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            below = below.saturating_add(*count);
            if *bound == f64::INFINITY {
                break;
            }
            let written = go_float(*bound);
            let le = Some(("le", written.as_str()));
            let within;
            (within, exemplars) = exemplars.into_iter().partition(|one| one.value <= *bound);
            self.add(&labels, "_bucket", le, recorded(counted(below)), time)?;
            self.exemplify(&labels, "_bucket", le, within)?;
        }
        let le = Some(("le", "+Inf"));
        self.add(&labels, "_bucket", le, count, time)?;
        self.exemplify(&labels, "_bucket", le, exemplars)
    }

    fn summary(&mut self, point: &SummaryDataPoint) -> Result<(), Refused> {
        let time = millis(point.time_unix_nano);
        let labels = self.labels(&point.attributes)?;
        let recorded = |value: f64| {
            if is_nothing(point.flags) {
                STALE
            } else {
                value
            }
        };
        self.add(&labels, "_sum", None, recorded(point.sum), time)?;
        let count = recorded(counted(point.count));
        self.add(&labels, "_count", None, count, time)?;
        for one in &point.quantile_values {
            let written = go_float(one.quantile);
            let quantile = Some(("quantile", written.as_str()));
            self.add(&labels, "", quantile, recorded(one.value), time)?;
        }
        Ok(())
    }

    /// The labels that all series of a point have.
    pub(super) fn labels(&self, attributes: &[KeyValue]) -> Result<LabelSet, Refused> {
        let mut labels = LabelSet::new(attributes, &["__name__"])?;
        self.resource.identify(&mut labels);
        Ok(labels)
    }

    fn add(
        &mut self,
        labels: &LabelSet,
        suffix: &str,
        more: Option<(&str, &str)>,
        value: f64,
        timestamp_ms: i64,
    ) -> Result<(), Refused> {
        self.span.widen(timestamp_ms);
        let labels = labels.series(self.family, suffix, more);
        let sample = Sample {
            timestamp_ms,
            value,
        };
        self.batch.sample(labels, sample)
    }

    pub(super) fn exemplify(
        &mut self,
        labels: &LabelSet,
        suffix: &str,
        more: Option<(&str, &str)>,
        exemplars: Vec<Exemplar>,
    ) -> Result<(), Refused> {
        if exemplars.is_empty() {
            return Ok(());
        }
        let labels = labels.series(self.family, suffix, more);
        self.batch.budget.take_pairs(&labels)?;
        self.batch
            .exemplars
            .push(ExemplarSeries { labels, exemplars });
        Ok(())
    }
}

/// The mark of a series' end.
const STALE: f64 = f64::from_bits(STALE_NAN);

/// How long the labels of an exemplar may be altogether, in characters.
const LONGEST_EXEMPLAR: usize = 128;

/// Whether the flags of a point say that nothing was recorded.
pub(super) fn is_nothing(flags: u32) -> bool {
    flags & 1 == 1
}

pub(super) fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "samples are floats")]
fn counted(count: u64) -> f64 {
    count as f64
}

/// Exemplars, which are of the time of their point if nobody knows better.
pub(super) fn exemplars(sent: &[Sent], time: i64) -> Result<Vec<Exemplar>, Refused> {
    let one = |sent: &Sent| {
        let value = match sent.value {
            Some(Measured::Double(value)) => value,
            #[allow(clippy::cast_precision_loss, reason = "samples are floats")]
            Some(Measured::Int(value)) => value as f64,
            None => return Err(bad("an exemplar has no value")),
        };
        let mut labels = Vec::new();
        for (name, id) in [("trace_id", &sent.trace_id), ("span_id", &sent.span_id)] {
            if id.iter().any(|byte| *byte != 0) {
                labels.push((name.to_owned(), hex(id)));
            }
        }
        let more = sent.filtered_attributes.iter();
        let more = more.map(|pair| (pair.key.clone(), text(pair.value.as_ref())));
        let more: Vec<_> = more.filter(|(name, _)| !name.is_empty()).collect();
        let length = |pairs: &[(String, String)]| {
            let pairs = pairs.iter();
            let lengths = pairs.map(|(name, value)| name.chars().count() + value.chars().count());
            lengths.fold(0, usize::saturating_add)
        };
        if length(&labels).saturating_add(length(&more)) <= LONGEST_EXEMPLAR {
            labels.extend(more);
        }
        Ok(Exemplar {
            labels: Labels::new(labels),
            value,
            timestamp_ms: if sent.time_unix_nano == 0 {
                time
            } else {
                millis(sent.time_unix_nano)
            },
        })
    };
    sent.iter().map(one).collect()
}
