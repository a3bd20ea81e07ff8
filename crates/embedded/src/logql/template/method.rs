//! Methods of times and durations, as Go's have them.

use super::signature::Kind;
use super::time::Time;
use super::value::{Named, Value};

const NONE: &[Kind] = &[];
const DURATION: &[Kind] = &[Kind::Duration];
const TIME: &[Kind] = &[Kind::Time];

/// What the method of a value takes. An error says why there is none.
pub(super) fn arguments(value: &Value, name: &str) -> Result<&'static [Kind], String> {
    let known = match value {
        Value::Time(_) => match name {
            "Unix" | "UnixNano" | "UnixMilli" | "UnixMicro" | "Year" | "Month" | "Day" | "Hour"
            | "Minute" | "Second" | "Nanosecond" | "Weekday" | "YearDay" | "UTC" | "Local"
            | "IsZero" | "IsDST" | "String" | "Zone" | "ISOWeek" | "Date" | "Clock" => Some(NONE),
            "Format" => Some(&[Kind::Text] as &[Kind]),
            "Add" | "Truncate" | "Round" => Some(DURATION),
            "AddDate" => Some(&[Kind::Int, Kind::Int, Kind::Int] as &[Kind]),
            "Sub" | "Before" | "After" | "Equal" | "Compare" => Some(TIME),
            "Location" | "In" | "GoString" | "AppendFormat" | "AppendText" | "AppendBinary"
            | "MarshalText" | "MarshalJSON" | "MarshalBinary" | "ZoneBounds" | "GobEncode" => {
                return Err(format!("{name} of a time is not supported"));
            }
            _ => None,
        },
        Value::Named(Named::Duration, _) => match name {
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds"
            | "Abs" | "String" => Some(NONE),
            "Truncate" | "Round" => Some(DURATION),
            _ => None,
        },
        Value::Named(Named::Month | Named::Weekday, _) => (name == "String").then_some(NONE),
        Value::Nil
        | Value::Text(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Float(_)
        | Value::Bool(_)
        | Value::Map(_)
        | Value::List(_)
        | Value::Labels => None,
    };
    known.ok_or_else(|| format!("can't evaluate field {name} in type {}", value.type_name()))
}

/// Calls the method of a value with arguments that were checked.
pub(super) fn call(value: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    match value {
        Value::Time(time) => of_time(*time, name, args),
        Value::Named(kind, number) => Ok(of_number(*kind, *number, name, args)),
        Value::Nil
        | Value::Text(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Float(_)
        | Value::Bool(_)
        | Value::Map(_)
        | Value::List(_)
        | Value::Labels => Ok(Value::Nil),
    }
}

fn of_time(time: Time, name: &str, args: &[Value]) -> Result<Value, String> {
    let other = match args.first() {
        Some(Value::Time(other)) => *other,
        _ => Time::ZERO,
    };
    let int = |at: usize| args.get(at).map_or(0, Value::to_integer);
    let civil = || time.civil().ok_or("the time is out of range".to_owned());
    Ok(match name {
        "Unix" => Value::Long(time.seconds),
        "UnixNano" => Value::Long(time.nanos_since_epoch()),
        "UnixMilli" => Value::Long(time.millis()),
        "UnixMicro" => Value::Long(time.micros()),
        "Year" => Value::Int(civil()?.year().into()),
        "Month" => Value::Named(Named::Month, civil()?.month().into()),
        "Day" => Value::Int(civil()?.day().into()),
        "Hour" => Value::Int(civil()?.hour().into()),
        "Minute" => Value::Int(civil()?.minute().into()),
        "Second" => Value::Int(civil()?.second().into()),
        "Nanosecond" => Value::Int(civil()?.subsec_nanosecond().into()),
        "Weekday" => Value::Named(
            Named::Weekday,
            civil()?.weekday().to_sunday_zero_offset().into(),
        ),
        "YearDay" => Value::Int(civil()?.day_of_year().into()),
        "UTC" | "Local" => Value::Time(time),
        "IsZero" => Value::Bool(time == Time::ZERO),
        "IsDST" => Value::Bool(false),
        "String" => Value::Text(time.to_string()),
        // Functions of templates return one value.
        "Zone" | "ISOWeek" => {
            return Err(format!(
                "invalid function signature for {name}: second return value should be error; is int"
            ));
        }
        "Date" | "Clock" => {
            return Err(format!(
                "function {name} has 3 return values; should be 1 or 2"
            ));
        }
        "Format" => match args.first() {
            Some(Value::Text(layout)) => Value::Text(time.format(layout)?),
            _ => Value::Nil,
        },
        "Add" => Value::Time(time.plus(int(0))),
        "AddDate" => Value::Time(
            time.plus_date(int(0), int(1), int(2))
                .ok_or("the time is out of range")?,
        ),
        "Truncate" => Value::Time(time.rounded(int(0), false)),
        "Round" => Value::Time(time.rounded(int(0), true)),
        "Sub" => Value::Named(Named::Duration, time.since(other)),
        "Before" => Value::Bool(time < other),
        "After" => Value::Bool(time > other),
        "Equal" => Value::Bool(time == other),
        "Compare" => Value::Int(time.cmp(&other) as i64),
        _ => Value::Nil,
    })
}

#[allow(clippy::cast_precision_loss)] // as Go rounds
fn of_number(kind: Named, number: i64, name: &str, args: &[Value]) -> Value {
    let unit = args.first().map_or(0, Value::to_integer);
    let count = |unit: i64| (number / unit) as f64 + (number % unit) as f64 / unit as f64;
    match name {
        "Hours" => Value::Float(count(3_600_000_000_000)),
        "Minutes" => Value::Float(count(60_000_000_000)),
        "Seconds" => Value::Float(count(1_000_000_000)),
        "Milliseconds" => Value::Long(number / 1_000_000),
        "Microseconds" => Value::Long(number / 1_000),
        "Nanoseconds" => Value::Long(number),
        "Abs" => Value::Named(kind, number.saturating_abs()),
        "Truncate" if unit > 0 => Value::Named(kind, number - number % unit),
        "Round" if unit > 0 => Value::Named(kind, round(number, unit)),
        "Truncate" | "Round" => Value::Named(kind, number),
        _ => Value::Text(kind.show(number)),
    }
}

/// The nearest multiple of a unit; half ways go away from zero.
fn round(number: i64, unit: i64) -> i64 {
    let rest = number % unit;
    let down = number - rest;
    if rest.unsigned_abs() < unit.unsigned_abs() - rest.unsigned_abs() {
        down
    } else {
        down.saturating_add(if number < 0 { -unit } else { unit })
    }
}
