//! How large a query may be.
//!
//! Both parsers refuse what is larger with an error, so that neither memory nor stack depends on
//! what a caller sends.

/// The longest query that is parsed, in bytes: that of Loki, which refuses 128 KiB and more.
pub const MAX_QUERY_BYTES: usize = 128 * 1024 - 1;

/// The greatest height of a syntax tree, and the deepest nesting of brackets and signs.
///
/// Whoever walks a tree recursively (the derived `Clone`, `PartialEq` and `Drop` do) needs stack
/// for this many levels and no more.
pub const MAX_DEPTH: usize = 512;
