//! `@`, `offset` and durations.

use query::promql::ast::{At, DurationExpr, DurationOp, Modifiers, UnaryOp};

use super::evaluator::{Evaluator, Steps};
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
        let offset = modifiers.offset.as_ref();
        let offset = offset.map_or(Ok(0), |offset| self.millis(offset))?;
        Ok(Shift { at, offset })
    }

    /// A range or a step, in milliseconds; above 0.
    pub(super) fn positive_millis(&self, duration: &DurationExpr) -> Result<i64, EvalError> {
        let millis = self.millis(duration)?;
        if millis <= 0 {
            return Err(EvalError::Invalid(
                "duration must be greater than 0".to_owned(),
            ));
        }
        Ok(millis)
    }

    fn millis(&self, duration: &DurationExpr) -> Result<i64, EvalError> {
        if let DurationExpr::Literal(literal) = duration {
            return Ok(literal.nanos / 1_000_000);
        }
        let seconds = self.seconds(duration)?;
        if !seconds.is_finite() {
            return Err(EvalError::Invalid("duration is NaN or infinite".to_owned()));
        }
        // As far as 64 bits of nanoseconds reach.
        let millis = crate::numbers::to_i64((seconds * 1000.0).trunc());
        millis
            .filter(|millis| millis.checked_mul(1_000_000).is_some())
            .ok_or_else(|| EvalError::Invalid("duration is out of range".to_owned()))
    }

    /// The value of an expression in place of a duration, in seconds.
    #[allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats
    fn seconds(&self, duration: &DurationExpr) -> Result<f64, EvalError> {
        Ok(match duration {
            DurationExpr::Literal(literal) => literal.nanos as f64 / 1e9,
            DurationExpr::Step => super::call::seconds(self.query_step),
            DurationExpr::Range => super::call::seconds(self.query_length()),
            DurationExpr::Paren(inner) | DurationExpr::Unary(UnaryOp::Plus, inner) => {
                self.seconds(inner)?
            }
            DurationExpr::Unary(UnaryOp::Minus, inner) => -self.seconds(inner)?,
            DurationExpr::Min(a, b) => self.seconds(a)?.min(self.seconds(b)?),
            DurationExpr::Max(a, b) => self.seconds(a)?.max(self.seconds(b)?),
            DurationExpr::Binary(op, a, b) => {
                let (a, b) = (self.seconds(a)?, self.seconds(b)?);
                let by_zero = |what: &str| Err(EvalError::Invalid(format!("{what} by zero")));
                match op {
                    DurationOp::Add => a + b,
                    DurationOp::Sub => a - b,
                    DurationOp::Mul => a * b,
                    DurationOp::Div if b == 0.0 => return by_zero("division"),
                    DurationOp::Mod if b == 0.0 => return by_zero("modulo"),
                    DurationOp::Div => a / b,
                    DurationOp::Mod => a % b,
                    DurationOp::Pow => a.powf(b),
                }
            }
        })
    }

    /// From the first to the last time of the whole query, in milliseconds.
    pub(super) fn query_length(&self) -> i64 {
        self.query_span.1.saturating_sub(self.query_span.0)
    }
}
