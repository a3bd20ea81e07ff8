//! What is to be told beside an answer: Prometheus's annotations.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use query::promql::Expr;
use query::promql::ast::BinaryOp;

use super::evaluator::unwrap_parens;
use super::positions::Positions;
use crate::labels::Labels;
use crate::numbers::{go_general, go_rounded};

/// Different notes that are kept; what comes when there are more is not told.
const MOST_NOTES: usize = 1_000;

/// How much a note should trouble who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Warning,
    Info,
}

/// The notes of an evaluation. Each is told once, with the place of the expression that it is
/// about.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<BTreeMap<(Severity, String), Place>>);

/// Where a note belongs, and what is known beyond its sentence.
#[derive(Debug)]
struct Place {
    expr: usize,
    raised: Option<Raised>,
}

/// Counts of a classic histogram's buckets that fell and were raised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Raised {
    /// Lowest and highest bound of a bucket that was raised.
    pub(super) bounds: (f64, f64),
    /// By how much at the most.
    pub(super) most: f64,
    /// First and last step at which it was needed, and how often.
    pub(super) times: (i64, i64),
    pub(super) count: usize,
}

/// Warnings and infos as they are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
}

impl Notes {
    pub(super) fn warn(&self, at: &Expr, message: impl Into<String>) {
        self.add(Severity::Warning, at, message.into(), None);
    }

    pub(super) fn info(&self, at: &Expr, message: impl Into<String>) {
        self.add(Severity::Info, at, message.into(), None);
    }

    fn add(&self, severity: Severity, at: &Expr, message: String, raised: Option<Raised>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() >= MOST_NOTES {
            return;
        }
        let expr = place_of(at);
        let place = notes
            .entry((severity, message))
            .or_insert(Place { expr, raised: None });
        // Of several places that have the same to tell, the last one is told.
        place.expr = expr;
        if let Some(raised) = raised {
            place.raised = Some(place.raised.map_or(raised, |before| before.with(raised)));
        }
    }

    /// The quantile is none.
    pub(super) fn check_quantile(&self, at: &Expr, q: f64) {
        if q.is_nan() || !(0.0..=1.0).contains(&q) {
            let q = go_general(q);
            self.warn(
                at,
                format!("quantile value should be between 0 and 1, got {q}"),
            );
        }
    }

    pub(super) fn ignored_in_aggregation(&self, at: &Expr, aggregation: &str) {
        self.info(
            at,
            format!("ignored histogram in {aggregation} aggregation"),
        );
    }

    pub(super) fn ignored_in_range(&self, at: &Expr, labels: &Labels) {
        self.info(
            at,
            format!(
                "ignored histograms in a range containing both floats and histograms for metric \
                 name {:?}",
                name(labels)
            ),
        );
    }

    pub(super) fn mixed(&self, at: &Expr, labels: &Labels) {
        self.warn(
            at,
            format!(
                "encountered a mix of histograms and floats for metric name {:?}",
                name(labels)
            ),
        );
    }

    pub(super) fn mixed_in_aggregation(&self, at: &Expr) {
        self.warn(
            at,
            "encountered a mix of histograms and floats for aggregation",
        );
    }

