//! A time as text, as lines of the log and the audit begin with one.

use std::cell::Cell;

use jiff::Timestamp;

/// How long the text of a time without its fraction is: `2026-11-24T02:01:07`.
const SECONDS: usize = 19;

/// How long the text is.
const LENGTH: usize = SECONDS + ".000000Z".len();

thread_local! {
    /// The second that this thread wrote last: many lines are of the same.
    static LAST: Cell<(i64, [u8; SECONDS])> = const { Cell::new((i64::MIN, [b'0'; SECONDS])) };
}

/// A time by RFC 3339, UTC, cut to the microsecond. All are of the same length, so that texts sort as
/// times do.
#[derive(Clone, Copy, Debug)]
pub struct Stamp([u8; LENGTH]);

impl Stamp {
    /// The text of `time`; of what is before 1970, the beginning of 1970.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let time = time.max(Timestamp::UNIX_EPOCH);
        let mut fraction = *b".000000Z";
        let mut rest = time.subsec_microsecond().unsigned_abs();
        for digit in fraction.iter_mut().rev().skip(1).take(6) {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        let mut text = [0; LENGTH];
        let bytes = second(time).into_iter().chain(fraction);
        text.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits and signs of ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn second(time: Timestamp) -> [u8; SECONDS] {
    LAST.with(|last| {
        let (second, text) = last.get();
        if second == time.as_second() {
            return text;
        }
        let written = format!("{time:.0}");
        let mut text = [b'0'; SECONDS];
        text.iter_mut()
            .zip(written.bytes())
            .for_each(|(to, byte)| *to = byte);
        last.set((time.as_second(), text));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_what_the_time_is_and_not_that_of_the_line_before() {
        for time in [
            "1970-01-01T00:00:00.000000Z",
            "2026-11-24T02:01:07.000001Z",
            "2026-11-24T02:01:07.999999Z",
            "2026-11-24T02:01:08.120000Z",
            "2026-11-24T02:01:07.000001Z",
            "2028-02-29T23:59:59.654321Z",
            "9999-12-30T21:59:59.999999Z",
        ] {
            let parsed: Timestamp = time.parse().unwrap();
            assert_eq!(Stamp::of(parsed).as_str(), time);
            assert_eq!(format!("{parsed:.6}"), time);
        }
        let nanos: Timestamp = "2026-11-24T02:01:07.123456789Z".parse().unwrap();
        assert_eq!(Stamp::of(nanos).as_str(), "2026-11-24T02:01:07.123456Z");
    }

    #[test]
    fn a_time_that_no_clock_tells_has_a_stamp_all_the_same() {
        let before: Timestamp = "1969-12-31T23:59:59.5Z".parse().unwrap();
        let stamp = Stamp::of(before);
        assert_eq!(stamp.as_str(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Stamp::of(Timestamp::MAX).as_str().len(), LENGTH);
    }
}
