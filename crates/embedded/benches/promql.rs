//! What processor time queries take over 100,000 series in memory, an hour at a sample every 15
//! seconds. Each is asked as a range query of 240 steps, which is about what a panel of a dashboard
//! asks for.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement

use std::time::{Duration, Instant};

use embedded::promql::{self, Answer, Request};
use embedded::store::Store;
use embedded::{Limits, Sample, SampleSeries, Stop};

mod usage;

const SERIES: usize = 100_000;
const STEPS: i64 = 240;
const STEP_MS: i64 = 15_000;
/// Series of one push.
const BATCH: usize = 1_000;

const QUERIES: &[&str] = &[
    r#"m{instance="10.0.7.7:9100"}"#,
    "count(m)",
    "max by (x) (m)",
    "count(m > 1000)",
    "sum by (x) (rate(m[5m]))",
    "topk(10, increase(m[5m]))",
    "sum(avg_over_time(m[5m]))",
    "quantile by (x) (0.9, m)",
    "histogram_quantile(0.9, sum by (le) (rate(m[5m])))",
    r#"sum(m{x=~"1.*"} / on (id) m{x=~"1.*"} offset 5m)"#,
    "max_over_time(sum by (x) (rate(m[1m]))[30m:1m])",
];

fn main() {
    let limits = Limits {
        retention: Duration::from_hours(24),
        ..Limits::default()
    };
    let store = Store::new(&limits);
    let begin = Instant::now();
    for batch in 0..SERIES / BATCH {
        store.push_samples("t", series(batch)).unwrap();
    }
    println!(
        "{SERIES} series of {STEPS} samples: {:.1?}, {} MB memory",
        begin.elapsed(),
        usage::resident()
    );
    println!("processor    clock");
    for query in QUERIES {
        let tree = query::promql::parse(query).unwrap();
        let mut took = Vec::new();
        let mut came = String::new();
        usage::forget_peak();
        let before = usage::resident();
        for _ in 0..3 {
            let watch = usage::Watch::start();
            let stop = Stop::after(Duration::from_mins(5));
            let request = Request {
                query: &tree,
                text: query,
                start_ms: 0,
                end_ms: (STEPS - 1) * STEP_MS,
                step_ms: STEP_MS,
                instant: false,
                delayed_name_removal: false,
                stop: &stop,
            };
            came = match promql::evaluate(&store.metrics("t"), &request, &limits) {
                Ok(found) => match found.answer {
                    Answer::Matrix(series) => format!("{} series", series.len()),
                    other @ (Answer::Vector(_) | Answer::Scalar(_) | Answer::String(..)) => {
                        format!("{other:?}")
                    }
                },
                Err(error) => error.to_string(),
            };
            took.push(watch.took());
        }
        let more = usage::peak().saturating_sub(before);
        let processor = took.iter().map(|took| took.processor).min().unwrap();
        let clock = took.iter().map(|took| took.clock).min().unwrap();
        println!("{processor:>8.1?} {clock:>8.1?} {more:>5} MB {query}: {came}");
    }
}

fn series(batch: usize) -> Vec<SampleSeries> {
    let one = |at: usize| {
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let bound = at % 20;
        let rate = f64::from(u32::try_from(at % 1_000).unwrap());
        let sample = |(step, times): (i64, u32)| Sample {
            timestamp_ms: step * STEP_MS,
            value: f64::from(times) * rate,
        };
        SampleSeries {
            labels: vec![
                pair("__name__", "m".to_owned()),
                pair(
                    "instance",
                    format!("10.0.{}.{}:9100", at / 250 % 250, at % 250),
                ),
                pair("job", "node".to_owned()),
                pair("x", bound.to_string()),
                pair(
                    "le",
                    if bound == 19 {
                        "+Inf".to_owned()
                    } else {
                        bound.to_string()
                    },
                ),
                pair("id", at.to_string()),
            ],
            samples: (0..STEPS).zip(0_u32..).map(sample).collect(),
        }
    };
    (batch * BATCH..(batch + 1) * BATCH).map(one).collect()
}
