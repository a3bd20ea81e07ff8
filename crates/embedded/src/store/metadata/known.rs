//! What is known of a tenant's metrics, within bounds: whatever is told beyond them takes the place
//! of what was not told again for the longest time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::MetricMetadata;

/// Descriptions of one metric that differ; more tell nothing.
const MOST_PER_METRIC: usize = 10;
/// Bytes of a name and likewise of a unit; what has a longer one is not taken.
const LONGEST_NAME: usize = 1 << 10;
/// Bytes of a help text, which is cut there.
const LONGEST_HELP: usize = 4 << 10;
/// Bytes of text for one tenant.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// The metadata of one tenant.
#[derive(Debug)]
pub(super) struct Known {
    /// By name, each with its turn.
    metrics: BTreeMap<String, Vec<(u64, Arc<MetricMetadata>)>>,
    /// By turn: the first was not told for the longest time.
    turns: BTreeMap<u64, Arc<MetricMetadata>>,
    next: u64,
    bytes: usize,
    /// Descriptions, over all metrics.
    most: usize,
}

impl Known {
    pub(super) fn new(most: usize) -> Self {
        Self {
            metrics: BTreeMap::new(),
            turns: BTreeMap::new(),
            next: 0,
            bytes: 0,
            most,
        }
    }

    /// Descriptions, over all metrics.
    pub(super) fn len(&self) -> usize {
        self.turns.len()
    }

    /// Bytes of all texts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many descriptions there may be.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// What was not told for the longest time comes first.
    pub(super) fn all(&self) -> impl Iterator<Item = &MetricMetadata> {
        self.turns.values().map(Arc::as_ref)
    }

    /// Names and descriptions of one metric, or of all if its name is empty; sorted by name.
    pub(super) fn find(&self, metric: &str, limit: usize) -> Vec<Vec<Arc<MetricMetadata>>> {
        let of = |all: &Vec<(u64, Arc<MetricMetadata>)>| {
            all.iter().map(|(_, one)| Arc::clone(one)).collect()
        };
        if metric.is_empty() {
            return self.metrics.values().take(limit).map(of).collect();
        }
        self.metrics
            .get(metric)
            .into_iter()
            .take(limit)
            .map(of)
            .collect()
    }

    /// Notes that something was told again; `false` if it is not known.
    pub(super) fn again(&mut self, one: &MetricMetadata) -> bool {
        let mut known = self.metrics.get_mut(&one.metric).into_iter().flatten();
        let Some((turn, kept)) = known.find(|(_, kept)| **kept == *one) else {
            return false;
        };
        self.turns.remove(turn);
        *turn = self.next;
        self.turns.insert(self.next, Arc::clone(kept));
        self.next += 1;
        true
    }

    /// Takes in what was told.
    pub(super) fn tell(&mut self, one: MetricMetadata) {
        if self.again(&one) {
            return;
        }
        self.bytes += weight(&one);
        let one = Arc::new(one);
        let of_metric = self.metrics.entry(one.metric.clone()).or_default();
        of_metric.push((self.next, Arc::clone(&one)));
        let oldest = of_metric.iter().map(|(turn, _)| *turn).min();
        let is_full = of_metric.len() > MOST_PER_METRIC;
        self.turns.insert(self.next, one);
        self.next += 1;
        if let Some(turn) = oldest.filter(|_| is_full) {
            self.forget(turn);
        }
        while (self.turns.len() > self.most || self.bytes > MOST_BYTES)
            && let Some(turn) = self.turns.keys().next().copied()
        {
            self.forget(turn);
        }
    }

    fn forget(&mut self, turn: u64) {
        let Some(one) = self.turns.remove(&turn) else {
            return;
        };
        self.bytes -= weight(&one);
        if let Some(of_metric) = self.metrics.get_mut(&one.metric) {
            of_metric.retain(|(of, _)| *of != turn);
            if of_metric.is_empty() {
                self.metrics.remove(&one.metric);
            }
        }
    }
}

/// Bytes of the texts.
pub(super) fn weight(one: &MetricMetadata) -> usize {
    one.metric.len() + one.help.len() + one.unit.len()
}

/// What may be kept of a description: as with Mimir, one whose name or unit is too long is left
/// out, and a help text that is too long is cut.
pub(super) fn fitting(mut one: MetricMetadata) -> Option<MetricMetadata> {
    if one.metric.is_empty() || one.metric.len().max(one.unit.len()) > LONGEST_NAME {
        return None;
    }
    if one.help.len() > LONGEST_HELP {
        one.help
            .truncate(one.help.floor_char_boundary(LONGEST_HELP));
        one.help.shrink_to_fit();
    }
    Some(one)
}
