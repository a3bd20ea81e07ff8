//! Patterns of log lines: what lines have in common, with `<_>` where they differ.
//!
//! A line is cut into words and what stands between them. Lines with the same marks between their
//! words may have the same pattern: a line joins the first one that has most of its words. Words
//! with digits in them are taken for values from the beginning, or times and ids would make a
//! pattern of every line.

use std::collections::{BTreeMap, HashMap};

use crate::LogEntry;
use crate::labels::Labels;
use crate::limits::{EvalError, Stop};
use crate::store::{Lines, LogLine, Selected, SharedReading};

/// Longer lines have no pattern.
const MAX_LINE: usize = 3_000;
/// Words of a line that are looked at; the rest is one more value.
const MAX_WORDS: usize = 64;
/// Patterns that are kept while lines are looked at; lines of others are left out then.
const MAX_KEPT: usize = 1_000;
/// Patterns in an answer, those of the most lines.
const MAX_SHOWN: usize = 300;
/// A single line is no pattern.
const LEAST_LINES: u64 = 2;
/// Lines between two looks at whether anybody still waits.
const CHECK_EVERY: usize = 256;
const PLACEHOLDER: &str = "<_>";

/// Labels that tell how severe a line is, the strongest first.
const LEVELS: [&str; 3] = ["detected_level", "level", "severity"];

/// A pattern with how many lines have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) level: String,
    /// Beginnings of steps, in nanoseconds since the Unix epoch, with the lines in them; also the
    /// steps without lines between the first and the last.
    pub(crate) counts: Vec<(i64, u64)>,
}

/// The patterns of the lines in these streams, those of the most lines first.
pub(crate) fn patterns(
    streams: &[Selected<LogEntry>],
    step_ns: i64,
    stop: &Stop,
) -> Result<Vec<Pattern>, EvalError> {
    let mut miner = Miner::default();
    let mut seen = 0_usize;
    let reading = SharedReading::default();
    for stream in streams {
        let mut lines = Lines::forward(stream, &reading);
        while lines.advance()? {
            let entry = lines.line()?;
            if seen.is_multiple_of(CHECK_EVERY) {
                stop.check()?;
            }
            seen += 1;
            stop.count(entry.line.len())?;
            let step = entry.timestamp_ns.div_euclid(step_ns);
            miner.add(level(&stream.labels, entry), entry.line, step);
        }
    }
    Ok(miner.finish(step_ns))
}

fn level<'a>(labels: &'a Labels, entry: LogLine<'a>) -> &'a str {
    let of_line = |name: &str| {
        let mut metadata = entry.structured_metadata.iter();
        let found = metadata.find(|(own, _)| own == name);
        found.map_or_else(|| labels.get(name), |(_, value)| value.as_str())
    };
    let mut levels = LEVELS.into_iter().map(of_line);
    levels.find(|level| !level.is_empty()).unwrap_or("unknown")
}

/// Patterns while lines are looked at.
#[derive(Default)]
struct Miner {
    /// By level and by the marks between the words.
    found: HashMap<(String, String), Vec<Cluster>>,
    count: usize,
}

/// Lines with a pattern.
struct Cluster {
    /// The words, `None` where lines differ.
    words: Vec<Option<String>>,
    lines: u64,
    steps: BTreeMap<i64, u64>,
}

impl Miner {
    fn add(&mut self, level: &str, line: &str, step: i64) {
        if line.is_empty() || line.len() > MAX_LINE {
            return;
        }
        let (words, marks) = cut(line);
        let key = (level.to_owned(), marks);
        let known = self.found.get_mut(&key);
        let known = known.and_then(|all| all.iter_mut().find(|one| one.is_like(&words)));
        if let Some(cluster) = known {
            cluster.take(&words);
            cluster.count(step);
        } else if self.count < MAX_KEPT {
            // Only now is the key kept: lines may have ever other marks.
            self.count += 1;
            let mut cluster = Cluster::of(&words);
            cluster.count(step);
            self.found.entry(key).or_default().push(cluster);
        }
    }

    fn finish(self, step_ns: i64) -> Vec<Pattern> {
        let mut all: Vec<(Cluster, String, String)> = Vec::with_capacity(self.count);
        for ((level, marks), clusters) in self.found {
            for cluster in clusters {
                if cluster.lines >= LEAST_LINES {
                    let text = cluster.text(&marks);
                    all.push((cluster, text, level.clone()));
                }
            }
        }
        all.sort_by(|a, b| {
            let lines = b.0.lines.cmp(&a.0.lines);
            lines.then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2)))
        });
        all.truncate(MAX_SHOWN);
        let shown = |(cluster, text, level): (Cluster, String, String)| Pattern {
            counts: cluster.counts(step_ns),
            text,
            level,
        };
        all.into_iter().map(shown).collect()
    }
}

impl Cluster {
    fn of(words: &[&str]) -> Self {
        let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
        let constant = |word: &&str| (!has_digit(word)).then(|| (*word).to_owned());
        Self {
            words: words.iter().map(constant).collect(),
            lines: 0,
            steps: BTreeMap::new(),
        }
    }

