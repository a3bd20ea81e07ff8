//! Times in Go's layouts, which show how the second of January 2006, 15:04:05, would be written.

use std::fmt;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday, date};
use jiff::tz::{Offset, TimeZone};

/// A time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time {
    /// Since the Unix epoch.
    pub(super) seconds: i64,
    nanos: i32,
}

/// The months in English.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days of the week in English, from Sunday on.
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Parts of layouts, longer ones before those that they begin with.
const PARTS: [&str; 40] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "__2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "_2",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    ".000000000",
    ".999999999",
    ".000000",
    ".999999",
    ".000",
    ".999",
    "1",
    "2",
    "3",
    "4",
    "5",
    "_2006",
];

impl Time {
    /// Go's zero time, the first second of the year 1.
    pub(super) const ZERO: Self = Self {
        seconds: -62_135_596_800,
        nanos: 0,
    };

    pub(super) fn from_nanos(nanos: i64) -> Self {
        let seconds = nanos.div_euclid(1_000_000_000);
        let nanos = i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
        Self { seconds, nanos }
    }

    pub(super) fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    pub(super) fn millis(self) -> i64 {
        self.seconds
            .wrapping_mul(1_000)
            .wrapping_add(i64::from(self.nanos / 1_000_000))
    }

    /// Wraps around beyond the years 1678 to 2262, as in Go.
    pub(super) fn nanos_since_epoch(self) -> i64 {
        self.seconds
            .wrapping_mul(1_000_000_000)
            .wrapping_add(i64::from(self.nanos))
    }

    pub(super) fn micros(self) -> i64 {
        self.seconds
            .wrapping_mul(1_000_000)
            .wrapping_add(i64::from(self.nanos / 1_000))
    }

    /// The time so many nanoseconds later.
    pub(super) fn plus(self, nanos: i64) -> Self {
        let step = Self::from_nanos(nanos);
        let nanos = self.nanos + step.nanos;
        Self {
            seconds: self
                .seconds
                .saturating_add(step.seconds)
                .saturating_add(i64::from(nanos >= 1_000_000_000)),
            nanos: nanos % 1_000_000_000,
        }
    }

    /// The time so many years, months and days later; days that a month does not have run over
    /// into the next one. `None` beyond the years -9999 to 9999.
    pub(super) fn plus_date(self, years: i64, months: i64, days: i64) -> Option<Self> {
        let civil = self.civil()?;
        let months = i64::from(civil.year())
            .checked_add(years)?
            .checked_mul(12)?
            .checked_add(i64::from(civil.month()) - 1)?
            .checked_add(months)?;
        let first = date(
            i16::try_from(months.div_euclid(12))
                .ok()
                .filter(|year| (-9_999..=9_999).contains(year))?,
            i8::try_from(months.rem_euclid(12) + 1).ok()?,
            1,
        );
        let span = jiff::Span::new()
            .try_days(days.checked_add(i64::from(civil.day()) - 1)?)
            .ok()?;
        let day = first.checked_add(span).ok()?;
        let timestamp = Offset::UTC
            .to_timestamp(day.to_datetime(civil.time()))
            .ok()?;
        Some(Self {
            seconds: timestamp.as_second(),
            nanos: timestamp.subsec_nanosecond(),
        })
    }

    /// Nanoseconds since another time, as far as they have room.
    pub(super) fn since(self, other: Self) -> i64 {
        i64::try_from(self.total() - other.total()).unwrap_or(if self < other {
            i64::MIN
        } else {
            i64::MAX
        })
    }

    /// A multiple of so many nanoseconds since the zero time: the last one, or the nearest.
    pub(super) fn rounded(self, unit: i64, to_nearest: bool) -> Self {
        if unit <= 0 {
            return self;
        }
        let behind = (self.total() - Self::ZERO.total()).rem_euclid(i128::from(unit));
        let behind = i64::try_from(behind).unwrap_or_default();
        if to_nearest && behind >= unit - behind {
            self.plus(unit - behind)
        } else {
            self.plus(-behind)
        }
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }

    /// The time as calendars and clocks show it.
    pub(super) fn civil(self) -> Option<DateTime> {
        let timestamp = Timestamp::new(self.seconds, self.nanos).ok()?;
        Some(Offset::UTC.to_datetime(timestamp))
    }

