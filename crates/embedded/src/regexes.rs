//! Regular expressions of queries: written for Go's RE2, run by the regex crate.

mod cost;
mod expand;
mod translate;

use regex::{Regex, RegexBuilder};

pub(crate) use self::cost::{Costed, Fault, Form};
pub(crate) use self::expand::expand;
use crate::limits::EvalError;

/// Bytes that one compiled expression may take.
const COMPILED_SIZE: usize = 4 << 20;

/// Compiles the pattern of a label matcher, which has to match the whole value; `.` matches
/// newlines too, as in Prometheus 3 and Loki.
pub fn anchored(pattern: &str) -> Result<Regex, EvalError> {
    let translated = translate::from_go(pattern)?;
    build(&format!("^(?s:{translated})$"), pattern)
}

/// Likewise, in no more than `room` bytes; and about how many it takes. `None` if it would take more
/// than there is room for, and would not be too large otherwise.
pub(crate) fn anchored_within(
    pattern: &str,
    room: usize,
) -> Result<Option<(Regex, usize)>, EvalError> {
    match Costed::new(Form::Anchored, pattern, room) {
        Ok(costed) => Ok(Some(costed.into_parts())),
        Err(Fault::NoRoom) => Ok(None),
        Err(Fault::Invalid(error)) => Err(error),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_understands_otherwise_is_understood_like_go() {
        let cases = [
            (r"\d", "7", true),
            (r"\d", "٣", false),
            (r"\w+", "é", false),
            (r#"{"level":"#, r#"x {"level": 1}"#, true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"a{2}", "aa", true),
            (r"a{,2}", "a{,2}", true),
            (r"[[]", "[", true),
            (r"[a&&b]", "&", true),
            (r"[]a]", "]", true),
            (r"[+--]", ",", true),
            (r"[\d.]+x", "1.5x", true),
            (r"\<b\>", "<b>", true),
            (r"\101", "A", true),
            (r"(?i)abc", "ABC", true),
            (r"(?P<name>x)", "x", true),
            (r"}", "}", true),
            (r#""status": ?(200|201)"#, r#""status": 200"#, true),
        ];
        for (pattern, text, wanted) in cases {
            let regex = unanchored(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), wanted, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in [
            r"a)|(b", r"(?i)a)", r"a**", r"(?x)a", r"(?<=a)b", r"(?!a)", r"\y", r"a{1001}", r"[a",
            r"\1", "(",
        ] {
            assert!(unanchored(pattern).is_err(), "{pattern}");
        }
    }
}
