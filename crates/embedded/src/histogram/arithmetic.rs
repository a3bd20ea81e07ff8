//! Sums and differences of histograms, which first have to get the same buckets.

use super::buckets::bound;
use super::{Histogram, ResetHint};

/// Two histograms of which one has custom bounds and the other has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// What is to be told of a sum or difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Added {
    /// One began anew and the other went on: nothing is known of the result.
    pub(crate) collision: bool,
    /// The custom bounds differed, and only those that both have are left.
    pub(crate) reconciled: bool,
}

/// The buckets that two histograms can both be given.
#[derive(Debug)]
struct Layout {
    schema: i32,
    zero_threshold: f64,
    /// `None` where they are what they were.
    custom_bounds: Option<Vec<f64>>,
}

/// How a value and the value of another histogram at the same place become one.
type Combine<'a> = &'a mut dyn FnMut(f64, f64) -> f64;

impl Histogram {
    /// Adds another histogram.
    pub(crate) fn add(&mut self, other: &Self) -> Result<Added, Incompatible> {
        self.combine(other, &mut |own, other| own + other)
    }

    /// Subtracts another histogram.
    pub(crate) fn sub(&mut self, other: &Self) -> Result<Added, Incompatible> {
        self.combine(other, &mut |own, other| own - other)
    }

    fn combine(&mut self, other: &Self, with: Combine) -> Result<Added, Incompatible> {
        let mut other = other.clone();
        let reconciled = self.align(&mut other)?;
        let collision = self.join_hints(other.reset_hint);
        self.zip(&other, with);
        Ok(Added {
            collision,
            reconciled,
        })
    }

    /// Combines the values of two histograms that have the same buckets.
    pub(super) fn zip(&mut self, other: &Self, with: Combine) {
        self.count = with(self.count, other.count);
        self.sum = with(self.sum, other.sum);
        self.zero_count = with(self.zero_count, other.zero_count);
        self.positive = zipped(&self.positive, &other.positive, with);
        self.negative = zipped(&self.negative, &other.negative, with);
    }

    /// Gives both the same buckets, and tells whether custom bounds were lost.
    pub(super) fn align(&mut self, other: &mut Self) -> Result<bool, Incompatible> {
        let layout = self.common_layout(other)?;
        self.lay_out(&layout);
        other.lay_out(&layout);
        Ok(layout.custom_bounds.is_some())
    }

    /// Likewise, and gives `lost`, which has the buckets of `self`, the same.
    pub(super) fn align_with(
        &mut self,
        lost: &mut Self,
        other: &mut Self,
    ) -> Result<bool, Incompatible> {
        let layout = self.common_layout(other)?;
        self.lay_out(&layout);
        lost.lay_out(&layout);
        other.lay_out(&layout);
        Ok(layout.custom_bounds.is_some())
    }

    fn common_layout(&self, other: &Self) -> Result<Layout, Incompatible> {
        if self.has_custom_bounds() != other.has_custom_bounds() {
            return Err(Incompatible);
        }
        if self.has_custom_bounds() {
            let mut others = other.custom_bounds.iter().peekable();
            let both = |bound: &&f64| {
                while others.next_if(|other| other < bound).is_some() {}
                others.peek() == Some(bound)
            };
            let differ = self.custom_bounds != other.custom_bounds;
            return Ok(Layout {
                schema: self.schema,
                zero_threshold: 0.0,
                custom_bounds: differ
                    .then(|| self.custom_bounds.iter().filter(both).copied().collect()),
            });
        }
        // The zero bucket of one may end within a bucket of the other, which then goes into it as a
        // whole, and so on.
        let mut zero_threshold = self.zero_threshold.max(other.zero_threshold);
        loop {
            let widened = self.zero_threshold_from(zero_threshold);
            let widened = other.zero_threshold_from(widened);
            if widened <= zero_threshold {
                break;
            }
            zero_threshold = widened;
        }
        Ok(Layout {
            schema: self.schema.min(other.schema),
            zero_threshold,
            custom_bounds: None,
        })
    }

    /// The least threshold from this one on that is within no bucket that holds anything.
    pub(super) fn zero_threshold_from(&self, threshold: f64) -> f64 {
        if threshold <= self.zero_threshold {
            return threshold;
        }
        let sides = self.positive.iter().chain(&self.negative);
        let within = sides.filter_map(|&(index, count)| {
            let (lower, upper) = (bound(index - 1, self.schema), bound(index, self.schema));
            (count != 0.0 && lower < threshold && upper > threshold).then_some(upper)
        });
        within.fold(threshold, f64::max)
    }

    fn lay_out(&mut self, layout: &Layout) {
        if let Some(bounds) = &layout.custom_bounds {
            self.rebound(bounds);
            return;
        }
        if self.has_custom_bounds() {
            return;
        }
        self.widen_zero(layout.zero_threshold);
        self.reduce(layout.schema);
    }

