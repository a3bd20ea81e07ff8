//! The hash of what is looked up for every request.
//!
//! Keys come from callers: ids that they make up, and subjects. `SipHash`, the standard library's, was
//! half of what a lookup cost. `foldhash` costs a tenth of that, and is safe with such keys as far as
//! nobody knows its seed, so the seed is taken from the system's randomness, and not from addresses
//! and the time, as the library's own is. Hashes are never told to anybody.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

/// Builds hashers that begin with a secret of their map's own.
pub type Seeded = SeedableRandomState;

/// What hashers of this process have in common.
static SHARED: LazyLock<SharedSeed> = LazyLock::new(|| SharedSeed::from_u64(random()));

/// With a new seed.
#[must_use]
pub fn seeded() -> Seeded {
    Seeded::with_seed(random(), &SHARED)
}

/// What the standard library has from the system, as a number.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_map_has_a_seed_of_its_own() {
        let (one, other) = (seeded(), seeded());
        assert_eq!(one.hash_one("acme-shop"), one.clone().hash_one("acme-shop"));
        assert_ne!(one.hash_one("acme-shop"), other.hash_one("acme-shop"));
    }
}
