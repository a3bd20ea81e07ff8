//! Disks that are full, fail, or damage what was written last.

use super::*;
use crate::store::disk::handles::Fault;

/// A store that the test looks after.
fn open(directory: &Path) -> Store {
    Store::open_unkept(directory, &of_any_time(&Limits::default()), Arc::new(|| 0)).unwrap()
}

fn set(store: &Store, fault: Fault) {
    let handles = &store.shared.setting.handles;
    *handles.fault.lock().unwrap() = fault;
}

/// A sample of `id`, which is a new series if no other of its name came before.
fn push_sample(store: &Store, id: &str) -> Result<(), PushError> {
    let series = SampleSeries {
        labels: labels(&[("__name__", "m"), ("id", id)]),
        samples: vec![Sample {
            timestamp_ms: NOW,
            value: 1.0,
        }],
    };
    store.push_samples("t", vec![series])
}

fn series(store: &Store) -> usize {
    store.metrics("t").select(&[], 0, i64::MAX).unwrap().len()
}

fn metadata(metric: &str) -> Vec<MetricMetadata> {
    vec![MetricMetadata {
        metric: metric.to_owned(),
        kind: MetricKind::Counter,
        help: "h".repeat(100),
        unit: String::new(),
    }]
}

#[test]
fn a_full_disk_refuses_data_and_is_read_and_takes_data_as_soon_as_there_is_room() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let text = "x".repeat(200);
    let mut wanted = vec![("web".to_owned(), entry(0, &text))];
    push_lines(&store, "t", "web", vec![entry(0, &text)]).unwrap();
    // However much of the write is there.
    let mut at = 0;
    for left in (0..300).step_by(7) {
        set(&store, Fault::Full(left));
        at += 1;
        let refused = push_lines(&store, "t", "web", vec![entry(at, &text)]);
        if refused.is_ok() {
            wanted.push(("web".to_owned(), entry(at, &text)));
        } else {
            assert_eq!(refused, Err(PushError::DiskFull));
        }
        // New streams, series and metrics, which go to other files.
        set(&store, Fault::Full(left.min(30)));
        assert_eq!(push_sample(&store, "a"), Err(PushError::DiskFull));
        let refused = push_lines(&store, "t", &format!("new {at}"), vec![entry(at, "x")]);
        assert_eq!(refused, Err(PushError::DiskFull));
        assert_eq!(
            store.add_metadata("t", metadata("m")),
            Err(PushError::DiskFull)
        );
        store.seal();
        assert_eq!(lines(&store, "t").unwrap(), wanted);
        if at % 5 == 0 {
            set(&store, Fault::None);
            at += 1;
            push_lines(&store, "t", "web", vec![entry(at, &text)]).unwrap();
            wanted.push(("web".to_owned(), entry(at, &text)));
        }
    }
    set(&store, Fault::None);
    push_sample(&store, "a").unwrap();
    store.add_metadata("t", metadata("m")).unwrap();
    store.seal();
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    drop(store);
    let store = open(directory.path());
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    assert_eq!(series(&store), 1);
    assert_eq!(store.metadata("t", "", 9).len(), 1);
    assert_eq!(store.disk_health(), DiskHealth::default());
}

#[test]
fn after_a_failed_synchronization_nothing_is_written_to_that_file_and_all_is_written_anew() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let web = |at: i64| ("web".to_owned(), entry(at, "x"));
    let logs = directory.path().join("tenants/t/logs");
    let wals = || {
        let found = files(&logs).into_iter();
        let found = found.filter(|path| path.to_str().unwrap().contains("wal-"));
        found.collect::<Vec<_>>()
    };
    push_lines(&store, "t", "web", vec![entry(0, "x")]).unwrap();
    push_sample(&store, "a").unwrap();
    store.add_metadata("t", metadata("m")).unwrap();
    let [suspect] = wals().try_into().unwrap();
    let before = fs::read(&suspect).unwrap();
    set(&store, Fault::NoSync);
    for _ in 0..2 {
        let refused = push_lines(&store, "t", "web", vec![entry(1, "x")]);
        assert_eq!(refused, Err(PushError::Unwritable));
        assert_eq!(push_sample(&store, "b"), Err(PushError::Unwritable));
        let refused = store.add_metadata("t", metadata("n"));
        assert_eq!(refused, Err(PushError::Unwritable));
        store.keep();
        assert_eq!(lines(&store, "t").unwrap(), [web(0)]);
    }
    set(&store, Fault::None);
    push_lines(&store, "t", "web", vec![entry(2, "x")]).unwrap();
    push_sample(&store, "c").unwrap();
    store.add_metadata("t", metadata("o")).unwrap();
    assert_eq!(fs::read(&suspect).unwrap(), before);
    // What was acknowledged before is sealed without anything else being asked for.
    store.keep();
    assert!(!suspect.exists());
    let sealed = files(&logs).into_iter();
    assert!(
        sealed
            .into_iter()
            .any(|path| path.extension().unwrap() == "seg")
    );
    assert!(store.disk_health().failed_syncs > 0);
    drop(store);
    let store = open(directory.path());
    assert_eq!(lines(&store, "t").unwrap(), [web(0), web(2)]);
    assert_eq!(series(&store), 2);
    let names: Vec<String> = store
        .metadata("t", "", 9)
        .into_iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(names, ["m", "o"]);
}

