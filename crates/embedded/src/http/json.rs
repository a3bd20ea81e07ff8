//! JSON as Prometheus and Loki write it: numbers as text, in Go's notation.

use std::fmt::Write as _;

use crate::answer::{MatrixSeries, VectorSample};
use crate::labels::Labels;
use crate::numbers::go_float;

/// Appends a JSON string.
pub(super) fn string(out: &mut String, text: &str) {
    // Writing a str to a String does not fail.
    if let Ok(quoted) = serde_json::to_string(text) {
        out.push_str(&quoted);
    }
}

/// Appends labels as an object.
pub(super) fn labels(out: &mut String, labels: &Labels) {
    out.push('{');
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        string(out, name);
        out.push(':');
        string(out, value);
    }
    out.push('}');
}

/// Appends the items, with commas between them, in brackets.
pub(super) fn list<T>(out: &mut String, items: &[T], mut item: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        item(out, one);
    }
    out.push(']');
}

/// Appends strings, with commas between them, in brackets.
pub(super) fn strings(out: &mut String, items: impl IntoIterator<Item: AsRef<str>>) {
    out.push('[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        string(out, item.as_ref());
    }
    out.push(']');
}

/// What both APIs tell of a build: the version whose API is spoken, and whose build it is.
pub(super) fn build_info(speaks: &str) -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!(
        r#"{{"version":"{speaks}","revision":"embedded-{own}","branch":"","buildUser":"","buildDate":"","goVersion":""}}"#
    )
}

/// How numbers and times are written. The shortest decimal that reads back as the same float, in
/// either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// With an exponent below 1e-6 and from 1e21, and times to three digits.
    Prometheus,
    /// Never with an exponent, and times without trailing zeros.
    Loki,
}

/// Appends a point: a time in seconds and a value in quotes, in brackets.
pub(super) fn point(out: &mut String, style: Style, timestamp_ms: i64, value: f64) {
    out.push('[');
    time(out, style, timestamp_ms);
    out.push_str(",\"");
    number(out, style, value);
    out.push_str("\"]");
}

/// Appends a time in seconds.
pub(super) fn time(out: &mut String, style: Style, timestamp_ms: i64) {
    let sign = if timestamp_ms < 0 { "-" } else { "" };
    let (seconds, millis) = (
        timestamp_ms.unsigned_abs() / 1000,
        timestamp_ms.unsigned_abs() % 1000,
    );
    let fraction = format!("{millis:03}");
    let fraction = match style {
        Style::Prometheus => fraction.as_str(),
        Style::Loki => fraction.trim_end_matches('0'),
    };
    // Writing to a String does not fail.
    let _ = if millis == 0 {
        write!(out, "{sign}{seconds}")
    } else {
        write!(out, "{sign}{seconds}.{fraction}")
    };
}

/// Appends a value.
pub(super) fn number(out: &mut String, style: Style, value: f64) {
    let small_or_large = value != 0.0 && (value.abs() < 1e-6 || value.abs() >= 1e21);
    if style == Style::Prometheus && small_or_large && value.is_finite() {
        let text = format!("{value:e}");
        // Go writes a sign and at least two digits behind the e.
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |below| ('-', below));
        let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
    } else {
        out.push_str(&go_float(value));
    }
}

/// Appends series over time.
pub(super) fn matrix(out: &mut String, style: Style, series: &[MatrixSeries]) {
    list(out, series, |out, one| {
        out.push_str(r#"{"metric":"#);
        labels(out, &one.labels);
        out.push_str(r#","values":"#);
        list(out, &one.points, |out, at| {
            point(out, style, at.timestamp_ms, at.value);
        });
        out.push('}');
    });
}

/// Appends series with one value each.
pub(super) fn vector(out: &mut String, style: Style, samples: &[VectorSample]) {
    list(out, samples, |out, one| {
        out.push_str(r#"{"metric":"#);
        labels(out, &one.labels);
        out.push_str(r#","value":"#);
        point(out, style, one.point.timestamp_ms, one.point.value);
        out.push('}');
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(style: Style, value: f64) -> String {
        let mut out = String::new();
        number(&mut out, style, value);
        out
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (value, prometheus, loki) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (1.0, "1", "1"),
            (1e6, "1000000", "1000000"),
            (0.1, "0.1", "0.1"),
            (1.0 / 3.0, "0.3333333333333333", "0.3333333333333333"),
            (1e-6, "0.000001", "0.000001"),
            (1.5e-7, "1.5e-07", "0.00000015"),
            (1e20, "100000000000000000000", "100000000000000000000"),
            (1e21, "1e+21", "1000000000000000000000"),
            (-2.5e-300, "-2.5e-300", ""),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
        ] {
            assert_eq!(written(Style::Prometheus, value), prometheus);
            if !loki.is_empty() {
                assert_eq!(written(Style::Loki, value), loki);
            }
        }
    }

    #[test]
    fn times_are_seconds_with_milliseconds_behind_the_point() {
        for (millis, prometheus, loki) in [
            (0, "0", "0"),
            (1500, "1.500", "1.5"),
            (1001, "1.001", "1.001"),
            (-250, "-0.250", "-0.25"),
        ] {
            let mut out = String::new();
            time(&mut out, Style::Prometheus, millis);
            out.push(' ');
            time(&mut out, Style::Loki, millis);
            assert_eq!(out, format!("{prometheus} {loki}"));
        }
    }
}
