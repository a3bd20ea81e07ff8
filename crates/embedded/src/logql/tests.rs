//! Queries over a few lines, with the answers that Loki's own documentation and tests promise.

use std::time::Duration;

use super::*;
use crate::{Backend, LogEntry, LogStream};

mod bounds;

const SECOND: i64 = 1_000_000_000;

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A store with these lines, a second apart from second 1 on, in the stream `{app="x"}`, each with
/// the structured metadata `trace="7"`.
fn store(lines: &[&str]) -> TenantLogs {
    let backend = Backend::new(Limits::default());
    let entries = (1..).zip(lines).map(|(second, line)| LogEntry {
        timestamp_ns: second * SECOND,
        line: (*line).to_owned(),
        structured_metadata: owned(&[("trace", "7")]),
    });
    let stream = LogStream {
        labels: owned(&[("app", "x")]),
        entries: entries.collect(),
    };
    backend.push_logs("t", vec![stream]).unwrap();
    backend.store.logs("t")
}

fn ask(store: &TenantLogs, query: &str, instant: bool) -> Result<Answer, EvalError> {
    let tree = query::logql::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let (start_ns, end_ns) = if instant {
        (60 * SECOND, 60 * SECOND)
    } else {
        (0, 60 * SECOND)
    };
    let request = Request {
        query: &tree,
        start_ns,
        end_ns,
        step_ns: 10 * SECOND,
        interval_ns: 0,
        limit: 1_000,
        direction: Direction::Forward,
        instant,
        categorize: false,
        now_ns: 0,
        stop: &Stop::after(Duration::from_secs(30)),
    };
    evaluate(store, &request, &Limits::default())
}

