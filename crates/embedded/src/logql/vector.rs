//! Aggregations over series.

use std::cmp::Ordering;
use std::collections::HashMap;

use query::logql::ast::{VectorAggregation, VectorOp};

use super::metric::Series;
use super::range::window::variance;
use crate::labels::Labels;
use crate::limits::EvalError;

/// Aggregates series, step by step, into one series a group, or the chosen ones of every group.
pub(super) fn aggregate(
    aggregation: &VectorAggregation,
    series: &[Series],
    steps: usize,
) -> Result<Vec<Series>, EvalError> {
    let count = count(aggregation)?;
    let mut ids: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<(Labels, Vec<&Series>)> = Vec::new();
    for one in series {
        let labels = group(aggregation, &one.labels);
        let id = *ids.entry(labels.clone()).or_insert(groups.len());
        match groups.get_mut(id) {
            Some((_, members)) => members.push(one),
            None => groups.push((labels, vec![one])),
        }
    }
    let mut answer = Vec::with_capacity(groups.len());
    for (labels, members) in groups {
        match aggregation.op {
            VectorOp::Topk | VectorOp::ApproxTopk | VectorOp::SortDesc => {
                answer.extend(ranked(&members, steps, count, true));
            }
            VectorOp::Bottomk | VectorOp::Sort => {
                answer.extend(ranked(&members, steps, count, false));
            }
            VectorOp::Sum
            | VectorOp::Avg
            | VectorOp::Count
            | VectorOp::Max
            | VectorOp::Min
            | VectorOp::Stddev
            | VectorOp::Stdvar => {
                let at = |step: usize| {
                    let values = members
                        .iter()
                        .filter_map(|one| one.values.get(step).copied()?);
                    combine(aggregation.op, values)
                };
                answer.push(Series {
                    labels,
                    values: (0..steps).map(at).collect(),
                });
            }
        }
    }
    Ok(answer)
}

fn group(aggregation: &VectorAggregation, labels: &Labels) -> Labels {
    match &aggregation.grouping {
        None => Labels::default(),
        Some(grouping) => {
            let listed = |name: &str| grouping.labels.iter().any(|label| label == name);
            let kept = labels.filter(|name| listed(name) != grouping.without);
            // An average is a quotient to Loki, and that has no empty labels.
            if grouping.without || aggregation.op == VectorOp::Avg {
                kept.without_empty()
            } else {
                kept
            }
        }
    }
}

/// How many series are chosen; all of them where the operator sorts.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked against the range
fn count(aggregation: &VectorAggregation) -> Result<usize, EvalError> {
    let refuse = |why: String| Err(EvalError::Invalid(format!("parse error : {why}")));
    let name = match aggregation.op {
        VectorOp::Topk => "topk",
        VectorOp::Bottomk => "bottomk",
        VectorOp::ApproxTopk => "approx_topk",
        VectorOp::Sum
        | VectorOp::Avg
        | VectorOp::Count
        | VectorOp::Max
        | VectorOp::Min
        | VectorOp::Stddev
        | VectorOp::Stdvar
        | VectorOp::Sort
        | VectorOp::SortDesc => {
            return match &aggregation.param {
                None => Ok(usize::MAX),
                Some(param) => refuse(format!("unsupported parameter {}", param.text)),
            };
        }
    };
    if aggregation.op == VectorOp::ApproxTopk && aggregation.grouping.is_some() {
        return refuse(format!("grouping not allowed for {name} aggregation"));
    }
    let Some(param) = &aggregation.param else {
        return refuse(format!("parameter required for operation {name}"));
    };
    if param.value < 1.0 || param.value.fract() != 0.0 || param.value > 1e15 {
        return refuse(format!(
            "invalid parameter (must be greater than 0) {name}({}",
            param.text
        ));
    }
    Ok(param.value as usize)
}

/// One value of many, `None` of none.
fn combine(op: VectorOp, mut values: impl Iterator<Item = f64>) -> Option<f64> {
    let first = values.next()?;
    Some(match op {
        VectorOp::Sum => values.fold(first, |sum, value| sum + value),
        VectorOp::Count => values.fold(1.0, |count, _| count + 1.0),
        VectorOp::Max => values.fold(first, |max, value| {
            if max < value || max.is_nan() {
                value
            } else {
                max
            }
        }),
        VectorOp::Min => values.fold(first, |min, value| {
            if min > value || min.is_nan() {
                value
            } else {
                min
            }
        }),
        VectorOp::Avg => average(first, values),
        VectorOp::Stdvar => variance(std::iter::once(first).chain(values)),
        VectorOp::Stddev => variance(std::iter::once(first).chain(values)).sqrt(),
        // These choose series and combine none.
        VectorOp::Topk
        | VectorOp::Bottomk
        | VectorOp::ApproxTopk
        | VectorOp::Sort
        | VectorOp::SortDesc => first,
    })
}

fn average(first: f64, values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count) = (first, 1.0);
    for value in values {
        count += 1.0;
        if mean.is_infinite() {
            let same = value.is_infinite() && (mean > 0.0) == (value > 0.0);
            if same || value.is_finite() {
                continue;
            }
        }
        mean += (value - mean) / count;
    }
    mean
}

/// The series with the `count` greatest or smallest values of every step, in the order of the
/// first step. NaN comes last.
fn ranked(members: &[&Series], steps: usize, count: usize, descending: bool) -> Vec<Series> {
    let mut chosen: Vec<Series> = members
        .iter()
        .map(|one| Series {
            labels: one.labels.clone(),
            values: vec![None; steps],
        })
        .collect();
    let mut order: Vec<usize> = Vec::new();
    for step in 0..steps {
        let value = |index: &usize| -> Option<f64> {
            members
                .get(*index)
                .and_then(|one| one.values.get(step).copied().flatten())
        };
        let mut present: Vec<(usize, f64)> = (0..members.len())
            .filter_map(|index| value(&index).map(|value| (index, value)))
            .collect();
        // Which of equals is chosen is open in Loki, too.
        present.sort_by(|(i, a), (j, b)| {
            let by_value = if descending {
                b.partial_cmp(a)
            } else {
                a.partial_cmp(b)
            };
            let by_value = by_value.unwrap_or(Ordering::Equal);
            let by_place = if descending { i.cmp(j) } else { j.cmp(i) };
            a.is_nan().cmp(&b.is_nan()).then(by_value).then(by_place)
        });
        for (index, value) in present.into_iter().take(count) {
            if let Some(slot) = chosen
                .get_mut(index)
                .and_then(|one| one.values.get_mut(step))
            {
                *slot = Some(value);
            }
            if step == 0 {
                order.push(index);
            }
        }
    }
    let mut ranks = vec![usize::MAX; chosen.len()];
    for (rank, index) in order.into_iter().enumerate() {
        if let Some(slot) = ranks.get_mut(index) {
            *slot = rank;
        }
    }
    let mut ordered: Vec<(usize, Series)> = ranks.into_iter().zip(chosen).collect();
    ordered.sort_by_key(|(rank, _)| *rank);
    ordered.into_iter().map(|(_, series)| series).collect()
}