#[test]
fn a_log_that_failed_while_what_came_before_could_not_be_sealed_is_not_taken_for_sealed() {
    let directory = TempDir::new().unwrap();
    let web = |at: i64| ("web".to_owned(), entry(at, "x"));
    let store = open(directory.path());
    let push = |at| push_lines(&store, "t", "web", vec![entry(at, "x")]);
    push(0).unwrap();
    // The log is rotated and its data are frozen, and the segment finds no room.
    set(&store, Fault::Full(30));
    store.seal();
    set(&store, Fault::None);
    push(1).unwrap();
    // The log that this is in is given up for another one.
    set(&store, Fault::NoSync);
    assert_eq!(push(2), Err(PushError::Unwritable));
    set(&store, Fault::None);
    push(3).unwrap();
    // One pass, as a crash may come before the next one.
    store.seal();
    drop(store);
    assert_eq!(
        lines(&open(directory.path()), "t").unwrap(),
        [web(0), web(1), web(3)]
    );
}

#[test]
fn what_is_torn_off_or_damaged_is_kept_and_counted_and_met_again_without_growing() {
    let directory = TempDir::new().unwrap();
    {
        let store = open(directory.path());
        for at in 0..3 {
            push_lines(&store, "t", "web", vec![entry(at, "acknowledged")]).unwrap();
        }
    }
    let logs = directory.path().join("tenants/t/logs");
    let [wal] = files(&logs)
        .into_iter()
        .filter(|path| path.to_str().unwrap().contains("wal-"))
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let aside = |kind: &str| {
        let found = files(&logs).into_iter();
        let mut found = found.filter(|path| path.extension().is_some_and(|of| of == kind));
        let first = found.next().map(|path| fs::read(path).unwrap());
        assert_eq!(found.next(), None);
        first
    };
    let whole = fs::read(&wal).unwrap();
    let of_record = (whole.len() - 20) / 3;
    // The last record: as a crash could leave it.
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&wal, &bytes).unwrap();
    for opened in 0..2 {
        let store = open(directory.path());
        assert_eq!(lines(&store, "t").unwrap().len(), 2);
        let torn = if opened == 0 { of_record } else { 0 };
        assert_eq!(store.disk_health().torn_bytes, torn as u64);
        assert_eq!(aside("torn").unwrap(), bytes[whole.len() - of_record..]);
        assert_eq!(aside("damaged"), None);
    }
    // The middle one.
    let mut bytes = whole.clone();
    bytes[20 + of_record + 15] ^= 1;
    fs::write(&wal, &bytes).unwrap();
    for _ in 0..3 {
        let store = open(directory.path());
        assert_eq!(lines(&store, "t").unwrap().len(), 2);
        assert_eq!(store.disk_health().damaged_bytes, of_record as u64);
        let damaged = aside("damaged").unwrap();
        assert_eq!(damaged, bytes[20 + of_record..20 + 2 * of_record]);
    }
}

#[test]
fn of_many_crashes_the_torn_ends_of_the_last_ones_are_kept() {
    let directory = TempDir::new().unwrap();
    for crash in 0..20 {
        {
            let store = open(directory.path());
            push_lines(&store, "t", "web", vec![entry(crash, "x")]).unwrap();
            assert_eq!(
                store.disk_health().torn_bytes,
                if crash == 0 { 0 } else { 4 }
            );
        }
        let wal = directory
            .path()
            .join("tenants/t/logs/wal-0000000000000001.log");
        let mut bytes = fs::read(&wal).unwrap();
        bytes.extend_from_slice(b"torn");
        fs::write(&wal, bytes).unwrap();
    }
    let kept = files(directory.path()).into_iter();
    let kept = kept.filter(|path| path.extension().is_some_and(|of| of == "torn"));
    assert_eq!(kept.count(), 16);
    assert_eq!(lines(&open(directory.path()), "t").unwrap().len(), 20);
}
