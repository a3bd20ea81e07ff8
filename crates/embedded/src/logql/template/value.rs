//! Values of templates.

use std::collections::BTreeMap;

use super::time::{MONTHS, Time, WEEKDAYS};

/// A value, with as much of its type in Go as makes a difference.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// No value, and the `nil` of JSON's `null`.
    Nil,
    Text(String),
    /// An `int`, as literals and lengths are.
    Int(i64),
    /// An `int64`, as sums are.
    Long(i64),
    Float(f64),
    Bool(bool),
    Time(Time),
    /// A number of a type of its own.
    Named(Named, i64),
    Map(BTreeMap<String, Value>),
    List(Vec<Value>),
    /// The labels: a map of texts in which what is missing is empty.
    Labels,
}

/// Types of numbers that print in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Nanoseconds.
    Duration,
    /// From 1 on.
    Month,
    /// From 0, which is Sunday, on.
    Weekday,
}

impl Named {
    /// As `%v` prints the number.
    pub(super) fn show(self, number: i64) -> String {
        let word = |words: &[&'static str], at: i64| {
            let word = usize::try_from(at).ok().and_then(|at| words.get(at));
            word.map(ToString::to_string)
        };
        match self {
            Self::Duration => super::super::go::format_duration(number),
            Self::Month => {
                word(&MONTHS, number - 1).unwrap_or_else(|| format!("%!Month({number})"))
            }
            Self::Weekday => {
                word(&WEEKDAYS, number).unwrap_or_else(|| format!("%!Weekday({number})"))
            }
        }
    }
}

impl Value {
    /// Whether a condition holds.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Text(text) => !text.is_empty(),
            Self::Int(int) | Self::Long(int) | Self::Named(_, int) => *int != 0,
            Self::Float(float) => *float != 0.0,
            Self::Bool(bool) => *bool,
            Self::Map(map) => !map.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Time(_) | Self::Labels => true,
        }
    }

    /// The type's name in Go.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Text(_) => "string",
            Self::Int(_) => "int",
            Self::Long(_) => "int64",
            Self::Float(_) => "float64",
            Self::Bool(_) => "bool",
            Self::Time(_) => "time.Time",
            Self::Named(Named::Duration, _) => "time.Duration",
            Self::Named(Named::Month, _) => "time.Month",
            Self::Named(Named::Weekday, _) => "time.Weekday",
            Self::Map(_) => "map[string]interface {}",
            Self::List(_) => "[]interface {}",
            Self::Labels => "map[string]string",
        }
    }

    /// The value of JSON.
    pub(super) fn from_json(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(bool) => Self::Bool(bool),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or_default()),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(list) => {
                Self::List(list.into_iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(map) => Self::Map(
                map.into_iter()
                    .map(|(key, value)| (key, Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// As sprig's integer functions read a value: what is no number is 0.
    #[allow(clippy::cast_possible_truncation)] // as Go truncates
    pub(super) fn to_integer(&self) -> i64 {
        match self {
            Self::Int(int) | Self::Long(int) | Self::Named(_, int) => *int,
            Self::Float(float) => *float as i64,
            Self::Bool(bool) => i64::from(*bool),
            Self::Text(text) => integer(text).unwrap_or_default(),
            Self::Nil | Self::Time(_) | Self::Map(_) | Self::List(_) | Self::Labels => 0,
        }
    }

    /// As sprig's floating-point functions read a value: what is no number is 0.
    #[allow(clippy::cast_precision_loss)] // as Go rounds
    pub(super) fn to_float(&self) -> f64 {
        match self {
            Self::Int(int) | Self::Long(int) | Self::Named(_, int) => *int as f64,
            Self::Float(float) => *float,
            Self::Bool(bool) => f64::from(*bool),
            Self::Text(text) => super::super::go::parse_float(text).unwrap_or_default(),
            Self::Nil | Self::Time(_) | Self::Map(_) | Self::List(_) | Self::Labels => 0.0,
        }
    }
}

/// An integer in any of Go's bases; digits behind a decimal point are dropped.
fn integer(text: &str) -> Option<i64> {
    let text = match text.split_once('.') {
        Some((whole, fraction)) => {
            let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            match digits {
                "" if plain(fraction) => return Some(0),
                _ if plain(digits) && plain(fraction) => whole,
                _ => return None,
            }
        }
        None => text,
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let value = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}
