//! Prometheus' side of scoping: PromQL, and how Mimir reads times and durations.

use std::time::Duration;

use query::{Matcher, promql, scope};

use super::parameters::Nanos;
use super::{parsed, scoped};
use crate::error::Error;
use crate::limit::Bounds;

/// A query within `bounds`, bound to `by`; without one only parsed and printed.
pub(super) fn query(text: &str, by: Option<&Matcher>, bounds: Bounds) -> Result<String, Error> {
    let tree = parsed(promql::parse(text), text)?;
    bounds.check_promql(&tree).map_err(Error::BadData)?;
    match by {
        Some(by) => scoped(scope::promql_tree(text, tree, by), text),
        None => Ok(tree.to_string()),
    }
}

/// As [`query`], of a vector selector alone.
pub(super) fn selector(text: &str, by: Option<&Matcher>) -> Result<String, Error> {
    match by {
        Some(by) => scoped(scope::promql_selector(text, by), text),
        None => parsed(promql::parse_selector(text), text).map(|tree| tree.to_string()),
    }
}

/// Unix seconds, as an exact decimal.
pub(super) fn time(time: Nanos) -> String {
    let nanos = time.0.unsigned_abs();
    let text = seconds(nanos / 1_000_000_000, nanos % 1_000_000_000);
    if time.0 < 0 { format!("-{text}") } else { text }
}

/// Seconds, as an exact decimal.
pub(super) fn duration(duration: Duration) -> String {
    seconds(duration.as_secs(), u64::from(duration.subsec_nanos()))
}

fn seconds(whole: u64, nanos: u64) -> String {
    if nanos == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{nanos:09}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_decimal_seconds() {
        assert_eq!(time(Nanos(1_737_972_000_000_000_000)), "1737972000");
        assert_eq!(
            time(Nanos(1_737_972_000_120_000_001)),
            "1737972000.120000001"
        );
        assert_eq!(time(Nanos(-1_500_000_000)), "-1.5");
        assert_eq!(duration(Duration::from_millis(500)), "0.5");
        assert_eq!(duration(Duration::from_secs(100)), "100");
    }
}
