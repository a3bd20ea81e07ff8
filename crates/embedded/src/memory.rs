//! How much memory a query holds.
//!
//! What an evaluation makes is of many kinds: samples, labels, the texts of templates, compiled
//! regular expressions, the answer. A count kept by hand would forget some of them, and the one that
//! it forgets is the one that is asked for. The allocator counts all of it, for each thread; queries
//! have threads of their own, and so each query's part is known. Only a program whose allocator is
//! jemalloc has these counts; in others they stay at nothing.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

/// The bytes that one query's threads hold together.
#[derive(Debug, Default)]
pub(crate) struct Held(AtomicI64);

impl Held {
    /// Adds what this thread has taken, less what it has given back, since it was last asked, or since
    /// it began. The sum of all threads so far.
    pub(crate) fn update(&self) -> i64 {
        let change = change();
        let before = self.0.fetch_add(change, Ordering::Relaxed);
        before.saturating_add(change)
    }
}

/// Where the allocator counts for one thread.
struct Counters {
    taken: ThreadLocal<u64>,
    given_back: ThreadLocal<u64>,
}

thread_local! {
    static COUNTERS: Option<Counters> = counters();
    /// What this thread held when it was last asked.
    static TOLD: Cell<i64> = const { Cell::new(0) };
}

fn counters() -> Option<Counters> {
    Some(Counters {
        taken: allocatedp::read().ok()?,
        given_back: deallocatedp::read().ok()?,
    })
}

fn change() -> i64 {
    let held = COUNTERS.with(|counters| {
        counters.as_ref().map_or(0, |counters| {
            // A thread may give back what another took, so it may be less than nothing.
            let held = counters.taken.get().wrapping_sub(counters.given_back.get());
            held.cast_signed()
        })
    });
    held.wrapping_sub(TOLD.replace(held))
}
