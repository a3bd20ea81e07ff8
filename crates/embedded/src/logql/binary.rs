//! Binary operations.

use std::collections::HashMap;

use query::SmallStr;
use query::logql::ast::{Binary, BinaryOp, VectorMatching};

use super::metric::{Evaluation, Series, constant};
use crate::labels::Labels;
use crate::limits::EvalError;

/// The value of an operation on two numbers.
pub(super) fn fold(binary: &Binary) -> Option<f64> {
    let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
    is_arithmetic_or_comparison(binary.op).then(|| operate(binary.op, left, right))
}

fn is_arithmetic_or_comparison(op: BinaryOp) -> bool {
    match op {
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => false,
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Pow
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::Lt
        | BinaryOp::Le => true,
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Lt | BinaryOp::Le
    )
}

/// The result of an operation; comparisons give 0 or 1. Division by zero is NaN in Loki.
#[allow(clippy::float_cmp)] // the language compares exactly
fn operate(op: BinaryOp, left: f64, right: f64) -> f64 {
    let truth = |is: bool| if is { 1.0 } else { 0.0 };
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div | BinaryOp::Mod if right == 0.0 => f64::NAN,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Eq => truth(left == right),
        BinaryOp::Ne => truth(left != right),
        BinaryOp::Gt => truth(left > right),
        BinaryOp::Ge => truth(left >= right),
        BinaryOp::Lt => truth(left < right),
        BinaryOp::Le => truth(left <= right),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => left,
    }
}

/// The value that an element of the answer has; `None` where a comparison filters it out.
fn merge(binary: &Binary, left: f64, right: f64, shown: f64) -> Option<f64> {
    let value = operate(binary.op, left, right);
    if !is_comparison(binary.op) || binary.return_bool {
        return Some(value);
    }
    (value != 0.0).then_some(shown)
}

/// Evaluates a binary operation.
pub(super) fn evaluate(
    evaluation: &Evaluation<'_>,
    binary: &Binary,
) -> Result<Vec<Series>, EvalError> {
    if let Some(value) = fold(binary) {
        return Ok(vec![Series {
            labels: Labels::default(),
            values: vec![Some(value); evaluation.steps.len()],
        }]);
    }
    match (constant(&binary.lhs), constant(&binary.rhs)) {
        (None, None) => {
            let right = evaluation.series(&binary.rhs)?;
            let left = evaluation.series(&binary.lhs)?;
            let steps = evaluation.steps.len();
            let matched = Matched::new(binary, &left, &right);
            if is_arithmetic_or_comparison(binary.op) {
                matched.operate(steps)
            } else {
                Ok(matched.set_operation(steps))
            }
        }
        (left, right) if !is_arithmetic_or_comparison(binary.op) => {
            let (side, value) = match left {
                Some(value) => ("left", value),
                None => ("right", right.unwrap_or_default()),
            };
            Err(EvalError::Invalid(format!(
                "parse error : unexpected literal for {side} leg of logical/set binary operation: \
                 {value:.6}"
            )))
        }
        (Some(literal), _) => {
            let series = evaluation.series(&binary.rhs)?;
            Ok(map(series, |value| merge(binary, literal, value, value)))
        }
        (None, Some(literal)) => {
            let series = evaluation.series(&binary.lhs)?;
            Ok(map(series, |value| merge(binary, value, literal, value)))
        }
    }
}

fn map(mut series: Vec<Series>, operation: impl Fn(f64) -> Option<f64>) -> Vec<Series> {
    for value in series.iter_mut().flat_map(|one| &mut one.values) {
        *value = value.and_then(&operation);
    }
    series
}

/// Both operands. Series meet whose keys, numbers for the labels that are compared, are equal.
struct Matched<'a> {
    binary: &'a Binary,
    left: &'a [Series],
    right: &'a [Series],
    left_keys: Vec<usize>,
    right_keys: Vec<usize>,
    key_count: usize,
}

impl<'a> Matched<'a> {
    fn new(binary: &'a Binary, left: &'a [Series], right: &'a [Series]) -> Self {
        let mut ids: HashMap<Labels, usize> = HashMap::new();
        let mut keys = |series: &[Series]| -> Vec<usize> {
            let id = |one: &Series| {
                let next = ids.len();
                let labels = key(binary.matching.as_ref(), &one.labels);
                *ids.entry(labels).or_insert(next)
            };
            series.iter().map(id).collect()
        };
        let (left_keys, right_keys) = (keys(left), keys(right));
        Self {
            binary,
            left,
            right,
            left_keys,
            right_keys,
            key_count: ids.len(),
        }
    }

    /// Which keys have a value at a step.
    fn present(&self, series: &[Series], keys: &[usize], step: usize) -> Vec<bool> {
        let mut present = vec![false; self.key_count];
        for (one, key) in series.iter().zip(keys) {
            if at(one, step).is_some()
                && let Some(slot) = present.get_mut(*key)
            {
                *slot = true;
            }
        }
        present
    }

