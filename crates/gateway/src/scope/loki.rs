//! Loki's side of scoping: LogQL, and how Loki reads times and durations.

use std::time::Duration;

use query::{Matcher, logql, scope};

use super::decimal;
use super::parameters::Nanos;
use super::{parsed, scoped};
use crate::error::Error;
use crate::limit::Bounds;

/// A query within `bounds`, bound to `by`; without one only parsed and printed.
pub(super) fn query(text: &str, by: Option<&Matcher>, bounds: Bounds) -> Result<String, Error> {
    bound(parsed(logql::parse(text), text)?, text, by, bounds)
}

/// As [`query`]; one that starts with its pipeline is about everything that `by` lets through.
pub(super) fn on_resource(
    text: &str,
    by: Option<&Matcher>,
    bounds: Bounds,
) -> Result<String, Error> {
    bound(
        parsed(logql::parse_on_resource(text), text)?,
        text,
        by,
        bounds,
    )
}

fn bound(
    tree: logql::Expr,
    text: &str,
    by: Option<&Matcher>,
    bounds: Bounds,
) -> Result<String, Error> {
    bounds.check_logql(&tree)?;
    match by {
        Some(by) => scoped(scope::logql_tree(text, tree, by), text),
        None => Ok(tree.to_string()),
    }
}

/// As [`query`], of a stream selector alone.
pub(super) fn selector(text: &str, by: Option<&Matcher>) -> Result<String, Error> {
    match by {
        Some(by) => scoped(scope::logql_selector(text, by), text),
        None => parsed(logql::parse_selector(text), text).map(|tree| tree.to_string()),
    }
}

/// Whether a query that was printed here asks for log lines.
pub(super) fn is_of_lines(printed: &str) -> bool {
    matches!(logql::parse(printed), Ok(logql::Expr::Log(_)))
}

/// Unix nanoseconds. Loki takes an integer of up to ten characters for seconds, so a time in the
/// first ten seconds of 1970 is padded.
pub(super) fn time(time: Nanos) -> String {
    const WIDTH: usize = 19;
    let mut out = String::with_capacity(WIDTH + 1);
    if time.0 < 0 {
        out.push('-');
    }
    let width = WIDTH - out.len();
    decimal::push(&mut out, time.0.unsigned_abs(), width);
    out
}

/// A duration with a unit: `since` takes no bare number.
pub(super) fn duration(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_padded_integers() {
        for nanos in [0, 1, -1, 10, i64::MAX, i64::MIN, 1_760_000_000_000_000_000] {
            assert_eq!(time(Nanos(nanos)), format!("{nanos:019}"));
        }
    }

    #[test]
    fn a_time_has_more_than_ten_characters_so_that_it_is_not_read_as_seconds() {
        assert_eq!(
            time(Nanos(1_737_972_000_000_000_001)),
            "1737972000000000001"
        );
        assert_eq!(time(Nanos(5)), "0000000000000000005");
        assert_eq!(time(Nanos(-5)), "-000000000000000005");
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration(Duration::from_secs(90)), "90s");
        assert_eq!(duration(Duration::from_millis(1500)), "1500ms");
    }
}
