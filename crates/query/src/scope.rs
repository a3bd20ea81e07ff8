//! Scoping: one matcher is added to every selector of a query.
//!
//! The query is parsed, the matcher becomes the last one of **every** selector, and the tree is
//! printed; what a backend gets to see is only what was understood here. A matcher that the
//! caller wrote is never judged, changed or merged, whatever label it is about: backends apply all
//! matchers of a selector, so that one more can only narrow it.
//!
//! What was printed is then parsed again, and is only given out if it is the very tree that was
//! meant and every selector in it carries the matcher.

use std::fmt;

use crate::error::ParseError;
use crate::limits::MAX_QUERY_BYTES;
use crate::matcher::Matcher;
use crate::{logql, promql};

/// Why a query could not be scoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeError {
    /// The caller's query is refused.
    Parse(ParseError),
    /// The scoped text did not prove to be scoped. Nothing may be sent. It is the fault of this
    /// library, or of a matcher that the language has no place for, such as one whose name is no
    /// label's; never of the query.
    Unverified,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Unverified => f.write_str("the scoped query could not be verified"),
        }
    }
}

impl std::error::Error for ScopeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Parse(error) => Some(error),
            Self::Unverified => None,
        }
    }
}

impl From<ParseError> for ScopeError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

/// The LogQL `query` with `by` added to every stream selector.
///
/// # Errors
/// [`ScopeError::Parse`] if the query is refused, [`ScopeError::Unverified`] if the result is not
/// what was meant.
pub fn logql(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    logql_tree(query, logql::parse(query)?, by)
}

/// As [`logql`](fn@logql), of the tree that `query` was parsed to; for who looks at it before.
///
/// # Errors
/// As [`logql`](fn@logql).
pub fn logql_tree(query: &str, tree: logql::Expr, by: &Matcher) -> Result<String, ScopeError> {
    scope(query, tree, by)
}

/// As [`logql`](fn@logql), of a query that may leave its selector out, see [`logql::parse_on_resource`].
///
/// # Errors
/// As [`logql`](fn@logql).
pub fn logql_on_resource(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    scope(query, logql::parse_on_resource(query)?, by)
}

/// As [`logql`](fn@logql), of what is a stream selector alone, see [`logql::parse_selector`].
///
/// # Errors
/// As [`logql`](fn@logql), and for everything that is more than a selector.
pub fn logql_selector(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    scope(query, logql::parse_selector(query)?, by)
}

/// The PromQL `query` with `by` added to every vector selector.
///
/// # Errors
/// As [`logql`](fn@logql).
pub fn promql(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    promql_tree(query, promql::parse(query)?, by)
}

/// As [`promql`](fn@promql), of the tree that `query` was parsed to; for who looks at it before.
///
/// # Errors
/// As [`promql`](fn@promql).
pub fn promql_tree(query: &str, tree: promql::Expr, by: &Matcher) -> Result<String, ScopeError> {
    scope(query, tree, by)
}

/// As [`promql`](fn@promql), of what is a vector selector alone, see [`promql::parse_selector`].
///
/// # Errors
/// As [`promql`](fn@promql), and for everything that is more than a selector.
pub fn promql_selector(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    scope(query, promql::parse_selector(query)?, by)
}

/// What scoping needs to know of a language.
trait Tree: PartialEq + Sized {
    fn parse(text: &str) -> Result<Self, ParseError>;
    fn print(&self, out: &mut String);
    /// Calls `see` with the matchers of every selector.
    fn matchers(&self, see: impl FnMut(&[Matcher]));
    /// Calls `change` with the matchers of every selector.
    fn matchers_mut(&mut self, change: impl FnMut(&mut Vec<Matcher>));
}

impl Tree for logql::Expr {
    fn parse(text: &str) -> Result<Self, ParseError> {
        logql::parse(text)
    }

    fn print(&self, out: &mut String) {
        self.print(out);
    }

    fn matchers(&self, mut see: impl FnMut(&[Matcher])) {
        self.for_each_selector(|selector| see(&selector.matchers));
    }

    fn matchers_mut(&mut self, mut change: impl FnMut(&mut Vec<Matcher>)) {
        self.for_each_selector_mut(|selector| change(&mut selector.matchers));
    }
}

impl Tree for promql::Expr {
    fn parse(text: &str) -> Result<Self, ParseError> {
        promql::parse(text)
    }

    fn print(&self, out: &mut String) {
        self.print(out);
    }

    fn matchers(&self, mut see: impl FnMut(&[Matcher])) {
        self.for_each_selector(|selector| see(&selector.matchers));
    }

