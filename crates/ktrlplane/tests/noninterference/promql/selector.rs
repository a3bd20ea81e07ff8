//! Selectors.

use gateway::query::promql::ast::{Extension, VectorSelector};
use gateway::query::{MatchOp, Matcher, SmallStr};

use super::Promql;
use crate::matchers::{matcher, resource_matcher};
use crate::vocabulary::{FOREIGN_METRIC, METRICS, Measure, Metric};

impl Promql<'_> {
    /// A selector of any metric, of several, or of all.
    pub(super) fn selector(&mut self) -> VectorSelector {
        match self.dice.below(40) {
            0 => self.selector_by_matchers(&[]),
            1 | 2 => {
                let patterns = ["requests_total|errors_total", ".*_total", "t.*|m.*", ".+"];
                let name = Matcher {
                    name: "__name__".into(),
                    op: MatchOp::Regex,
                    value: self.dice.pick(&patterns).into(),
                };
                self.selector_by_matchers(&[name])
            }
            3 => {
                // Another resource's alone: an empty answer, scoped or not, to whom it is not.
                let name = Matcher::equal("__name__", FOREIGN_METRIC);
                self.selector_by_matchers(&[name])
            }
            _ => {
                let metric = METRICS[self.dice.below(METRICS.len())];
                self.selector_of(&metric)
            }
        }
    }

    /// A selector of a metric of this measure.
    pub(super) fn selector_measuring(&mut self, measure: Measure) -> VectorSelector {
        let metrics: Vec<Metric> = METRICS
            .iter()
            .filter(|metric| metric.measure == measure)
            .copied()
            .collect();
        let metric = self.dice.pick(&metrics);
        self.selector_of(&metric)
    }

    fn selector_of(&mut self, metric: &Metric) -> VectorSelector {
        let mut matchers = Vec::new();
        let is_plain = !metric.name.contains('.');
        let name = (is_plain && self.dice.chance(85)).then(|| metric.name.into());
        if name.is_none() {
            matchers.push(Matcher::equal("__name__", metric.name));
        }
        let mut labels: Vec<&str> = vec!["pod"];
        labels.extend(metric.labels);
        for label in labels {
            if self.dice.chance(18) {
                matchers.push(matcher(self.dice, label));
            }
        }
        self.finished(name, matchers)
    }

    fn selector_by_matchers(&mut self, of: &[Matcher]) -> VectorSelector {
        let mut matchers = of.to_vec();
        if self.dice.chance(50) {
            let label = self.dice.pick(&["pod", "method", "env", "__name__"]);
            matchers.push(matcher(self.dice, label));
        }
        self.finished(None, matchers)
    }

    fn finished(&mut self, name: Option<SmallStr>, mut matchers: Vec<Matcher>) -> VectorSelector {
        while self.dice.chance(25) {
            let at = self.dice.below(matchers.len() + 1);
            matchers.insert(at, resource_matcher(self.dice));
        }
        let extensions = [Extension::Anchored, Extension::Smoothed];
        let extended = self.dice.below(400) == 0;
        VectorSelector {
            name,
            matchers,
            extension: extended.then(|| self.dice.pick(&extensions)),
            modifiers: self.modifiers(),
        }
    }
}
