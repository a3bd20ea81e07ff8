//! Holds the parser against what Prometheus's own parser said of a few thousand queries.
//!
//! The corpus lies beside the repository, not in it. `KTRLPLANE_CORPUS` names its directory where
//! it lies elsewhere. Without it this test says so and passes, except in CI.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)] // the helpers of a test may do what a test may

use std::collections::BTreeMap;
use std::path::PathBuf;

use query::promql::{Expr, parse};
use query::{MatchOp, Matcher};
use serde_json::Value;

#[test]
fn the_corpus_is_understood_as_prometheus_understands_it() {
    let Some(directory) = corpus() else { return };
    let mut figures = Figures::default();
    for file in ["promql-upstream.jsonl", "promql-mutated.jsonl"] {
        let text = std::fs::read_to_string(directory.join(file)).unwrap();
        for line in text.lines() {
            figures.judge(&serde_json::from_str(line).unwrap());
        }
    }
    print!("{figures}");
    let wrong: usize = figures.wrong.values().map(Vec::len).sum();
    assert_eq!(wrong, 0, "lines understood otherwise than by Prometheus");
    assert!(figures.valid > 0 && figures.invalid > 0, "an empty corpus");
    assert!(
        figures.invalid_accepted.len() * 100 <= figures.invalid,
        "more than 1 % of the invalid lines were accepted"
    );
}

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let directory =
        std::env::var_os("KTRLPLANE_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if directory.join("promql-upstream.jsonl").is_file() {
        return Some(directory);
    }
    println!(
        "NOT TESTED: promql-upstream.jsonl is not in {}; KTRLPLANE_CORPUS names the corpus's directory",
        directory.display()
    );
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "CI needs the corpus"
    );
    None
}

/// Pieces of queries that Prometheus itself prints with another meaning, so that its text cannot
/// be compared: durations finer than a millisecond, a time beyond 64-bit milliseconds, and a plus
/// in front of an infinite operand.
const LOST_IN_ITS_PRINT: [&str; 6] = [
    "3.14159265358979]",
    "[3.14159265358979 ",
    ":1e-7]",
    "[1e-7]",
    "0.0001]",
    "@ 123456789012345678",
];

#[derive(Default)]
struct Figures {
    valid: usize,
    /// With `info()`.
    refused_on_purpose: usize,
    /// See [`LOST_IN_ITS_PRINT`].
    lost_in_its_print: usize,
    /// Valid once scoped, which is more than Prometheus accepts before.
    bare_accepted: usize,
    invalid: usize,
    invalid_accepted: Vec<String>,
    wrong: BTreeMap<&'static str, Vec<String>>,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let strict = self.invalid - self.bare_accepted;
        let refused = strict - self.invalid_accepted.len();
        writeln!(
            f,
            "promql: {} valid, {} of them refused on purpose (info()), of {} the print of \
             Prometheus loses a part, which is left out of the comparison; {} invalid: {} of them \
             only for selecting everything, of the other {strict} refused {refused} ({:.2} %)",
            self.valid,
            self.refused_on_purpose,
            self.lost_in_its_print,
            self.invalid,
            self.bare_accepted,
            percent(refused, strict),
        )?;
        for (how, queries) in [("accepted though invalid", &self.invalid_accepted)]
            .into_iter()
            .chain(self.wrong.iter().map(|(how, queries)| (*how, queries)))
        {
            for query in queries {
                writeln!(f, "promql: {how}: {query}")?;
            }
        }
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss)] // of a few thousand lines
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

impl Figures {
    fn judge(&mut self, line: &Value) {
        let query = line["query"].as_str().unwrap();
        let parsed = parse(query);
        if line["valid"] == false {
            self.invalid += 1;
            match parsed {
                Ok(expr) if has_bare_selector(&expr) => self.bare_accepted += 1,
                Ok(_) => self.invalid_accepted.push(query.to_owned()),
                Err(error) if error.line > 0 && error.column > 0 => {}
                Err(_) => self.wrong("no position", query),
            }
            return;
        }
        self.valid += 1;
        match parsed {
            Ok(expr) => self.compare(query, expr, line),
            Err(error) if error.message.starts_with("info() is not allowed") => {
                self.refused_on_purpose += 1;
            }
            Err(error) => self.wrong("refused", &format!("{query}\n{error}")),
        }
    }

    fn compare(&mut self, query: &str, mut expr: Expr, line: &Value) {
        if selectors(&expr) != line["selectors"] {
            self.wrong("other selectors", query);
        }
        let printed = expr.to_string();
        match parse(&printed) {
            Ok(again) if again == expr && again.to_string() == printed => {}
            Ok(_) | Err(_) => self.wrong("print is no fixpoint", &format!("{query}\n{printed}")),
        }
        expr.for_each_selector_mut(|selector| {
            selector.matchers.push(Matcher::equal("resource_id", "r1"));
        });
        let scoped = line["scoped"].as_str().unwrap();
        if LOST_IN_ITS_PRINT.iter().any(|lost| query.contains(lost)) || scoped.contains("++Inf") {
            self.lost_in_its_print += 1;
            return;
        }
        match parse(scoped) {
            Ok(theirs) if sorted(theirs.clone()) == sorted(expr.clone()) => {}
            Ok(_) => self.wrong("another tree", &format!("{query}\n{scoped}\n{expr}")),
            Err(error) => self.wrong("scoped refused", &format!("{scoped}\n{error}")),
        }
    }

    fn wrong(&mut self, how: &'static str, query: &str) {
        self.wrong.entry(how).or_default().push(query.to_owned());
    }
}

/// Whether a selector may match the empty series, which Prometheus refuses and scoping cures.
fn has_bare_selector(expr: &Expr) -> bool {
    expr.selectors().iter().any(|selector| {
        selector.all_matchers().all(|(_, op, value)| match op {
            MatchOp::Equal => value.is_empty(),
            MatchOp::NotEqual => !value.is_empty(),
            // Only patterns that are seen to match nothing, or not to, in the corpus.
            MatchOp::Regex => value.is_empty() || value.ends_with(b"*") || value.ends_with(b"|"),
            MatchOp::NotRegex => !(value.is_empty() || value.ends_with(b"*")),
        })
    })
}

fn selectors(expr: &Expr) -> Value {
    let matcher = |(name, op, value): (&str, MatchOp, &[u8])| {
        Value::from(vec![
            Value::from(name),
            op.as_str().into(),
            String::from_utf8_lossy(value).into(),
        ])
    };
    let selectors = expr.selectors();
    let selectors = selectors
        .iter()
        .map(|selector| selector.all_matchers().map(matcher).collect());
    Value::Array(selectors.collect())
}

/// The tree with each selector's matchers in one order: Prometheus sorts them when it prints.
fn sorted(mut expr: Expr) -> Expr {
    expr.for_each_selector_mut(|selector| {
        selector.matchers.sort_by(|a, b| {
            let key = |m: &Matcher| (m.name.clone(), m.op.as_str(), m.value.clone());
            key(a).cmp(&key(b))
        });
    });
    expr
}
