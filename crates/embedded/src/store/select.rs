//! Label matchers, compiled once for a query.

use std::collections::HashMap;

use query::{MatchOp, Matcher};
use regex::Regex;

use crate::labels::Labels;
use crate::limits::{EvalError, Stop};
use crate::regexes;
use crate::ticker::Ticker;

/// Regular expressions in one request, whichever selectors they are in.
const MOST_REGEXES: usize = 64;

/// Bytes that all of them may take together, compiled.
const MOST_BYTES: usize = 32 << 20;

/// Selectors in one request that takes several.
const MOST_GROUPS: usize = 64;

/// About how many units of work it is to try a matcher on a label.
pub(super) const TEST: usize = 16;

/// The regular expressions of one request. Equal ones are compiled once.
#[derive(Debug)]
pub(crate) struct Patterns<'a> {
    stop: Option<&'a Stop>,
    compiled: HashMap<String, Regex>,
    bytes: usize,
}

impl<'a> Patterns<'a> {
    /// Those of a request that ends with `stop`.
    pub(crate) fn new(stop: &'a Stop) -> Self {
        Self {
            stop: Some(stop),
            ..Self::unheeding()
        }
    }

    fn unheeding() -> Self {
        Self {
            stop: None,
            compiled: HashMap::new(),
            bytes: 0,
        }
    }

    /// A ticker with the stop of the request.
    pub(super) fn ticker(&self) -> Ticker<'a> {
        self.stop.map_or_else(Ticker::unheeding, Ticker::new)
    }

    /// The expression of a label matcher, which has to match the whole value.
    pub(crate) fn compile(&mut self, pattern: &str) -> Result<Regex, EvalError> {
        if let Some(regex) = self.compiled.get(pattern) {
            return Ok(regex.clone());
        }
        self.stop.map_or(Ok(()), Stop::check)?;
        if self.compiled.len() >= MOST_REGEXES {
            return Err(EvalError::Limit(format!(
                "a request may have at most {MOST_REGEXES} regular expressions"
            )));
        }
        let room = MOST_BYTES.saturating_sub(self.bytes);
        let Some((regex, bytes)) = regexes::anchored_within(pattern, room)? else {
            return Err(EvalError::Limit(format!(
                "the regular expressions of the request would take more than {MOST_BYTES} bytes"
            )));
        };
        self.bytes += bytes;
        self.compiled.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }
}

/// Matchers that a stream or series has to pass, all of them.
#[derive(Clone, Debug)]
pub struct Selection(Vec<(String, Test)>);

#[derive(Clone, Debug)]
pub(super) enum Test {
    Equal(String),
    NotEqual(String),
    Regex(Regex),
    NotRegex(Regex),
}

impl Selection {
    /// Compiles the matchers.
    pub fn new(matchers: &[Matcher]) -> Result<Self, EvalError> {
        Self::compile(matchers, &mut Patterns::unheeding())
    }

    /// Compiles matchers of a request.
    pub(crate) fn compile(
        matchers: &[Matcher],
        patterns: &mut Patterns,
    ) -> Result<Self, EvalError> {
        let test = |matcher: &Matcher| {
            let name = matcher.name.to_string();
            Ok((name, Test::new(matcher, patterns)?))
        };
        matchers
            .iter()
            .map(test)
            .collect::<Result<_, EvalError>>()
            .map(Self)
    }

    /// Whether these labels pass; a label that is not there counts as the empty string.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0
            .iter()
            .all(|(name, test)| test.passes(labels.get(name)))
    }

    /// About how many units of work it is to look whether some labels pass.
    pub(super) fn work(&self) -> usize {
        1 + self.0.len() * TEST
    }

    pub(super) fn tests(&self) -> impl Iterator<Item = (&str, &Test)> {
        self.0.iter().map(|(name, test)| (name.as_str(), test))
    }
}

