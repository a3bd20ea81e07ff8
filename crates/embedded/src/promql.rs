//! The evaluator of PromQL.
//!
//! Everything is evaluated series by series over all steps of a query at once: a selector walks a
//! series' samples once, a range function slides its window over them. Where series meet
//! (aggregations, operations between vectors, histograms) they are walked side by side, step by
//! step. An instant query is a range query of one step.
//!
//! The semantics are those of Prometheus 3 with its default flags: windows and lookback leave out
//! their left edge, series end at a staleness mark, and functions that change what a value means
//! drop the metric name.

mod accumulate;
mod aggregate;
mod binary;
mod budget;
mod call;
mod dates;
mod evaluator;
mod histogram;
mod kahan;
mod label_functions;
mod matching;
mod modifiers;
mod over_time;
mod quantile;
mod range_functions;
mod rate;
mod selector;
mod series;
mod sets;
mod subquery;
mod topk;

use query::promql::Expr;

use crate::answer::{MatrixSeries, Point, VectorSample};
use crate::limits::{EvalError, Limits, Stop};
use crate::store::TenantMetrics;
use budget::Budget;
use evaluator::{Evaluator, Steps};
pub(crate) use selector::matchers;
use series::{Series, Value};

/// A PromQL query with all that its answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The query.
    pub query: &'a Expr,
    /// First step, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Last step, inclusive; equal to the first for instant queries.
    pub end_ms: i64,
    /// Distance of the steps; above 0.
    pub step_ms: i64,
    /// Whether the query asks for one time only, and answers with a vector or scalar then.
    pub instant: bool,
    /// Whether metric names that functions drop are kept until the end, as Prometheus does with
    /// its feature flag `promql-delayed-name-removal`.
    pub delayed_name_removal: bool,
    /// When to give up.
    pub stop: &'a Stop,
}

/// The answer to a PromQL query.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Series over time.
    Matrix(Vec<MatrixSeries>),
    /// Series at one time.
    Vector(Vec<VectorSample>),
    /// One number at one time.
    Scalar(Point),
    /// One string at one time (milliseconds since the Unix epoch).
    String(i64, String),
}

/// Evaluates a PromQL query over the metrics of one tenant.
pub fn evaluate(
    store: &TenantMetrics,
    request: &Request,
    limits: &Limits,
) -> Result<Answer, EvalError> {
    let steps = Steps {
        start: request.start_ms,
        end: request.end_ms,
        step: request.step_ms.max(1),
    };
    let budget = Budget::new(limits.max_samples);
    let evaluator = Evaluator {
        store,
        stop: request.stop,
        budget: &budget,
        lookback: i64::try_from(limits.lookback.as_millis()).unwrap_or(i64::MAX),
        query_span: (request.start_ms, request.end_ms),
        steps,
        delayed_name_removal: request.delayed_name_removal,
    };
    if let Some(range) = evaluator.top_level_range(request.query, request.instant)? {
        return Ok(Answer::Matrix(sorted(range)));
    }
    let value = evaluator.eval(request.query)?;
    let at = request.start_ms;
    match (value, request.instant) {
        (Value::String(text), true) => Ok(Answer::String(at, text)),
        (Value::String(_), false) => Err(EvalError::Invalid(
            "invalid parameter \"query\": invalid expression type \"string\" for range query, \
             must be Scalar or instant Vector"
                .to_owned(),
        )),
        (Value::Scalar(values), true) => Ok(Answer::Scalar(Point {
            timestamp_ms: at,
            value: values.first().copied().unwrap_or(f64::NAN),
        })),
        (Value::Scalar(values), false) => Ok(Answer::Matrix(vec![MatrixSeries {
            labels: crate::Labels::default(),
            points: steps
                .times()
                .zip(values)
                .map(|(timestamp_ms, value)| Point {
                    timestamp_ms,
                    value,
                })
                .collect(),
        }])),
        (Value::Vector(series), true) => Ok(Answer::Vector(
            series::without_dropped_names(series)?
                .into_iter()
                .filter_map(|one| {
                    let point = *one.points.first()?;
                    Some(VectorSample {
                        labels: one.labels,
                        point,
                    })
                })
                .collect(),
        )),
        (Value::Vector(series), false) => Ok(Answer::Matrix(sorted(
            series::without_dropped_names(series)?,
        ))),
    }
}

fn sorted(series: Vec<Series>) -> Vec<MatrixSeries> {
    let mut sorted: Vec<_> = series
        .into_iter()
        .map(|one| MatrixSeries {
            labels: one.labels,
            points: one.points,
        })
        .collect();
    sorted.sort_by(|a, b| a.labels.cmp(&b.labels));
    sorted
}

#[cfg(test)]
mod tests;
