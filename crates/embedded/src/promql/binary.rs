//! Binary operations: which operands there are, and what an operator does to two numbers.

use query::promql::ast::{Binary, BinaryOp};

use super::evaluator::{Evaluator, unsupported, wrong_type};
use super::series::{Series, Value};
use crate::limits::EvalError;

/// An operator between numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    /// Makes a number that means something else.
    Arithmetic(fn(f64, f64) -> f64),
    /// Keeps or drops a value.
    Comparison(fn(&f64, &f64) -> bool),
}

impl Operator {
    /// What the operator does to two numbers. Set operators do nothing to numbers.
    pub(super) fn of(op: BinaryOp) -> Result<Self, EvalError> {
        Ok(match op {
            BinaryOp::Add => Self::Arithmetic(|a, b| a + b),
            BinaryOp::Sub => Self::Arithmetic(|a, b| a - b),
            BinaryOp::Mul => Self::Arithmetic(|a, b| a * b),
            BinaryOp::Div => Self::Arithmetic(|a, b| a / b),
            BinaryOp::Mod => Self::Arithmetic(|a, b| a % b),
            BinaryOp::Pow => Self::Arithmetic(f64::powf),
            BinaryOp::Atan2 => Self::Arithmetic(f64::atan2),
            BinaryOp::Eq => Self::Comparison(f64::eq),
            BinaryOp::Ne => Self::Comparison(f64::ne),
            BinaryOp::Gt => Self::Comparison(f64::gt),
            BinaryOp::Lt => Self::Comparison(f64::lt),
            BinaryOp::Ge => Self::Comparison(f64::ge),
            BinaryOp::Le => Self::Comparison(f64::le),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                return Err(EvalError::Invalid(
                    "set operators are not allowed between scalars".to_owned(),
                ));
            }
            BinaryOp::TrimUpper | BinaryOp::TrimLower => {
                return Err(unsupported("the trimming of native histograms"));
            }
        })
    }

    /// Value and whether it is kept. A comparison gives its left operand, or 0 or 1 with `bool`.
    pub(super) fn apply(self, lhs: f64, rhs: f64, return_bool: bool) -> Option<f64> {
        match self {
            Self::Arithmetic(function) => Some(function(lhs, rhs)),
            Self::Comparison(test) if return_bool => Some(f64::from(u8::from(test(&lhs, &rhs)))),
            Self::Comparison(test) => test(&lhs, &rhs).then_some(lhs),
        }
    }

    pub(super) fn is_arithmetic(self) -> bool {
        matches!(self, Self::Arithmetic(_))
    }
}

impl Evaluator<'_> {
    pub(super) fn binary(&self, binary: &Binary) -> Result<Value, EvalError> {
        if binary.fill.left.is_some() || binary.fill.right.is_some() {
            return Err(unsupported("fill"));
        }
        let (lhs, rhs) = (self.eval(&binary.lhs)?, self.eval(&binary.rhs)?);
        match (lhs, rhs) {
            (Value::Vector(lhs), Value::Vector(rhs)) => match binary.op {
                BinaryOp::And => Ok(Value::Vector(self.and(binary, &lhs, &rhs)?)),
                BinaryOp::Or => Ok(Value::Vector(self.or(binary, &lhs, &rhs)?)),
                BinaryOp::Unless => Ok(Value::Vector(self.unless(binary, &lhs, &rhs)?)),
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Mod
                | BinaryOp::Pow
                | BinaryOp::Atan2
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Gt
                | BinaryOp::Lt
                | BinaryOp::Ge
                | BinaryOp::Le
                | BinaryOp::TrimUpper
                | BinaryOp::TrimLower => Ok(Value::Vector(self.matched(binary, &lhs, &rhs)?)),
            },
            (Value::Scalar(lhs), Value::Scalar(rhs)) => {
                let operator = Operator::of(binary.op)?;
                // A comparison of scalars always has `bool`.
                let values = lhs
                    .into_iter()
                    .zip(rhs)
                    .map(|(lhs, rhs)| operator.apply(lhs, rhs, true).unwrap_or_default());
                Ok(Value::Scalar(values.collect()))
            }
            (Value::Vector(vector), Value::Scalar(scalar)) => Ok(Value::Vector(
                self.with_scalar(binary, vector, &scalar, false)?,
            )),
            (Value::Scalar(scalar), Value::Vector(vector)) => Ok(Value::Vector(
                self.with_scalar(binary, vector, &scalar, true)?,
            )),
            (Value::String(_), _) | (_, Value::String(_)) => {
                Err(wrong_type("scalar or instant vector"))
            }
        }
    }

    /// A vector and a scalar, `scalar_first` telling their order. A comparison that filters keeps
    /// the vector's value and name, whichever side it is on.
    fn with_scalar(
        &self,
        binary: &Binary,
        mut vector: Vec<Series>,
        scalar: &[f64],
        scalar_first: bool,
    ) -> Result<Vec<Series>, EvalError> {
        let operator = Operator::of(binary.op)?;
        let apply = |step: usize, value: f64| {
            let scalar = *scalar.get(step)?;
            let (lhs, rhs) = if scalar_first {
                (scalar, value)
            } else {
                (value, scalar)
            };
            let result = operator.apply(lhs, rhs, binary.return_bool)?;
            let filters = !operator.is_arithmetic() && !binary.return_bool;
            Some(if filters { value } else { result })
        };
        if operator.is_arithmetic() || binary.return_bool {
            return self.map_steps(vector, apply);
        }
        for one in &mut vector {
            one.points
                .retain(|point| apply(self.steps.index(point.timestamp_ms), point.value).is_some());
        }
        vector.retain(|one| !one.points.is_empty());
        Ok(vector)
    }
}