    /// The time in a layout.
    pub(super) fn format(self, layout: &str) -> Result<String, String> {
        let time = self.civil().ok_or("the time is out of range")?;
        let mut out = String::new();
        let mut rest = layout;
        while let Some(c) = rest.chars().next() {
            if let Some(part) = part(rest) {
                write_part(&mut out, part, time);
                rest = &rest[part.len()..];
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        Ok(out)
    }

    /// Reads a time in a layout, in UTC where it names no offset.
    pub(super) fn parse(layout: &str, text: &str) -> Option<Self> {
        let (civil, offset) = parse(layout, text)?;
        let offset = Offset::from_seconds(offset.unwrap_or(0)).ok()?;
        let timestamp = offset.to_timestamp(civil).ok()?;
        Some(Self {
            seconds: timestamp.as_second(),
            nanos: timestamp.subsec_nanosecond(),
        })
    }

    /// Reads a time in a layout, in a time zone where it names no offset.
    pub(super) fn parse_in(layout: &str, zone: &str, text: &str) -> Result<Self, String> {
        if matches!(zone, "" | "UTC" | "Local") {
            return Ok(Self::parse(layout, text).unwrap_or(Self::ZERO));
        }
        let zone = TimeZone::get(zone)
            .map_err(|_| format!("the rules of the time zone {zone:?} are not known here"))?;
        let Some((civil, offset)) = parse(layout, text) else {
            return Ok(Self::ZERO);
        };
        if offset.is_some() {
            return Ok(Self::parse(layout, text).unwrap_or(Self::ZERO));
        }
        let timestamp = zone
            .to_timestamp(civil)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            seconds: timestamp.as_second(),
            nanos: timestamp.subsec_nanosecond(),
        })
    }
}

/// As `%v` prints a time.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self
            .format("2006-01-02 15:04:05.999999999 -0700 MST")
            .unwrap_or_default();
        f.write_str(&text)
    }
}

/// The part that `rest` begins with.
fn part(rest: &str) -> Option<&'static str> {
    let part = PARTS.into_iter().find(|part| rest.starts_with(part))?;
    let after = rest
        .get(part.len()..)
        .and_then(|after| after.chars().next());
    match part {
        // "Month" is no month, and "Jane" neither.
        "Jan" | "Mon" if after.is_some_and(|c| c.is_ascii_lowercase()) => None,
        // No digit ends a fraction.
        part if part.starts_with('.') => {
            (!after.is_some_and(|c| c.is_ascii_digit())).then_some(part)
        }
        // `_2` of `_2006` is the year with an underscore before it.
        "_2" if rest.starts_with("_2006") => None,
        "_2006" => None,
        part => Some(part),
    }
}

fn write_part(out: &mut String, part: &str, time: DateTime) {
    let month = usize::try_from(time.month() - 1)
        .ok()
        .and_then(|at| MONTHS.get(at));
    let month = month.copied().unwrap_or_default();
    let weekday = match time.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    };
    let twelve = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let short = |text: &'static str| text.get(..3).unwrap_or(text);
    // Writing to a String does not fail.
    let _ = match part {
        "January" => write!(out, "{month}"),
        "Jan" => write!(out, "{}", short(month)),
        "Monday" => write!(out, "{weekday}"),
        "Mon" => write!(out, "{}", short(weekday)),
        "MST" => write!(out, "UTC"),
        "2006" => write!(out, "{:04}", time.year()),
        "06" => write!(out, "{:02}", time.year().rem_euclid(100)),
        "01" => write!(out, "{:02}", time.month()),
        "1" => write!(out, "{}", time.month()),
        "02" => write!(out, "{:02}", time.day()),
        "_2" => write!(out, "{:2}", time.day()),
        "2" => write!(out, "{}", time.day()),
        "002" => write!(out, "{:03}", time.day_of_year()),
        "__2" => write!(out, "{:3}", time.day_of_year()),
        "15" => write!(out, "{:02}", time.hour()),
        "03" => write!(out, "{twelve:02}"),
        "3" => write!(out, "{twelve}"),
        "04" => write!(out, "{:02}", time.minute()),
        "4" => write!(out, "{}", time.minute()),
        "05" => write!(out, "{:02}", time.second()),
        "5" => write!(out, "{}", time.second()),
        "PM" => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
        "pm" => write!(out, "{}", if time.hour() < 12 { "am" } else { "pm" }),
        part if part.starts_with('Z') => write!(out, "Z"),
        part if part.starts_with('-') => {
            let zeros: String = part
                .chars()
                .map(|c| if c == ':' { ':' } else { '0' })
                .collect();
            write!(out, "+{}", zeros.get(1..).unwrap_or_default())
        }
        fraction => {
            let digits = format!("{:09}", time.subsec_nanosecond());
            let shown = digits.get(..fraction.len() - 1).unwrap_or_default();
            let shown = if fraction.contains('9') {
                shown.trim_end_matches('0')
            } else {
                shown
            };
            if shown.is_empty() {
                Ok(())
            } else {
                write!(out, ".{shown}")
            }
        }
    };
}

