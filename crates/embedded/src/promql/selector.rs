//! Selectors.

use std::thread;

use query::Matcher;
use query::promql::ast::{Expr, MatrixSelector, VectorSelector};

use super::evaluator::{Evaluator, unsupported, unwrap_parens, wrong_type};
use super::modifiers::{Shift, positive_millis};
use super::series::{METRIC_NAME, Series};
use crate::answer::Point;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::{Reading, Sample, Selected};

/// Stored series from which on several threads read them.
const MANY_SERIES: usize = 2_000;
/// Threads of one query.
const MOST_THREADS: usize = 4;

/// A range vector before its windows are cut.
#[derive(Debug)]
pub(super) struct RangeVector {
    source: Source,
    pub(super) shift: Shift,
    /// Length of a window in milliseconds.
    pub(super) range: i64,
}

#[derive(Debug)]
enum Source {
    Stored(Vec<Selected<Sample>>),
    Computed(Vec<Series>),
}

impl RangeVector {
    pub(super) fn computed(series: Vec<Series>, shift: Shift, range: i64) -> Self {
        Self {
            source: Source::Computed(series),
            shift,
            range,
        }
    }

    /// The same in parts of about as many series, if there are so many that several threads pay.
    pub(super) fn into_parts(self) -> Vec<Self> {
        let (shift, range) = (self.shift, self.range);
        let threads = thread::available_parallelism().map_or(1, usize::from);
        match self.source {
            Source::Stored(mut selected) if selected.len() >= MANY_SERIES && threads > 1 => {
                let size = selected.len().div_ceil(threads.min(MOST_THREADS));
                let mut parts = Vec::new();
                while !selected.is_empty() {
                    let rest = selected.split_off(size.min(selected.len()));
                    parts.push(Self {
                        source: Source::Stored(selected),
                        shift,
                        range,
                    });
                    selected = rest;
                }
                parts
            }
            source @ (Source::Stored(_) | Source::Computed(_)) => vec![Self {
                source,
                shift,
                range,
            }],
        }
    }

    /// The series with all samples that some window may need, staleness marks left out. Samples of
    /// stored series are read as they are asked for, one series at a time.
    pub(super) fn into_series(self) -> Box<dyn Iterator<Item = Result<Series, EvalError>>> {
        match self.source {
            Source::Computed(series) => Box::new(series.into_iter().map(Ok)),
            Source::Stored(selected) => {
                let mut reading = Reading::default();
                Box::new(selected.into_iter().map(move |one| {
                    let mut points = one.read(&mut reading)?;
                    points.retain(|sample| !sample.is_stale());
                    Ok(Series {
                        labels: one.labels,
                        drop_name: false,
                        points,
                    })
                }))
            }
        }
    }
}

/// The matchers of a selector, its metric name among them.
pub(crate) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    let name = selector
        .name
        .iter()
        .map(|name| Matcher::equal(METRIC_NAME, name.as_str()));
    name.chain(selector.matchers.iter().cloned()).collect()
}

impl Evaluator<'_> {
    /// The newest value of every series at every step.
    pub(super) fn vector_selector(
        &self,
        selector: &VectorSelector,
    ) -> Result<Vec<Series>, EvalError> {
        self.newest(selector, |sample| sample.value)
    }

    /// What `read` takes from the newest sample of every series at every step.
    pub(super) fn newest(
        &self,
        selector: &VectorSelector,
        read: impl Fn(&Sample) -> f64,
    ) -> Result<Vec<Series>, EvalError> {
        let shift = self.selector_shift(selector)?;
        let (first, last) = shift.span(self.steps);
        if self.steps.count() == 0 {
            return Ok(Vec::new());
        }
        let from = first.saturating_sub(self.lookback).saturating_add(1);
        let mut found = Vec::new();
        let mut reading = Reading::default();
        for selected in self.store.select(&matchers(selector), from, last)? {
            self.stop.check()?;
            let samples = selected.read(&mut reading)?;
            let mut rest = samples.as_slice();
            let mut newest: Option<Sample> = None;
            let mut points = Vec::new();
            for timestamp_ms in self.steps.times() {
                let time = shift.of(timestamp_ms);
                let until = rest.partition_point(|sample| sample.timestamp_ms <= time);
                if let Some((passed, ahead)) = rest.split_at_checked(until) {
                    newest = passed.last().copied().or(newest);
                    rest = ahead;
                }
                let Some(sample) = newest else { continue };
                let oldest = time.saturating_sub(self.lookback);
                if sample.timestamp_ms > oldest && !sample.is_stale() {
                    points.push(Point {
                        timestamp_ms,
                        value: read(&sample),
                    });
                }
            }
            self.budget.take(points.len())?;
            if !points.is_empty() {
                found.push(Series {
                    labels: selected.labels,
                    drop_name: false,
                    points,
                });
            }
        }
        Ok(found)
    }

    /// A range vector, from a selector or a subquery.
    pub(super) fn range_vector(&self, expr: &Expr) -> Result<RangeVector, EvalError> {
        match unwrap_parens(expr) {
            Expr::Matrix(matrix) => self.matrix_selector(matrix),
            Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::Number(_)
            | Expr::String(_)
            | Expr::Vector(_)
            | Expr::Paren(_)
            | Expr::Unary(..)
            | Expr::Binary(_)
            | Expr::Aggregate(_)
            | Expr::Call(_) => Err(wrong_type("range vector")),
        }
    }

    fn matrix_selector(&self, matrix: &MatrixSelector) -> Result<RangeVector, EvalError> {
        let shift = self.selector_shift(&matrix.selector)?;
        let range = positive_millis(&matrix.range)?;
        let (first, last) = shift.span(self.steps);
        let from = first.saturating_sub(range).saturating_add(1);
        let selected = if self.steps.count() == 0 {
            Vec::new()
        } else {
            self.store.select(&matchers(&matrix.selector), from, last)?
        };
        Ok(RangeVector {
            source: Source::Stored(selected),
            shift,
            range,
        })
    }

    fn selector_shift(&self, selector: &VectorSelector) -> Result<Shift, EvalError> {
        if selector.extension.is_some() {
            return Err(unsupported("a selector that is anchored or smoothed"));
        }
        self.shift(&selector.modifiers)
    }

    /// The samples of a range vector that is the whole of an instant query. A range query has no
    /// use for one.
    pub(super) fn top_level_range(
        &self,
        expr: &Expr,
        instant: bool,
    ) -> Result<Option<Vec<Series>>, EvalError> {
        let expr = unwrap_parens(expr);
        if !matches!(expr, Expr::Matrix(_) | Expr::Subquery(_)) {
            return Ok(None);
        }
        if !instant {
            return Err(EvalError::Invalid(
                "invalid parameter \"query\": invalid expression type \"range vector\" for range \
                 query, must be Scalar or instant Vector"
                    .to_owned(),
            ));
        }
        let range = self.range_vector(expr)?;
        let end = range.shift.of(self.steps.start);
        let start = end.saturating_sub(range.range);
        let mut found = Vec::new();
        for series in range.into_series() {
            self.stop.check()?;
            let mut series = series?;
            series
                .points
                .retain(|point| point.timestamp_ms > start && point.timestamp_ms <= end);
            self.budget.take(series.points.len())?;
            if series.drop_name {
                series.labels = super::series::unnamed(&series.labels);
            }
            if !series.points.is_empty() {
                found.push(series);
            }
        }
        Ok(Some(found))
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
