//! What numbers and durations mean, by the rules of Go and of Prometheus.

use crate::duration::Duration;
use crate::small_str::SmallStr;

/// The value of a number literal without sign: an integer in Go's notation (`0755` is octal,
/// `0xff` hexadecimal, `1_000` grouped), or else a decimal number, grouped or not, `Inf` or `NaN`.
///
/// `None` is what Prometheus refuses: digits that are none, or a number beyond 64-bit floats.
pub(super) fn number(text: &str) -> Option<f64> {
    // Plain decimal digits are nearly all there is.
    if text.len() <= 15 && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    if let Some(value) = integer(text) {
        #[allow(clippy::cast_precision_loss)] // as Prometheus does
        return Some(value as f64);
    }
    let mut plain = String::new();
    let text = if text.contains('_') {
        // An underscore stands between two digits here, too.
        let mut groups = text.split('_');
        let digit = |c: char| c.is_ascii_digit();
        let mut before = groups.next()?;
        plain.push_str(before);
        for group in groups {
            if !before.ends_with(digit) || !group.starts_with(digit) {
                return None;
            }
            plain.push_str(group);
            before = group;
        }
        &plain
    } else {
        text
    };
    let value: f64 = text.parse().ok()?;
    // Rust reads too great a number as infinite, where Go has an error.
    (value.is_finite() || !text.starts_with(|char: char| char.is_ascii_digit() || char == '.'))
        .then_some(value)
}

/// How a number is printed: as it was written, but for a hexadecimal one that ends in an E. At the end
/// of a query Prometheus takes that for an exponent without digits.
pub(super) fn written(text: &str) -> SmallStr {
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if !hexadecimal || !text.ends_with(['e', 'E']) {
        return text.into();
    }
    integer(text).map_or_else(|| text.into(), |value| value.to_string().into())
}

fn integer(text: &str) -> Option<i64> {
    let hexadecimal = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some("")) => return Some(0),
        (None, Some(digits)) => (digits, 8),
        (None, None) => (text, 10),
    };
    // An underscore stands between two digits, the prefix counting as one.
    let digits = match radix {
        10 => digits,
        _ => digits.strip_prefix('_').unwrap_or(digits),
    };
    let mut value: i64 = 0;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for byte in group.bytes() {
            let digit = char::from(byte).to_digit(radix)?;
            value = value
                .checked_mul(i64::from(radix))?
                .checked_add(i64::from(digit))?;
        }
    }
    Some(value)
}

/// Units of a duration, in the order in which they may stand, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The length of a duration such as `1h30m`, in nanoseconds.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(super) fn duration(text: &str) -> Result<i64, &'static str> {
    const TOO_LONG: &str = "longer than 292 years";
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (count, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_lowercase).count();
        let (name, behind) = behind.split_at(letters);
        if count.is_empty() || !UNITS.iter().any(|(unit, _)| *unit == name) {
            return Err("not a duration; one is written like 1h30m, of y, w, d, h, m, s and ms");
        }
        let Some((_, length)) = units.find(|(unit, _)| *unit == name) else {
            return Err("not a duration: each unit stands once, the longest first");
        };
        let count: u64 = count.parse().map_err(|_| TOO_LONG)?;
        millis = count
            .checked_mul(*length)
            .and_then(|length| millis.checked_add(length))
            .ok_or(TOO_LONG)?;
        rest = behind;
    }
    i64::try_from(millis)
        .ok()
        .and_then(|millis| millis.checked_mul(1_000_000))
        .ok_or(TOO_LONG)
}

/// Seconds as a duration literal; `None` is beyond 292 years. `NaN` seconds are accepted, as by
/// Prometheus, and no time at all.
pub(super) fn seconds(value: f64, text: SmallStr) -> Option<Duration> {
    const NANOS: f64 = 1e9;
    // The greatest number of seconds of which the nanoseconds fit 64 bits, as Prometheus has it.
    const MAX: f64 = 9_223_372_036.854_775;
    if value.abs() > MAX {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // saturates at the end of the range just checked
    let nanos = (value * NANOS).round() as i64;
    Some(Duration { nanos, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_what_go_says() {
        let cases = [
            ("0", 0.0),
            ("1", 1.0),
            ("0755", 493.0),
            ("0_755", 493.0),
            ("089", 89.0),
            ("0xFf", 255.0),
            ("0x_f", 15.0),
            ("1_000_000", 1e6),
            ("1_0.5", 10.5),
            ("1.2_5e1_0", 1.25e10),
            ("0_8", 8.0),
            ("922337_2036854775808", 9_223_372_036_854_775_808.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("5e-3", 0.005),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
            ("Inf", f64::INFINITY),
            ("iNF", f64::INFINITY),
        ];
        for (text, value) in cases {
            assert_eq!(number(text), Some(value), "{text}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        for text in [
            "1_",
            "1__0",
            "1__0.5",
            "1_.5",
            "1._5",
            "1_e5",
            "1.5_",
            "0x_f_.5",
            "0x",
            "1e",
            "1e999",
            "0xffffffffffffffffff",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_sums_of_units_in_order() {
        assert_eq!(duration("5m"), Ok(300_000_000_000));
        assert_eq!(duration("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(duration("1y2w3d4h5m6s7ms"), Ok(33_019_506_007_000_000));
        assert_eq!(duration("0s"), Ok(0));
        for text in [
            "5m1h",
            "5m5m",
            "5x",
            "5hs",
            "1.5h",
            "300y",
            "99999999999999999999s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
