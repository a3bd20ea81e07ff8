//! What an operator does to two values.

use std::collections::BTreeMap;

use query::promql::Expr;
use query::promql::ast::BinaryOp;

use super::notes::Notes;
use super::series::Operand;
use crate::histogram::{Added, Histogram, Incompatible, ResetHint, Trim};
use crate::limits::EvalError;

/// What comes of two values.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Value(Operand),
    /// A value, and something to tell.
    Remarkable(Operand, Finding),
    /// A comparison does not hold.
    Dropped,
    /// There is no result.
    Undefined(Finding),
}

/// What is to be told of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// There is no such operation between values of these kinds.
    Types(&'static str, BinaryOp, &'static str),
    /// The buckets of the histograms have nothing in common.
    Layout(&'static str),
    /// One histogram began anew, and the other did not.
    Collision(&'static str),
    /// Custom bounds differed.
    Reconciled(&'static str),
}

/// What was found at each step. Of several findings at a step Prometheus tells the last one.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<i64, Finding>);

impl Findings {
    /// The value of an outcome, if there is one.
    pub(super) fn sift(&mut self, time: i64, outcome: Outcome) -> Option<Operand> {
        let (value, finding) = match outcome {
            Outcome::Value(value) => return Some(value),
            Outcome::Dropped => return None,
            Outcome::Remarkable(value, finding) => (Some(value), finding),
            Outcome::Undefined(finding) => (None, finding),
        };
        self.0.insert(time, finding);
        value
    }

    /// Tells them.
    pub(super) fn tell(self, notes: &Notes, expr: &Expr) {
        let mut told: Vec<Finding> = Vec::new();
        for finding in self.0.into_values() {
            if told.contains(&finding) {
                continue;
            }
            told.push(finding);
            match finding {
                Finding::Types(lhs, op, rhs) => notes.incompatible_types(expr, (lhs, op, rhs)),
                Finding::Layout(symbol) => notes.incompatible_layout(expr, symbol),
                Finding::Collision(operation) => notes.collision(expr, operation),
                Finding::Reconciled(operation) => notes.reconciled(expr, operation),
            }
        }
    }
}

/// An operator between values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    op: BinaryOp,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Makes a number that means something else.
    Arithmetic(fn(f64, f64) -> f64),
    /// Keeps or drops a value.
    Comparison(fn(&f64, &f64) -> bool),
    /// Cuts a histogram.
    Trim(Trim),
}

impl Operator {
    /// What the operator does to two values. Set operators do nothing to values.
    pub(super) fn of(op: BinaryOp) -> Result<Self, EvalError> {
        let kind = match op {
            BinaryOp::Add => Kind::Arithmetic(|a, b| a + b),
            BinaryOp::Sub => Kind::Arithmetic(|a, b| a - b),
            BinaryOp::Mul => Kind::Arithmetic(|a, b| a * b),
            BinaryOp::Div => Kind::Arithmetic(|a, b| a / b),
            BinaryOp::Mod => Kind::Arithmetic(|a, b| a % b),
            BinaryOp::Pow => Kind::Arithmetic(f64::powf),
            BinaryOp::Atan2 => Kind::Arithmetic(f64::atan2),
            BinaryOp::Eq => Kind::Comparison(f64::eq),
            BinaryOp::Ne => Kind::Comparison(f64::ne),
            BinaryOp::Gt => Kind::Comparison(f64::gt),
            BinaryOp::Lt => Kind::Comparison(f64::lt),
            BinaryOp::Ge => Kind::Comparison(f64::ge),
            BinaryOp::Le => Kind::Comparison(f64::le),
            BinaryOp::TrimUpper => Kind::Trim(Trim::Upper),
            BinaryOp::TrimLower => Kind::Trim(Trim::Lower),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                return Err(EvalError::Invalid(
                    "set operators are not allowed between scalars".to_owned(),
                ));
            }
        };
        Ok(Self { op, kind })
    }

    /// The result and whether it is kept. A comparison gives its left operand, or 0 or 1 with
    /// `bool`.
    pub(super) fn floats(self, lhs: f64, rhs: f64, return_bool: bool) -> Option<f64> {
        match self.kind {
            Kind::Arithmetic(function) => Some(function(lhs, rhs)),
            Kind::Comparison(test) if return_bool => Some(f64::from(u8::from(test(&lhs, &rhs)))),
            Kind::Comparison(test) => test(&lhs, &rhs).then_some(lhs),
            Kind::Trim(_) => None,
        }
    }

    /// Between scalars, where a comparison always has `bool`.
    pub(super) fn scalars(self, lhs: f64, rhs: f64) -> f64 {
        self.floats(lhs, rhs, true).unwrap_or(f64::NAN)
    }

    /// The result for values of either kind.
    pub(super) fn apply(self, (lhs, rhs): (&Operand, &Operand), return_bool: bool) -> Outcome {
        let kept = |value: Option<Operand>| value.map_or(Outcome::Dropped, Outcome::Value);
        let result = match (lhs, rhs) {
            (Operand::Float(lhs), Operand::Float(rhs)) => {
                if !self.is_trim() {
                    return kept(self.floats(*lhs, *rhs, return_bool).map(Operand::Float));
                }
                None
            }
            (Operand::Float(factor), Operand::Histogram(histogram)) => {
                let product = || changed(histogram, |histogram| histogram.scale(*factor));
                (self.op == BinaryOp::Mul).then(product)
            }
            (Operand::Histogram(histogram), Operand::Float(value)) => {
                self.with_number(histogram, *value)
            }
            (Operand::Histogram(left), Operand::Histogram(right)) => match self.op {
                BinaryOp::Add => return sum(left, right),
                BinaryOp::Sub => return difference(left, right),
                BinaryOp::Eq | BinaryOp::Ne => {
                    let holds = left.is_same(right) == (self.op == BinaryOp::Eq);
                    return kept(if return_bool {
                        Some(Operand::Float(f64::from(u8::from(holds))))
                    } else {
                        holds.then(|| lhs.clone())
                    });
                }
                BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Mod
                | BinaryOp::Pow
                | BinaryOp::Atan2
                | BinaryOp::Gt
                | BinaryOp::Lt
                | BinaryOp::Ge
                | BinaryOp::Le
                | BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Unless
                | BinaryOp::TrimUpper
                | BinaryOp::TrimLower => None,
            },
        };
        result.map_or_else(
            || Outcome::Undefined(Finding::Types(lhs.kind(), self.op, rhs.kind())),
            Outcome::Value,
        )
    }

    fn with_number(self, histogram: &Histogram, value: f64) -> Option<Operand> {
        match (self.op, self.kind) {
            (BinaryOp::Mul, _) => Some(changed(histogram, |histogram| histogram.scale(value))),
            (BinaryOp::Div, _) => Some(changed(histogram, |histogram| histogram.divide(value))),
            (_, Kind::Trim(trim)) => {
                let mut histogram = histogram.clone();
                histogram.trim(value, trim);
                Some(Operand::histogram(histogram))
            }
            (_, Kind::Arithmetic(_) | Kind::Comparison(_)) => None,
        }
    }

    /// Whether it makes a value that means something else.
    pub(super) fn is_arithmetic(self) -> bool {
        match self.kind {
            Kind::Arithmetic(_) => true,
            Kind::Comparison(_) | Kind::Trim(_) => false,
        }
    }

    pub(super) fn is_trim(self) -> bool {
        matches!(self.kind, Kind::Trim(_))
    }
}

