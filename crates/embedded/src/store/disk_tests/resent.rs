//! What is sent again, as senders do after a lost answer: it is there once, wherever the first of
//! it is by then.

use super::*;

/// Every place that data can be in when it is sent again.
const PLACES: [Place; 4] = [
    Place::Memory,
    Place::Log,
    Place::Segment,
    Place::SegmentAfterRestart,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Pushed and not sealed.
    Memory,
    /// Likewise, and read from the log by a restart.
    Log,
    Segment,
    SegmentAfterRestart,
}

impl Place {
    /// Moves what is in `store` there.
    fn take(self, store: Store, directory: &Path) -> Store {
        match self {
            Self::Memory => store,
            Self::Log => {
                drop(store);
                open(directory)
            }
            Self::Segment => {
                store.seal();
                store
            }
            Self::SegmentAfterRestart => {
                store.seal();
                drop(store);
                open(directory)
            }
        }
    }
}

fn sample(at: i64, value: f64) -> Sample {
    Sample {
        timestamp_ms: NOW * 1000 + at,
        value,
    }
}

fn push_samples(store: &Store, id: &str, samples: &[Sample]) -> Result<(), PushError> {
    let series = SampleSeries {
        labels: labels(&[("__name__", "m"), ("id", id)]),
        samples: samples.to_vec(),
    };
    store.push_samples("t", vec![series])
}

/// Id, time and bits of every sample.
fn samples(store: &Store) -> Vec<(String, i64, u64)> {
    let mut all = Vec::new();
    for series in store.metrics("t").select(&[], 0, i64::MAX).unwrap() {
        for one in series.entries().unwrap() {
            let id = series.labels.get("id").to_owned();
            all.push((id, one.timestamp_ms - NOW * 1000, one.value.to_bits()));
        }
    }
    all
}

/// Bytes of the segments, and of logs what is beyond an empty one.
fn stored(directory: &Path) -> u64 {
    let kept = files(&directory.join("tenants"));
    let kept = kept.iter().filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("wal-") || name.starts_with("seg-")
    });
    kept.map(|path| fs::metadata(path).unwrap().len()).sum()
}

#[test]
fn a_line_that_is_sent_again_is_there_once_wherever_the_first_one_is() {
    let line = entry(NOW, "a");
    let mut other = line.clone();
    other.structured_metadata = labels(&[("trace", "7")]);
    let all = [line.clone(), other.clone(), entry(NOW + 1, "b")];
    let wanted: Vec<_> = all
        .iter()
        .map(|one| ("web".to_owned(), one.clone()))
        .collect();
    for first in PLACES {
        for second in PLACES {
            let directory = TempDir::new().unwrap();
            let mut store = open(directory.path());
            for place in [first, second, Place::Memory] {
                push_lines(&store, "t", "web", all.to_vec()).unwrap();
                // And twice in one push, and beside something new of another stream.
                push_lines(&store, "t", "web", vec![other.clone(), other.clone()]).unwrap();
                assert_eq!(lines(&store, "t").unwrap(), wanted, "{first:?} {second:?}");
                store = place.take(store, directory.path());
                assert_eq!(lines(&store, "t").unwrap(), wanted, "{first:?} {second:?}");
            }
        }
    }
}

#[test]
fn a_sample_that_is_sent_again_is_there_once_and_one_with_another_value_is_refused() {
    let stale = f64::from_bits(crate::store::STALE_NAN);
    let wanted = [
        ("a".to_owned(), 0, 1.0_f64.to_bits()),
        ("a".to_owned(), 15, stale.to_bits()),
    ];
    for place in PLACES {
        let directory = TempDir::new().unwrap();
        let store = open(directory.path());
        push_samples(&store, "a", &[sample(0, 1.0), sample(15, stale)]).unwrap();
        let mut store = place.take(store, directory.path());
        // The newest one and an older one, a restart afterwards or not.
        for _ in 0..2 {
            push_samples(&store, "a", &[sample(15, stale), sample(0, 1.0)]).unwrap();
            for at in [0, 15] {
                let refused = push_samples(&store, "a", &[sample(at, 2.0)]).unwrap_err();
                assert_eq!(
                    refused.to_string(),
                    format!(
                        "duplicate sample for timestamp {}: series {{__name__=\"m\", id=\"a\"}} has \
                         another value at that time; the other samples of the push were stored",
                        NOW * 1000 + at
                    ),
                    "{place:?}"
                );
            }
            assert_eq!(samples(&store), wanted, "{place:?}");
            store = place.take(store, directory.path());
            assert_eq!(samples(&store), wanted, "{place:?}");
        }
    }
}

