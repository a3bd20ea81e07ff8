//! The evaluator of PromQL.

use query::promql::Expr;

use crate::answer::{MatrixSeries, Point, VectorSample};
use crate::limits::{EvalError, Limits, Stop};
use crate::store::TenantMetrics;

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
    _store: &TenantMetrics,
    _request: &Request,
    _limits: &Limits,
) -> Result<Answer, EvalError> {
    Err(EvalError::Unsupported(
        "PromQL cannot be evaluated by this build".to_owned(),
    ))
}
