//! Native histograms in a directory: what is known of resets, what is sent again, and damage.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

fn hint(of: ResetHint, mut sample: HistogramSample) -> HistogramSample {
    Arc::make_mut(&mut sample.histogram).reset_hint = of;
    sample
}

fn hints(store: &Store) -> Vec<(f64, ResetHint)> {
    let all = histograms(store).into_iter();
    all.map(|(_, one, hint)| (one.histogram.count, hint))
        .collect()
}

#[test]
fn that_counts_went_on_is_found_out_and_never_believed() {
    use ResetHint::{Gauge, NotReset, Reset, Unknown};
    let directory = TempDir::new().unwrap();
    for mut store in [open(directory.path()), Store::new(&Limits::default())] {
        let counts = [
            (2.0, NotReset),
            (3.0, Unknown),
            (2.5, NotReset),
            (4.0, Reset),
        ];
        let gauges = [(3.0, Gauge), (5.0, Unknown), (6.0, Unknown)];
        let all = counts.iter().chain(&gauges);
        let all: Vec<_> = (0..)
            .zip(all)
            .map(|(at, (count, of))| hint(*of, histogram(NOW * 1000 + at, *count)))
            .collect();
        push_histograms(&store, "a", all).unwrap();
        let wanted = [
            (2.0, Unknown),
            (3.0, NotReset),
            (2.5, Unknown),
            (4.0, Reset),
            (3.0, Gauge),
            (5.0, Unknown),
            (6.0, NotReset),
        ];
        assert_eq!(hints(&store), wanted);
        if store.shared.directory.is_some() {
            drop(store);
            store = open(directory.path());
            assert_eq!(hints(&store), wanted);
            store.seal();
            assert_eq!(hints(&store), wanted);
        }
    }
}

#[test]
fn what_comes_late_takes_back_that_counts_went_on() {
    for seals in [[false, false], [true, false], [false, true], [true, true]] {
        let directory = TempDir::new().unwrap();
        let store = open(directory.path());
        let push = |at: i64, count: f64| {
            let pushed = push_histograms(&store, "a", vec![histogram(NOW * 1000 + at, count)]);
            pushed.unwrap();
        };
        push(0, 2.0);
        push(20, 3.0);
        assert_eq!(hints(&store)[1].1, ResetHint::NotReset);
        if seals[0] {
            store.seal();
        }
        push(10, 9.0);
        if seals[1] {
            store.seal();
        }
        let counts: Vec<f64> = hints(&store).iter().map(|(count, _)| *count).collect();
        assert_eq!(counts, [2.0, 9.0, 3.0]);
        assert_eq!(hints(&store)[2].1, ResetHint::Unknown, "{seals:?}");
    }
}

#[test]
fn a_histogram_that_is_sent_again_is_there_once_and_another_at_its_time_is_refused() {
    let directory = TempDir::new().unwrap();
    let mut store = open(directory.path());
    let first = histogram(NOW * 1000, 3.0);
    push_histograms(&store, "a", vec![first.clone()]).unwrap();
    for place in 0..4 {
        if place == 2 {
            store.seal();
        } else if place > 0 {
            drop(store);
            store = open(directory.path());
        }
        // A hint makes no other histogram of it.
        let again = hint(ResetHint::NotReset, first.clone());
        push_histograms(&store, "a", vec![again]).unwrap();
        let other = histogram(NOW * 1000, 4.0);
        let refused = push_histograms(&store, "a", vec![other]);
        assert!(matches!(refused, Err(PushError::DuplicateSample { .. })));
        assert_eq!(histograms(&store).len(), 1, "{place}");
    }
}

#[test]
fn histograms_go_when_they_are_too_old_or_too_much() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        retention: Duration::from_hours(1),
        ..Limits::default()
    };
    let now = Arc::new(AtomicI64::new(NOW));
    let clock: crate::Clock = {
        let now = Arc::clone(&now);
        Arc::new(move || now.load(Ordering::Relaxed) * 1_000_000_000)
    };
    let store = Store::open(directory.path(), &limits, clock).unwrap();
    push_histograms(&store, "a", vec![histogram(NOW * 1000, 3.0)]).unwrap();
    store.seal();
    now.store(NOW + 3601, Ordering::Relaxed);
    push_histograms(&store, "a", vec![histogram((NOW + 3600) * 1000, 4.0)]).unwrap();
    store.seal();
    store.keep();
    assert_eq!(hints(&store).len(), 1);
    drop(store);
    let limits = Limits {
        retention_bytes: Some(1),
        ..Limits::default()
    };
    let store = open_with(directory.path(), &limits);
    store.keep();
    assert_eq!(hints(&store).len(), 0);
}

/// What a count is known to follow is known only where nothing sealed lies in between.
#[test]
fn a_count_that_fell_after_a_sealed_one_is_not_taken_for_one_that_went_on() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    push_histograms(&store, "a", vec![histogram(NOW * 1000 + 22, 2.0)]).unwrap();
    store.seal();
    let late = [(0, 1.0), (23, 1.0)].map(|(at, count)| histogram(NOW * 1000 + at, count));
    push_histograms(&store, "a", late.to_vec()).unwrap();
    let found = store
        .metrics("t")
        .select_histograms(&[], NOW * 1000 + 1, i64::MAX);
    let read = found.unwrap()[0].entries().unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].histogram.reset_hint, ResetHint::Unknown);
}

#[test]
fn small_segments_of_histograms_become_one() {
    let directory = TempDir::new().unwrap();
    // Nobody else merges meanwhile.
    let limits = of_any_time(&Limits::default());
    let store = Store::open_unkept(directory.path(), &limits, Arc::new(|| 0)).unwrap();
    for at in 0..20_i32 {
        let sample = histogram(NOW * 1000 + i64::from(at), 2.0 + f64::from(at));
        push_histograms(&store, "a", vec![sample]).unwrap();
        store.seal();
    }
    let before = hints(&store);
    store.keep();
    let segments = files(directory.path()).into_iter();
    let segments = segments.filter(|path| path.extension().is_some_and(|kind| kind == "seg"));
    assert!(segments.count() < 20);
    assert_eq!(hints(&store), before);
}

#[test]
fn a_damaged_segment_of_histograms_is_an_error_and_no_number() {
    let directory = TempDir::new().unwrap();
    {
        let store = open(directory.path());
        push_histograms(&store, "a", vec![histogram(NOW * 1000, 3.0)]).unwrap();
        store.seal();
    }
    let all = files(directory.path());
    let segment = all
        .iter()
        .find(|path| path.extension().is_some_and(|kind| kind == "seg"));
    let segment = segment.unwrap();
    let mut bytes = fs::read(segment).unwrap();
    // Behind the magic number the first page begins.
    bytes[12] ^= 1;
    fs::write(segment, bytes).unwrap();
    let store = open(directory.path());
    let found = store.metrics("t").select_histograms(&[], 0, i64::MAX);
    let read = found.and_then(|found| found[0].entries());
    assert_eq!(read, Err(EvalError::Unreadable));
}

#[test]
fn a_directory_from_before_there_were_histograms_opens_and_takes_some() {
    let directory = TempDir::new().unwrap();
    {
        let store = open(directory.path());
        push_lines(&store, "t", "web", vec![entry(NOW, "x")]).unwrap();
        store.seal();
    }
    assert!(!directory.path().join("tenants/t/histograms").exists());
    let store = open(directory.path());
    assert_eq!(hints(&store).len(), 0);
    push_histograms(&store, "a", vec![histogram(NOW * 1000, 3.0)]).unwrap();
    assert_eq!(hints(&store).len(), 1);
}
