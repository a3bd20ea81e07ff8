//! What metrics mean: their type, unit and a sentence for people.

use std::collections::BTreeMap;

use crate::store::PushError;

/// Descriptions of one metric that differ; more tell nothing.
const MOST_PER_METRIC: usize = 10;

/// What a metric means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricMetadata {
    /// The metric's name; of a histogram or summary without `_bucket`, `_sum` or `_count`.
    pub metric: String,
    /// Its type.
    pub kind: MetricKind,
    /// A sentence for people.
    pub help: String,
    /// Its unit, or the empty string.
    pub unit: String,
}

/// The types of metrics, as `OpenMetrics` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only ever grows, but for restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts per bucket.
    Histogram,
    /// Counts per bucket that may go down.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Always 1: the labels are what it says.
    Info,
    /// One of several states.
    StateSet,
    /// Nobody said.
    Unknown,
}

impl MetricKind {
    /// The type as Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }
}

/// The metadata of one tenant, by metric.
#[derive(Debug, Default)]
pub(super) struct Registry(BTreeMap<String, Vec<MetricMetadata>>);

impl Registry {
    pub(super) fn add(
        &mut self,
        batch: Vec<MetricMetadata>,
        max_metrics: usize,
    ) -> Result<(), PushError> {
        if batch.iter().any(|one| one.metric.is_empty()) {
            return Err(PushError::NoMetricName("{}".to_owned()));
        }
        let mut fresh: Vec<&str> = batch.iter().map(|one| one.metric.as_str()).collect();
        fresh.retain(|metric| !self.0.contains_key(*metric));
        fresh.sort_unstable();
        fresh.dedup();
        if self.0.len() + fresh.len() > max_metrics {
            return Err(PushError::TooManyStreams(max_metrics));
        }
        for one in batch {
            let known = self.0.entry(one.metric.clone()).or_default();
            if known.len() < MOST_PER_METRIC && !known.contains(&one) {
                known.push(one);
            }
        }
        Ok(())
    }

    /// The metadata of one metric, or of all if its name is empty; of `limit` metrics at most.
    pub(super) fn find(&self, metric: &str, limit: usize) -> Vec<(String, Vec<MetricMetadata>)> {
        self.0
            .iter()
            .filter(|(name, _)| metric.is_empty() || *name == metric)
            .take(limit)
            .map(|(name, all)| (name.clone(), all.clone()))
            .collect()
    }
}
