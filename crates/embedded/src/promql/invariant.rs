//! Expressions that mean the same at every step, for all that they select has its time fixed with
//! `@`. They are evaluated once, at the first step, as Prometheus does it: which shows where something
//! else in them does change from step to step, as the parameter of an aggregation may.

use query::promql::ast::{Call, Expr, VectorSelector};
use query::promql::functions::Function;

use super::evaluator::{Evaluator, Steps, unwrap_parens};
use super::series::{Series, Value};
use crate::answer::Point;
use crate::limits::EvalError;
use crate::store::HistogramSample;

/// How the value of an expression changes over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It may.
    Varies,
    /// It does not, and is not worth a thought: a literal, or a range vector, which is not evaluated
    /// for itself.
    Plain,
    /// It does not.
    Fixed,
}

/// Whether the expression has the same value at every step, and is to be evaluated only once.
pub(super) fn is_fixed(expr: &Expr) -> bool {
    change(expr) == Change::Fixed
}

fn change(expr: &Expr) -> Change {
    match expr {
        Expr::Number(_) | Expr::String(_) => Change::Plain,
        Expr::Vector(selector) => {
            if is_pinned(selector) {
                Change::Fixed
            } else {
                Change::Varies
            }
        }
        Expr::Matrix(matrix) => plain_if(is_pinned(&matrix.selector)),
        Expr::Subquery(subquery) => plain_if(subquery.modifiers.at.is_some()),
        Expr::Paren(inner) | Expr::Unary(_, inner) => change(inner),
        Expr::Binary(binary) => {
            if change(&binary.lhs) != Change::Varies && change(&binary.rhs) != Change::Varies {
                Change::Fixed
            } else {
                Change::Varies
            }
        }
        // Whatever its parameter does.
        Expr::Aggregate(aggregate) => change(&aggregate.expr),
        Expr::Call(call) => change_of_call(call),
    }
}

fn plain_if(is_pinned: bool) -> Change {
    if is_pinned {
        Change::Plain
    } else {
        Change::Varies
    }
}

fn is_pinned(selector: &VectorSelector) -> bool {
    selector.modifiers.at.is_some()
}

fn change_of_call(call: &Call) -> Change {
    use Function as F;
    // These read the time of the step, in one way or another.
    const OF_THE_STEP: &[F] = &[
        F::DaysInMonth,
        F::DayOfMonth,
        F::DayOfWeek,
        F::DayOfYear,
        F::End,
        F::Hour,
        F::Minute,
        F::Month,
        F::Year,
        F::PredictLinear,
        F::Range,
        F::Start,
        F::Step,
        F::Time,
    ];
    let args_vary = call.args.iter().any(|arg| change(arg) == Change::Varies);
    let is_selector = |arg: &Expr| matches!(unwrap_parens(arg), Expr::Vector(_));
    let varies = args_vary
        || OF_THE_STEP.contains(&call.function)
        || (call.function == F::Timestamp && !call.args.iter().all(is_selector));
    if varies {
        Change::Varies
    } else {
        Change::Fixed
    }
}

impl Evaluator<'_> {
    /// The value of an expression at the first step, for all steps.
    pub(super) fn eval_once(&self, expr: &Expr) -> Result<Value, EvalError> {
        let first = Steps {
            end: self.steps.start,
            ..self.steps
        };
        let value = Self {
            steps: first,
            ..*self
        }
        .eval(expr)?;
        let count = self.steps.count();
        match value {
            Value::Scalar(values) => {
                self.budget.take(count)?;
                let value = values.first().copied().unwrap_or(f64::NAN);
                Ok(Value::Scalar(vec![value; count]))
            }
            Value::Vector(series) => {
                let weight: usize = series.iter().map(Series::weight).sum();
                self.budget.take(weight.saturating_mul(count))?;
                let series = series.into_iter().map(|one| self.at_all_steps(one));
                Ok(Value::Vector(series.collect()))
            }
            Value::String(text) => Ok(Value::String(text)),
        }
    }

    /// A series of one value with that value at every step.
    fn at_all_steps(&self, series: Series) -> Series {
        let times = self.steps.times();
        let point = series.points.first().copied();
        let points = point.map(|point| {
            let at = |timestamp_ms| Point {
                timestamp_ms,
                ..point
            };
            times.clone().map(at).collect()
        });
        let histogram = series.histograms.into_iter().next();
        let histograms = histogram.map(|sample| {
            let at = |timestamp_ms| HistogramSample {
                timestamp_ms,
                histogram: sample.histogram.clone(),
            };
            times.map(at).collect()
        });
        Series {
            points: points.unwrap_or_default(),
            histograms: histograms.unwrap_or_default(),
            labels: series.labels,
            drop_name: series.drop_name,
        }
    }
}