    /// Moves the buckets up to `threshold` into the zero bucket.
    pub(super) fn widen_zero(&mut self, threshold: f64) {
        #[allow(clippy::float_cmp)] // the very same threshold needs nothing
        if threshold == self.zero_threshold {
            return;
        }
        let (schema, mut moved) = (self.schema, 0.0);
        let mut keep = |&(index, count): &(i32, f64)| {
            let stays = bound(index - 1, schema) >= threshold;
            if !stays {
                moved += count;
            }
            stays
        };
        self.positive.retain(&mut keep);
        self.negative.retain(&mut keep);
        self.zero_count += moved;
        self.zero_threshold = threshold;
    }

    /// Makes the buckets as coarse as `schema`, if they are finer.
    pub(crate) fn reduce(&mut self, schema: i32) {
        if self.has_custom_bounds() || schema >= self.schema {
            return;
        }
        let shift = self.schema - schema;
        let coarser = |index: i32| ((index - 1) >> shift.min(31)) + 1;
        self.positive = joined(&self.positive, coarser);
        self.negative = joined(&self.negative, coarser);
        self.schema = schema;
    }

    /// Leaves these of the custom bounds.
    pub(super) fn rebound(&mut self, bounds: &[f64]) {
        let old = std::mem::replace(&mut self.custom_bounds, bounds.to_vec());
        let place = |index: i32| {
            let upper = usize::try_from(index).ok().and_then(|at| old.get(at));
            let at = upper.map_or(bounds.len(), |upper| {
                bounds.partition_point(|bound| bound < upper)
            });
            i32::try_from(at).unwrap_or(i32::MAX)
        };
        self.positive = joined(&self.positive, place);
    }

    /// What is known of resets when two are put together; whether that contradicts itself.
    pub(super) fn join_hints(&mut self, other: ResetHint) -> bool {
        use ResetHint as R;
        let (joined, collision) = match (self.reset_hint, other) {
            (R::Gauge, R::Unknown | R::Reset | R::NotReset | R::Gauge)
            | (R::Unknown | R::Reset | R::NotReset, R::Gauge) => (R::Gauge, false),
            (R::Unknown, R::Unknown | R::Reset | R::NotReset)
            | (R::Reset | R::NotReset, R::Unknown) => (R::Unknown, false),
            (R::Reset, R::Reset) => (R::Reset, false),
            (R::NotReset, R::NotReset) => (R::NotReset, false),
            (R::Reset, R::NotReset) | (R::NotReset, R::Reset) => (R::Unknown, true),
        };
        self.reset_hint = joined;
        collision
    }

    /// Multiplies every count, and the sum.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.each(|value| value * factor);
        if factor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    /// Divides every count, and the sum. By zero no bucket is left.
    pub(crate) fn divide(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.positive.clear();
            self.negative.clear();
        }
        self.each(|value| value / divisor);
        if divisor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    pub(super) fn each(&mut self, function: impl Fn(f64) -> f64) {
        self.count = function(self.count);
        self.sum = function(self.sum);
        self.zero_count = function(self.zero_count);
        for (_, count) in self.positive.iter_mut().chain(&mut self.negative) {
            *count = function(*count);
        }
    }

    /// Whether anything became too large for a number.
    pub(crate) fn overflows(&self) -> bool {
        let totals = [self.count, self.sum, self.zero_count].into_iter();
        let buckets = self.positive.iter().chain(&self.negative);
        let mut all = totals.chain(buckets.map(|(_, count)| *count));
        all.any(f64::is_infinite)
    }
}

/// Buckets with other indices; those that get the same become one. The new indices rise with the
/// old ones.
fn joined(buckets: &[(i32, f64)], place: impl Fn(i32) -> i32) -> Vec<(i32, f64)> {
    let mut joined: Vec<(i32, f64)> = Vec::with_capacity(buckets.len());
    for &(index, count) in buckets {
        let index = place(index);
        match joined.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            Some(_) | None => joined.push((index, count)),
        }
    }
    joined
}

fn zipped(own: &[(i32, f64)], other: &[(i32, f64)], with: Combine) -> Vec<(i32, f64)> {
    let mut all = Vec::with_capacity(own.len().max(other.len()));
    let (mut own, mut other) = (own.iter().peekable(), other.iter().peekable());
    loop {
        let at = |one: Option<&&(i32, f64)>| one.map(|(index, _)| *index);
        let (left, right) = (at(own.peek()), at(other.peek()));
        let Some(index) = [left, right].into_iter().flatten().min() else {
            return all;
        };
        let count = |side: &mut std::iter::Peekable<std::slice::Iter<(i32, f64)>>| {
            side.next_if(|(at, _)| *at == index)
                .map_or(0.0, |(_, count)| *count)
        };
        let (left, right) = (count(&mut own), count(&mut other));
        all.push((index, with(left, right)));
    }
}
