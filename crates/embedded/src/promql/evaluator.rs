//! The walk over the tree.

use std::sync::Arc;

use query::promql::ast::{BinaryOp, Expr, UnaryOp};

use super::budget::Budget;
use super::invariant::is_fixed;
use super::notes::Notes;
use super::series::{self, Series, Value, point};
use super::stored::Resets;
use crate::histogram::Histogram;
use crate::limits::{EvalError, Stop};
use crate::store::{HistogramSample, TenantMetrics};

/// The steps of a query or a subquery, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) step: i64,
}

impl Steps {
    /// How many there are.
    pub(super) fn count(self) -> usize {
        if self.end < self.start {
            return 0;
        }
        let whole = self.end.saturating_sub(self.start) / self.step;
        usize::try_from(whole)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    /// The last one, which may be before the end.
    pub(super) fn last(self) -> i64 {
        self.end - self.end.saturating_sub(self.start).rem_euclid(self.step)
    }

    /// Their times.
    pub(super) fn times(self) -> impl Iterator<Item = i64> + Clone {
        let mut next = (self.start <= self.end).then_some(self.start);
        std::iter::from_fn(move || {
            let time = next?;
            next = time.checked_add(self.step).filter(|next| *next <= self.end);
            Some(time)
        })
    }

    /// The number of the step at `time`.
    pub(super) fn index(self, time: i64) -> usize {
        usize::try_from(time.saturating_sub(self.start) / self.step).unwrap_or_default()
    }
}

/// Evaluates expressions over steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evaluator<'a> {
    pub(super) store: &'a TenantMetrics,
    pub(super) stop: &'a Stop,
    pub(super) budget: &'a Budget,
    pub(super) notes: &'a Notes,
    /// How far back a selector looks, in milliseconds.
    pub(super) lookback: i64,
    /// First and last time of the whole query: what `start()` and `end()` behind `@` mean.
    pub(super) query_span: (i64, i64),
    /// The step of the whole query, in milliseconds; 0 where it asks for one time only.
    pub(super) query_step: i64,
    pub(super) steps: Steps,
    pub(super) delayed_name_removal: bool,
    pub(super) resets: Resets,
}

/// The refusal of what is right and cannot be evaluated here.
pub(super) fn unsupported(what: impl std::fmt::Display) -> EvalError {
    EvalError::Unsupported(format!("{what} is not supported by the embedded backend"))
}

/// The error for an expression of the wrong type, which the parser does not let through.
pub(super) fn wrong_type(wanted: &str) -> EvalError {
    EvalError::Invalid(format!("expected an expression of type {wanted}"))
}

/// The expression within its brackets.
pub(super) fn unwrap_parens(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(inner) = expr {
        expr = inner;
    }
    expr
}

