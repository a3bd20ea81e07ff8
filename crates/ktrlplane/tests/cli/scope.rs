//! `ktrlplane scope`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Output, Stdio};

use crate::harness::{ktrlplane, run, stderr, stdout};

fn scope(language: &str, more: &[&str], input: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let mut command = ktrlplane(dir.path());
    command.args(["scope", "--language", language, "--resource-id", "r1"]);
    run(command.args(more), input)
}

#[test]
fn a_query_is_printed_as_it_would_be_sent() {
    for (language, query, scoped) in [
        (
            "promql",
            "sum(rate(x[5m]))",
            "sum(rate(x{resource_id=\"r1\"}[5m]))\n",
        ),
        (
            "logql",
            "{a=\"b\"} |= \"c\"",
            "{a=\"b\", resource_id=\"r1\"} |= \"c\"\n",
        ),
    ] {
        let output = scope(language, &[query], "");
        assert_eq!(
            (stdout(&output).as_str(), stderr(&output).as_str()),
            (scoped, "")
        );
        let output = scope(language, &[], &format!("{query}\n"));
        assert_eq!(stdout(&output), scoped);
        assert!(output.status.success());
    }
}

#[test]
fn a_query_that_is_refused_is_explained_with_a_caret_and_is_a_failure() {
    for language in ["logql", "promql"] {
        let output = scope(language, &["{a=\"b\"} }"], "");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let said = stderr(&output);
        assert!(said.starts_with("1:9: "), "{said}");
        assert!(said.ends_with("\n  {a=\"b\"} }\n          ^\n"), "{said}");
    }
}

#[test]
fn a_query_is_explained_by_its_tree_its_selectors_and_what_is_sent() {
    for (language, query, explained) in [
        (
            "promql",
            "sum by (job) (rate(a[5m])) / on (job) max_over_time(b[1h:5m] offset 1d) > -1",
            "Tree
  operator >
    operator / on (job)
      aggregation sum by (job)
        function rate
          range selector a[5m]
      function max_over_time
        subquery [1h:5m] offset 1d
          selector b
    number -1
Selectors
  a
    -> a{resource_id=\"r1\"}
  b
    -> b{resource_id=\"r1\"}
Scoped
  sum by (job) (rate(a{resource_id=\"r1\"}[5m])) / on (job) \
             max_over_time(b{resource_id=\"r1\"}[1h:5m] offset 1d) > -1
",
        ),
        (
            "logql",
            "quantile_over_time(0.9, {a=`b`} | json | unwrap duration(t) [5m]) by (x) * 2",
            "Tree
  operator *
    range aggregation quantile_over_time 0.9 over [5m] by (x)
      stream selector {a=\"b\"}
      stage | json
      stage | unwrap duration(t)
    number 2
Selectors
  {a=\"b\"}
    -> {a=\"b\", resource_id=\"r1\"}
Scoped
  quantile_over_time(0.9, {a=\"b\", resource_id=\"r1\"} | json | unwrap duration(t) [5m]) by (x) * 2
",
        ),
        (
            "promql",
            "1",
            "Tree
  number 1
Selectors
  none: the query reads no series
Scoped
  1
",
        ),
    ] {
        let output = scope(language, &["--explain", query], "");
        assert_eq!(stdout(&output), explained);
    }
    let output = scope("promql", &["--explain", "up +"], "");
    assert_eq!(
        (output.status.code(), stdout(&output)),
        (Some(1), String::new())
    );
}

#[test]
fn a_query_is_explained_in_each_language_that_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let explain = |query: &str| {
        let mut command = ktrlplane(dir.path());
        command
            .args(["scope", "--explain", query])
            .output()
            .unwrap()
    };
    let output = explain("up");
    assert!(output.status.success());
    assert_eq!(
        stdout(&output),
        "PromQL
  Tree
    selector up
  Selectors
    up
      -> up{resource_id=\"RESOURCE-ID\"}
  Scoped
    up{resource_id=\"RESOURCE-ID\"}
Not LogQL: 1:1: unexpected up, expected a stream selector such as {app=\"x\"}, an aggregation or a \
         number
"
    );
    let both = stdout(&explain("1 + 1"));
    assert!(
        both.contains("LogQL\n") && both.contains("PromQL\n"),
        "{both}"
    );
    let neither = explain("up +");
    assert_eq!(neither.status.code(), Some(1));
    let error = String::from_utf8(neither.stderr).unwrap();
    assert!(
        error.contains("LogQL\n  1:1: ") && error.contains("PromQL\n  1:5: "),
        "{error}"
    );
}

#[test]
fn lines_are_answered_each_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = ktrlplane(dir.path())
        .args([
            "scope",
            "--language",
            "promql",
            "--resource-id",
            "r1",
            "--jsonl",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    let mut ask = |line: &str| -> serde_json::Value {
        writeln!(questions, "{line}").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    };
    let scoped = serde_json::json!({ "scoped": "up{resource_id=\"r1\"}" });
    assert_eq!(ask("{\"query\":\"up\"}"), scoped);
    let refused = ask("{\"query\":\"up{\"}");
    assert!(refused["error"].as_str().unwrap().starts_with("1:"));
    assert!(ask("nonsense")["error"].is_string());
    assert_eq!(ask("{\"query\":\"up\",\"more\":1}"), scoped);
    drop(questions);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_id_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = ktrlplane(dir.path());
    command.args([
        "scope",
        "--language",
        "promql",
        "--resource-id",
        "a|b",
        "up",
    ]);
    let output = run(&mut command, "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("lower-case letters, digits and hyphens"));
}
