//! Range aggregations: samples of log lines, and windows that slide over them.

use std::collections::HashMap;

use query::logql::ast::{Conversion, Grouping as GroupingTree, RangeAggregation, RangeOp, Stage};
use query::{MatchOp, Matcher};

use super::hints::Hints;
use super::labels::{ERROR, Grouping, LineLabels, PRESERVE_ERROR};
use super::metric::{Evaluation, Series};
use super::stage::Stages;
use super::stage::label::LabelTest;
use super::{CHECK_EVERY, go};
use crate::labels::Labels;
use crate::limits::EvalError;

const SAMPLE_ERROR: &str = "SampleExtractionErr";

/// A sample of a line.
#[derive(Clone, Copy, Debug)]
struct Sample {
    time_ns: i64,
    value: f64,
}

/// How a line becomes a sample.
struct Extractor {
    stages: Stages,
    hints: Hints,
    grouping: Grouping,
    value: Value,
}

enum Value {
    One,
    Bytes,
    Unwrapped {
        label: String,
        conversion: Option<Conversion>,
        filters: Vec<LabelTest>,
    },
}

impl Extractor {
    fn new(
        aggregation: &RangeAggregation,
        outer: Option<&GroupingTree>,
    ) -> Result<Self, EvalError> {
        let stages = Stages::new(&without_idle_formats(aggregation))?;
        // The grouping of an enclosing sum goes in front of the aggregation's own.
        let tree = outer.or(aggregation.grouping.as_ref());
        let mut grouping = tree.map_or_else(Grouping::default, |tree| Grouping {
            labels: tree.labels.clone(),
            without: tree.without,
            none: tree.labels.is_empty() && !tree.without,
        });
        grouping.labels.sort_unstable();
        if aggregation.op == RangeOp::AbsentOverTime {
            grouping.none = true;
        }
        let mut needed = stages.needed_labels();
        let mut tests = stages.label_tests();
        let Some(unwrap) = &aggregation.range.unwrap else {
            let hints = Hints::for_samples(&needed, &grouping, None, tests);
            let value = match aggregation.op {
                RangeOp::BytesOverTime | RangeOp::BytesRate => Value::Bytes,
                _ => Value::One,
            };
            return Ok(Self {
                stages,
                hints,
                grouping,
                value,
            });
        };
        let filters: Vec<LabelTest> = unwrap
            .post_filters
            .iter()
            .map(LabelTest::new)
            .collect::<Result<_, _>>()?;
        for filter in &filters {
            filter.collect_labels(&mut needed);
        }
        tests.extend(filters.iter().cloned());
        // The label that became the value tells no series apart.
        if grouping.labels.is_empty() || grouping.without {
            grouping.without = true;
            grouping.labels.push(unwrap.label.clone());
        }
        let hints = Hints::for_samples(&needed, &grouping, Some(&unwrap.label), tests);
        let value = Value::Unwrapped {
            label: unwrap.label.clone(),
            conversion: unwrap.conversion,
            filters,
        };
        Ok(Self {
            stages,
            hints,
            grouping,
            value,
        })
    }

    /// The line's value, unless it has none; `labels` are then those of its series.
    fn value(&self, time_ns: i64, line: &str, labels: &mut LineLabels<'_>) -> Option<f64> {
        let line = self.stages.run(time_ns, line, labels, &self.hints)?;
        match &self.value {
            Value::One => Some(1.0),
            Value::Bytes => Some(bytes(line.len())),
            Value::Unwrapped {
                label,
                conversion,
                filters,
            } => {
                let text = labels.get(label).filter(|text| !text.is_empty())?;
                let value = match convert(text, *conversion) {
                    Ok(value) => value,
                    Err(error) => {
                        labels.set_error(SAMPLE_ERROR, Some(&error));
                        0.0
                    }
                };
                // All of them run, as one filter of conditions joined by `and` does.
                let failed = filters
                    .iter()
                    .filter(|filter| !filter.passes(labels))
                    .count();
                (failed == 0).then_some(value)
            }
        }
    }
}

