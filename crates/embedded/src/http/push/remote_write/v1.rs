//! Remote write 1.0.

use prost::Message as _;

use super::{Batch, kind};
use crate::http::push::budget::Budget;
use crate::http::push::proto::{Exemplar as Sent, Label, WriteRequest};
use crate::http::push::{Refused, bad};
use crate::{Exemplar, ExemplarSeries, Labels, MetricMetadata, Sample, SampleSeries};

pub(super) fn decode(plain: &[u8]) -> Result<Batch, Refused> {
    let write = WriteRequest::decode(plain).map_err(bad)?;
    let budget = Budget::default();
    let mut batch = Batch::default();
    for series in write.timeseries {
        let labels = pairs(series.labels);
        let histograms = batch.decode_histograms(&labels, &series.histograms, &budget)?;
        let is_refused = !series.histograms.is_empty() && histograms.is_empty();
        if is_refused && series.samples.is_empty() {
            continue;
        }
        if !series.exemplars.is_empty() {
            let exemplar = |one: Sent| Exemplar {
                labels: Labels::new(pairs(one.labels)),
                value: one.value,
                timestamp_ms: one.timestamp,
            };
            batch.exemplars.push(ExemplarSeries {
                labels: labels.clone(),
                exemplars: series.exemplars.into_iter().map(exemplar).collect(),
            });
        }
        let samples = series.samples.into_iter().map(|one| Sample {
            value: one.value,
            timestamp_ms: one.timestamp,
        });
        let samples = SampleSeries {
            labels,
            samples: samples.collect(),
        };
        batch.add(samples, histograms, &budget)?;
    }
    let metadata = write.metadata.into_iter().map(|one| MetricMetadata {
        metric: one.metric_family_name,
        kind: kind(one.kind),
        help: one.help,
        unit: one.unit,
    });
    batch.metadata = metadata.collect();
    Ok(batch)
}

fn pairs(labels: Vec<Label>) -> Vec<(String, String)> {
    let labels = labels.into_iter();
    labels.map(|label| (label.name, label.value)).collect()
}