/// The time that `text` shows, and its offset if it shows one.
#[allow(clippy::too_many_lines)] // one arm a part
fn parse(layout: &str, text: &str) -> Option<(DateTime, Option<i32>)> {
    let (mut year, mut month, mut day) = (0_i16, 1_i8, 1_i8);
    let (mut hour, mut minute, mut second, mut nanos) = (0_i8, 0_i8, 0_i8, 0_i32);
    let (mut afternoon, mut offset) = (None, None);
    let (mut pattern, mut rest) = (layout, text);
    while let Some(c) = pattern.chars().next() {
        let Some(part) = part(pattern) else {
            rest = rest.strip_prefix(c)?;
            pattern = &pattern[c.len_utf8()..];
            continue;
        };
        pattern = &pattern[part.len()..];
        match part {
            "2006" => year = take(&mut rest, 4, 4)?.try_into().ok()?,
            "06" => {
                let short = i16::try_from(take(&mut rest, 2, 2)?).ok()?;
                year = if short >= 69 {
                    1900 + short
                } else {
                    2000 + short
                };
            }
            "January" | "Jan" => {
                let length = |month: &str| if part == "Jan" { 3 } else { month.len() };
                let is_next = |month: &&str| {
                    month
                        .get(..length(month))
                        .is_some_and(|name| rest.starts_with(name))
                };
                let found = MONTHS.iter().position(is_next)?;
                rest = rest.get(length(MONTHS.get(found)?)..)?;
                month = i8::try_from(found + 1).ok()?;
            }
            "Monday" | "Mon" => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphabetic())
                    .unwrap_or(rest.len());
                rest = rest.get(if part == "Mon" { 3 } else { end }..)?;
            }
            "01" => month = take(&mut rest, 2, 2)?.try_into().ok()?,
            "1" => month = take(&mut rest, 1, 2)?.try_into().ok()?,
            "02" => day = take(&mut rest, 2, 2)?.try_into().ok()?,
            "_2" | "2" => {
                rest = rest
                    .strip_prefix(' ')
                    .filter(|_| part == "_2")
                    .unwrap_or(rest);
                day = take(&mut rest, 1, 2)?.try_into().ok()?;
            }
            "15" | "03" => hour = take(&mut rest, 2, 2)?.try_into().ok()?,
            "3" => hour = take(&mut rest, 1, 2)?.try_into().ok()?,
            "04" => minute = take(&mut rest, 2, 2)?.try_into().ok()?,
            "4" => minute = take(&mut rest, 1, 2)?.try_into().ok()?,
            "05" | "5" => {
                let least = if part == "05" { 2 } else { 1 };
                second = take(&mut rest, least, 2)?.try_into().ok()?;
                // A fraction is read even where the layout shows none.
                if !pattern.starts_with('.') && rest.starts_with(['.', ',']) {
                    nanos = fraction(&mut rest).unwrap_or(0);
                }
            }
            "PM" | "pm" => {
                let half = rest.get(..2)?;
                afternoon = Some(half.eq_ignore_ascii_case("pm"));
                rest = &rest[2..];
            }
            "MST" => {
                let end = rest
                    .find(|c: char| !c.is_ascii_uppercase())
                    .unwrap_or(rest.len());
                if !(3..=5).contains(&end) {
                    return None;
                }
                // The offset of an abbreviation is not known, unless it is this one.
                offset = Some(0);
                rest = &rest[end..];
            }
            part if part.starts_with(['-', 'Z']) => {
                if part.starts_with('Z') && rest.starts_with('Z') {
                    rest = &rest[1..];
                    offset = Some(0);
                } else {
                    offset = Some(zone_offset(&mut rest, part)?);
                }
            }
            part if part.starts_with('.') => {
                if rest.starts_with(['.', ',']) {
                    nanos = fraction(&mut rest)?;
                } else if part.contains('0') {
                    return None;
                }
            }
            _ => return None,
        }
    }
    if !rest.is_empty() {
        return None;
    }
    if let Some(afternoon) = afternoon {
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    let days = date(1, 1, 1)
        .with()
        .year(year)
        .month(month)
        .day(day)
        .build()
        .ok()?;
    let time = jiff::civil::Time::new(hour, minute, second, nanos).ok()?;
    Some((days.to_datetime(time), offset))
}

/// A number of `least` to `most` digits.
fn take(rest: &mut &str, least: usize, most: usize) -> Option<i32> {
    let count = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if count < least {
        return None;
    }
    let (digits, after) = rest.split_at(count);
    *rest = after;
    digits.parse().ok()
}

/// A decimal point and digits, in nanoseconds.
fn fraction(rest: &mut &str) -> Option<i32> {
    let digits = rest.get(1..)?;
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return None;
    }
    let (digits, after) = digits.split_at(count);
    *rest = after;
    format!("{digits:0<9}").get(..9)?.parse().ok()
}

/// An offset as the layout's `part` shows it, in seconds.
fn zone_offset(rest: &mut &str, part: &str) -> Option<i32> {
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    *rest = rest.strip_prefix(['+', '-'])?;
    let mut seconds = take(rest, 2, 2)? * 3_600;
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    for (index, scale) in [60, 1].into_iter().enumerate() {
        if digits > 2 * (index + 1) {
            if part.contains(':') {
                *rest = rest.strip_prefix(':')?;
            }
            seconds += take(rest, 2, 2)? * scale;
        }
    }
    Some(sign * seconds)
}