/// The stages without `line_format`s whose lines nothing reads: Loki does not run them, so that a
/// template that fails there is no error.
fn without_idle_formats(aggregation: &RangeAggregation) -> Vec<Stage> {
    let stages = &aggregation.range.log.stages;
    if matches!(aggregation.op, RangeOp::BytesOverTime | RangeOp::BytesRate) {
        return stages.clone();
    }
    let reads_line = |stage: &Stage| match stage {
        Stage::Line(_)
        | Stage::Json(_)
        | Stage::Logfmt(_)
        | Stage::Regexp(_)
        | Stage::Pattern(_)
        | Stage::Unpack => true,
        Stage::Decolorize
        | Stage::Label(_)
        | Stage::LineFormat(_)
        | Stage::LabelFormat(_)
        | Stage::Drop(_)
        | Stage::Keep(_) => false,
    };
    let last_reader = stages.iter().rposition(reads_line).unwrap_or(0);
    let is_idle =
        |(at, stage): &(usize, &Stage)| *at > last_reader && matches!(stage, Stage::LineFormat(_));
    let kept = stages.iter().enumerate().filter(|one| !is_idle(one));
    kept.map(|(_, stage)| stage.clone()).collect()
}

#[allow(clippy::cast_precision_loss)] // lines are shorter than 2^53 bytes
fn bytes(length: usize) -> f64 {
    length as f64
}

#[allow(clippy::cast_precision_loss)] // as Loki converts
fn convert(text: &str, conversion: Option<Conversion>) -> Result<f64, String> {
    match conversion {
        None => go::parse_float(text),
        Some(Conversion::Bytes) => go::parse_bytes(text).map(|bytes| bytes as f64),
        Some(Conversion::Duration | Conversion::DurationSeconds) => {
            go::parse_duration(text).map(seconds)
        }
    }
}

