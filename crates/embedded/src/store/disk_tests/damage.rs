//! Bytes that change on the disk: an error or a gap that the log tells of, and never a panic or
//! data that nobody pushed.

use std::collections::HashSet;

use super::*;

/// A store with some of everything: sealed twice, and a log.
fn written(directory: &Path) -> HashSet<String> {
    let store = open(directory);
    let mut all = HashSet::new();
    for round in 0..3 {
        for app in ["a", "b", "c"] {
            let entries: Vec<LogEntry> = (0..50_i64)
                .map(|line| {
                    entry(
                        NOW + round * 50 + line,
                        &format!("line {round} {line} of {app}"),
                    )
                })
                .collect();
            all.extend(entries.iter().map(|entry| format!("{app} {entry:?}")));
            push_lines(&store, "t", app, entries).unwrap();
        }
        if round < 2 {
            store.seal();
        }
    }
    all
}

fn shown(lines: Vec<(String, LogEntry)>) -> HashSet<String> {
    let lines = lines.into_iter();
    lines
        .map(|(app, entry)| format!("{app} {entry:?}"))
        .collect()
}

#[test]
fn whatever_byte_is_changed_nothing_is_read_that_was_not_pushed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data");
    let all = written(&path);
    let files: Vec<_> = files(&path.join("tenants"));
    let (mut errors, mut gaps) = (0, 0);
    let mut state = 99_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..200 {
        let file = &files[random(files.len())];
        let whole = fs::read(file).unwrap();
        let mut bytes = whole.clone();
        match random(4) {
            0 => bytes.truncate(random(whole.len())),
            1 => {
                let from = random(whole.len());
                let to = whole.len().min(from + 64);
                bytes[from..to].fill(0);
            }
            _ => bytes[random(whole.len())] ^= 1 << random(8),
        }
        let others: Vec<_> = files
            .iter()
            .map(|file| (file.clone(), fs::read(file).unwrap()))
            .collect();
        fs::write(file, &bytes).unwrap();
        {
            let store = open(&path);
            match lines(&store, "t") {
                Ok(found) => {
                    let found = shown(found);
                    assert!(found.is_subset(&all), "{file:?}");
                    gaps += usize::from(found.len() < all.len());
                }
                Err(error) => {
                    assert_eq!(error, EvalError::Unreadable);
                    errors += 1;
                }
            }
            // What comes now is taken, and no stream takes the place of one that was lost.
            push_lines(&store, "t", "fresh", vec![entry(NOW + 999, "fresh")]).unwrap();
            let fresh = [Matcher::equal("app", "fresh")];
            let found = store
                .logs("t")
                .select(&fresh, NOW + 500, NOW + 1500)
                .unwrap();
            assert_eq!(found[0].entries().unwrap(), [entry(NOW + 999, "fresh")]);
        }
        fs::remove_dir_all(path.join("tenants/t")).unwrap();
        fs::create_dir_all(path.join("tenants/t/logs")).unwrap();
        for (file, bytes) in others {
            fs::write(file, bytes).unwrap();
        }
    }
    assert!(errors > 20 && gaps > 20, "{errors} errors, {gaps} gaps");
    assert_eq!(shown(lines(&open(&path), "t").unwrap()), all);
}

#[test]
fn a_damaged_segment_is_an_error_for_its_own_time_and_for_no_other() {
    let directory = TempDir::new().unwrap();
    written(directory.path());
    let sealed = files(directory.path()).into_iter();
    let sealed: Vec<_> = sealed
        .filter(|path| path.extension().is_some_and(|kind| kind == "seg"))
        .collect();
    fs::write(&sealed[0], "nothing").unwrap();
    let store = open(directory.path());
    let count = |from: i64, to: i64| {
        let found = store.logs("t").select(&[], NOW + from, NOW + to)?;
        found
            .iter()
            .map(Selected::count)
            .sum::<Result<usize, EvalError>>()
    };
    assert_eq!(count(0, 50), Err(EvalError::Unreadable));
    assert_eq!(count(49, 150), Err(EvalError::Unreadable));
    assert_eq!(count(50, 150), Ok(300));
}

#[test]
fn data_of_streams_whose_labels_were_lost_is_an_error_and_not_missing() {
    let directory = TempDir::new().unwrap();
    written(directory.path());
    fs::remove_file(directory.path().join("tenants/t/logs/streams.log")).unwrap();
    let store = open(directory.path());
    assert_eq!(lines(&store, "t"), Err(EvalError::Unreadable));
    // Its ids are not given to others.
    push_lines(&store, "t", "fresh", vec![entry(NOW + 999, "fresh")]).unwrap();
    assert_eq!(lines(&store, "t"), Err(EvalError::Unreadable));
    let later = store.logs("t").select(&[], NOW + 500, NOW + 1500).unwrap();
    assert_eq!(later.len(), 1);
}
