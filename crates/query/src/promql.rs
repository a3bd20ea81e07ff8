//! PromQL, as Prometheus of August 2026 accepts it.

pub mod ast;
pub mod functions;

use crate::error::ParseError;
pub use ast::Expr;

/// Parses a PromQL query.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    Err(ParseError::at(query, 0, "not written yet"))
}
