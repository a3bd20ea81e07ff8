//! Remote write 2.0.

use prost::Message as _;

use super::{Batch, kind};
use crate::http::push::budget::Budget;
use crate::http::push::proto::v2::{Metadata, Request};
use crate::http::push::{Refused, bad};
use crate::{Exemplar, ExemplarSeries, Labels, MetricKind, MetricMetadata, Sample, SampleSeries};

pub(super) fn decode(plain: &[u8]) -> Result<Batch, Refused> {
    let request = Request::decode(plain).map_err(bad)?;
    let symbols = Symbols(&request.symbols);
    if symbols.0.first().is_some_and(|first| !first.is_empty()) {
        return Err(bad("the first symbol is not the empty string"));
    }
    let budget = Budget::default();
    let mut batch = Batch::default();
    for (at, series) in request.timeseries.into_iter().enumerate() {
        let of = |error| bad(format!("series {at}: {error}"));
        let pairs = |references: &[u32]| {
            symbols.check(references, &budget)?;
            symbols.pairs(references).map_err(of)
        };
        let labels = pairs(&series.labels_refs)?;
        let exemplars = series.exemplars.into_iter().map(|one| {
            Ok(Exemplar {
                labels: Labels::new(pairs(&one.labels_refs)?),
                value: one.value,
                timestamp_ms: one.timestamp,
            })
        });
        let exemplars = exemplars.collect::<Result<Vec<_>, Refused>>()?;
        if let Some(metadata) = series.metadata {
            symbols.check(&[metadata.help_ref, metadata.unit_ref], &budget)?;
            let metadata = symbols.metadata(&labels, metadata).map_err(of)?;
            batch.metadata.extend(metadata);
        }
        let has_samples = !series.samples.is_empty();
        if !has_samples && series.histograms.is_empty() {
            return Err(of("it has no sample".to_owned()));
        }
        let histograms = batch.decode_histograms(&labels, &series.histograms, &budget)?;
        if !has_samples && histograms.is_empty() {
            continue;
        }
        if !exemplars.is_empty() {
            batch.exemplars.push(ExemplarSeries {
                labels: labels.clone(),
                exemplars,
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
    Ok(batch)
}

/// The table of strings.
#[derive(Clone, Copy)]
struct Symbols<'a>(&'a [String]);

impl Symbols<'_> {
    fn get(self, reference: u32) -> Result<String, String> {
        let at = usize::try_from(reference).ok();
        let symbol = at.and_then(|at| self.0.get(at));
        symbol.cloned().ok_or_else(|| {
            format!(
                "it refers to the symbol {reference}, and there are {}",
                self.0.len()
            )
        })
    }

    /// Takes what these references become from the budget.
    fn check(self, references: &[u32], budget: &Budget) -> Result<(), Refused> {
        for reference in references {
            let at = usize::try_from(*reference).ok();
            let symbol = at.and_then(|at| self.0.get(at));
            budget.take(
                symbol
                    .map_or(0, String::len)
                    .saturating_add(size_of::<String>()),
            )?;
        }
        Ok(())
    }

    /// References two by two: name and value.
    fn pairs(self, references: &[u32]) -> Result<Vec<(String, String)>, String> {
        let (pairs, rest) = references.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("a label has no value".to_owned());
        }
        let pair = |[name, value]: &[u32; 2]| Ok((self.get(*name)?, self.get(*value)?));
        pairs.iter().map(pair).collect()
    }

    /// What is said of a series' metric, if anything is.
    fn metadata(
        self,
        labels: &[(String, String)],
        metadata: Metadata,
    ) -> Result<Option<MetricMetadata>, String> {
        let described = MetricMetadata {
            metric: family(labels, kind(metadata.kind)),
            kind: kind(metadata.kind),
            help: self.get(metadata.help_ref)?,
            unit: self.get(metadata.unit_ref)?,
        };
        let is_empty = described.kind == MetricKind::Unknown
            && described.help.is_empty()
            && described.unit.is_empty();
        Ok((!is_empty && !described.metric.is_empty()).then_some(described))
    }
}

/// The metric that a series is a part of: here every series comes with what is said of the whole.
fn family(labels: &[(String, String)], kind: MetricKind) -> String {
    let name = labels.iter().find(|(name, _)| name == "__name__");
    let name = name.map_or("", |(_, name)| name.as_str());
    let parts: &[&str] = match kind {
        MetricKind::Histogram | MetricKind::GaugeHistogram => {
            &["_bucket", "_sum", "_count", "_gsum", "_gcount"]
        }
        MetricKind::Summary => &["_sum", "_count"],
        MetricKind::Counter
        | MetricKind::Gauge
        | MetricKind::Info
        | MetricKind::StateSet
        | MetricKind::Unknown => &[],
    };
    let family = parts.iter().find_map(|part| name.strip_suffix(part));
    family.unwrap_or(name).to_owned()
}
