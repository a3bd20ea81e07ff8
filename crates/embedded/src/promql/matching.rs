//! Operations between vectors: how the series of both sides find each other.

use std::collections::HashMap;

use query::promql::Expr;
use query::promql::ast::{Binary, Side, VectorMatching};

use super::evaluator::Evaluator;
use super::notes::Notes;
use super::operator::Operator;
use super::series::{Collector, Cursor, METRIC_NAME, Operand, Series, unnamed};
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
    expr: &'a Expr,
    binary: &'a Binary,
    notes: &'a Notes,
    operator: Operator,
    group_side: Option<Side>,
    delayed_name_removal: bool,
    collector: Collector,
    /// The series of the answer that a pair of operands goes to; where a value stands in for a
    /// missing partner, its side has none.
    slots: HashMap<(Option<usize>, Option<usize>), usize>,
    /// For every series of the "many" side, its partner at the last step and where the result went:
    /// partners hardly ever change.
    recent: Vec<Option<(Option<usize>, usize)>>,
    /// For every match group, the last step at which it had a result; for every series of the
    /// answer, the last step and match group.
    matched_groups: Vec<Option<i64>>,
    matched_slots: Vec<Option<(i64, usize)>>,
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
            expr,
            binary,
            notes: self.notes,
            operator,
            group_side,
            delayed_name_removal: self.delayed_name_removal,
            collector: Collector::default(),
            slots: HashMap::new(),
            recent: vec![None; many.len()],
            matched_groups: vec![None; signatures.count()],
            matched_slots: Vec::new(),
        };
        // For every match group, the series of the "one" side and its value at this step.
        let mut partners: Vec<Option<(i64, usize, Operand)>> = vec![None; signatures.count()];
        for time in self.steps.times() {
            self.stop.check()?;
            let lefts = present(&mut many, time);
            let rights = present(&mut one, time);
            // With one side empty nothing can match, not even wrongly.
            let is_filled = fill_many.is_some() || fill_one.is_some();
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
                operation.apply(time, slot, *signature, (value, partner_value))?;
            }
            if let Some(fill) = &fill_many {
                let mut filled = vec![true; signatures.count()];
                for (_, signature, _) in &lefts {
                    if let Some(filled) = filled.get_mut(*signature) {
                        *filled = false;
                    }
                }
                for (at, signature, value) in &rights {
                    let Some(right) = one.get(*at) else { continue };
                    if filled.get(*signature) == Some(&true) {
                        let slot = operation.slot(None, Some((*at, right.series)));
                        operation.apply(time, slot, *signature, (fill, value))?;
                    }
                }
            }
            self.budget.take(many.len().min(one.len()))?;
        }
        Ok(operation.collector.finish())
    }
}

fn present(side: &mut [SideSeries], time: i64) -> Vec<Present> {
    let all = side.iter_mut().enumerate();
    all.filter_map(|(at, one)| Some((at, one.signature, one.cursor.value_at(time)?)))
        .collect()
}

impl Operation<'_> {
    fn slot(&mut self, many: Option<(usize, &Series)>, one: Option<(usize, &Series)>) -> usize {
        let pair = (many.map(|(at, _)| at), one.map(|(at, _)| at));
        let recent = pair.0.and_then(|at| self.recent.get(at).copied().flatten());
        if let Some((partner, slot)) = recent
            && partner == pair.1
        {
            return slot;
        }
        let slot = self.slot_of(pair, many, one);
        if let Some(recent) = pair.0.and_then(|at| self.recent.get_mut(at)) {
            *recent = Some((pair.1, slot));
        }
        slot
    }

    fn slot_of(
        &mut self,
        pair: (Option<usize>, Option<usize>),
        many: Option<(usize, &Series)>,
        one: Option<(usize, &Series)>,
    ) -> usize {
        if let Some(slot) = self.slots.get(&pair) {
            return *slot;
        }
        // What stands in for a missing series has the labels by which it would have matched.
        let matching = self.binary.matching.as_ref();
        let stand_in = |other: Option<(usize, &Series)>| {
            other.map_or_else(Labels::default, |(_, other)| {
                matching_labels(&other.labels, matching)
            })
        };
        let own = |side: Option<(usize, &Series)>| side.map(|(_, series)| series.labels.clone());
        let many_labels = own(many).unwrap_or_else(|| stand_in(one));
        let one_labels = own(one).unwrap_or_else(|| stand_in(many));
        let labels = self.labels(&many_labels, &one_labels);
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
        (many, one): (&Operand, &Operand),
    ) -> Result<(), EvalError> {
        let (lhs, rhs) = match self.group_side {
            Some(Side::Right) => (one, many),
            Some(Side::Left) | None => (many, one),
        };
        let about = (self.notes, self.expr);
        let result = self
            .operator
            .apply((lhs, rhs), self.binary.return_bool, about);
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
        match result {
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

    fn duplicate(&self, series: Option<&SideSeries>, other: Option<&SideSeries>) -> EvalError {
        let side = match self.group_side {
            Some(Side::Right) => "left",
            Some(Side::Left) | None => "right",
        };
        let labels = |side: Option<&SideSeries>| {
            side.map_or_else(Labels::default, |side| side.series.labels.clone())
        };
        let (series, other) = (labels(series), labels(other));
        let group = matching_labels(&series, self.binary.matching.as_ref());
        let mut both = [series.to_string(), other.to_string()];
        both.sort_unstable();
        let [first, second] = both;
        EvalError::Execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the \
             operation: [{first}, {second}];many-to-many matching not allowed: matching labels \
             must be unique on one side"
        ))
    }
}
