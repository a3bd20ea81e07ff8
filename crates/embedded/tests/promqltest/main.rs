//! Holds the evaluator against the tests of Prometheus itself.
//!
//! The tests lie outside of this repository; `KTRLPLANE_PROMQLTEST` names their directory where it
//! is not the usual one. What fails is listed in `expected.txt` with its reason, no more and no
//! less.

// Helpers of tests may do what tests may, and what they find is to be read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod at_times;
mod compare;
mod convert;
mod histograms;
mod run;
mod script;
mod series;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use run::Run;

/// The file's name and the line of an `eval`, with the reason of a failure.
type Failures = BTreeMap<(String, usize), String>;

fn directory() -> Option<PathBuf> {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/promqltest");
    let directory = std::env::var_os("KTRLPLANE_PROMQLTEST").map_or_else(usual, PathBuf::from);
    directory
        .join("functions.test")
        .is_file()
        .then_some(directory)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "test"));
    files.sort();
    files
}

/// `file:line reason`, one a line.
fn listed(text: &str) -> Failures {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (place, reason) = line.split_once(' ').expect(line);
            let (file, line) = place.split_once(':').expect(line);
            ((file.to_owned(), line.parse().unwrap()), reason.to_owned())
        })
        .collect()
}

/// Runs all files; what fails, for which reason.
fn run_all(directory: &Path, delayed_name_removal: bool) -> Failures {
    let mut failures = Failures::new();
    let mut counts = String::new();
    let (mut all_passed, mut all) = (0, 0);
    for path in files(directory) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (mut passed, mut total) = (0, 0);
        let (mut plain, mut plain_total) = (0, 0);
        for case in Run::new(&text, delayed_name_removal).cases() {
            total += 1;
            plain_total += usize::from(!case.is_native);
            match case.result {
                Ok(()) => {
                    passed += 1;
                    plain += usize::from(!case.is_native);
                }
                Err(reason) => {
                    println!("{file}:{}: {}\n    {reason}", case.line, case.query);
                    failures.insert((file.clone(), case.line), reason);
                }
            }
        }
        let _ = writeln!(
            counts,
            "{file:25} {passed:4} of {total:4}, of those without native histograms {plain:4} of \
             {plain_total:4}"
        );
        all_passed += passed;
        all += total;
    }
    println!("\n{counts}{:25} {all_passed:4} of {all:4}\n", "all");
    failures
}

/// What fails has to be what is listed.
fn hold(delayed_name_removal: bool, expected: &Failures) {
    let Some(directory) = directory() else {
        println!(
            "the tests of Prometheus are not there; KTRLPLANE_PROMQLTEST names their directory"
        );
        assert!(
            std::env::var_os("KTRLPLANE_PROMQLTEST").is_none(),
            "KTRLPLANE_PROMQLTEST names a directory without tests"
        );
        return;
    };
    let failures = run_all(&directory, delayed_name_removal);
    let missing = |from: &Failures, of: &Failures| -> Vec<String> {
        let places = of.keys().filter(|place| !from.contains_key(place));
        places
            .map(|(file, line)| format!("{file}:{line}"))
            .collect()
    };
    let (unlisted, passing) = (missing(expected, &failures), missing(&failures, expected));
    assert!(
        unlisted.is_empty() && passing.is_empty(),
        "fail and are not listed: {unlisted:#?}\nlisted and do not fail: {passing:#?}"
    );
}

/// As Prometheus runs them.
#[test]
fn prometheus_own_tests_pass_but_for_those_that_are_listed() {
    hold(true, &listed(include_str!("expected.txt")));
}

/// As queries are answered, for Prometheus has the flag that its tests set off by default.
#[test]
fn so_they_do_where_metric_names_go_at_once() {
    let mut expected = listed(include_str!("expected.txt"));
    expected.extend(listed(include_str!("expected_by_default.txt")));
    hold(false, &expected);
}

/// What random queries showed, where a Prometheus answered them and this backend did it differently.
#[test]
fn what_a_comparison_with_prometheus_showed_stays_the_same() {
    let cases = Run::new(include_str!("compared.test"), false).cases();
    let failed = cases
        .iter()
        .filter_map(|case| case.result.as_ref().err().map(|why| (case.line, why)));
    let failed: Vec<_> = failed.collect();
    assert!(!cases.is_empty() && failed.is_empty(), "{failed:#?}");
}

/// The runner itself: what is wrong has to fail.
#[test]
fn a_case_that_is_wrong_fails() {
    let script = "
load 1m
  m{a=\"b\"} 1+2x3 _ stale
  q_bucket{le=\"1\"} 0+1x5
  h {{schema:0 sum:1 count:2 buckets:[1 1]}}x3

eval instant at 1m m
  {__name__=\"m\", a=\"b\"} 3

eval instant at 1m m
  {__name__=\"m\", a=\"b\"} 3.00001

eval instant at 1m m
  {__name__=\"m\", a=\"c\"} 3

eval instant at 1m m
  {__name__=\"m\", a=\"b\"} 3
  {__name__=\"m\", a=\"c\"} 3

eval instant at 1m m
  {__name__=\"m\", a=\"b\"} {{}}

eval range from 0 to 3m step 1m m
  {__name__=\"m\", a=\"b\"} 1 3 5 7

eval range from 0 to 3m step 1m m
  {__name__=\"m\", a=\"b\"} 1 3 5

eval instant at 1m h
  {__name__=\"h\"} {{schema:0 sum:1 count:2 buckets:[1 2]}}

eval instant at 1m scalar(m)
  3

eval instant at 1m scalar(m)
  4

eval instant at 1m rate(m[5m])
  expect no_info

eval instant at 1m quantile(2, m)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)
  {} +Inf

eval instant at 1m quantile(2, m)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:1)
  {} +Inf

eval instant at 1m sum(m)
  expect fail

eval instant at 1m sum(
  expect fail

eval instant at 1m m + on () group_left () {__name__=~\"m|h\"}
  expect fail msg: something else

eval_ordered instant at 1m sort_desc({a=\"b\"} or vector(9))
  {} 9
  {__name__=\"m\", a=\"b\"} 3

eval_ordered instant at 1m sort_desc({a=\"b\"} or vector(9))
  {__name__=\"m\", a=\"b\"} 3
  {} 9
";
    let cases = Run::new(script, true).cases();
    let passed = cases.iter().filter(|case| case.result.is_ok());
    let passed: Vec<usize> = passed.map(|case| case.line).collect();
    let line = |text: &str, nth: usize| {
        let lines = script.lines().enumerate();
        let mut found = lines.filter(|(_, line)| *line == text);
        found.nth(nth).unwrap().0 + 1
    };
    assert_eq!(
        passed,
        [
            line("eval instant at 1m m", 0),
            line("eval range from 0 to 3m step 1m m", 0),
            line("eval instant at 1m scalar(m)", 0),
            line("eval instant at 1m quantile(2, m)", 0),
            line("eval instant at 1m sum(", 0),
            line(
                "eval_ordered instant at 1m sort_desc({a=\"b\"} or vector(9))",
                0
            ),
        ]
    );
    assert_eq!(cases.len(), 18);
}
