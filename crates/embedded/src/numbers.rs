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
