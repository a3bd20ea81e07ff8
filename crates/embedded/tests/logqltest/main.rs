//! Holds the evaluator against the tests of Loki itself.
//!
//! The tests lie outside of this repository; `KTRLPLANE_LOGQLTEST` names their directory. What
//! fails is listed in `expected.txt` with its reason, no more and no less.
//!
//! Queries go through the HTTP face, as they do to a Loki: where Loki's engine alone answers
//! otherwise than a Loki does, it is the latter that counts.

// Helpers of tests may do what tests may, and what they find is to be read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod compare;
mod run;
mod script;
mod series;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The file's name and the line of an `eval`, with the reason of a failure.
type Failures = BTreeMap<(String, usize), String>;

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "logqltest"));
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

/// Runs these files; what fails, for which reason.
async fn run_all(files: &[PathBuf]) -> Failures {
    let mut failures = Failures::new();
    let mut counts = String::new();
    let (mut all_passed, mut all) = (0, 0);
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mut passed, mut total) = (0, 0);
        for case in run::cases(&fs::read_to_string(path).unwrap()).await {
            total += 1;
            match case.result {
                Ok(()) => passed += 1,
                Err(reason) => {
                    println!("{file}:{}: {}\n    {reason}", case.line, case.query);
                    failures.insert((file.clone(), case.line), reason);
                }
            }
        }
        let _ = writeln!(counts, "{file:32} {passed:4} of {total:4}");
        all_passed += passed;
        all += total;
    }
    println!("\n{counts}{:32} {all_passed:4} of {all:4}\n", "all");
    failures
}

#[tokio::test]
async fn loki_own_tests_pass_but_for_those_that_are_listed() {
    let Some(directory) = std::env::var_os("KTRLPLANE_LOGQLTEST") else {
        println!("the tests of Loki are not there; KTRLPLANE_LOGQLTEST names their directory");
        return;
    };
    let files = files(Path::new(&directory));
    assert!(
        !files.is_empty(),
        "KTRLPLANE_LOGQLTEST names a directory without tests"
    );
    let failures = run_all(&files).await;
    let expected = listed(include_str!("expected.txt"));
    let missing = |from: &Failures, of: &Failures| -> Vec<String> {
        let places = of.keys().filter(|place| !from.contains_key(place));
        places
            .map(|(file, line)| format!("{file}:{line}"))
            .collect()
    };
    let (unlisted, passing) = (missing(&expected, &failures), missing(&failures, &expected));
    assert!(
        unlisted.is_empty() && passing.is_empty(),
        "fail and are not listed: {unlisted:#?}\nlisted and do not fail: {passing:#?}"
    );
}
