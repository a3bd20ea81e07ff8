//! How far the reader of events has come, so that they can go on from there: `Last-Event-ID`.
//!
//! Lines of one stream come in their order, but the streams of a resource are shipped apart: when a
//! line of one has arrived, older ones of another may still be on their way. So an id says how far
//! each of the latest streams has come, and the backend is asked from a moment before the newest line
//! on; what it repeats of these streams is left out.
//!
//! The id is `<time>-<window>` and then `-<stream>.<age>.<count>` for each stream: the newest line's
//! time in Unix nanoseconds, and, all hexadecimal, how long before it the backend is asked from, a
//! hash of the stream's labels, how much older its last line is, and how many lines of it have that
//! one's time.

use http::{HeaderMap, HeaderName};

use super::frame::{Entry, Frame, Stream};
use crate::error::{Error, Flaw};
use crate::scope::parameters::Nanos;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The most streams that an id remembers. Where more are alive, the window is shorter.
const MOST_STREAMS: usize = 16;

/// How late a stream may be and still be sent whole to a reader who comes again, in nanoseconds.
const WINDOW: i64 = 10_000_000_000;

/// The longest id that is read, in bytes.
const MAX_ID_LENGTH: usize = 1024;

/// How far a reader has come.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Of what was sent: none before there was a line.
    sent: Option<Sent>,
    /// What the backend may repeat, of a reader who came again.
    repeated: Option<Sent>,
}

/// What was sent, from some time on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    /// The time of the newest line.
    newest: i64,
    /// Since when all streams that sent lines are in `streams`.
    since: i64,
    streams: Vec<Progress>,
}

/// How far a stream has come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Progress {
    /// The hash of its labels.
    stream: u64,
    /// The time of its last line.
    last: i64,
    /// How many lines have this time.
    count: u64,
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
            Error::BadData(
                Flaw::Parameter,
                "Last-Event-ID: expected the id of an event of a tail".to_owned(),
            )
        })
    }

    fn parse(id: &str) -> Option<Self> {
        let sent = Sent::parse(id).filter(|_| id.len() <= MAX_ID_LENGTH)?;
        Some(Self {
            sent: Some(sent.clone()),
            repeated: Some(sent),
        })
    }

    /// The time to begin at, if the reader goes on.
    pub(super) fn start(&self) -> Option<Nanos> {
        self.repeated.as_ref().map(|sent| Nanos(sent.since))
    }

    /// The id of an event that ends here.
    pub(super) fn id(&self) -> Option<String> {
        self.sent.as_ref().map(Sent::to_string)
    }

    /// Leaves out what the reader has, and notes the rest. `None` where a time is none.
    pub(super) fn pass(&mut self, frame: &mut Frame) -> Option<()> {
        let streams = frame.streams.get_or_insert_default();
        for Stream { stream, values } in &mut *streams {
            let labels = stream.iter().flat_map(|(name, value)| [name, value]);
            let stream = hash(labels.map(String::as_str));
            let mut readable = true;
            values.retain(|Entry(time, ..)| {
                let time = time.parse::<i64>().ok().filter(|time| *time >= 0);
                readable &= time.is_some();
                let is_new = |time: &i64| !self.is_repeated(stream, *time);
                let time = time.filter(is_new);
                if let Some(time) = time {
                    self.note(stream, time);
                }
                time.is_some()
            });
            if !readable {
                return None;
            }
        }
        streams.retain(|stream| !stream.values.is_empty());
        Some(())
    }

    /// Whether a line was sent before. The first line of a stream that was not ends the repetition of
    /// that stream: what is older than that comes late.
    fn is_repeated(&mut self, stream: u64, time: i64) -> bool {
        let Some(Sent { since, streams, .. }) = &mut self.repeated else {
            return false;
        };
        let known = streams.iter_mut().find(|known| known.stream == stream);
        let Some(known) = known.filter(|_| time >= *since) else {
            return false;
        };
        if time < known.last {
            return true;
        }
        if time == known.last && known.count > 0 {
            known.count -= 1;
            return true;
        }
        streams.retain(|known| known.stream != stream);
        false
    }

    fn note(&mut self, stream: u64, time: i64) {
        let sent = self.sent.get_or_insert(Sent {
            newest: time,
            since: time,
            streams: Vec::with_capacity(MOST_STREAMS + 1),
        });
        sent.note(stream, time);
    }
}

