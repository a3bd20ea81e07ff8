//! Operations between vectors: how the series of both sides find each other.

use std::collections::HashMap;

use query::promql::Expr;
use query::promql::ast::{self, Binary, VectorMatching};

use super::evaluator::Evaluator;
use super::names::Names;
use super::operation::Operation;
use super::operator::{Findings, Operator};
use super::series::{Collector, METRIC_NAME, Operand, Series, cost_of};
use super::walk::Walk;
use crate::labels::Labels;
use crate::limits::EvalError;

/// A series of one side of an operation with the number of its match group.
#[derive(Debug)]
pub(super) struct SideSeries<'a> {
    pub(super) series: &'a Series,
    pub(super) signature: usize,
}

/// The series of one side of an operation, and a walk over them.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) series: Vec<SideSeries<'a>>,
    pub(super) walk: Walk<'a>,
}

/// The labels by which series find each other: those of `on`, or all but those of `ignoring` and
/// the metric name.
#[derive(Clone, Debug)]
pub(super) struct Matching<'a>(Option<(bool, Names<'a>)>);

impl<'a> Matching<'a> {
    pub(super) fn new(matching: Option<&'a VectorMatching>) -> Self {
        Self(matching.map(|matching| (matching.on, Names::new(&matching.labels))))
    }

    pub(super) fn labels(&self, labels: &Labels) -> Labels {
        match &self.0 {
            None => labels.filter(|name| name != METRIC_NAME),
            Some((true, listed)) => labels.filter(|name| listed.has(name)),
            Some((false, listed)) => labels.filter(|name| name != METRIC_NAME && !listed.has(name)),
        }
    }

    /// Those of the labels that a result keeps where neither side has many.
    pub(super) fn kept(&self, labels: Labels) -> Labels {
        match &self.0 {
            None => labels,
            Some((on, listed)) => labels.filter(|name| listed.has(name) == *on),
        }
    }
}

/// Numbers the match groups: series with the same matching labels have the same number.
#[derive(Debug)]
pub(super) struct Signatures<'a> {
    pub(super) matching: Matching<'a>,
    numbers: HashMap<Labels, usize>,
}

impl<'a> Signatures<'a> {
    pub(super) fn new(matching: Option<&'a VectorMatching>) -> Self {
        Self {
            matching: Matching::new(matching),
            numbers: HashMap::new(),
        }
    }

    fn of(&mut self, labels: &Labels) -> usize {
        let next = self.numbers.len();
        let labels = self.matching.labels(labels);
        *self.numbers.entry(labels).or_insert(next)
    }

    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }
}

/// A value of one side at a step: which series, its match group, and the value.
type Present = (usize, usize, Operand);

impl Evaluator<'_> {
    /// The series of one side with their match groups.
    pub(super) fn numbered<'a>(
        &self,
        signatures: &mut Signatures,
        series: &'a [Series],
    ) -> Result<Vec<SideSeries<'a>>, EvalError> {
        let mut ticker = self.ticker();
        let sides = series.iter().map(|series| {
            ticker.tick(cost_of(&series.labels))?;
            let signature = signatures.of(&series.labels);
            Ok(SideSeries { series, signature })
        });
        sides.collect()
    }

    pub(super) fn side<'a>(&'a self, series: Vec<SideSeries<'a>>) -> Result<Side<'a>, EvalError> {
        let walk = self.walk(series.iter().map(|side| side.series))?;
        Ok(Side { series, walk })
    }

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
            Some(ast::Side::Right) => (rhs, lhs),
            Some(ast::Side::Left) | None => (lhs, rhs),
        };
        // With `group_right` Prometheus gives the value for a missing left side to the right one,
        // and its tests say so.
        let float = |number: &query::number::Number| Operand::Float(number.value);
        let fill_many = binary.fill.left.as_ref().map(float);
        let fill_one = binary.fill.right.as_ref().map(float);
        let mut signatures = Signatures::new(matching);
        let many = self.numbered(&mut signatures, many)?;
        let one = self.numbered(&mut signatures, one)?;
        let mut operation = Operation {
            binary,
            matching: signatures.matching.clone(),
            operator,
            group_side,
            delayed_name_removal: self.delayed_name_removal,
            collector: Collector::new(self.budget),
            ticker: self.ticker(),
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
        let (mut many, mut one) = (self.side(many)?, self.side(one)?);
        // For every match group, the series of the "one" side and its value at this step.
        let mut partners: Vec<Option<(i64, usize, Operand)>> = vec![None; signatures.count()];
        // For every match group, the last step at which the "many" side had a match.
        let mut matched: Vec<Option<i64>> = vec![None; signatures.count()];
        for (step, time) in self.steps.times().enumerate() {
            let lefts = present(&mut many, step, time)?;
            let rights = present(&mut one, step, time)?;
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
                    let (series, other) = (one.series.get(*at), one.series.get(*other));
                    return Err(operation.duplicate(series, other));
                }
                *partner = Some((time, *at, value.clone()));
            }
            for (at, signature, value) in &lefts {
                let Some(left) = many.series.get(*at) else {
                    continue;
                };
                let partner = partners.get(*signature).and_then(Option::as_ref);
                let partner = partner.filter(|(when, ..)| *when == time);
                let (right, partner_value) = match (partner, &fill_one) {
                    (Some((_, partner, value)), _) => {
                        let series = one.series.get(*partner);
                        let series = series.map(|side| (*partner, side.series));
                        (series, value)
                    }
                    (None, Some(fill)) => (None, fill),
                    (None, None) => continue,
                };
                let slot = operation.slot(Some((*at, left.series)), right)?;
                let matches = operation.apply(time, slot, *signature, (value, partner_value))?;
                if matches && let Some(matched) = matched.get_mut(*signature) {
                    *matched = Some(time);
                }
            }
            if let Some(fill) = &fill_many {
                for (at, signature, value) in &rights {
                    let Some(right) = one.series.get(*at) else {
                        continue;
                    };
                    if matched.get(*signature) != Some(&Some(time)) {
                        let slot = operation.slot(None, Some((*at, right.series)))?;
                        operation.apply(time, slot, *signature, (fill, value))?;
                    }
                }
            }
        }
        operation.findings.tell(self.notes, expr);
        Ok(operation.collector.finish())
    }
}

fn present(side: &mut Side, step: usize, time: i64) -> Result<Vec<Present>, EvalError> {
    let mut found = Vec::new();
    let series = &side.series;
    side.walk.each(step, |at, cursor| {
        if let Some((one, value)) = series.get(at).zip(cursor.value_at(time)) {
            found.push((at, one.signature, value));
        }
        Ok(())
    })?;
    Ok(found)
}
