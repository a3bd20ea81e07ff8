//! The caller's parameters: an allow-list, each at most once, each parsed.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::percent_decode;

use crate::error::Error;
use crate::routes::{Absent, Backend, Endpoint, Kind, Parameter};

/// How often a parameter that may be repeated may be.
pub(crate) const MOST_REPEATED: usize = 100;

/// The longest list of label names, and the longest name of one, in bytes.
pub(crate) const MAX_NAMES_LENGTH: usize = 4096;

/// Where the caller's parameters are: in the URL, and of a POST in a form, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// The raw query string.
    pub url: &'a str,
    /// The raw form.
    pub form: &'a str,
}

/// A point in time, in nanoseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub i64);

impl Nanos {
    /// The time that a clock tells; one that they cannot hold is the nearest that they can.
    pub(crate) fn of(time: Timestamp) -> Self {
        let nanos = time.as_nanosecond();
        let nearest = if nanos < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(nanos).unwrap_or(nearest))
    }
}

/// What a parameter's value means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A query, or a word that stands for itself.
    Text(String),
    /// A point in time.
    Time(Nanos),
    /// A length of time, at least a millisecond.
    Duration(Duration),
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Time(_) | Self::Duration(_) => None,
        }
    }
}

/// The parameters of a request that its route understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters(Vec<(&'static str, Value)>);

impl Parameters {
    /// Parses what a caller sent by a route's allow-list. `most_lines` is the most log lines that
    /// may be asked for.
    ///
    /// A name that is not on the list is dropped; one that is there twice is refused, since
    /// backends differ in which of the two they believe (threat 9).
    pub fn parse(input: Input<'_>, endpoint: &Endpoint, most_lines: u32) -> Result<Self, Error> {
        let parameters = endpoint.parameters;
        let mut values: Vec<(&'static str, Value)> = Vec::with_capacity(parameters.len());
        let mut seen: Vec<&'static str> = Vec::with_capacity(parameters.len());
        let pairs = input.url.split('&').chain(input.form.split('&'));
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)
                .ok_or_else(|| bad("a parameter's name is not valid percent-encoded UTF-8"))?;
            let known = parameters.iter().find(|known| known.name == name);
            let value = decode(value).ok_or_else(|| {
                // A name that is not on the list is the caller's text and is not repeated.
                let name = known.map_or("a parameter", |known| known.name);
                bad(format!("{name}: not valid percent-encoded UTF-8"))
            })?;
            let Some(parameter) = known else { continue };
            let times = seen.iter().filter(|name| **name == parameter.name).count();
            let most = if parameter.kind.repeats() {
                MOST_REPEATED
            } else {
                1
            };
            if times >= most {
                return Err(if most == 1 {
                    bad(format!("{}: given more than once", parameter.name))
                } else {
                    bad(format!("{}: given more than {most} times", parameter.name))
                });
            }
            seen.push(parameter.name);
            if !value.is_empty() {
                let value = read(parameter, endpoint.backend, value, most_lines)?;
                values.push((parameter.name, value));
            }
        }
        let parsed = Self(values);
        parsed.complete(parameters)?;
        Ok(parsed)
    }

    /// The value of a parameter, unless it was absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all(name).next()
    }

    /// All values of a parameter that are not empty.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Value> {
        let of_the_name = self.0.iter().filter(move |(known, _)| *known == name);
        of_the_name.map(|(_, value)| value)
    }

    fn complete(&self, parameters: &[Parameter]) -> Result<(), Error> {
        for parameter in parameters {
            if parameter.absent == Absent::Refused && self.get(parameter.name).is_none() {
                return Err(missing(parameter.name));
            }
        }
        if let (Some(Value::Time(start)), Some(Value::Time(end))) =
            (self.get("start"), self.get("end"))
            && start > end
        {
            return Err(bad("start: is after end"));
        }
        Ok(())
    }
}

fn bad(sentence: impl Into<String>) -> Error {
    Error::BadData(sentence.into())
}

/// A parameter that must be there and is not.
pub(super) fn missing(name: &str) -> Error {
    bad(format!("{name}: this parameter is required"))
}

/// Decodes one name or value of a query string, once and strictly: a `%` that starts no escape, and
/// bytes that are no UTF-8, are refused and not guessed at.
fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let bytes = raw.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(raw));
    }
    let escapes_are_whole = bytes.iter().enumerate().all(|(at, byte)| {
        let hex = |offset: usize| bytes.get(at + offset).is_some_and(u8::is_ascii_hexdigit);
        *byte != b'%' || (hex(1) && hex(2))
    });
    if !escapes_are_whole {
        return None;
    }
    let spaced: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded: Cow<'_, [u8]> = percent_decode(&spaced).into();
    String::from_utf8(decoded.into_owned()).ok().map(Cow::Owned)
}

