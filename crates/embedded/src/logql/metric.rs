//! Metric queries. Every node answers with whole series, a value or none for every step, so that
//! what depends on labels alone is worked out once and not at every step.

use std::collections::HashMap;

use query::logql::ast::{Grouping, LabelReplace, MetricExpr, RangeOp, VectorOp};

use super::{Answer, Request, binary, range, vector};
use crate::answer::{MatrixSeries, Point, VectorSample};
use crate::labels::Labels;
use crate::limits::{EvalError, Limits};
use crate::regexes;
use crate::store::TenantLogs;

/// A series with a value or none for every step.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) labels: Labels,
    pub(super) values: Vec<Option<f64>>,
}

/// A metric query while it is evaluated.
pub(super) struct Evaluation<'a> {
    pub(super) store: &'a TenantLogs,
    pub(super) request: &'a Request<'a>,
    pub(super) limits: &'a Limits,
    /// The times, in nanoseconds.
    pub(super) steps: Vec<i64>,
}

/// Steps in one answer, as Loki and Prometheus limit them.
const MAX_STEPS: i64 = 11_000;

/// Evaluates a metric query.
pub(super) fn evaluate(
    store: &TenantLogs,
    request: &Request<'_>,
    limits: &Limits,
    expr: &MetricExpr,
) -> Result<Answer, EvalError> {
    let steps = steps(request)?;
    let evaluation = Evaluation {
        store,
        request,
        limits,
        steps,
    };
    if let Some(value) = constant(expr) {
        if request.instant {
            return Ok(Answer::Scalar(Point {
                timestamp_ms: millis(request.start_ns),
                value,
            }));
        }
        return evaluation.answer(vec![evaluation.constant_series(value)], false);
    }
    let series = evaluation.series(expr)?;
    evaluation.answer(series, is_sorted(expr))
}

fn steps(request: &Request<'_>) -> Result<Vec<i64>, EvalError> {
    if request.instant {
        return Ok(vec![request.start_ns]);
    }
    let step = request.step_ns.max(1);
    let length = request.end_ns.saturating_sub(request.start_ns);
    if length / step > MAX_STEPS {
        return Err(EvalError::Limit(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the \
             value of the step parameter"
                .to_owned(),
        ));
    }
    let next = |time: &i64| {
        time.checked_add(step)
            .filter(|time| *time <= request.end_ns)
    };
    let first = (length >= 0).then_some(request.start_ns);
    Ok(std::iter::successors(first, next).collect())
}

fn millis(nanos: i64) -> i64 {
    nanos.div_euclid(1_000_000)
}

/// The value of an expression of numbers alone.
pub(super) fn constant(expr: &MetricExpr) -> Option<f64> {
    match expr {
        MetricExpr::Literal(number) => Some(number.value),
        MetricExpr::Binary(binary) => binary::fold(binary),
        MetricExpr::Range(_)
        | MetricExpr::Vector(_)
        | MetricExpr::VectorLiteral(_)
        | MetricExpr::LabelReplace(_) => None,
    }
}

/// Whether an instant answer keeps the order of values that the query asks for.
fn is_sorted(expr: &MetricExpr) -> bool {
    match expr {
        MetricExpr::Vector(aggregation) => {
            matches!(aggregation.op, VectorOp::Sort | VectorOp::SortDesc)
                || is_sorted(&aggregation.expr)
        }
        MetricExpr::Binary(binary) => is_sorted(&binary.lhs) || is_sorted(&binary.rhs),
        MetricExpr::LabelReplace(replace) => is_sorted(&replace.expr),
        MetricExpr::Range(_) | MetricExpr::Literal(_) | MetricExpr::VectorLiteral(_) => false,
    }
}

