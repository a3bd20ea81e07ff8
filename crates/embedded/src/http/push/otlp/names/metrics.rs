//! Names and units of metrics: in a name, what may not be in it separates words; the unit is the
//! last of them, and then comes `total` for a counter and `ratio` for a gauge without a unit.

use super::nothing_left;
use crate::http::push::Refused;

/// What of a metric's kind tells in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http::push::otlp) enum Kind {
    Counter,
    Gauge,
    Other,
}

/// The metric's name in Prometheus.
pub(in crate::http::push::otlp) fn name(
    name: &str,
    unit: &str,
    kind: Kind,
) -> Result<String, Refused> {
    let words = name.split(|char: char| !is_allowed(char));
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let (main, per) = units(unit);
    let (mut main, mut per) = (cleaned(&main), cleaned(&per));
    if words.contains(&main.as_str()) {
        main.clear();
    }
    let trimmed = per.strip_suffix('_').unwrap_or(&per);
    per = if per == "per_" || words.contains(&trimmed) {
        String::new()
    } else {
        trimmed.to_owned()
    };
    if !per.is_empty() && main.ends_with('_') {
        main.pop();
    }
    words.extend(
        [main.as_str(), per.as_str()]
            .into_iter()
            .filter(|word| !word.is_empty()),
    );
    let last = match kind {
        Kind::Counter => Some("total"),
        Kind::Gauge if unit == "1" => Some("ratio"),
        Kind::Gauge | Kind::Other => None,
    };
    if let Some(last) = last {
        words.retain(|word| *word != last);
        words.push(last);
    }
    let mut made = words.join("_");
    if made.starts_with(|first: char| first.is_ascii_digit()) {
        made.insert(0, '_');
    }
    if made.chars().all(|char| char == '_') {
        return Err(nothing_left("metric's", name));
    }
    Ok(made)
}

/// The unit in Prometheus.
pub(in crate::http::push::otlp) fn unit(unit: &str) -> String {
    let (main, per) = units(unit);
    let (main, per) = (cleaned(&main), cleaned(&per));
    let both = match (main.is_empty(), per.is_empty()) {
        (false, false) => format!("{main}_{per}"),
        (false, true) => main,
        (true, _) => per,
    };
    let both = both.strip_prefix('_').unwrap_or(&both);
    both.strip_suffix('_').unwrap_or(both).to_owned()
}

fn is_allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == ':'
}

/// The unit's words: what is counted, and `per_` what. What is in braces is a note, and no unit.
fn units(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let one = |text: &str, table: &[(&str, &str)]| {
        let text = text.trim();
        if text.contains(['{', '}']) {
            return String::new();
        }
        let known = table.iter().find(|(unit, _)| *unit == text);
        known.map_or(text, |(_, word)| *word).to_owned()
    };
    let per = one(per, &PER);
    let per = if per.is_empty() {
        per
    } else {
        format!("per_{per}")
    };
    (one(main, &MAIN), per)
}

/// A unit as words of a name.
fn cleaned(unit: &str) -> String {
    let mut cleaned = String::with_capacity(unit.len());
    for char in unit.chars() {
        if is_allowed(char) {
            cleaned.push(char);
        } else if !cleaned.ends_with('_') {
            cleaned.push('_');
        }
    }
    let rest = cleaned.strip_prefix('_').map(str::to_owned);
    rest.unwrap_or(cleaned)
}

/// Units of the UCUM, and the words for them.
const MAIN: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// What something can be per.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_get_their_units_and_kinds_into_their_names() {
        for (from, of, kind, wanted) in [
            ("http.requests", "", Kind::Counter, "http_requests_total"),
            ("total.requests", "1", Kind::Counter, "requests_total"),
            (
                "requests_total",
                "{request}",
                Kind::Counter,
                "requests_total",
            ),
            ("disk.io", "By", Kind::Counter, "disk_io_bytes_total"),
            ("disk.io.bytes", "By", Kind::Counter, "disk_io_bytes_total"),
            (
                "disk.speed",
                "By/s",
                Kind::Gauge,
                "disk_speed_bytes_per_second",
            ),
            ("fuel", "L/100km", Kind::Gauge, "fuel_L_per_100km"),
            ("utilization", "1", Kind::Gauge, "utilization_ratio"),
            ("ratio.of.x", "1", Kind::Gauge, "of_x_ratio"),
            ("utilization", "1", Kind::Other, "utilization"),
            ("load", "%", Kind::Gauge, "load_percent"),
            ("duration", "ms", Kind::Other, "duration_milliseconds"),
            ("9to5", "", Kind::Other, "_9to5"),
            ("a:b..c", "", Kind::Other, "a:b_c"),
            ("x", "{a}/{b}", Kind::Other, "x"),
            ("x", "__/__", Kind::Other, "x"),
            ("x", "a b/c d", Kind::Other, "x_a_b_per_c_d"),
        ] {
            assert_eq!(name(from, of, kind).unwrap(), wanted, "{from} {of}");
        }
        for from in ["", "...", "\u{e9}"] {
            assert!(name(from, "", Kind::Other).is_err(), "{from}");
        }
    }

    #[test]
    fn units_become_words() {
        for (from, wanted) in [
            ("", ""),
            ("1", ""),
            ("s", "seconds"),
            ("By/s", "bytes_per_second"),
            ("/m", "per_minute"),
            ("{x}/d", "per_day"),
            ("a%b_", "a_b"),
        ] {
            assert_eq!(unit(from), wanted, "{from}");
        }
    }
}
