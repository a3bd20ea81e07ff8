//! Binary operations.

use std::collections::{HashMap, HashSet};

use query::SmallStr;
use query::logql::ast::{Binary, BinaryOp, VectorMatching};

use super::metric::{Evaluation, Series, constant};
use super::work::STEP;
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
        evaluation.make(1)?;
        return Ok(vec![Series {
            labels: Labels::default(),
            values: vec![Some(value); evaluation.steps.len()],
        }]);
    }
    match (constant(&binary.lhs), constant(&binary.rhs)) {
        (None, None) => {
            let right = evaluation.series(&binary.rhs)?;
            let left = evaluation.series(&binary.lhs)?;
            let matched = Matched::new(evaluation, binary, &left, &right)?;
            if is_arithmetic_or_comparison(binary.op) {
                matched.operate()
            } else {
                matched.set_operation()
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
            map(evaluation, series, |value| {
                merge(binary, literal, value, value)
            })
        }
        (None, Some(literal)) => {
            let series = evaluation.series(&binary.lhs)?;
            map(evaluation, series, |value| {
                merge(binary, value, literal, value)
            })
        }
    }
}

fn map(
    evaluation: &Evaluation<'_>,
    mut series: Vec<Series>,
    operation: impl Fn(f64) -> Option<f64>,
) -> Result<Vec<Series>, EvalError> {
    for one in &mut series {
        evaluation.work.spend(STEP + one.values.len())?;
        for value in &mut one.values {
            *value = value.and_then(&operation);
        }
    }
    Ok(series)
}

/// Both operands. Series meet whose keys, numbers for the labels that are compared, are equal.
struct Matched<'a> {
    evaluation: &'a Evaluation<'a>,
    steps: usize,
    /// The labels that `on` or `ignoring` names.
    listed: HashSet<&'a str>,
    binary: &'a Binary,
    left: &'a [Series],
    right: &'a [Series],
    left_keys: Vec<usize>,
    right_keys: Vec<usize>,
    key_count: usize,
}

impl<'a> Matched<'a> {
    fn new(
        evaluation: &'a Evaluation<'a>,
        binary: &'a Binary,
        left: &'a [Series],
        right: &'a [Series],
    ) -> Result<Self, EvalError> {
        let matching = binary.matching.as_ref();
        let listed: HashSet<&str> = matching
            .into_iter()
            .flat_map(|matching| matching.labels.iter().map(|label| &**label))
            .collect();
        let mut ids: HashMap<Labels, usize> = HashMap::new();
        let mut keys = |series: &[Series]| -> Result<Vec<usize>, EvalError> {
            let id = |one: &Series| {
                evaluation.work.spend(STEP)?;
                let next = ids.len();
                let labels = key(matching, &listed, &one.labels);
                Ok(*ids.entry(labels).or_insert(next))
            };
            series.iter().map(id).collect()
        };
        let (left_keys, right_keys) = (keys(left)?, keys(right)?);
        Ok(Self {
            evaluation,
            steps: evaluation.steps.len(),
            key_count: ids.len(),
            listed,
            binary,
            left,
            right,
            left_keys,
            right_keys,
        })
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
    fn set_operation(&self) -> Result<Vec<Series>, EvalError> {
        let empty = |one: &Series| -> Result<Series, EvalError> {
            self.evaluation.make(1)?;
            Ok(Series {
                labels: one.labels.clone(),
                values: vec![None; self.steps],
            })
        };
        let empties = |series: &[Series]| -> Result<Vec<Series>, EvalError> {
            series.iter().map(empty).collect()
        };
        let mut left: Vec<Series> = empties(self.left)?;
        let mut right: Vec<Series> = if self.binary.op == BinaryOp::Or {
            empties(self.right)?
        } else {
            Vec::new()
        };
        let has = |keys: &[bool], key: usize| keys.get(key).copied().unwrap_or(false);
        let row = STEP + 16 * (self.left.len() + self.right.len());
        for step in 0..self.steps {
            self.evaluation.work.spend(row)?;
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
        Ok(left)
    }

    /// Arithmetic and comparison, series by series that meet.
    fn operate(&self) -> Result<Vec<Series>, EvalError> {
        let (steps, work) = (self.steps, self.evaluation.work);
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
        for same in by_key.iter().filter(|same| same.len() > 1) {
            for step in 0..steps {
                work.spend(same.len().saturating_mul(16))?;
                let present = same.iter().filter(|series| at(series, step).is_some());
                if present.take(2).count() > 1 {
                    let side = if swapped { "left" } else { "right" };
                    return Err(EvalError::Execution(format!(
                        "found duplicate series on the {side} hand-side;many-to-many matching not \
                         allowed: matching labels must be unique on one side"
                    )));
                }
            }
        }
        let mut answer: Vec<Series> = Vec::new();
        // The steps at which there is an element of a key already, with its labels where a group
        // is.
        let mut taken: HashMap<(usize, Option<Labels>), Vec<bool>> = HashMap::new();
        for (series, key) in many.iter().zip(many_keys) {
            for partner in by_key.get(*key).into_iter().flatten() {
                self.evaluation.make(1)?;
                let labels = self.result_labels(&series.labels, &partner.labels)?;
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

    /// The labels of an element of the answer.
    fn result_labels(&self, many: &Labels, one: &Labels) -> Result<Labels, EvalError> {
        let Some(matching) = &self.binary.matching else {
            return Ok(many.without_empty());
        };
        let Some(group) = &matching.group else {
            return Ok(key(Some(matching), &self.listed, many));
        };
        let take = |labels: Labels, name: &SmallStr| {
            self.evaluation.work.spend(STEP)?;
            Ok(labels.with(name, one.get(name)))
        };
        group.include.iter().try_fold(many.without_empty(), take)
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
fn key(matching: Option<&VectorMatching>, listed: &HashSet<&str>, labels: &Labels) -> Labels {
    match matching {
        None => labels.without_empty(),
        Some(matching) => labels
            .filter(|name| listed.contains(name) == matching.on)
            .without_empty(),
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
