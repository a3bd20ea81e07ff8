//! How far the reader of events has come, so that they can go on from there: `Last-Event-ID`.
//!
//! The id is the time of the newest line that was sent, and a hash of each line of that nanosecond:
//! `1737972000000000001-9c5b…`. The backend is asked from that nanosecond on, and what it repeats of
//! it is left out. A count would not do: lines of one nanosecond in several streams have no order.

use http::{HeaderMap, HeaderName};

use super::frame::{Entry, Frame, Stream};
use crate::error::Error;
use crate::scope::parameters::Nanos;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The most lines of one nanosecond that an id remembers. Where there are more, as with clocks that
/// tell seconds, some of them are sent twice: better than not at all.
const MOST_REMEMBERED: usize = 32;

/// How far a reader has come.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The time of the newest line; none before there was one.
    at: Option<i64>,
    /// The lines of that time.
    seen: Vec<u64>,
    /// Where the reader had come to before, and the lines of that time that are still to be left out.
    repeated: Option<(i64, Vec<u64>)>,
}

impl Cursor {
    /// Where the caller wants to go on. What is no id of ours is [`Error::BadData`].
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let mut values = headers.get_all(LAST_EVENT_ID).iter();
        let Some(value) = values.next().filter(|value| !value.is_empty()) else {
            return Ok(Self::default());
        };
        let id = value.to_str().ok().filter(|_| values.next().is_none());
        id.and_then(Self::parse).ok_or_else(|| {
            Error::BadData("Last-Event-ID: expected the id of an event of a tail".to_owned())
        })
    }

    fn parse(id: &str) -> Option<Self> {
        let mut parts = id.split('-');
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let at = parts.next().filter(digits)?.parse().ok()?;
        let seen: Option<Vec<u64>> = parts
            .map(|part| {
                let part = Some(part).filter(|part| part.len() == 16).filter(digits)?;
                u64::from_str_radix(part, 16).ok()
            })
            .collect();
        let seen = seen.filter(|seen| seen.len() <= MOST_REMEMBERED)?;
        Some(Self {
            at: Some(at),
            seen: seen.clone(),
            repeated: Some((at, seen)),
        })
    }

    /// The time to begin at, if the reader goes on.
    pub(super) fn start(&self) -> Option<Nanos> {
        self.repeated.as_ref().map(|(at, _)| Nanos(*at))
    }

    /// The id of an event that ends here.
    pub(super) fn id(&self) -> Option<String> {
        let hashes = self.seen.iter().map(|hash| format!("-{hash:016x}"));
        Some(
            std::iter::once(self.at?.to_string())
                .chain(hashes)
                .collect(),
        )
    }

    /// Leaves out what the reader has, and notes the rest. `None` where a time is none.
    pub(super) fn pass(&mut self, frame: &mut Frame) -> Option<()> {
        let streams = frame.streams.get_or_insert_default();
        for Stream { stream, values } in &mut *streams {
            let mut readable = true;
            values.retain(|Entry(time, line, _)| {
                let Ok(time) = time.parse::<i64>() else {
                    readable = false;
                    return false;
                };
                let labels = stream.iter().flat_map(|(name, value)| [name, value]);
                let hash = hash(labels.chain([line]).map(String::as_str));
                if self.is_repeated(time, hash) {
                    return false;
                }
                self.note(time, hash);
                true
            });
            if !readable {
                return None;
            }
        }
        streams.retain(|stream| !stream.values.is_empty());
        Some(())
    }

    fn is_repeated(&mut self, time: i64, hash: u64) -> bool {
        let Some((at, lines)) = &mut self.repeated else {
            return false;
        };
        let found = lines.iter().position(|line| *line == hash);
        match found {
            Some(found) if *at == time => {
                lines.swap_remove(found);
                true
            }
            Some(_) | None => false,
        }
    }

    fn note(&mut self, time: i64, hash: u64) {
        if self.at.is_none_or(|at| at < time) {
            self.at = Some(time);
            self.seen.clear();
        }
        if self.at == Some(time) && self.seen.len() < MOST_REMEMBERED {
            self.seen.push(hash);
        }
    }
}

/// FNV-1a, of 64 bits: the same in every version of the gateway. Each text ends with a byte that is in
/// none.
fn hash<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    texts
        .flat_map(|text| text.bytes().chain([0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(json: &str) -> Frame {
        serde_json::from_str(json).unwrap()
    }

    fn lines(frame: &Frame) -> Vec<&str> {
        let streams = frame.streams.as_ref().unwrap();
        let entries = streams.iter().flat_map(|stream| &stream.values);
        entries.map(|entry| entry.1.as_str()).collect()
    }

    const TWO: &str = r#"{"streams":[
        {"stream":{"app":"a"},"values":[["5","first"],["7","second"]]},
        {"stream":{"app":"b"},"values":[["7","third"]]}]}"#;

    #[test]
    fn a_reader_goes_on_where_they_were_whatever_the_order() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.id(), None);
        cursor.pass(&mut frame(TWO)).unwrap();
        let id = cursor.id().unwrap();
        assert!(id.starts_with("7-") && id.len() == 1 + 2 * 17, "{id}");

        let mut resumed = Cursor::parse(&id).unwrap();
        assert_eq!(resumed.start(), Some(Nanos(7)));
        let mut again = frame(
            r#"{"streams":[
            {"stream":{"app":"b"},"values":[["7","third"],["7","fourth"],["7","third"]]},
            {"stream":{"app":"a"},"values":[["7","second"],["8","fifth"]]}]}"#,
        );
        resumed.pass(&mut again).unwrap();
        // The one that is there twice was sent once.
        assert_eq!(lines(&again), ["fourth", "third", "fifth"]);
        assert!(resumed.id().unwrap().starts_with("8-"));
    }

    #[test]
    fn a_line_that_comes_late_is_sent_and_does_not_turn_time_back() {
        let mut cursor = Cursor::parse("7-0000000000000001").unwrap();
        let mut late = frame(r#"{"streams":[{"stream":{},"values":[["6","late"]]}]}"#);
        cursor.pass(&mut late).unwrap();
        assert_eq!(lines(&late), ["late"]);
        assert_eq!(cursor.id().unwrap(), "7-0000000000000001");
    }

    #[test]
    fn an_id_stays_short_where_many_lines_have_one_time() {
        let mut cursor = Cursor::default();
        for line in 0..100 {
            let json = format!(r#"{{"streams":[{{"stream":{{}},"values":[["7","{line}"]]}}]}}"#);
            cursor.pass(&mut frame(&json)).unwrap();
        }
        let id = cursor.id().unwrap();
        assert_eq!(id.len(), 1 + MOST_REMEMBERED * 17);
        assert!(Cursor::parse(&id).is_some());
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for id in [
            "x",
            "-",
            "7-",
            "7-1",
            "+7",
            "-7",
            "7-+000000000000001",
            "99999999999999999999",
            "7 ",
            "7-000000000000000g",
        ] {
            assert_eq!(Cursor::parse(id), None, "{id}");
        }
        let long = format!("7{}", "-0000000000000001".repeat(MOST_REMEMBERED + 1));
        assert_eq!(Cursor::parse(&long), None);
    }

    #[test]
    fn what_is_beside_a_line_is_kept() {
        let json =
            r#"{"streams":[{"stream":{"a":"b"},"values":[["7","x",{"parsed":{"c":"d"}}]]}]}"#;
        let mut frame = frame(json);
        Cursor::default().pass(&mut frame).unwrap();
        assert_eq!(
            serde_json::to_string(&frame.lines().unwrap()).unwrap(),
            json
        );
    }
}
