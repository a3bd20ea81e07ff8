//! Line filters.

use memchr::memmem;
use query::logql::ast::{LineFilter, LineMatch, LineOp};

use super::ip::IpMatch;
use super::pattern::Pattern;
use crate::limits::EvalError;
use crate::regexes;

/// A line filter, compiled.
#[derive(Clone, Debug)]
pub(crate) struct LineTest {
    negated: bool,
    alternatives: Vec<Alternative>,
}

#[derive(Clone, Debug)]
enum Alternative {
    Contains(Box<memmem::Finder<'static>>),
    Regex(regex::bytes::Regex),
    Pattern(Pattern),
    Ip(IpMatch),
}

impl LineTest {
    /// Compiles a filter.
    pub(crate) fn new(filter: &LineFilter) -> Result<Self, EvalError> {
        let compile = |alternative: &LineMatch| match alternative {
            LineMatch::Ip(pattern) => {
                let ip = IpMatch::parse(&pattern.to_string_lossy()).map_err(EvalError::Invalid)?;
                match filter.op {
                    LineOp::Contains | LineOp::NotContains => Ok(Alternative::Ip(ip)),
                    LineOp::Regex | LineOp::NotRegex | LineOp::Pattern | LineOp::NotPattern => Err(
                        EvalError::Invalid("ip() goes with |= and != only".to_owned()),
                    ),
                }
            }
            LineMatch::Text(text) => match filter.op {
                LineOp::Contains | LineOp::NotContains => {
                    let finder = memmem::Finder::new(text.as_bytes()).into_owned();
                    Ok(Alternative::Contains(Box::new(finder)))
                }
                LineOp::Regex | LineOp::NotRegex => {
                    regexes::in_lines(utf8(text)?).map(Alternative::Regex)
                }
                LineOp::Pattern | LineOp::NotPattern => Pattern::filtering(utf8(text)?)
                    .map(Alternative::Pattern)
                    .map_err(EvalError::Invalid),
            },
        };
        Ok(Self {
            negated: match filter.op {
                LineOp::Contains | LineOp::Regex | LineOp::Pattern => false,
                LineOp::NotContains | LineOp::NotRegex | LineOp::NotPattern => true,
            },
            alternatives: filter
                .alternatives
                .iter()
                .map(compile)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The text that a line has to have to pass, if there is just one.
    pub(crate) fn needle(&self) -> Option<&[u8]> {
        match self.alternatives.as_slice() {
            [Alternative::Contains(finder)] if !self.negated => Some(finder.needle()),
            _ => None,
        }
    }

    /// Whether the line passes: one alternative is in it or, negated, none.
    pub(crate) fn passes(&self, line: &str) -> bool {
        let is_in = |alternative: &Alternative| match alternative {
            Alternative::Contains(finder) => finder.find(line.as_bytes()).is_some(),
            Alternative::Regex(regex) => regex.is_match(line.as_bytes()),
            Alternative::Pattern(pattern) => pattern.matches(line),
            Alternative::Ip(ip) => ip.is_in(line),
        };
        self.alternatives.iter().any(is_in) != self.negated
    }
}

/// A text of the query that has to be UTF-8, as patterns do.
pub(super) fn utf8(text: &query::Text) -> Result<&str, EvalError> {
    let not_utf8 = || EvalError::Unsupported("a pattern of this query is not UTF-8".to_owned());
    text.as_str().ok_or_else(not_utf8)
}