/// Compiles the matchers of several selectors.
pub(super) fn selections(
    groups: &[Vec<Matcher>],
    patterns: &mut Patterns,
) -> Result<Vec<Selection>, EvalError> {
    if groups.len() > MOST_GROUPS {
        return Err(EvalError::Limit(format!(
            "a request may have at most {MOST_GROUPS} selectors"
        )));
    }
    let groups = groups.iter();
    groups
        .map(|group| Selection::compile(group, patterns))
        .collect()
}

impl Test {
    fn new(matcher: &Matcher, patterns: &mut Patterns) -> Result<Self, EvalError> {
        // Labels here are UTF-8. A value that is not cannot equal one; rather than think about
        // what a pattern of such bytes would match, both are refused.
        let Some(value) = matcher.value.as_str() else {
            return Err(EvalError::Invalid(format!(
                "the value of the matcher on {:?} is not UTF-8",
                matcher.name
            )));
        };
        Ok(match matcher.op {
            MatchOp::Equal => Self::Equal(value.to_owned()),
            MatchOp::NotEqual => Self::NotEqual(value.to_owned()),
            MatchOp::Regex => Self::Regex(patterns.compile(value)?),
            MatchOp::NotRegex => Self::NotRegex(patterns.compile(value)?),
        })
    }

    pub(super) fn passes(&self, value: &str) -> bool {
        match self {
            Self::Equal(wanted) => value == wanted,
            Self::NotEqual(unwanted) => value != unwanted,
            Self::Regex(regex) => regex.is_match(value),
            Self::NotRegex(regex) => !regex.is_match(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn regex(pattern: &str) -> Matcher {
        let text = format!("{{a=~\"{pattern}\"}}");
        let Ok(query::promql::Expr::Vector(selector)) = query::promql::parse(&text) else {
            panic!("{text}");
        };
        selector.matchers.first().unwrap().clone()
    }

    #[test]
    fn expressions_count_over_all_selectors_and_equal_ones_once() {
        let stop = Stop::after(Duration::from_hours(1));
        let group = |from: usize| {
            (from..from + 16)
                .map(|at| regex(&format!("x{at}.+")))
                .collect()
        };
        let groups: Vec<Vec<Matcher>> = (0..4).map(|at| group(at * 16)).collect();
        let again: Vec<Vec<Matcher>> = (0..4).flat_map(|_| groups.clone()).collect();
        assert!(selections(&again, &mut Patterns::new(&stop)).is_ok());
        // Of 256 expressions 64 are compiled, and before each the stop is asked.
        assert_eq!(stop.asked(), 64);
        let more: Vec<Vec<Matcher>> = (0..5).map(|at| group(at * 16)).collect();
        let refused = selections(&more, &mut Patterns::new(&stop));
        assert_eq!(
            refused.map(|_| ()),
            Err(EvalError::Limit(
                "a request may have at most 64 regular expressions".to_owned()
            ))
        );
    }

    #[test]
    fn large_expressions_are_compiled_as_long_as_there_is_room() {
        let stop = Stop::after(Duration::from_hours(1));
        let mut patterns = Patterns::new(&stop);
        patterns.compile("x+").unwrap();
        let small = patterns.bytes;
        patterns.compile(r"\pL{9}").unwrap();
        assert!(patterns.bytes > 4 * small, "{} {small}", patterns.bytes);
        patterns.bytes = MOST_BYTES - small;
        patterns.compile("y+").unwrap();
        for pattern in ["z+", r"\pL{8}"] {
            assert_eq!(
                patterns.compile(pattern).map(|_| ()),
                Err(EvalError::Limit(
                    "the regular expressions of the request would take more than 33554432 bytes"
                        .to_owned()
                )),
            );
        }
    }

    #[test]
    fn nothing_is_compiled_for_a_caller_that_has_gone() {
        let stop = Stop::after(Duration::from_hours(1));
        drop(stop.cancel_on_drop());
        let compiled = Patterns::new(&stop).compile("x+").map(|_| ());
        assert_eq!(compiled, Err(EvalError::Canceled));
    }
}
