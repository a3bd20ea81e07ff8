//! Functions of a time: `hour(vector)` and its like, in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A part of a date.
pub(super) type DatePart = fn(DateTime) -> i16;

/// The part of the time at these Unix seconds; NaN where no calendar reaches.
pub(super) fn part_of(seconds: f64, part: DatePart) -> f64 {
    crate::numbers::to_i64(seconds)
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or(f64::NAN, |time| {
            f64::from(part(Offset::UTC.to_datetime(time)))
        })
}

pub(super) fn minute(time: DateTime) -> i16 {
    i16::from(time.minute())
}

pub(super) fn hour(time: DateTime) -> i16 {
    i16::from(time.hour())
}

/// From 0 (Sunday) to 6.
pub(super) fn day_of_week(time: DateTime) -> i16 {
    i16::from(time.weekday().to_sunday_zero_offset())
}

pub(super) fn day_of_month(time: DateTime) -> i16 {
    i16::from(time.day())
}

pub(super) fn day_of_year(time: DateTime) -> i16 {
    time.day_of_year()
}

pub(super) fn days_in_month(time: DateTime) -> i16 {
    i16::from(time.days_in_month())
}

pub(super) fn month(time: DateTime) -> i16 {
    i16::from(time.month())
}

pub(super) fn year(time: DateTime) -> i16 {
    time.year()
}
