//! Data that are dated ahead of the clock.

use std::sync::atomic::Ordering;

use super::*;

const HOUR: i64 = 3_600;
const SECOND: i64 = 1_000_000_000;

fn clock(seconds: i64) -> (Arc<AtomicI64>, Clock) {
    let now = Arc::new(AtomicI64::new(seconds * SECOND));
    let clock = Arc::clone(&now);
    (now, Arc::new(move || clock.load(Ordering::Relaxed)))
}

fn exemplar(seconds: i64) -> ExemplarSeries {
    ExemplarSeries {
        labels: labels(&[("__name__", "m")]),
        exemplars: vec![Exemplar {
            labels: Labels::default(),
            value: 1.0,
            timestamp_ms: seconds * 1000,
        }],
    }
}

#[test]
fn what_is_dated_too_far_ahead_is_refused_and_the_rest_stored() {
    let directory = TempDir::new().unwrap();
    let limits = Limits::default();
    for store in [
        Store::open_unkept(directory.path(), &limits, clock(NOW).1).unwrap(),
        Store::in_memory(&limits, clock(NOW).1),
    ] {
        let entries = [25, 23].map(|hours| entry((NOW + hours * HOUR) * SECOND, "x"));
        let refused = push_lines(&store, "t", "a", entries.to_vec()).unwrap_err();
        let sentence = refused.to_string();
        assert!(sentence.contains("timestamp too new"), "{sentence}");
        assert!(sentence.contains("2023-11-15T23:13:20Z"), "{sentence}");
        assert_eq!(lines(&store, "t").unwrap().len(), 1);

        let samples = [25, 23].map(|hours| Sample {
            timestamp_ms: (NOW + hours * HOUR) * 1000,
            value: 1.0,
        });
        let series = SampleSeries {
            labels: labels(&[("__name__", "m")]),
            samples: samples.to_vec(),
        };
        let refused = store.push_samples("t", vec![series]);
        assert!(matches!(refused, Err(PushError::TooNew { .. })));

        let refused = store.push_exemplars("t", vec![exemplar(i64::MAX / 1000)]);
        assert!(matches!(refused, Err(PushError::TooNew { .. })));
        store
            .push_exemplars("t", vec![exemplar(NOW + HOUR)])
            .unwrap();

        let ahead = histogram((NOW + 25 * HOUR) * 1000, 1.0);
        let refused = push_histograms(&store, "h", vec![ahead]);
        assert!(matches!(refused, Err(PushError::TooNew { .. })));
    }
}

#[test]
fn what_is_dated_ahead_goes_by_the_time_of_its_sealing_also_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let limits = of_any_time(&Limits {
        retention: Duration::from_hours(24),
        ..Limits::default()
    });
    let (now, clock) = clock(NOW);
    let open = || Store::open_unkept(directory.path(), &limits, Arc::clone(&clock)).unwrap();
    let ahead = (NOW + 10_000 * HOUR) * SECOND;
    let store = open();
    push_lines(&store, "t", "a", vec![entry(ahead, "x")]).unwrap();
    store.seal();
    drop(store);
    let store = open();
    now.fetch_add(23 * HOUR * SECOND, Ordering::Relaxed);
    store.keep();
    assert_eq!(lines(&store, "t").unwrap().len(), 1);
    now.fetch_add(2 * HOUR * SECOND, Ordering::Relaxed);
    store.keep();
    assert_eq!(lines(&store, "t").unwrap().len(), 0);
}

#[test]
fn what_is_dated_ahead_does_not_make_others_go_first() {
    let directory = TempDir::new().unwrap();
    let limits = of_any_time(&Limits {
        retention_bytes: Some(3_000),
        ..Limits::default()
    });
    let (now, clock) = clock(NOW);
    let store = Store::open_unkept(directory.path(), &limits, clock).unwrap();
    let ahead = (NOW + 10_000 * HOUR) * SECOND;
    push_lines(&store, "t", "ahead", vec![entry(ahead, "x")]).unwrap();
    store.seal();
    for at in 1..30 {
        now.fetch_add(HOUR * SECOND, Ordering::Relaxed);
        let time = (NOW + at * HOUR) * SECOND;
        push_lines(&store, "t", "b", vec![entry(time, "y")]).unwrap();
        store.seal();
        store.keep();
    }
    let left = lines(&store, "t").unwrap();
    assert!(!left.is_empty());
    assert!(left.iter().all(|(app, _)| app == "b"), "{left:?}");
}
