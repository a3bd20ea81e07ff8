//! Stores in a directory.

mod ahead;
mod damage;
mod faults;
mod histograms;
mod label_budget;
mod metadata;
mod model;
mod quiet;
mod resent;
mod retention;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use query::Matcher;
use tempfile::TempDir;

use super::*;
use crate::{Histogram, ResetHint};

/// A time that all data of these tests is near, in seconds.
const NOW: i64 = 1_700_000_000;

fn open(directory: &Path) -> Store {
    open_with(directory, &Limits::default())
}

fn open_with(directory: &Path, limits: &Limits) -> Store {
    // At the beginning of time nothing is too old.
    Store::open(directory, &of_any_time(limits), Arc::new(|| 0)).unwrap()
}

/// These limits, and data may be dated ahead of the clock.
fn of_any_time(limits: &Limits) -> Limits {
    Limits {
        creation_grace: Duration::MAX,
        ..limits.clone()
    }
}

fn entry(timestamp_ns: i64, line: &str) -> LogEntry {
    LogEntry {
        timestamp_ns,
        line: line.to_owned(),
        structured_metadata: Vec::new(),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn push_lines(
    store: &Store,
    tenant: &str,
    app: &str,
    entries: Vec<LogEntry>,
) -> Result<(), PushError> {
    let stream = LogStream {
        labels: labels(&[("app", app)]),
        entries,
    };
    store.push_logs(tenant, vec![stream])
}

fn lines(store: &Store, tenant: &str) -> Result<Vec<(String, LogEntry)>, EvalError> {
    let mut all = Vec::new();
    for stream in store.logs(tenant).select(&[], i64::MIN, i64::MAX)? {
        let app = stream.labels.get("app").to_owned();
        all.extend(
            stream
                .entries()?
                .into_iter()
                .map(|entry| (app.clone(), entry)),
        );
    }
    Ok(all)
}

/// A histogram that can be told from others by its count.
fn histogram(timestamp_ms: i64, count: f64) -> HistogramSample {
    HistogramSample {
        timestamp_ms,
        histogram: Arc::new(Histogram {
            count,
            sum: count / 3.0,
            positive: vec![(-1, 1.0), (2, count - 1.0)],
            ..Histogram::default()
        }),
    }
}

fn push_histograms(
    store: &Store,
    id: &str,
    samples: Vec<HistogramSample>,
) -> Result<(), PushError> {
    let series = HistogramSeries {
        labels: labels(&[("__name__", "m"), ("id", id)]),
        samples,
    };
    store.push_histograms("t", vec![series])
}

/// Id, histogram and hint of every histogram.
fn histograms(store: &Store) -> Vec<(String, HistogramSample, ResetHint)> {
    let mut all = Vec::new();
    let found = store.metrics("t").select_histograms(&[], 0, i64::MAX);
    for series in found.unwrap() {
        for one in series.entries().unwrap() {
            let hint = one.histogram.reset_hint;
            all.push((series.labels.get("id").to_owned(), one, hint));
        }
    }
    all
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn everything_that_was_pushed_is_there_after_a_restart_sealed_or_not() {
    let directory = TempDir::new().unwrap();
    let mut line = entry(NOW, "a line");
    line.structured_metadata = labels(&[("trace", "7")]);
    let sample = Sample {
        timestamp_ms: NOW * 1000,
        value: 0.1,
    };
    let exemplar = Exemplar {
        labels: Labels::new(labels(&[("trace", "7")])),
        value: 0.5,
        timestamp_ms: NOW * 1000,
    };
    let metadata = MetricMetadata {
        metric: "up".to_owned(),
        kind: MetricKind::GaugeHistogram,
        help: "whether it is".to_owned(),
        unit: "s".to_owned(),
    };
    let series = labels(&[("__name__", "up"), ("job", "x")]);
    {
        let store = open(directory.path());
        push_lines(&store, "acme", "web", vec![line.clone()]).unwrap();
        store
            .push_samples(
                "acme",
                vec![SampleSeries {
                    labels: series.clone(),
                    samples: vec![sample],
                }],
            )
            .unwrap();
        store
            .push_exemplars(
                "acme",
                vec![ExemplarSeries {
                    labels: series.clone(),
                    exemplars: vec![exemplar.clone()],
                }],
            )
            .unwrap();
        store
            .push_histograms(
                "acme",
                vec![HistogramSeries {
                    labels: series.clone(),
                    samples: vec![histogram(NOW * 1000, 3.0)],
                }],
            )
            .unwrap();
        store.add_metadata("acme", vec![metadata.clone()]).unwrap();
        push_lines(&store, "other", "web", vec![entry(NOW, "another's")]).unwrap();
    }
    for seal in [false, true, false] {
        let store = open(directory.path());
        if seal {
            store.seal();
        }
        assert_eq!(
            lines(&store, "acme").unwrap(),
            [("web".to_owned(), line.clone())]
        );
        assert_eq!(lines(&store, "other").unwrap().len(), 1);
        assert!(lines(&store, "nobody").unwrap().is_empty());
        let all = [Matcher::equal("job", "x")];
        let found = store.metrics("acme").select(&all, 0, i64::MAX).unwrap();
        assert_eq!(found[0].labels, Labels::new(series.clone()));
        assert_eq!(found[0].entries().unwrap(), [sample]);
        let found = store.metrics("acme");
        let found = found.select_histograms(&all, 0, i64::MAX).unwrap();
        assert_eq!(found[0].labels, Labels::new(series.clone()));
        assert_eq!(found[0].entries().unwrap(), [histogram(NOW * 1000, 3.0)]);
        let stop = crate::Stop::after(Duration::from_hours(1));
        let found = store
            .exemplars("acme")
            .select(&[all.to_vec()], 0, i64::MAX, &mut Patterns::new(&stop))
            .unwrap();
        assert_eq!(found[0].entries().unwrap(), std::slice::from_ref(&exemplar));
        assert_eq!(
            store.metadata("acme", "", 10),
            [("up".to_owned(), vec![metadata.clone()])]
        );
    }
    let sealed = files(directory.path()).into_iter();
    let sealed = sealed.filter(|path| path.extension().is_some_and(|kind| kind == "seg"));
    assert_eq!(sealed.count(), 5);
}

#[test]
fn the_directory_and_its_files_are_for_their_owner_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data");
    let store = open(&path);
    push_lines(&store, "acme", "web", vec![entry(NOW, "x")]).unwrap();
    store.seal();
    push_lines(&store, "acme", "web", vec![entry(NOW, "y")]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files(&path) {
        assert_eq!(mode(&file), 0o600, "{file:?}");
        for above in file
            .ancestors()
            .skip(1)
            .take_while(|above| above.starts_with(&path))
        {
            assert_eq!(mode(above), 0o700, "{above:?}");
        }
    }
}

#[test]
fn a_directory_that_is_in_use_or_not_ours_or_newer_is_refused_with_a_sentence() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let refusal = || {
        let opened = Store::open(path, &Limits::default(), Arc::new(|| 0));
        opened.err().unwrap().to_string()
    };
    fs::write(path.join("precious"), "x").unwrap();
    assert!(refusal().contains("not empty"), "{}", refusal());
    fs::remove_file(path.join("precious")).unwrap();
    let store = open(path);
    assert!(refusal().contains("in use"), "{}", refusal());
    drop(store);
    let format = path.join("FORMAT");
    let known = fs::read_to_string(&format).unwrap();
    for (version, reason) in [("3", "no newer one"), ("1", "no released version")] {
        fs::write(&format, known.replace('2', version)).unwrap();
        assert!(refusal().contains(reason), "{}", refusal());
        assert!(refusal().contains("run the version"), "{}", refusal());
    }
    fs::write(&format, "\u{fffd}").unwrap();
    assert!(refusal().contains("damaged"), "{}", refusal());
    fs::write(&format, known).unwrap();
    open(path);
}

#[test]
fn a_tenant_whose_name_leads_elsewhere_is_refused() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let long = "a".repeat(64);
    for name in [
        "", ".", "..", "../x", "a/b", "a\0", "A", "-a", "a-", "é", "a|b", &long,
    ] {
        let pushed = push_lines(&store, name, "web", vec![entry(NOW, "x")]);
        assert_eq!(pushed, Err(PushError::BadTenant(name.to_owned())));
        assert_eq!(lines(&store, name), Ok(Vec::new()));
        store.logs_to_come(name);
    }
    for name in ["a", "0", "fake", "a-1", &"a".repeat(63)] {
        push_lines(&store, name, "web", vec![entry(NOW, "x")]).unwrap();
    }
}

#[test]
fn what_is_too_old_by_the_clock_goes_and_its_streams_do_not_count_any_more() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        retention: Duration::from_hours(1),
        max_streams_per_tenant: 2,
        ..Limits::default()
    };
    let now = Arc::new(AtomicI64::new(NOW));
    let clock = Arc::clone(&now);
    let clock = Arc::new(move || clock.load(Ordering::Relaxed) * 1_000_000_000);
    let store = Store::open(directory.path(), &limits, clock).unwrap();
    let second = |at: i64| at * 1_000_000_000;
    push_lines(&store, "t", "old", vec![entry(second(NOW), "x")]).unwrap();
    store.seal();
    push_lines(&store, "t", "new", vec![entry(second(NOW + 3000), "y")]).unwrap();
    let full = push_lines(&store, "t", "more", vec![entry(second(NOW + 3000), "z")]);
    assert_eq!(full, Err(PushError::TooManyStreams(2)));
    now.store(NOW + 3599, Ordering::Relaxed);
    store.keep();
    assert_eq!(lines(&store, "t").unwrap().len(), 2);
    now.store(NOW + 3601, Ordering::Relaxed);
    store.keep();
    assert_eq!(lines(&store, "t").unwrap().len(), 1);
    push_lines(&store, "t", "more", vec![entry(second(NOW + 3601), "z")]).unwrap();
    // What is not sealed goes as well.
    now.store(NOW + 9999, Ordering::Relaxed);
    store.keep();
    assert!(lines(&store, "t").unwrap().is_empty());
    drop(store);
    assert!(
        lines(&open_with(directory.path(), &limits), "t")
            .unwrap()
            .len()
            <= 2
    );
}

