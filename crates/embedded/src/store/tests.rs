use std::thread;
use std::time::Duration;

use query::{MatchOp, Matcher};

use super::*;

fn series(labels: &[(&str, &str)], times: impl IntoIterator<Item = i64>) -> SampleSeries {
    SampleSeries {
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        samples: times
            .into_iter()
            .map(|timestamp_ms| Sample {
                timestamp_ms,
                value: 1.0,
            })
            .collect(),
    }
}

fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher {
        name: name.into(),
        op,
        value: value.into(),
    }
}

fn found(store: &Store, tenant: &str, matchers: &[Matcher]) -> Vec<String> {
    let selected = store.metrics(tenant).select(matchers, 0, 1000).unwrap();
    selected
        .iter()
        .map(|one| one.labels.get("id").to_owned())
        .collect()
}

#[test]
fn every_kind_of_matcher_finds_its_series() {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let store = Store::new(&Limits::default());
    for (id, a, b) in [
        ("1", "x", ""),
        ("2", "y", "m"),
        ("3", "xy", "n"),
        ("4", "", "m"),
    ] {
        let labels = [("__name__", "up"), ("id", id), ("a", a), ("b", b)];
        store.push_samples("t", vec![series(&labels, [1])]).unwrap();
    }
    for (matchers, wanted) in [
        (vec![], "1 2 3 4"),
        (vec![matcher("a", Equal, "x")], "1"),
        (vec![matcher("a", Equal, "")], "4"),
        (vec![matcher("a", NotEqual, "x")], "2 3 4"),
        (vec![matcher("a", NotEqual, "")], "1 2 3"),
        (vec![matcher("a", Regex, "x|y")], "1 2"),
        (vec![matcher("a", Regex, "x")], "1"),
        (vec![matcher("a", Regex, "x?")], "1 4"),
        (vec![matcher("a", NotRegex, "x.*")], "2 4"),
        (vec![matcher("a", NotRegex, ".+")], "4"),
        (vec![matcher("none", Equal, "")], "1 2 3 4"),
        (vec![matcher("none", Regex, ".+")], ""),
        (
            vec![matcher("b", Equal, "m"), matcher("a", Regex, ".+")],
            "2",
        ),
        (vec![matcher("a", Equal, "x"), matcher("a", Equal, "y")], ""),
        (
            vec![matcher("a", NotEqual, "x"), matcher("a", Regex, "x.*")],
            "3",
        ),
    ] {
        let mut found = found(&store, "t", &matchers);
        found.sort();
        assert_eq!(found.join(" "), wanted, "{matchers:?}");
    }
}

#[test]
fn tenants_are_apart() {
    let store = Store::new(&Limits::default());
    for tenant in ["a", "b"] {
        let labels = [("__name__", "up"), ("id", tenant)];
        store
            .push_samples(tenant, vec![series(&labels, [1])])
            .unwrap();
    }
    assert_eq!(found(&store, "a", &[]), ["a"]);
    assert_eq!(found(&store, "b", &[]), ["b"]);
    assert!(found(&store, "c", &[]).is_empty());
    assert!(found(&store, "a", &[matcher("id", MatchOp::Equal, "b")]).is_empty());
}

