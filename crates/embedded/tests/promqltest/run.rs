//! Runs the commands of a file.

use std::time::Duration;

use embedded::promql::{self, Answer as Got, Evaluation, Request};
use embedded::store::Store;
use embedded::{HistogramSample, HistogramSeries, Limits, SampleSeries, Stop};

use crate::at_times;
use crate::compare;
use crate::convert;
use crate::histograms::Expected;
use crate::script::{self, Answer, At, Command, Eval, Expectation, Load};
use crate::series::Item;

const TENANT: &str = "test";

/// A file while it is run.
pub(crate) struct Run {
    commands: Vec<Command>,
    delayed_name_removal: bool,
}

/// What is asked, and whether names go at the end.
#[derive(Clone, Copy)]
struct Data<'a>(&'a Store, bool);

/// An `eval` that was run.
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) query: String,
    /// Whether native histograms are in the data or in what has to come out.
    pub(crate) is_native: bool,
    pub(crate) result: Result<(), String>,
}

fn limits() -> Limits {
    Limits {
        retention: Duration::from_hours(24 * 365 * 100),
        ..Limits::default()
    }
}

impl Run {
    pub(crate) fn new(text: &str, delayed_name_removal: bool) -> Self {
        Self {
            commands: script::parse(text),
            delayed_name_removal,
        }
    }

    /// Runs the file, and gives its cases in their order.
    pub(crate) fn cases(self) -> Vec<Case> {
        let mut store = Store::new(&limits());
        let mut has_native = false;
        let mut cases = Vec::new();
        for command in self.commands {
            match command {
                Command::Clear => {
                    store = Store::new(&limits());
                    has_native = false;
                }
                Command::Load(load) => {
                    has_native |= push(&store, &load);
                }
                Command::Eval(eval) => {
                    let data = Data(&store, self.delayed_name_removal);
                    let result = case(data, &eval);
                    let wants_native = match &eval.expected {
                        Answer::Series { series, .. } => series.iter().any(|(_, values)| {
                            values
                                .iter()
                                .any(|one| matches!(one, Expected::Histogram(..)))
                        }),
                        Answer::Scalar(_) | Answer::String(_) => false,
                    };
                    cases.push(Case {
                        line: eval.line,
                        query: eval.query,
                        is_native: has_native || wants_native,
                        result,
                    });
                }
            }
        }
        cases
    }
}

/// Loads series, and tells whether there were native histograms among them.
fn push(store: &Store, load: &Load) -> bool {
    let mut floats = Vec::new();
    let mut histograms = Vec::new();
    for (labels, items) in &load.series {
        let pairs = || {
            labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let (mut samples, mut of_histograms) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::None => {}
                Item::Float(value) => samples.push(script::sample(load.step_ms, at, *value)),
                Item::Histogram(histogram, _) => of_histograms.push(HistogramSample {
                    timestamp_ms: script::sample(load.step_ms, at, 0.0).timestamp_ms,
                    histogram: histogram.clone(),
                }),
            }
        }
        if !samples.is_empty() {
            floats.push(SampleSeries {
                labels: pairs(),
                samples,
            });
        }
        if !of_histograms.is_empty() {
            histograms.push(HistogramSeries {
                labels: pairs(),
                samples: of_histograms,
            });
        }
    }
    if load.with_nhcb {
        histograms.extend(convert::with_custom_bounds(load));
    }
    let has_native = !histograms.is_empty();
    store.push_samples(TENANT, floats).unwrap();
    store.push_histograms(TENANT, histograms).unwrap();
    has_native
}

fn evaluate(
    Data(store, delayed_name_removal): Data,
    text: &str,
    at: At,
) -> Result<Evaluation, String> {
    let tree = query::promql::parse(text).map_err(|error| error.to_string())?;
    let (start_ms, end_ms, step_ms, instant) = match at {
        At::Instant(at) => (at, at, 1, true),
        At::Range { start, end, step } => (start, end, step, false),
    };
    let stop = Stop::after(Duration::from_mins(1));
    let request = Request {
        query: &tree,
        text,
        start_ms,
        end_ms,
        step_ms,
        instant,
        delayed_name_removal,
        stop: &stop,
    };
    promql::evaluate(&store.metrics(TENANT), &request, &limits()).map_err(|error| error.to_string())
}

