//! Expressions that are compiled under the least of a few limits that holds them, so that it is known
//! about how much memory each of them takes.

use super::{COMPILED_SIZE, invalid, translate};
use crate::limits::EvalError;

/// The limits that are tried, in bytes.
const SIZES: [usize; 4] = [
    COMPILED_SIZE >> 8,
    COMPILED_SIZE >> 4,
    COMPILED_SIZE >> 2,
    COMPILED_SIZE,
];

/// Bytes that the states may take that one search remembers, beyond which it forgets some.
const REMEMBERED: usize = 2 << 20;

/// The longest pattern: while it is read it takes a hundred times its length.
const LONGEST: usize = 256 << 10;

/// Bytes of a text that is not searched at once.
const LONG: usize = 16 << 10;

/// Size of an expression times length of a text that may be searched for it. A search that remembers
/// no states takes a step for every part of the expression and every byte, and cannot be ended early.
/// The smallest expressions may be looked for in any text.
const MOST_WORK: usize = 1 << 36;

/// What a pattern has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// The whole value of a label, newlines and all: stream selectors, `keep` and `drop`.
    Anchored,
    /// The whole value of a label, where `.` is no newline: label filters, `label_replace`.
    Whole,
    /// Something within a text.
    Within,
}

/// An expression, and the limit in bytes that it was compiled under.
#[derive(Clone, Debug)]
pub(crate) struct Costed<R> {
    regex: R,
    size: usize,
}

/// Why a pattern was not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is larger than the limit, which is none of the pattern's own.
    NoRoom,
    /// It is none that can be.
    Invalid(EvalError),
}

impl<R> Costed<R> {
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn into_parts(self) -> (R, usize) {
        (self.regex, self.size)
    }

    /// The expression, where a search in a text of this length is nothing to speak of.
    #[inline]
    pub(crate) fn cheap(&self, length: usize) -> Option<&R> {
        (self.size == SIZES[0] && length <= LONG).then_some(&self.regex)
    }

    /// The expression, to search a text of this length with; an error if that may take for ever.
    pub(crate) fn over(&self, length: usize) -> Result<&R, EvalError> {
        if self.size > SIZES[0] && self.size.saturating_mul(length) > MOST_WORK {
            return Err(EvalError::Limit(format!(
                "a text of {length} bytes is too long for a regular expression as large as one of \
                 this query"
            )));
        }
        Ok(&self.regex)
    }

    /// What a search in a text of this length counts for, in bytes worked on.
    pub(crate) fn work(&self, length: usize) -> usize {
        length.max(length.saturating_mul(self.size / SIZES[1]))
    }
}

impl Costed<regex::Regex> {
    /// Compiles a pattern in at most `room` bytes.
    pub(crate) fn new(form: Form, pattern: &str, room: usize) -> Result<Self, Fault> {
        let translated = translated(pattern)?;
        let expression = match form {
            Form::Anchored => format!("^(?s:{translated})$"),
            Form::Whole => format!("^(?:{translated})$"),
            Form::Within => translated,
        };
        least(pattern, room, |size| {
            regex::RegexBuilder::new(&expression)
                .size_limit(size)
                .dfa_size_limit(REMEMBERED.max(size))
                .nest_limit(250)
                .build()
        })
    }

    pub(crate) fn groups(&self) -> regex::CaptureNames<'_> {
        self.regex.capture_names()
    }
}

impl Costed<regex::bytes::Regex> {
    /// Compiles a pattern that is looked for in lines, in at most `room` bytes.
    pub(crate) fn in_lines(pattern: &str, room: usize) -> Result<Self, Fault> {
        let translated = translated(pattern)?;
        least(pattern, room, |size| {
            regex::bytes::RegexBuilder::new(&translated)
                .size_limit(size)
                .dfa_size_limit(REMEMBERED.max(size))
                .nest_limit(250)
                .build()
        })
    }
}

fn translated(pattern: &str) -> Result<String, Fault> {
    if pattern.len() > LONGEST {
        let length = pattern.len();
        return Err(Fault::Invalid(EvalError::Invalid(format!(
            "error parsing regexp: the pattern has {length} bytes, more than {LONGEST}"
        ))));
    }
    translate::from_go(pattern).map_err(Fault::Invalid)
}

/// Builds under the least limit that suffices.
fn least<R>(
    pattern: &str,
    room: usize,
    build: impl Fn(usize) -> Result<R, regex::Error>,
) -> Result<Costed<R>, Fault> {
    for size in SIZES {
        if size > room {
            return Err(Fault::NoRoom);
        }
        match build(size) {
            Ok(regex) => return Ok(Costed { regex, size }),
            Err(regex::Error::CompiledTooBig(_)) if size < COMPILED_SIZE => {}
            Err(error) => return Err(Fault::Invalid(invalid(pattern, &error.to_string()))),
        }
    }
    Err(Fault::NoRoom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_counts_for_about_what_it_takes() {
        let size = |pattern: &str| {
            let regex = Costed::new(Form::Within, pattern, COMPILED_SIZE);
            regex.unwrap().size()
        };
        assert_eq!(size("a.*b|(c)"), SIZES[0]);
        assert!(size(r"\pL{20}") > SIZES[0]);
        let too_large = Costed::new(Form::Within, r"\pL{20}", SIZES[0]);
        assert!(matches!(too_large, Err(Fault::NoRoom)));
        let impossible = Costed::new(Form::Within, r"(\pL{900}){900}", COMPILED_SIZE);
        assert!(
            matches!(impossible, Err(Fault::Invalid(_))),
            "{impossible:?}"
        );
    }

    #[test]
    fn a_large_expression_is_not_looked_for_in_a_long_text() {
        let large = Costed::new(Form::Within, r"\pL{20}", COMPILED_SIZE).unwrap();
        assert!(large.over(1 << 10).is_ok());
        assert!(matches!(large.over(1 << 30), Err(EvalError::Limit(_))));
        let small = Costed::new(Form::Within, "a+b", COMPILED_SIZE).unwrap();
        assert!(small.over(1 << 30).is_ok());
    }
}
