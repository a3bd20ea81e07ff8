//! Label filters.

use query::logql::ast::{CompareOp, LabelFilter};
use query::{MatchOp, Matcher};

use super::ip::IpMatch;
use super::simplified::{self, Simple, Wanted};
use crate::limits::EvalError;
use crate::logql::go;
use crate::logql::labels::{ERROR, LineLabels};
use crate::regexes;

/// A condition on labels, compiled.
#[derive(Clone, Debug)]
pub(crate) enum LabelTest {
    /// True for every line.
    Always,
    Text(String, TextTest),
    Ip(String, bool, IpMatch),
    Number(String, CompareOp, f64),
    Duration(String, CompareOp, i64),
    Bytes(String, CompareOp, u64),
    And(Box<LabelTest>, Box<LabelTest>),
    Or(Box<LabelTest>, Box<LabelTest>),
}

const LABEL_FILTER_ERROR: &str = "LabelFilterErr";

impl LabelTest {
    /// Compiles a filter.
    pub(crate) fn new(filter: &LabelFilter) -> Result<Self, EvalError> {
        Ok(match filter {
            LabelFilter::Match(matcher) => {
                let test = TextTest::for_filter(matcher)?;
                if matches!(test, TextTest::Any) {
                    Self::Always
                } else {
                    Self::Text(matcher.name.to_string(), test)
                }
            }
            LabelFilter::Ip(filter) => {
                let pattern = filter.pattern.to_string_lossy();
                let ip = IpMatch::parse(&pattern).map_err(EvalError::Invalid)?;
                Self::Ip(filter.label.to_string(), filter.negated, ip)
            }
            LabelFilter::Number(name, op, number) => {
                Self::Number(name.to_string(), *op, number.value)
            }
            LabelFilter::Duration(name, op, duration) => {
                Self::Duration(name.to_string(), *op, duration.nanos)
            }
            LabelFilter::Bytes(name, op, bytes) => {
                Self::Bytes(name.to_string(), *op, go::reprinted_bytes(bytes.value))
            }
            LabelFilter::And(a, b) => Self::And(Self::new(a)?.into(), Self::new(b)?.into()),
            LabelFilter::Or(a, b) => Self::Or(Self::new(a)?.into(), Self::new(b)?.into()),
        })
    }

    /// The one label that the filter is about; `None` for combinations.
    pub(crate) fn label(&self) -> Option<&str> {
        match self {
            Self::Text(name, _)
            | Self::Ip(name, _, _)
            | Self::Number(name, _, _)
            | Self::Duration(name, _, _)
            | Self::Bytes(name, _, _) => Some(name),
            Self::Always | Self::And(_, _) | Self::Or(_, _) => None,
        }
    }

    /// All labels that the filter is about.
    pub(crate) fn collect_labels(&self, into: &mut Vec<String>) {
        match self {
            Self::And(a, b) | Self::Or(a, b) => {
                a.collect_labels(into);
                b.collect_labels(into);
            }
            Self::Always
            | Self::Text(..)
            | Self::Ip(..)
            | Self::Number(..)
            | Self::Duration(..)
            | Self::Bytes(..) => into.extend(self.label().map(str::to_owned)),
        }
    }

    /// Whether the line passes. A value that cannot be compared is an error of the line, which
    /// passes with it; only a filter on `__error__` drops faulty lines.
    pub(crate) fn passes(&self, labels: &mut LineLabels<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Text(name, test) => test.passes(match name.as_str() {
                ERROR => labels.error(),
                name => labels.get(name).unwrap_or_default(),
            }),
            Self::Ip(name, negated, ip) => {
                if !labels.error().is_empty() {
                    return true;
                }
                labels
                    .get(name)
                    .is_some_and(|value| ip.is_in(value) != *negated)
            }
            Self::Number(name, op, wanted) => compare(labels, name, *op, wanted, go::parse_float),
            Self::Duration(name, op, wanted) => {
                compare(labels, name, *op, wanted, go::parse_duration)
            }
            Self::Bytes(name, op, wanted) => compare(labels, name, *op, wanted, go::parse_bytes),
            Self::And(a, b) => {
                // Both run: the second may note an error.
                let first = a.passes(labels);
                b.passes(labels) && first
            }
            Self::Or(a, b) => a.passes(labels) || b.passes(labels),
        }
    }
}

fn compare<T: PartialOrd>(
    labels: &mut LineLabels<'_>,
    name: &str,
    op: CompareOp,
    wanted: &T,
    read: impl Fn(&str) -> Result<T, String>,
) -> bool {
    let Some(value) = labels.get(name) else {
        return false;
    };
    match read(value) {
        Ok(value) => match op {
            CompareOp::Eq => value == *wanted,
            CompareOp::Ne => value != *wanted,
            CompareOp::Gt => value > *wanted,
            CompareOp::Ge => value >= *wanted,
            CompareOp::Lt => value < *wanted,
            CompareOp::Le => value <= *wanted,
        },
        Err(error) => {
            // An earlier error is likely to be the cause.
            if labels.error().is_empty() {
                labels.set_error(LABEL_FILTER_ERROR, Some(&error));
            }
            true
        }
    }
}

/// A condition on a text.
#[derive(Clone, Debug)]
pub(crate) enum TextTest {
    Any,
    Equal(String),
    OneOf(Vec<Wanted>),
    Regex(regex::Regex),
    Not(Box<TextTest>),
}

impl TextTest {
    /// The test of a label filter.
    ///
    /// Simple patterns mean what they mean to Loki; see [`simplified`].
    pub(crate) fn for_filter(matcher: &Matcher) -> Result<Self, EvalError> {
        let value = text(matcher)?;
        Ok(match matcher.op {
            MatchOp::Equal => Self::Equal(value.to_owned()),
            MatchOp::NotEqual => Self::Not(Box::new(Self::Equal(value.to_owned()))),
            MatchOp::Regex => Self::simplified(value)?,
            MatchOp::NotRegex => Self::Not(Box::new(Self::simplified(value)?)),
        })
    }

    /// The test of a matcher, as `keep`, `drop` and stream selectors have them.
    pub(crate) fn for_matcher(matcher: &Matcher) -> Result<Self, EvalError> {
        let value = text(matcher)?;
        Ok(match matcher.op {
            MatchOp::Equal => Self::Equal(value.to_owned()),
            MatchOp::NotEqual => Self::Not(Box::new(Self::Equal(value.to_owned()))),
            MatchOp::Regex => Self::Regex(regexes::anchored(value)?),
            MatchOp::NotRegex => Self::Not(Box::new(Self::Regex(regexes::anchored(value)?))),
        })
    }

    fn simplified(pattern: &str) -> Result<Self, EvalError> {
        let regex = regexes::whole(pattern)?;
        Ok(match simplified::simplify(pattern, true) {
            None => Self::Regex(regex),
            Some(Simple::Anything) => Self::Any,
            Some(Simple::OneOf(wanted)) => Self::OneOf(wanted),
        })
    }

    /// Whether the text passes.
    pub(crate) fn passes(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Equal(wanted) => text == wanted,
            Self::OneOf(wanted) => wanted.iter().any(|wanted| wanted.passes(text)),
            Self::Regex(regex) => regex.is_match(text),
            Self::Not(test) => !test.passes(text),
        }
    }
}

fn text(matcher: &Matcher) -> Result<&str, EvalError> {
    matcher.value.as_str().ok_or_else(|| {
        let message = format!(
            "the value of the matcher on {:?} is not UTF-8",
            matcher.name
        );
        EvalError::Invalid(message)
    })
}
