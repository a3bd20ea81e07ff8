//! Aggregations.

use std::collections::HashMap;

use query::promql::ast::{Aggregate, AggregateOp, Expr, Grouping};

use super::accumulate::State;
use super::evaluator::{Evaluator, unsupported, unwrap_parens, wrong_type};
use super::quantile::quantile;
use super::series::{Collector, Cursor, METRIC_NAME, Series, point};
use crate::answer::Point;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::numbers::go_float;

/// Series that are aggregated into one, or chosen from together.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) labels: Labels,
    pub(super) members: Vec<&'a Series>,
}

impl Evaluator<'_> {
    pub(super) fn aggregate(&self, aggregate: &Aggregate) -> Result<Vec<Series>, EvalError> {
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
                self.fold(aggregate.op, &groups(&series, grouping))
            }
            Op::Quantile => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                self.quantiles(&groups(&series, grouping), &parameters)
            }
            Op::Topk | Op::Bottomk => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                let groups = groups(&series, grouping);
                self.top(&groups, &parameters, aggregate.op == Op::Topk)
            }
            Op::CountValues => {
                let label = label_name(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                self.count_values(&series, &label, grouping)
            }
            Op::Limitk => Err(unsupported("limitk")),
            Op::LimitRatio => Err(unsupported("limit_ratio")),
        }
    }

    /// Aggregations that need no more than a few numbers for each step.
    fn fold(&self, op: AggregateOp, groups: &[Group]) -> Result<Vec<Series>, EvalError> {
        let mut found = Vec::with_capacity(groups.len());
        for group in groups {
            self.stop.check()?;
            // States only where the group has points: a subquery may have very many steps.
            let index = |point: &Point| self.steps.index(point.timestamp_ms);
            let members = group.members.iter();
            let firsts = members.clone().filter_map(|one| one.points.first());
            let first = firsts.map(index).min().unwrap_or_default();
            let lasts = members.filter_map(|one| one.points.last());
            let after = lasts.map(index).max().map_or(first, |last| last + 1);
            let mut states: Vec<Option<State>> = vec![None; after - first];
            for sample in group.members.iter().flat_map(|member| &member.points) {
                let index = self.steps.index(sample.timestamp_ms);
                match index.checked_sub(first).and_then(|at| states.get_mut(at)) {
                    Some(Some(state)) => state.add(sample.value),
                    Some(empty) => *empty = Some(State::starting_with(op, sample.value)),
                    None => {}
                }
            }
            let points = self.steps.times().skip(first).zip(states);
            found.push(Series {
                labels: group.labels.clone(),
                drop_name: group.members.iter().any(|member| member.drop_name),
                points: points
                    .filter_map(|(time, state)| Some(point(time, state?.value())))
                    .collect(),
            });
        }
        Ok(found)
    }

    fn quantiles(&self, groups: &[Group], parameters: &[f64]) -> Result<Vec<Series>, EvalError> {
        let mut found = Vec::with_capacity(groups.len());
        for group in groups {
            self.stop.check()?;
            let mut cursors: Vec<Cursor> =
                group.members.iter().map(|one| Cursor::new(one)).collect();
            let mut points = Vec::new();
            for (time, q) in self.steps.times().zip(parameters) {
                let values: Vec<f64> = cursors.iter_mut().filter_map(|one| one.at(time)).collect();
                if !values.is_empty() {
                    points.push(point(time, quantile(*q, values)));
                }
            }
            found.push(Series {
                labels: group.labels.clone(),
                drop_name: group.members.iter().any(|member| member.drop_name),
                points,
            });
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
        let mut collector = Collector::default();
        let mut cursors: Vec<Cursor> = series.iter().map(Cursor::new).collect();
        let labels: Vec<Labels> = series
            .iter()
            .map(|one| group_labels(&one.labels, grouping))
            .collect();
        let is_without = grouping.is_some_and(|grouping| grouping.without);
        for time in self.steps.times() {
            self.stop.check()?;
            let mut counts: Vec<(usize, f64)> = Vec::new();
            let mut index: HashMap<usize, usize> = HashMap::new();
            for (cursor, labels) in cursors.iter_mut().zip(&labels) {
                let Some(value) = cursor.at(time) else {
                    continue;
                };
                let labels = if is_without
                    && grouping.is_some_and(|by| by.labels.iter().any(|name| name == label))
                {
                    labels.clone()
                } else {
                    labels.with(label, &go_float(value))
                };
                let slot = collector.slot(labels, false);
                let at = *index.entry(slot).or_insert_with(|| {
                    counts.push((slot, 0.0));
                    counts.len() - 1
                });
                if let Some((_, count)) = counts.get_mut(at) {
                    *count += 1.0;
                }
            }
            self.budget.take(counts.len())?;
            for (slot, count) in counts {
                collector.push(slot, time, count)?;
            }
        }
        Ok(collector.finish())
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

/// The series of each group; groups in the order of their first series.
fn groups<'a>(series: &'a [Series], grouping: Option<&Grouping>) -> Vec<Group<'a>> {
    let mut index: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for one in series {
        let labels = group_labels(&one.labels, grouping);
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
    groups
}

fn group_labels(labels: &Labels, grouping: Option<&Grouping>) -> Labels {
    match grouping {
        None => Labels::default(),
        Some(Grouping {
            without: false,
            labels: wanted,
        }) => labels.filter(|name| wanted.iter().any(|wanted| wanted == name)),
        Some(Grouping {
            without: true,
            labels: unwanted,
        }) => labels.filter(|name| {
            name != METRIC_NAME && !unwanted.iter().any(|unwanted| unwanted == name)
        }),
    }
}
