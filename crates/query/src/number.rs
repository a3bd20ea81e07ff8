//! Number literals: what they mean, and how they were written.

use crate::small_str::SmallStr;

/// A number literal. Two are equal when their values are, with every NaN equal to every other, and
/// 0 not to -0: to divide by either is not the same.
#[derive(Clone, Debug)]
pub struct Number {
    /// The value.
    pub value: f64,
    /// The literal as it was written, sign included, and as it is printed again.
    pub text: SmallStr,
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        let same = self.value.to_bits() == other.value.to_bits();
        same || (self.value.is_nan() && other.value.is_nan())
    }
}

impl Eq for Number {}
