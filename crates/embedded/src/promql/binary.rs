//! Binary operations: which operands there are.

use query::promql::ast::{Binary, BinaryOp, Expr};

use super::evaluator::{Evaluator, wrong_type};
use super::operator::{Finding, Findings, Operator, Outcome};
use super::series::{Operand, Series, Value};
use crate::limits::EvalError;

impl Evaluator<'_> {
    pub(super) fn binary(&self, expr: &Expr, binary: &Binary) -> Result<Value, EvalError> {
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
                | BinaryOp::TrimLower => Ok(Value::Vector(self.matched(expr, binary, &lhs, &rhs)?)),
            },
            (Value::Scalar(lhs), Value::Scalar(rhs)) => {
                let operator = Operator::of(binary.op)?;
                let values = lhs
                    .into_iter()
                    .zip(rhs)
                    .map(|(lhs, rhs)| operator.scalars(lhs, rhs));
                Ok(Value::Scalar(values.collect()))
            }
            (Value::Vector(vector), Value::Scalar(scalar)) => Ok(Value::Vector(self.with_scalar(
                (expr, binary),
                vector,
                &scalar,
                false,
            )?)),
            (Value::Scalar(scalar), Value::Vector(vector)) => Ok(Value::Vector(self.with_scalar(
                (expr, binary),
                vector,
                &scalar,
                true,
            )?)),
            (Value::String(_), _) | (_, Value::String(_)) => {
                Err(wrong_type("scalar or instant vector"))
            }
        }
    }

    /// A vector and a scalar, `scalar_first` telling their order. A comparison that filters keeps
    /// the vector's value and name, whichever side it is on.
    fn with_scalar(
        &self,
        (expr, binary): (&Expr, &Binary),
        mut vector: Vec<Series>,
        scalar: &[f64],
        scalar_first: bool,
    ) -> Result<Vec<Series>, EvalError> {
        let operator = Operator::of(binary.op)?;
        let changes = operator.is_arithmetic() || binary.return_bool;
        let numbers = |time: i64, value: f64| {
            let scalar = *scalar.get(self.steps.index(time))?;
            let (lhs, rhs) = if scalar_first {
                (scalar, value)
            } else {
                (value, scalar)
            };
            let result = operator.floats(lhs, rhs, binary.return_bool)?;
            Some(if changes { result } else { value })
        };
        let mut findings = Findings::default();
        for one in &mut vector {
            if operator.is_trim() {
                for point in std::mem::take(&mut one.points) {
                    let types = Finding::Types("float", binary.op, "float");
                    findings.sift(point.timestamp_ms, Outcome::Undefined(types));
                }
            }
            one.points.retain_mut(|point| {
                let value = numbers(point.timestamp_ms, point.value);
                point.value = value.unwrap_or(point.value);
                value.is_some()
            });
            for sample in std::mem::take(&mut one.histograms) {
                let time = sample.timestamp_ms;
                let Some(scalar) = scalar.get(self.steps.index(time)) else {
                    continue;
                };
                let operands = (
                    Operand::Histogram(sample.histogram),
                    Operand::Float(*scalar),
                );
                let (lhs, rhs) = if scalar_first {
                    (operands.1, operands.0)
                } else {
                    operands
                };
                let outcome = operator.apply((&lhs, &rhs), binary.return_bool);
                if let Some(result) = findings.sift(time, outcome) {
                    one.push(time, result);
                }
            }
            if changes {
                self.drop_name(one);
            }
        }
        findings.tell(self.notes, expr);
        vector.retain(|one| !one.is_empty());
        if changes {
            return self.merged(vector);
        }
        Ok(vector)
    }
}
