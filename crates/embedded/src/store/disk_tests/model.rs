//! Random pushes, seals and restarts, beside a store that could not be simpler.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::store::chunks::Fate;

#[derive(Clone, Debug)]
enum Step {
    Lines(u8, Vec<(i64, u8, bool)>),
    Samples(u8, Vec<(i64, f64)>),
    Histograms(u8, Vec<(i64, u8)>),
    Seal,
    /// Merges, among other things.
    Keep,
    Restart,
    Look(i64, i64),
}

#[derive(Debug, Default)]
struct Model {
    lines: BTreeMap<String, Vec<LogEntry>>,
    samples: BTreeMap<String, Vec<Sample>>,
    histograms: BTreeMap<String, Vec<HistogramSample>>,
}

fn step() -> impl Strategy<Value = Step> {
    let time = 0..60_i64;
    prop_oneof![
        4 => (0..3_u8, prop::collection::vec((time.clone(), 0..4_u8, any::<bool>()), 1..20))
            .prop_map(|(stream, lines)| Step::Lines(stream, lines)),
        4 => (0..3_u8, prop::collection::vec((time.clone(), prop_oneof![
                Just(0.0), Just(-0.0), -100.0..100.0, Just(7.0), Just(f64::MAX)]), 1..20))
            .prop_map(|(series, samples)| Step::Samples(series, samples)),
        4 => (0..3_u8, prop::collection::vec((time.clone(), 1..4_u8), 1..20))
            .prop_map(|(series, samples)| Step::Histograms(series, samples)),
        4 => Just(Step::Seal),
        1 => Just(Step::Keep),
        1 => Just(Step::Restart),
        3 => (time.clone(), time).prop_map(|(a, b)| Step::Look(a.min(b), a.max(b))),
    ]
}

/// Lines that share beginnings, so that a search finds them across borders of lines.
fn text(of: u8) -> &'static str {
    ["ab", "b", "", "aab"][usize::from(of) % 4]
}

impl Model {
    /// Whether one of them was refused.
    fn take<T: Timed>(kept: &mut Vec<T>, fresh: impl Iterator<Item = T>) -> bool {
        let mut is_refused = false;
        for entry in fresh {
            let fates = kept.iter().map(|one| entry.beside(one));
            match fates.fold(
                Fate::New,
                |fate, one| if fate == Fate::New { one } else { fate },
            ) {
                Fate::New => {
                    let at = kept.partition_point(|one| one.time() <= entry.time());
                    kept.insert(at, entry);
                }
                Fate::Known => {}
                Fate::Refused => is_refused = true,
            }
        }
        is_refused
    }
}

fn read(stream: &Selected<LogEntry>, is_backward: bool, needle: Option<&Needle>) -> Vec<LogEntry> {
    let reading = SharedReading::default();
    let mut lines = Lines::new(stream, &reading, is_backward, needle);
    let mut all = Vec::new();
    while lines.advance().unwrap() {
        let line = lines.line().unwrap();
        assert_eq!(line.timestamp_ns, lines.time());
        all.push(LogEntry {
            timestamp_ns: line.timestamp_ns,
            line: line.line.to_owned(),
            structured_metadata: line.structured_metadata.to_vec(),
        });
    }
    all
}

fn look(store: &Store, model: &Model, start: i64, end: i64) {
    let needle = Needle::new(b"ab");
    let found = store.logs("t").select(&[], start, end).unwrap();
    let mut seen = Vec::new();
    for stream in &found {
        let app = stream.labels.get("app");
        seen.push(app.to_owned());
        let wanted: Vec<LogEntry> = model.lines[app]
            .iter()
            .filter(|entry| (start..end).contains(&entry.timestamp_ns))
            .cloned()
            .collect();
        assert_eq!(stream.entries().unwrap(), wanted, "read whole");
        assert_eq!(read(stream, false, None), wanted, "read forward");
        let mut backward = read(stream, true, None);
        backward.reverse();
        assert_eq!(backward, wanted, "read backward");
        let with = |mut lines: Vec<LogEntry>| {
            lines.retain(|entry| entry.line.contains("ab"));
            lines
        };
        assert_eq!(
            with(read(stream, false, Some(&needle))),
            with(wanted.clone())
        );
        let mut backward = with(read(stream, true, Some(&needle)));
        backward.reverse();
        assert_eq!(backward, with(wanted));
    }
    let has_any = |entries: &Vec<LogEntry>| {
        let mut entries = entries.iter();
        entries.any(|entry| (start..end).contains(&entry.timestamp_ns))
    };
    let wanted = model.lines.iter().filter(|(_, lines)| has_any(lines));
    assert_eq!(seen, wanted.map(|(app, _)| app.clone()).collect::<Vec<_>>());

    let found = store.metrics("t").select(&[], start, end - 1).unwrap();
    let found = found.iter().map(|series| {
        let samples = series.entries().unwrap().into_iter();
        let samples = samples.map(|sample| (sample.timestamp_ms, sample.value.to_bits()));
        (series.labels.get("id").to_owned(), samples.collect())
    });
    let wanted = model.samples.iter().map(|(id, samples)| {
        let samples = samples.iter();
        let samples = samples.filter(|sample| (start..end).contains(&sample.timestamp_ms));
        let samples = samples.map(|sample| (sample.timestamp_ms, sample.value.to_bits()));
        (id.clone(), samples.collect::<Vec<_>>())
    });
    let wanted = wanted.filter(|(_, samples)| !samples.is_empty());
    assert_eq!(
        found.collect::<Vec<(String, Vec<(i64, u64)>)>>(),
        wanted.collect::<Vec<_>>()
    );
}

