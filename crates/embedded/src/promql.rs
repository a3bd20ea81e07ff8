//! The evaluator of PromQL.
//!
//! Everything is evaluated series by series over all steps of a query at once: a selector walks a
//! series' samples once, a range function slides its window over them. Where series meet
//! (aggregations, operations between vectors, histograms) they are walked side by side, step by
//! step. An instant query is a range query of one step.
//!
//! The semantics are those of Prometheus 3 with its default flags, and with what it calls experimental
//! always there: windows and lookback leave out
//! their left edge, series end at a staleness mark, and functions that change what a value means
//! drop the metric name.

mod accumulate;
mod aggregate;
mod binary;
mod budget;
mod call;
mod dates;
mod evaluator;
mod extended;
mod extended_histograms;
mod histogram;
mod histogram_rate;
mod invariant;
mod kahan;
mod label_functions;
mod limit;
mod matching;
mod modifiers;
mod notes;
mod operation;
mod operator;
mod over_time;
mod pairs;
mod positions;
mod quantile;
mod range_functions;
mod range_vector;
mod rate;
mod selector;
mod series;
mod sets;
mod sort;
mod stored;
mod subquery;
mod topk;

use query::promql::Expr;

use crate::answer::Point;
use crate::labels::Labels;
use crate::limits::{EvalError, Limits, Stop};
use crate::store::{HistogramSample, TenantMetrics};
use budget::Budget;
use evaluator::{Evaluator, Steps};
pub(crate) use kahan::Sum;
use notes::Notes;
pub(crate) use selector::matchers;
use series::{Series, Value};
use stored::Resets;

/// A PromQL query with all that its answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The query.
    pub query: &'a Expr,
    /// What the query was parsed from. Only the places in warnings are found with it.
    pub text: &'a str,
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
    Matrix(Vec<RangeSeries>),
    /// Series at one time.
    Vector(Vec<InstantSample>),
    /// One number at one time.
    Scalar(Point),
    /// One string at one time (milliseconds since the Unix epoch).
    String(i64, String),
}

impl Answer {
    /// Keeps `most` series; whether there were more.
    pub fn truncate(&mut self, most: usize) -> bool {
        let before = match self {
            Self::Matrix(series) => {
                let before = series.len();
                series.truncate(most);
                before
            }
            Self::Vector(samples) => {
                let before = samples.len();
                samples.truncate(most);
                before
            }
            Self::Scalar(_) | Self::String(..) => 0,
        };
        before > most
    }
}

/// A series with its numbers and its native histograms, each by time.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSeries {
    /// The series' labels.
    pub labels: Labels,
    /// Its numbers.
    pub points: Vec<Point>,
    /// Its native histograms.
    pub histograms: Vec<HistogramSample>,
}

/// A series with one value.
#[derive(Clone, Debug, PartialEq)]
pub struct InstantSample {
    /// The series' labels.
    pub labels: Labels,
    /// Its value.
    pub value: InstantValue,
}

/// A value at one time.
#[derive(Clone, Debug, PartialEq)]
pub enum InstantValue {
    /// A number.
    Float(Point),
    /// A native histogram.
    Histogram(HistogramSample),
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The answer.
    pub answer: Answer,
    /// What is probably wrong with the query or the data, in Prometheus's words.
    pub warnings: Vec<String>,
    /// What may be wrong, likewise.
    pub infos: Vec<String>,
}

/// Evaluates a PromQL query over the metrics of one tenant.
pub fn evaluate(
    store: &TenantMetrics,
    request: &Request,
    limits: &Limits,
) -> Result<Evaluation, EvalError> {
    let budget = Budget::new(limits);
    let notes = Notes::default();
    let evaluator = Evaluator {
        store,
        stop: request.stop,
        budget: &budget,
        notes: &notes,
        lookback: i64::try_from(limits.lookback.as_millis()).unwrap_or(i64::MAX),
        query_span: (request.start_ms, request.end_ms),
        query_step: if request.instant { 0 } else { request.step_ms },
        steps: Steps {
            start: request.start_ms,
            end: request.end_ms,
            step: request.step_ms.max(1),
        },
        delayed_name_removal: request.delayed_name_removal,
        resets: Resets::AsHinted,
    };
    let answer = answer(&evaluator, request)?;
    let told = notes.tell(request.text, request.query);
    Ok(Evaluation {
        answer,
        warnings: told.warnings,
        infos: told.infos,
    })
}

fn answer(evaluator: &Evaluator, request: &Request) -> Result<Answer, EvalError> {
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
        (Value::Scalar(values), true) => Ok(Answer::Scalar(series::point(
            at,
            values.first().copied().unwrap_or(f64::NAN),
        ))),
        (Value::Scalar(values), false) => Ok(Answer::Matrix(sorted(evaluator.unlabelled(values)))),
        (Value::Vector(series), true) => {
            let series = series::without_dropped_names(series)?;
            Ok(Answer::Vector(
                series.into_iter().filter_map(instant).collect(),
            ))
        }
        (Value::Vector(series), false) => Ok(Answer::Matrix(sorted(
            series::without_dropped_names(series)?,
        ))),
    }
}

/// The one value of a series of an instant query.
fn instant(series: Series) -> Option<InstantSample> {
    let float = series.points.first().copied().map(InstantValue::Float);
    let histogram = || series.histograms.into_iter().next();
    Some(InstantSample {
        labels: series.labels,
        value: float.or_else(|| histogram().map(InstantValue::Histogram))?,
    })
}

fn sorted(series: Vec<Series>) -> Vec<RangeSeries> {
    let mut sorted: Vec<_> = series
        .into_iter()
        .map(|one| RangeSeries {
            labels: one.labels,
            points: one.points,
            histograms: one.histograms,
        })
        .collect();
    sorted.sort_by(|a, b| a.labels.cmp(&b.labels));
    sorted
}

#[cfg(test)]
mod tests;
