//! The commands of a test file.

use std::collections::BTreeMap;

use embedded::{Labels, Sample};
use regex::Regex;

use crate::histograms::Expected;
use crate::series::{self, Item};

/// One command of a file.
pub(crate) enum Command {
    Clear,
    Load(Load),
    Eval(Eval),
}

/// `load`
pub(crate) struct Load {
    pub(crate) step_ms: i64,
    /// Whether classic histograms are loaded as native ones with custom bounds, too.
    pub(crate) with_nhcb: bool,
    pub(crate) series: BTreeMap<Labels, Vec<Item>>,
}

/// `eval`
#[allow(clippy::struct_excessive_bools)] // each is a line that is there or not
pub(crate) struct Eval {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) at: At,
    pub(crate) fail: Option<Expectation>,
    pub(crate) warn: Vec<Expectation>,
    pub(crate) info: Vec<Expectation>,
    pub(crate) no_warn: bool,
    pub(crate) no_info: bool,
    pub(crate) ordered: bool,
    pub(crate) expected: Answer,
    /// Whether an instant case is left out of range queries.
    pub(crate) instant_only: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum At {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// What a message has to be.
pub(crate) enum Expectation {
    Any,
    Exactly(String),
    Matching(Regex),
}

impl Expectation {
    pub(crate) fn holds(&self, message: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => message == wanted,
            Self::Matching(regex) => regex.is_match(message),
        }
    }
}

/// What has to come out.
pub(crate) enum Answer {
    Scalar(f64),
    String(String),
    /// Series in their order, with their values step by step.
    Series {
        series: Vec<(Labels, Vec<Expected>)>,
        /// The steps of a range vector that is the answer to an instant query.
        range: Option<(i64, i64, i64)>,
    },
}

/// A duration as Prometheus writes it, in milliseconds.
pub(crate) fn duration(text: &str) -> i64 {
    let mut rest = text.trim();
    let negative = rest.starts_with('-');
    rest = rest.trim_start_matches(['-', '+']);
    let mut millis = 0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let unit_end = behind
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        let number: i64 = number
            .parse()
            .unwrap_or_else(|_| panic!("duration {text:?}"));
        millis += number
            * match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 7 * 86_400_000,
                "y" => 365 * 86_400_000,
                "" if number == 0 => 0,
                _ => panic!("duration {text:?}"),
            };
        rest = behind;
    }
    if negative { -millis } else { millis }
}

/// All commands of a file.
pub(crate) fn parse(text: &str) -> Vec<Command> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let number = at + 1;
        at += 1;
        let word = line.split([' ', '\t']).next().unwrap().to_lowercase();
        let block: Vec<&str> = lines[at..]
            .iter()
            .copied()
            .take_while(|line| !line.is_empty())
            .collect();
        if word == "clear" {
            commands.push(Command::Clear);
        } else if word.starts_with("load") {
            at += block.len();
            commands.push(Command::Load(load(line, &block)));
        } else if word.starts_with("eval") {
            let (eval, used) = eval(line, number, &block);
            at += used;
            commands.push(Command::Eval(eval));
        } else {
            assert!(line.is_empty(), "command {line:?}");
        }
    }
    commands
}

fn load(line: &str, block: &[&str]) -> Load {
    let (command, step) = line.split_once([' ', '\t']).unwrap();
    let mut load = Load {
        step_ms: duration(step),
        with_nhcb: command == "load_with_nhcb",
        series: BTreeMap::new(),
    };
    for line in block {
        let head = line.split([' ', '\t']).next().unwrap();
        // Start timestamps, with which nothing is stored here.
        if head.ends_with("@st") {
            continue;
        }
        let (labels, items) = series::parse(line);
        load.series.insert(labels, items);
    }
    load
}

