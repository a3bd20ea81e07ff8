//! Why a query was refused, and where.

use std::fmt;

/// A query that is refused, with the place in it where that was noticed.
///
/// `Display` gives one line (`1:14: unexpected "}", expected …`); [`ParseError::render`] adds the
/// offending line with a caret under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong and, where it is known, what would be right. No final full stop.
    pub message: String,
    /// Offset of the place in the query, in bytes.
    pub offset: usize,
    /// Line of the place, from 1.
    pub line: usize,
    /// Column of the place within its line, from 1, in characters.
    pub column: usize,
}

/// What a step of parsing gives. The error is in a box so that what succeeds is small: tokens and
/// nothings are then returned in registers.
pub(crate) type Parsed<T> = Result<T, Box<ParseError>>;

/// What is said of what the grammar knows and scoping does not let through.
const OF_SCOPE: [&str; 2] = ["info() is not allowed", "is not allowed in a selector"];

impl ParseError {
    /// Whether the query was understood and is refused because it would read past its scope.
    #[must_use]
    pub fn is_of_scope(&self) -> bool {
        OF_SCOPE.iter().any(|words| self.message.contains(words))
    }

    /// An error at byte `offset` of `query`; line and column are counted here.
    #[must_use]
    pub fn at(query: &str, offset: usize, message: impl Into<String>) -> Self {
        let mut offset = offset.min(query.len());
        while !query.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &query[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message: message.into(),
            offset,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The error with the line of `query` that it is about and a caret under the place. A long
    /// line is cut to what stands around the place.
    #[must_use]
    pub fn render(&self, query: &str) -> String {
        const AROUND: usize = 60;
        let line = query.split('\n').nth(self.line - 1).unwrap_or_default();
        let first = (self.column - 1).saturating_sub(AROUND);
        let shown: String = line
            .chars()
            .skip(first)
            .take(2 * AROUND)
            // A tab or a control character would move the caret away from its place.
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let caret = " ".repeat(self.column - 1 - first);
        format!("{self}\n  {shown}\n  {caret}^")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use crate::promql;

    #[test]
    fn what_would_read_past_its_scope_is_told_from_what_is_not_understood() {
        for query in ["info(up)", r#"up{__queries__="x"}"#] {
            assert!(promql::parse(query).unwrap_err().is_of_scope(), "{query}");
        }
        for query in ["up{", "nothing(up)", "sum by (", "up[5m"] {
            assert!(!promql::parse(query).unwrap_err().is_of_scope(), "{query}");
        }
    }
}