fn case(data: Data, eval: &Eval) -> Result<(), String> {
    if matches!(eval.at, At::Range { .. }) {
        return one(data, eval, &eval.query, eval.at).map(drop);
    }
    let At::Instant(at_ms) = eval.at else {
        return Ok(());
    };
    let mut variants = vec![(eval.query.clone(), at_ms)];
    variants.extend(at_times::cases(&eval.query, at_ms));
    for (text, at_ms) in variants {
        let about = |reason: String| format!("{reason}\n    in {text} at {at_ms}");
        let Some(got) = one(data, eval, &text, At::Instant(at_ms)).map_err(about)? else {
            continue;
        };
        as_range(data, eval, (&text, at_ms), &got)
            .map_err(|reason| about(format!("as a range: {reason}")))?;
    }
    Ok(())
}

/// Runs a query and compares all that is told of it; nothing comes of one that has to fail.
fn one(data: Data, eval: &Eval, text: &str, at: At) -> Result<Option<Got>, String> {
    let got = match (evaluate(data, text, at), &eval.fail) {
        (Ok(got), None) => got,
        (Ok(_), Some(_)) => return Err("it did not fail".to_owned()),
        (Err(error), None) => return Err(format!("error: {error}")),
        (Err(error), Some(wanted)) if wanted.holds(&error) => return Ok(None),
        (Err(error), Some(_)) => return Err(format!("it failed with another error: {error}")),
    };
    notes("warning", &eval.warn, eval.no_warn, &got.warnings)?;
    notes("info", &eval.info, eval.no_info, &got.infos)?;
    compare::compare(eval, &got.answer)?;
    Ok(Some(got.answer))
}

fn notes(kind: &str, wanted: &[Expectation], none: bool, got: &[String]) -> Result<(), String> {
    if none && !got.is_empty() {
        return Err(format!("unexpected {kind}: {got:?}"));
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let found = wanted
        .iter()
        .all(|wanted| got.iter().any(|one| wanted.holds(one)));
    let known = got
        .iter()
        .all(|one| wanted.iter().any(|wanted| wanted.holds(one)));
    if found && known {
        return Ok(());
    }
    Err(format!("another {kind} is wanted than {got:?}"))
}

/// The same as the middle step of a range query.
fn as_range(
    data: Data,
    eval: &Eval,
    (text, at_ms): (&str, i64),
    instant: &Got,
) -> Result<(), String> {
    let of_query = ["start()", "end()", "range()", "step()"];
    if eval.instant_only || of_query.iter().any(|call| text.contains(call)) {
        return Ok(());
    }
    let at = At::Range {
        start: at_ms - 60_000,
        end: at_ms + 60_000,
        step: 60_000,
    };
    let got = evaluate(data, text, at).map_err(|error| format!("error: {error}"))?;
    let Got::Matrix(series) = got.answer else {
        return Err(format!("{:?}", got.answer));
    };
    if eval.ordered {
        return Ok(());
    }
    let middle: Vec<_> = series
        .iter()
        .filter_map(|series| {
            let at_middle = |value: &promql::InstantValue| match value {
                promql::InstantValue::Float(point) => point.timestamp_ms == at_ms,
                promql::InstantValue::Histogram(sample) => sample.timestamp_ms == at_ms,
            };
            let value = compare::values(series).into_iter().find(at_middle)?;
            Some((&series.labels, value))
        })
        .collect();
    match (&eval.expected, instant) {
        (Answer::Scalar(wanted), Got::Scalar(_)) => match &middle[..] {
            [(_, promql::InstantValue::Float(got))] if compare::almost(*wanted, got.value) => {
                Ok(())
            }
            other => Err(format!("{wanted} wanted, got {other:?}")),
        },
        (Answer::Series { series, .. }, _) => {
            let got: Vec<_> = middle
                .iter()
                .map(|(labels, value)| (*labels, value))
                .collect();
            compare::vector(series, &got, false)
        }
        (Answer::Scalar(_) | Answer::String(_), _) => Ok(()),
    }
}
