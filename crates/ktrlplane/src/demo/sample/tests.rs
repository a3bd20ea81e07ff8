use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::demo::world;

const START: i64 = 1_800_000_000;

const BEGIN: Begin = Begin {
    lines: START,
    samples: START,
};

fn an_hour() -> Vec<Batch> {
    an_hour_of(1)
}

fn an_hour_of(seed: u64) -> Vec<Batch> {
    let hour = |service| Source::new(service, seed, BEGIN).advance(START + 3600);
    SERVICES.iter().map(hour).collect()
}

fn get<'a>(labels: &'a [(String, String)], name: &str) -> &'a str {
    let found = labels.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

/// The times of all lines, in seconds.
fn seconds(batch: &Batch) -> Vec<i64> {
    let entries = batch.logs.iter().flat_map(|stream| &stream.entries);
    let mut seconds: Vec<i64> = entries
        .map(|entry| entry.timestamp_ns.div_euclid(1_000_000_000))
        .collect();
    seconds.sort_unstable();
    seconds
}

#[test]
fn the_same_seed_gives_the_same_data_and_another_seed_other_data() {
    assert_eq!(an_hour(), an_hour());
    assert_ne!(an_hour(), an_hour_of(2));
}

#[test]
fn data_made_in_steps_are_the_data_made_at_once() {
    for (service, whole) in SERVICES.iter().zip(an_hour()) {
        let mut source = Source::new(service, 1, BEGIN);
        let steps = (1..=720).flat_map(|step| seconds(&source.advance(START + 5 * step)));
        assert_eq!(steps.collect::<Vec<_>>(), seconds(&whole));
        assert_eq!(source.advance(START).logs, [], "time never goes back");
        assert_eq!(source.next(), START + 3600);
    }
}

#[test]
fn lines_and_samples_begin_where_they_are_wanted_and_are_others_after_another_start() {
    let service = &SERVICES[0];
    let begin = Begin {
        lines: START + 600,
        samples: START + 900,
    };
    let batch = Source::new(service, 1, begin).advance(START + 3600);
    let first = seconds(&batch)[0];
    assert!((START + 600..START + 620).contains(&first), "{first}");
    let times = batch.samples.iter().flat_map(|series| &series.samples);
    let first = times.map(|sample| sample.timestamp_ms).min();
    assert_eq!(first, Some((START + 900) * 1000));
    let traces = |batch: &Batch| -> BTreeSet<String> {
        let entries = batch.logs.iter().flat_map(|stream| &stream.entries);
        let traces = entries.map(|entry| entry.structured_metadata[0].1.clone());
        traces.collect()
    };
    assert!(traces(&batch).is_disjoint(&traces(&an_hour()[0])));
}

#[test]
fn every_resource_of_the_demo_has_logs_and_metrics_and_leaves_the_label_to_the_gateway() {
    let projects = world::ORGANIZATIONS.iter().flat_map(|o| o.projects);
    let resources =
        projects.flat_map(|project| project.resources.iter().map(|r| (project.id, r.id)));
    let served = SERVICES.iter().map(|one| (one.project, one.resource));
    assert_eq!(
        resources.collect::<BTreeSet<_>>(),
        served.collect::<BTreeSet<_>>()
    );
    for batch in an_hour() {
        let streams = batch.logs.iter().map(|stream| &stream.labels);
        let series = batch.samples.iter().map(|series| &series.labels);
        assert!(streams.len() > 0 && series.len() > 0);
        for labels in streams.chain(series) {
            assert_eq!(get(labels, "resource_id"), "");
            assert_eq!(get(labels, "cluster"), "demo");
        }
    }
}

#[test]
fn lines_have_levels_within_and_without_and_are_in_time() {
    for batch in an_hour() {
        let mut levels = BTreeSet::new();
        for stream in batch.logs {
            let level = get(&stream.labels, "level").to_owned();
            for entry in stream.entries {
                let second = entry.timestamp_ns / 1_000_000_000;
                assert!((START..START + 3600).contains(&second));
                let json = serde_json::from_str::<serde_json::Value>(&entry.line);
                match json {
                    Ok(json) => assert_eq!(json["level"], level.as_str()),
                    Err(_) => assert!(entry.line.contains(&format!(" level={level} "))),
                }
            }
            levels.insert(level);
        }
        let all = ["debug", "error", "info", "warn"].map(str::to_owned);
        assert_eq!(levels, BTreeSet::from(all));
    }
}

#[test]
fn counters_never_fall_and_the_histogram_adds_up() {
    for batch in an_hour() {
        let mut last = BTreeMap::new();
        for series in &batch.samples {
            let name = get(&series.labels, "__name__");
            assert!(!series.samples.is_empty());
            assert!(series.samples.iter().all(|s| s.timestamp_ms % 15_000 == 0));
            if name.starts_with("http_") {
                let rises = series.samples.windows(2).all(|s| s[0].value <= s[1].value);
                assert!(rises, "{name}");
            }
            let value = series.samples.last().unwrap().value;
            let bound = get(&series.labels, "le");
            *last
                .entry((name.to_owned(), bound.to_owned()))
                .or_insert(0.0) += value;
        }
        let total = |name: &str, bound: &str| last[&(name.to_owned(), bound.to_owned())];
        let count = total("http_request_duration_seconds_count", "");
        assert!(count > 1000.0);
        let infinite = total("http_request_duration_seconds_bucket", "+Inf");
        let requests = total("http_requests_total", "");
        assert!((infinite - count).abs() < 0.5 && (requests - count).abs() < 0.5);
        assert!(total("cpu_usage_percent", "") > 0.0);
    }
}

#[test]
fn every_metric_has_its_metadata() {
    let known: BTreeSet<String> = metadata().into_iter().map(|it| it.metric).collect();
    for batch in an_hour() {
        for series in &batch.samples {
            let name = get(&series.labels, "__name__");
            let family = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            assert!(known.contains(family), "{name}");
        }
    }
}
