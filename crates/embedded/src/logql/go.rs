//! Values as Go reads and writes them: Loki's answers and error texts show its standard library.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A string as `%q` prints it.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A string as errors about durations show it: bytes beyond ASCII one by one.
fn quote_bytes(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'~' | 0x7f => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}

/// Reads a floating-point number; the error is the one that users of Loki know.
pub(crate) fn parse_float(text: &str) -> Result<f64, String> {
    let fail = |why: &str| format!("strconv.ParseFloat: parsing {}: {why}", quote(text));
    let plain = without_underscores(text).ok_or_else(|| fail("invalid syntax"))?;
    let value: f64 = plain.parse().map_err(|_| fail("invalid syntax"))?;
    if value.is_nan() && text.starts_with(['+', '-']) {
        return Err(fail("invalid syntax"));
    }
    let spelled = text.bytes().any(|byte| matches!(byte, b'i' | b'I'));
    if value.is_infinite() && !spelled {
        return Err(fail("value out of range"));
    }
    Ok(value)
}

/// The digits without the underscores that Go allows between any two of them.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let well_placed = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)));
    well_placed.then(|| Cow::Owned(text.replace('_', "")))
}

/// A text of bytes that may be none: every byte that is not part of a character is shown as one
/// replacement character, as Go's JSON shows it.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    out
}

/// A text in lower case, character by character as Go has it: none becomes two, and none depends
/// on the one beside it.
pub(crate) fn to_lower(text: &str) -> String {
    // The first character of a longer form is the plain letter, as in the Turkish dotted I.
    text.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}

/// A text in upper case, likewise; what has no capital of one character stays as it is.
pub(crate) fn to_upper(text: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    };
    text.chars().map(upper).collect()
}

/// A duration as Go prints it: `1h2m0.5s`, `1.5ms`.
pub(crate) fn format_duration(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    // Digits behind the point, without zeros at the end.
    let with_fraction = |whole: u64, rest: u64, width: usize| {
        let fraction = format!("{rest:0width$}");
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            whole.to_string()
        } else {
            format!("{whole}.{fraction}")
        }
    };
    let unit = match magnitude {
        0 => return "0s".to_owned(),
        1..1_000 => return format!("{sign}{magnitude}ns"),
        1_000..1_000_000 => Some(("µs", 1_000, 3)),
        1_000_000..1_000_000_000 => Some(("ms", 1_000_000, 6)),
        _ => None,
    };
    if let Some((name, size, width)) = unit {
        let number = with_fraction(magnitude / size, magnitude % size, width);
        return format!("{sign}{number}{name}");
    }
    let (seconds, rest) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
    let shown = with_fraction(seconds % 60, rest, 9);
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{shown}s"),
        (0, minutes) => format!("{sign}{minutes}m{shown}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{shown}s"),
    }
}

