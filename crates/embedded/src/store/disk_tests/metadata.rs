//! What metrics mean, and how much of it there may be.

use super::*;

fn told(metric: &str, help: &str) -> MetricMetadata {
    MetricMetadata {
        metric: metric.to_owned(),
        kind: MetricKind::Counter,
        help: help.to_owned(),
        unit: String::new(),
    }
}

fn bytes(directory: &Path) -> u64 {
    let files = files(directory);
    let logs = files.iter().filter(|path| path.ends_with("metadata.log"));
    logs.map(|path| fs::metadata(path).unwrap().len()).sum()
}

fn known(store: &Store) -> usize {
    let all = store.metadata("t", "", usize::MAX);
    let texts = all.iter().flat_map(|(_, all)| all);
    texts.map(|one| one.metric.len() + one.help.len()).sum()
}

#[test]
fn long_texts_are_cut_and_long_names_and_units_left_out_without_an_error() {
    let store = Store::new(&Limits::default());
    let mut long_unit = told("m", "");
    long_unit.unit = "u".repeat(1025);
    let batch = vec![
        told(&"n".repeat(1025), ""),
        long_unit,
        told("", "no name"),
        told("cut", &"ä".repeat(2050).replacen('ä', "a", 1)),
    ];
    store.add_metadata("t", batch).unwrap();
    let found = store.metadata("t", "", 10);
    assert_eq!(found.len(), 1);
    // 4,096 bytes would end within a character.
    assert_eq!(found[0].1[0].help.len(), 4095);
}

#[test]
fn metadata_have_a_bound_in_memory_on_disk_and_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    for round in 0..5 {
        let batch = (0..3_000).map(|at| told(&format!("m{round}_{at}"), &"h".repeat(4096)));
        store.add_metadata("t", batch.collect()).unwrap();
        assert!(known(&store) <= 16 << 20);
    }
    store.add_metadata("t", vec![told("last", "")]).unwrap();
    assert!(bytes(directory.path()) < 40 << 20);
    drop(store);
    let store = open(directory.path());
    assert!(known(&store) <= 16 << 20);
    assert_eq!(store.metadata("t", "last", 1).len(), 1);
    assert_eq!(store.metadata("t", "m0_0", 1).len(), 0);
}

#[test]
fn what_is_told_again_stays_and_what_nobody_tells_gives_way() {
    let limits = Limits {
        max_streams_per_tenant: 3,
        ..Limits::default()
    };
    let store = Store::new(&limits);
    for metric in ["a", "b", "c", "a", "d"] {
        store.add_metadata("t", vec![told(metric, "h")]).unwrap();
    }
    let found = store.metadata("t", "", 10);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "c", "d"]);
}

#[test]
fn nobody_can_hold_all_places_of_a_metric_for_good() {
    let store = Store::new(&Limits::default());
    for at in 0..30 {
        let squatted = told("m", &format!("squatted {at}"));
        store.add_metadata("t", vec![squatted]).unwrap();
    }
    store.add_metadata("t", vec![told("m", "true")]).unwrap();
    let found = store.metadata("t", "m", 1).remove(0).1;
    assert_eq!(found.len(), 10);
    assert!(found.iter().any(|one| one.help == "true"));
}

#[test]
fn metadata_take_no_data_away() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        retention_bytes: Some(64 << 10),
        ..Limits::default()
    };
    let store = open_with(directory.path(), &limits);
    push_lines(&store, "t", "a", vec![entry(NOW, "precious")]).unwrap();
    store.seal();
    let batch = (0..100).map(|at| told(&format!("m{at}"), &"h".repeat(4096)));
    store.add_metadata("t", batch.collect()).unwrap();
    store.keep();
    assert_eq!(lines(&store, "t").unwrap().len(), 1);
}

#[test]
fn a_batch_of_many_names_takes_no_longer_than_it_has_to() {
    let store = Store::new(&Limits::default());
    // With work that grows with the square of it, this is minutes.
    let batch = (0..60_000).flat_map(|at| [told(&format!("m{at}"), ""), told("same", "")]);
    let begin = std::time::Instant::now();
    store.add_metadata("t", batch.collect()).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!(store.metadata("t", "", usize::MAX).len(), 60_001);
}
