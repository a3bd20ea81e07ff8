//! What one query may cost, and that it ends in the middle of whatever it does.

use super::*;
use crate::logql::work::Work;

/// The answer, and how often it was asked whether to end.
fn counted(store: &TenantLogs, query: &str, limits: &Limits) -> (Result<Answer, EvalError>, u64) {
    let tree = query::logql::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let stop = Stop::after(Duration::from_mins(10));
    let request = Request {
        query: &tree,
        start_ns: 0,
        end_ns: 60 * SECOND,
        step_ns: SECOND,
        interval_ns: 0,
        limit: 1_000,
        direction: Direction::Forward,
        instant: false,
        categorize: false,
        now_ns: 0,
        stop: &stop,
    };
    let answer = evaluate(store, &request, limits);
    (answer, stop.asked())
}

fn refusal(store: &TenantLogs, query: &str, limits: &Limits) -> String {
    match counted(store, query, limits).0 {
        Err(EvalError::Limit(why)) => why,
        other => panic!("{query}: {other:?}"),
    }
}

fn numbered(prefix: &str, count: usize, suffix: &str, separator: &str) -> String {
    let each = (0..count).map(|at| format!("{prefix}{at}{suffix}"));
    each.collect::<Vec<_>>().join(separator)
}

#[test]
fn nested_label_replaces_do_not_multiply_a_value_beyond_all_bounds() {
    let once = |inner: &str, template: &str| {
        format!(r#"label_replace({inner}, "a", "{template}", "a", "(.*)")"#)
    };
    let mut query = once("vector(1)", &"y".repeat(1_000));
    for _ in 0..3 {
        query = once(&query, &"${1}".repeat(1_000));
    }
    let why = refusal(&store(&["x"]), &query, &Limits::default());
    assert_eq!(why, "a label would get a value of more than 65536 bytes");
}

#[test]
fn an_argument_is_evaluated_before_the_pattern_beside_it_is_compiled() {
    let query = r#"label_replace(sum(rate({app="x"} | logfmt | unwrap n [1m])), "a", "b", "c", "(\\pL{900}){900}")"#;
    let failed = counted(&store(&["n=x"]), query, &Limits::default()).0;
    let error = failed.unwrap_err().to_string();
    assert!(error.starts_with("pipeline error"), "{error}");
}

#[test]
fn all_that_takes_time_asks_whether_to_end() {
    let long = "x".repeat(100_000);
    let long: Vec<&str> = vec![&long; 20];
    let keys = format!("{{{}}}", numbered("\"k", 20_000, "\":null", ","));
    let flags = numbered("k", 20_000, "=", " ");
    let short: Vec<String> = (0..59).map(|at| format!("n={at}")).collect();
    let short: Vec<&str> = short.iter().map(String::as_str).collect();
    let each = r#"count_over_time({app="x"} | logfmt [1m])"#;
    let cases: &[(&[&str], &str, u64)] = &[
        // Many or long lines.
        (&long, r#"{app="x"} |= "y""#, 20),
        (&long, r#"sum(count_over_time({app="x"} |= "y" [1m]))"#, 20),
        // One line.
        (
            &["x"],
            r#"{app="x"} | line_format "{{ range 20000 }}x{{ end }}""#,
            300,
        ),
        (
            &["x"],
            r#"{app="x"} | line_format `{{ $x := repeat 100000 "a" }}{{ range 50 }}{{ $y := replace "a" "b" $x }}{{ end }}`"#,
            50,
        ),
        (
            &["x"],
            r#"{app="x"} | line_format `{{ count "a" (repeat 20000 "a") }}`"#,
            20,
        ),
        (
            &["x"],
            r#"{app="x"} | line_format `{{ regexReplaceAll "a" (repeat 20000 "a") "b" }}`"#,
            20,
        ),
        (&[&keys], r#"{app="x"} | json"#, 20),
        (&[&keys], r#"{app="x"} | unpack"#, 20),
        (&[&keys], r#"{app="x"} | json a="k1", b="none""#, 5),
        (&[&flags], r#"{app="x"} | logfmt"#, 15),
        (&[&flags], r#"{app="x"} | logfmt a="k1""#, 15),
        // Series and steps.
        (&short, each, 5),
        (&short, &format!("sum by (n) ({each})"), 8),
        (&short, &format!("topk(5, {each})"), 10),
        (&short, &format!("{each} or {each}"), 16),
        (&short, &format!("{each} and {each}"), 16),
        (&short, &format!("{each} * on (n) {each}"), 13),
        (
            &short,
            &format!(r#"label_replace({each}, "a", "b", "n", "(.*)")"#),
            60,
        ),
    ];
    for (lines, query, least) in cases {
        let (answer, asked) = counted(&store(lines), query, &Limits::default());
        let shown: String = query.chars().take(100).collect();
        assert!(answer.is_ok(), "{shown}: {answer:?}");
        assert!(asked >= *least, "{shown}: asked {asked} times");
    }
}

#[test]
fn a_template_that_has_to_end_fails_the_query_and_not_the_line() {
    for source in [
        "{{ range 100 }}x{{ end }}",
        r#"{{ repeat 100000 "a" }}"#,
        r#"{{ regexReplaceAll (print "a" "b") "x" "y" }}"#,
    ] {
        let stop = Stop::after(Duration::from_mins(10));
        let work = Work::new(&stop);
        let template = format!("{{}} | line_format `{source}`");
        let query::logql::Expr::Log(expr) = query::logql::parse(&template).unwrap() else {
            panic!("{template} is no log query");
        };
        let pipeline = lines::Pipeline::new(&expr, 0, &work).unwrap();
        let entry = LogEntry {
            timestamp_ns: 0,
            line: "x".to_owned(),
            structured_metadata: Vec::new(),
        };
        let labels = crate::Labels::default();
        assert!(pipeline.line(&labels, &entry, false, &work).is_ok());
        let work = Work::new(&stop);
        drop(stop.cancel_on_drop());
        let ended = pipeline.line(&labels, &entry, false, &work);
        assert_eq!(ended, Err(EvalError::Canceled), "{source}");
    }
}

#[test]
fn samples_add_up_over_all_parts_of_a_query() {
    let lines: Vec<String> = (0..59).map(|at| format!("n={at}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let store = store(&lines);
    // Each reads 59 lines and makes a series of 61 steps.
    let sum = r#"sum(count_over_time({app="x"}[1m]))"#;
    let limits = Limits {
        max_samples: 500,
        ..Limits::default()
    };
    assert!(counted(&store, sum, &limits).0.is_ok());
    let chain = |operator: &str| [sum; 5].join(operator);
    for operator in [" + ", " or "] {
        let why = refusal(&store, &chain(operator), &limits);
        assert!(
            why.starts_with("the query would load more than 500 samples"),
            "{why}"
        );
    }
    // What operations make of few lines counts too.
    let few = ["vector(1)"; 20].join(" or ");
    let why = refusal(&store, &few, &limits);
    assert!(
        why.starts_with("the query would load more than 500 samples"),
        "{why}"
    );
}

#[test]
fn a_query_has_64_regular_expressions_of_which_equal_ones_are_one() {
    let store = store(&["x"]);
    let limits = Limits::default();
    let few = numbered("|~ `a.*", 64, "b+`", " ");
    let many = [
        numbered("|~ `a.*", 65, "b+`", " "),
        numbered("| a=~`a.*", 65, "b+`", " "),
        numbered("| regexp `(?P<n>a.*", 65, "b+)`", " "),
        numbered("| drop a=~`a.*", 65, "b+`", " "),
        format!(
            "| line_format `{}`",
            numbered(r#"{{ count "a.*"#, 65, r#"b+" "x" }}"#, "")
        ),
        // Of all kinds together.
        format!("{few} | a=~`a.*b+`"),
    ];
    for filters in many {
        let why = refusal(&store, &format!(r#"{{app="x"}} {filters}"#), &limits);
        assert_eq!(why, "the query has more than 64 regular expressions");
    }
    let mut nested = "vector(1)".to_owned();
    for at in 0..65 {
        nested = format!(r#"label_replace({nested}, "a", "b", "c", "{at}")"#);
    }
    let why = refusal(&store, &nested, &limits);
    assert_eq!(why, "the query has more than 64 regular expressions");
    let equal = ["|~ `a.*b+` | a!~`a.*b+`"; 65].join(" ");
    for filters in [few, equal] {
        let query = format!(r#"{{app="x"}} {filters}"#);
        let (answer, asked) = counted(&store, &query, &limits);
        assert!(answer.is_ok(), "{answer:?}");
        assert!(asked > 0);
    }
}

#[test]
fn large_regular_expressions_have_a_bound_together() {
    let limits = Limits::default();
    let filters = numbered(r"|~ `\pL{25}x", 40, "`", " ");
    let why = refusal(
        &store(&["x"]),
        &format!(r#"{{app="x"}} {filters}"#),
        &limits,
    );
    let wanted = "the regular expressions of the query would take more than 33554432 bytes";
    assert_eq!(why, wanted);
}

#[test]
fn a_line_has_a_thousand_labels_at_the_most_with_names_of_a_kibibyte() {
    let object = |inner: &str| format!("{{{inner}}}");
    let json = |count| object(&numbered("\"k", count, "\":1", ","));
    let logfmt = |count| numbered("k", count, "=1", " ");
    let packed = |count| {
        object(&format!(
            "\"_entry\":\"e\",{}",
            numbered("\"k", count, "\":\"1\"", ",")
        ))
    };
    let nested = format!("{}1{}", "{\"kkkkkkkkk\":".repeat(110), "}".repeat(110));
    let many = "the line has more than 1000 labels";
    let long = "the name of a label has more than 1024 bytes";
    let cases = [
        (json(1_000), "json", ""),
        (json(1_001), "json", many),
        (logfmt(1_000), "logfmt", ""),
        (logfmt(1_001), "logfmt", many),
        (packed(1_000), "unpack", ""),
        (packed(1_001), "unpack", many),
        (object(&format!("\"{}\":1", "k".repeat(1_024))), "json", ""),
        (
            object(&format!("\"{}\":1", "k".repeat(1_025))),
            "json",
            long,
        ),
        (format!("{}=1", "k".repeat(1_025)), "logfmt", long),
        (nested, "json", long),
    ];
    for (line, parser, wanted) in cases {
        let query = format!(r#"{{app="x"}} | {parser}"#);
        let Answer::Streams(streams) = counted(&store(&[&line]), &query, &Limits::default())
            .0
            .unwrap()
        else {
            panic!("no lines");
        };
        let labels = &streams[0].labels;
        assert_eq!(labels.get("__error_details__"), wanted, "{parser}");
        let error = match (wanted, parser) {
            ("", _) => "",
            (_, "logfmt") => "LogfmtParserErr",
            _ => "JSONParserErr",
        };
        assert_eq!(labels.get("__error__"), error);
    }
    // What a query does not need is no fault.
    let line = format!("{{\"{}\":1,\"a\":2}}", "k".repeat(2_000));
    let query = r#"sum by (a) (count_over_time({app="x"} | json [1m]))"#;
    let answer = counted(&store(&[&line]), query, &Limits::default()).0;
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn a_path_has_128_steps_at_the_most() {
    let query = format!(r#"{{app="x"}} | json a="{}""#, "[0]".repeat(129));
    let refused = counted(&store(&["x"]), &query, &Limits::default()).0;
    assert!(matches!(refused, Err(EvalError::Invalid(_))), "{refused:?}");
}
