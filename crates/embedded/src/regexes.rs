//! Regular expressions of queries: written for Go's RE2, run by the regex crate.

use regex::{Regex, RegexBuilder};

use crate::limits::EvalError;

/// Bytes that one compiled expression may take.
const COMPILED_SIZE: usize = 4 << 20;

/// Compiles the pattern of a label matcher, which has to match the whole value.
pub fn anchored(pattern: &str) -> Result<Regex, EvalError> {
    build(&format!("^(?s:{pattern})$"), pattern)
}

/// Compiles a pattern that may match anywhere.
pub fn unanchored(pattern: &str) -> Result<Regex, EvalError> {
    build(pattern, pattern)
}

fn build(expression: &str, written: &str) -> Result<Regex, EvalError> {
    RegexBuilder::new(expression)
        .size_limit(COMPILED_SIZE)
        .dfa_size_limit(COMPILED_SIZE)
        .nest_limit(250)
        .build()
        .map_err(|error| EvalError::Invalid(format!("error parsing regexp: {error}: `{written}`")))
}
