use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::demo::world;

const START: i64 = 1_800_000_000;

fn an_hour() -> Vec<Batch> {
    Generator::new(1, START).advance(START + 3600)
}

fn get<'a>(labels: &'a [(String, String)], name: &str) -> &'a str {
    let found = labels.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

#[test]
fn the_same_seed_gives_the_same_data_and_another_seed_other_data() {
    assert_eq!(an_hour(), an_hour());
    assert_ne!(an_hour(), Generator::new(2, START).advance(START + 3600));
}

#[test]
fn data_made_in_steps_are_the_data_made_at_once() {
    let count = |batches: &[Batch]| -> usize {
        let lines = batches.iter().flat_map(|batch| &batch.logs);
        lines.map(|stream| stream.entries.len()).sum()
    };
    let mut generator = Generator::new(1, START);
    let steps: usize = (1..=720)
        .map(|step| count(&generator.advance(START + 5 * step)))
        .sum();
    assert_eq!(steps, count(&an_hour()));
    assert_eq!(count(&generator.advance(START)), 0, "time never goes back");
}

#[test]
fn every_resource_of_the_demo_has_logs_and_metrics_in_its_own_tenant_and_nothing_else() {
    let mut places = BTreeMap::new();
    for project in world::ORGANIZATIONS.iter().flat_map(|o| o.projects) {
        for resource in project.resources {
            places.insert(resource.id, project.id);
        }
    }
    let mut seen = BTreeSet::new();
    for batch in an_hour() {
        let streams = batch.logs.iter().map(|stream| &stream.labels);
        for labels in streams.chain(batch.samples.iter().map(|series| &series.labels)) {
            let resource = get(labels, "resource_id").to_owned();
            assert_eq!(places[resource.as_str()], batch.tenant);
            seen.insert((resource, !get(labels, "__name__").is_empty()));
        }
    }
    assert_eq!(seen.len(), 2 * places.len());
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
        assert_eq!(levels, BTreeSet::from(all), "{}", batch.tenant);
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
    let known: BTreeMap<&str, BTreeSet<String>> = super::metadata()
        .map(|(tenant, metrics)| (tenant, metrics.into_iter().map(|it| it.metric).collect()))
        .collect();
    for batch in an_hour() {
        for series in &batch.samples {
            let name = get(&series.labels, "__name__");
            let family = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            assert!(known[batch.tenant].contains(family), "{name}");
        }
    }
}