#[test]
fn what_is_too_much_goes_oldest_first_and_each_tenant_has_its_own_share() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        retention_bytes: Some(300_000),
        ..Limits::default()
    };
    let store = open_with(directory.path(), &limits);
    // Text that does not compress.
    let mut state = 1_u64;
    let mut text = || -> String {
        let bytes = (0..1000).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b' ' + u8::try_from(state >> 33 & 63).unwrap())
        });
        bytes.collect()
    };
    push_lines(&store, "small", "web", vec![entry(0, "x")]).unwrap();
    store.seal();
    for at in 0..20 {
        for app in ["a", "b"] {
            let entries = (0..25).map(|line| entry(NOW + at * 100 + line, &text()));
            push_lines(&store, "t", app, entries.collect()).unwrap();
        }
        store.seal();
        store.keep();
        let disk: u64 = files(&directory.path().join("tenants/t"))
            .iter()
            .map(|file| fs::metadata(file).unwrap().len())
            .sum();
        assert!(disk <= 300_000, "{disk}");
    }
    let left = lines(&store, "t").unwrap();
    assert!((200..350).contains(&left.len()), "{}", left.len());
    for app in ["a", "b"] {
        let times: Vec<i64> = left
            .iter()
            .filter(|(of, _)| of == app)
            .map(|(_, entry)| entry.timestamp_ns)
            .collect();
        assert_eq!(times.last(), Some(&(NOW + 1924)));
        assert!(times[0] > NOW + 1000);
    }
    assert_eq!(lines(&store, "small").unwrap().len(), 1);
}