#[test]
fn what_is_beside_a_refused_sample_is_stored() {
    let directory = TempDir::new().unwrap();
    for store in [open(directory.path()), Store::new(&Limits::default())] {
        push_samples(&store, "a", &[sample(0, 1.0)]).unwrap();
        store.seal();
        let refused = push_samples(&store, "a", &[sample(0, 2.0), sample(15, 2.0)]);
        assert!(matches!(refused, Err(PushError::DuplicateSample { .. })));
        // Within one push the first one counts, too.
        let refused = push_samples(&store, "b", &[sample(0, 1.0), sample(0, 2.0)]);
        assert!(matches!(refused, Err(PushError::DuplicateSample { .. })));
        assert_eq!(
            samples(&store),
            [
                ("a".to_owned(), 0, 1.0_f64.to_bits()),
                ("a".to_owned(), 15, 2.0_f64.to_bits()),
                ("b".to_owned(), 0, 1.0_f64.to_bits()),
            ]
        );
    }
}

#[test]
fn pushes_at_the_same_time_are_refused_only_for_their_own_samples() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    push_samples(&store, "0", &[sample(0, 1.0)]).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let store = &store;
            scope.spawn(move || {
                for at in 0..20 {
                    let result = if thread % 2 == 0 {
                        push_samples(store, &thread.to_string(), &[sample(at + 1, 1.0)])
                    } else {
                        push_samples(store, "0", &[sample(0, 2.0)])
                    };
                    assert_eq!(result.is_ok(), thread % 2 == 0, "{result:?}");
                }
            });
        }
    });
    assert_eq!(samples(&store).len(), 81);
}

#[test]
fn what_is_sealed_and_sent_again_takes_no_room() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let entries: Vec<LogEntry> = (0..2000)
        .map(|at| entry(NOW + at, &format!("line {at}")))
        .collect();
    let values: Vec<Sample> = (0..2000).map(|at| sample(at, 0.5)).collect();
    let push = || {
        push_lines(&store, "t", "web", entries.clone()).unwrap();
        push_samples(&store, "a", &values).unwrap();
    };
    push();
    store.seal();
    let before = stored(directory.path());
    push();
    assert_eq!(stored(directory.path()), before);
}

#[test]
fn who_follows_the_logs_gets_a_line_once_that_is_sent_again() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    push_lines(&store, "t", "web", vec![entry(NOW, "old")]).unwrap();
    let (tail, seen) = store
        .logs("t")
        .tail(&[], NOW + 1, &Limits::default())
        .unwrap();
    assert!(seen.is_empty());
    push_lines(&store, "t", "web", vec![entry(NOW + 1, "x")]).unwrap();
    for seals in [false, true] {
        if seals {
            store.seal();
        }
        let again = vec![entry(NOW, "old"), entry(NOW + 1, "x")];
        push_lines(&store, "t", "web", again).unwrap();
    }
    push_lines(&store, "t", "web", vec![entry(NOW + 2, "y")]).unwrap();
    let batch = tail.next(10, Duration::ZERO, || 0).unwrap();
    let lines: Vec<&str> = batch
        .lines
        .iter()
        .map(|(_, one)| one.line.as_str())
        .collect();
    assert_eq!(lines, ["x", "y"]);
}
