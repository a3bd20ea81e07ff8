//! Regular expressions of queries: written for Go's RE2, run by the regex crate.

mod translate;

use regex::{Regex, RegexBuilder};

use crate::limits::EvalError;

/// Bytes that one compiled expression may take.
const COMPILED_SIZE: usize = 4 << 20;

/// Compiles the pattern of a label matcher, which has to match the whole value; `.` matches
/// newlines too, as in Prometheus 3 and Loki.
pub fn anchored(pattern: &str) -> Result<Regex, EvalError> {
    let translated = translate::from_go(pattern)?;
    build(&format!("^(?s:{translated})$"), pattern)
}

/// Compiles a pattern that may match anywhere.
pub fn unanchored(pattern: &str) -> Result<Regex, EvalError> {
    build(&translate::from_go(pattern)?, pattern)
}

fn build(expression: &str, written: &str) -> Result<Regex, EvalError> {
    RegexBuilder::new(expression)
        .size_limit(COMPILED_SIZE)
        .dfa_size_limit(COMPILED_SIZE)
        .nest_limit(250)
        .build()
        .map_err(|error| invalid(written, &error.to_string()))
}

fn invalid(written: &str, why: &str) -> EvalError {
    // The regex crate draws the pattern over several lines; the last one says what is wrong.
    let why = why.lines().last().unwrap_or_default();
    let why = why.trim_start_matches("error: ");
    EvalError::Invalid(format!("error parsing regexp: {why}: `{written}`"))
}
