//! Prometheus' side of scoping: PromQL, and how Mimir reads times and durations.

use std::time::Duration;

use query::{Matcher, promql, scope};

use super::decimal;
use super::parameters::Nanos;
use super::{parsed, scoped};
use crate::error::Error;
use crate::limit::Bounds;

/// A query within `bounds`, bound to `by`; without one only parsed and printed.
/// `lookback` is how far back it looks for a sample, where the caller says so.
pub(super) fn query(
    text: &str,
    by: Option<&Matcher>,
    (bounds, lookback): (Bounds, Duration),
) -> Result<String, Error> {
    let tree = parsed(promql::parse(text), text)?;
    bounds.check_promql(&tree, lookback)?;
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
    let mut out = String::with_capacity(LONGEST);
    if time.0 < 0 {
        out.push('-');
    }
    let nanos = time.0.unsigned_abs();
    seconds(&mut out, nanos / 1_000_000_000, nanos % 1_000_000_000);
    out
}

/// Seconds, as an exact decimal.
pub(super) fn duration(duration: Duration) -> String {
    let mut out = String::with_capacity(LONGEST);
    let nanos = u64::from(duration.subsec_nanos());
    seconds(&mut out, duration.as_secs(), nanos);
    out
}

/// The digits of 64 bits, a sign and a point.
const LONGEST: usize = 22;

fn seconds(out: &mut String, whole: u64, nanos: u64) {
    decimal::push(out, whole, 1);
    if nanos > 0 {
        out.push('.');
        decimal::push(out, nanos, 9);
        out.truncate(out.trim_end_matches('0').len());
    }
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
