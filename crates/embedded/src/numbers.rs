//! Numbers as Go converts and writes them.

/// The number without its fraction, if it is one that fits.
#[allow(clippy::cast_possible_truncation)] // the range is checked
pub(crate) fn to_i64(number: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (-BEYOND..BEYOND).contains(&number).then_some(number as i64)
}

/// A float as Go formats it with `'f'` and the fewest digits that read back as the same float.
pub(crate) fn go_float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

/// A float as Go formats it with `%g` and `%v`: the fewest digits that read back as the same float,
/// with an exponent below 1e-4 and from a million on.
pub(crate) fn go_general(value: f64) -> String {
    with_exponent(value, &format!("{value:e}"), 6)
}

/// A float as Go formats it with `%.<digits>g`: that many digits at most, with an exponent below
/// 1e-4 and where the number has more digits before its point.
pub(crate) fn go_rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.*e}", digits.saturating_sub(1));
    with_exponent(value, &text, i32::try_from(digits).unwrap_or(i32::MAX))
}

/// A float that `text` writes with an exponent, which stays where it is that of a small number or at
/// least `from`.
fn with_exponent(value: f64, text: &str, from: i32) -> String {
    let parts = text.split_once('e');
    let Some((digits, exponent)) = parts.filter(|_| value.is_finite()) else {
        return go_float(value);
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..from).contains(&exponent) {
        return go_float(text.parse().unwrap_or(value));
    }
    let digits = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_formatted_as_go_formats_them() {
        for (value, shortest, of_two) in [
            (0.0, "0", "0"),
            (94.0, "94", "94"),
            (100.0, "100", "1e+02"),
            (123_456.0, "123456", "1.2e+05"),
            (1_234_567.0, "1.234567e+06", "1.2e+06"),
            (897_731_367.75, "8.9773136775e+08", "9e+08"),
            (1e300, "1e+300", "1e+300"),
            (0.125, "0.125", "0.12"),
            (-0.0001, "-0.0001", "-0.0001"),
            (0.00001, "1e-05", "1e-05"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NAN, "NaN", "NaN"),
        ] {
            assert_eq!(go_general(value), shortest);
            assert_eq!(go_rounded(value, 2), of_two);
        }
    }
}
