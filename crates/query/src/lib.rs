//! LogQL and PromQL: lex, parse, print, scope.

pub mod duration;
pub mod error;
pub mod limits;
pub mod matcher;
pub mod number;
pub mod quote;
pub(crate) mod regex;
pub mod text;

pub mod logql;
pub mod promql;

pub mod scope;

pub use error::ParseError;
pub use matcher::{MatchOp, Matcher};
pub use text::Text;
