//! Native histograms of metrics.

use std::sync::Arc;

use query::Matcher;

use crate::histogram::{Histogram, ResetHint};
use crate::limits::EvalError;
use crate::store::chunks::{Fate, Timed};
use crate::store::select::Selection;
use crate::store::selected::Selected;
use crate::store::{STALE_NAN, TenantMetrics};
use crate::ticker::Ticker;

/// A native histogram at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The value. One whose sum is the NaN [`STALE_NAN`] says that the series ended.
    pub histogram: Arc<Histogram>,
}

impl HistogramSample {
    /// Whether this is the mark of a series' end and no value.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.histogram.sum.to_bits() == STALE_NAN
    }
}

impl Timed for HistogramSample {
    fn time(&self) -> i64 {
        self.timestamp_ms
    }

    /// As with numbers: one value at a time, the first that came.
    fn beside(&self, kept: &Self) -> Fate {
        if self.timestamp_ms != kept.timestamp_ms {
            Fate::New
        } else if self.histogram.is_same(&kept.histogram) {
            Fate::Known
        } else {
            Fate::Refused
        }
    }

    /// As Prometheus' storage, which believes no sender that counts went on: it looks at them. A
    /// reset that it finds itself it does not note, for whoever reads finds it again.
    fn follow(&mut self, before: Option<&Self>) {
        self.unfollow();
        if self.histogram.reset_hint != ResetHint::Unknown || self.is_stale() {
            return;
        }
        let Some(before) = before.filter(|before| !before.is_stale()) else {
            return;
        };
        if before.histogram.reset_hint != ResetHint::Gauge
            && !self.histogram.is_reset_after(&before.histogram)
        {
            Arc::make_mut(&mut self.histogram).reset_hint = ResetHint::NotReset;
        }
    }

    fn unfollow(&mut self) {
        if self.histogram.reset_hint == ResetHint::NotReset {
            Arc::make_mut(&mut self.histogram).reset_hint = ResetHint::Unknown;
        }
    }
}

impl TenantMetrics {
    /// As [`TenantMetrics::select`], of the native histograms.
    pub fn select_histograms(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Selected<HistogramSample>>, EvalError> {
        let selection = Selection::new(matchers)?;
        self.select_histograms_until(&selection, start_ms, end_ms, &mut Ticker::unheeding())
    }

    /// As [`TenantMetrics::select_until`], of the native histograms.
    pub(crate) fn select_histograms_until(
        &self,
        selection: &Selection,
        start_ms: i64,
        end_ms: i64,
        ticker: &mut Ticker,
    ) -> Result<Vec<Selected<HistogramSample>>, EvalError> {
        let end_ms = end_ms.saturating_add(1);
        self.1.select(selection, start_ms, end_ms, ticker)
    }
}
