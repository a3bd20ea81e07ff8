//! Native histograms: the values of a metric that is no number but a distribution.

mod arithmetic;
mod buckets;
mod resets;
mod statistics;
mod sum;
mod text;
mod trim;

pub(crate) use arithmetic::{Added, Incompatible};
pub(crate) use statistics::NanEffect;
pub(crate) use sum::HistogramSum;
pub(crate) use trim::Trim;

/// The schema of histograms whose bounds are listed and not calculated.
pub const CUSTOM_SCHEMA: i32 = -53;

/// What is known about whether a histogram's counts began anew before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    /// Nothing: the counts tell.
    #[default]
    Unknown,
    /// They began anew.
    Reset,
    /// They went on.
    NotReset,
    /// It is no counter: counts rise and fall.
    Gauge,
}

/// A native histogram with counts as floats, as PromQL calculates with them.
///
/// With a schema of -4 to 8, the bound of bucket `i` is `2^(i / 2^schema)`, its upper bound
/// inclusive; observations about zero are in a bucket of their own. With [`CUSTOM_SCHEMA`] bucket
/// `i` ends at `custom_bounds[i]`, and the last one, beyond all bounds, has no end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How fine the buckets are.
    pub schema: i32,
    /// Observations of at most this, positive or negative, are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations, those that were NaN among them.
    pub count: f64,
    /// The sum of all observations.
    pub sum: f64,
    /// Buckets of positive observations (with custom bounds: of all) by their index, each once.
    pub positive: Vec<(i32, f64)>,
    /// Buckets of negative observations by the index of their absolute values, each once.
    pub negative: Vec<(i32, f64)>,
    /// The bounds of custom buckets, rising.
    pub custom_bounds: Vec<f64>,
    /// Whether the counts began anew.
    pub reset_hint: ResetHint,
}

impl Histogram {
    /// Whether the bounds are listed.
    #[must_use]
    pub fn has_custom_bounds(&self) -> bool {
        self.schema == CUSTOM_SCHEMA
    }

    /// Whether this is the mark of a series' end and no value.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == crate::store::STALE_NAN
    }
}

#[cfg(test)]
mod tests;