/// Compares the histograms but for what is known of resets, which may only be what is true: that
/// counts went on.
fn look_at_histograms(store: &Store, model: &Model, start: i64, end: i64) {
    let found = store.metrics("t");
    let found = found.select_histograms(&[], start, end - 1).unwrap();
    let found = found.iter().map(|series| {
        let samples = series.entries().unwrap();
        for [before, after] in samples.array_windows() {
            if after.histogram.reset_hint == ResetHint::NotReset {
                assert!(
                    before.histogram.count <= after.histogram.count,
                    "{samples:?}"
                );
            }
        }
        let samples = samples.iter();
        let samples = samples.map(|one| (one.timestamp_ms, one.histogram.count));
        (series.labels.get("id").to_owned(), samples.collect())
    });
    let wanted = model.histograms.iter().map(|(id, samples)| {
        let samples = samples.iter();
        let samples = samples.filter(|one| (start..end).contains(&one.timestamp_ms));
        let samples = samples.map(|one| (one.timestamp_ms, one.histogram.count));
        (id.clone(), samples.collect::<Vec<_>>())
    });
    let wanted = wanted.filter(|(_, samples)| !samples.is_empty());
    assert_eq!(
        found.collect::<Vec<(String, Vec<(i64, f64)>)>>(),
        wanted.collect::<Vec<_>>()
    );
}

fn run(steps: &[Step]) {
    let directory = TempDir::new().unwrap();
    let limits = Limits::default();
    let open = || Store::open(directory.path(), &of_any_time(&limits), Arc::new(|| 0)).unwrap();
    let mut store = Some(open());
    let mut model = Model::default();
    for step in steps.iter().chain([&Step::Restart, &Step::Look(0, 60)]) {
        let Some(current) = &store else { return };
        match step {
            Step::Lines(stream, lines) => {
                let app = stream.to_string();
                let entries = lines.iter().map(|(time, of, has_metadata)| LogEntry {
                    timestamp_ns: *time,
                    line: text(*of).to_owned(),
                    structured_metadata: if *has_metadata {
                        labels(&[("k", text(of + 1))])
                    } else {
                        Vec::new()
                    },
                });
                let entries: Vec<LogEntry> = entries.collect();
                push_lines(current, "t", &app, entries.clone()).unwrap();
                Model::take(model.lines.entry(app).or_default(), entries.into_iter());
            }
            Step::Samples(series, samples) => {
                let id = series.to_string();
                let samples = samples.iter().map(|(time, value)| Sample {
                    timestamp_ms: *time,
                    value: *value,
                });
                let samples: Vec<Sample> = samples.collect();
                let pushed = SampleSeries {
                    labels: labels(&[("__name__", "m"), ("id", &id)]),
                    samples: samples.clone(),
                };
                let result = current.push_samples("t", vec![pushed]);
                let kept = model.samples.entry(id).or_default();
                let is_refused = Model::take(kept, samples.into_iter());
                assert_eq!(result.is_err(), is_refused);
            }
            Step::Histograms(series, samples) => {
                let id = series.to_string();
                let samples = samples.iter();
                let samples = samples.map(|(time, count)| histogram(*time, f64::from(*count)));
                let samples: Vec<HistogramSample> = samples.collect();
                let result = push_histograms(current, &id, samples.clone());
                let kept = model.histograms.entry(id).or_default();
                let is_refused = Model::take(kept, samples.into_iter());
                assert_eq!(result.is_err(), is_refused);
            }
            Step::Seal => current.seal(),
            Step::Keep => current.keep(),
            Step::Restart => {
                // The old one has to go before the new one may come.
                drop(store.take());
                store = Some(open());
            }
            Step::Look(start, end) => {
                look(current, &model, *start, *end);
                look_at_histograms(current, &model, *start, *end);
            }
        }
    }
}

#[test]
fn whatever_is_pushed_sealed_and_restarted_is_read_as_if_it_were_a_list() {
    let cases = std::env::var("KTRLPLANE_STORE_CASES");
    let cases = cases
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(25);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), 1..40);
    TestRunner::new(config)
        .run(&steps, |steps| {
            run(&steps);
            Ok(())
        })
        .unwrap();
}
