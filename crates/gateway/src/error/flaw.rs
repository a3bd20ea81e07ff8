//! What is wrong with what a caller asks for, in kinds of which there are few.

use crate::metrics::closed;

closed! {
    /// Why a query or a parameter is refused, as metrics have it: the sentence is the caller's.
    pub enum Flaw {
        /// A parameter is missing, twice there, or cannot be read.
        Parameter = "parameter",
        /// The query is not understood.
        Parse = "parse",
        /// It is understood, and would read past its scope.
        NotScopable = "not_scopable",
        /// Scoped and printed, it did not parse back to itself.
        Unverified = "unverified",
        /// It looks at more time than it may.
        Range = "range",
        /// Its step, or that of a subquery, is too short.
        Step = "step",
        /// It has more points than it may.
        Points = "points",
        /// It is limited how much it looks at, and a duration in it is calculated.
        Calculated = "calculated",
        /// Something else than log lines is to be tailed.
        NotLines = "not_lines",
        /// It is too long to be sent on.
        TooLong = "too_long",
        /// The backend refuses it, which only its words tell.
        Backend = "backend",
        /// What is sent to management is not acceptable.
        Management = "management",
    }
}
