//! Functions of a time: `hour(vector)` and its like, in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Seconds of 400 years, after which the calendar begins anew, weekdays and all.
const CYCLE: i128 = 146_097 * 86_400;
/// Where Go's calendar begins, in seconds before 1970. What is earlier it takes for 2^64 seconds
/// later.
const BEGINNING: i128 = -9_223_372_028_741_760_000;

/// A date, with that of the first 400 years from 1970 on that is like it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Date {
    like: DateTime,
    cycles: i128,
}

/// A part of a date.
pub(super) type DatePart = fn(Date) -> i128;

/// The part of the time at these Unix seconds. What is no time at all is, as with Go on most
/// machines, the earliest that there is.
#[allow(clippy::cast_precision_loss)] // PromQL has nothing but floats
pub(super) fn part_of(seconds: f64, part: DatePart) -> f64 {
    let seconds = i128::from(crate::numbers::to_i64(seconds).unwrap_or(i64::MIN));
    let seconds = if seconds < BEGINNING {
        seconds + (1 << 64)
    } else {
        seconds
    };
    let like = i64::try_from(seconds.rem_euclid(CYCLE)).ok();
    let like = like.and_then(|like| jiff::Timestamp::from_second(like).ok());
    like.map_or(f64::NAN, |like| {
        part(Date {
            like: Offset::UTC.to_datetime(like),
            cycles: seconds.div_euclid(CYCLE),
        }) as f64
    })
}

pub(super) fn minute(date: Date) -> i128 {
    date.like.minute().into()
}

pub(super) fn hour(date: Date) -> i128 {
    date.like.hour().into()
}

/// From 0 (Sunday) to 6.
pub(super) fn day_of_week(date: Date) -> i128 {
    date.like.weekday().to_sunday_zero_offset().into()
}

pub(super) fn day_of_month(date: Date) -> i128 {
    date.like.day().into()
}

pub(super) fn day_of_year(date: Date) -> i128 {
    date.like.day_of_year().into()
}

pub(super) fn days_in_month(date: Date) -> i128 {
    date.like.days_in_month().into()
}

pub(super) fn month(date: Date) -> i128 {
    date.like.month().into()
}

pub(super) fn year(date: Date) -> i128 {
    i128::from(date.like.year()) + date.cycles * 400
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // whole numbers
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_prometheus_however_far_away() {
        // Day, weekday, month, year, hour and minute as Prometheus 3.14 has them.
        for (seconds, wanted) in [
            (f64::NAN, [4., 0., 12., 292_277_026_596., 15., 30.]),
            (1e300, [4., 0., 12., 292_277_026_596., 15., 30.]),
            (-1e11, [15., 4., 2., -1_199., 14., 13.]),
            (1e17, [6., 3., 9., 3_168_875_820., 9., 46.]),
            (
                -9.223_372_028_715_3e18,
                [1., 1., 1., -292_277_022_399., 6., 2.],
            ),
            (-9.223_372_03e18, [23., 0., 2., 292_277_026_814., 7., 53.]),
            (0.0, [1., 4., 1., 1970., 0., 0.]),
        ] {
            let parts: [DatePart; 6] = [day_of_month, day_of_week, month, year, hour, minute];
            assert_eq!(
                parts.map(|part| part_of(seconds, part)),
                wanted,
                "{seconds}"
            );
        }
    }
}
