//! Operations between vectors: how the series of both sides find each other.

use std::collections::HashMap;

use query::promql::ast::{Binary, Side, VectorMatching};

use super::binary::Operator;
use super::evaluator::Evaluator;
use super::series::{Collector, Cursor, METRIC_NAME, Series, unnamed};
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
fn matching_labels(labels: &Labels, matching: Option<&VectorMatching>) -> Labels {
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

/// An operation between vectors while its steps are walked. `many` is the left side, or the right
/// one with `group_right`.
struct Operation<'a> {
    binary: &'a Binary,
    operator: Operator,
    group_side: Option<Side>,
    delayed_name_removal: bool,
    collector: Collector,
    /// The series of the answer that a pair of operands goes to.
    slots: HashMap<(usize, usize), usize>,
    /// For every match group, the last step at which it had a result; for every series of the
    /// answer, the last step and match group.
    matched_groups: Vec<Option<i64>>,
    matched_slots: Vec<Option<(i64, usize)>>,
}

impl Evaluator<'_> {
    /// An arithmetic operation or a comparison between two vectors.
    pub(super) fn matched(
        &self,
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
            matched_groups: vec![None; signatures.count()],
            matched_slots: Vec::new(),
        };
        // For every match group, the series of the "one" side and its value at this step.
        let mut partners: Vec<Option<(i64, usize, f64)>> = vec![None; signatures.count()];
        for time in self.steps.times() {
            self.stop.check()?;
            let lefts: Vec<(usize, f64)> = many
                .iter_mut()
                .enumerate()
                .filter_map(|(at, side)| Some((at, side.cursor.at(time)?)))
                .collect();
            let rights: Vec<(usize, f64)> = one
                .iter_mut()
                .enumerate()
                .filter_map(|(at, side)| Some((at, side.cursor.at(time)?)))
                .collect();
            // With one side empty nothing can match, not even wrongly.
            if lefts.is_empty() || rights.is_empty() {
                continue;
            }
            for (at, value) in rights {
                let Some(side) = one.get(at) else { continue };
                let Some(partner) = partners.get_mut(side.signature) else {
                    continue;
                };
                if let Some((when, other, _)) = *partner
                    && when == time
                {
                    let other = one.get(other).map(|other| other.series);
                    return Err(operation.duplicate(side.series, other));
                }
                *partner = Some((time, at, value));
            }
            for (at, value) in lefts {
                let Some(left) = many.get(at) else { continue };
                let partner = partners.get(left.signature).copied().flatten();
                let Some((when, partner, partner_value)) = partner else {
                    continue;
                };
                let Some(right) = one.get(partner) else {
                    continue;
                };
                if when == time {
                    let slot = operation.slot((at, left), (partner, right));
                    operation.apply(time, slot, left.signature, value, partner_value)?;
                }
            }
            self.budget.take(many.len().min(one.len()))?;
        }
        Ok(operation.collector.finish())
    }
}

impl Operation<'_> {
    fn slot(&mut self, left: (usize, &SideSeries), right: (usize, &SideSeries)) -> usize {
        let pair = (left.0, right.0);
        if let Some(slot) = self.slots.get(&pair) {
            return *slot;
        }
        let labels = self.labels(&left.1.series.labels, &right.1.series.labels);
        let slot = self.collector.slot(labels, self.binary.return_bool);
        self.slots.insert(pair, slot);
        if self.matched_slots.len() <= slot {
            self.matched_slots.resize(slot + 1, None);
        }
        slot
    }

    fn apply(
        &mut self,
        time: i64,
        slot: usize,
        signature: usize,
        many: f64,
        one: f64,
    ) -> Result<(), EvalError> {
        let (lhs, rhs) = match self.group_side {
            Some(Side::Right) => (one, many),
            Some(Side::Left) | None => (many, one),
        };
        // Whether a match is unique is judged before a comparison drops it.
        if self.group_side.is_none() {
            if let Some(last) = self.matched_groups.get_mut(signature)
                && last.replace(time) == Some(time)
            {
                return Err(EvalError::Execution(
                    "multiple matches for labels: many-to-one matching must be explicit \
                     (group_left/group_right)"
                        .to_owned(),
                ));
            }
        } else if let Some(last) = self.matched_slots.get_mut(slot)
            && last.replace((time, signature)) == Some((time, signature))
        {
            return Err(EvalError::Execution(
                "multiple matches for labels: grouping labels must ensure unique matches"
                    .to_owned(),
            ));
        }
        match self.operator.apply(lhs, rhs, self.binary.return_bool) {
            Some(value) => self.collector.push(slot, time, value),
            None => Ok(()),
        }
    }

    /// The labels of a result, from those of its operands.
    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let drops_name = self.operator.is_arithmetic()
            || (self.binary.return_bool && !self.delayed_name_removal);
        let mut labels = if drops_name {
            unnamed(many)
        } else {
            many.clone()
        };
        let Some(matching) = &self.binary.matching else {
            return labels;
        };
        match &matching.group {
            None => labels
                .filter(|name| matching.labels.iter().any(|listed| listed == name) == matching.on),
            Some(group) => {
                for name in &group.include {
                    labels = labels.with(name, one.get(name));
                }
                labels
            }
        }
    }

    fn duplicate(&self, series: &Series, other: Option<&Series>) -> EvalError {
        let side = match self.group_side {
            Some(Side::Right) => "left",
            Some(Side::Left) | None => "right",
        };
        let group = matching_labels(&series.labels, self.binary.matching.as_ref());
        let mut both = [
            series.labels.to_string(),
            other.map_or_else(String::new, |other| other.labels.to_string()),
        ];
        both.sort_unstable();
        let [first, second] = both;
        EvalError::Execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the \
             operation: [{first}, {second}];many-to-many matching not allowed: matching labels \
             must be unique on one side"
        ))
    }
}
