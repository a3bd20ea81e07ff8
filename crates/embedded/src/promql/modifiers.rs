//! `@`, `offset` and durations.

use query::promql::ast::{At, DurationExpr, Modifiers, UnaryOp};

use super::evaluator::{Evaluator, Steps, unsupported};
use crate::limits::EvalError;

/// How `@` and `offset` move the time at which a selector looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    at: Option<i64>,
    offset: i64,
}

impl Shift {
    /// The time that is looked at for the step at `time`.
    pub(super) fn of(self, time: i64) -> i64 {
        self.at.unwrap_or(time).saturating_sub(self.offset)
    }

    /// The times that are looked at for the first and the last step.
    pub(super) fn span(self, steps: Steps) -> (i64, i64) {
        (self.of(steps.start), self.of(steps.last()))
    }
}

impl Evaluator<'_> {
    pub(super) fn shift(&self, modifiers: &Modifiers) -> Result<Shift, EvalError> {
        let at = match &modifiers.at {
            None => None,
            Some(At::Start) => Some(self.query_span.0),
            Some(At::End) => Some(self.query_span.1),
            Some(At::Timestamp(seconds)) => Some(
                crate::numbers::to_i64((seconds.value * 1000.0).round()).ok_or_else(|| {
                    EvalError::Invalid("timestamp out of bounds for @ modifier".to_owned())
                })?,
            ),
        };
        let offset = modifiers.offset.as_ref().map_or(Ok(0), millis)?;
        Ok(Shift { at, offset })
    }
}

/// A range or a step, in milliseconds; above 0.
pub(super) fn positive_millis(duration: &DurationExpr) -> Result<i64, EvalError> {
    let millis = millis(duration)?;
    if millis <= 0 {
        return Err(EvalError::Invalid(
            "duration must be greater than 0".to_owned(),
        ));
    }
    Ok(millis)
}

fn millis(duration: &DurationExpr) -> Result<i64, EvalError> {
    match duration {
        DurationExpr::Literal(literal) => Ok(literal.nanos / 1_000_000),
        DurationExpr::Paren(inner) | DurationExpr::Unary(UnaryOp::Plus, inner) => millis(inner),
        DurationExpr::Unary(UnaryOp::Minus, inner) => Ok(millis(inner)?.saturating_neg()),
        DurationExpr::Step
        | DurationExpr::Range
        | DurationExpr::Binary(..)
        | DurationExpr::Min(..)
        | DurationExpr::Max(..) => Err(unsupported("an expression in place of a duration")),
    }
}
