//! Values between the parts of an expression.

use std::collections::HashMap;

use crate::answer::Point;
use crate::labels::Labels;
use crate::limits::EvalError;

/// The label that holds the metric name.
pub(super) const METRIC_NAME: &str = "__name__";

/// What an expression evaluates to, over all steps.
#[derive(Debug)]
pub(super) enum Value {
    /// A number for every step.
    Scalar(Vec<f64>),
    /// Series, each with a point for every step at which it has a value. No two have the same
    /// labels, and none is empty.
    Vector(Vec<Series>),
    /// A string.
    String(String),
}

/// A series over the steps of a query.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) labels: Labels,
    /// Whether the metric name goes at the end; see `Request::delayed_name_removal`.
    pub(super) drop_name: bool,
    pub(super) points: Vec<Point>,
}

/// A point.
pub(super) fn point(timestamp_ms: i64, value: f64) -> Point {
    Point {
        timestamp_ms,
        value,
    }
}

/// The error for two series that cannot be told apart.
pub(super) fn same_labels() -> EvalError {
    EvalError::Execution("vector cannot contain metrics with the same labelset".to_owned())
}

/// Whether a label goes with the metric name.
fn is_metadata(name: &str) -> bool {
    matches!(name, METRIC_NAME | "__type__" | "__unit__")
}

/// The labels without metric name and what belongs to it.
pub(super) fn unnamed(labels: &Labels) -> Labels {
    labels.filter(|name| !is_metadata(name))
}

/// Drops the names that are to be dropped at the end.
pub(super) fn without_dropped_names(mut series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    for one in &mut series {
        if one.drop_name {
            one.labels = unnamed(&one.labels);
        }
    }
    merge(series)
}

/// Joins series that have the same labels, if they have no step in common.
pub(super) fn merge(series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    let mut index: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    let mut merged: Vec<Series> = Vec::with_capacity(series.len());
    for one in series {
        if let Some(base) = index.get(&one.labels).and_then(|at| merged.get_mut(*at)) {
            base.points.extend(one.points);
            base.points.sort_by_key(|point| point.timestamp_ms);
            let mut pairs = base.points.array_windows();
            if pairs.any(|[a, b]| a.timestamp_ms == b.timestamp_ms) {
                return Err(same_labels());
            }
        } else {
            index.insert(one.labels.clone(), merged.len());
            merged.push(one);
        }
    }
    Ok(merged)
}

/// Builds series out of points that come step by step.
#[derive(Debug, Default)]
pub(super) struct Collector {
    index: HashMap<Labels, usize>,
    series: Vec<Series>,
}

impl Collector {
    /// The place of the series with these labels.
    pub(super) fn slot(&mut self, labels: Labels, drop_name: bool) -> usize {
        if let Some(slot) = self.index.get(&labels) {
            return *slot;
        }
        let slot = self.series.len();
        self.index.insert(labels.clone(), slot);
        self.series.push(Series {
            labels,
            drop_name,
            points: Vec::new(),
        });
        slot
    }

    /// Adds a point, of which a series has one for each step.
    pub(super) fn push(
        &mut self,
        slot: usize,
        timestamp_ms: i64,
        value: f64,
    ) -> Result<(), EvalError> {
        let Some(series) = self.series.get_mut(slot) else {
            return Ok(());
        };
        if series
            .points
            .last()
            .is_some_and(|last| last.timestamp_ms == timestamp_ms)
        {
            return Err(same_labels());
        }
        series.points.push(Point {
            timestamp_ms,
            value,
        });
        Ok(())
    }

    /// The series that have points.
    pub(super) fn finish(mut self) -> Vec<Series> {
        self.series.retain(|one| !one.points.is_empty());
        self.series
    }
}

/// Walks a series' points beside the steps.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    points: &'a [Point],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(series: &'a Series) -> Self {
        Self {
            points: &series.points,
        }
    }

    /// The value at `time`, which is never less than it was in the call before.
    pub(super) fn at(&mut self, time: i64) -> Option<f64> {
        while let Some((first, rest)) = self.points.split_first() {
            if first.timestamp_ms >= time {
                return (first.timestamp_ms == time).then_some(first.value);
            }
            self.points = rest;
        }
        None
    }
}
