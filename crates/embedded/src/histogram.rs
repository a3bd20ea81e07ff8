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

/// Schemas of calculated bounds.
const SCHEMAS: std::ops::RangeInclusive<i32> = COARSEST_SCHEMA..=FINEST_SCHEMA;
pub(crate) const COARSEST_SCHEMA: i32 = -4;
pub(crate) const FINEST_SCHEMA: i32 = 8;

/// No number is in a bucket with an index beyond this, in the finest schema.
const FARTHEST_INDEX: u32 = 1_100 << 8;

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

    /// Whether the histogram can be: what is calculated with it relies on the order of its buckets.
    pub fn check(&self) -> Result<(), &'static str> {
        let rises = |buckets: &[(i32, f64)]| buckets.array_windows().all(|[a, b]| a.0 < b.0);
        if !rises(&self.positive) || !rises(&self.negative) {
            return Err("its buckets are not in their order");
        }
        if self.has_custom_bounds() {
            let ends = i32::try_from(self.custom_bounds.len()).unwrap_or(i32::MAX);
            let in_range = |(index, _): &(i32, f64)| (0..=ends).contains(index);
            let is_rising = self.custom_bounds.array_windows().all(|[a, b]| a < b);
            if !is_rising || self.custom_bounds.iter().any(|bound| bound.is_nan()) {
                return Err("its custom bounds do not rise");
            }
            if !self.positive.iter().all(in_range) || !self.negative.is_empty() {
                return Err("it has buckets beyond its custom bounds");
            }
            return Ok(());
        }
        if !self.zero_threshold.is_finite() || self.zero_threshold < 0.0 {
            return Err("its zero threshold is no number from 0 on");
        }
        if !SCHEMAS.contains(&self.schema) {
            return Err("its schema is none of -4 to 8");
        }
        let within = |(index, _): &(i32, f64)| index.unsigned_abs() <= FARTHEST_INDEX;
        if !self.positive.iter().chain(&self.negative).all(within) {
            return Err("it has buckets beyond all numbers");
        }
        Ok(())
    }

    /// Whether this is the mark of a series' end and no value.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == crate::store::STALE_NAN
    }
}

#[cfg(test)]
mod tests;