fn read(
    parameter: &Parameter,
    backend: Backend,
    value: Cow<'_, str>,
    most_lines: u32,
) -> Result<Value, Error> {
    let name = parameter.name;
    let text = &*value;
    match parameter.kind {
        Kind::Logql
        | Kind::LogqlOnResource
        | Kind::Promql
        | Kind::StreamSelectors
        | Kind::VectorSelectors => Ok(Value::Text(value.into_owned())),
        Kind::Time => time(text, backend).map(Value::Time).ok_or_else(|| {
            let nanoseconds = match backend {
                Backend::Loki => ", Unix nanoseconds",
                Backend::Mimir => "",
            };
            bad(format!(
                "{name}: expected a time as RFC 3339 (2025-01-27T10:00:00Z){nanoseconds} or Unix seconds"
            ))
        }),
        Kind::Duration => duration(text).map(Value::Duration).ok_or_else(|| {
            bad(format!(
                "{name}: expected a positive duration such as 15s, 1m30s or 0.5 (seconds)"
            ))
        }),
        Kind::Lines => integer(name, text, 1, most_lines),
        Kind::Integer(least, most) => integer(name, text, least, most),
        Kind::Word(words) => words
            .iter()
            .find(|word| text.eq_ignore_ascii_case(word))
            .map(|word| Value::Text((*word).to_owned()))
            .ok_or_else(|| bad(format!("{name}: expected {}", words.join(" or ")))),
        Kind::LabelNames => (text.len() <= MAX_NAMES_LENGTH && text.split(',').all(is_label_name))
            .then(|| Value::Text(text.to_owned()))
            .ok_or_else(|| bad(format!("{name}: expected names of labels with commas between them"))),
        Kind::MetricName => (text.len() <= MAX_NAMES_LENGTH && !text.chars().any(char::is_control))
            .then(|| Value::Text(text.to_owned()))
            .ok_or_else(|| bad(format!("{name}: expected the name of a metric"))),
        Kind::Bytes => is_size(text)
            .then(|| Value::Text(text.to_owned()))
            .ok_or_else(|| bad(format!("{name}: expected a size such as 600MB"))),
    }
}

fn integer(name: &str, text: &str, least: u32, most: u32) -> Result<Value, Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u32>().ok();
    number
        .filter(|number| digits && (least..=most).contains(number))
        .map(|number| Value::Text(number.to_string()))
        .ok_or_else(|| {
            bad(format!(
                "{name}: expected an integer from {least} to {most}"
            ))
        })
}

/// Whether `name` can be a label's: of Loki always, and of Prometheus as it is written in paths,
/// where names with other characters are escaped (`U__a_2e_b` for `a.b`).
pub(super) fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first
        && name.len() <= MAX_NAMES_LENGTH
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Digits and then a unit.
fn is_size(text: &str) -> bool {
    const UNITS: [&str; 10] = ["", "B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text.get(digits..).unwrap_or_default();
    (1..=15).contains(&digits) && UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit))
}

/// A time: RFC 3339 or Unix seconds. Loki also takes integers of more than ten characters, which
/// are nanoseconds there; to Prometheus all numbers are seconds.
fn time(text: &str, backend: Backend) -> Option<Nanos> {
    let is_integer = text.parse::<i64>().is_ok();
    let nanos = match backend {
        Backend::Loki if is_integer && text.len() > 10 => i128::from(text.parse::<i64>().ok()?),
        Backend::Loki | Backend::Mimir => match decimal_nanos(text) {
            Some(nanos) => nanos,
            None => text.parse::<Timestamp>().ok()?.as_nanosecond(),
        },
    };
    i64::try_from(nanos).ok().map(Nanos)
}

/// Decimal seconds as nanoseconds, exactly; digits past the ninth are cut.
fn decimal_nanos(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || !all_digits(whole) || !all_digits(fraction) {
        return scientific_nanos(text);
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    // Eighteen digits fit.
    let whole: i64 = whole.parse().ok()?;
    let nanos = i128::from(whole) * 1_000_000_000 + i128::from(fraction);
    Some(if negative { -nanos } else { nanos })
}

/// Seconds in scientific notation (`1.737972e+09`), as some clients print floating-point numbers;
/// to the millisecond, which is what such a number can hold.
fn scientific_nanos(text: &str) -> Option<i128> {
    let of_a_number =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !text.bytes().all(of_a_number) {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    let millis = (seconds * 1000.0).round();
    // The bound of what 64 bits of nanoseconds can hold, so the cast is exact.
    #[allow(clippy::cast_possible_truncation)]
    (millis.abs() < 9.2e15).then(|| millis as i128 * 1_000_000)
}

/// A length of time in whole milliseconds, as the backends use it: decimal seconds, or a
/// Prometheus duration.
fn duration(text: &str) -> Option<Duration> {
    let millis = match decimal_nanos(text) {
        Some(nanos) => u64::try_from(nanos / 1_000_000).ok()?,
        None => prometheus_duration(text)?,
    };
    // The most that 64 bits of nanoseconds hold, as both backends keep durations.
    let most = i64::MAX.unsigned_abs() / 1_000_000;
    (1..=most)
        .contains(&millis)
        .then(|| Duration::from_millis(millis))
}

/// `1h30m`: the units from long to short, each at most once.
fn prometheus_duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 24 * 3_600_000),
        ("w", 7 * 24 * 3_600_000),
        ("d", 24 * 3_600_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(letters)?;
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        let millis = number.parse::<u64>().ok()?.checked_mul(*length)?;
        total = total.checked_add(millis)?;
        rest = after;
    }
    Some(total)
}