/// Nanoseconds in seconds; the parts apart, so that whole seconds are exact.
#[allow(clippy::cast_precision_loss)]
fn seconds(nanos: i64) -> f64 {
    (nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9
}

/// Evaluates a range aggregation, with the grouping of an enclosing `sum` if there is one.
pub(super) fn evaluate(
    evaluation: &Evaluation<'_>,
    aggregation: &RangeAggregation,
    outer: Option<&GroupingTree>,
) -> Result<Vec<Series>, EvalError> {
    validate(aggregation)?;
    let extractor = Extractor::new(aggregation, outer)?;
    let series = collect(evaluation, aggregation, &extractor)?;
    let steps = &evaluation.steps;
    let range = aggregation.range.range.nanos;
    let offset = aggregation
        .range
        .offset
        .as_ref()
        .map_or(0, |offset| offset.nanos);
    let window = Window {
        op: aggregation.op,
        quantile: aggregation.param.as_ref().map_or(0.0, |param| param.value),
        unwrapped: aggregation.range.unwrap.is_some(),
        range,
    };
    let mut answer = Vec::with_capacity(series.len());
    for (labels, samples) in series {
        evaluation.request.stop.check()?;
        let mut values = Vec::with_capacity(steps.len());
        let (mut from, mut to) = (0, 0);
        for step in steps {
            let end = step.saturating_sub(offset);
            let start = end.saturating_sub(range);
            while samples.get(to).is_some_and(|sample| sample.time_ns <= end) {
                to += 1;
            }
            while from < to
                && samples
                    .get(from)
                    .is_some_and(|sample| sample.time_ns <= start)
            {
                from += 1;
            }
            let inside = samples.get(from..to).unwrap_or_default();
            values.push((!inside.is_empty()).then(|| window.aggregate(inside, end)));
        }
        answer.push(Series { labels, values });
    }
    if aggregation.op == RangeOp::AbsentOverTime {
        return Ok(vec![absent(evaluation, aggregation, &answer)]);
    }
    Ok(answer)
}

/// The samples of all lines that are in some window, by series and time.
fn collect(
    evaluation: &Evaluation<'_>,
    aggregation: &RangeAggregation,
    extractor: &Extractor,
) -> Result<Vec<(Labels, Vec<Sample>)>, EvalError> {
    let (Some(first), Some(last)) = (evaluation.steps.first(), evaluation.steps.last()) else {
        return Ok(Vec::new());
    };
    let range = aggregation.range.range.nanos;
    let offset = aggregation
        .range
        .offset
        .as_ref()
        .map_or(0, |offset| offset.nanos);
    let step = evaluation.request.step_ns.max(1);
    let start = first
        .saturating_sub(offset)
        .saturating_sub(range)
        .saturating_add(1);
    let end = last.saturating_sub(offset).saturating_add(1);
    // Windows that do not touch leave lines between them, which no pipeline needs to see.
    let is_in_window = |time: i64| {
        let behind = time.saturating_add(offset).saturating_sub(*first);
        let steps = if behind <= 0 {
            0
        } else {
            (behind - 1) / step + 1
        };
        let end = first.saturating_add(steps.saturating_mul(step));
        end <= *last && end.saturating_sub(range) < time.saturating_add(offset)
    };
    let streams = evaluation
        .store
        .select(&aggregation.range.log.selector.matchers, start, end)?;
    let mut ids: HashMap<Labels, usize> = HashMap::new();
    let mut series: Vec<(Labels, Vec<Sample>)> = Vec::new();
    let (mut seen, mut kept) = (0_usize, 0_usize);
    for stream in &streams {
        let mut labels = LineLabels::new(&stream.labels);
        for entry in stream.entries() {
            seen += 1;
            if seen.is_multiple_of(CHECK_EVERY) {
                evaluation.request.stop.check()?;
            }
            let time_ns = entry.timestamp_ns;
            if !is_in_window(time_ns) {
                continue;
            }
            labels.reset(metadata(&entry.structured_metadata));
            let Some(value) = extractor.value(time_ns, &entry.line, &mut labels) else {
                continue;
            };
            kept += 1;
            if kept > evaluation.limits.max_samples {
                return Err(EvalError::Limit(format!(
                    "the query would load more than {} samples; narrow its selectors or its time",
                    evaluation.limits.max_samples
                )));
            }
            let result = labels.grouped(&extractor.grouping);
            if !labels.error().is_empty() && result.get(PRESERVE_ERROR) != "true" {
                return Err(pipeline_error(&result));
            }
            let id = match ids.get(&result) {
                Some(id) => *id,
                None => {
                    ids.insert(result.clone(), series.len());
                    series.push((result, Vec::new()));
                    series.len() - 1
                }
            };
            if let Some((_, samples)) = series.get_mut(id) {
                samples.push(Sample { time_ns, value });
            }
        }
    }
    for (_, samples) in &mut series {
        // Lines of several streams may have come together.
        samples.sort_by_key(|sample| sample.time_ns);
    }
    Ok(series)
}

/// Structured metadata as pairs.
pub(super) fn metadata(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn pipeline_error(labels: &Labels) -> EvalError {
    let error = labels.get(ERROR);
    EvalError::Execution(format!(
        "pipeline error: '{error}' for series: '{labels}'.\n\
         Use a label filter to intentionally skip this error. (e.g | __error__!=\"{error}\").\n\
         To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n\
         The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n"
    ))
}

/// What is done with the samples of a window.
struct Window {
    op: RangeOp,
    quantile: f64,
    unwrapped: bool,
    range: i64,
}

impl Window {
    /// The value of a window that is not empty.
    fn aggregate(&self, samples: &[Sample], end: i64) -> f64 {
        let values = || samples.iter().map(|sample| sample.value);
        let sum = || values().sum::<f64>();
        let count = || bytes(samples.len());
        match self.op {
            RangeOp::CountOverTime => count(),
            RangeOp::Rate if self.unwrapped => sum() / seconds(self.range),
            RangeOp::Rate => count() / seconds(self.range),
            RangeOp::RateCounter => self.rate_counter(samples, end),
            RangeOp::BytesOverTime | RangeOp::SumOverTime => sum(),
            RangeOp::BytesRate => sum() / seconds(self.range),
            RangeOp::AvgOverTime => mean(values()),
            RangeOp::MinOverTime => values().fold(f64::NAN, |min, value| {
                if value < min || min.is_nan() {
                    value
                } else {
                    min
                }
            }),
            RangeOp::MaxOverTime => values().fold(f64::NAN, |max, value| {
                if value > max || max.is_nan() {
                    value
                } else {
                    max
                }
            }),
            RangeOp::StdvarOverTime => variance(values()),
            RangeOp::StddevOverTime => variance(values()).sqrt(),
            RangeOp::QuantileOverTime => quantile(self.quantile, values().collect()),
            RangeOp::FirstOverTime => values().next().unwrap_or(f64::NAN),
            RangeOp::LastOverTime => values().next_back().unwrap_or(f64::NAN),
            RangeOp::AbsentOverTime => 1.0,
        }
    }

    /// Prometheus's `rate` of a counter, with the window's true bounds.
    #[allow(clippy::cast_precision_loss)]
    fn rate_counter(&self, samples: &[Sample], end: i64) -> f64 {
        let ([first, ..], [.., last]) = (samples, samples) else {
            return 0.0;
        };
        if samples.len() < 2 {
            return 0.0;
        }
        let mut increase = last.value - first.value;
        let mut before = 0.0;
        for sample in samples {
            if sample.value < before {
                increase += before;
            }
            before = sample.value;
        }
        let start = end.saturating_sub(self.range);
        let mut to_start = (first.time_ns - start) as f64 / 1e9;
        let mut to_end = (end - last.time_ns) as f64 / 1e9;
        let sampled = (last.time_ns - first.time_ns) as f64 / 1e9;
        let between = sampled / (samples.len() - 1) as f64;
        // Beyond a distance that is usual between samples, the series is taken to begin or end
        // half of that distance away.
        let threshold = between * 1.1;
        if to_start >= threshold {
            to_start = between / 2.0;
        }
        // A counter did not begin below zero.
        if increase > 0.0 && first.value >= 0.0 {
            to_start = to_start.min(sampled * (first.value / increase));
        }
        if to_end >= threshold {
            to_end = between / 2.0;
        }
        increase * ((sampled + to_start + to_end) / sampled) / seconds(self.range)
    }
}

/// A mean that neither overflows nor loses an infinity.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count) = (0.0_f64, 0.0);
    for value in values {
        count += 1.0;
        if mean.is_infinite() {
            let same = value.is_infinite() && (mean > 0.0) == (value > 0.0);
            if same || value.is_finite() {
                continue;
            }
        }
        mean += value / count - mean / count;
    }
    mean
}

/// The variance of a population (Welford).
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut squares, mut count, mut mean) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// The φ-quantile, between the two values next to it by their distance.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN counts as the smallest.
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    match (values.get(lower), values.get(upper)) {
        (Some(lower), Some(upper)) => lower * (1.0 - weight) + upper * weight,
        _ => f64::NAN,
    }
}