#[test]
fn a_query_that_has_begun_reads_what_is_taken_away_meanwhile() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let clock = Arc::new(move || clock.load(Ordering::Relaxed));
    let store = Store::open(directory.path(), &Limits::default(), clock).unwrap();
    push_lines(&store, "t", "web", vec![entry(0, "x")]).unwrap();
    store.seal();
    let selected = store.logs("t").select(&[], 0, 1).unwrap();
    now.store(NOW * 1_000_000_000, Ordering::Relaxed);
    store.keep();
    assert!(lines(&store, "t").unwrap().is_empty());
    assert_eq!(selected[0].entries().unwrap(), [entry(0, "x")]);
    drop(selected);
    let left = files(&directory.path().join("tenants/t"));
    assert!(
        left.iter()
            .all(|path| path.extension().is_some_and(|kind| kind != "seg")),
        "{left:?}"
    );
}

#[test]
fn pushes_from_many_threads_are_all_there_and_each_one_whole() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let store = &store;
            scope.spawn(move || {
                for at in 0..20 {
                    let entries = (0..10).map(|line| entry(at * 10 + line, "x")).collect();
                    push_lines(store, "t", &thread.to_string(), entries).unwrap();
                    if at % 7 == thread {
                        store.seal();
                    }
                }
            });
        }
    });
    let all = lines(&store, "t").unwrap();
    assert_eq!(all.len(), 1600);
    drop(store);
    assert_eq!(lines(&open(directory.path()), "t").unwrap(), all);
}
