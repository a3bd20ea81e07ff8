//! The evaluator of LogQL.
//!
//! It answers as Loki does, to its oddities: tests and people rely on the answers being the same.
//! `stage` takes a line through a pipeline, `lines` answers log queries, `range` makes samples of
//! lines, and `metric`, `vector` and `binary` calculate with them.

pub(crate) mod go;
mod labels;

mod hints;
mod stage;
mod stream_hash;
mod template;
pub(crate) mod work;

pub(crate) mod lines;

pub(crate) mod detect;

mod binary;
mod metric;
mod range;
mod vector;

use crate::answer::{MatrixSeries, Point, StreamResult, VectorSample};
use crate::limits::{EvalError, Limits, Stop};
use crate::store::TenantLogs;
use work::Work;

/// A LogQL query with all that its answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The query.
    pub query: &'a query::logql::Expr,
    /// First time, inclusive, in nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// Last time: exclusive for log queries, inclusive for the steps of metric queries; equal to
    /// the start for instant queries.
    pub end_ns: i64,
    /// Distance of the steps of a metric query.
    pub step_ns: i64,
    /// Least distance of two lines of one stream in the answer to a log query; 0 for none.
    pub interval_ns: i64,
    /// How many lines a log query may answer with.
    pub limit: usize,
    /// Which lines come first.
    pub direction: Direction,
    /// Whether the query asks for one time only.
    pub instant: bool,
    /// Whether each line's own labels are shown beside it, by category, rather than among those of
    /// its stream.
    pub categorize: bool,
    /// The time of asking, which templates can tell by `now`.
    pub now_ns: i64,
    /// When to give up.
    pub stop: &'a Stop,
}

/// Order of log lines in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// The answer to a LogQL query. Its lists come in the order in which they are shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Log lines.
    Streams(Vec<StreamResult>),
    /// Series over time.
    Matrix(Vec<MatrixSeries>),
    /// Series at one time.
    Vector(Vec<VectorSample>),
    /// One number at one time.
    Scalar(Point),
}

/// Evaluates a LogQL query over the logs of one tenant.
pub fn evaluate(
    store: &TenantLogs,
    request: &Request<'_>,
    limits: &Limits,
) -> Result<Answer, EvalError> {
    let work = Work::new(request.stop);
    match request.query {
        query::logql::Expr::Log(expr) => lines::evaluate(store, request, &work, expr),
        query::logql::Expr::Metric(expr) => metric::evaluate(store, request, limits, &work, expr),
    }
}

#[cfg(test)]
mod tests;
