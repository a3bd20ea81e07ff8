//! LogQL, as Loki of August 2026 accepts it (`pkg/logql/syntax` at commit `65e30f8488`).
//!
//! ```text
//! query     = log | metric
//! log       = "(" log ")" | selector stage*
//! selector  = "{" [ matcher { "," matcher } ] "}"
//! matcher   = label ( "=" | "!=" | "=~" | "!~" ) string
//! stage     = ( "|=" | "!=" | "|~" | "!~" | "|>" | "!>" ) line { "or" line }
//!           | "|" ( parser | filter | format | ( "drop" | "keep" ) items )
//! line      = string | "ip" "(" string ")"
//! parser    = "json" [ fields ] | "logfmt" { "--strict" | "--keep-empty" } [ fields ]
//!           | "regexp" string | "pattern" string | "unpack" | "decolorize"
//! fields    = label [ "=" string ] { "," label [ "=" string ] }
//! filter    = condition | "(" filter ")" | filter ( "and" | "or" | "," | ) filter
//! condition = matcher | label ( "=" | "!=" ) "ip" "(" string ")"
//!           | label ( "=" | "==" | "!=" | ">" | ">=" | "<" | "<=" ) ( number | duration | bytes )
//! format    = "line_format" string
//!           | "label_format" label "=" ( label | string ) { "," … }
//! items     = ( label | matcher ) { "," ( label | matcher ) }
//! metric    = "(" metric ")" | number | "vector" "(" number ")" | metric operator metric
//!           | range-op "(" [ number "," ] range ")" [ grouping ]
//!           | vector-op [ grouping ] "(" [ number "," ] metric ")" [ grouping ]
//!           | "label_replace" "(" metric "," string "," string "," string "," string ")"
//! range     = "(" range ")" | log [ unwrap ] "[5m]" [ offset ]
//!           | selector "[5m]" [ offset ] stage* [ unwrap ]
//! unwrap    = "|" "unwrap" ( label | conversion "(" label ")" ) { "|" filter }
//! offset    = "offset" duration
//! operator  = ( "+" | "==" | "and" | … ) [ "bool" ]
//!             [ ( "on" | "ignoring" ) labels [ ( "group_left" | "group_right" ) [ labels ] ] ]
//! grouping  = ( "by" | "without" ) labels
//! labels    = "(" [ label { "," label } ] ")"
//! ```
//!
//! Keywords may be written in any case. Functions are keywords only where they are called, so that
//! `rate` and `sum` are labels elsewhere; the others (`json`, `by`, `offset` …) are never labels.
//! Comments are `# …`, `// …` and `/* … */`.
//!
//! `or` binds least, then `and` and `unless`, comparisons, `+ -`, `* / %`, and `^`, which groups to
//! the right. Between label filters `and` binds closer than `or`, and a comma, or nothing, takes
//! all that follows as its right side: `a, b or c` is `a and (b or c)`.

pub mod ast;
mod names;

mod check;
mod copy;
mod explain;
mod grammar;
mod lexer;
mod literal;
mod print;
mod visit;

use crate::error::ParseError;
pub use ast::Expr;

/// What the grammar follows: the newest commit of Loki whose parser it was held against.
pub const GRAMMAR: &str = "Loki 65e30f8488 (August 2026)";

/// Parses a LogQL query.
///
/// # Errors
/// The query is not LogQL, is longer than [`MAX_QUERY_BYTES`](crate::limits::MAX_QUERY_BYTES) or
/// deeper than [`MAX_DEPTH`](crate::limits::MAX_DEPTH).
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    grammar::parse(query, false).map_err(|error| *error)
}

/// Parses what is asked of one resource, where the selector may be left out: a query that starts
/// with a pipeline (`|= "error" | json`) is one on the empty selector `{}`, and an empty query is
/// `{}` itself. Places in errors are those of `query`.
///
/// # Errors
/// As [`parse`].
pub fn parse_on_resource(query: &str) -> Result<Expr, ParseError> {
    grammar::parse(query, true).map_err(|error| *error)
}

/// Parses a stream selector alone, as the endpoints for labels and series take it.
///
/// # Errors
/// As [`parse`], and for everything that is more than a selector.
pub fn parse_selector(query: &str) -> Result<Expr, ParseError> {
    let expr = parse(query)?;
    match &expr {
        Expr::Log(log) if log.stages.is_empty() => Ok(expr),
        Expr::Log(_) | Expr::Metric(_) => Err(ParseError::at(
            query,
            0,
            r#"expected a stream selector alone, such as {app="x"}"#,
        )),
    }
}
