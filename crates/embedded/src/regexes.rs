//! Regular expressions of queries: written for Go's RE2, run by the regex crate.

use regex::{Regex, RegexBuilder};

use crate::limits::EvalError;
use crate::re2;

/// Bytes that one compiled expression may take.
const COMPILED_SIZE: usize = 4 << 20;

/// Compiles the pattern of a label matcher, which has to match the whole value.
pub fn anchored(pattern: &str) -> Result<Regex, EvalError> {
    build(&format!("^(?s:{})$", translated(pattern)?), pattern)
}

/// Compiles a pattern that may match anywhere.
pub fn unanchored(pattern: &str) -> Result<Regex, EvalError> {
    build(&translated(pattern)?, pattern)
}

fn translated(pattern: &str) -> Result<String, EvalError> {
    re2::translate(pattern).map_err(|error| EvalError::Invalid(error.to_string()))
}

fn build(expression: &str, written: &str) -> Result<Regex, EvalError> {
    RegexBuilder::new(expression)
        .size_limit(COMPILED_SIZE)
        .dfa_size_limit(COMPILED_SIZE)
        .nest_limit(250)
        .build()
        .map_err(|error| EvalError::Invalid(format!("error parsing regexp: {error}: `{written}`")))
}

/// Compiles a pattern that may match anywhere in a line, and only says whether it does.
pub(crate) fn in_lines(pattern: &str) -> Result<regex::bytes::Regex, EvalError> {
    regex::bytes::RegexBuilder::new(&translated(pattern)?)
        .size_limit(COMPILED_SIZE)
        .dfa_size_limit(COMPILED_SIZE)
        .nest_limit(250)
        .build()
        .map_err(|error| EvalError::Invalid(format!("error parsing regexp: {error}: `{pattern}`")))
}
