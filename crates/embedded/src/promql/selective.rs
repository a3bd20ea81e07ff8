//! Selectors that tell series apart: Prometheus takes none that matches whatever there is.

use query::promql::Expr;
use query::{MatchOp, Matcher};

use super::positions::Positions;
use super::selector::matchers;
use crate::limits::EvalError;
use crate::store::Patterns;

/// Refuses a query of which a selector matches all series, in the words of Prometheus's parser.
pub(crate) fn check_selective(
    query: &Expr,
    text: &str,
    patterns: &mut Patterns,
) -> Result<(), EvalError> {
    for selector in query.selectors() {
        if is_selective(&matchers(selector), patterns)? {
            continue;
        }
        let place = Positions::of(text, query).of_selector(selector);
        return Err(EvalError::Invalid(format!(
            "{place}: parse error: vector selector must contain at least one non-empty matcher"
        )));
    }
    Ok(())
}

/// Whether one of the matchers does not match the empty string, so that the series have to have a
/// label.
pub(crate) fn is_selective(
    matchers: &[Matcher],
    patterns: &mut Patterns,
) -> Result<bool, EvalError> {
    let demands = |matcher: &Matcher| {
        let is_empty = matcher.value.as_str() == Some("");
        match matcher.op {
            MatchOp::Equal => !is_empty,
            MatchOp::NotEqual => is_empty,
            MatchOp::Regex | MatchOp::NotRegex => false,
        }
    };
    if matchers.iter().any(demands) {
        return Ok(true);
    }
    // Only where nothing else tells is an expression compiled for this.
    for matcher in matchers {
        let matches_empty = match matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => continue,
            MatchOp::Regex => false,
            MatchOp::NotRegex => true,
        };
        // Patterns that are no text are refused where they are compiled.
        let Some(pattern) = matcher.value.as_str() else {
            return Ok(true);
        };
        if patterns.compile(pattern)?.is_match("") == matches_empty {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Stop;

    #[test]
    fn a_selector_has_to_demand_a_label() {
        let stop = Stop::after(std::time::Duration::from_hours(1));
        for (query, wanted) in [
            ("up", None),
            (r#"{a="b"}"#, None),
            (r#"{a!=""}"#, None),
            (r#"{a=~".+"}"#, None),
            (r#"{a!~".*",b=~".*"}"#, None),
            (r#"{a!="x",b="y"}"#, None),
            (r#"sum(rate(up[5m])) / {a="b"}"#, None),
            ("1 + time()", None),
            ("{}", Some("1:1")),
            (r#"{a=""}"#, Some("1:1")),
            (r#"{a=~".*"}"#, Some("1:1")),
            (r#"{a!="x"}"#, Some("1:1")),
            (r#"{a!~".+",b!="x"}"#, Some("1:1")),
            (r#"up + sum(rate({a!="x"}[5m]))"#, Some("1:15")),
            ("up +\n {a!=\"x\"} offset 5m", Some("2:2")),
        ] {
            let tree = query::promql::parse(query).unwrap();
            let wanted = wanted.map_or(Ok(()), |place| {
                Err(EvalError::Invalid(format!(
                    "{place}: parse error: vector selector must contain at least one non-empty \
                     matcher"
                )))
            });
            let checked = check_selective(&tree, query, &mut Patterns::new(&stop));
            assert_eq!(checked, wanted, "{query}");
        }
    }
}
