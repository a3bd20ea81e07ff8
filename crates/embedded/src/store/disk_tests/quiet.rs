//! Tenants with little data: many of them, or one over a long time.

use super::*;

const HOUR: i64 = 3_600;

/// A store whose clock the test has, in seconds, and that the test looks after.
fn open_at(directory: &Path, retention: Duration, now: &Arc<AtomicI64>) -> Store {
    let clock = Arc::clone(now);
    let limits = Limits {
        retention,
        ..Limits::default()
    };
    let clock = move || clock.load(Ordering::Relaxed) * 1_000_000_000;
    Store::open_unkept(directory, &limits, Arc::new(clock)).unwrap()
}

fn second(at: i64, line: &str) -> LogEntry {
    entry(at * 1_000_000_000, line)
}

fn segments(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = files(directory);
    found.retain(|path| path.extension().is_some_and(|kind| kind == "seg"));
    found
}

fn logs(directory: &Path) -> u64 {
    let all = files(directory).into_iter();
    let wals = all.filter(|path| path.to_str().unwrap().contains("wal-"));
    wals.map(|path| fs::metadata(path).unwrap().len()).sum()
}

#[test]
fn many_tenants_have_few_files_open() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let handles = Arc::clone(&store.shared.setting.handles);
    for round in 0..3_i64 {
        for tenant in 0..150 {
            let tenant = format!("t{tenant}");
            push_lines(&store, &tenant, "web", vec![entry(round, "x")]).unwrap();
            assert!(handles.count() <= 256);
        }
        if round == 1 {
            store.seal();
        }
    }
    drop(store);
    let store = open(directory.path());
    let handles = Arc::clone(&store.shared.setting.handles);
    assert_eq!(handles.count(), 0);
    for tenant in 0..150 {
        assert_eq!(lines(&store, &format!("t{tenant}")).unwrap().len(), 3);
        assert!(handles.count() <= 256);
    }
}

#[test]
fn a_quiet_tenant_has_few_files_and_keeps_nothing_for_long_that_is_too_old() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let days = Duration::from_hours(24 * 5);
    let mut store = Some(open_at(directory.path(), days, &now));
    let mut pushed = 0;
    for hour in 0..24 * 10_i64 {
        now.store(NOW + hour * HOUR, Ordering::Relaxed);
        let current = store.as_ref().unwrap();
        push_lines(current, "t", "web", vec![second(NOW + hour * HOUR, "x")]).unwrap();
        pushed += 1;
        current.keep();
        assert!(files(&directory.path().join("tenants")).len() < 60);
        if hour % 70 == 69 {
            // A store holds its directory until it is gone.
            store = None;
            store.replace(open_at(directory.path(), days, &now));
        }
    }
    let store = store.unwrap();
    assert!((24 * 5..24 * 6).contains(&lines(&store, "t").unwrap().len()));
    // Nothing comes any more, and all that there is becomes too old.
    now.fetch_add(24 * 6 * HOUR, Ordering::Relaxed);
    store.keep();
    store.keep();
    assert!(lines(&store, "t").unwrap().is_empty());
    assert_eq!(segments(directory.path()), Vec::<std::path::PathBuf>::new());
    assert_eq!(
        logs(directory.path()),
        20,
        "only a header is left of {pushed}"
    );
    drop(store);
    assert!(
        lines(&open_at(directory.path(), days, &now), "t")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn small_segments_become_one_that_has_all_of_them() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let store = open_at(directory.path(), Duration::from_hours(24 * 30), &now);
    let mut wanted = Vec::new();
    for at in 0..70_i64 {
        // In no order of time, some of it again.
        let time = NOW + at * 7 % 40;
        let line = second(time, &format!("line {at}"));
        push_lines(&store, "t", &(at % 3).to_string(), vec![line.clone()]).unwrap();
        wanted.push(((at % 3).to_string(), line));
        store.seal();
    }
    wanted.sort_by_key(|(app, line)| (app.clone(), line.timestamp_ns));
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    // Whoever reads meanwhile goes on reading.
    let before = store.logs("t").select(&[], 0, i64::MAX).unwrap();
    for _ in 0..20 {
        store.keep();
    }
    assert!(
        segments(directory.path()).len() >= 70,
        "they are still read"
    );
    assert_eq!(before[0].count(), Ok(24));
    drop(before);
    let left = segments(directory.path());
    assert!(left.len() < 16, "{}", left.len());
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    drop(store);
    let store = open_at(directory.path(), Duration::from_hours(24 * 30), &now);
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    // What is sent again is known.
    for (app, line) in &wanted {
        push_lines(&store, "t", app, vec![line.clone()]).unwrap();
    }
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    assert_eq!(logs(directory.path()), 20);
}

#[test]
fn after_a_crash_amid_a_merger_everything_is_there_once() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let month = Duration::from_hours(24 * 30);
    let store = open_at(directory.path(), month, &now);
    for at in 0..8 {
        push_lines(&store, "t", "web", vec![second(NOW + at, "x")]).unwrap();
        store.seal();
    }
    let wanted = lines(&store, "t").unwrap();
    let parts: Vec<_> = segments(directory.path())
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    store.keep();
    drop(store);
    let merged = segments(directory.path());
    assert_eq!((parts.len(), merged.len()), (8, 1));
    // The merged one was there before the others went.
    for (path, bytes) in &parts {
        fs::write(path, bytes).unwrap();
    }
    let store = open_at(directory.path(), month, &now);
    assert_eq!(lines(&store, "t").unwrap(), wanted);
    assert_eq!(segments(directory.path()), merged);
}

#[test]
fn segments_of_which_one_is_damaged_are_left_as_they_are() {
    let directory = TempDir::new().unwrap();
    let now = Arc::new(AtomicI64::new(NOW));
    let month = Duration::from_hours(24 * 30);
    let store = open_at(directory.path(), month, &now);
    for at in 0..9 {
        push_lines(&store, "t", "web", vec![second(NOW + at, "x")]).unwrap();
        store.seal();
    }
    drop(store);
    let before = segments(directory.path());
    let mut bytes = fs::read(&before[4]).unwrap();
    bytes[12] ^= 1;
    fs::write(&before[4], bytes).unwrap();
    let store = open_at(directory.path(), month, &now);
    store.keep();
    store.keep();
    assert_eq!(segments(directory.path()), before);
    assert_eq!(lines(&store, "t"), Err(EvalError::Unreadable));
    let early = store.logs("t").select(&[], 0, NOW * 1_000_000_000 + 1);
    assert_eq!(early.unwrap()[0].count(), Ok(1));
}