/// One where no line was, with the labels that the selector demands.
fn absent(
    evaluation: &Evaluation<'_>,
    aggregation: &RangeAggregation,
    present: &[Series],
) -> Series {
    let is_absent = |step: usize| {
        !present
            .iter()
            .any(|series| series.values.get(step).is_some_and(Option::is_some))
    };
    let matchers = &aggregation.range.log.selector.matchers;
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut unclear: Vec<&str> = Vec::new();
    for Matcher { name, op, value } in matchers {
        if name == "__name__" {
            continue;
        }
        let is_known = pairs
            .iter()
            .any(|(other, value)| other == name && !value.is_empty());
        if *op == MatchOp::Equal && !is_known {
            pairs.push((name.clone(), value.to_string_lossy().into_owned()));
        } else {
            unclear.push(name);
        }
    }
    pairs.retain(|(name, _)| !unclear.contains(&name.as_str()));
    Series {
        labels: Labels::new(pairs),
        values: (0..evaluation.steps.len())
            .map(|step| is_absent(step).then_some(1.0))
            .collect(),
    }
}

/// Which aggregation goes with `unwrap` and with a grouping; the parser of the language lets some
/// combinations pass that mean nothing.
fn validate(aggregation: &RangeAggregation) -> Result<(), EvalError> {
    let op = aggregation.op;
    let name = name(op);
    let refuse = |why: String| Err(EvalError::Invalid(format!("parse error : {why}")));
    let (groups, with_unwrap, without_unwrap) = match op {
        RangeOp::CountOverTime | RangeOp::BytesOverTime | RangeOp::BytesRate => {
            (false, false, true)
        }
        RangeOp::Rate | RangeOp::AbsentOverTime => (false, true, true),
        RangeOp::RateCounter | RangeOp::SumOverTime => (false, true, false),
        RangeOp::AvgOverTime
        | RangeOp::MinOverTime
        | RangeOp::MaxOverTime
        | RangeOp::StdvarOverTime
        | RangeOp::StddevOverTime
        | RangeOp::QuantileOverTime
        | RangeOp::FirstOverTime
        | RangeOp::LastOverTime => (true, true, false),
    };
    if aggregation.grouping.is_some() && !groups {
        return refuse(format!("grouping not allowed for {name} aggregation"));
    }
    if aggregation.range.unwrap.is_some() && !with_unwrap {
        return refuse(format!("invalid aggregation {name} with unwrap"));
    }
    if aggregation.range.unwrap.is_none() && !without_unwrap {
        return refuse(format!("invalid aggregation {name} without unwrap"));
    }
    match (&aggregation.param, op == RangeOp::QuantileOverTime) {
        (None, true) => refuse(format!("parameter required for operation {name}")),
        (Some(param), false) => refuse(format!(
            "parameter {} not supported for operation {name}",
            param.text
        )),
        _ => Ok(()),
    }
}

