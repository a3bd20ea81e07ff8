//! How much the labels of streams and series may be.

use std::sync::atomic::Ordering;

use super::*;

fn push(store: &Store, tenant: &str, id: &str, count: usize) -> Result<(), PushError> {
    let samples = (0..count).map(|_| Sample {
        timestamp_ms: NOW * 1000,
        value: 1.0,
    });
    let series = SampleSeries {
        labels: labels(&[("__name__", "m"), ("id", id)]),
        samples: samples.collect(),
    };
    store.push_samples(tenant, vec![series])
}

/// Of labels with 11 bytes beside their id; room for two such with ten bytes each.
fn limits() -> Limits {
    Limits {
        label_bytes_per_tenant: 45,
        label_bytes: 70,
        ..Limits::default()
    }
}

#[test]
fn series_and_streams_without_entries_leave_nothing_behind() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        max_streams_per_tenant: 1,
        ..Limits::default()
    };
    for store in [open_with(directory.path(), &limits), Store::new(&limits)] {
        for id in ["a", "b", "c"] {
            push(&store, "t", id, 0).unwrap();
            push_lines(&store, "t", id, Vec::new()).unwrap();
        }
        push(&store, "t", "d", 1).unwrap();
        push_lines(&store, "t", "d", vec![entry(NOW, "x")]).unwrap();
    }
}

#[test]
fn the_labels_of_one_tenant_and_of_all_have_a_bound_also_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let id = |of: char| of.to_string().repeat(10);
    let check = |store: &Store| {
        let refused = push(store, "t", &id('c'), 1);
        assert_eq!(refused, Err(PushError::TooManyLabels(45)));
        // What is known is taken, whatever else is not.
        push(store, "t", &id('a'), 1).unwrap();
        let refused = push(store, "v", &id('a'), 1);
        assert_eq!(refused, Err(PushError::NoRoomForLabels));
    };
    for mut store in [
        open_with(directory.path(), &limits()),
        Store::new(&limits()),
    ] {
        for (tenant, of) in [("t", 'a'), ("t", 'b'), ("u", 'a')] {
            push(&store, tenant, &id(of), 1).unwrap();
        }
        check(&store);
        if store.shared.directory.is_some() {
            drop(store);
            store = open_with(directory.path(), &limits());
            check(&store);
        }
    }
}

#[test]
fn what_was_refused_takes_no_room_from_others() {
    let store = Store::new(&limits());
    for _ in 0..9 {
        push(&store, "t", &"x".repeat(100), 1).unwrap_err();
    }
    push(&store, "t", "a", 1).unwrap();
}

#[test]
fn the_labels_of_streams_that_have_nothing_left_go_by_the_clock() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(NOW * 1_000_000_000));
    let clock = Arc::clone(&now);
    let clock: Clock = Arc::new(move || clock.load(Ordering::Relaxed));
    let store = Store::open_unkept(directory.path(), &limits(), clock).unwrap();
    // A series that came to be, and whose sample did not come to the log.
    let labels = Labels::new(labels(&[("__name__", "m"), ("id", "0123456789")]));
    let tenant = store.or_created("t").unwrap();
    tenant.metrics.register(&[(labels, Vec::new())]).unwrap();
    push(&store, "t", "0123456780", 1).unwrap();
    store.seal();
    let another = || push(&store, "t", "9876543210", 1);
    another().unwrap_err();
    store.keep();
    now.fetch_add(3_600_000_000_000, Ordering::Relaxed);
    store.keep();
    another().unwrap();
    assert_eq!(
        store.metrics("t").select(&[], 0, i64::MAX).unwrap().len(),
        2
    );
}