#[test]
fn what_is_not_taken_leaves_nothing_behind() {
    let limits = Limits {
        max_streams_per_tenant: 2,
        ..Limits::default()
    };
    let store = Store::new(&limits);
    let named = |id| series(&[("__name__", "up"), ("id", id)], [1]);
    for (batch, error) in [
        (
            vec![named("1"), named("2"), named("3")],
            PushError::TooManyStreams(2),
        ),
        (vec![named("1"), series(&[], [1])], PushError::NoLabels),
        (
            vec![named("1"), series(&[("a", "b")], [1])],
            PushError::NoMetricName(r#"{a="b"}"#.to_owned()),
        ),
        (
            vec![named("1"), series(&[("a", "b"), ("a", "c")], [1])],
            PushError::DuplicateLabel("a".to_owned()),
        ),
        (
            vec![named("1"), series(&[("", "b")], [1])],
            PushError::EmptyLabelName,
        ),
    ] {
        assert_eq!(store.push_samples("t", batch), Err(error));
    }
    assert!(found(&store, "t", &[]).is_empty());
    // The limit counts series and not pushes.
    for _ in 0..3 {
        assert_eq!(
            store.push_samples("t", vec![named("1"), named("2")]),
            Ok(())
        );
    }
}

#[test]
fn old_data_goes() {
    let limits = Limits {
        retention: Duration::from_secs(10),
        ..Limits::default()
    };
    let store = Store::new(&limits);
    let labels = [("__name__", "up")];
    store
        .push_samples("t", vec![series(&labels, 0..100_000)])
        .unwrap();
    let selected = store.metrics("t").select(&[], 0, 200_000).unwrap();
    // Whole chunks go, so a little more than the retention stays.
    let counts = selected.iter().map(|one| one.count().unwrap());
    let count = counts.sum::<usize>();
    assert!((10_000..12_000).contains(&count), "{count}");
}

#[test]
fn readers_and_writers_do_not_wait_for_each_other_to_finish() {
    let store = Store::new(&Limits::default());
    let labels = [("__name__", "up")];
    store.push_samples("t", vec![series(&labels, [0])]).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for at in 1..5000 {
                store
                    .push_samples("t", vec![series(&labels, [at])])
                    .unwrap();
            }
        });
        let metrics = store.metrics("t");
        let mut last = 0;
        while last < 4999 {
            let selected = metrics.select(&[], 0, 10_000).unwrap();
            let times: Vec<i64> = selected
                .iter()
                .flat_map(|one| one.entries().unwrap())
                .map(|sample| sample.timestamp_ms)
                .collect();
            // A reader sees all that was written up to some moment, and nothing torn.
            let newest = *times.last().unwrap();
            assert!(newest >= last);
            assert_eq!(times, (0..=newest).collect::<Vec<_>>());
            last = newest;
        }
    });
}

#[test]
fn a_tail_misses_no_line_and_gets_none_twice_however_it_falls_between_writes() {
    const LINES: i64 = 2_000;
    let limits = Limits {
        tail_buffer: 10_000,
        ..Limits::default()
    };
    let store = Arc::new(Store::new(&limits));
    let logs = store.logs_to_come("acme");
    let writer = thread::spawn({
        let store = Arc::clone(&store);
        move || {
            for at in 0..LINES {
                let entry = LogEntry {
                    timestamp_ns: at,
                    line: "x".to_owned(),
                    structured_metadata: Vec::new(),
                };
                let stream = LogStream {
                    labels: vec![("app".to_owned(), "web".to_owned())],
                    entries: vec![entry.clone(), entry],
                };
                store.push_logs("acme", vec![stream]).unwrap();
            }
        }
    });
    let matchers = [Matcher::equal("app", "web")];
    let (tail, streams) = logs.tail(&matchers, 0, &limits).unwrap();
    let mut got: Vec<i64> = streams
        .iter()
        .flat_map(|one| one.entries().unwrap())
        .map(|entry| entry.timestamp_ns)
        .collect();
    while got.last() != Some(&(LINES - 1)) {
        let batch = tail.next(100, Duration::ZERO, || 0).unwrap();
        assert_eq!(batch.dropped.lines, []);
        got.extend(batch.lines.iter().map(|(_, entry)| entry.timestamp_ns));
    }
    writer.join().unwrap();
    assert_eq!(got, (0..LINES).collect::<Vec<_>>());
    tail.close();
    assert!(tail.next(1, Duration::ZERO, || 0).is_none());
}

#[test]
fn a_tail_counts_the_dropped_lines_that_it_does_not_name() {
    let limits = Limits {
        tail_buffer: 5,
        ..Limits::default()
    };
    let store = Store::new(&limits);
    let logs = store.logs_to_come("acme");
    let (tail, _) = logs
        .tail(&[Matcher::equal("app", "web")], 0, &limits)
        .unwrap();
    let entry = |at: i64| LogEntry {
        timestamp_ns: at,
        line: "x".to_owned(),
        structured_metadata: Vec::new(),
    };
    let stream = LogStream {
        labels: vec![("app".to_owned(), "web".to_owned())],
        entries: (0..1_105).map(entry).collect(),
    };
    store.push_logs("acme", vec![stream]).unwrap();
    let batch = tail.next(100, Duration::ZERO, || 0).unwrap();
    let counts = (
        batch.lines.len(),
        batch.dropped.lines.len(),
        batch.dropped.more,
    );
    assert_eq!(counts, (5, 1_000, 100));
}
