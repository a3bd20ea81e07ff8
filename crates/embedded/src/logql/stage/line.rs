//! Line filters.

use memchr::memmem;
use query::logql::ast::{LineFilter, LineMatch, LineOp};

use super::ip::IpMatch;
use super::pattern::Pattern;
use super::simplified::{self, Simple, Wanted};
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
    /// Any line has it.
    Anything,
    Simple(Wanted),
    Contains(Box<memmem::Finder<'static>>),
    Regex(regex::bytes::Regex),
    Pattern(Pattern),
    Ip(IpMatch),
}

impl LineTest {
    /// Compiles a filter.
    pub(crate) fn new(filter: &LineFilter) -> Result<Self, EvalError> {
        let negated = match filter.op {
            LineOp::Contains | LineOp::Regex | LineOp::Pattern => false,
            LineOp::NotContains | LineOp::NotRegex | LineOp::NotPattern => true,
        };
        let mut alternatives = Vec::new();
        for alternative in &filter.alternatives {
            alternatives.extend(Alternative::compile(alternative, filter.op)?);
        }
        // What any line has goes away beside what not every line has, as in Loki; a line that has
        // to have none of them passes none of them alone.
        if !negated
            && alternatives
                .iter()
                .any(|alternative| !matches!(alternative, Alternative::Anything))
        {
            alternatives.retain(|alternative| !matches!(alternative, Alternative::Anything));
        }
        Ok(Self {
            negated,
            alternatives,
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
            Alternative::Anything => true,
            Alternative::Simple(wanted) => wanted.passes(line),
            Alternative::Contains(finder) => finder.find(line.as_bytes()).is_some(),
            Alternative::Regex(regex) => regex.is_match(line.as_bytes()),
            Alternative::Pattern(pattern) => pattern.matches(line),
            Alternative::Ip(ip) => ip.is_in(line),
        };
        self.alternatives.iter().any(is_in) != self.negated
    }
}

impl Alternative {
    /// Compiles one alternative; a pattern may become several.
    fn compile(alternative: &LineMatch, op: LineOp) -> Result<Vec<Self>, EvalError> {
        let text = match alternative {
            LineMatch::Ip(pattern) => {
                let ip = IpMatch::parse(&pattern.to_string_lossy()).map_err(EvalError::Invalid)?;
                return match op {
                    LineOp::Contains | LineOp::NotContains => Ok(vec![Self::Ip(ip)]),
                    LineOp::Regex | LineOp::NotRegex | LineOp::Pattern | LineOp::NotPattern => Err(
                        EvalError::Invalid("ip() goes with |= and != only".to_owned()),
                    ),
                };
            }
            LineMatch::Text(text) => text,
        };
        Ok(match op {
            LineOp::Contains | LineOp::NotContains => vec![Self::containing(text.as_bytes())],
            LineOp::Regex | LineOp::NotRegex => {
                let pattern = utf8(text)?;
                let regex = regexes::in_lines(pattern)?;
                match simplified::simplify(pattern, false) {
                    None => vec![Self::Regex(regex)],
                    Some(Simple::Anything) => vec![Self::Anything],
                    Some(Simple::OneOf(wanted)) => wanted.into_iter().map(Self::from).collect(),
                }
            }
            LineOp::Pattern | LineOp::NotPattern => {
                let pattern = Pattern::filtering(utf8(text)?).map_err(EvalError::Invalid)?;
                vec![Self::Pattern(pattern)]
            }
        })
    }

    fn containing(text: &[u8]) -> Self {
        if text.is_empty() {
            return Self::Anything;
        }
        Self::Contains(Box::new(memmem::Finder::new(text).into_owned()))
    }
}

impl From<Wanted> for Alternative {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Literal {
                text,
                folded: false,
                whole: false,
            } => Self::containing(text.as_bytes()),
            wanted @ (Wanted::NotEmpty | Wanted::Literal { .. }) => Self::Simple(wanted),
        }
    }
}

/// A text of the query that has to be UTF-8, as patterns do.
pub(super) fn utf8(text: &query::Text) -> Result<&str, EvalError> {
    let not_utf8 = || EvalError::Unsupported("a pattern of this query is not UTF-8".to_owned());
    text.as_str().ok_or_else(not_utf8)
}