    fn matchers_mut(&mut self, mut change: impl FnMut(&mut Vec<Matcher>)) {
        self.for_each_selector_mut(|selector| change(&mut selector.matchers));
    }
}

/// Adds `by` to every selector of `tree`, the tree of `query`, prints it, and verifies the text.
fn scope<T: Tree>(query: &str, mut tree: T, by: &Matcher) -> Result<String, ScopeError> {
    let mut selectors = 0_usize;
    tree.matchers_mut(|matchers| {
        selectors += 1;
        add(matchers, by);
    });
    let added = by.name.len() + by.value.as_bytes().len() + r#", ="""#.len();
    let mut text = String::with_capacity(query.len() + selectors * added);
    tree.print(&mut text);
    if text.len() > MAX_QUERY_BYTES {
        let message =
            format!("the query is too long: scoped, it has more than {MAX_QUERY_BYTES} bytes");
        return Err(ParseError::at(query, query.len(), message).into());
    }
    if scoped_as(&text, &tree, selectors, by) {
        Ok(text)
    } else {
        Err(ScopeError::Unverified)
    }
}

/// Adds `by` as the last matcher. A selector whose last matcher is already exactly this one stays
/// as it is: to apply a matcher twice is to apply it once, and so a scoped query is scoped to
/// itself.
fn add(matchers: &mut Vec<Matcher>, by: &Matcher) {
    if matchers.last() != Some(by) {
        matchers.push(by.clone());
    }
}

