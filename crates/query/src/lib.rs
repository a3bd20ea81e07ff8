//! LogQL and PromQL: lex, parse, print, and scope.
//!
//! The reason for this crate is [`scope`]: to make of a caller's query one that can only see one
//! resource. For that it understands both languages whole, as Loki and Prometheus of August 2026
//! do ([`logql`] and [`promql`] have the grammars and the very versions), and it is held against a
//! few thousand queries on which their own parsers have spoken. It is pure: no input or output, no
//! clock, no dependencies.
//!
//! # Parse
//! ```
//! use query::{logql, promql};
//!
//! let tree = logql::parse(r#"sum by (level) (count_over_time({app="shop"} | json [5m]))"#)?;
//! let selectors = tree.selectors();
//! assert_eq!(selectors.len(), 1);
//! assert_eq!(selectors[0].matchers[0].name, "app");
//! assert_eq!(selectors[0].matchers[0].value, "shop");
//! // Values are bytes, as Go's strings are; nearly always they are text.
//! assert_eq!(selectors[0].matchers[0].value.to_string_lossy(), "shop");
//!
//! let tree = promql::parse("rate(http_requests_total[5m]) / on (pod) up")?;
//! assert_eq!(tree.selectors().len(), 2);
//! # Ok::<(), query::ParseError>(())
//! ```
//!
//! # Print
//! A tree has one text. It means the same as what was parsed, parses to the same tree, and keeps
//! numbers, durations and byte sizes as they were written.
//! ```
//! let tree = query::logql::parse("SUM(Rate( {app=`shop`}[1h30m] | json )) by (level) # why?")?;
//! assert_eq!(
//!     tree.to_string(),
//!     r#"sum by (level) (rate({app="shop"} | json [1h30m]))"#
//! );
//! # Ok::<(), query::ParseError>(())
//! ```
//!
//! # Scope
//! The matcher is added to every selector, whatever the caller wrote about the same label. What is
//! given out has been parsed again and checked.
//! ```
//! use query::{Matcher, scope};
//!
//! let by = Matcher::equal("resource_id", "shop-api");
//! assert_eq!(
//!     scope::logql(r#"{resource_id=~".*"} |= "error""#, &by)?,
//!     r#"{resource_id=~".*", resource_id="shop-api"} |= "error""#
//! );
//! // Where the resource is known, the selector may be left out.
//! assert_eq!(
//!     scope::logql_on_resource(r#"|= "error""#, &by)?,
//!     r#"{resource_id="shop-api"} |= "error""#
//! );
//! assert_eq!(
//!     scope::promql("sum(up) / count(up offset 1h)", &by)?,
//!     r#"sum(up{resource_id="shop-api"}) / count(up{resource_id="shop-api"} offset 1h)"#
//! );
//! # Ok::<(), scope::ScopeError>(())
//! ```
//!
//! # Errors
//! Whatever is not understood is refused, with its place.
//! ```
//! let query = r#"summ(rate({app="shop"}[5m]))"#;
//! let error = query::logql::parse(query).unwrap_err();
//! assert_eq!((error.line, error.column), (1, 1));
//! assert_eq!(
//!     error.render(query),
//!     "1:1: unknown function summ, did you mean sum?\n  \
//!      summ(rate({app=\"shop\"}[5m]))\n  ^"
//! );
//! ```
//!
//! # Bounds
//! A query has at most [`limits::MAX_QUERY_BYTES`] bytes and [`limits::MAX_DEPTH`] levels, and
//! takes time that grows with its length alone. Each operator of a chain is a level. Parsing,
//! printing and walking do not recurse. A regular expression is looked over for plain mistakes in
//! LogQL, not at all in PromQL, and never compiled.
//!
//! # What is different from Loki and Prometheus
//! - Selectors that match everything (`{}`, `{a=~".*"}`) are accepted: scoped, they are valid.
//! - `info()` and `or` inside of a PromQL selector are refused: they read past the matcher.
//! - Labels that begin with `__` are refused in PromQL selectors, unless they are stored with series
//!   (`__name__`, `__type__`, `__unit__`) or compared with nothing: to backends they may be queries.
//! - Loki takes odd single characters (`@`, `$`) for labels; here they are refused, and so are
//!   names that begin with a keyword and go on outside of ASCII (`jsoné`).
//! - The templates of `line_format` and `label_format`, the expressions of `json` and `logfmt`, and
//!   what only a regular expression engine can tell are left to the backend.

#![allow(
    clippy::unnecessary_box_returns,
    reason = "errors are boxed where they are made, see `error::Parsed`"
)]

pub mod duration;
pub mod error;
pub mod limits;
pub mod matcher;
pub mod number;
pub(crate) mod outline;
pub mod quote;
pub(crate) mod regex;
pub mod small_str;
pub mod text;
pub(crate) mod word;

pub mod logql;
pub mod promql;

pub mod scope;

pub use error::ParseError;
pub use matcher::{MatchOp, Matcher};
pub use small_str::SmallStr;
pub use text::Text;
