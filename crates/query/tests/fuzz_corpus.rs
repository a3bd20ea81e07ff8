//! What fuzzing has found worth keeping, put to the properties of the fuzz targets without a fuzzer.

#![allow(clippy::unwrap_used)] // the helpers of a test may do what a test may

use std::fmt::Display;
use std::path::Path;

use query::scope::{self, ScopeError};
use query::{Matcher, ParseError, logql, promql};

/// Every input of the corpus that is UTF-8; the fuzz targets see no others.
fn corpus() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = std::fs::read_dir(directory).unwrap();
    files
        .filter_map(|file| String::from_utf8(std::fs::read(file.unwrap().path()).unwrap()).ok())
        .collect()
}

/// What is printed parses to the same tree, and prints the same again.
fn prints<T: Display + PartialEq>(query: &str, parse: fn(&str) -> Result<T, ParseError>) -> bool {
    let Ok(tree) = parse(query) else { return false };
    let printed = tree.to_string();
    let again = parse(&printed).unwrap();
    assert!(tree == again, "{query}\n{printed}");
    assert_eq!(printed, again.to_string(), "{query}");
    true
}

/// A scoped query is scoped to itself; none is refused because it could not be verified.
fn scopes(query: &str, scope: fn(&str, &Matcher) -> Result<String, ScopeError>) {
    let by = Matcher::equal("resource_id", "r1");
    match scope(query, &by) {
        Ok(scoped) => assert_eq!(scope(&scoped, &by).as_ref(), Ok(&scoped), "{query}"),
        Err(error) => assert_ne!(error, ScopeError::Unverified, "{query}"),
    }
}

#[test]
fn what_fuzzing_has_found_keeps_all_properties() {
    let corpus = corpus();
    let mut accepted = 0;
    for query in &corpus {
        accepted += usize::from(prints(query, logql::parse));
        accepted += usize::from(prints(query, promql::parse));
        scopes(query, scope::logql);
        scopes(query, scope::logql_on_resource);
        scopes(query, scope::promql);
    }
    // Else the corpus is not there, or is no longer one of queries.
    assert!(
        accepted >= 50,
        "only {accepted} of {} were queries",
        corpus.len()
    );
}
