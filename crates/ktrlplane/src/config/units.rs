//! Sizes and times as people write them: `10GiB`, `7d`. A size without a unit is in bytes.

use std::time::Duration;

use jiff::SignedDuration;

const UNITS: [(&str, u32); 5] = [
    ("KiB", 10),
    ("MiB", 20),
    ("GiB", 30),
    ("TiB", 40),
    ("PiB", 50),
];
const DAY: u64 = 86_400;

/// What the text of a value is a measure of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Nothing.
    None,
    /// Bytes.
    Bytes,
    /// Time.
    Time,
}

impl Measure {
    /// A value as it is shown; one that cannot be read, or is a word, as it was given.
    pub(crate) fn canonical(self, text: &str) -> String {
        let shown = match self {
            Self::None => None,
            Self::Bytes => parse_bytes(text).map(bytes),
            Self::Time => parse_time(text)
                .and_then(|parsed| Duration::try_from(parsed).ok())
                .map(time),
        };
        shown.unwrap_or_else(|| text.to_owned())
    }
}

/// A number of bytes: plain, or a whole number with a unit.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit());
    let (number, unit) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let number = number.parse::<u64>().ok()?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Some(number);
    }
    let known = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit));
    number.checked_mul(1 << known?.1)
}

/// A time: what [`SignedDuration`] reads, with days in front, which it does not know, for those of the
/// calendar may have 23 hours. Here they have 24.
pub(crate) fn parse_time(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let (days, rest) = text.split_once('d')?;
    let days = days.trim().parse::<u32>().ok()?;
    let rest = match rest.trim() {
        "" => SignedDuration::ZERO,
        rest => rest.parse().ok()?,
    };
    SignedDuration::from_hours(24 * i64::from(days)).checked_add(rest)
}

/// A number of bytes in the largest unit of which it is a whole number.
pub(crate) fn bytes(bytes: u64) -> String {
    let whole = |(_, bits): &&(&str, u32)| bytes > 0 && bytes.trailing_zeros() >= *bits;
    match UNITS.iter().rev().find(whole) {
        Some((name, bits)) => format!("{}{name}", bytes >> bits),
        None => bytes.to_string(),
    }
}

/// A time in days where it is a number of these, and otherwise in hours and less.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds > 0 && seconds.is_multiple_of(DAY) && time.subsec_nanos() == 0 {
        return format!("{}d", seconds / DAY);
    }
    let mut shown = String::new();
    let millis = time.subsec_millis();
    for (number, unit) in [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (millis.into(), "ms"),
    ] {
        if number > 0 {
            shown.push_str(&number.to_string());
            shown.push_str(unit);
        }
    }
    if shown.is_empty() {
        shown.push_str("0s");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units_and_shown_in_the_largest() {
        for (text, number, shown) in [
            ("0", 0, "0"),
            ("10737418240", 10 << 30, "10GiB"),
            ("10GiB", 10 << 30, "10GiB"),
            (" 64 mib ", 64 << 20, "64MiB"),
            ("1536MiB", 1536 << 20, "1536MiB"),
            ("1025", 1025, "1025"),
        ] {
            assert_eq!(parse_bytes(text), Some(number), "{text}");
            assert_eq!(Measure::Bytes.canonical(text), shown);
        }
        for text in [
            "",
            "GiB",
            "1.5GiB",
            "-1",
            "10GB",
            "10G",
            "99999999999999PiB",
            "off",
        ] {
            assert_eq!(parse_bytes(text), None, "{text}");
            assert_eq!(Measure::Bytes.canonical(text), text);
        }
    }

    #[test]
    fn times_are_read_with_days_and_shown_in_them_where_they_are_whole() {
        for (text, seconds, shown) in [
            ("7d", 7 * DAY, "7d"),
            ("168h", 7 * DAY, "7d"),
            ("1d12h", 36 * 3600, "36h"),
            ("90m", 5400, "1h30m"),
            ("0s", 0, "0s"),
            ("2s", 2, "2s"),
        ] {
            let time = Duration::try_from(parse_time(text).unwrap()).unwrap();
            assert_eq!(time, Duration::from_secs(seconds), "{text}");
            assert_eq!(Measure::Time.canonical(text), shown);
        }
        assert_eq!(Measure::Time.canonical("100ms"), "100ms");
        for text in ["", "d", "7", "-1d", "1.5d", "7dd", "soon", "99999999999d"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
