//! The commands of a file of Loki's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use embedded::LogEntry;
use regex::Regex;

use crate::series::{self, Series};

/// A line of `load`.
static LOADED: LazyLock<Regex> = LazyLock::new(|| {
    let form = r#"(?x)^(\{[^}]*\}) \s* (?: "([^"]*)" | `([^`]*)` ) \s* @ \s* (\S+)
               (?: \s* \[repeat\ every\s+(\S+)\s+for\s+(\d+)\] )?
               (?: \s* \[metadata\s+([^\]]*)\] )? \s*$"#;
    Regex::new(form).unwrap()
});

/// `name="value"`; a name may stand in quotes.
static PAIR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^(?:"([^"]*)"|([^\s"=]+))="([^"]*)"\s*"#).unwrap());

static INSTANT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^eval\s+instant\s+at\s+(\S+)\s+(.+)$").unwrap());

static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    let form = r"^eval\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$";
    Regex::new(form).unwrap()
});

/// One command of a file.
pub(crate) enum Command {
    Clear,
    Load(Load),
    Eval(Eval),
}

/// `load`: lines by the labels of their stream.
#[derive(Clone, Default)]
pub(crate) struct Load {
    pub(crate) streams: BTreeMap<Vec<(String, String)>, Vec<LogEntry>>,
}

/// `eval`
pub(crate) struct Eval {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) at: At,
    pub(crate) expected: Expected,
}

/// In nanoseconds, counted as everywhere in a file from a time that it does not name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// What has to come out.
pub(crate) enum Expected {
    Fail(Message),
    Empty,
    Scalar(f64),
    Series { series: Vec<Series>, ordered: bool },
}

/// What an error has to say.
pub(crate) enum Message {
    Any,
    Containing(String),
    Matching(Regex),
}

impl Message {
    pub(crate) fn holds(&self, message: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Containing(wanted) => message.contains(wanted),
            Self::Matching(regex) => regex.is_match(message),
        }
    }
}

impl Eval {
    /// The same case asked in other ways: one for a moment as a range, and one for a range moment by
    /// moment. What is about one of them alone (sorting, numbers, errors) has no other way.
    pub(crate) fn other_ways(&self) -> Vec<Self> {
        let none = Vec::new();
        let series = match &self.expected {
            Expected::Fail(_) | Expected::Scalar(_) | Expected::Series { ordered: true, .. } => {
                return Vec::new();
            }
            Expected::Empty => &none,
            Expected::Series { series, .. } => series,
        };
        let asked = |at, values: &dyn Fn(&Series) -> Vec<Option<f64>>| {
            let shown = series.iter().map(|one| Series {
                labels: one.labels.clone(),
                values: values(one),
            });
            let shown = shown.filter(|one| one.values.iter().any(Option::is_some));
            Self {
                line: self.line,
                query: self.query.clone(),
                at,
                expected: Expected::Series {
                    series: shown.collect(),
                    ordered: false,
                },
            }
        };
        match self.at {
            At::Instant(_) if self.query.starts_with("approx_topk") => Vec::new(),
            At::Instant(at) => {
                let (start, end, step) = (at, at, 1_000_000);
                vec![asked(At::Range { start, end, step }, &|one| {
                    one.values.clone()
                })]
            }
            At::Range { start, end, step } => {
                let times = (start..=end).step_by(usize::try_from(step).unwrap());
                times
                    .enumerate()
                    .map(|(index, at)| asked(At::Instant(at), &|one| vec![one.values[index]]))
                    .collect()
            }
        }
    }
}

/// The commands in their order.
pub(crate) fn parse(text: &str) -> Vec<Command> {
    let lines: Vec<&str> = text.lines().collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let command = without_comment(line);
        let number = at;
        match command.split_whitespace().next() {
            None => {}
            Some("clear") => commands.push(Command::Clear),
            Some("load") => {
                let mut load = Load::default();
                for line in block(&lines, &mut at) {
                    load.add(line);
                }
                assert!(!load.streams.is_empty(), "line {number}: nothing to load");
                commands.push(Command::Load(load));
            }
            Some("eval") => {
                let (at_times, query) = times(command);
                commands.push(Command::Eval(Eval {
                    line: number,
                    query,
                    at: at_times,
                    expected: expected(number, &block(&lines, &mut at)),
                }));
            }
            Some(_) => panic!("line {number}: {command}"),
        }
    }
    commands
}

/// A line without what follows a `#` outside of quotes, and without the blanks around it.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            None if matches!(c, '"' | '`') => quote = Some(c),
            None if c == '#' => return line[..at].trim(),
            Some(_) | None => {}
        }
    }
    line.trim()
}

