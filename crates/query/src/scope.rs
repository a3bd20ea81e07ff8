//! Scoping: one matcher is added to every selector of a query.
//!
//! The query is parsed, the matcher becomes the last one of **every** selector, and the tree is
//! printed; what a backend gets to see is only what was understood here. A matcher that the
//! caller wrote is never judged, changed or merged, whatever label it is about: backends apply all
//! matchers of a selector, so that one more can only narrow it.
//!
//! What was printed is then parsed again, and is only given out if it is the very tree that was
//! meant and every selector in it carries the matcher.

use std::fmt;

use crate::error::ParseError;
use crate::limits::MAX_QUERY_BYTES;
use crate::logql;
use crate::matcher::Matcher;

/// Why a query could not be scoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeError {
    /// The caller's query is refused.
    Parse(ParseError),
    /// The scoped text did not prove to be scoped: a fault of this library, never the caller's.
    /// Nothing may be sent.
    Unverified,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Unverified => f.write_str("the scoped query could not be verified"),
        }
    }
}

impl std::error::Error for ScopeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Parse(error) => Some(error),
            Self::Unverified => None,
        }
    }
}

impl From<ParseError> for ScopeError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

/// The LogQL `query` with `by` added to every stream selector.
///
/// # Errors
/// [`ScopeError::Parse`] if the query is refused, [`ScopeError::Unverified`] if the result is not
/// what was meant.
pub fn logql(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    scoped_logql(query, logql::parse(query)?, by)
}

/// As [`logql`], of a query that may leave its selector out, see [`logql::parse_on_resource`].
///
/// # Errors
/// As [`logql`].
pub fn logql_on_resource(query: &str, by: &Matcher) -> Result<String, ScopeError> {
    scoped_logql(query, logql::parse_on_resource(query)?, by)
}

fn scoped_logql(query: &str, mut tree: logql::Expr, by: &Matcher) -> Result<String, ScopeError> {
    let mut count = 0_usize;
    tree.for_each_selector_mut(|selector| {
        count += 1;
        add(&mut selector.matchers, by);
    });
    let room = query.len() + count * (by.name.len() + by.value.as_bytes().len() + 8);
    let mut text = String::with_capacity(room);
    logql::print::expr(&mut text, &tree);
    refuse_long(query, &text)?;

    let again = logql::parse(&text).map_err(|_| ScopeError::Unverified)?;
    again.for_each_selector(|selector| {
        if selector.matchers.last() == Some(by) {
            count = count.wrapping_sub(1);
        } else {
            // No number of other selectors brings this back to zero.
            count = usize::MAX / 2;
        }
    });
    verified(count == 0 && again == tree, text)
}

/// Adds `by` as the last matcher. A selector whose last matcher is already exactly this one stays
/// as it is: to apply a matcher twice is to apply it once, and so a scoped query is scoped to
/// itself.
fn add(matchers: &mut Vec<Matcher>, by: &Matcher) {
    if matchers.last() != Some(by) {
        matchers.push(by.clone());
    }
}

/// What was added may make a query too long for the backend.
fn refuse_long(query: &str, text: &str) -> Result<(), ScopeError> {
    if text.len() > MAX_QUERY_BYTES {
        let message =
            format!("the query is too long: scoped, it has more than {MAX_QUERY_BYTES} bytes");
        return Err(ParseError::at(query, query.len(), message).into());
    }
    Ok(())
}

fn verified(good: bool, text: String) -> Result<String, ScopeError> {
    if good {
        Ok(text)
    } else {
        Err(ScopeError::Unverified)
    }
}
