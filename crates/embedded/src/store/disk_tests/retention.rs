//! What is older than is kept, on its way in and on its way out.

use super::*;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

fn sample(at: i64) -> Sample {
    Sample {
        timestamp_ms: at * 1000,
        value: 1.0,
    }
}

/// A store that keeps a day, on a clock that stands at [`NOW`].
fn day(directory: &Path) -> Store {
    open_with_clock(directory, Arc::new(|| NOW * SECOND))
}

fn open_with_clock(directory: &Path, clock: Clock) -> Store {
    let limits = Limits {
        retention: Duration::from_hours(24),
        ..Limits::default()
    };
    Store::open_unkept(directory, &limits, clock).unwrap()
}

#[test]
fn lines_that_are_too_old_are_refused_by_name_and_the_rest_is_stored() {
    let directory = TempDir::new().unwrap();
    let store = day(directory.path());
    let (old, edge) = ((NOW - DAY) * SECOND - 1, (NOW - DAY) * SECOND);
    let stream = |app: &str, entries| LogStream {
        labels: labels(&[("app", app)]),
        entries,
    };
    let batch = vec![
        stream("new", vec![entry(NOW * SECOND, "a"), entry(edge, "b")]),
        stream("mixed", vec![entry(old, "c"), entry(NOW * SECOND, "d")]),
        stream("old", vec![entry(old, "e")]),
    ];
    let refused = store.push_logs("t", batch).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "entry for stream {app=\"mixed\"} has timestamp too old: 2023-11-13T22:13:19.999999999Z, \
         oldest acceptable timestamp is: 2023-11-13T22:13:20Z; 2 of this push are too old and were \
         refused, the rest was stored"
    );
    let text = |(app, entry): (String, LogEntry)| (app, entry.line);
    let kept: Vec<_> = lines(&store, "t").unwrap().into_iter().map(text).collect();
    let kept: Vec<_> = kept.iter().map(|(app, line)| (&**app, &**line)).collect();
    assert_eq!(kept, [("mixed", "d"), ("new", "b"), ("new", "a")]);
    // What is refused as a whole makes no stream.
    let refused = push_lines(&store, "other", "x", vec![entry(old, "e")]);
    assert!(matches!(refused, Err(PushError::TooOld { count: 1, .. })));
    assert!(!directory.path().join("tenants/other").exists());
    assert_eq!(push_lines(&store, "other", "x", Vec::new()), Ok(()));
}

#[test]
fn samples_that_are_too_old_are_refused_by_name_and_the_rest_is_stored() {
    let directory = TempDir::new().unwrap();
    let store = day(directory.path());
    let series = SampleSeries {
        labels: labels(&[("__name__", "up"), ("job", "x")]),
        samples: vec![sample(NOW - DAY - 1), sample(NOW - DAY), sample(NOW)],
    };
    let refused = store.push_samples("t", vec![series]).unwrap_err();
    let said = refused.to_string();
    let wanted = "has timestamp too old: 2023-11-13T22:13:19Z, oldest acceptable timestamp is: \
                  2023-11-13T22:13:20Z";
    assert!(said.starts_with("sample of series {"), "{said}");
    assert!(
        said.contains(r#"job="x""#) && said.contains(wanted),
        "{said}"
    );
    let found = store.metrics("t").select(&[], 0, i64::MAX).unwrap();
    assert_eq!(
        found[0].entries().unwrap(),
        [sample(NOW - DAY), sample(NOW)]
    );
}

#[test]
fn what_is_kept_without_end_is_never_too_old() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        retention: Duration::MAX,
        ..Limits::default()
    };
    let store = Store::open_unkept(directory.path(), &limits, Arc::new(|| NOW * SECOND));
    push_lines(&store.unwrap(), "t", "web", vec![entry(0, "x")]).unwrap();
}

#[test]
fn what_is_taken_away_is_counted_with_its_time_so_that_the_log_can_say_it() {
    let directory = TempDir::new().unwrap();
    let store = day(directory.path());
    push_lines(&store, "acme", "web", vec![entry(NOW * SECOND, "a")]).unwrap();
    store.seal();
    push_lines(&store, "acme", "web", vec![entry((NOW + 1) * SECOND, "b")]).unwrap();
    let size = fs::metadata(&files(&directory.path().join("tenants/acme/logs"))[0])
        .unwrap()
        .len();
    let tenant = store.existing("acme");
    assert_eq!(tenant.logs.tenant(), "acme");
    let gone = |now: i64| {
        let mut gone = gone::Gone::default();
        tenant.logs.expire(now * SECOND, &mut gone);
        tenant.metrics.expire(now * SECOND, &mut gone);
        gone
    };
    assert_eq!(gone(NOW + DAY), gone::Gone::default());
    let mut wanted = gone::Gone::default();
    wanted.file("logs", size, NOW * SECOND);
    assert_eq!(gone(NOW + DAY + 1), wanted);
    assert!(format!("{:?}", gone(NOW + DAY + 2)).contains("kinds: [\"logs\"], files: 0"));
}
