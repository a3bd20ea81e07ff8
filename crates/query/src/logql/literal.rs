//! Number, duration and byte literals, with the values that Loki's lexer gives them.

const SECOND: u64 = 1_000_000_000;

/// A duration in Prometheus' notation: whole numbers with the units `y w d h m s ms`, from the
/// greatest to the smallest, each at most once; or `0`. In nanoseconds.
pub(super) fn prometheus_duration(text: &[u8]) -> Option<i64> {
    if text == b"0" {
        return Some(0);
    }
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last_place = 0;
    while !rest.is_empty() {
        let (digits, after) = split_at_first(rest, |byte| !byte.is_ascii_digit());
        let value = whole(digits)?;
        let (unit, after) = split_at_first(after, |byte| byte.is_ascii_digit());
        let (place, factor) = match unit {
            b"y" => (1, 365 * 24 * 3600 * SECOND),
            b"w" => (2, 7 * 24 * 3600 * SECOND),
            b"d" => (3, 24 * 3600 * SECOND),
            b"h" => (4, 3600 * SECOND),
            b"m" => (5, 60 * SECOND),
            b"s" => (6, SECOND),
            b"ms" => (7, 1_000_000),
            _ => return None,
        };
        if place <= last_place {
            return None;
        }
        last_place = place;
        total = total.checked_add(value.checked_mul(factor)?)?;
        rest = after;
    }
    i64::try_from(total).ok()
}

/// A duration in Go's notation: a sign, then numbers, also with a fraction, with the units
/// `h m s ms us ns` in any order. In nanoseconds.
pub(super) fn go_duration(text: &[u8]) -> Option<i64> {
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (digits, mut after) = split_at_first(rest, |byte| !byte.is_ascii_digit());
        let mut fraction: &[u8] = &[];
        if let [b'.', more @ ..] = after {
            (fraction, after) = split_at_first(more, |byte| !byte.is_ascii_digit());
        }
        if digits.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, after) = split_at_first(after, |byte| byte == b'.' || byte.is_ascii_digit());
        let factor: u64 = match unit {
            b"ns" => 1,
            // Both micro signs, U+00B5 and U+03BC.
            b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1000,
            b"ms" => 1_000_000,
            b"s" => SECOND,
            b"m" => 60 * SECOND,
            b"h" => 3600 * SECOND,
            _ => return None,
        };
        let value = if digits.is_empty() { 0 } else { whole(digits)? };
        let value = value
            .checked_mul(factor)?
            .checked_add(parts_of(factor, fraction))?;
        total = total.checked_add(value)?;
        rest = after;
    }
    if negative {
        0_i64.checked_sub_unsigned(total)
    } else {
        i64::try_from(total).ok()
    }
}

/// The decimal `fraction` (the digits behind the point) of `unit`, rounded down.
fn parts_of(unit: u64, fraction: &[u8]) -> u64 {
    let mut numerator: u128 = 0;
    let mut scale: u128 = 1;
    // Nineteen digits are finer than a nanosecond of any unit.
    for digit in fraction.iter().take(19) {
        numerator = numerator * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    u64::try_from(u128::from(unit) * numerator / scale).unwrap_or_default()
}

/// A number of bytes: a decimal number and one of the units `B`, `kB`, `KB`, `KiB`, `K` and so on
/// up to `P`. A fraction of a byte is cut off.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let split = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit() && byte != b'.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000_u64.pow(2),
        "g" | "gb" => 1000_u64.pow(3),
        "t" | "tb" => 1000_u64.pow(4),
        "p" | "pb" => 1000_u64.pow(5),
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        "pi" | "pib" => 1 << 50,
        _ => return None,
    };
    #[allow(clippy::cast_precision_loss)] // every unit is a power of two or of ten below 2^53
    let value = number.parse::<f64>().ok()? * unit as f64;
    if value >= 18_446_744_073_709_551_616.0 {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range, see above
    Some(value as u64)
}

