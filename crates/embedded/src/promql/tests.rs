//! Cases for what the recorded answers of Prometheus 2.42 (`tests/oracle`) cannot show: the edges
//! of windows as Prometheus 3 has them, staleness, and refusals.

use std::fmt::Write as _;
use std::time::Duration;

use query::promql::ast::Expr;

use super::{Answer, InstantValue, Request, evaluate};
use crate::answer::Point;
use crate::limits::{EvalError, Limits, Stop};
use crate::store::{STALE_NAN, Store};
use crate::{Labels, Sample, SampleSeries};

const MINUTE: i64 = 60_000;

/// Series with a value a minute, from 0 on; `_` is none, `stale` the mark of an end.
const DATA: &[&str] = &[
    r"up 0 1 2 3 4 5 6 7 8 9 10",
    r"once 7",
    r"gone 1 2 stale _ _ 6",
    r#"load{host="a"} 1 2 3"#,
    r#"load{host="b"} 10 20 30"#,
    r#"cap{host="a",unit="x"} 4 4 4"#,
    r#"cap{host="b",unit="x"} 40 40 40"#,
    r#"cap{host="b",unit="y"} 41 41 41"#,
    r#"odd{of="a"} NaN NaN NaN"#,
    r#"odd{of="b"} 1 1 1"#,
];

fn store() -> Store {
    let store = Store::new(&Limits::default());
    for line in DATA {
        let (selector, values) = line.split_once(' ').unwrap();
        let Expr::Vector(selector) = query::promql::parse(selector).unwrap() else {
            panic!("{line}");
        };
        let labels = super::selector::matchers(&selector)
            .into_iter()
            .map(|matcher| {
                (
                    matcher.name.into(),
                    matcher.value.to_string_lossy().into_owned(),
                )
            });
        let samples = (0..)
            .zip(values.split(' '))
            .filter(|(_, value)| *value != "_");
        let series = SampleSeries {
            labels: labels.collect(),
            samples: samples
                .map(|(at, value)| Sample {
                    timestamp_ms: at * MINUTE,
                    value: match value {
                        "stale" => f64::from_bits(STALE_NAN),
                        value => value.parse().unwrap(),
                    },
                })
                .collect(),
        };
        store.push_samples("t", vec![series]).unwrap();
    }
    store
}

/// Evaluates from `start` to `end` minutes, a step a minute; an instant query where they are equal.
fn run(query: &str, start: f64, end: f64) -> Result<Answer, EvalError> {
    #[allow(clippy::cast_possible_truncation)]
    let millis = |minutes: f64| (minutes * 60_000.0) as i64;
    let request = Request {
        query: &query::promql::parse(query).unwrap(),
        text: query,
        start_ms: millis(start),
        end_ms: millis(end),
        step_ms: MINUTE,
        instant: millis(start) == millis(end),
        delayed_name_removal: false,
        stop: &Stop::after(Duration::from_secs(10)),
    };
    let evaluation = evaluate(&store().metrics("t"), &request, &Limits::default())?;
    Ok(evaluation.answer)
}

/// `labels value value…`, series after series.
fn written(answer: Answer) -> String {
    let mut out = String::new();
    let mut series = |labels: &Labels, points: &[Point]| {
        if !out.is_empty() {
            out.push_str(", ");
        }
        let name = labels.get("__name__");
        let labels = labels.filter(|name| name != "__name__");
        out.push_str(name);
        write!(out, "{labels}").unwrap();
        for point in points {
            write!(out, " {}", point.value).unwrap();
        }
    };
    match answer {
        Answer::Matrix(matrix) => matrix
            .iter()
            .for_each(|one| series(&one.labels, &one.points)),
        Answer::Vector(vector) => vector.iter().for_each(|one| match &one.value {
            InstantValue::Float(point) => series(&one.labels, &[*point]),
            InstantValue::Histogram(_) => panic!("{one:?}"),
        }),
        Answer::Scalar(point) => out = point.value.to_string(),
        Answer::String(_, text) => out = text,
    }
    out
}

