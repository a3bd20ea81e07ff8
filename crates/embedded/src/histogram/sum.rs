//! Sums and means of histograms that lose little precision, as those of numbers do.

use super::arithmetic::Incompatible;
use super::{Histogram, ResetHint};

/// A running sum of histograms, each value with the part that was rounded away.
#[derive(Clone, Debug)]
pub(crate) struct HistogramSum {
    total: Histogram,
    lost: Histogram,
    /// How many were added, and whether `total` is their mean already, since the sum became too
    /// large.
    count: f64,
    is_mean: bool,
    /// Which hints the added ones had.
    hints: Vec<ResetHint>,
    /// Whether custom bounds differed.
    pub(crate) reconciled: bool,
}

impl HistogramSum {
    pub(crate) fn starting_with(first: &Histogram) -> Self {
        let mut lost = first.clone();
        lost.scale(0.0);
        // Infinite values times zero are NaN.
        lost.each(|_| 0.0);
        Self {
            total: first.clone(),
            lost,
            count: 1.0,
            is_mean: false,
            hints: vec![first.reset_hint],
            reconciled: false,
        }
    }

    /// Adds one to a sum.
    pub(crate) fn add(&mut self, other: &Histogram) -> Result<(), Incompatible> {
        self.note(other);
        self.count += 1.0;
        self.add_part(other)
    }

    /// Adds one to a mean: to a sum, as long as that is not too large for numbers.
    pub(crate) fn add_to_mean(&mut self, other: &Histogram) -> Result<(), Incompatible> {
        self.note(other);
        self.count += 1.0;
        if !self.is_mean {
            let before = (self.total.clone(), self.lost.clone());
            self.add_part(other)?;
            if !self.total.overflows() {
                return Ok(());
            }
            (self.total, self.lost) = before;
            self.is_mean = true;
            self.total.divide(self.count - 1.0);
            self.lost.divide(self.count - 1.0);
        }
        let weight = (self.count - 1.0) / self.count;
        self.total.scale(weight);
        self.lost.scale(weight);
        let mut part = other.clone();
        part.divide(self.count);
        self.add_part(&part)
    }

    fn note(&mut self, other: &Histogram) {
        if !self.hints.contains(&other.reset_hint) {
            self.hints.push(other.reset_hint);
        }
    }

    fn add_part(&mut self, other: &Histogram) -> Result<(), Incompatible> {
        let mut other = other.clone();
        self.reconciled |= self.total.align_with(&mut self.lost, &mut other)?;
        self.total.join_hints(other.reset_hint);
        let mut errors = self.total.clone();
        errors.zip(&other, &mut |total, value| {
            let sum = total + value;
            if sum.is_infinite() {
                f64::NAN
            } else if total.abs() >= value.abs() {
                (total - sum) + value
            } else {
                (value - sum) + total
            }
        });
        self.total.zip(&other, &mut |total, value| total + value);
        self.lost.zip(&errors, &mut |lost, error| {
            if error.is_nan() { 0.0 } else { lost + error }
        });
        Ok(())
    }

    /// Whether some began anew and others went on.
    pub(crate) fn collides(&self) -> bool {
        let has = |hint| self.hints.contains(&hint);
        has(ResetHint::Reset) && has(ResetHint::NotReset)
    }

    pub(crate) fn sum(self) -> Histogram {
        let mut sum = self.total;
        sum.zip(&self.lost, &mut |total, lost| total + lost);
        sum
    }

    pub(crate) fn mean(mut self) -> Histogram {
        if !self.is_mean {
            self.total.divide(self.count);
            self.lost.divide(self.count);
        }
        self.sum()
    }
}
