//! What a query may hold, and how often it looks whether it has to end: every loop does once in
//! some thousands of samples, series or labels.

use super::super::budget::Budget;
use super::super::series::{Collector, Operand};
use super::*;

const SERIES: u32 = 64;
const STEPS: i64 = 3_600;

/// Buckets of a histogram, a sample a minute for an hour.
fn buckets() -> Store {
    let store = Store::new(&Limits::default());
    let one = |at: u32| SampleSeries {
        labels: vec![
            ("__name__".to_owned(), "m".to_owned()),
            ("le".to_owned(), at.to_string()),
        ],
        samples: (0..60)
            .map(|minute| Sample {
                timestamp_ms: minute * MINUTE,
                value: f64::from(at),
            })
            .collect(),
    };
    store
        .push_samples("t", (0..SERIES).map(one).collect())
        .unwrap();
    store
}

/// Evaluates a range query of so many steps a second apart.
fn of_steps(query: &str, steps: i64, stop: &Stop, limits: &Limits) -> Result<Answer, EvalError> {
    let request = Request {
        query: &query::promql::parse(query).unwrap(),
        text: query,
        start_ms: 0,
        end_ms: (steps - 1) * 1_000,
        step_ms: 1_000,
        instant: false,
        delayed_name_removal: false,
        stop,
    };
    evaluate(&buckets().metrics("t"), &request, limits).map(|evaluation| evaluation.answer)
}

fn asked(query: &str, steps: i64) -> u64 {
    let stop = Stop::after(Duration::from_hours(1));
    of_steps(query, steps, &stop, &Limits::default()).unwrap();
    stop.asked()
}

#[test]
fn long_loops_look_whether_their_query_has_to_end() {
    let once = asked("m", STEPS);
    // 230,400 samples go through each.
    for query in [
        "quantile(0.5, m)",
        "topk(3, m)",
        "limitk(3, m)",
        "limit_ratio(0.5, m)",
        "stddev(m)",
        "scalar(m)",
        "histogram_quantile(0.5, m)",
        "histogram_quantiles(m, \"q\", 0.1)",
        "abs(m)",
        "-m",
        "m > 1",
        "clamp_max(m, 3)",
        "absent(m)",
        "timestamp(abs(m))",
        "mad_over_time(m[5m])",
    ] {
        let more = asked(query, STEPS);
        assert!(more >= once + 20, "{query}: {more} {once}");
    }
}

#[test]
fn very_many_series_of_a_sample_each_are_not_looked_at_at_every_step() {
    // As many series as steps: their product is 9,000,000, and 1,000 looks.
    let series = r#"count_values("v", vector(time()))"#;
    for query in [
        format!("quantile(0.5, {series})"),
        format!("topk(1, {series})"),
        format!("topk by (v) (1, {series})"),
        format!("limitk(1, {series})"),
        format!("vector(scalar({series}))"),
        format!("sum by (v) ({series})"),
        format!(r#"count_values("w", {series})"#),
        format!("{series} and {series}"),
        format!("{series} or on () vector(1)"),
        format!("{series} + {series}"),
        format!("{series} * on () group_left () vector(2)"),
        format!(r#"label_replace({series}, "v", "x", "", "")"#),
        format!(r#"histogram_quantile(0.5, label_replace({series}, "le", "$1", "v", "(.*)"))"#),
    ] {
        let asked = asked(&query, 3_000);
        assert!(asked < 200, "{query}: {asked}");
    }
}

fn too_many() -> Result<Answer, EvalError> {
    Err(EvalError::Limit(
        "query processing would load too many samples into memory in query execution".to_owned(),
    ))
}

#[test]
fn series_count_beside_their_samples_and_labels_by_their_length() {
    let limits = Limits {
        max_samples: 150_000,
        ..Limits::default()
    };
    let stop = Stop::after(Duration::from_hours(1));
    let run = |query: &str| of_steps(query, 200, &stop, &limits);
    let series = r#"count_values("v", vector(time()))"#;
    assert!(run(&format!("count_over_time({series}[10s:1s])")).is_ok());
    // Thousands of series of a sample each.
    let many = format!("count(count_over_time({series}[10s:10ms]))");
    assert_eq!(run(&many), too_many());
    // As large as 500 samples each, 200 of them.
    let text = "x".repeat(8_000);
    let long = format!(r#"label_replace({series}, "a", "{text}", "", "")"#);
    assert!(run(&format!("count({long})")).is_ok());
    let longer = format!(r#"label_join({long}, "b", "", "a")"#);
    assert_eq!(run(&format!("count({longer})")), too_many());
    // What is dropped is taken back.
    let short = format!(r#"label_replace({long}, "a", "", "", "")"#);
    let again = format!("{short} + {short} + {short} + {short}");
    assert!(run(&again).is_ok());
}

#[test]
fn what_becomes_more_than_it_was_is_counted_while_it_is_made() {
    let limits = Limits {
        max_samples: 10_000,
        ..Limits::default()
    };
    let budget = Budget::new(&limits);
    let mut collector = Collector::new(&budget);
    let slot = collector.slot(Labels::default(), false).unwrap();
    let refused = (0..1_000_000).find(|at| collector.push(slot, *at, Operand::Float(1.0)).is_err());
    assert!((9_000..=11_000).contains(&refused.unwrap()), "{refused:?}");
    let budget = Budget::new(&limits);
    let mut collector = Collector::new(&budget);
    let labels = |at: usize| Labels::new(vec![("at".to_owned(), at.to_string())]);
    let refused = (0..1_000_000).find(|at| collector.slot(labels(*at), false).is_err());
    assert!((200..=400).contains(&refused.unwrap()), "{refused:?}");
}

#[test]
fn regular_expressions_count_over_the_whole_query() {
    let limits = Limits::default();
    let stop = Stop::after(Duration::from_hours(1));
    let replaced = |count: usize, inner: &str| {
        let mut query = inner.to_owned();
        for at in 0..count {
            query = format!(r#"label_replace({query}, "a", "b", "c", "x{at}.*")"#);
        }
        of_steps(&query, 1, &stop, &limits)
    };
    assert!(replaced(63, r#"m{le=~"1.*"} + on (le) m{le=~"1.*"}"#).is_ok());
    let refused = Err(EvalError::Limit(
        "a request may have at most 64 regular expressions".to_owned(),
    ));
    assert_eq!(replaced(64, r#"m{le=~"1.*"}"#), refused);
    assert_eq!(replaced(65, "m"), refused);
    // Nothing is compiled for what comes to nothing.
    let failing = r#"label_replace(start_timestamp(m), "a", "b", "c", "(")"#;
    let error = of_steps(failing, 1, &stop, &limits).unwrap_err();
    assert!(matches!(error, EvalError::Unsupported(_)), "{error:?}");
}
