//! Label matchers, compiled once for a query.

use query::{MatchOp, Matcher};
use regex::Regex;

use crate::labels::Labels;
use crate::limits::EvalError;
use crate::regexes;

/// Regular expressions in one selector; each may take megabytes.
const MOST_REGEXES: usize = 64;

/// Selectors in one request that takes several.
const MOST_GROUPS: usize = 64;

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
        let is_regex = |matcher: &&Matcher| match matcher.op {
            MatchOp::Regex | MatchOp::NotRegex => true,
            MatchOp::Equal | MatchOp::NotEqual => false,
        };
        if matchers.iter().filter(is_regex).count() > MOST_REGEXES {
            return Err(EvalError::Limit(format!(
                "a selector may have at most {MOST_REGEXES} regular expressions"
            )));
        }
        matchers
            .iter()
            .map(|matcher| Ok((matcher.name.to_string(), Test::new(matcher)?)))
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

    pub(super) fn tests(&self) -> impl Iterator<Item = (&str, &Test)> {
        self.0.iter().map(|(name, test)| (name.as_str(), test))
    }
}

/// Compiles the matchers of several selectors.
pub(super) fn selections(groups: &[Vec<Matcher>]) -> Result<Vec<Selection>, EvalError> {
    if groups.len() > MOST_GROUPS {
        return Err(EvalError::Limit(format!(
            "a request may have at most {MOST_GROUPS} selectors"
        )));
    }
    groups.iter().map(|group| Selection::new(group)).collect()
}

impl Test {
    fn new(matcher: &Matcher) -> Result<Self, EvalError> {
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
            MatchOp::Regex => Self::Regex(regexes::anchored(value)?),
            MatchOp::NotRegex => Self::NotRegex(regexes::anchored(value)?),
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