    fn count(&mut self, step: i64) {
        self.lines += 1;
        *self.steps.entry(step).or_default() += 1;
    }

    /// Whether more than half of the words that are not values agree.
    fn is_like(&self, words: &[&str]) -> bool {
        let constant = self.words.iter().zip(words);
        let constant = constant.filter_map(|(own, word)| Some((own.as_deref()?, *word)));
        let (mut same, mut all) = (0, 0);
        for (own, word) in constant {
            all += 1;
            same += usize::from(own == word);
        }
        all == 0 || same * 2 > all
    }

    fn take(&mut self, words: &[&str]) {
        for (own, word) in self.words.iter_mut().zip(words) {
            if own.as_deref().is_some_and(|own| own != *word) {
                *own = None;
            }
        }
    }

    /// The pattern: the marks with the words in their places.
    fn text(&self, marks: &str) -> String {
        let mut text = String::new();
        let mut words = self.words.iter();
        for mark in marks.chars() {
            if mark != WORD {
                text.push(mark);
                continue;
            }
            match words.next() {
                Some(Some(word)) => text.push_str(word),
                // Two values side by side are one.
                Some(None) if text.ends_with(PLACEHOLDER) => {}
                Some(None) | None => text.push_str(PLACEHOLDER),
            }
        }
        text
    }

    fn counts(&self, step_ns: i64) -> Vec<(i64, u64)> {
        let ends = self.steps.keys().next().zip(self.steps.keys().next_back());
        let Some((first, last)) = ends else {
            return Vec::new();
        };
        let count = |step: i64| self.steps.get(&step).copied().unwrap_or_default();
        (*first..=*last)
            .map(|step| (step.saturating_mul(step_ns), count(step)))
            .collect()
    }
}

/// Stands for a word among the marks. It is no character that text has.
const WORD: char = '\u{0}';

/// The words of a line, and its marks with [`WORD`] for every word. Too long a line ends with one
/// more word that has the rest.
fn cut(line: &str) -> (Vec<&str>, String) {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    let (mut words, mut marks) = (Vec::new(), String::new());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if first == WORD {
            // Not text: nothing is lost without it.
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        if !is_word(first) {
            marks.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        marks.push(WORD);
        if words.len() + 1 >= MAX_WORDS {
            words.push(rest);
            break;
        }
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind;
    }
    (words, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mined(lines: &[&str]) -> Vec<(String, u64)> {
        let mut miner = Miner::default();
        for line in lines {
            miner.add("info", line, 0);
        }
        let patterns = miner.finish(1).into_iter();
        patterns
            .map(|pattern| (pattern.text, pattern.counts.iter().map(|(_, n)| n).sum()))
            .collect()
    }

    #[test]
    fn what_lines_have_in_common_stays_and_what_differs_is_left_open() {
        for (lines, patterns) in [
            (
                &["user ann logged in", "user bob logged in"][..],
                &[("user <_> logged in", 2)][..],
            ),
            (
                &[
                    "took=15ms path=/a level=info",
                    "took=7ms path=/a level=info",
                ],
                &[("took=<_> path=/a level=info", 2)],
            ),
            (
                &[
                    "GET /v1/items/12 200",
                    "GET /v1/items/7 200",
                    "POST done",
                    "POST done",
                ],
                &[("GET <_> <_>", 2), ("POST done", 2)],
            ),
            (
                &[r#"{"id": 1, "msg": "a"}"#, r#"{"id": 2, "msg": "a"}"#],
                &[(r#"{"id": <_>, "msg": "a"}"#, 2)],
            ),
            (&["only once"], &[]),
            (&["1 2", "3 4"], &[("<_> <_>", 2)]),
            (&["", ""], &[]),
        ] {
            let wanted: Vec<_> = patterns
                .iter()
                .map(|(text, count)| ((*text).to_owned(), *count))
                .collect();
            assert_eq!(mined(lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn long_lines_end_with_a_value() {
        let long = |last: &str| format!("{}{last}", "word ".repeat(MAX_WORDS));
        let found = mined(&[&long("a b"), &long("c")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].0.ends_with("word <_>"), "{found:?}");
        let too_long = "x".repeat(MAX_LINE + 1);
        assert_eq!(mined(&[&too_long, &too_long]), []);
    }

    #[test]
    fn no_more_patterns_are_kept_than_may_be() {
        let lines: Vec<String> = (0..2 * MAX_KEPT)
            .map(|at| format!("word{}", "!".repeat(at)))
            .collect();
        let mut miner = Miner::default();
        for line in lines.iter().chain(&lines) {
            miner.add("info", line, 0);
        }
        assert_eq!(miner.count, MAX_KEPT);
        assert_eq!(miner.found.len(), MAX_KEPT);
        assert_eq!(miner.finish(1).len(), MAX_SHOWN);
    }
}