fn changed(histogram: &Histogram, change: impl FnOnce(&mut Histogram)) -> Operand {
    let mut histogram = histogram.clone();
    change(&mut histogram);
    histogram.compact();
    Operand::histogram(histogram)
}

fn sum(left: &Histogram, right: &Histogram) -> Outcome {
    let mut sum = left.clone();
    match sum.add(right) {
        Err(Incompatible) => Outcome::Undefined(Finding::Layout("+")),
        Ok(added) => with_findings(added, "addition", sum),
    }
}

/// A difference is no counter.
fn difference(left: &Histogram, right: &Histogram) -> Outcome {
    let mut difference = left.clone();
    match difference.sub(right) {
        Err(Incompatible) => Outcome::Undefined(Finding::Layout("-")),
        Ok(added) => {
            difference.reset_hint = ResetHint::Gauge;
            with_findings(added, "subtraction", difference)
        }
    }
}

/// Where hints contradict each other Prometheus tells it and has no result.
fn with_findings(added: Added, operation: &'static str, mut result: Histogram) -> Outcome {
    if added.collision {
        return Outcome::Undefined(Finding::Collision(operation));
    }
    result.compact();
    let result = Operand::histogram(result);
    if added.reconciled {
        return Outcome::Remarkable(result, Finding::Reconciled(operation));
    }
    Outcome::Value(result)
}
