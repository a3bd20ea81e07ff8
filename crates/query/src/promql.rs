//! PromQL, as Prometheus of August 2026 accepts it with all experimental options switched on.
//!
//! ```
//! use query::promql;
//!
//! let mut tree = promql::parse("sum by (job) (rate(http_requests_total{code=~'5..'}[5m]))")?;
//! for selector in tree.selectors() {
//!     let labels: Vec<&str> = selector.all_matchers().map(|(label, ..)| label).collect();
//!     assert_eq!(labels, ["code", "__name__"]);
//! }
//! tree.for_each_selector_mut(|selector| {
//!     selector.matchers.push(query::Matcher::equal("env", "prod"));
//! });
//! assert_eq!(
//!     tree.to_string(),
//!     r#"sum by (job) (rate(http_requests_total{code=~"5..",env="prod"}[5m]))"#
//! );
//!
//! let error = promql::parse("raet(up[5m])").unwrap_err();
//! assert_eq!(error.to_string(), r#"1:1: unknown function "raet", did you mean "rate"?"#);
//! # Ok::<(), query::ParseError>(())
//! ```
//!
//! # Grammar
//! ```text
//! query      = expr
//! expr       = number | string | selector | expr operator expr | ( "+" | "-" ) expr | "(" expr ")"
//!            | function "(" [ expr { "," expr } ] ")"
//!            | aggregation [ grouping ] "(" [ expr "," ] expr ")" [ grouping ]
//!            | expr "[" duration ":" [ duration ] "]" { time }
//! selector   = ( metric [ braces ] | braces ) [ "[" duration "]" ]
//!              { "anchored" | "smoothed" | time }
//! braces     = "{" [ matcher { "," matcher } [ "," ] ] "}"
//! matcher    = ( label | string ) ( "=" | "!=" | "=~" | "!~" ) string | string
//! time       = "offset" duration | "@" ( [ "-" ] number | "start" "()" | "end" "()" )
//! operator   = ( "+" | "==" | "and" | "</" | … ) [ "bool" ]
//!              [ ( "on" | "ignoring" ) labels [ ( "group_left" | "group_right" ) [ labels ] ] ]
//!              [ ( "fill" | "fill_left" | "fill_right" ) "(" [ "-" ] number ")" ] …
//! grouping   = ( "by" | "without" ) labels
//! labels     = "(" [ name { "," name } [ "," ] ] ")"
//! name       = label | string
//! duration   = number | "5m" | ( "step" | "range" ) "()" | ( "+" | "-" ) duration
//!            | ( "min_of" | "max_of" ) "(" duration "," duration ")"
//!            | duration ( "+" | "-" | "*" | "/" | "%" | "^" ) duration | "(" duration ")"
//! ```
//!
//! An offset and a time stand once each; arithmetic in an offset stands in parentheses.
//!
//! `or` binds least, then `and` and `unless`, comparisons and trimming, `+ -`, `* / % atan2`, signs,
//! and `^`, which groups to the right. Keywords may be written in any case, and are names of metrics
//! and labels wherever they can't be anything else. Comments begin with `#`.
//!
//! # What is accepted
//! Everything that `promql/parser` of Prometheus at commit `d15adb9ad7e5` (21 August 2026) accepts:
//! besides the stable language native histogram trimming (`</`, `>/`), `anchored` and `smoothed`,
//! arithmetic between durations, `fill`, `limitk` and `limit_ratio`, experimental functions, names
//! in any UTF-8. Function names, numbers of arguments and types are checked as there, with errors
//! of our own.
//!
//! Selectors that may match the empty series (`{}`, `{a=~".*"}`, `{a!="b"}`) are accepted, too:
//! Prometheus refuses them because they select everything, which they no longer do once a matcher
//! has been added to them.
//!
//! # What is refused on purpose
//! - `info()`: it joins the series of `target_info` by `instance` and `job` alone, and so would
//!   reach series that no selector of the query names. Its second argument only looks like a
//!   selector, and a matcher added there would change what it means.
//! - `or` between the matchers of one selector, which dialects of PromQL have and Prometheus does
//!   not.
//! - Names that are not UTF-8 (`{"\xff"="1"}`).
//! - Queries beyond [`MAX_QUERY_BYTES`](crate::limits::MAX_QUERY_BYTES) or deeper than
//!   [`MAX_DEPTH`](crate::limits::MAX_DEPTH); each operator of a chain is a level.
//!
//! Regular expressions are not looked at: what is wrong with one, the backend says.
//!
//! # What a tree keeps
//! Everything but blanks, comments, and what means nothing: a second pair of parentheses around a
//! duration, a plus in front of one, `offset 0s`, `by ()`, `ignoring ()` without a group, matching
//! next to a scalar, empty braces behind a name, the order of `offset` and `@`. A bare string in
//! braces is the matcher of `__name__` that it means. Printing a tree that was parsed and parsing that gives an equal tree, and
//! printing again the same text. Numbers and durations keep the text they were written with.

pub mod ast;
pub mod functions;

mod check;
mod copy;
mod explain;
mod grammar;
mod lexer;
mod literal;
mod operator;
mod print;
mod walk;

use crate::error::ParseError;
pub use ast::Expr;
pub use walk::Ranged;

/// What the grammar follows: the newest commit of Prometheus whose parser it was held against.
pub const GRAMMAR: &str = "Prometheus d15adb9ad7e5 (21 August 2026)";

/// Parses a PromQL query, in time and memory that grow with its length alone.
///
/// # Errors
/// The query is not PromQL, breaks a rule of types or names, is refused on purpose (see the
/// module), or is too large; with the place and, where it is known, what would be right.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    grammar::parse(query).map_err(|error| *error)
}

/// Parses a vector selector alone, without range, offset or time, as the endpoints for labels and
/// series take it.
///
/// # Errors
/// As [`parse`], and for everything that is more than a selector.
pub fn parse_selector(query: &str) -> Result<Expr, ParseError> {
    let expr = parse(query)?;
    let alone = match &expr {
        Expr::Vector(selector) => {
            selector.extension.is_none() && selector.modifiers == ast::Modifiers::default()
        }
        Expr::Number(_)
        | Expr::String(_)
        | Expr::Matrix(_)
        | Expr::Subquery(_)
        | Expr::Paren(_)
        | Expr::Unary(..)
        | Expr::Binary(_)
        | Expr::Aggregate(_)
        | Expr::Call(_) => false,
    };
    if alone {
        Ok(expr)
    } else {
        Err(ParseError::at(
            query,
            0,
            r#"expected a vector selector alone, such as up{job="x"}"#,
        ))
    }
}
