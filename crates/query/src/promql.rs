//! PromQL, as Prometheus of August 2026 accepts it.

pub mod ast;
pub mod functions;

mod check;
mod grammar;
mod lexer;
mod literal;
mod operator;
mod print;
mod walk;

use crate::error::ParseError;
pub use ast::Expr;

/// Parses a PromQL query.
///
/// # Errors
/// The query is not PromQL, breaks a rule of types or names, is refused on purpose (see the
/// module), or is too large; with the place and, where it is known, what would be right.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    grammar::parse(query)
}
