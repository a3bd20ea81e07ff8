//! Exemplars: single events that stand for a sample, with labels of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use query::Matcher;

use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::chunks::{Fate, Timed};
use crate::store::select::{Patterns, selections};
use crate::store::selected::Selected;
use crate::store::shelf::Shelf;
use crate::store::table::Unobserved;

/// An exemplar of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Labels of this exemplar, a trace's id for one.
    pub labels: Labels,
    /// The value that was measured.
    pub value: f64,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

impl Timed for Exemplar {
    fn time(&self) -> i64 {
        self.timestamp_ms
    }

    fn beside(&self, kept: &Self) -> Fate {
        let is_same = self.timestamp_ms == kept.timestamp_ms
            && self.value.to_bits() == kept.value.to_bits()
            && self.labels == kept.labels;
        if is_same { Fate::Known } else { Fate::New }
    }
}

/// The exemplars of one tenant. Clones share the data.
#[derive(Clone, Debug)]
pub struct TenantExemplars(pub(super) Arc<Shelf<Exemplar, Unobserved>>);

impl TenantExemplars {
    /// The series that all matchers of at least one group match, with their exemplars from
    /// `start_ms` to `end_ms` (both inclusive) by time, sorted by their labels.
    pub(crate) fn select(
        &self,
        groups: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
        patterns: &mut Patterns,
    ) -> Result<Vec<Selected<Exemplar>>, EvalError> {
        let selections = selections(groups, patterns)?;
        let mut ticker = patterns.ticker();
        let end_ms = end_ms.saturating_add(1);
        let mut found = BTreeMap::new();
        for selection in &selections {
            for series in self.0.select(selection, start_ms, end_ms, &mut ticker)? {
                found.insert(series.labels.clone(), series);
            }
        }
        Ok(found.into_values().collect())
    }
}
