//! Where the audit goes, and what of it.

use std::path::PathBuf;

/// Where the audit goes, and what it says about queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where the lines go.
    pub output: AuditOutput,
    /// What they say about queries.
    pub queries: AuditQueries,
}

/// Where the audit's lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditOutput {
    /// Nowhere: there are none.
    Off,
    /// Standard output, on which nothing else is printed.
    Stdout,
    /// To the end of this file, which is made for its owner alone where it is not there.
    File(PathBuf),
}

/// What the audit says about queries. They may hold personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditQueries {
    /// Their text as it went to the backend.
    Full,
    /// The SHA-256 of that text.
    #[default]
    Hash,
    /// Nothing.
    None,
}

impl AuditSettings {
    /// No audit at all.
    pub const OFF: Self = Self {
        output: AuditOutput::Off,
        queries: AuditQueries::None,
    };
}
