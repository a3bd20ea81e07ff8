//! Aggregations.

use std::collections::HashMap;

use query::promql::ast::{Aggregate, AggregateOp, Expr, Grouping};

use super::accumulate::State;
use super::evaluator::{Evaluator, unwrap_parens, wrong_type};
use super::quantile::quantile;
use super::series::{Collector, Cursor, METRIC_NAME, Operand, Series, point};
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
                self.fold(aggregate, &groups(&series, grouping))
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
                self.quantiles(&groups(&series, grouping), &parameters)
            }
            Op::Topk | Op::Bottomk => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                let groups = groups(&series, grouping);
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
                self.limitk(&groups(&series, grouping), &parameters)
            }
            Op::LimitRatio => {
                let parameters = self.scalar(param()?)?;
                let series = self.vector(&aggregate.expr)?;
                self.limit_ratio(param()?, &groups(&series, grouping), &parameters)
            }
        }
    }

    /// Aggregations that need no more than a little for each step.
    fn fold(&self, aggregate: &Aggregate, groups: &[Group]) -> Result<Vec<Series>, EvalError> {
        let (op, at) = (aggregate.op, &aggregate.expr);
        let mut found = Vec::with_capacity(groups.len());
        for group in groups {
            self.stop.check()?;
            // States only where the group has values: a subquery may have very many steps.
            let spans = group.members.iter().filter_map(|one| one.span());
            let spans =
                spans.map(|(first, last)| (self.steps.index(first), self.steps.index(last)));
            let first = spans.clone().map(|(first, _)| first).min();
            let first = first.unwrap_or_default();
            let after = spans.map(|(_, last)| last + 1).max().unwrap_or(first);
            let mut states: Vec<Option<State>> = vec![None; after - first];
            let place = |time: i64| self.steps.index(time).checked_sub(first);
            for member in &group.members {
                for sample in &member.points {
                    let at = place(sample.timestamp_ms);
                    match at.and_then(|at| states.get_mut(at)) {
                        Some(Some(state)) => state.add(sample.value),
                        Some(empty) => *empty = Some(State::starting_with(op, sample.value)),
                        None => {}
                    }
                }
                for sample in &member.histograms {
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
            for (time, state) in self.steps.times().skip(first).zip(states) {
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
            if !series.is_empty() {
                found.push(series);
            }
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
            if !points.is_empty() {
                found.push(Series {
                    labels: group.labels.clone(),
                    drop_name: group.members.iter().any(|member| member.drop_name),
                    points,
                    ..Series::default()
                });
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
        let mut collector = Collector::default();
        let mut cursors: Vec<Cursor> = series.iter().map(Cursor::new).collect();
        let labels: Vec<Labels> = series
            .iter()
            .map(|one| group_labels(&one.labels, grouping))
            .collect();
        // `without` takes away the label of the value as any other, and so it does the name.
        let takes_label = grouping.is_some_and(|by| {
            by.without && (label == METRIC_NAME || by.labels.iter().any(|name| name == label))
        });
        for time in self.steps.times() {
            self.stop.check()?;
            let mut counts: Vec<(usize, f64)> = Vec::new();
            let mut index: HashMap<usize, usize> = HashMap::new();
            for (cursor, labels) in cursors.iter_mut().zip(&labels) {
                let Some(value) = cursor.value_at(time) else {
                    continue;
                };
                let labels = if takes_label {
                    labels.clone()
                } else {
                    labels.with(label, &shown(&value))
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
                collector.push(slot, time, Operand::Float(count))?;
            }
        }
        Ok(collector.finish())
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
