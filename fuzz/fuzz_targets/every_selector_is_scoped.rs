//! Every selector of a scoped query carries the resource's matcher, and there are as many
//! selectors as there were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query::scope::{self, ScopeError};
use query::{Matcher, logql, promql};

/// Looks at the selectors of `scoped`, of which there were so many `before`.
fn logql_is_scoped(scoped: &str, before: usize, by: &Matcher) {
    let tree = logql::parse(scoped).expect("what was scoped parses");
    let after = tree.selectors();
    assert_eq!(before, after.len(), "{scoped}");
    assert!(
        after.iter().all(|selector| selector.matchers.contains(by)),
        "{scoped}"
    );
}

/// What was scoped, if the query was not refused. A text that could not be verified is a finding.
fn accepted(scoped: Result<String, ScopeError>) -> Option<String> {
    match scoped {
        Ok(scoped) => Some(scoped),
        Err(ScopeError::Parse(_)) => None,
        Err(error @ ScopeError::Unverified) => panic!("{error}"),
    }
}

fuzz_target!(|query: &str| {
    let by = Matcher::equal("resource_id", "r1");
    if let Some(scoped) = accepted(scope::logql(query, &by)) {
        let before = logql::parse(query)
            .expect("it was scoped")
            .selectors()
            .len();
        logql_is_scoped(&scoped, before, &by);
    }
    if let Some(scoped) = accepted(scope::logql_on_resource(query, &by)) {
        let before = logql::parse_on_resource(query)
            .expect("it was scoped")
            .selectors()
            .len();
        logql_is_scoped(&scoped, before, &by);
    }
    if let Some(scoped) = accepted(scope::promql(query, &by)) {
        let before = promql::parse(query)
            .expect("it was scoped")
            .selectors()
            .len();
        let tree = promql::parse(&scoped).expect("what was scoped parses");
        let after = tree.selectors();
        assert_eq!(before, after.len(), "{scoped}");
        assert!(
            after.iter().all(|selector| selector.matchers.contains(&by)),
            "{scoped}"
        );
    }
});
