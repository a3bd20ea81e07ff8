//! Metrics, as Prometheus takes them, with the names that Prometheus gives them unless it is told
//! otherwise.
//!
//! Of a resource, only what names a job and an instance goes onto its series; all else is on a
//! series `target_info`, to be joined. What the scope is goes nowhere. Metrics that cannot be stored
//! are refused one by one, and the sender is told; the rest of the batch is stored.

mod exponential;
mod labels;
mod points;
mod resource;

use super::Rejected;
use super::names::metrics::{Kind, name, unit};
use crate::http::push::budget::Budget;
use crate::http::push::proto::otlp::{Data, Metric, MetricsRequest};
use crate::http::push::{Refused, bad, pushed};
use crate::store::Record as _;
use crate::store::age::age;
use crate::{
    Backend, ExemplarSeries, HistogramSample, HistogramSeries, MetricKind, MetricMetadata,
    PushError, Sample, SampleSeries,
};
use http::StatusCode;
use resource::Resource;

/// How many sentences a sender is told; more of them say no more.
const MOST_SENTENCES: usize = 3;

pub(super) fn store(
    backend: &Backend,
    tenant: &str,
    request: MetricsRequest,
) -> Result<Rejected, Refused> {
    let mut batch = Batch {
        oldest_ms: backend.store.oldest::<Sample>(),
        ..Batch::default()
    };
    for metrics in request.resource_metrics {
        let attributes = metrics.resource.unwrap_or_default().attributes;
        let resource = Resource::new(&attributes);
        let mut span = Span::default();
        let scopes = metrics.scope_metrics.into_iter();
        for metric in scopes.flat_map(|scope| scope.metrics) {
            one(metric, &resource, &mut span, &mut batch)?;
        }
        if let Some((first, last)) = span.0 {
            resource.describe(first, last, &mut batch)?;
        }
    }
    let rejected = batch.rejected();
    if batch.samples.is_empty() && batch.histograms.is_empty() && !rejected.sentence.is_empty() {
        return Err(bad(rejected.sentence));
    }
    // Data never go without being stored for what only describes them.
    let described = backend.add_metadata(tenant, batch.metadata);
    // The values last: what is sent again after a failure is there once, and nothing is missing.
    let of_exemplars = on_the_whole(backend.push_exemplars(tenant, batch.exemplars))?;
    let of_samples = on_the_whole(backend.push_samples(tenant, batch.samples))?;
    // All samples but those that were refused are stored, and the histograms are, too.
    let of_histograms = on_the_whole(backend.push_histograms(tenant, batch.histograms))?;
    let mut rejected = rejected;
    for error in [of_samples, of_histograms, of_exemplars, described]
        .into_iter()
        .filter_map(Result::err)
    {
        let PushError::TooOld { count, .. } = &error else {
            return Err(pushed(error));
        };
        // It has become too old just now.
        rejected.count = rejected.count.saturating_add(*count);
        if !rejected.sentence.is_empty() {
            rejected.sentence.push(' ');
        }
        rejected.sentence.push_str(&error.to_string());
    }
    Ok(rejected)
}

/// What was refused of a push, if the others of it are stored.
fn on_the_whole(result: Result<(), PushError>) -> Result<Result<(), PushError>, Refused> {
    match result {
        Err(error) if !error.is_of_a_part() => Err(pushed(error)),
        Ok(()) | Err(_) => Ok(result),
    }
}

/// The times of the first and the last sample, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Span(Option<(i64, i64)>);

impl Span {
    fn widen(&mut self, time: i64) {
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
    }
}

/// What a batch has become so far.
#[derive(Default)]
struct Batch {
    samples: Vec<SampleSeries>,
    histograms: Vec<HistogramSeries>,
    exemplars: Vec<ExemplarSeries>,
    metadata: Vec<MetricMetadata>,
    budget: Budget,
    /// What is older is not kept.
    oldest_ms: Option<i64>,
    rejected: usize,
    refusals: usize,
    sentences: Vec<String>,
}

impl Batch {
    fn sample(&mut self, labels: Vec<(String, String)>, sample: Sample) -> Result<(), Refused> {
        self.budget.take(size_of::<SampleSeries>())?;
        self.budget.take_pairs(&labels)?;
        self.samples.push(SampleSeries {
            labels,
            samples: vec![sample],
        });
        Ok(())
    }

