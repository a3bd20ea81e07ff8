//! What `ktrlplane scope --explain` shows: the tree, the selectors before and after, the text.

use gateway::query::{ParseError, logql, promql};

/// How the LogQL `query` was understood, of which `scoped` is what is sent.
pub(super) fn logql(query: &str, scoped: &str) -> Result<String, ParseError> {
    let selectors = |tree: &logql::Expr| -> Vec<String> {
        tree.selectors().iter().map(ToString::to_string).collect()
    };
    let (before, after) = (logql::parse(query)?, logql::parse(scoped)?);
    let pairs = (selectors(&before), selectors(&after));
    Ok(explained(&before.explain(), pairs, scoped))
}

/// As [`logql`](fn@logql) for PromQL.
pub(super) fn promql(query: &str, scoped: &str) -> Result<String, ParseError> {
    let selectors = |tree: &promql::Expr| -> Vec<String> {
        tree.selectors().iter().map(ToString::to_string).collect()
    };
    let (before, after) = (promql::parse(query)?, promql::parse(scoped)?);
    let pairs = (selectors(&before), selectors(&after));
    Ok(explained(&before.explain(), pairs, scoped))
}

fn explained(tree: &str, (before, after): (Vec<String>, Vec<String>), scoped: &str) -> String {
    let mut text = String::from("Tree\n");
    for line in tree.lines() {
        text.extend(["  ", line, "\n"]);
    }
    text.push_str("Selectors\n");
    if before.is_empty() {
        text.push_str("  none: the query reads no series\n");
    }
    for (before, after) in before.iter().zip(&after) {
        text.extend(["  ", before.as_str(), "\n    -> ", after.as_str(), "\n"]);
    }
    text.extend(["Scoped\n  ", scoped]);
    text
}
