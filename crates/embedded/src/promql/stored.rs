//! Series of the store with both kinds of samples that they may have.

use std::sync::Arc;

use query::Matcher;

use super::evaluator::Evaluator;
use super::series::Series;
use crate::histogram::{Histogram, ResetHint};
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::{HistogramSample, Reading, Sample, Selected};

/// A stored series: numbers, histograms, or both.
#[derive(Debug)]
pub(super) struct StoredSeries {
    pub(super) labels: Labels,
    floats: Option<Selected<Sample>>,
    histograms: Option<Selected<HistogramSample>>,
}

impl StoredSeries {
    /// All its samples, staleness marks among them.
    pub(super) fn read(&self, reading: &mut Reading, resets: Resets) -> Result<Series, EvalError> {
        let floats = self.floats.as_ref().map(|one| one.read(reading));
        let histograms = self.histograms.as_ref().map(|one| one.read(reading));
        let mut histograms = histograms.transpose()?.unwrap_or_default();
        if resets == Resets::Recognized {
            recognize(&mut histograms);
        }
        Ok(Series {
            labels: self.labels.clone(),
            drop_name: false,
            points: floats.transpose()?.unwrap_or_default(),
            histograms,
        })
    }
}

/// Whether resets of native histograms are recognized as they are read, beside those that hints
/// tell. Prometheus does so where all that is asked of histograms is their count and sum, and what
/// it says of contradicting resets depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resets {
    AsHinted,
    Recognized,
    /// As hinted, whatever is asked of the histograms within.
    AsHintedThroughout,
}

impl Resets {
    /// Within a function that asks for count or sum alone.
    pub(super) fn of_totals(self) -> Self {
        match self {
            Self::AsHinted | Self::Recognized => Self::Recognized,
            Self::AsHintedThroughout => Self::AsHintedThroughout,
        }
    }
}

fn recognize(histograms: &mut [HistogramSample]) {
    let mut before: Option<Arc<Histogram>> = None;
    for sample in histograms.iter_mut().filter(|sample| !sample.is_stale()) {
        if let Some(before) = &before
            && sample.histogram.reset_hint == ResetHint::Unknown
        {
            let hint = if sample.histogram.is_reset_after(before) {
                ResetHint::Reset
            } else {
                ResetHint::NotReset
            };
            Arc::make_mut(&mut sample.histogram).reset_hint = hint;
        }
        before = Some(Arc::clone(&sample.histogram));
    }
    // Nothing else is left of them, so that a gauge falls where its count does.
    for sample in histograms {
        let whole = &sample.histogram;
        sample.histogram = Arc::new(Histogram {
            reset_hint: whole.reset_hint,
            schema: whole.schema,
            count: whole.count,
            sum: whole.sum,
            ..Histogram::default()
        });
    }
}

impl Evaluator<'_> {
    /// The series that match with their samples from `from` to `to`, both inclusive, sorted by
    /// their labels.
    pub(super) fn stored(
        &self,
        matchers: &[Matcher],
        from: i64,
        to: i64,
    ) -> Result<Vec<StoredSeries>, EvalError> {
        let floats = self.store.select(matchers, from, to)?;
        let histograms = self.store.select_histograms(matchers, from, to)?;
        let mut stored: Vec<StoredSeries> = Vec::with_capacity(floats.len() + histograms.len());
        let mut histograms = histograms.into_iter().peekable();
        let alone = |one: Selected<HistogramSample>| StoredSeries {
            labels: one.labels.clone(),
            floats: None,
            histograms: Some(one),
        };
        for one in floats {
            while let Some(before) = histograms.next_if(|other| other.labels < one.labels) {
                stored.push(alone(before));
            }
            stored.push(StoredSeries {
                labels: one.labels.clone(),
                histograms: histograms.next_if(|other| other.labels == one.labels),
                floats: Some(one),
            });
        }
        stored.extend(histograms.map(alone));
        self.budget.take_series(stored.len())?;
        Ok(stored)
    }
}