/// The value of a number token, which is never signed: decimal, or hexadecimal with an exponent.
/// `None` for what has no value: other bases, and what is too large.
pub(super) fn number(text: &str) -> Option<f64> {
    let mut plain = String::new();
    let text = if text.contains('_') {
        plain.extend(text.chars().filter(|c| *c != '_'));
        &plain
    } else {
        text
    };
    let value = match text.as_bytes() {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest)?,
        _ => text.parse::<f64>().ok()?,
    };
    value.is_finite().then_some(value)
}

/// `1.8p3`: hexadecimal digits, and the power of two they are multiplied with.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let (mantissa, exponent) = split_at_first(text, |byte| matches!(byte, b'p' | b'P'));
    let exponent = std::str::from_utf8(exponent.get(1..)?).ok()?;
    let mut power: i64 = exponent.parse::<i32>().ok()?.into();
    let mut value: u64 = 0;
    let mut after_point = false;
    for byte in mantissa {
        if *byte == b'.' {
            after_point = true;
            continue;
        }
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        if value >> 60 == 0 {
            value = value << 4 | digit;
            power -= if after_point { 4 } else { 0 };
        } else {
            // What no longer fits decides how the last bit is rounded.
            value |= u64::from(digit != 0);
            power += if after_point { 0 } else { 4 };
        }
    }
    #[allow(clippy::cast_precision_loss)] // this is the rounding
    let mut result = value as f64;
    while power != 0 && result != 0.0 && result.is_finite() {
        let step = power.clamp(-1000, 1000);
        result *= 2_f64.powi(i32::try_from(step).ok()?);
        power -= step;
    }
    Some(result)
}

fn whole(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn split_at_first(text: &[u8], stop: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text
        .iter()
        .position(|byte| stop(*byte))
        .unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_mean_what_loki_says() {
        let cases = [
            ("5m", Some(300_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1y", Some(31_536_000_000_000_000)),
            ("1w2d", Some(777_600_000_000_000)),
            ("100ms", Some(100_000_000)),
            ("0", Some(0)),
            ("", None),
            ("5", None),
            ("5m1h", None),
            ("1m1m", None),
            ("1.5h", None),
            ("300y", None),
            ("-5m", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(prometheus_duration(text.as_bytes()), nanos, "{text}");
        }
        let cases = [
            ("1.5h", Some(5_400_000_000_000)),
            ("-5m", Some(-300_000_000_000)),
            ("1m1h", Some(3_660_000_000_000)),
            ("1h15m30.918273645s", Some(4_530_918_273_645)),
            ("5\u{b5}s", Some(5_000)),
            (".5s", Some(500_000_000)),
            ("-0", Some(0)),
            ("1d", None),
            (".s", None),
            ("-", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(go_duration(text.as_bytes()), nanos, "{text}");
        }
    }

    #[test]
    fn byte_sizes_mean_what_loki_says() {
        let cases = [
            ("5B", Some(5)),
            ("2.5KiB", Some(2560)),
            ("5kB", Some(5000)),
            ("5KB", Some(5000)),
            ("1PiB", Some(1 << 50)),
            ("1G", Some(1_000_000_000)),
            ("1Bk", None),
            ("1.2.3B", None),
            ("99999999P", None),
        ];
        for (text, value) in cases {
            assert_eq!(bytes(text), value, "{text}");
        }
    }

    #[test]
    fn numbers_mean_what_loki_says() {
        let cases = [
            ("1", Some(1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e6", Some(1e6)),
            ("017", Some(17.0)),
            ("1_000", Some(1000.0)),
            ("0x1p3", Some(8.0)),
            ("0x1.8p1", Some(3.0)),
            ("0x10", None),
            ("0b1", None),
            ("0o7", None),
            ("1e999", None),
        ];
        for (text, value) in cases {
            assert_eq!(number(text), value, "{text}");
        }
    }
}