impl Evaluation<'_> {
    /// The series of an expression.
    pub(super) fn series(&self, expr: &MetricExpr) -> Result<Vec<Series>, EvalError> {
        self.request.stop.check()?;
        match expr {
            MetricExpr::Range(aggregation) => range::evaluate(self, aggregation, None),
            MetricExpr::Vector(aggregation) => {
                if aggregation.op == VectorOp::ApproxTopk && !self.request.instant {
                    // Loki counts with sketches here, and has none for ranges.
                    return Err(EvalError::Execution(
                        "count min sketches are only supported on instant queries".to_owned(),
                    ));
                }
                let series = if let MetricExpr::Range(inner) = &aggregation.expr
                    && aggregation.op == VectorOp::Sum
                    && inner.grouping.is_none()
                    && adds_up(inner.op)
                {
                    // A sum needs no more labels of its lines than it shows.
                    let none = Grouping {
                        without: false,
                        labels: Vec::new(),
                    };
                    let grouping = aggregation.grouping.as_ref().unwrap_or(&none);
                    range::evaluate(self, inner, Some(grouping))?
                } else {
                    self.series(&aggregation.expr)?
                };
                vector::aggregate(aggregation, &series, self.steps.len())
            }
            MetricExpr::Binary(binary) => binary::evaluate(self, binary),
            MetricExpr::Literal(number) | MetricExpr::VectorLiteral(number) => {
                Ok(vec![self.constant_series(number.value)])
            }
            MetricExpr::LabelReplace(replace) => self.label_replace(replace),
        }
    }

    fn constant_series(&self, value: f64) -> Series {
        Series {
            labels: Labels::default(),
            values: vec![Some(value); self.steps.len()],
        }
    }

    fn label_replace(&self, replace: &LabelReplace) -> Result<Vec<Series>, EvalError> {
        let text = |text: &query::Text| text.to_string_lossy().into_owned();
        let regex = regexes::whole(&text(&replace.regex))?;
        let (dst, src) = (text(&replace.dst), text(&replace.src));
        let replacement = text(&replace.replacement);
        let mut series = self.series(&replace.expr)?;
        for one in &mut series {
            let value = one.labels.get(&src).to_owned();
            if let Some(captures) = regex.captures(&value) {
                let mut new = String::new();
                captures.expand(&replacement, &mut new);
                one.labels = one.labels.with(&dst, &new);
            }
        }
        Ok(series)
    }

    /// The answer: series without any value go, and those that came to have the same labels are
    /// one.
    fn answer(&self, series: Vec<Series>, keep_order: bool) -> Result<Answer, EvalError> {
        let shown: Vec<Series> = series
            .into_iter()
            .filter(|series| series.values.iter().any(Option::is_some))
            .collect();
        let too_many = || {
            EvalError::Limit(format!(
                "maximum number of series ({}) reached for a single query; consider reducing query \
                 cardinality by adding more specific stream selectors, reducing the time range, or \
                 aggregating results with functions like sum(), count() or topk()",
                self.limits.max_series
            ))
        };
        if self.request.instant {
            if shown.len() > self.limits.max_series {
                return Err(too_many());
            }
            let timestamp_ms = millis(self.request.start_ns);
            let mut samples: Vec<VectorSample> = shown
                .into_iter()
                .filter_map(|series| {
                    let value = series.values.first().copied().flatten()?;
                    Some(VectorSample {
                        labels: series.labels,
                        point: Point {
                            timestamp_ms,
                            value,
                        },
                    })
                })
                .collect();
            if !keep_order {
                samples.sort_by(|a, b| a.labels.cmp(&b.labels));
            }
            return Ok(Answer::Vector(samples));
        }
        let mut ids: HashMap<Labels, usize> = HashMap::new();
        let mut matrix: Vec<MatrixSeries> = Vec::new();
        for series in shown {
            let points = self
                .steps
                .iter()
                .zip(&series.values)
                .filter_map(|(time, value)| {
                    value.map(|value| Point {
                        timestamp_ms: millis(*time),
                        value,
                    })
                });
            let same = ids.get(&series.labels).and_then(|id| matrix.get_mut(*id));
            if let Some(same) = same {
                same.points.extend(points);
                same.points.sort_by_key(|point| point.timestamp_ms);
            } else {
                ids.insert(series.labels.clone(), matrix.len());
                matrix.push(MatrixSeries {
                    labels: series.labels,
                    points: points.collect(),
                });
            }
        }
        if matrix.len() > self.limits.max_series {
            return Err(too_many());
        }
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Answer::Matrix(matrix))
    }
}

/// Whether a sum over series is the aggregation of all their lines.
fn adds_up(op: RangeOp) -> bool {
    match op {
        RangeOp::BytesOverTime
        | RangeOp::BytesRate
        | RangeOp::SumOverTime
        | RangeOp::Rate
        | RangeOp::CountOverTime => true,
        RangeOp::RateCounter
        | RangeOp::AvgOverTime
        | RangeOp::MinOverTime
        | RangeOp::MaxOverTime
        | RangeOp::StdvarOverTime
        | RangeOp::StddevOverTime
        | RangeOp::QuantileOverTime
        | RangeOp::FirstOverTime
        | RangeOp::LastOverTime
        | RangeOp::AbsentOverTime => false,
    }
}