/// Whether `text` parses to `tree`, with so many `selectors`, each of which carries `by`. The tree
/// alone would do if nothing were wrong anywhere; this is for the day when something is.
fn scoped_as<T: Tree>(text: &str, tree: &T, selectors: usize, by: &Matcher) -> bool {
    let Ok(again) = T::parse(text) else {
        return false;
    };
    let (mut carry, mut lack) = (0_usize, 0_usize);
    again.matchers(|matchers| {
        if matchers.last() == Some(by) {
            carry += 1;
        } else {
            lack += 1;
        }
    });
    lack == 0 && carry == selectors && again == *tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_selector_gets_the_matcher_and_what_the_caller_wrote_stays() {
        let by = Matcher::equal("resource_id", "r1");
        let cases = [
            ("{}", r#"{resource_id="r1"}"#),
            (r#"{a="b"} |= "x""#, r#"{a="b", resource_id="r1"} |= "x""#),
            (
                r#"{resource_id=~".*"}"#,
                r#"{resource_id=~".*", resource_id="r1"}"#,
            ),
            (
                r#"{resource_id="r1", a="b"}"#,
                r#"{resource_id="r1", a="b", resource_id="r1"}"#,
            ),
            (r#"{resource_id="r1"}"#, r#"{resource_id="r1"}"#),
            (
                r#"sum(rate({a="b"}[5m])) / on () group_left rate({}[1m])"#,
                r#"sum(rate({a="b", resource_id="r1"}[5m])) / on () group_left () rate({resource_id="r1"}[1m])"#,
            ),
            ("1 + 1", "1 + 1"),
        ];
        for (query, scoped) in cases {
            assert_eq!(logql(query, &by).as_deref(), Ok(scoped), "{query}");
        }
        let cases = [
            ("up", r#"up{resource_id="r1"}"#),
            (
                "sum(rate(a[5m])) / b offset 1h",
                r#"sum(rate(a{resource_id="r1"}[5m])) / b{resource_id="r1"} offset 1h"#,
            ),
        ];
        for (query, scoped) in cases {
            assert_eq!(promql(query, &by).as_deref(), Ok(scoped), "{query}");
        }
    }

    /// Adding and verifying walk the same way, so what both leave out only a count of the text
    /// tells.
    #[test]
    fn no_place_of_a_query_hides_a_selector() {
        let by = Matcher::equal("resource_id", "r1");
        for (query, selectors) in [
            ("topk(scalar(a), b) by (x)", 2),
            ("count_values(\"x\", -a)", 1),
            ("clamp(a, scalar(b), scalar(max_over_time(c[5m:])))", 3),
            ("(a ^ -b) unless on (x) (c or {d=\"e\"})", 4),
            ("rate(a[5m] anchored @ 1) > bool (b offset -5m)", 2),
            ("min_over_time(rate({a=\"b\"}[5m])[1h:1m] offset 5m)", 1),
        ] {
            let scoped = promql(query, &by).unwrap_or_default();
            let count = scoped.matches(r#"resource_id="r1""#).count();
            assert_eq!(count, selectors, "{query}: {scoped}");
        }
        for (query, selectors) in [
            ("rate({}[5m]) + (1 / sum by (x) (rate({}[5m])))", 2),
            (r#"label_replace(topk(5, rate({}[5m])), "", "", "", "")"#, 1),
            ("rate({}[5m]) ^ rate({}[5m]) ^ rate({}[5m]) or vector(1)", 3),
        ] {
            let scoped = logql(query, &by).unwrap_or_default();
            let count = scoped.matches(r#"resource_id="r1""#).count();
            assert_eq!(count, selectors, "{query}: {scoped}");
        }
    }

    #[test]
    fn a_query_on_a_resource_may_start_with_its_pipeline() {
        let by = Matcher::equal("resource_id", "r1");
        for query in [r#"|= "x" | json"#, r#"{} |= "x" | json"#] {
            let scoped = logql_on_resource(query, &by);
            assert_eq!(scoped.as_deref(), Ok(r#"{resource_id="r1"} |= "x" | json"#));
        }
        for query in ["", " \n", "# nothing"] {
            let scoped = logql_on_resource(query, &by);
            assert_eq!(scoped.as_deref(), Ok(r#"{resource_id="r1"}"#));
            assert!(logql(query, &by).is_err());
        }
        let error = logql_on_resource("\n  |= x", &by);
        assert!(
            matches!(&error, Err(ScopeError::Parse(error)) if (error.line, error.column) == (2, 6)),
            "{error:?}"
        );
    }

    #[test]
    fn a_selector_alone_is_scoped_and_more_is_refused() {
        let by = Matcher::equal("resource_id", "r1");
        for query in ["{}", " { } # all"] {
            let scoped = logql_selector(query, &by);
            assert_eq!(scoped.as_deref(), Ok(r#"{resource_id="r1"}"#), "{query}");
            let scoped = promql_selector(query, &by);
            assert_eq!(scoped.as_deref(), Ok(r#"{resource_id="r1"}"#), "{query}");
        }
        for query in ["", r#"{} |= "x""#, "rate({}[1m])", "1"] {
            assert!(logql_selector(query, &by).is_err(), "{query}");
        }
        for query in [
            "",
            "up[5m]",
            "up offset 1m",
            "up @ 1",
            "(up)",
            "-up",
            "sum(up)",
            "1",
        ] {
            assert!(promql_selector(query, &by).is_err(), "{query}");
        }
    }

    #[test]
    fn no_id_gets_out_of_its_quotes() {
        for id in [
            "a\"b",
            "a\\",
            "a\nb",
            "}",
            "a\"} or {b=\"",
            ".*",
            "\u{e9}",
            "\0",
        ] {
            let by = Matcher::equal("resource_id", id);
            for scoped in [logql("{}", &by), promql("up", &by)] {
                let scoped = scoped.unwrap();
                assert_eq!(scoped.matches('=').count(), 1 + id.matches('=').count());
                assert!(!scoped.contains(['\n', '\0']), "{scoped}");
            }
        }
    }

    #[test]
    fn a_matcher_that_the_language_has_no_place_for_is_not_let_through() {
        let by = Matcher::equal("no identifier", "r1");
        assert_eq!(logql("{}", &by), Err(ScopeError::Unverified));
    }

    /// The day for which the second look is there: a walk that has left a selector out.
    #[test]
    fn a_text_with_a_selector_that_lacks_the_matcher_is_not_verified() {
        let by = Matcher::equal("resource_id", "r1");
        for (text, selectors, verified) in [
            (r#"up{resource_id="r1"} + up{resource_id="r1"}"#, 2, true),
            (r#"up{resource_id="r1"} + up{resource_id="r1"}"#, 1, false),
            (r#"up{resource_id="r1"} + up"#, 2, false),
            (r#"up{resource_id="r1"} + up"#, 1, false),
            (r#"up{resource_id="r1",a="b"}"#, 1, false),
            (r#"up{resource_id=~"r1"}"#, 1, false),
        ] {
            let tree = promql::parse(text).unwrap();
            assert_eq!(scoped_as(text, &tree, selectors, &by), verified, "{text}");
        }
    }

    #[test]
    fn a_query_that_scoping_makes_too_long_is_refused_as_too_long() {
        let by = Matcher::equal("resource_id", "r1");
        let long = "+vector(1)".repeat(300);
        let query = format!(
            "rate({{}}[5m]){long} # {}",
            "x".repeat(MAX_QUERY_BYTES - 4000)
        );
        assert!(logql(&query, &by).is_ok());
        let value = "x".repeat(MAX_QUERY_BYTES - 10);
        let query = format!("{{a=\"{value}\"}}");
        let error = logql(&query, &by);
        assert!(
            matches!(&error, Err(ScopeError::Parse(error)) if error.message.contains("too long")),
            "{error:?}"
        );
    }
}