/// The lines of an answer, with their labels but for the stream's and the metadata's.
fn lines(line: &str, pipeline: &str) -> String {
    let answer = ask(&store(&[line]), &format!("{{app=\"x\"}} {pipeline}"), false).unwrap();
    let Answer::Streams(streams) = answer else {
        panic!("no lines: {answer:?}");
    };
    let shown = streams.iter().map(|stream| {
        let labels = stream.labels.iter();
        let labels = labels
            .filter(|(name, value)| !matches!((*name, *value), ("app", "x") | ("trace", "7")));
        let labels: Vec<String> = labels
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let lines = stream
            .entries
            .iter()
            .map(|shown| if shown.line == line { "." } else { &shown.line });
        format!(
            "{} {}",
            lines.collect::<Vec<_>>().join("/"),
            labels.join("|")
        )
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[test]
#[allow(clippy::too_many_lines)] // cases
fn pipelines_do_with_a_line_what_loki_does() {
    let nested = r#"{"app":"foo","a b":"v","null":null,"no":false,"pod":{"uuid":"u","d":{"params":[1,2,"s"]}}}"#;
    let cases = [
        (
            nested,
            "| json",
            ". a_b=v|app_extracted=foo|no=false|pod_uuid=u",
        ),
        (
            nested,
            r#"| json t="[\"a b\"]", p="pod.d.params[2]", q="pod[\"d\"].params[0]""#,
            ". p=s|q=1|t=v",
        ),
        (
            nested,
            r#"| json d="pod.d", a="pod.d.params", z="pod.nope", n="null""#,
            ". a=[1,2,\"s\"]|d={\"params\":[1,2,\"s\"]}|n=|z=",
        ),
        (nested, r#"| json app="pod.uuid""#, ". app_extracted=u"),
        (r#"{"a":{"b":"cut off""#, r#"| json x="a.b""#, ". x=cut off"),
        (r#"{"a":"x\"y","a":"second"}"#, "| json", ". a=x\"y"),
        (
            r#"{"1a":"x","_":{"2":"y"},"trace":"z"}"#,
            "| json",
            ". _1a=x|__2=y|trace_extracted=z",
        ),
        ("no json", r#"| json x="a""#, ". __error__=JSONParserErr"),
        ("no json", r#"| json | a="b""#, ""),
        ("no json", r#"| json | __error__="""#, ""),
        (
            "no json",
            "| json | drop __error__, __error_details__",
            ". ",
        ),
        (r#"{"a":"12"}"#, "| json | a > 11", ". a=12"),
        (
            r#"{"a":"twelve"}"#,
            "| json | a > 11",
            ". __error__=LabelFilterErr|__error_details__=strconv.ParseFloat: parsing \"twelve\": invalid syntax|a=twelve",
        ),
        (r#"{"a":"12"}"#, "| json | b > 11", ""),
        (r#"{"a":"12"}"#, r#"| json | b != "x""#, ". a=12"),
        (
            r#"{"a":"12","b":"3"}"#,
            r#"| json | a="1" or b="3""#,
            ". a=12|b=3",
        ),
        (
            "foo=\"foo bar\" =notkey bar=10ms",
            "| logfmt",
            ". bar=10ms|foo=foo bar",
        ),
        (
            "foo=\"foo bar\" =notkey bar=10ms",
            "| logfmt --strict",
            ". __error__=LogfmtParserErr|__error_details__=logfmt syntax error at pos 15 : unexpected '='|foo=foo bar",
        ),
        ("foobar====wqe=sdad1r", "| logfmt", ". "),
        (
            "buzz a.b=1 test-dash=2 a.b=3",
            "| logfmt",
            ". a_b=1|test_dash=2",
        ),
        ("buzz a=", "| logfmt --keep-empty", ". a=|buzz="),
        ("took=1s n=4", r#"| logfmt d="took", n, z"#, ". d=1s|n=4|z="),
        (
            "10.0.0.1 GET",
            r"| regexp `(?P<ip>\S+) (?P<verb>\w+)(?P<rest> .*)?`",
            ". ip=10.0.0.1|rest=|verb=GET",
        ),
        (
            "10.0.0.1 GET",
            "| pattern `<ip> <verb>` | verb=\"GET\"",
            ". ip=10.0.0.1|verb=GET",
        ),
        ("a b c", "| pattern `<x> <_> <y>`", ". x=a|y=c"),
        (
            r#"{"_entry":"inner","pod":"p","n":1}"#,
            "| unpack",
            "inner pod=p",
        ),
        (r#"{"pod":"p"}"#, "| unpack", ". "),
        (
            "plain",
            "| unpack",
            ". __error__=JSONParserErr|__error_details__=expecting json object(6), but it is not",
        ),
        ("\u{1b}[31mred\u{1b}[0m", "| decolorize", "red "),
        ("from 10.0.0.7 to", r#"|= ip("10.0.0.0/24")"#, ". "),
        ("from 10.0.0.7 to", r#"!= ip("10.0.0.0/24")"#, ""),
        (
            "level=a x=1",
            r#"| logfmt | label_format l=level, both="{{.level}}{{.x}}""#,
            ". both=1|l=a|x=1",
        ),
        (
            "level=a x=1",
            r#"| logfmt | keep level, x="2""#,
            ". level=a",
        ),
        ("level=a x=1", r#"| logfmt | drop level, x=~"2|3""#, ". x=1"),
        (
            "level=a",
            r#"| logfmt | line_format "{{ .level | div 1 }}""#,
            ". __error__=TemplateFormatErr|__error_details__=template: line:1:12: executing \"line\" at <div 1>: error calling div: runtime error: integer divide by zero|level=a",
        ),
        ("one two", r#"|= "one" or "x" != "three""#, ". "),
        ("one two", "|> \"<_> two\"", ". "),
        ("one two", "!> \"<_> two\"", ""),
        ("one two", "|~ `(?i)ONE|\\d`", ". "),
        ("size=2MiB", "| logfmt | size > 2MB", ". size=2MiB"),
        (
            "size=big",
            "| logfmt | size > 2MB",
            ". __error__=LabelFilterErr|__error_details__=strconv.ParseFloat: parsing \"\": invalid syntax|size=big",
        ),
    ];
    for (line, pipeline, wanted) in cases {
        assert_eq!(lines(line, pipeline), wanted, "{line} {pipeline}");
    }
}

/// The values of an instant answer with their labels.
fn values(lines: &[&str], query: &str) -> Result<String, String> {
    match ask(&store(lines), query, true).map_err(|error| error.to_string())? {
        Answer::Vector(samples) => {
            let shown = samples
                .iter()
                .map(|sample| format!("{} {}", sample.labels, sample.point.value));
            Ok(shown.collect::<Vec<_>>().join("; "))
        }
        Answer::Scalar(point) => Ok(point.value.to_string()),
        other @ (Answer::Streams(_) | Answer::Matrix(_)) => Err(format!("{other:?}")),
    }
}

#[test]
fn samples_are_calculated_as_loki_calculates_them() {
    let data = [
        "s=a n=1 took=1s",
        "s=b n=2 took=2s",
        "s=a n=6 took=1m",
        "s=c n=x",
        "s=b",
    ];
    let cases = [
        ("sum(count_over_time({app=\"x\"}[1m]))", "{} 5"),
        (
            "count_over_time({app=\"x\"}[58s])",
            r#"{app="x", trace="7"} 3"#,
        ),
        (
            "sum by (s) (count_over_time({app=\"x\"} | logfmt [1m]))",
            r#"{s="a"} 2; {s="b"} 2; {s="c"} 1"#,
        ),
        (
            "sum without (app, trace, n, took) (count_over_time({app=\"x\"} | logfmt [1m]))",
            r#"{s="a"} 2; {s="b"} 2; {s="c"} 1"#,
        ),
        (
            "sum by (s) (sum_over_time({app=\"x\"} | logfmt | unwrap n | __error__=\"\" [1m]))",
            r#"{s="a"} 7; {s="b"} 2"#,
        ),
        (
            "max_over_time({app=\"x\"} | logfmt | unwrap duration(took) [1m]) by (s)",
            r#"{s="a"} 60; {s="b"} 2"#,
        ),
        (
            "sum by (__error__) (count_over_time({app=\"x\"} | json [1m]))",
            r#"{__error__="JSONParserErr"} 5"#,
        ),
        (
            "topk(1, sum by (s) (count_over_time({app=\"x\"} | logfmt | s!=\"b\" [1m])))",
            r#"{s="a"} 2"#,
        ),
        (
            "sort_desc(sum by (s) (sum_over_time({app=\"x\"} | logfmt | n!=\"x\" | unwrap n [1m])))",
            r#"{s="a"} 7; {s="b"} 2"#,
        ),
        ("sum(count_over_time({app=\"y\"}[1m])) or vector(0)", "{} 0"),
        (
            "absent_over_time({app=\"y\", a=~\"b\"}[1m])",
            r#"{app="y"} 1"#,
        ),
        ("absent_over_time({app=\"x\"}[1m])", ""),
        ("sum(count_over_time({app=\"x\"}[1m] offset 57s))", "{} 3"),
        ("sum(count_over_time({app=\"x\"}[1m])) > 9", ""),
        ("sum(count_over_time({app=\"x\"}[1m])) > bool 9", "{} 0"),
        ("9 < bool sum(count_over_time({app=\"x\"}[1m]))", "{} 0"),
        ("2 ^ 3 ^ 2 / 0", "NaN"),
        ("vector(4) / vector(2)", "{} 2"),
        (
            "sum(count_over_time({app=\"x\"} | line_format `{{ div 1 0 }}` [1m]))",
            "{} 5",
        ),
        (
            "bytes_over_time({app=\"x\"} |= \"s=c\" [1m])",
            r#"{app="x", trace="7"} 7"#,
        ),
    ];
    for (query, wanted) in cases {
        assert_eq!(values(&data, query).as_deref(), Ok(wanted), "{query}");
    }
}

#[test]
fn a_metric_query_does_not_pass_over_faulty_lines() {
    let unwrap = values(
        &["s=c n=x"],
        "sum_over_time({app=\"x\"} | logfmt | unwrap n [1m])",
    );
    assert!(
        unwrap
            .unwrap_err()
            .starts_with("pipeline error: 'SampleExtractionErr' for series: '{")
    );
    let json = values(&["no json"], "count_over_time({app=\"x\"} | json [1m])");
    assert!(
        json.unwrap_err()
            .starts_with("pipeline error: 'JSONParserErr' for series: '{")
    );
}

#[test]
fn many_to_many_matching_is_an_error() {
    let twice = "sum by (s, n) (count_over_time({app=\"x\"} | logfmt [1m]))";
    let query = format!("{twice} * on(s) {twice}");
    let error = values(&["s=a n=1", "s=a n=2"], &query).unwrap_err();
    assert!(
        error.starts_with("found duplicate series on the right hand-side"),
        "{error}"
    );
}

#[test]
fn windows_slide_without_their_first_moment_and_with_their_last() {
    let store = store(&["a"; 30]);
    let answer = ask(&store, "count_over_time({app=\"x\"}[5s])", false).unwrap();
    let Answer::Matrix(series) = answer else {
        panic!("no series: {answer:?}");
    };
    let points = series
        .first()
        .map(|series| series.points.clone())
        .unwrap_or_default();
    let shown: Vec<_> = points
        .iter()
        .map(|point| (point.timestamp_ms / 1_000, point.value))
        .collect();
    assert_eq!(shown, [(10, 5.0), (20, 5.0), (30, 5.0)]);
}

#[test]
fn an_object_within_a_thousand_others_is_an_error_and_no_crash() {
    let line = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let shown = lines(&line, "| json");
    assert!(
        shown.contains("__error_details__=Objects are nested too deep"),
        "{shown:.200}"
    );
}
