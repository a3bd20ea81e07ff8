//! How lines become samples.

use query::logql::ast::{Conversion, Grouping as GroupingTree, RangeAggregation, RangeOp, Stage};

use super::window::{float, seconds};
use crate::limits::EvalError;
use crate::logql::go;
use crate::logql::hints::Hints;
use crate::logql::labels::{Grouping, LineLabels};
use crate::logql::stage::Stages;
use crate::logql::stage::label::LabelTest;
use crate::logql::work::Work;
use crate::store::Needle;

const SAMPLE_ERROR: &str = "SampleExtractionErr";

/// How a line becomes a sample.
pub(super) struct Extractor {
    stages: Stages,
    hints: Hints,
    pub(super) grouping: Grouping,
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
    pub(super) fn new(
        aggregation: &RangeAggregation,
        outer: Option<&GroupingTree>,
        now_ns: i64,
        work: &Work,
    ) -> Result<Self, EvalError> {
        let stages = Stages::new(&without_idle_formats(aggregation), now_ns, work)?;
        // The grouping of an enclosing sum goes in front of the aggregation's own.
        let tree = outer.or(aggregation.grouping.as_ref());
        let mut grouping = tree.map_or_else(Grouping::default, |tree| Grouping {
            labels: tree.labels.iter().map(String::from).collect(),
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
                RangeOp::CountOverTime
                | RangeOp::Rate
                | RangeOp::RateCounter
                | RangeOp::AvgOverTime
                | RangeOp::SumOverTime
                | RangeOp::MinOverTime
                | RangeOp::MaxOverTime
                | RangeOp::StdvarOverTime
                | RangeOp::StddevOverTime
                | RangeOp::QuantileOverTime
                | RangeOp::FirstOverTime
                | RangeOp::LastOverTime
                | RangeOp::AbsentOverTime => Value::One,
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
            .map(|filter| LabelTest::new(filter, work))
            .collect::<Result<_, _>>()?;
        for filter in &filters {
            filter.collect_labels(&mut needed);
        }
        tests.extend(filters.iter().cloned());
        // The label that became the value tells no series apart.
        if grouping.labels.is_empty() || grouping.without {
            grouping.without = true;
            grouping.labels.push(unwrap.label.to_string());
            grouping.labels.sort_unstable();
        }
        let hints = Hints::for_samples(&needed, &grouping, Some(&unwrap.label), tests);
        let value = Value::Unwrapped {
            label: unwrap.label.to_string(),
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

    /// What is in every line that has a value.
    pub(super) fn needle(&self) -> Option<Needle> {
        self.stages.needle()
    }

    /// The line's value, unless it has none; `labels` are then those of its series.
    pub(super) fn value(
        &self,
        time_ns: i64,
        line: &str,
        labels: &mut LineLabels<'_>,
        work: &Work,
    ) -> Result<Option<f64>, EvalError> {
        let line = self.stages.run(time_ns, line, labels, &self.hints, work)?;
        let value = line.and_then(|line| self.of(&line, labels, work));
        work.outcome()?;
        Ok(value)
    }

    fn of(&self, line: &str, labels: &mut LineLabels<'_>, work: &Work) -> Option<f64> {
        match &self.value {
            Value::One => Some(1.0),
            Value::Bytes => Some(float(line.len())),
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
                    .filter(|filter| !filter.passes(labels, work))
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
    let last_reader = stages.iter().rposition(reads_line);
    let is_idle = |(at, stage): &(usize, &Stage)| {
        last_reader.is_none_or(|last| *at > last) && matches!(stage, Stage::LineFormat(_))
    };
    let kept = stages.iter().enumerate().filter(|one| !is_idle(one));
    kept.map(|(_, stage)| stage.clone()).collect()
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
