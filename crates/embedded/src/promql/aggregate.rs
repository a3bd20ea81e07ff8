//! Aggregations.

use std::collections::HashMap;

use query::promql::ast::{Aggregate, AggregateOp, Expr, Grouping};

use super::accumulate::State;
use super::evaluator::{Evaluator, HISTOGRAM, unwrap_parens, wrong_type};
use super::names::Names;
use super::quantile::quantile;
use super::series::{Collector, METRIC_NAME, Operand, Series, cost_of, point};
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::numbers::go_float;

/// As how many samples the state of a group at one step counts.
const STATE: usize = 3;

/// Samples that are added up between two looks at whether the query has to end.
const CHUNK: usize = 4_096;

/// Series that are aggregated into one, or chosen from together.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) labels: Labels,
    pub(super) members: Vec<&'a Series>,
}

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &self,
        expr: &Expr,
        aggregate: &Aggregate,
    ) -> Result<Vec<Series>, EvalError> {
        use AggregateOp as Op;
        let grouping = aggregate.grouping.as_ref();
        let param = || {
            let param = aggregate.param.as_ref();
            param.ok_or_else(|| EvalError::Invalid("aggregation without its parameter".to_owned()))
        };
        match aggregate.op {
            Op::Sum
            | Op::Avg
            | Op::Count
            | Op::Min
            | Op::Max
            | Op::Group
            | Op::Stddev
            | Op::Stdvar => {
                let series = self.vector(&aggregate.expr)?;
                self.fold(aggregate, &self.groups(&series, grouping)?)
            }
            Op::Quantile => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                // Of all that are none, the outermost are told.
                let highest = parameters.iter().copied().fold(f64::MIN, f64::max);
                let lowest = parameters.iter().copied().fold(f64::MAX, f64::min);
                let undefined = parameters.iter().copied().find(|q| q.is_nan());
                for q in undefined
                    .into_iter()
                    .chain([highest.max(0.0), lowest.min(1.0)])
                {
                    self.notes.check_quantile(param()?, q);
                }
                if series.iter().any(|one| !one.histograms.is_empty()) {
                    self.notes
                        .ignored_in_aggregation(&aggregate.expr, "quantile");
                }
                self.quantiles(&self.groups(&series, grouping)?, &parameters)
            }
            Op::Topk | Op::Bottomk => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                let groups = self.groups(&series, grouping)?;
                self.top(expr, &groups, &parameters, aggregate.op == Op::Topk)
            }
            Op::CountValues => {
                let label = label_name(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                self.count_values(&series, &label, grouping)
            }
            Op::Limitk => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                self.limitk(&self.groups(&series, grouping)?, &parameters)
            }
            Op::LimitRatio => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                self.limit_ratio(param()?, &self.groups(&series, grouping)?, &parameters)
            }
        }
    }

    /// Aggregations that need no more than a little for each step.
    fn fold(&self, aggregate: &Aggregate, groups: &[Group]) -> Result<Vec<Series>, EvalError> {
        let (op, at) = (aggregate.op, &aggregate.expr);
        let mut found = Vec::with_capacity(groups.len());
        let mut ticker = self.ticker();
        for group in groups {
            ticker.tick(1)?;
            // States only where the group has values: a subquery may have very many steps.
            let spans = group.members.iter().filter_map(|one| one.span());
            let spans =
                spans.map(|(first, last)| (self.steps.index(first), self.steps.index(last)));
            let first = spans.clone().map(|(first, _)| first).min();
            let first = first.unwrap_or_default();
            let after = spans.map(|(_, last)| last + 1).max().unwrap_or(first);
            // A state takes as much as a few samples.
            let held = (after - first).saturating_mul(STATE);
            self.budget.take(held)?;
            let mut states: Vec<Option<State>> = vec![None; after - first];
            let place = |time: i64| self.steps.index(time).checked_sub(first);
            for member in &group.members {
                for points in member.points.chunks(CHUNK) {
                    ticker.tick(points.len())?;
                    for sample in points {
                        let at = place(sample.timestamp_ms);
                        match at.and_then(|at| states.get_mut(at)) {
                            Some(Some(state)) => state.add(sample.value),
                            Some(empty) => *empty = Some(State::starting_with(op, sample.value)),
                            None => {}
                        }
                    }
                }
                for sample in &member.histograms {
                    ticker.tick(HISTOGRAM)?;
                    let histogram = &sample.histogram;
                    let Some(state) = place(sample.timestamp_ms).and_then(|at| states.get_mut(at))
                    else {
                        continue;
                    };
                    let starting = State::starting_with_histogram(op, histogram);
                    match (state, starting) {
                        (_, None) => self.notes.ignored_in_aggregation(at, name(op)),
                        (Some(state), Some(_)) => {
                            if state.add_histogram(histogram).is_err() {
                                self.notes.mixed_schemas(at, &member.labels);
                            }
                        }
                        (empty, starting) => *empty = starting,
                    }
                }
            }
            let mut series = Series {
                labels: group.labels.clone(),
                drop_name: group.members.iter().any(|member| member.drop_name),
                ..Series::default()
            };
            let steps = self.steps.between(self.steps.time(first), self.steps.end);
            for (time, state) in steps.times().zip(states) {
                ticker.tick(1)?;
                let Some((value, findings)) = state.map(State::finish) else {
                    continue;
                };
                if findings.mixed {
                    self.notes.mixed_in_aggregation(at);
                }
                if findings.collides {
                    self.notes.collision(at, "aggregation");
                }
                if findings.reconciled {
                    self.notes.reconciled(at, "aggregation");
                }
                if let Some(value) = value {
                    series.push(time, value);
                }
            }
            self.budget.give_back(held);
            if !series.is_empty() {
                self.budget.take(series.cost())?;
                found.push(series);
            }
        }
        Ok(found)
    }

    fn quantiles(&self, groups: &[Group], parameters: &[f64]) -> Result<Vec<Series>, EvalError> {
        let mut found = Vec::with_capacity(groups.len());
        let mut ticker = self.ticker();
        for group in groups {
            ticker.tick(1)?;
            let mut walk = self.walk(group.members.iter().copied())?;
            let mut points = Vec::new();
            let mut next = 0;
            while let Some(step) = walk.step_from(next) {
                next = step + 1;
                let time = self.steps.time(step);
                let mut values = Vec::new();
                walk.each(step, |_, cursor| {
                    values.extend(cursor.at(time));
                    Ok(())
                })?;
                if let Some(q) = parameters.get(step)
                    && !values.is_empty()
                {
                    points.push(point(time, quantile(*q, values)));
                }
            }
            if !points.is_empty() {
                let series = Series {
                    labels: group.labels.clone(),
                    drop_name: group.members.iter().any(|member| member.drop_name),
                    points,
                    ..Series::default()
                };
                self.budget.take(series.cost())?;
                found.push(series);
            }
        }
        Ok(found)
    }

    /// `count_values("label", vector)`: how many series of a group have which value.
    fn count_values(
        &self,
        series: &[Series],
        label: &str,
        grouping: Option<&Grouping>,
    ) -> Result<Vec<Series>, EvalError> {
        let mut collector = Collector::new(self.budget);
        let mut walk = self.walk(series.iter())?;
        let labels = self.group_labels(series, grouping)?;
        let mut ticker = self.ticker();
        // `without` takes away the label of the value as any other, and so it does the name.
        let takes_label = grouping.is_some_and(|by| {
            by.without && (label == METRIC_NAME || by.labels.iter().any(|name| name == label))
        });
        let mut next = 0;
        while let Some(step) = walk.step_from(next) {
            next = step + 1;
            let time = self.steps.time(step);
            let mut counts: Vec<(usize, f64)> = Vec::new();
            let mut index: HashMap<usize, usize> = HashMap::new();
            walk.each(step, |at, cursor| {
                let (Some(value), Some(labels)) = (cursor.value_at(time), labels.get(at)) else {
                    return Ok(());
                };
                ticker.tick(cost_of(labels))?;
                let labels = if takes_label {
                    labels.clone()
                } else {
                    labels.with(label, &shown(&value))
                };
                let slot = collector.slot(labels, false)?;
                let at = *index.entry(slot).or_insert_with(|| {
                    counts.push((slot, 0.0));
                    counts.len() - 1
                });
                if let Some((_, count)) = counts.get_mut(at) {
                    *count += 1.0;
                }
                Ok(())
            })?;
            for (slot, count) in counts {
                collector.push(slot, time, Operand::Float(count))?;
            }
        }
        Ok(collector.finish())
    }

    /// The series of each group; groups in the order of their first series.
    fn groups<'a>(
        &self,
        series: &'a [Series],
        grouping: Option<&Grouping>,
    ) -> Result<Vec<Group<'a>>, EvalError> {
        let mut index: HashMap<Labels, usize> = HashMap::new();
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (one, labels) in series.iter().zip(self.group_labels(series, grouping)?) {
            let at = *index.entry(labels.clone()).or_insert_with(|| {
                groups.push(Group {
                    labels,
                    members: Vec::new(),
                });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(at) {
                group.members.push(one);
            }
        }
        Ok(groups)
    }

    /// The labels of the group that each series is of.
    fn group_labels(
        &self,
        series: &[Series],
        grouping: Option<&Grouping>,
    ) -> Result<Vec<Labels>, EvalError> {
        let Some(grouping) = grouping else {
            return Ok(vec![Labels::default(); series.len()]);
        };
        let listed = Names::new(&grouping.labels);
        let mut ticker = self.ticker();
        let labels = series.iter().map(|one| {
            ticker.tick(cost_of(&one.labels))?;
            Ok(if grouping.without {
                let kept = |name: &str| name != METRIC_NAME && !listed.has(name);
                one.labels.filter(kept)
            } else {
                one.labels.filter(|name| listed.has(name))
            })
        });
        labels.collect()
    }
}

/// The name of an aggregation that has no use for histograms.
fn name(op: AggregateOp) -> &'static str {
    match op {
        AggregateOp::Min => "min",
        AggregateOp::Max => "max",
        AggregateOp::Stddev => "stddev",
        AggregateOp::Stdvar => "stdvar",
        AggregateOp::Sum => "sum",
        AggregateOp::Avg => "avg",
        AggregateOp::Count => "count",
        AggregateOp::Group => "group",
        AggregateOp::Topk => "topk",
        AggregateOp::Bottomk => "bottomk",
        AggregateOp::CountValues => "count_values",
        AggregateOp::Quantile => "quantile",
        AggregateOp::Limitk => "limitk",
        AggregateOp::LimitRatio => "limit_ratio",
    }
}

/// A value as a label.
fn shown(value: &Operand) -> String {
    match value {
        Operand::Float(value) => go_float(*value),
        Operand::Histogram(histogram) => histogram.to_string(),
    }
}

fn label_name(expr: &Expr) -> Result<String, EvalError> {
    let Expr::String(text) = unwrap_parens(expr) else {
        return Err(wrong_type("string"));
    };
    match text.as_str() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        Some(_) | None => Err(EvalError::Execution(format!("invalid label name {text:?}"))),
    }
}