/// The indented lines from `at` on. Lines of comments alone do not end a block, empty ones do.
fn block<'a>(lines: &[&'a str], at: &mut usize) -> Vec<&'a str> {
    let mut found = Vec::new();
    while let Some(line) = lines.get(*at) {
        let is_comment = line.trim_start().starts_with('#');
        if line.trim().is_empty() || !(is_comment || line.starts_with([' ', '\t'])) {
            break;
        }
        *at += 1;
        let line = without_comment(line);
        if !line.is_empty() {
            found.push(line);
        }
    }
    found
}

impl Load {
    /// `{labels} "line" @ start [repeat every step for count] [metadata name="value"]`
    fn add(&mut self, text: &str) {
        let found = LOADED.captures(text).unwrap_or_else(|| panic!("{text}"));
        let group = |at| found.get(at).map(|group| group.as_str());
        let mut labels = series::labels(group(1).unwrap());
        labels.retain(|(_, value)| !value.is_empty());
        labels.sort();
        let line = group(2).or_else(|| group(3)).unwrap();
        let metadata = group(7).map_or_else(Vec::new, pairs);
        let start = duration(group(4).unwrap());
        let step = group(5).map_or(0, duration);
        let count: i64 = group(6).map_or(1, |count| count.parse().unwrap());
        assert!(count > 0, "{text}");
        let entries = (0..count).map(|index| LogEntry {
            timestamp_ns: start + index * step,
            line: line.replace("{{.i}}", &index.to_string()),
            structured_metadata: metadata.clone(),
        });
        self.streams.entry(labels).or_default().extend(entries);
    }
}

/// `name="value"`, with blanks between; a name may stand in quotes.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut rest = text.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let found = PAIR.captures(rest).unwrap_or_else(|| panic!("{text}"));
        let name = found.get(1).or_else(|| found.get(2)).unwrap().as_str();
        pairs.push((name.to_owned(), found[3].to_owned()));
        rest = &rest[found[0].len()..];
    }
    pairs
}

/// A duration as Go writes it, in nanoseconds.
fn duration(text: &str) -> i64 {
    const UNITS: [(&str, f64); 5] = [
        ("ms", 1e6),
        ("ns", 1.0),
        ("s", 1e9),
        ("m", 60e9),
        ("h", 3600e9),
    ];
    if text == "0" {
        return 0;
    }
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !matches!(c, '0'..='9' | '.'));
        let (number, behind) = rest.split_at(digits.unwrap_or_else(|| panic!("{text}")));
        let unit = UNITS.iter().find(|(name, _)| behind.starts_with(name));
        let (name, length) = unit.unwrap_or_else(|| panic!("{text}"));
        nanos += number.parse::<f64>().unwrap() * length;
        rest = &behind[name.len()..];
    }
    #[allow(clippy::cast_possible_truncation)] // some minutes in nanoseconds
    let nanos = nanos.round() as i64;
    if negative { -nanos } else { nanos }
}

fn times(command: &str) -> (At, String) {
    if let Some(found) = INSTANT.captures(command) {
        return (At::Instant(duration(&found[1])), found[2].to_owned());
    }
    let found = RANGE
        .captures(command)
        .unwrap_or_else(|| panic!("{command}"));
    let at = At::Range {
        start: duration(&found[1]),
        end: duration(&found[2]),
        step: duration(&found[3]),
    };
    (at, found[4].to_owned())
}

fn expected(number: usize, block: &[&str]) -> Expected {
    let mut found: Option<Expected> = None;
    let mut series = Vec::new();
    let mut ordered = false;
    for line in block {
        let one = if let Some(how) = line.strip_prefix("expect fail") {
            Expected::Fail(message(how.trim()))
        } else if *line == "expect empty" {
            Expected::Empty
        } else if *line == "expect ordered" {
            ordered = true;
            continue;
        } else if line.starts_with("skip values-comparison on ") {
            // Sharding, which estimates quantiles, is not for this backend.
            continue;
        } else if line.starts_with('{') {
            series.push(series::parse(line));
            continue;
        } else {
            Expected::Scalar(series::number(line).unwrap_or_else(|| panic!("{line}")))
        };
        assert!(found.is_none(), "line {number}: more than one answer");
        found = Some(one);
    }
    assert!(
        found.is_some() == series.is_empty() && !(ordered && series.is_empty()),
        "line {number}: one answer, and one only"
    );
    found.unwrap_or(Expected::Series { series, ordered })
}

fn message(text: &str) -> Message {
    if text.is_empty() {
        Message::Any
    } else if let Some(part) = text.strip_prefix("msg:") {
        Message::Containing(part.trim().to_owned())
    } else if let Some(pattern) = text.strip_prefix("regex:") {
        Message::Matching(Regex::new(pattern.trim()).unwrap())
    } else {
        panic!("expect fail {text}")
    }
}
