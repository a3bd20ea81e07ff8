//! Operations between vectors: how the series of both sides find each other.

use std::collections::HashMap;

use query::promql::Expr;
use query::promql::ast::{Binary, Side, VectorMatching};

use super::evaluator::Evaluator;
use super::operation::Operation;
use super::operator::{Findings, Operator};
use super::series::{Collector, Cursor, METRIC_NAME, Operand, Series};
use crate::labels::Labels;
use crate::limits::EvalError;

/// Series of one side of an operation with the number of their match group.
#[derive(Debug)]
pub(super) struct SideSeries<'a> {
    pub(super) series: &'a Series,
    pub(super) signature: usize,
    pub(super) cursor: Cursor<'a>,
}

/// Numbers the match groups: series with the same matching labels have the same number.
#[derive(Debug, Default)]
pub(super) struct Signatures(HashMap<Labels, usize>);

impl Signatures {
    pub(super) fn side<'a>(
        &mut self,
        series: &'a [Series],
        matching: Option<&VectorMatching>,
    ) -> Vec<SideSeries<'a>> {
        series
            .iter()
            .map(|series| {
                let next = self.0.len();
                let labels = matching_labels(&series.labels, matching);
                SideSeries {
                    series,
                    signature: *self.0.entry(labels).or_insert(next),
                    cursor: Cursor::new(series),
                }
            })
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The labels by which series find each other: those of `on`, or all but those of `ignoring` and
/// the metric name.
pub(super) fn matching_labels(labels: &Labels, matching: Option<&VectorMatching>) -> Labels {
    match matching {
        None => labels.filter(|name| name != METRIC_NAME),
        Some(matching) if matching.on => {
            labels.filter(|name| matching.labels.iter().any(|wanted| wanted == name))
        }
        Some(matching) => labels.filter(|name| {
            name != METRIC_NAME && !matching.labels.iter().any(|unwanted| unwanted == name)
        }),
    }
}

/// A value of one side at a step: which series, its match group, and the value.
type Present = (usize, usize, Operand);

impl Evaluator<'_> {
    /// An arithmetic operation or a comparison between two vectors.
    pub(super) fn matched(
        &self,
        expr: &Expr,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        let operator = Operator::of(binary.op)?;
        let matching = binary.matching.as_ref();
        let group_side = matching
            .and_then(|matching| matching.group.as_ref())
            .map(|group| group.side);
        let (many, one) = match group_side {
            Some(Side::Right) => (rhs, lhs),
            Some(Side::Left) | None => (lhs, rhs),
        };
        // With `group_right` Prometheus gives the value for a missing left side to the right one,
        // and its tests say so.
        let float = |number: &query::number::Number| Operand::Float(number.value);
        let fill_many = binary.fill.left.as_ref().map(float);
        let fill_one = binary.fill.right.as_ref().map(float);
        let mut signatures = Signatures::default();
        let mut many = signatures.side(many, matching);
        let mut one = signatures.side(one, matching);
        let mut operation = Operation {
            binary,
            operator,
            group_side,
            delayed_name_removal: self.delayed_name_removal,
            collector: Collector::default(),
            slots: HashMap::new(),
            recent: vec![None; many.len()],
            matched_groups: vec![None; signatures.count()],
            matched_slots: Vec::new(),
            findings: Findings::default(),
        };
        let is_filled = fill_many.is_some() || fill_one.is_some();
        if group_side.is_none() && !is_filled {
            let paired = self.paired(&mut operation, (&many, &one), signatures.count())?;
            if let Some(series) = paired {
                operation.findings.tell(self.notes, expr);
                return Ok(series);
            }
        }
        // For every match group, the series of the "one" side and its value at this step.
        let mut partners: Vec<Option<(i64, usize, Operand)>> = vec![None; signatures.count()];
        for time in self.steps.times() {
            self.stop.check()?;
            let lefts = present(&mut many, time);
            let rights = present(&mut one, time);
            // With one side empty nothing can match, not even wrongly.
            if (lefts.is_empty() || rights.is_empty()) && !is_filled {
                continue;
            }
            for (at, signature, value) in &rights {
                let Some(partner) = partners.get_mut(*signature) else {
                    continue;
                };
                if let Some((when, other, _)) = partner
                    && *when == time
                {
                    let (series, other) = (one.get(*at), one.get(*other));
                    return Err(operation.duplicate(series, other));
                }
                *partner = Some((time, *at, value.clone()));
            }
            let mut unmatched = vec![fill_many.is_some(); signatures.count()];
            for (at, signature, value) in &lefts {
                let Some(left) = many.get(*at) else { continue };
                let partner = partners.get(*signature).and_then(Option::as_ref);
                let partner = partner.filter(|(when, ..)| *when == time);
                let (right, partner_value) = match (partner, &fill_one) {
                    (Some((_, partner, value)), _) => {
                        let series = one.get(*partner).map(|side| (*partner, side.series));
                        (series, value)
                    }
                    (None, Some(fill)) => (None, fill),
                    (None, None) => continue,
                };
                let slot = operation.slot(Some((*at, left.series)), right);
                let matches = operation.apply(time, slot, *signature, (value, partner_value))?;
                if matches && let Some(unmatched) = unmatched.get_mut(*signature) {
                    *unmatched = false;
                }
            }
            if let Some(fill) = &fill_many {
                for (at, signature, value) in &rights {
                    let Some(right) = one.get(*at) else { continue };
                    if unmatched.get(*signature) == Some(&true) {
                        let slot = operation.slot(None, Some((*at, right.series)));
                        operation.apply(time, slot, *signature, (fill, value))?;
                    }
                }
            }
            self.budget.take(many.len().min(one.len()))?;
        }
        operation.findings.tell(self.notes, expr);
        Ok(operation.collector.finish())
    }
}

fn present(side: &mut [SideSeries], time: i64) -> Vec<Present> {
    let all = side.iter_mut().enumerate();
    all.filter_map(|(at, one)| Some((at, one.signature, one.cursor.value_at(time)?)))
        .collect()
}
