//! `and`, `or` and `unless`.

use query::promql::ast::Binary;

use super::evaluator::Evaluator;
use super::matching::{Side, Signatures};
use super::series::{Collector, Operand, Series};
use crate::limits::EvalError;

/// The points of both sides at one step.
struct Step<'a> {
    time: i64,
    lefts: Vec<Present<'a>>,
    rights: Vec<Present<'a>>,
    /// The last step at which a match group had a series on the left, and on the right.
    on_left: &'a [i64],
    on_right: &'a [i64],
}

/// No step is at this time, for it is the end of all.
const NEVER: i64 = i64::MIN;

/// A series that has a value at a step: its match group, where it stands among the series of its
/// side, and the value.
struct Present<'a> {
    series: &'a Series,
    signature: usize,
    at: usize,
    value: Operand,
}

/// The series of the answer, and where those of either side go.
struct Kept<'a> {
    collector: Collector<'a>,
    of_lefts: Vec<Option<usize>>,
    of_rights: Vec<Option<usize>>,
}

impl Evaluator<'_> {
    pub(super) fn and(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        self.set(binary, lhs, rhs, |step, kept| {
            step.keep_lefts(kept, |on_right| on_right)
        })
    }

    pub(super) fn unless(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        self.set(binary, lhs, rhs, |step, kept| {
            step.keep_lefts(kept, |on_right| !on_right)
        })
    }

    /// The left side, and of the right side what has no partner on the left.
    pub(super) fn or(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        self.set(binary, lhs, rhs, |step, kept| {
            step.keep_lefts(kept, |_| true)?;
            for one in &step.rights {
                if step.on_left.get(one.signature) != Some(&step.time)
                    && let Some(slot) = kept.of_rights.get_mut(one.at)
                {
                    push(&mut kept.collector, step.time, one, slot)?;
                }
            }
            Ok(())
        })
    }

    fn set(
        &self,
        binary: &Binary,
        lhs: &[Series],
        rhs: &[Series],
        mut keep: impl FnMut(&Step, &mut Kept) -> Result<(), EvalError>,
    ) -> Result<Vec<Series>, EvalError> {
        let matching = binary.matching.as_ref();
        let mut signatures = Signatures::new(matching);
        let mut lefts = self.side(self.numbered(&mut signatures, lhs)?)?;
        let mut rights = self.side(self.numbered(&mut signatures, rhs)?)?;
        let mut kept = Kept {
            collector: Collector::new(self.budget),
            of_lefts: vec![None; lhs.len()],
            of_rights: vec![None; rhs.len()],
        };
        let mut on_left = vec![NEVER; signatures.count()];
        let mut on_right = vec![NEVER; signatures.count()];
        for (at, time) in self.steps.times().enumerate() {
            let step = Step {
                time,
                lefts: present(&mut lefts, (at, time), &mut on_left)?,
                rights: present(&mut rights, (at, time), &mut on_right)?,
                on_left: &on_left,
                on_right: &on_right,
            };
            keep(&step, &mut kept)?;
        }
        Ok(kept.collector.finish())
    }
}

impl Step<'_> {
    fn keep_lefts(&self, kept: &mut Kept, wanted: impl Fn(bool) -> bool) -> Result<(), EvalError> {
        for one in &self.lefts {
            let on_right = self.on_right.get(one.signature) == Some(&self.time);
            if wanted(on_right)
                && let Some(slot) = kept.of_lefts.get_mut(one.at)
            {
                push(&mut kept.collector, self.time, one, slot)?;
            }
        }
        Ok(())
    }
}

fn present<'a>(
    side: &mut Side<'a>,
    (step, time): (usize, i64),
    groups: &mut [i64],
) -> Result<Vec<Present<'a>>, EvalError> {
    let mut found = Vec::new();
    let series = &side.series;
    side.walk.each(step, |at, cursor| {
        let Some((one, value)) = series.get(at).zip(cursor.value_at(time)) else {
            return Ok(());
        };
        if let Some(seen) = groups.get_mut(one.signature) {
            *seen = time;
        }
        found.push(Present {
            series: one.series,
            signature: one.signature,
            at,
            value,
        });
        Ok(())
    })?;
    Ok(found)
}

fn push(
    collector: &mut Collector,
    time: i64,
    one: &Present,
    slot: &mut Option<usize>,
) -> Result<(), EvalError> {
    let slot = collector.slot_of(slot, one.series)?;
    collector.push(slot, time, one.value.clone())
}