    pub(super) fn mixed_schemas(&self, at: &Expr, labels: &Labels) {
        self.warn(
            at,
            format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas \
                 for metric name {:?}",
                name(labels)
            ),
        );
    }

    pub(super) fn mixed_kinds(&self, at: &Expr, labels: &Labels) {
        let of = of_metric(labels);
        self.warn(
            at,
            format!("vector contains a mix of classic and native histograms{of}"),
        );
    }

    pub(super) fn bad_bucket(&self, at: &Expr, labels: &Labels, bound: &str) {
        let of = of_metric(labels);
        self.warn(
            at,
            format!("bucket label \"le\" is missing or has a malformed value of {bound:?}{of}"),
        );
    }

    pub(super) fn not_a_counter(&self, at: &Expr, labels: &Labels) {
        self.warn(
            at,
            format!(
                "this native histogram metric is not a counter: {:?}",
                name(labels)
            ),
        );
    }

    pub(super) fn not_a_gauge(&self, at: &Expr, labels: &Labels) {
        self.warn(
            at,
            format!(
                "this native histogram metric is not a gauge: {:?}",
                name(labels)
            ),
        );
    }

    /// A rate of what, by its name, does not count.
    pub(super) fn check_counter(&self, at: &Expr, labels: &Labels) {
        let name = name(labels);
        let endings = ["_total", "_sum", "_count", "_bucket"];
        if !name.is_empty() && !endings.iter().any(|ending| name.ends_with(ending)) {
            self.info(
                at,
                format!(
                    "metric might not be a counter, name does not end in \
                     _total/_sum/_count/_bucket: {name:?}"
                ),
            );
        }
    }

    /// An operator between values of kinds that it has no result for.
    pub(super) fn incompatible_types(&self, at: &Expr, (lhs, op, rhs): (&str, BinaryOp, &str)) {
        let op = symbol(op);
        self.info(
            at,
            format!(
                "incompatible sample types encountered for binary operator {op:?}: {lhs} {op} {rhs}"
            ),
        );
    }

    pub(super) fn incompatible_layout(&self, at: &Expr, symbol: &str) {
        self.warn(
            at,
            format!("incompatible bucket layout encountered for binary operator {symbol}"),
        );
    }

    pub(super) fn collision(&self, at: &Expr, operation: &str) {
        self.warn(
            at,
            format!("conflicting counter resets during histogram {operation}"),
        );
    }

    pub(super) fn reconciled(&self, at: &Expr, operation: &str) {
        self.info(
            at,
            format!("mismatched custom buckets were reconciled during {operation}"),
        );
    }

    /// What NaN among the observations did.
    pub(super) fn about_input(&self, at: &Expr, effect: &str, labels: &Labels) {
        let of = of_metric(labels);
        self.info(at, format!("input to {effect}{of}"));
    }

    pub(super) fn raised(&self, at: &Expr, labels: &Labels, raised: Raised) {
        let of = of_metric(labels);
        let message = format!(
            "input to histogram_quantile needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){of}"
        );
        self.add(Severity::Info, at, message, Some(raised));
    }

    /// All notes as Prometheus words them, with their places in the query.
    pub(super) fn tell(self, text: &str, query: &Expr) -> Told {
        let notes = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut told = Told::default();
        if notes.is_empty() {
            return told;
        }
        let positions = Positions::of(text, query);
        for ((severity, message), place) in notes {
            let position = positions.line_and_column(place.expr);
            let more = place.raised.map_or_else(String::new, Raised::detail);
            match severity {
                Severity::Warning => told
                    .warnings
                    .push(format!("PromQL warning: {message}{more} ({position})")),
                Severity::Info => told
                    .infos
                    .push(format!("PromQL info: {message}{more} ({position})")),
            }
        }
        told
    }
}

impl Raised {
    fn with(self, other: Self) -> Self {
        Self {
            bounds: (
                self.bounds.0.min(other.bounds.0),
                self.bounds.1.max(other.bounds.1),
            ),
            most: self.most.max(other.most),
            times: (
                self.times.0.min(other.times.0),
                self.times.1.max(other.times.1),
            ),
            count: self.count + other.count,
        }
    }

    fn detail(self) -> String {
        let time = |millis: i64| {
            jiff::Timestamp::from_second(millis.div_euclid(1000))
                .map_or_else(|_| String::new(), |time| time.to_string())
        };
        format!(
            ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            go_general(self.bounds.0),
            go_general(self.bounds.1),
            go_rounded(self.most, 2),
            self.count,
            time(self.times.0),
            time(self.times.1)
        )
    }
}

/// Where notes about an expression belong: within its brackets, and for a subquery, of which
/// Prometheus has no place when it is evaluated, at the beginning of the query.
fn place_of(at: &Expr) -> usize {
    match unwrap_parens(at) {
        Expr::Subquery(_) => 0,
        inner @ (Expr::Number(_)
        | Expr::String(_)
        | Expr::Vector(_)
        | Expr::Matrix(_)
        | Expr::Paren(_)
        | Expr::Unary(..)
        | Expr::Binary(_)
        | Expr::Aggregate(_)
        | Expr::Call(_)) => Positions::key(inner),
    }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "^",
        BinaryOp::Atan2 => "atan2",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Gt => ">",
        BinaryOp::Lt => "<",
        BinaryOp::Ge => ">=",
        BinaryOp::Le => "<=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Unless => "unless",
        BinaryOp::TrimUpper => "</",
        BinaryOp::TrimLower => ">/",
    }
}

fn name(labels: &Labels) -> &str {
    labels.get(super::series::METRIC_NAME)
}

fn of_metric(labels: &Labels) -> String {
    match name(labels) {
        "" => String::new(),
        name => format!(" for metric name {name:?}"),
    }
}