    fn histogram(
        &mut self,
        labels: Vec<(String, String)>,
        sample: HistogramSample,
    ) -> Result<(), Refused> {
        self.check_age(sample.timestamp_ms)?;
        self.budget.take(size_of::<HistogramSeries>())?;
        self.budget.take_pairs(&labels)?;
        self.budget.take(sample.weight())?;
        self.histograms.push(HistogramSeries {
            labels,
            samples: vec![sample],
        });
        Ok(())
    }

    /// Refuses the time of a data point, if what is as old is not kept.
    fn check_age(&self, time_ms: i64) -> Result<(), Refused> {
        match self.oldest_ms {
            Some(oldest) if time_ms < oldest => {
                let nanos = |millis: i64| millis.saturating_mul(1_000_000);
                Err(bad(age(nanos(time_ms), nanos(oldest))))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses so many data points, but for what is wrong with the batch as a whole.
    fn refuse(&mut self, points: usize, (status, sentence): Refused) -> Result<(), Refused> {
        if status != StatusCode::BAD_REQUEST {
            return Err((status, sentence));
        }
        self.rejected = self.rejected.saturating_add(points);
        self.refusals = self.refusals.saturating_add(1);
        if self.sentences.len() < MOST_SENTENCES {
            self.sentences.push(sentence);
        }
        Ok(())
    }

    fn rejected(&self) -> Rejected {
        let mut sentences = self.sentences.clone();
        let more = self.refusals.saturating_sub(sentences.len());
        if more > 0 {
            sentences.push(format!("and {more} more"));
        }
        Rejected {
            count: self.rejected,
            sentence: sentences.join("; "),
        }
    }
}

/// Adds one metric to the batch, or refuses it.
fn one(
    metric: Metric,
    resource: &Resource,
    span: &mut Span,
    batch: &mut Batch,
) -> Result<(), Refused> {
    let Metric {
        name: of,
        description,
        unit: in_unit,
        data,
    } = metric;
    let (kind, named, points) = match &data {
        None => {
            let refused = bad(format!(
                "the metric {of:?} is of no kind that is known here"
            ));
            return batch.refuse(0, refused);
        }
        Some(Data::Gauge(gauge)) => (MetricKind::Gauge, Kind::Gauge, gauge.data_points.len()),
        Some(Data::Sum(sum)) if sum.is_monotonic => {
            (MetricKind::Counter, Kind::Counter, sum.data_points.len())
        }
        Some(Data::Sum(sum)) => (MetricKind::Gauge, Kind::Other, sum.data_points.len()),
        Some(Data::Histogram(histogram)) => {
            let points = histogram.data_points.len();
            (MetricKind::Histogram, Kind::Other, points)
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            let points = histogram.data_points.len();
            (MetricKind::Histogram, Kind::Other, points)
        }
        Some(Data::Summary(summary)) => {
            let points = summary.data_points.len();
            (MetricKind::Summary, Kind::Other, points)
        }
    };
    if points == 0 {
        return Ok(());
    }
    let temporality = match &data {
        Some(Data::Sum(sum)) => sum.aggregation_temporality,
        Some(Data::Histogram(histogram)) => histogram.aggregation_temporality,
        Some(Data::ExponentialHistogram(histogram)) => histogram.aggregation_temporality,
        Some(Data::Gauge(_) | Data::Summary(_)) | None => CUMULATIVE,
    };
    if temporality != CUMULATIVE {
        let refused = bad(format!(
            "invalid temporality and type combination for metric {of:?}: send it with cumulative \
             temporality"
        ));
        return batch.refuse(points, refused);
    }
    let family = match name(&of, &in_unit, named) {
        Ok(family) => family,
        Err(refused) => return batch.refuse(points, refused),
    };
    batch.metadata.push(MetricMetadata {
        metric: family.clone(),
        kind,
        help: description,
        unit: unit(&in_unit),
    });
    let mut adding = points::Adding {
        of: &of,
        family: &family,
        resource,
        span,
        batch,
    };
    match data {
        Some(Data::Gauge(gauge)) => adding.numbers(gauge.data_points, false),
        Some(Data::Sum(sum)) => adding.numbers(sum.data_points, true),
        Some(Data::Histogram(histogram)) => adding.histograms(histogram.data_points),
        Some(Data::Summary(summary)) => adding.summaries(summary.data_points),
        Some(Data::ExponentialHistogram(histogram)) => adding.exponentials(&histogram.data_points),
        // Refused above.
        None => Ok(()),
    }
}

/// Of the protocol's enumeration.
const CUMULATIVE: i32 = 2;
