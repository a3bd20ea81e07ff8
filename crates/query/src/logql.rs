//! LogQL, as Loki of August 2026 accepts it.

pub mod ast;
mod names;

mod check;
mod copy;
mod grammar;
mod lexer;
mod literal;
mod print;
mod visit;

use crate::error::ParseError;
pub use ast::Expr;

/// Parses a LogQL query.
///
/// # Errors
/// The query is not LogQL, is longer than [`MAX_QUERY_BYTES`](crate::limits::MAX_QUERY_BYTES) or
/// deeper than [`MAX_DEPTH`](crate::limits::MAX_DEPTH).
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    grammar::parse(query, false)
}

/// Parses what is asked of one resource, where the selector may be left out: a query that starts
/// with a pipeline (`|= "error" | json`) is one on the empty selector `{}`, and an empty query is
/// `{}` itself. Places in errors are those of `query`.
///
/// # Errors
/// As [`parse`].
pub fn parse_on_resource(query: &str) -> Result<Expr, ParseError> {
    grammar::parse(query, true)
}
