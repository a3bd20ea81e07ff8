//! Times and durations in parameters.

use crate::numbers::to_i64;

const SECOND_NS: f64 = 1e9;

/// RFC 3339 in nanoseconds since the Unix epoch.
pub(super) fn rfc3339(text: &str) -> Option<i64> {
    // jiff would also take a space or a lower-case `t` between date and time.
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// Fractional Unix seconds in nanoseconds, to the millisecond.
pub(super) fn fractional_seconds(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    let millis = ((seconds - seconds.trunc()) * 1000.0).round();
    to_i64(seconds.trunc() * SECOND_NS)?.checked_add(to_i64(millis * 1e6)?)
}

/// A step, an interval or a timeout in nanoseconds: seconds, or a duration as Prometheus writes
/// it.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return to_i64(seconds * SECOND_NS).ok_or_else(|| {
            format!("cannot parse {text:?} to a valid duration. It overflows int64")
        });
    }
    prometheus_duration(text).ok_or_else(|| format!("cannot parse {text:?} to a valid duration"))
}

/// A duration such as `1h30m`: units in descending order, each at most once.
pub(super) fn prometheus_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 7] = [
        ("y", 365 * 24 * 3_600_000),
        ("w", 7 * 24 * 3_600_000),
        ("d", 24 * 3_600_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut millis = 0_i64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = rest.split_at_checked(digits)?;
        let letters = behind.len()
            - behind
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (unit, next) = behind.split_at_checked(letters)?;
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<i64>().ok()?.checked_mul(*length)?)?;
        rest = next;
    }
    if text.is_empty() {
        return None;
    }
    millis.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_reads_them() {
        for (text, millis) in [
            ("15s", Some(15_000)),
            ("1m", Some(60_000)),
            ("1h30m", Some(5_400_000)),
            ("250ms", Some(250)),
            ("1m5ms", Some(60_005)),
            ("0", Some(0)),
            ("0.5", Some(500)),
            ("60", Some(60_000)),
            ("1e1", Some(10_000)),
            ("", None),
            ("1m1h", None),
            ("5", Some(5000)),
            ("m", None),
            ("1.5m", None),
            ("-1m", None),
            ("1m ", None),
            ("NaN", None),
            ("99999999999999y", None),
        ] {
            let nanos = millis.map(|millis: i64| millis * 1_000_000);
            assert_eq!(duration(text).ok(), nanos, "{text}");
        }
    }

    #[test]
    fn times_are_read_to_the_nanosecond_and_fractions_to_the_millisecond() {
        assert_eq!(
            rfc3339("2026-11-01T00:00:00.000000001Z"),
            Some(1_793_491_200_000_000_001)
        );
        assert_eq!(
            rfc3339("2026-11-01T02:00:00+02:00"),
            Some(1_793_491_200_000_000_000)
        );
        assert_eq!(rfc3339("2026-11-01"), None);
        assert_eq!(
            fractional_seconds("1793491200.1239"),
            Some(1_793_491_200_124_000_000)
        );
        assert_eq!(fractional_seconds("NaN"), None);
    }
}
