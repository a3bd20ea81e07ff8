//! Range aggregations: samples of log lines, and windows that slide over them.

mod check;
mod extract;
pub(super) mod window;

use std::collections::HashMap;

use query::logql::ast::{Grouping as GroupingTree, RangeAggregation, RangeOp};
use query::{MatchOp, Matcher};

use self::check::validate;
use self::extract::Extractor;
use self::window::{Sample, Window};
use super::labels::{ERROR, LineLabels, PRESERVE_ERROR};
use super::metric::{Evaluation, Series};
use super::work::STEP;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::{Lines, SharedReading};

/// Evaluates a range aggregation, with the grouping of an enclosing `sum` if there is one.
pub(super) fn evaluate(
    evaluation: &Evaluation<'_>,
    aggregation: &RangeAggregation,
    outer: Option<&GroupingTree>,
) -> Result<Vec<Series>, EvalError> {
    validate(aggregation)?;
    let now_ns = evaluation.request.now_ns;
    let extractor = Extractor::new(aggregation, outer, now_ns, evaluation.work)?;
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
    // A value for every series and step is kept; the number of series is the data's doing.
    evaluation.make(series.len())?;
    let mut answer = Vec::with_capacity(series.len());
    for (labels, samples) in series {
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
            evaluation.work.spend(16 + inside.len())?;
            values.push((!inside.is_empty()).then(|| window.aggregate(inside, end)));
        }
        answer.push(Series { labels, values });
    }
    if aggregation.op == RangeOp::AbsentOverTime {
        return Ok(vec![absent(evaluation, aggregation, &answer)?]);
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
    let work = evaluation.work;
    let reading = SharedReading::default();
    let needle = extractor.needle();
    for stream in &streams {
        work.spend(STEP)?;
        let stop = evaluation.request.stop;
        let mut lines = Lines::new(stream, &reading, false, needle.as_ref()).until(stop);
        let mut labels = LineLabels::new(&stream.labels);
        while lines.advance()? {
            let time_ns = lines.time();
            if !is_in_window(time_ns) {
                work.spend(STEP / 4)?;
                continue;
            }
            let entry = lines.line()?;
            work.read(entry.line)?;
            labels.reset(metadata(entry.structured_metadata));
            let Some(value) = extractor.value(time_ns, entry.line, &mut labels, work)? else {
                continue;
            };
            work.take_samples(1, evaluation.limits.max_samples)?;
            work.spend(extractor.grouping.labels.len())?;
            let result = labels.grouped(&extractor.grouping);
            // A label of this name that came out of the line counts too.
            if !result.get(ERROR).is_empty() && result.get(PRESERVE_ERROR) != "true" {
                return Err(pipeline_error(&result));
            }
            let id = if let Some(id) = ids.get(&result) {
                *id
            } else {
                work.spend(STEP / 4 + result.size())?;
                ids.insert(result.clone(), series.len());
                series.push((result, Vec::new()));
                series.len() - 1
            };
            if let Some((_, samples)) = series.get_mut(id) {
                samples.push(Sample { time_ns, value });
            }
        }
    }
    for (_, samples) in &mut series {
        work.spend(samples.len())?;
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
    EvalError::Invalid(format!(
        "pipeline error: '{error}' for series: '{labels}'.\n\
         Use a label filter to intentionally skip this error. (e.g | __error__!=\"{error}\").\n\
         To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n\
         The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n"
    ))
}

/// One where no line was, with the labels that the selector demands.
fn absent(
    evaluation: &Evaluation<'_>,
    aggregation: &RangeAggregation,
    present: &[Series],
) -> Result<Series, EvalError> {
    let is_absent = |step: usize| {
        evaluation.work.spend(present.len().saturating_mul(16))?;
        let at = |series: &Series| series.values.get(step).is_some_and(Option::is_some);
        Ok((!present.iter().any(at)).then_some(1.0))
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
            .any(|(other, value)| *name == *other && !value.is_empty());
        if *op == MatchOp::Equal && !is_known {
            pairs.push((name.to_string(), value.to_string_lossy().into_owned()));
        } else {
            unclear.push(name);
        }
    }
    pairs.retain(|(name, _)| !unclear.contains(&name.as_str()));
    let values = (0..evaluation.steps.len()).map(is_absent);
    Ok(Series {
        labels: Labels::new(pairs),
        values: values.collect::<Result<_, EvalError>>()?,
    })
}
