//! How often a decision was remembered.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// So many threads count without disturbing each other.
const PLACES: usize = 16;

/// How often a decision was remembered, and how often the database had to be asked. Every request counts
/// here, each thread in a place of its own: a single number would be passed about between the cores.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    hits: [Place; PLACES],
    misses: AtomicU64,
}

/// As far apart as processors read ahead.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

thread_local! {
    static MINE: Cell<usize> = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % PLACES)
    };
}

impl Lookups {
    pub(crate) fn hit(&self) {
        // A thread that ends has no place any more, and takes the first.
        let mine = MINE.try_with(Cell::get).unwrap_or_default();
        if let Some(place) = self.hits.get(mine) {
            place.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// Both sums.
    pub(crate) fn sums(&self) -> [u64; 2] {
        let hits = self
            .hits
            .iter()
            .map(|place| place.0.load(Ordering::Relaxed));
        [hits.sum(), self.misses.load(Ordering::Relaxed)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_together_lose_none() {
        let lookups = Lookups::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * PLACES {
                scope.spawn(|| (0..100).for_each(|_| lookups.hit()));
            }
        });
        lookups.miss();
        assert_eq!(lookups.sums(), [200 * PLACES as u64, 1]);
    }
}
