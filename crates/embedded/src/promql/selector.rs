//! Instant vector selectors.

use query::Matcher;
use query::promql::ast::{Expr, Extension, VectorSelector};

use super::evaluator::{Evaluator, unwrap_parens};
use super::series::{METRIC_NAME, Operand, Series};
use crate::answer::Point;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::{HistogramSample, Reading};

/// The matchers of a selector, its metric name among them.
pub(crate) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    let name = selector
        .name
        .iter()
        .map(|name| Matcher::equal(METRIC_NAME, name.as_str()));
    name.chain(selector.matchers.iter().cloned()).collect()
}

/// What is taken from the newest sample of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    Value,
    /// Its own time, in seconds.
    Time,
}

impl Evaluator<'_> {
    /// The newest value of every series at every step.
    pub(super) fn vector_selector(&self, expr: &Expr) -> Result<Vec<Series>, EvalError> {
        let Expr::Vector(selector) = expr else {
            return Err(super::evaluator::wrong_type("instant vector"));
        };
        match selector.extension {
            Some(Extension::Smoothed) => self.smoothed_vector(expr, selector),
            None | Some(Extension::Anchored) => self.newest(selector, Newest::Value),
        }
    }

    /// What is wanted of the newest sample of every series at every step.
    pub(super) fn newest(
        &self,
        selector: &VectorSelector,
        wanted: Newest,
    ) -> Result<Vec<Series>, EvalError> {
        let shift = self.shift(&selector.modifiers)?;
        let (first, last) = shift.span(self.steps);
        if self.steps.count() == 0 {
            return Ok(Vec::new());
        }
        let from = first.saturating_sub(self.lookback).saturating_add(1);
        let mut found = Vec::new();
        let mut reading = Reading::default();
        let mut ticker = self.ticker();
        for stored in self.stored(&matchers(selector), from, last)? {
            self.stop.check()?;
            let samples = stored.read(&mut reading, self.resets)?;
            let mut newest = Walk::new(&samples);
            let mut series = Series {
                labels: stored.labels,
                ..Series::default()
            };
            for timestamp_ms in self.steps.times() {
                ticker.tick(1)?;
                let time = shift.of(timestamp_ms);
                let oldest = time.saturating_sub(self.lookback);
                let Some((at, value)) = newest.until(time, oldest) else {
                    continue;
                };
                let value = match wanted {
                    Newest::Value => value,
                    Newest::Time => Operand::Float(super::call::seconds(at)),
                };
                series.push(timestamp_ms, value);
            }
            if !series.is_empty() {
                self.budget.take(series.cost())?;
                found.push(series);
            }
        }
        Ok(found)
    }
}

/// Walks both kinds of a series' samples beside the steps.
struct Walk<'a> {
    points: &'a [Point],
    histograms: &'a [HistogramSample],
    point: Option<&'a Point>,
    histogram: Option<&'a HistogramSample>,
}

impl<'a> Walk<'a> {
    fn new(series: &'a Series) -> Self {
        Self {
            points: &series.points,
            histograms: &series.histograms,
            point: None,
            histogram: None,
        }
    }

    /// The newest sample up to `time`, which never becomes less, with its own time. None if it is
    /// not newer than `oldest` or marks the end of the series.
    fn until(&mut self, time: i64, oldest: i64) -> Option<(i64, Operand)> {
        let until = self.points.partition_point(|one| one.timestamp_ms <= time);
        if let Some((passed, ahead)) = self.points.split_at_checked(until) {
            self.point = passed.last().or(self.point);
            self.points = ahead;
        }
        if let Some(first) = self.histograms.first()
            && first.timestamp_ms <= time
        {
            let until = self
                .histograms
                .partition_point(|one| one.timestamp_ms <= time);
            if let Some((passed, ahead)) = self.histograms.split_at_checked(until) {
                self.histogram = passed.last().or(self.histogram);
                self.histograms = ahead;
            }
        }
        let point = self.point.filter(|one| one.timestamp_ms > oldest);
        let histogram = self.histogram.filter(|one| one.timestamp_ms > oldest);
        match (point, histogram) {
            (Some(point), histogram)
                if histogram.is_none_or(|other| other.timestamp_ms < point.timestamp_ms) =>
            {
                let value = Operand::Float(point.value);
                (!point.is_stale()).then_some((point.timestamp_ms, value))
            }
            (_, Some(sample)) => {
                let value = || Operand::Histogram(sample.histogram.clone());
                (!sample.is_stale()).then(|| (sample.timestamp_ms, value()))
            }
            (Some(_) | None, None) => None,
        }
    }
}

/// Labels that `absent` gives to its series: those that the selector demands with `=`, once each.
pub(super) fn demanded_labels(expr: &Expr) -> Labels {
    let selector = match unwrap_parens(expr) {
        Expr::Vector(selector) => selector,
        Expr::Matrix(matrix) => &matrix.selector,
        Expr::Number(_)
        | Expr::String(_)
        | Expr::Subquery(_)
        | Expr::Paren(_)
        | Expr::Unary(..)
        | Expr::Binary(_)
        | Expr::Aggregate(_)
        | Expr::Call(_) => return Labels::default(),
    };
    let mut demanded: Vec<(String, String)> = Vec::new();
    let mut set: Vec<&str> = Vec::new();
    for matcher in &selector.matchers {
        if matcher.name == METRIC_NAME {
            continue;
        }
        // A second demand on a label takes back the first one, as Prometheus has always done.
        if matcher.op == query::MatchOp::Equal && !set.contains(&matcher.name.as_str()) {
            set.push(&matcher.name);
            let value = matcher.value.to_string_lossy().into_owned();
            demanded.push((matcher.name.to_string(), value));
        } else {
            demanded.retain(|(name, _)| matcher.name != *name);
        }
    }
    Labels::new(demanded)
}