    /// `and`, `or`, `unless`
    fn set_operation(&self, steps: usize) -> Vec<Series> {
        let empty = |one: &Series| Series {
            labels: one.labels.clone(),
            values: vec![None; steps],
        };
        let mut left: Vec<Series> = self.left.iter().map(empty).collect();
        let mut right: Vec<Series> = self.right.iter().map(empty).collect();
        let has = |keys: &[bool], key: usize| keys.get(key).copied().unwrap_or(false);
        for step in 0..steps {
            let right_keys = self.present(self.right, &self.right_keys, step);
            for ((out, one), key) in left.iter_mut().zip(self.left).zip(&self.left_keys) {
                let stays = match self.binary.op {
                    BinaryOp::And => has(&right_keys, *key),
                    BinaryOp::Unless => !has(&right_keys, *key),
                    BinaryOp::Or
                    | BinaryOp::Add
                    | BinaryOp::Sub
                    | BinaryOp::Mul
                    | BinaryOp::Div
                    | BinaryOp::Mod
                    | BinaryOp::Pow
                    | BinaryOp::Eq
                    | BinaryOp::Ne
                    | BinaryOp::Gt
                    | BinaryOp::Ge
                    | BinaryOp::Lt
                    | BinaryOp::Le => true,
                };
                put(out, step, at(one, step).filter(|_| stays));
            }
            if self.binary.op == BinaryOp::Or {
                let left_keys = self.present(self.left, &self.left_keys, step);
                for ((out, one), key) in right.iter_mut().zip(self.right).zip(&self.right_keys) {
                    put(out, step, at(one, step).filter(|_| !has(&left_keys, *key)));
                }
            }
        }
        if self.binary.op == BinaryOp::Or {
            left.append(&mut right);
        }
        left
    }

    /// Arithmetic and comparison, series by series that meet.
    fn operate(&self, steps: usize) -> Result<Vec<Series>, EvalError> {
        let matching = self.binary.matching.as_ref();
        let group = matching.and_then(|matching| matching.group.as_ref());
        // The "one" side is the right one, unless `group_right` says otherwise.
        let swapped = group.is_some_and(|group| group.right);
        let (many, many_keys, one, one_keys) = if swapped {
            (self.right, &self.right_keys, self.left, &self.left_keys)
        } else {
            (self.left, &self.left_keys, self.right, &self.right_keys)
        };
        let mut by_key: Vec<Vec<&Series>> = vec![Vec::new(); self.key_count];
        for (series, key) in one.iter().zip(one_keys) {
            if let Some(same) = by_key.get_mut(*key) {
                same.push(series);
            }
        }
        let twice = |same: &Vec<&Series>| {
            let count = |step| {
                same.iter()
                    .filter(|series| at(series, step).is_some())
                    .count()
            };
            same.len() > 1 && (0..steps).any(|step| count(step) > 1)
        };
        if by_key.iter().any(twice) {
            let side = if swapped { "left" } else { "right" };
            return Err(EvalError::Execution(format!(
                "found duplicate series on the {side} hand-side;many-to-many matching not \
                 allowed: matching labels must be unique on one side"
            )));
        }
        let mut answer: Vec<Series> = Vec::new();
        // The steps at which there is an element of a key already, with its labels where a group
        // is.
        let mut taken: HashMap<(usize, Option<Labels>), Vec<bool>> = HashMap::new();
        for (series, key) in many.iter().zip(many_keys) {
            for partner in by_key.get(*key).into_iter().flatten() {
                let labels = result_labels(matching, &series.labels, &partner.labels);
                let place = (*key, group.map(|_| labels.clone()));
                let taken = taken.entry(place).or_insert_with(|| vec![false; steps]);
                let mut values = vec![None; steps];
                for (step, (slot, taken)) in values.iter_mut().zip(taken).enumerate() {
                    let (Some(own), Some(other)) = (at(series, step), at(partner, step)) else {
                        continue;
                    };
                    if std::mem::replace(taken, true) {
                        let why = if group.is_some() {
                            "grouping labels must ensure unique matches"
                        } else {
                            "many-to-one matching must be explicit (group_left/group_right)"
                        };
                        let message = format!("multiple matches for labels: {why}");
                        return Err(EvalError::Execution(message));
                    }
                    let (left, right) = if swapped { (other, own) } else { (own, other) };
                    *slot = merge(self.binary, left, right, left);
                }
                answer.push(Series { labels, values });
            }
        }
        Ok(answer)
    }
}

fn at(series: &Series, step: usize) -> Option<f64> {
    series.values.get(step).copied().flatten()
}

fn put(series: &mut Series, step: usize, value: Option<f64>) {
    if let Some(slot) = series.values.get_mut(step) {
        *slot = value;
    }
}

/// The labels on which series meet.
fn key(matching: Option<&VectorMatching>, labels: &Labels) -> Labels {
    match matching {
        None => labels.without_empty(),
        Some(matching) => {
            let listed = |name: &str| matching.labels.iter().any(|label| label == name);
            labels
                .filter(|name| listed(name) == matching.on)
                .without_empty()
        }
    }
}

/// The labels of an element of the answer.
fn result_labels(matching: Option<&VectorMatching>, many: &Labels, one: &Labels) -> Labels {
    let Some(matching) = matching else {
        return many.without_empty();
    };
    match &matching.group {
        None => key(Some(matching), many),
        Some(group) => {
            let take = |labels: Labels, name: &SmallStr| labels.with(name, one.get(name));
            group.include.iter().fold(many.without_empty(), take)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp)]
    fn dividing_by_zero_is_not_a_number() {
        assert!(operate(BinaryOp::Div, 1.0, 0.0).is_nan());
        assert!(operate(BinaryOp::Mod, 1.0, 0.0).is_nan());
        assert_eq!(operate(BinaryOp::Pow, 2.0, 3.0), 8.0);
    }
}
