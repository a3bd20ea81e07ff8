//! What processor time queries take over 1,000,000 lines in memory, an hour of 100 streams of one
//! service. Lines are asked for as Explore asks, the newest thousand; numbers at 60 steps, as a panel
//! of a dashboard does.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement

use std::time::{Duration, Instant};

use embedded::logql::{self, Answer, Direction, Request};
use embedded::store::Store;
use embedded::{Limits, LogEntry, LogStream, Stop};

mod usage;

const LINES: i64 = 1_000_000;
const STREAMS: i64 = 100;
const START_NS: i64 = 1_793_491_200_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;
const HOUR_NS: i64 = 3_600 * SECOND_NS;

/// Those whose lines are wanted let few or none through, so that all lines are read.
const QUERIES: &[&str] = &[
    r#"{app="shop"} |= "order 999999 ""#,
    r#"{app="shop"} |~ "order 99999[0-9] " != "debug""#,
    r#"{app="shop", format="json"} | json | took > 997"#,
    r#"{app="shop", format="logfmt"} | logfmt | status >= 500 | took > 990"#,
    r#"{app="shop", format="logfmt"} | pattern "level=<level> msg=\"<msg>\" <_>" | level="fatal""#,
    r#"{app="shop"} | regexp "status.{1,3}(?P<code>5\\d\\d)" | code="599""#,
    r#"sum by (pod) (count_over_time({app="shop"}[5m]))"#,
    r#"sum by (level) (rate({app="shop", format="json"} | json [5m]))"#,
    r#"quantile_over_time(0.99, {app="shop", format="logfmt"} | logfmt | unwrap took [5m]) by (pod)"#,
    r#"topk(5, sum by (path) (rate({app="shop", format="logfmt"} | logfmt | status = "503" [5m])))"#,
];

fn main() {
    let limits = Limits::default();
    let store = Store::new(&limits);
    let begin = Instant::now();
    for stream in 0..STREAMS {
        store.push_logs("t", vec![lines(stream)]).unwrap();
    }
    println!(
        "{LINES} lines in {STREAMS} streams: {:.1?}, {} MB memory",
        begin.elapsed(),
        usage::resident()
    );
    println!("processor    clock");
    for query in QUERIES {
        let tree = query::logql::parse(query).unwrap();
        let mut took = Vec::new();
        let mut came = String::new();
        usage::forget_peak();
        let before = usage::resident();
        for _ in 0..3 {
            let watch = usage::Watch::start();
            let stop = Stop::after(Duration::from_mins(5));
            let request = Request {
                query: &tree,
                start_ns: START_NS,
                end_ns: START_NS + HOUR_NS,
                step_ns: 60 * SECOND_NS,
                interval_ns: 0,
                limit: 1_000,
                direction: Direction::Backward,
                instant: false,
                categorize: false,
                now_ns: START_NS + HOUR_NS,
                stop: &stop,
            };
            came = match logql::evaluate(&store.logs("t"), &request, &limits) {
                Ok(Answer::Streams(streams)) => {
                    let lines = streams.iter().map(|stream| stream.entries.len());
                    format!("{} lines", lines.sum::<usize>())
                }
                Ok(Answer::Matrix(series)) => format!("{} series", series.len()),
                Ok(other @ (Answer::Vector(_) | Answer::Scalar(_))) => format!("{other:?}"),
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

/// The lines of a stream, of which every other one writes JSON and the rest logfmt.
fn lines(stream: i64) -> LogStream {
    let is_json = stream % 2 == 0;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let one = |at: i64| {
        let order = at * STREAMS + stream;
        let level =
            ["debug", "info", "info", "warn", "error"][usize::try_from(order % 7 % 5).unwrap()];
        let status = [200, 200, 201, 404, 503][usize::try_from(order % 11 % 5).unwrap()];
        let took = order * 7_919 % 1_000;
        let path = order % 50;
        let line = if is_json {
            format!(
                r#"{{"level":"{level}","msg":"order {order} was handled","http":{{"path":"/api/{path}","status":{status}}},"took":{took},"user":"u{}"}}"#,
                order % 5_000
            )
        } else {
            format!(
                r#"level={level} msg="order {order} was handled" path=/api/{path} status={status} took={took} user=u{}"#,
                order % 5_000
            )
        };
        LogEntry {
            timestamp_ns: START_NS + order * (HOUR_NS / LINES),
            line,
            structured_metadata: Vec::new(),
        }
    };
    LogStream {
        labels: vec![
            pair("app", "shop"),
            pair("format", if is_json { "json" } else { "logfmt" }),
            pair("pod", &format!("shop-{stream}")),
        ],
        entries: (0..LINES / STREAMS).map(one).collect(),
    }
}