impl Evaluator<'_> {
    /// Evaluates an expression.
    pub(super) fn eval(&self, expr: &Expr) -> Result<Value, EvalError> {
        self.stop.check()?;
        let before = self.budget.held();
        let value = if self.steps.start < self.steps.end && is_fixed(expr) {
            self.eval_once(expr)?
        } else {
            self.eval_node(expr)?
        };
        let left = match &value {
            Value::Scalar(values) => values.len(),
            Value::Vector(series) => series.iter().map(Series::weight).sum(),
            Value::String(_) => 0,
        };
        self.budget.settle(before, left);
        self.budget.take(0)?;
        Ok(value)
    }

    fn eval_node(&self, expr: &Expr) -> Result<Value, EvalError> {
        match expr {
            Expr::Number(number) => self.constant(number.value),
            Expr::String(text) => match text.as_str() {
                Some(text) => Ok(Value::String(text.to_owned())),
                None => Err(unsupported("a string that is not UTF-8")),
            },
            Expr::Vector(_) => Ok(Value::Vector(self.vector_selector(expr)?)),
            Expr::Matrix(_) | Expr::Subquery(_) => Err(wrong_type("instant vector")),
            Expr::Paren(inner) | Expr::Unary(UnaryOp::Plus, inner) => self.eval(inner),
            Expr::Unary(UnaryOp::Minus, inner) => match self.eval(inner)? {
                Value::Scalar(values) => Ok(Value::Scalar(
                    values.into_iter().map(|value| -value).collect(),
                )),
                Value::Vector(series) => Ok(Value::Vector(self.negated(series)?)),
                Value::String(_) => Err(wrong_type("scalar or instant vector")),
            },
            Expr::Binary(binary) => self.with_resets(expr).binary(expr, binary),
            Expr::Aggregate(aggregate) => Ok(Value::Vector(self.aggregate(expr, aggregate)?)),
            Expr::Call(call) => self.with_resets(expr).call(expr, call),
        }
    }

    /// The evaluator for the operands of this expression: whether they recognize resets depends on
    /// what is asked of histograms.
    fn with_resets(&self, expr: &Expr) -> Self {
        use query::promql::functions::Function as F;
        let mut inner = *self;
        match expr {
            Expr::Call(call) => {
                let totals = [F::HistogramCount, F::HistogramSum, F::HistogramAvg];
                let buckets = [
                    F::HistogramQuantile,
                    F::HistogramQuantiles,
                    F::HistogramFraction,
                ];
                if totals.contains(&call.function) {
                    inner.resets = self.resets.of_totals();
                } else if buckets.contains(&call.function) {
                    inner.resets = Resets::AsHintedThroughout;
                }
            }
            Expr::Binary(binary) => {
                if matches!(binary.op, BinaryOp::TrimUpper | BinaryOp::TrimLower) {
                    inner.resets = Resets::AsHintedThroughout;
                }
            }
            Expr::Number(_)
            | Expr::String(_)
            | Expr::Vector(_)
            | Expr::Matrix(_)
            | Expr::Subquery(_)
            | Expr::Paren(_)
            | Expr::Unary(..)
            | Expr::Aggregate(_) => {}
        }
        inner
    }

    /// Evaluates an instant vector.
    pub(super) fn vector(&self, expr: &Expr) -> Result<Vec<Series>, EvalError> {
        match self.eval(expr)? {
            Value::Vector(series) => Ok(series),
            Value::Scalar(_) | Value::String(_) => Err(wrong_type("instant vector")),
        }
    }

    /// Evaluates a scalar: a number for every step.
    pub(super) fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, EvalError> {
        match self.eval(expr)? {
            Value::Scalar(values) => Ok(values),
            Value::Vector(_) | Value::String(_) => Err(wrong_type("scalar")),
        }
    }

    /// One number for every step.
    pub(super) fn constant(&self, value: f64) -> Result<Value, EvalError> {
        self.budget.take(self.steps.count())?;
        Ok(Value::Scalar(vec![value; self.steps.count()]))
    }

    /// A series without labels that has these values at all steps.
    pub(super) fn unlabelled(&self, values: Vec<f64>) -> Vec<Series> {
        let points = self.steps.times().zip(values);
        vec![Series {
            points: points.map(|(time, value)| point(time, value)).collect(),
            ..Series::default()
        }]
    }

    /// Applies a function to every number; the metric name goes, for the value means something else
    /// now. Histograms go, too.
    pub(super) fn map(
        &self,
        mut series: Vec<Series>,
        function: impl Fn(f64) -> f64,
    ) -> Result<Vec<Series>, EvalError> {
        for one in &mut series {
            self.drop_name(one);
            one.histograms.clear();
            for point in &mut one.points {
                point.value = function(point.value);
            }
        }
        series.retain(|one| !one.is_empty());
        self.merged(series)
    }

    fn negated(&self, mut series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
        for one in &mut series {
            self.drop_name(one);
            for point in &mut one.points {
                point.value = -point.value;
            }
            for sample in &mut one.histograms {
                Arc::make_mut(&mut sample.histogram).scale(-1.0);
            }
        }
        self.merged(series)
    }

    /// Makes a number of every histogram; the numbers go, and so does the metric name.
    pub(super) fn map_histograms(
        &self,
        mut series: Vec<Series>,
        function: impl Fn(&Histogram) -> f64,
    ) -> Result<Vec<Series>, EvalError> {
        for one in &mut series {
            self.drop_name(one);
            let histograms = std::mem::take(&mut one.histograms);
            let of =
                |sample: HistogramSample| point(sample.timestamp_ms, function(&sample.histogram));
            one.points = histograms.into_iter().map(of).collect();
        }
        series.retain(|one| !one.is_empty());
        self.merged(series)
    }

    /// Like [`Self::map`], with the number of the step.
    pub(super) fn map_steps(
        &self,
        mut series: Vec<Series>,
        function: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<Vec<Series>, EvalError> {
        for one in &mut series {
            self.drop_name(one);
            one.histograms.clear();
            one.points.retain_mut(|point| {
                let value = function(self.steps.index(point.timestamp_ms), point.value);
                point.value = value.unwrap_or(point.value);
                value.is_some()
            });
        }
        series.retain(|one| !one.is_empty());
        self.merged(series)
    }

    /// Drops the metric name, now or at the end.
    pub(super) fn drop_name(&self, series: &mut Series) {
        series.drop_name = true;
        if !self.delayed_name_removal {
            series.labels = series::unnamed(&series.labels);
        }
    }

    /// Joins series that became alike when they lost their names. With delayed removal they still
    /// have them.
    pub(super) fn merged(&self, series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
        if self.delayed_name_removal {
            return Ok(series);
        }
        series::merge(series)
    }
}
