//! PromQL's functions: names, argument types, return types.

/// A PromQL function. One variant per function of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `rate`
    Rate,
}