#[test]
fn expressions_have_the_values_that_prometheus_gives_them() {
    for (query, start, end, wanted) in [
        // The lookback leaves out what is exactly five minutes old.
        ("once", 4.0, 6.0, "once{} 7"),
        ("once", 5.0, 5.0, ""),
        ("once offset -1m", -1.0, -1.0, "once{} 7"),
        // So does a window its left edge.
        ("count_over_time(up[3m])", 5.0, 5.0, "{} 3"),
        ("count_over_time(up[3m])", 5.5, 5.5, "{} 3"),
        ("sum_over_time(up[1m])", 5.0, 7.0, "{} 5 6 7"),
        ("rate(up[1m])", 5.0, 5.0, ""),
        ("increase(up[2m])", 5.0, 5.0, "{} 2"),
        ("up[2m]", 5.0, 5.0, "up{} 4 5"),
        // All that a smoothed window knows may lie behind it.
        ("up[2m] smoothed", -1.0, -1.0, "up{} 0 0"),
        // A series ends at its mark, which no window counts.
        ("gone", 0.0, 6.0, "gone{} 1 2 6 6"),
        ("count_over_time(gone[10m])", 6.0, 6.0, "{} 3"),
        ("absent(gone)", 1.0, 4.0, "{} 1 1 1"),
        // `@` fixes the time for all steps.
        ("up @ 120", 4.0, 6.0, "up{} 2 2 2"),
        ("up @ start()", 4.0, 6.0, "up{} 4 4 4"),
        ("up @ end() offset 1m", 4.0, 6.0, "up{} 5 5 5"),
        ("sum_over_time(up[2m] @ 180)", 5.0, 6.0, "{} 5 5"),
        ("time() - up @ 120", 4.0, 5.0, "{} 238 298"),
        // The steps of a subquery are multiples of its step.
        ("count_over_time(up[3m:2m])", 5.0, 5.0, "{} 1"),
        ("sum_over_time(up[4m:2m])", 6.0, 6.0, "{} 10"),
        (
            "max_over_time(sum_over_time(up[2m])[3m:])",
            5.0,
            6.0,
            "{} 9 11",
        ),
        ("sum_over_time(up[2m:1m] @ 240)", 7.0, 8.0, "{} 7 7"),
        // Names go where the value means something else.
        ("last_over_time(up[2m])", 5.0, 5.0, "up{} 5"),
        ("max_over_time(up[2m])", 5.0, 5.0, "{} 5"),
        ("up > 4", 4.0, 6.0, "up{} 5 6"),
        ("4 < up", 4.0, 6.0, "up{} 5 6"),
        ("up > bool 4", 4.0, 6.0, "{} 0 1 1"),
        ("+up", 4.0, 4.0, "up{} 4"),
        ("-up", 4.0, 4.0, "{} -4"),
        // Matching.
        (
            r#"load / on (host) cap{unit="x"}"#,
            1.0,
            1.0,
            r#"{host="a"} 0.5, {host="b"} 0.5"#,
        ),
        (
            "cap / on (host) group_left load",
            1.0,
            1.0,
            r#"{host="a", unit="x"} 2, {host="b", unit="x"} 2, {host="b", unit="y"} 2.05"#,
        ),
        (
            r#"load * on (host) group_left (unit) cap{unit="x"}"#,
            1.0,
            1.0,
            r#"{host="a", unit="x"} 8, {host="b", unit="x"} 800"#,
        ),
        (
            "load unless on (host) (load > 5)",
            0.0,
            2.0,
            r#"load{host="a"} 1 2 3"#,
        ),
        ("load and on () vector(1)", 9.0, 9.0, ""),
        (
            r#"load{host="a"} or on (host) cap"#,
            0.0,
            0.0,
            r#"load{host="a"} 1, cap{host="b", unit="x"} 40, cap{host="b", unit="y"} 41"#,
        ),
        // NaN is the last to be chosen.
        ("max(odd)", 0.0, 0.0, "{} 1"),
        ("topk(1, odd)", 0.0, 0.0, r#"odd{of="b"} 1"#),
        ("bottomk(1, odd)", 0.0, 0.0, r#"odd{of="b"} 1"#),
        ("sort(odd)", 0.0, 0.0, r#"odd{of="b"} 1, odd{of="a"} NaN"#),
        (
            "sort_desc(load)",
            0.0,
            0.0,
            r#"load{host="b"} 10, load{host="a"} 1"#,
        ),
        ("clamp(up, 5, 1)", 4.0, 4.0, ""),
        ("scalar(load)", 0.0, 0.0, "NaN"),
        (
            r#"absent(nothing{a="b",c=~"d",e="f",e="g"})"#,
            0.0,
            0.0,
            r#"{a="b"} 1"#,
        ),
        (r#""text""#, 0.0, 0.0, "text"),
        ("1 + 2 * 3", 0.0, 2.0, "{} 7 7 7"),
    ] {
        let answer = run(query, start, end).map(written);
        assert_eq!(answer.as_deref(), Ok(wanted), "{query}");
    }
}

#[test]
fn what_has_no_answer_is_an_error_and_says_why() {
    for (query, wanted) in [
        (
            "load + on () group_left cap",
            r#"found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="cap", host="a", unit="x"}, {__name__="cap", host="b", unit="x"}];many-to-many matching not allowed: matching labels must be unique on one side"#,
        ),
        (
            "cap + on (host) load",
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
        ),
        (
            "sum by (host) (load) * on () group_right sum(load)",
            r#"found duplicate series for the match group {} on the left hand-side of the operation: [{host="a"}, {host="b"}];many-to-many matching not allowed: matching labels must be unique on one side"#,
        ),
        (r#"rate({__name__=~"up|once"}[5m])"#, ""),
        (
            r#"{__name__=~"up|once"} * 2"#,
            "vector cannot contain metrics with the same labelset",
        ),
        (
            r#"last_over_time({__name__=~"up|once"}[5m]) * 1"#,
            "vector cannot contain metrics with the same labelset",
        ),
        (
            r#"label_replace(load, "host", "x", "", "")"#,
            "vector cannot contain metrics with the same labelset",
        ),
        ("topk(scalar(nothing), load)", "Parameter value is NaN"),
    ] {
        let answer = run(query, 1.0, 1.0).map(written);
        if wanted.is_empty() {
            assert!(answer.is_ok(), "{query} {answer:?}");
        } else {
            assert_eq!(
                answer,
                Err(EvalError::Execution(wanted.to_owned())),
                "{query}"
            );
        }
    }
}

#[test]
fn what_is_not_supported_is_refused_and_not_guessed() {
    let error = run("start_timestamp(up)", 1.0, 1.0).unwrap_err();
    assert!(matches!(error, EvalError::Unsupported(_)), "{error:?}");
}

#[test]
fn a_query_that_would_hold_too_many_samples_is_refused() {
    let limits = Limits {
        max_samples: 20,
        ..Limits::default()
    };
    let stop = Stop::after(Duration::from_secs(10));
    let expr = query::promql::parse("up").unwrap();
    let request = |end_ms| Request {
        query: &expr,
        text: "",
        start_ms: 0,
        end_ms,
        step_ms: MINUTE,
        instant: false,
        delayed_name_removal: false,
        stop: &stop,
    };
    let metrics = store().metrics("t");
    assert!(evaluate(&metrics, &request(10 * MINUTE), &limits).is_ok());
    let dense = Request {
        step_ms: 1000,
        ..request(10 * MINUTE)
    };
    assert_eq!(
        evaluate(&metrics, &dense, &limits),
        Err(EvalError::Limit(
            "query processing would load too many samples into memory in query execution"
                .to_owned()
        ))
    );
}

#[test]
fn a_query_cannot_grow_beyond_what_it_may_hold() {
    for query in [
        "sum(up)[100y:1ms]".to_owned(),
        "count_over_time(vector(1)[100y:1ms])".to_owned(),
        "count_over_time(absent(up)[100y:1ms])".to_owned(),
        // Every level makes the label twice as long.
        "label_join(".repeat(40) + "load" + &r#", "host", "", "host", "host")"#.repeat(40),
        format!("{{{}}}", r#"a=~"b","#.repeat(65)),
    ] {
        let error = run(&query, 1.0, 1.0).unwrap_err();
        assert!(matches!(error, EvalError::Limit(_)), "{query} {error:?}");
    }
}
