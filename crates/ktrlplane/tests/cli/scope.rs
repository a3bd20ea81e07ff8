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