/// Reads a duration such as `1h2.5s`, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let quote = quote_bytes;
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole_len = digits(rest);
        let (whole, after) = rest.split_at(whole_len);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(digits(after)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_len = after
            .bytes()
            .position(|byte| byte == b'.' || byte.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let scale = unit_nanos(unit).ok_or_else(|| {
            format!(
                "time: unknown unit {} in duration {}",
                quote(unit),
                quote(text)
            )
        })?;
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        total = whole
            .checked_mul(i128::from(scale))
            .and_then(|nanos| total.checked_add(nanos))
            .ok_or_else(invalid)?;
        total += fraction_nanos(fraction, scale);
        rest = after;
    }
    let limit = if negative {
        1_i128 << 63
    } else {
        (1_i128 << 63) - 1
    };
    if total > limit {
        return Err(invalid());
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn unit_nanos(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn fraction_nanos(fraction: &str, scale: i64) -> i128 {
    // More than 18 digits are finer than a nanosecond of an hour.
    let digits = &fraction[..fraction.len().min(18)];
    let Ok(value) = digits.parse::<i128>() else {
        return 0;
    };
    let power = u32::try_from(digits.len()).unwrap_or(18);
    value * i128::from(scale) / 10_i128.pow(power)
}

const UNITS: [(&str, f64); 25] = [
    ("", 1.0),
    ("b", 1.0),
    ("k", 1e3),
    ("kb", 1e3),
    ("ki", 1_024.0),
    ("kib", 1_024.0),
    ("m", 1e6),
    ("mb", 1e6),
    ("mi", 1_048_576.0),
    ("mib", 1_048_576.0),
    ("g", 1e9),
    ("gb", 1e9),
    ("gi", 1_073_741_824.0),
    ("gib", 1_073_741_824.0),
    ("t", 1e12),
    ("tb", 1e12),
    ("ti", 1_099_511_627_776.0),
    ("tib", 1_099_511_627_776.0),
    ("p", 1e15),
    ("pb", 1e15),
    ("pi", 1_125_899_906_842_624.0),
    ("pib", 1_125_899_906_842_624.0),
    ("e", 1e18),
    ("eb", 1e18),
    ("eib", 1_152_921_504_606_846_976.0),
];

/// Reads a number of bytes such as `1.5 KiB` or `900kB`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked against the range
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let end = text
        .char_indices()
        .find(|(_, c)| !(c.is_ascii_digit() || matches!(c, '.' | ',')))
        .map_or(text.len(), |(at, _)| at);
    let (number, unit) = text.split_at(end);
    let value = parse_float(&number.replace(',', ""))?;
    let unit = unit.trim().to_lowercase();
    let scale = if unit == "ei" {
        1_152_921_504_606_846_976.0
    } else {
        let known = UNITS.iter().find(|(name, _)| *name == unit);
        known
            .ok_or_else(|| format!("unhandled size name: {unit}"))?
            .1
    };
    let bytes = value * scale;
    if bytes >= 18_446_744_073_709_551_616.0 {
        return Err(format!("too large: {text}"));
    }
    Ok(bytes as u64)
}

/// A number of bytes in two digits and powers of 1,000, such as `2.1MB`.
#[allow(clippy::cast_precision_loss)] // the sizes that people write are exact
pub(crate) fn format_bytes(bytes: u64) -> String {
    if bytes < 10 {
        return format!("{bytes}B");
    }
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let size = bytes as f64;
    let exponent = (size.ln() / 1_000_f64.ln()).floor();
    let Some((_, unit)) = (0_u8..)
        .map(f64::from)
        .zip(units)
        .find(|(power, _)| *power >= exponent)
    else {
        return format!("{bytes}B");
    };
    let value = (size / 1_000_f64.powf(exponent) * 10.0 + 0.5).floor() / 10.0;
    if value < 10.0 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

/// The number of bytes that is left of `bytes` after Loki printed and read it again.
///
/// Loki hands a query between its own parts as text, and prints byte sizes with two digits in
/// powers of 1,000. `size = 2MiB` is evaluated as `size = 2.1MB`, and so does not match `2MiB`.
pub(crate) fn reprinted_bytes(bytes: u64) -> u64 {
    parse_bytes(&format_bytes(bytes)).unwrap_or(bytes)
}

/// A number as `%v` prints it: the shortest digits that read back the same, with an exponent
/// below 1e-4 and from 1e6.
pub(crate) fn format_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("1.25s", Ok(1_250_000_000)),
            ("15us", Ok(15_000)),
            ("2m", Ok(120_000_000_000)),
            ("-1h2m", Ok(-3_720_000_000_000)),
            (".5ms", Ok(500_000)),
            ("0", Ok(0)),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("5d", Err("time: unknown unit \"d\" in duration \"5d\"")),
            ("x", Err("time: invalid duration \"x\"")),
            ("", Err("time: invalid duration \"\"")),
        ];
        for (text, wanted) in cases {
            assert_eq!(
                parse_duration(text),
                wanted.map_err(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_are_read_with_either_kind_of_unit() {
        let cases = [
            ("900KB", Ok(900_000)),
            ("1.5KB", Ok(1_500)),
            ("2MiB", Ok(2_097_152)),
            ("7", Ok(7)),
            ("1,000 b", Ok(1_000)),
            ("12kB", Ok(12_000)),
            ("7 apples", Err("unhandled size name: apples")),
            ("x", Err("strconv.ParseFloat: parsing \"\": invalid syntax")),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse_bytes(text), wanted.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_size_keeps_two_digits_between_the_parts_of_loki() {
        let cases = [
            (2_097_152, 2_100_000),
            (1_500, 1_500),
            (900_000, 900_000),
            (512, 512),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(reprinted_bytes(bytes), wanted);
        }
    }

    #[test]
    fn floats_are_printed_as_go_prints_them() {
        let cases = [
            (1.0, "1"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (3e6, "3e+06"),
            (123_456.5, "123456.5"),
            (0.00001, "1e-05"),
            (-2.5, "-2.5"),
        ];
        for (value, wanted) in cases {
            assert_eq!(format_float(value), wanted);
        }
    }
}