impl Sent {
    fn note(&mut self, stream: u64, time: i64) {
        self.newest = self.newest.max(time);
        let known = self.streams.iter_mut().find(|known| known.stream == stream);
        match known {
            // An id that a caller made up may count as far as there are numbers.
            Some(known) if known.last == time => known.count = known.count.saturating_add(1),
            Some(known) if known.last > time => {}
            Some(known) => (known.last, known.count) = (time, 1),
            None => self.streams.push(Progress {
                stream,
                last: time,
                count: 1,
            }),
        }
        self.since = self.since.max(self.newest - WINDOW);
        self.streams.retain(|stream| stream.last >= self.since);
        if self.streams.len() > MOST_STREAMS {
            self.streams
                .sort_by_key(|stream| std::cmp::Reverse(stream.last));
            if let Some(forgotten) = self.streams.pop() {
                // Where too many streams have one time, some lines are sent twice: better than not
                // at all.
                self.since = self.since.max((forgotten.last + 1).min(self.newest));
            }
        }
    }

    fn parse(id: &str) -> Option<Self> {
        let mut parts = id.split('-');
        let newest = parts.next()?;
        let digits = newest.bytes().all(|byte| byte.is_ascii_digit());
        let newest: i64 = newest.parse().ok().filter(|_| digits)?;
        let before = |age: &str| newest.checked_sub(i64::try_from(hexadecimal(age)?).ok()?);
        let since = before(parts.next()?)?;
        let streams: Option<Vec<Progress>> = parts
            .map(|part| {
                let mut fields = part.split('.');
                let progress = Progress {
                    stream: hexadecimal(fields.next()?)?,
                    last: before(fields.next()?)?,
                    count: hexadecimal(fields.next()?)?,
                };
                fields.next().is_none().then_some(progress)
            })
            .collect();
        let streams = streams.filter(|streams| streams.len() <= MOST_STREAMS)?;
        let in_bounds = since >= 0 && newest - since <= WINDOW;
        in_bounds.then_some(Self {
            newest,
            since,
            streams,
        })
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let newest = self.newest;
        write!(f, "{newest}-{:x}", newest - self.since)?;
        self.streams.iter().try_for_each(|stream| {
            let age = newest - stream.last;
            write!(f, "-{:x}.{age:x}.{:x}", stream.stream, stream.count)
        })
    }
}

