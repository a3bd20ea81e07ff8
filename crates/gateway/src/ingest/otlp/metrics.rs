//! Metrics' data points, for Mimir and Prometheus.

use prost::Message as _;

use super::attributes::{Maps, length, stamp as stamp_attributes, strip};
use super::proto::common::{AnyValue, KeyValue, Value};
use super::proto::metrics::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, METRICS_REQUEST, Metric,
    MetricsRequest, NumberDataPoint, SummaryDataPoint,
};
use super::{check_known, decode};
use crate::ingest::label;
use crate::ingest::refusal::{Refusal, bad, shown};
use crate::ingest::{Counts, Media, Stamping};

/// Stamps a batch.
pub(in crate::ingest) fn stamp(
    media: Media,
    body: &[u8],
    stamping: &Stamping<'_>,
) -> Result<(Vec<u8>, Counts), Refusal> {
    let limit = stamping.limits.decoded;
    let (mut request, unknown) = decode::<MetricsRequest>(media, body, &METRICS_REQUEST, limit)?;
    check_known("resourceMetrics", request.resource_metrics.len(), unknown)?;
    let mut counts = Counts {
        unknown,
        ..Counts::default()
    };
    for (at, metrics) in request.resource_metrics.iter_mut().enumerate() {
        let resource = metrics.resource.get_or_insert_default();
        let id = stamping.resource;
        counts.replaced += stamp_attributes(&mut resource.attributes, id, Maps::Whole);
        for (scope_at, scope_metrics) in metrics.scope_metrics.iter_mut().enumerate() {
            if let Some(scope) = &mut scope_metrics.scope {
                counts.replaced += strip(&mut scope.attributes, Maps::Whole);
            }
            counts.streams = counts.streams.saturating_add(scope_metrics.metrics.len());
            stamping.streams(counts.streams)?;
            for (metric_at, metric) in scope_metrics.metrics.iter_mut().enumerate() {
                let of = format!(
                    "the metric {}, resourceMetrics[{at}].scopeMetrics[{scope_at}]\
                     .metrics[{metric_at}]",
                    shown(&metric.name)
                );
                one(metric, &of, stamping, &mut counts)?;
            }
        }
    }
    Ok((request.encode_to_vec(), counts))
}

/// Checks and stamps one metric.
fn one(
    metric: &mut Metric,
    of: &str,
    stamping: &Stamping<'_>,
    counts: &mut Counts,
) -> Result<(), Refusal> {
    if metric.name.is_empty() {
        return Err(bad("a metric without a name", format!("{of} has no name")));
    }
    label::check_metadata((&metric.name, &metric.description, &metric.unit), || {
        of.to_owned()
    })?;
    check(&metric.metadata, stamping, || {
        format!("the metadata of {of}")
    })?;
    let kinds = [
        metric.gauge.is_some(),
        metric.sum.is_some(),
        metric.histogram.is_some(),
        metric.exponential_histogram.is_some(),
        metric.summary.is_some(),
    ];
    if kinds.into_iter().filter(|is| *is).count() > 1 {
        return Err(bad(
            "a metric of several kinds",
            format!("{of} is of more than one kind"),
        ));
    }
    if let Some(gauge) = &mut metric.gauge {
        points(&mut gauge.data_points, of, stamping, counts)?;
    }
    if let Some(sum) = &mut metric.sum {
        points(&mut sum.data_points, of, stamping, counts)?;
    }
    if let Some(histogram) = &mut metric.histogram {
        points(&mut histogram.data_points, of, stamping, counts)?;
    }
    if let Some(histogram) = &mut metric.exponential_histogram {
        points(&mut histogram.data_points, of, stamping, counts)?;
    }
    if let Some(summary) = &mut metric.summary {
        points(&mut summary.data_points, of, stamping, counts)?;
    }
    Ok(())
}

/// What all kinds of data points have.
trait DataPoint {
    fn attributes(&mut self) -> &mut Vec<KeyValue>;
    fn time(&self) -> u64;
    fn exemplars(&mut self) -> &mut [Exemplar];
    /// Whether the number is of more than one type.
    fn is_ambiguous(&self) -> bool {
        false
    }
}

impl DataPoint for NumberDataPoint {
    fn attributes(&mut self) -> &mut Vec<KeyValue> {
        &mut self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&mut self) -> &mut [Exemplar] {
        &mut self.exemplars
    }

    fn is_ambiguous(&self) -> bool {
        self.as_double.is_some() && self.as_int.is_some()
    }
}

impl DataPoint for HistogramDataPoint {
    fn attributes(&mut self) -> &mut Vec<KeyValue> {
        &mut self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&mut self) -> &mut [Exemplar] {
        &mut self.exemplars
    }
}

impl DataPoint for ExponentialHistogramDataPoint {
    fn attributes(&mut self) -> &mut Vec<KeyValue> {
        &mut self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&mut self) -> &mut [Exemplar] {
        &mut self.exemplars
    }
}

impl DataPoint for SummaryDataPoint {
    fn attributes(&mut self) -> &mut Vec<KeyValue> {
        &mut self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&mut self) -> &mut [Exemplar] {
        &mut []
    }
}

/// Checks and stamps data points.
fn points<P: DataPoint>(
    points: &mut [P],
    of: &str,
    stamping: &Stamping<'_>,
    counts: &mut Counts,
) -> Result<(), Refusal> {
    stamping.entries(counts, points.len())?;
    for (at, point) in points.iter_mut().enumerate() {
        let of = || format!("data point {at} of {of}");
        if point.is_ambiguous() {
            return Err(bad(
                "a data point with two values",
                format!("{} has two values", of()),
            ));
        }
        stamping.time(i128::from(point.time()), of)?;
        let attributes = point.attributes();
        counts.replaced += stamp_attributes(attributes, stamping.resource, Maps::Whole);
        check(attributes, stamping, of)?;
        let exemplars = point.exemplars();
        stamping.entries(counts, exemplars.len())?;
        for (exemplar_at, exemplar) in exemplars.iter_mut().enumerate() {
            let of = || format!("exemplar {exemplar_at} of {}", of());
            counts.replaced += strip(&mut exemplar.filtered_attributes, Maps::Whole);
            check(&exemplar.filtered_attributes, stamping, of)?;
            stamping.time(i128::from(exemplar.time_unix_nano), of)?;
        }
    }
    Ok(())
}

/// Checks attributes of which labels are made.
fn check(
    attributes: &[KeyValue],
    stamping: &Stamping<'_>,
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    stamping.labels(attributes.len(), &of)?;
    for attribute in attributes {
        let value = match &attribute.value {
            Some(AnyValue {
                value: Some(Value::String(text)),
            }) => text,
            Some(_) | None => "",
        };
        label::check(&attribute.key, value, stamping.limits, &of)?;
        // Of everything else its JSON is the label's value, which is no shorter than this.
        let (length, limit) = (length(attribute.value.as_ref()), stamping.limits.value);
        if length > limit {
            return Err(bad(
                "label value too long",
                format!(
                    "{} has a value that is too long for the label {}: {length} bytes; at most {limit} \
                 bytes are taken",
                    of(),
                    shown(&attribute.key)
                ),
            ));
        }
    }
    Ok(())
}
