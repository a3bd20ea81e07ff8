//! What an operator does to two values.

use query::promql::Expr;
use query::promql::ast::BinaryOp;

use super::notes::Notes;
use super::series::Operand;
use crate::histogram::{Added, Histogram, Incompatible, ResetHint, Trim};
use crate::limits::EvalError;

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

    /// The result for values of either kind; what has none is told.
    pub(super) fn apply(
        self,
        (lhs, rhs): (&Operand, &Operand),
        return_bool: bool,
        (notes, expr): (&Notes, &Expr),
    ) -> Option<Operand> {
        let result = match (lhs, rhs) {
            (Operand::Float(lhs), Operand::Float(rhs)) => {
                if !self.is_trim() {
                    return self.floats(*lhs, *rhs, return_bool).map(Operand::Float);
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
                BinaryOp::Add => return sum(left, right, (notes, expr)),
                BinaryOp::Sub => return difference(left, right, (notes, expr)),
                BinaryOp::Eq | BinaryOp::Ne => {
                    let holds = left.is_same(right) == (self.op == BinaryOp::Eq);
                    return if return_bool {
                        Some(Operand::Float(f64::from(u8::from(holds))))
                    } else {
                        holds.then(|| lhs.clone())
                    };
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
        if result.is_none() {
            notes.incompatible_types(expr, (lhs.kind(), self.op, rhs.kind()));
        }
        result
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

fn sum(left: &Histogram, right: &Histogram, about: (&Notes, &Expr)) -> Option<Operand> {
    let mut sum = left.clone();
    let added = sum.add(right);
    tell(added, ("+", "addition"), about)?;
    sum.compact();
    Some(Operand::histogram(sum))
}

/// A difference is no counter.
fn difference(left: &Histogram, right: &Histogram, about: (&Notes, &Expr)) -> Option<Operand> {
    let mut difference = left.clone();
    let added = difference.sub(right);
    tell(added, ("-", "subtraction"), about)?;
    difference.reset_hint = ResetHint::Gauge;
    difference.compact();
    Some(Operand::histogram(difference))
}

/// Tells what is to be told of a sum or difference, and whether there is one.
fn tell(
    added: Result<Added, Incompatible>,
    (symbol, operation): (&str, &str),
    (notes, expr): (&Notes, &Expr),
) -> Option<()> {
    let Ok(added) = added else {
        notes.warn(
            expr,
            format!("incompatible bucket layout encountered for binary operator {symbol}"),
        );
        return None;
    };
    if added.collision {
        notes.collision(expr, operation);
    }
    if added.reconciled {
        notes.reconciled(expr, operation);
    }
    Some(())
}