/// Digits alone: no sign.
fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok())?
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

    /// A frame of lines, each its stream, its time, and its text.
    fn frame(lines: &[(&str, i64, &str)]) -> Frame {
        let streams: Vec<String> = lines
            .iter()
            .map(|(app, time, line)| {
                format!(r#"{{"stream":{{"app":"{app}"}},"values":[["{time}","{line}"]]}}"#)
            })
            .collect();
        serde_json::from_str(&format!(r#"{{"streams":[{}]}}"#, streams.join(","))).unwrap()
    }

    /// What of these lines is sent.
    fn sent(cursor: &mut Cursor, lines: &[(&str, i64, &str)]) -> Vec<String> {
        let mut frame = frame(lines);
        cursor.pass(&mut frame).unwrap();
        let streams = frame.streams.unwrap();
        let entries = streams.into_iter().flat_map(|stream| stream.values);
        entries.map(|entry| entry.1).collect()
    }

    /// The reader comes again.
    fn resumed(cursor: &Cursor) -> Cursor {
        Cursor::parse(&cursor.id().unwrap()).unwrap()
    }

    #[test]
    fn a_reader_goes_on_without_a_line_twice_whatever_the_order_of_streams() {
        let mut cursor = Cursor::default();
        assert_eq!((cursor.id(), cursor.start()), (None, None));
        sent(
            &mut cursor,
            &[("a", 5, "1"), ("a", 7, "2"), ("b", 7, "3"), ("a", 7, "4")],
        );
        let mut resumed = resumed(&cursor);
        assert_eq!(resumed.start(), Some(Nanos(5)));
        let repeated = [
            ("a", 5, "1"),
            ("b", 7, "3"),
            ("b", 7, "5"),
            ("a", 7, "2"),
            ("a", 7, "4"),
            ("a", 7, "6"),
            ("b", 8, "7"),
        ];
        assert_eq!(sent(&mut resumed, &repeated), ["5", "6", "7"]);
    }

    #[test]
    fn a_stream_that_was_behind_is_sent_to_a_reader_who_comes_again() {
        let mut cursor = Cursor::default();
        sent(
            &mut cursor,
            &[("a", 10, "1"), ("b", 11, "2"), ("a", 90, "3")],
        );
        // What `b` had logged since had not arrived yet.
        let mut resumed = resumed(&cursor);
        let then = [
            ("a", 10, "1"),
            ("b", 11, "2"),
            ("b", 50, "4"),
            ("c", 60, "5"),
            ("a", 90, "3"),
        ];
        assert_eq!(sent(&mut resumed, &then), ["4", "5"]);
    }

    #[test]
    fn a_line_that_comes_late_is_sent_and_does_not_turn_time_back() {
        let mut cursor = Cursor::default();
        sent(&mut cursor, &[("a", 10, "1"), ("a", 20, "2")]);
        let id = cursor.id();
        assert_eq!(sent(&mut cursor, &[("a", 15, "late")]), ["late"]);
        assert_eq!(cursor.id(), id);
    }

    #[test]
    fn the_window_moves_with_the_newest_line() {
        let mut cursor = Cursor::default();
        sent(&mut cursor, &[("a", 1, "1"), ("b", WINDOW + 100, "2")]);
        assert_eq!(resumed(&cursor).start(), Some(Nanos(100)));
    }

    #[test]
    fn an_id_stays_short_and_right_where_there_are_many_streams() {
        let lines: Vec<(String, i64, String)> = (0..100)
            .map(|n| (format!("app-{n}"), 1000 + n, n.to_string()))
            .collect();
        let lines: Vec<(&str, i64, &str)> = lines
            .iter()
            .map(|(app, time, line)| (app.as_str(), *time, line.as_str()))
            .collect();
        let mut cursor = Cursor::default();
        sent(&mut cursor, &lines);
        assert!(cursor.id().unwrap().len() < MAX_ID_LENGTH);
        let mut resumed = resumed(&cursor);
        let start = resumed.start().unwrap().0;
        assert_eq!(start, 1100 - i64::try_from(MOST_STREAMS).unwrap());
        let again: Vec<_> = lines
            .iter()
            .copied()
            .filter(|line| line.1 >= start)
            .collect();
        assert_eq!(sent(&mut resumed, &again), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for id in [
            "x",
            "",
            "-",
            "7",
            "7-",
            "7-g",
            "+7-0",
            "-7-0",
            "7-+0",
            "7-8",
            "7-0-",
            "7-0-1",
            "7-0-1.0",
            "7-0-1.0.1.1",
            "7-0-1.8000000000000000.1",
            "99999999999999999999-0",
            "7 -0",
            "99999999999999-2540be401",
        ] {
            assert_eq!(Cursor::parse(id), None, "{id}");
        }
        assert!(Cursor::parse("7-0-1.0.1").is_some());
        let long = format!("7-0{}", "-1.0.1".repeat(MOST_STREAMS + 1));
        assert_eq!(Cursor::parse(&long), None);
    }

    #[test]
    fn an_id_that_counts_to_the_end_of_numbers_ends_no_tail() {
        let line = [("a", 3, "1")];
        let mut first = Cursor::default();
        sent(&mut first, &line);
        let stream = first.sent.unwrap().streams[0].stream;
        // The stream's last line is older than the window, so nothing of it is taken for repeated.
        let mut cursor = Cursor::parse(&format!("7-0-{stream:x}.4.{:x}", u64::MAX)).unwrap();
        assert_eq!(sent(&mut cursor, &line), ["1"]);
    }

    #[test]
    fn what_is_beside_a_line_is_kept() {
        let json =
            r#"{"streams":[{"stream":{"a":"b"},"values":[["7","x",{"parsed":{"c":"d"}}]]}]}"#;
        let mut frame: Frame = serde_json::from_str(json).unwrap();
        Cursor::default().pass(&mut frame).unwrap();
        assert_eq!(
            serde_json::to_string(&frame.lines().unwrap()).unwrap(),
            json
        );
    }
}