fn name(op: RangeOp) -> &'static str {
    match op {
        RangeOp::CountOverTime => "count_over_time",
        RangeOp::Rate => "rate",
        RangeOp::RateCounter => "rate_counter",
        RangeOp::BytesOverTime => "bytes_over_time",
        RangeOp::BytesRate => "bytes_rate",
        RangeOp::AvgOverTime => "avg_over_time",
        RangeOp::SumOverTime => "sum_over_time",
        RangeOp::MinOverTime => "min_over_time",
        RangeOp::MaxOverTime => "max_over_time",
        RangeOp::StdvarOverTime => "stdvar_over_time",
        RangeOp::StddevOverTime => "stddev_over_time",
        RangeOp::QuantileOverTime => "quantile_over_time",
        RangeOp::FirstOverTime => "first_over_time",
        RangeOp::LastOverTime => "last_over_time",
        RangeOp::AbsentOverTime => "absent_over_time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(0.5, vec![3.0, 1.0, 2.0, 4.0]), 2.5);
        assert_eq!(quantile(1.0, vec![3.0, 1.0]), 3.0);
        assert_eq!(quantile(1.5, vec![3.0]), f64::INFINITY);
    }

    #[test]
    fn an_infinite_mean_stays() {
        assert_eq!(mean([f64::INFINITY, 1.0].into_iter()), f64::INFINITY);
        assert_eq!(mean([1.0, 2.0, 6.0].into_iter()), 3.0);
    }
}