fn eval(line: &str, number: usize, block: &[&str]) -> (Eval, usize) {
    let instant =
        Regex::new(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$");
    let range =
        r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$";
    let range = Regex::new(range).unwrap();
    let group =
        |captures: &regex::Captures, at| captures.get(at).map_or("", |m| m.as_str()).to_owned();
    let (mode, at, query) = if let Some(found) = instant.unwrap().captures(line) {
        (
            group(&found, 1),
            At::Instant(duration(&group(&found, 2))),
            group(&found, 3),
        )
    } else {
        let found = range.captures(line).unwrap_or_else(|| panic!("{line}"));
        let at = At::Range {
            start: duration(&group(&found, 2)),
            end: duration(&group(&found, 3)),
            step: duration(&group(&found, 4)),
        };
        (group(&found, 1), at, group(&found, 5))
    };
    let mut eval = Eval {
        line: number,
        query,
        at,
        fail: (mode == "fail").then_some(Expectation::Any),
        warn: Vec::new(),
        info: Vec::new(),
        no_warn: false,
        no_info: false,
        ordered: mode == "ordered",
        expected: Answer::Series {
            series: Vec::new(),
            range: None,
        },
        instant_only: false,
    };
    // The old forms ask for any warning or info, and allow others besides.
    if mode == "warn" {
        eval.warn.push(Expectation::Any);
    }
    if mode == "info" {
        eval.info.push(Expectation::Any);
    }
    for (used, line) in block.iter().enumerate() {
        if !expectation(&mut eval, line) {
            return (eval, used + 1);
        }
    }
    let used = block.len();
    (eval, used)
}

/// Takes a line below an `eval`, and tells whether more may follow.
fn expectation(eval: &mut Eval, line: &str) -> bool {
    if let Some(message) = line.strip_prefix("expected_fail_message") {
        eval.fail = Some(Expectation::Exactly(message.trim().to_owned()));
        return false;
    }
    if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
        eval.fail = Some(Expectation::Matching(Regex::new(pattern.trim()).unwrap()));
        return false;
    }
    if let Some(rest) = line.strip_prefix("expect range vector") {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ["from", start, "to", end, "step", step] = words[..] else {
            panic!("{line}");
        };
        if let Answer::Series { range, .. } = &mut eval.expected {
            *range = Some((duration(start), duration(end), duration(step)));
        }
        if let At::Instant(at) = &mut eval.at {
            *at = duration(end);
        }
        eval.instant_only = true;
        return true;
    }
    if let Some(literal) = line.strip_prefix("expect string ") {
        let query::promql::Expr::String(text) = query::promql::parse(literal).unwrap() else {
            panic!("{line}");
        };
        eval.expected = Answer::String(text.as_str().unwrap().to_owned());
        eval.instant_only = true;
        return true;
    }
    if line.split(' ').next() == Some("expect") {
        annotation(eval, line);
        return true;
    }
    if let Some(number) = series::number(line) {
        eval.expected = Answer::Scalar(number);
        return false;
    }
    let (labels, items) = series::parse(line);
    let values = items.into_iter().map(Expected::from).collect();
    if let Answer::Series { series, .. } = &mut eval.expected {
        series.retain(|(other, _)| *other != labels);
        series.push((labels, values));
    }
    true
}

fn annotation(eval: &mut Eval, line: &str) {
    let rest = line.strip_prefix("expect").unwrap().trim_start();
    let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let rest = rest.trim_start();
    let expectation = if let Some(message) = rest.strip_prefix("msg:") {
        Expectation::Exactly(message.trim().to_owned())
    } else if let Some(pattern) = rest.strip_prefix("regex:") {
        Expectation::Matching(Regex::new(pattern.trim()).unwrap())
    } else {
        assert!(rest.is_empty(), "{line}");
        Expectation::Any
    };
    match kind {
        "fail" => eval.fail = Some(expectation),
        "warn" => eval.warn.push(expectation),
        "info" => eval.info.push(expectation),
        "no_warn" => eval.no_warn = true,
        "no_info" => eval.no_info = true,
        "ordered" => eval.ordered = true,
        _ => panic!("{line}"),
    }
}

/// A sample at the `index`th step of a `load`.
pub(crate) fn sample(step_ms: i64, index: usize, value: f64) -> Sample {
    Sample {
        timestamp_ms: step_ms * i64::try_from(index).unwrap(),
        value,
    }
}
