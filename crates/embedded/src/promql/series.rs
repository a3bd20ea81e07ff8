//! Values between the parts of an expression.

use std::collections::HashMap;
use std::sync::Arc;

use crate::answer::Point;
use crate::histogram::Histogram;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::HistogramSample;

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

/// A series over the steps of a query. At one time it has a number or a histogram, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    pub(super) labels: Labels,
    /// Whether the metric name goes at the end; see `Request::delayed_name_removal`.
    pub(super) drop_name: bool,
    pub(super) points: Vec<Point>,
    pub(super) histograms: Vec<HistogramSample>,
}

impl Series {
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.histograms.is_empty()
    }

    /// How many samples it holds; a histogram counts as many as its buckets take.
    pub(super) fn weight(&self) -> usize {
        self.points.len() + weight(&self.histograms)
    }

    /// Adds a value of a step behind all others.
    pub(super) fn push(&mut self, timestamp_ms: i64, value: Operand) {
        match value {
            Operand::Float(value) => self.points.push(point(timestamp_ms, value)),
            Operand::Histogram(histogram) => self.histograms.push(HistogramSample {
                timestamp_ms,
                histogram,
            }),
        }
    }

    /// First and last time at which it has a value.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let floats = self.points.first().zip(self.points.last());
        let floats = floats.map(|(first, last)| (first.timestamp_ms, last.timestamp_ms));
        let histograms = self.histograms.first().zip(self.histograms.last());
        let histograms = histograms.map(|(first, last)| (first.timestamp_ms, last.timestamp_ms));
        match (floats, histograms) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (one, other) => one.or(other),
        }
    }
}

/// As how many samples histograms count, which is about what they take in memory.
pub(super) fn weight(histograms: &[HistogramSample]) -> usize {
    let of = |sample: &HistogramSample| {
        let histogram = &sample.histogram;
        8 + histogram.positive.len() + histogram.negative.len()
    };
    histograms.iter().map(of).sum()
}

/// A value of one series at one step.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl Operand {
    pub(super) fn histogram(histogram: Histogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "float",
            Self::Histogram(_) => "histogram",
        }
    }
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
            base.histograms.extend(one.histograms);
            base.histograms.sort_by_key(|sample| sample.timestamp_ms);
            if has_step_twice(base) {
                return Err(same_labels());
            }
        } else {
            index.insert(one.labels.clone(), merged.len());
            merged.push(one);
        }
    }
    Ok(merged)
}

fn has_step_twice(series: &Series) -> bool {
    let mut points = series.points.array_windows();
    let mut histograms = series.histograms.array_windows();
    points.any(|[a, b]| a.timestamp_ms == b.timestamp_ms)
        || histograms.any(|[a, b]| a.timestamp_ms == b.timestamp_ms)
        || series.histograms.iter().any(|histogram| {
            let time = histogram.timestamp_ms;
            let at = series
                .points
                .binary_search_by_key(&time, |point| point.timestamp_ms);
            at.is_ok()
        })
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
            ..Series::default()
        });
        slot
    }

    /// Adds a value, of which a series has one for each step.
    pub(super) fn push(
        &mut self,
        slot: usize,
        timestamp_ms: i64,
        value: Operand,
    ) -> Result<(), EvalError> {
        let Some(series) = self.series.get_mut(slot) else {
            return Ok(());
        };
        if series.span().is_none_or(|(_, last)| last < timestamp_ms) {
            series.push(timestamp_ms, value);
            return Ok(());
        }
        // Another series of the input has come to the same labels, and has steps of its own.
        let point = series
            .points
            .binary_search_by_key(&timestamp_ms, |point| point.timestamp_ms);
        let histogram = series
            .histograms
            .binary_search_by_key(&timestamp_ms, |sample| sample.timestamp_ms);
        let (Err(point), Err(histogram)) = (point, histogram) else {
            return Err(same_labels());
        };
        match value {
            Operand::Float(value) => series
                .points
                .insert(point, self::point(timestamp_ms, value)),
            Operand::Histogram(value) => series.histograms.insert(
                histogram,
                HistogramSample {
                    timestamp_ms,
                    histogram: value,
                },
            ),
        }
        Ok(())
    }

    /// The series that have values.
    pub(super) fn finish(mut self) -> Vec<Series> {
        self.series.retain(|one| !one.is_empty());
        self.series
    }
}

/// Walks a series' values beside the steps.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    points: &'a [Point],
    histograms: &'a [HistogramSample],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(series: &'a Series) -> Self {
        Self {
            points: &series.points,
            histograms: &series.histograms,
        }
    }

    /// The number at `time`, which is never less than it was in the call before.
    pub(super) fn at(&mut self, time: i64) -> Option<f64> {
        while let Some((first, rest)) = self.points.split_first() {
            if first.timestamp_ms >= time {
                return (first.timestamp_ms == time).then_some(first.value);
            }
            self.points = rest;
        }
        None
    }

    /// The histogram at `time`, likewise.
    pub(super) fn histogram_at(&mut self, time: i64) -> Option<&'a Arc<Histogram>> {
        while let Some((first, rest)) = self.histograms.split_first() {
            if first.timestamp_ms >= time {
                return (first.timestamp_ms == time).then_some(&first.histogram);
            }
            self.histograms = rest;
        }
        None
    }

    /// The number or histogram at `time`, likewise.
    pub(super) fn value_at(&mut self, time: i64) -> Option<Operand> {
        if let Some(value) = self.at(time) {
            return Some(Operand::Float(value));
        }
        let histogram = self.histogram_at(time)?;
        Some(Operand::Histogram(Arc::clone(histogram)))
    }
}
