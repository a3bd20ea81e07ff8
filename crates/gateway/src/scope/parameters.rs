//! The caller's parameters: an allow-list, each at most once, each parsed.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::{Error, Flaw};
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

    /// So much earlier.
    pub(super) fn before(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(nanos))
    }

    /// How long after `earlier` it is; nothing where it is before that.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.abs_diff(earlier.0.min(self.0)))
    }
}

/// What a parameter's value means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A query, or a word that stands for itself.
    Text(Cow<'a, str>),
    /// A point in time.
    Time(Nanos),
    /// A length of time, at least a millisecond.
    Duration(Duration),
}

impl Value<'_> {
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
pub struct Parameters<'a>(
    // In their order, also those that are empty and so have no value.
    Vec<(&'static str, Option<Value<'a>>)>,
);

impl<'a> Parameters<'a> {
    /// Parses what a caller sent by a route's allow-list. `most_lines` is the most log lines that
    /// may be asked for.
    ///
    /// A name that is not on the list is dropped; one that is there twice is refused, since
    /// backends differ in which of the two they believe (threat 9).
    pub fn parse(input: Input<'a>, endpoint: &Endpoint, most_lines: u32) -> Result<Self, Error> {
        let parameters = endpoint.parameters;
        let mut given: Vec<(&'static str, Option<Value<'a>>)> =
            Vec::with_capacity(parameters.len());
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
            let same = given.iter().filter(|(name, _)| *name == parameter.name);
            let times = same.count();
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
            let value = if value.is_empty() {
                None
            } else {
                Some(read(parameter, endpoint.backend, value, most_lines)?)
            };
            given.push((parameter.name, value));
        }
        let parsed = Self(given);
        parsed.complete(parameters)?;
        Ok(parsed)
    }

    /// The value of a parameter, unless it was absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.all(name).next()
    }

    /// All values of a parameter that are not empty.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Value<'a>> {
        let of_the_name = self.0.iter().filter(move |(known, _)| *known == name);
        of_the_name.filter_map(|(_, value)| value.as_ref())
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
    Error::BadData(Flaw::Parameter, sentence.into())
}

/// A parameter that must be there and is not.
pub(super) fn missing(name: &str) -> Error {
    bad(format!("{name}: this parameter is required"))
}

/// Decodes one name or value of a query string, once and strictly: a `%` that starts no escape, and
/// bytes that are no UTF-8, are refused and not guessed at.
fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let Some(plain) = raw.bytes().position(|byte| matches!(byte, b'%' | b'+')) else {
        return Some(raw.into());
    };
    let (plain, rest) = raw.as_bytes().split_at_checked(plain)?;
    let mut decoded = Vec::with_capacity(raw.len());
    decoded.extend_from_slice(plain);
    let mut rest = rest.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            _ => *byte,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// The value of a hexadecimal digit, in either case.
const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn read<'a>(
    parameter: &Parameter,
    backend: Backend,
    text: Cow<'a, str>,
    most_lines: u32,
) -> Result<Value<'a>, Error> {
    let name = parameter.name;
    match parameter.kind {
        Kind::Logql
        | Kind::LogqlOnResource
        | Kind::Promql
        | Kind::StreamSelectors
        | Kind::VectorSelectors => Ok(Value::Text(text)),
        Kind::Time => time(&text, backend).map(Value::Time).ok_or_else(|| {
            let nanoseconds = match backend {
                Backend::Loki => ", Unix nanoseconds",
                Backend::Mimir => "",
            };
            bad(format!(
                "{name}: expected a time as RFC 3339 (2025-01-27T10:00:00Z){nanoseconds} or Unix seconds"
            ))
        }),
        Kind::Duration => duration(&text).map(Value::Duration).ok_or_else(|| {
            bad(format!(
                "{name}: expected a positive duration such as 15s, 1m30s or 0.5 (seconds)"
            ))
        }),
        Kind::Lines => integer(name, &text, 1, most_lines).map_err(|_| {
            bad(format!(
                "{name}: expected an integer from 1 to {most_lines} (observability.loki.max_lines)"
            ))
        }),
        Kind::Integer(least, most) => integer(name, &text, least, most),
        Kind::Word(words) => words
            .iter()
            .find(|word| text.eq_ignore_ascii_case(word))
            .map(|word| Value::Text(Cow::Borrowed(*word)))
            .ok_or_else(|| bad(format!("{name}: expected {}", words.join(" or ")))),
        Kind::LabelNames => (text.len() <= MAX_NAMES_LENGTH && text.split(',').all(is_label_name))
            .then_some(Value::Text(text))
            .ok_or_else(|| bad(format!("{name}: expected names of labels with commas between them"))),
        Kind::MetricName => (text.len() <= MAX_NAMES_LENGTH && !text.chars().any(char::is_control))
            .then_some(Value::Text(text))
            .ok_or_else(|| bad(format!("{name}: expected the name of a metric"))),
        Kind::Bytes => is_size(&text)
            .then_some(Value::Text(text))
            .ok_or_else(|| bad(format!("{name}: expected a size such as 600MB"))),
    }
}

fn integer(name: &str, text: &str, least: u32, most: u32) -> Result<Value<'static>, Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u32>().ok();
    number
        .filter(|number| digits && (least..=most).contains(number))
        .map(|number| Value::Text(number.to_string().into()))
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
    let nanoseconds = match backend {
        Backend::Loki if text.len() > 10 => text.parse::<i64>().ok(),
        Backend::Loki | Backend::Mimir => None,
    };
    let nanos = match nanoseconds {
        Some(nanos) => return Some(Nanos(nanos)),
        None => match decimal_nanos(text) {
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
    let (Some(whole), Some(fraction)) = (whole_seconds(whole), nanos_of_a_second(fraction)) else {
        return scientific_nanos(text);
    };
    let nanos = i128::from(whole) * 1_000_000_000 + i128::from(fraction);
    Some(if negative { -nanos } else { nanos })
}

/// A number of 1 to 18 digits.
fn whole_seconds(digits: &str) -> Option<u64> {
    let short = (1..=18).contains(&digits.len());
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    (short && all_digits).then(|| digits.parse().ok())?
}

/// What digits behind a point mean, in units of the ninth; those past it are cut.
fn nanos_of_a_second(digits: &str) -> Option<u32> {
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        nanos += u32::from(byte - b'0') * unit;
        unit /= 10;
    }
    Some(nanos)
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
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within the bound of what 64 bits of nanoseconds can hold it is exact"
    )]
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
