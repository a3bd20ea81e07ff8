//! An operation between vectors while its steps are walked: which series of the answer a pair of
//! operands goes to, and whether the pair is one.

use std::collections::HashMap;

use query::promql::ast::{Binary, Side};

use super::matching::{SideSeries, matching_labels};
use super::operator::{Findings, Operator, Outcome};
use super::series::{Collector, Operand, Series, unnamed};
use crate::labels::Labels;
use crate::limits::EvalError;

/// An operation between vectors while its steps are walked. `many` is the left side, or the right
/// one with `group_right`.
pub(super) struct Operation<'a> {
    pub(super) binary: &'a Binary,
    pub(super) operator: Operator,
    pub(super) group_side: Option<Side>,
    pub(super) delayed_name_removal: bool,
    pub(super) collector: Collector,
    /// The series of the answer that a pair of operands goes to; where a value stands in for a
    /// missing partner, its side has none.
    pub(super) slots: HashMap<(Option<usize>, Option<usize>), usize>,
    /// For every series of the "many" side, its partner at the last step and where the result went:
    /// partners hardly ever change.
    pub(super) recent: Vec<Option<(Option<usize>, usize)>>,
    /// For every match group, the last step at which it had a result; for every series of the
    /// answer, the last step and match group.
    pub(super) matched_groups: Vec<Option<i64>>,
    pub(super) matched_slots: Vec<Option<(i64, usize)>>,
    pub(super) findings: Findings,
}

impl Operation<'_> {
    pub(super) fn slot(
        &mut self,
        many: Option<(usize, &Series)>,
        one: Option<(usize, &Series)>,
    ) -> usize {
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

    /// Takes up what comes of a pair of values. Whether they are taken for a match: where there is no
    /// such operation between them they are not.
    pub(super) fn apply(
        &mut self,
        time: i64,
        slot: usize,
        signature: usize,
        values: (&Operand, &Operand),
    ) -> Result<bool, EvalError> {
        let outcome = self.outcome(values);
        let is_undefined = matches!(outcome, Outcome::Undefined(_));
        let result = self.findings.sift(time, outcome);
        if is_undefined {
            return Ok(false);
        }
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
        if let Some(value) = result {
            self.collector.push(slot, time, value)?;
        }
        Ok(true)
    }

    /// The series that the results of a pair of series go to, still without values.
    pub(super) fn result(&self, many: &Series, one: &Series) -> Series {
        Series {
            labels: self.labels(&many.labels, &one.labels),
            drop_name: self.binary.return_bool,
            ..Series::default()
        }
    }

    /// What comes of a pair of values, the one of the "many" side first.
    pub(super) fn outcome(&self, (many, one): (&Operand, &Operand)) -> Outcome {
        let sides = match self.group_side {
            Some(Side::Right) => (one, many),
            Some(Side::Left) | None => (many, one),
        };
        self.operator.apply(sides, self.binary.return_bool)
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

    pub(super) fn duplicate(
        &self,
        series: Option<&SideSeries>,
        other: Option<&SideSeries>,
    ) -> EvalError {
        let side = match self.group_side {
            Some(Side::Right) => "left",
            Some(Side::Left) | None => "right",
        };
        let labels = |side: Option<&SideSeries>| {
            side.map_or_else(Labels::default, |side| side.series.labels.clone())
        };
        let (series, other) = (labels(series), labels(other));
        let group = quoted(&matching_labels(&series, self.binary.matching.as_ref()));
        let mut both = [quoted(&series), quoted(&other)];
        both.sort_unstable();
        let [first, second] = both;
        EvalError::Execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the \
             operation: [{first}, {second}];many-to-many matching not allowed: matching labels \
             must be unique on one side"
        ))
    }
}

/// Labels as Prometheus shows them: names that are no identifiers are in quotes.
fn quoted(labels: &Labels) -> String {
    let shown = labels.iter().map(|(name, value)| {
        if is_identifier(name) {
            format!("{name}={value:?}")
        } else {
            format!("{name:?}={value:?}")
        }
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
