//! Chance: everything that is generated comes from one seeded generator, so that a seed tells all.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A source of choices.
pub(crate) struct Dice(StdRng);

impl Dice {
    /// The dice for one thing (a data set, a query) of a round.
    pub(crate) fn new(seed: u64, thing: u64) -> Self {
        // An odd multiplier keeps things of neighbouring seeds apart.
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ thing.rotate_left(32);
        Self(StdRng::seed_from_u64(mixed))
    }

    /// A number below `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// Whether something that happens `percent` times in a hundred happens.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    /// One of them, all alike.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of them, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[T], weight: impl Fn(T) -> u32) -> T {
        let total: u32 = from.iter().map(|one| weight(*one)).sum();
        assert!(total > 0, "there is nothing to choose from");
        let mut left = self.0.random_range(0..total);
        for one in from {
            let weight = weight(*one);
            if left < weight {
                return *one;
            }
            left -= weight;
        }
        unreachable!("the weights add up to their total")
    }
}

/// Declares the kinds of a syntax tree's enum, once: as a list to choose from, and as a match over
/// the enum itself. A variant that is new to the enum does not compile here before it has a kind,
/// nor in the generators before they make it.
macro_rules! kinds {
    ($kinds:ident of $tree:ty { $($kind:ident = $pattern:pat),* $(,)? }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $kinds { $($kind),* }

        impl $kinds {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];

            #[allow(dead_code, reason = "that it compiles is what it is for")]
            pub(crate) fn of(tree: &$tree) -> Self {
                match tree { $($pattern => Self::$kind),* }
            }
        }
    };
}
pub(crate) use kinds;
