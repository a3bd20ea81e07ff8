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

use run::Failure;

/// The kind of a failure by the file's name and the line of an `eval`.
type Failures = BTreeMap<(String, usize), String>;

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "logqltest"));
    files.sort();
    files
}

/// `file:line kind reason`, one a line.
fn listed(text: &str) -> Failures {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (place, about) = line.split_once(' ').expect(line);
            let (kind, _reason) = about.split_once(' ').expect(line);
            let (file, line) = place.split_once(':').expect(line);
            ((file.to_owned(), line.parse().unwrap()), kind.to_owned())
        })
        .collect()
}

/// Runs these files; what fails.
async fn run_all(files: &[PathBuf]) -> Failures {
    let mut failures = Failures::new();
    let mut counts = format!("{:32} cases  passed  refused in other words\n", "");
    let mut all = [0; 3];
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut one = [0; 3];
        for case in run::cases(&fs::read_to_string(path).unwrap()).await {
            one[0] += 1;
            match case.result {
                Ok(()) => one[1] += 1,
                Err(failure) => {
                    one[2] += usize::from(matches!(failure, Failure::Words(_)));
                    let (kind, reason) = (failure.kind(), failure.reason());
                    println!("{file}:{}: {}\n    {kind} {reason}", case.line, case.query);
                    failures.insert((file.clone(), case.line), kind.to_owned());
                }
            }
        }
        let _ = writeln!(counts, "{file:32} {:5} {:7} {:7}", one[0], one[1], one[2]);
        for (all, one) in all.iter_mut().zip(one) {
            *all += one;
        }
    }
    println!(
        "\n{counts}{:32} {:5} {:7} {:7}\n",
        "all", all[0], all[1], all[2]
    );
    failures
}

/// What is in one of the lists and not in the other in the same way.
fn missing(from: &Failures, of: &Failures) -> Vec<String> {
    let places = of
        .iter()
        .filter(|(place, kind)| from.get(*place) != Some(*kind));
    places
        .map(|((file, line), kind)| format!("{file}:{line} {kind}"))
        .collect()
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
    let (unlisted, passing) = (missing(&expected, &failures), missing(&failures, &expected));
    assert!(
        unlisted.is_empty() && passing.is_empty(),
        "fail and are not listed: {unlisted:#?}\nlisted and do not fail: {passing:#?}"
    );
}

/// The runner itself: what is wrong has to fail.
#[tokio::test]
async fn a_case_that_is_wrong_fails() {
    let script = r#"
load
  {app="a"} "n={{.i}} # x" @ 10s [repeat every 10s for 6]
  {app="b"} `{"n": "x"}`   @ 1m   [metadata trace="t" "span"="s"] # one line
# Lines of comments are no end.
  {app="c"} "empty="       @ 60s

eval instant at 60s count_over_time({app="a"}[1m]) # right
  {app="a"} 6

eval instant at 60s count_over_time({app="a"}[1m]) # wrong: value
  {app="a"} 7

eval instant at 60s count_over_time({app=~"a|b"}[1m]) # wrong: labels of a line
  {app="a"} 6
  {app="b"} 1

eval instant at 60s count_over_time({app=~"a|b"}[1m]) # right
  {app="b", span="s", trace="t"} 1
  {app="a"} 6

eval instant at 60s count_over_time({app=~"a|b"}[1m]) # wrong: one series too many
  {app="a"} 6

eval instant at 60s count_over_time({app="a"}[1m]) # wrong: one series too few
  {app="a"} 6
  {app="b", span="s", trace="t"} 1

eval range from 20s to 80s step 60s sum(sum_over_time({app="a"} | logfmt | unwrap n [20s])) # right
  {} 1 _

eval range from 20s to 80s step 20s sum(sum_over_time({app="a"} | logfmt | unwrap n [20s])) # right
  {} 1+4x2 _

eval range from 20s to 80s step 20s sum(sum_over_time({app="a"} | logfmt | unwrap n [20s])) # wrong: a gap
  {} 1+4x3

eval range from 20s to 60s step 20s sum(sum_over_time({app="a"} | logfmt | unwrap n [20s])) # wrong: no gap
  {} 1 _ 9

eval instant at 60s count_over_time({app="c"} | logfmt --keep-empty [1m]) # right
  {app="c", empty=""} 1

eval instant at 60s count_over_time({app="c"} | logfmt --keep-empty [1m]) # wrong: an empty label
  {app="c"} 1

eval instant at 60s 1 + 2 # right
  3

eval instant at 60s 1 + 2 # wrong: value
  4

eval instant at 60s vector(3) # wrong: a vector
  3

eval instant at 60s count_over_time({app="d"}[1m]) # right
  expect empty

eval instant at 60s count_over_time({app="a"}[1m]) # wrong: not empty
  expect empty

eval instant at 60s sort(sum by (app) (count_over_time({app=~"a|b"}[1m]))) # right
  expect ordered
  {app="b"} 1
  {app="a"} 6

eval instant at 60s sort(sum by (app) (count_over_time({app=~"a|b"}[1m]))) # wrong: order
  expect ordered
  {app="a"} 6
  {app="b"} 1

eval instant at 60s count_over_time({app="a"}[1m]) # wrong: it is right
  expect fail

eval instant at 60s count_over_time({app="a"}) # right
  expect fail

eval instant at 60s count_over_time({app="a"}) # right
  expect fail regex: parse \w+ at

eval instant at 60s count_over_time({app="a"}) # words
  expect fail msg: something else

eval instant at 60s count_over_time({app="a"}) # wrong: it is none
  {app="a"} 6
"#;
    let about = |line: usize| {
        let line = script.lines().nth(line - 1).unwrap();
        line.rsplit_once(" # ").unwrap().1
    };
    let cases = run::cases(script).await;
    assert_eq!(cases.len(), 24);
    for case in cases {
        let wanted = about(case.line).split(':').next().unwrap();
        let got = case
            .result
            .as_ref()
            .map_or_else(Failure::kind, |()| "right");
        let got = got.replace("answer", "wrong");
        assert_eq!(got, wanted, "line {}: {:?}", case.line, case.result);
    }
}
