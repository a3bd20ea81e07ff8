//! A process that is killed while it takes data, and one whose disk is full: run as children of
//! this test, which is also the child's program.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)] // the helpers of a test may

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use embedded::store::Store;
use embedded::{
    Histogram, HistogramSample, HistogramSeries, Limits, LogEntry, LogStream, OpenError, PushError,
    Sample, SampleSeries,
};
use query::Matcher;

const DIRECTORY: &str = "KTRLPLANE_TEST_STORE";
const FROM: &str = "KTRLPLANE_TEST_FROM";
const SEALS: &str = "KTRLPLANE_TEST_SEALS";
const WRITERS: i64 = 4;
/// Entries of one push.
const BATCH: i64 = 20;

fn try_open(directory: &Path) -> Result<Store, OpenError> {
    let limits = Limits {
        creation_grace: Duration::MAX,
        ..Limits::default()
    };
    Store::open(directory, &limits, Arc::new(|| 0))
}

/// Another test of this process may be starting a child just now, which has the lock of this one's
/// directory, too, until it has become another program.
fn open(directory: &Path) -> Store {
    let begin = Instant::now();
    loop {
        match try_open(directory) {
            Err(OpenError::InUse(_)) if begin.elapsed() < Duration::from_secs(30) => {
                thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.unwrap(),
        }
    }
}

fn line(of: i64) -> String {
    format!(
        "line {of} {}",
        "x".repeat(usize::try_from(of % 300).unwrap())
    )
}

#[allow(clippy::cast_precision_loss)]
fn histogram(of: i64) -> Histogram {
    let buckets = 0..i32::try_from(of % 30).unwrap();
    Histogram {
        count: of as f64,
        sum: of as f64 / 3.0,
        positive: buckets.map(|index| (index, 1.0)).collect(),
        ..Histogram::default()
    }
}

/// What a push with this number has: it is never the same twice, and all kinds tell the number.
fn push(store: &Store, writer: i64, number: i64) -> Result<(), PushError> {
    let first = number * BATCH;
    let stream = LogStream {
        labels: vec![("writer".to_owned(), writer.to_string())],
        entries: (first..first + BATCH)
            .map(|at| LogEntry {
                timestamp_ns: at,
                line: line(at),
                structured_metadata: vec![("at".to_owned(), at.to_string())],
            })
            .collect(),
    };
    store.push_logs("t", vec![stream])?;
    #[allow(clippy::cast_precision_loss)]
    let series = SampleSeries {
        labels: vec![
            ("__name__".to_owned(), "m".to_owned()),
            ("writer".to_owned(), writer.to_string()),
        ],
        samples: (first..first + BATCH)
            .map(|at| Sample {
                timestamp_ms: at,
                value: at as f64 / 3.0,
            })
            .collect(),
    };
    let labels = series.labels.clone();
    store.push_samples("t", vec![series])?;
    let series = HistogramSeries {
        labels,
        samples: (first..first + BATCH)
            .map(|at| HistogramSample {
                timestamp_ms: at,
                histogram: Arc::new(histogram(at)),
            })
            .collect(),
    };
    store.push_histograms("t", vec![series])
}

/// How many pushes of each writer are in the store, and that they are all there up to the last.
fn check(store: &Store) -> HashMap<i64, i64> {
    let mut counts = HashMap::new();
    for writer in 0..WRITERS {
        let matchers = [Matcher::equal("writer", writer.to_string())];
        let mut lines = Vec::new();
        for stream in store.logs("t").select(&matchers, 0, i64::MAX).unwrap() {
            lines.extend(stream.entries().unwrap());
        }
        for (at, entry) in (0..).zip(&lines) {
            assert_eq!(entry.timestamp_ns, at);
            assert_eq!(entry.line, line(at));
            assert_eq!(entry.structured_metadata[0].1, at.to_string());
        }
        let lines = i64::try_from(lines.len()).unwrap();
        let mut samples = Vec::new();
        for series in store.metrics("t").select(&matchers, 0, i64::MAX).unwrap() {
            samples.extend(series.entries().unwrap());
        }
        for (at, sample) in (0..).zip(&samples) {
            assert_eq!(sample.timestamp_ms, at);
            #[allow(clippy::cast_precision_loss)]
            let value = at as f64 / 3.0;
            assert_eq!(sample.value.to_bits(), value.to_bits());
        }
        let samples = i64::try_from(samples.len()).unwrap();
        let mut histograms = Vec::new();
        let found = store.metrics("t");
        let found = found.select_histograms(&matchers, 0, i64::MAX).unwrap();
        for series in found {
            histograms.extend(series.entries().unwrap());
        }
        for (at, sample) in (0..).zip(&histograms) {
            assert_eq!(sample.timestamp_ms, at);
            let mut stored = Histogram::clone(&sample.histogram);
            stored.reset_hint = embedded::ResetHint::Unknown;
            assert_eq!(stored, histogram(at));
        }
        let histograms = i64::try_from(histograms.len()).unwrap();
        // A push is there as a whole or not at all, the samples come after the lines, and the
        // histograms after them.
        assert!(lines % BATCH == 0 && samples % BATCH == 0 && histograms % BATCH == 0);
        assert!(samples == lines || samples + BATCH == lines);
        assert!(histograms == samples || (histograms + BATCH == samples && samples == lines));
        counts.insert(writer, histograms / BATCH);
    }
    counts
}

/// The program of the children; does nothing as a test.
#[test]
#[ignore = "the child of the others"]
fn child() {
    let (Ok(directory), Ok(from)) = (env::var(DIRECTORY), env::var(FROM)) else {
        return;
    };
    // What runs the tests has begun a line with this one's name.
    println!();
    let store = try_open(Path::new(&directory)).unwrap();
    let from: Vec<i64> = from.split(' ').map(|one| one.parse().unwrap()).collect();
    let seals = env::var(SEALS).is_ok();
    let is_full = AtomicBool::new(false);
    let pushed = AtomicI64::new(0);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, from, is_full, pushed) = (&store, &from, &is_full, &pushed);
            scope.spawn(move || {
                for number in from[usize::try_from(writer).unwrap()].. {
                    match push(store, writer, number) {
                        Ok(()) => {}
                        Err(PushError::DiskFull) => {
                            is_full.store(true, Ordering::Relaxed);
                            return;
                        }
                        Err(error) => panic!("{error}"),
                    }
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ok {writer} {number}").unwrap();
                    out.flush().unwrap();
                    drop(out);
                    // Sealing is part of what is interrupted.
                    if seals && pushed.fetch_add(1, Ordering::Relaxed) % 10 == 3 {
                        store.seal();
                        // And so is merging, which a child does not live long enough for.
                        store.keep();
                    }
                }
            });
        }
    });
    if is_full.load(Ordering::Relaxed) {
        let counts = check(&store);
        println!("full {}", counts.values().sum::<i64>());
    }
}

fn spawn(directory: &Path, from: &[i64], limit: Option<u32>) -> Child {
    let program = env::current_exe().unwrap();
    let arguments = [
        "--exact",
        "child",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ];
    let mut command = match limit {
        None => Command::new(program),
        Some(kilobytes) => {
            // Files of the child cannot be longer; it is told so by an error and not by a signal.
            let mut shell = Command::new("bash");
            let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
            shell.arg("-c").arg(script).arg(program);
            shell
        }
    };
    let from: Vec<String> = from.iter().map(ToString::to_string).collect();
    command
        .args(arguments)
        .env(DIRECTORY, directory)
        .env(FROM, from.join(" "))
        .envs(limit.is_none().then_some((SEALS, "yes")))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what the child acknowledged, until it is gone.
fn acknowledged(child: &mut Child, from: &mut [i64]) -> Vec<String> {
    let mut others = Vec::new();
    for said in BufReader::new(child.stdout.take().unwrap()).lines() {
        let said = said.unwrap();
        let mut words = said.split(' ');
        if words.next() == Some("ok")
            && let (Some(writer), Some(number)) = (words.next(), words.next())
            && let (Ok(writer), Ok(number)) = (writer.parse::<usize>(), number.parse::<i64>())
        {
            from[writer] = number + 1;
        } else {
            others.push(said);
        }
    }
    others
}

fn kills(count: u32) {
    let mut directory = tempfile::tempdir().unwrap();
    let mut next = vec![0_i64; usize::try_from(WRITERS).unwrap()];
    let mut done = 0;
    for kill in 0..count {
        // Everything is compared after every kill; a fresh store now and then keeps that short.
        if kill % 10 == 0 {
            directory = tempfile::tempdir().unwrap();
            next.fill(0);
        }
        let mut child = spawn(directory.path(), &next, None);
        let pid = child.id();
        // Early kills hit the start, late ones the sealing.
        let wait = Duration::from_millis(u64::from(kill * 37 % 400 + 30));
        let killer = thread::spawn(move || {
            thread::sleep(wait);
            Command::new("kill").args(["-9", &pid.to_string()]).status()
        });
        acknowledged(&mut child, &mut next);
        killer.join().unwrap().unwrap();
        child.wait().unwrap();
        let counts = check(&open(directory.path()));
        for (writer, acknowledged) in (0..).zip(next.iter_mut()) {
            let there = counts[&writer];
            assert!(
                there >= *acknowledged && there <= *acknowledged + 1,
                "kill {kill}: writer {writer} was told of {acknowledged} and has {there}"
            );
            *acknowledged = there;
        }
        done += 1;
    }
    assert_eq!(done, count);
    assert!(next.iter().all(|pushes| *pushes > 0), "{next:?}");
    println!("{count} kills; pushes of each writer to the last store: {next:?}");
}

#[test]
fn a_process_that_is_killed_has_lost_nothing_that_it_acknowledged() {
    kills(10);
}

#[test]
#[ignore = "takes a minute; make kill-loop runs it"]
fn a_process_that_is_killed_a_hundred_times_has_lost_nothing() {
    let kills_wanted = env::var("KTRLPLANE_KILLS").ok();
    kills(
        kills_wanted
            .and_then(|kills| kills.parse().ok())
            .unwrap_or(100),
    );
}

#[test]
fn a_full_disk_refuses_data_with_its_name_and_is_read_and_takes_data_again_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let mut next = vec![0_i64; usize::try_from(WRITERS).unwrap()];
    let mut child = spawn(directory.path(), &next, Some(8));
    let others = acknowledged(&mut child, &mut next);
    assert!(child.wait().unwrap().success());
    let acknowledged: i64 = next.iter().sum();
    assert!(acknowledged > 0);
    // The child read everything while its disk was full.
    let full = others.iter().find_map(|said| said.strip_prefix("full "));
    assert_eq!(full.unwrap().parse::<i64>().unwrap(), acknowledged);
    let store = open(directory.path());
    let counts = check(&store);
    for (writer, next) in (0..).zip(&next) {
        assert_eq!(counts[&writer], *next);
        push(&store, writer, *next).unwrap();
    }
    assert_eq!(check(&store).values().sum::<i64>(), acknowledged + WRITERS);
}

#[test]
fn a_store_is_opened_and_read_on_a_full_disk_and_keeps_what_it_cannot_repair_there() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(directory.path());
        for writer in 0..WRITERS {
            push(&store, writer, 0).unwrap();
        }
    }
    // What a process leaves whose disk became full: a log that could not be begun, and an end that
    // was not written.
    let of = |kind: &str| directory.path().join("tenants/t").join(kind);
    std::fs::write(of("logs").join("wal-0000000000000002.log"), "").unwrap();
    let wal = of("samples").join("wal-0000000000000001.log");
    let mut bytes = std::fs::read(&wal).unwrap();
    bytes.extend_from_slice(b"torn");
    std::fs::write(&wal, &bytes).unwrap();
    let mut next = vec![1; usize::try_from(WRITERS).unwrap()];
    let mut child = spawn(directory.path(), &next, Some(0));
    let others = acknowledged(&mut child, &mut next);
    assert!(child.wait().unwrap().success());
    assert!(others.contains(&format!("full {WRITERS}")), "{others:?}");
    assert_eq!(std::fs::read(&wal).unwrap(), bytes);
    let store = open(directory.path());
    assert_eq!(store.disk_health().torn_bytes, 4);
    for writer in 0..WRITERS {
        push(&store, writer, 1).unwrap();
    }
    drop(store);
    assert_eq!(
        check(&open(directory.path())).values().sum::<i64>(),
        2 * WRITERS
    );
}

/// On a real file system without room, which cannot be had without privileges:
/// `mount -t tmpfs -o size=2m tmpfs <directory>`, and its name in `KTRLPLANE_SMALL_DISK`.
#[test]
#[ignore = "needs a small file system of its own"]
fn a_small_file_system_fills_up_and_is_read_and_written_again_when_something_is_removed() {
    let Ok(disk) = env::var("KTRLPLANE_SMALL_DISK") else {
        return;
    };
    let (directory, filler) = (
        Path::new(&disk).join("data"),
        Path::new(&disk).join("filler"),
    );
    std::fs::write(&filler, vec![1; 512 << 10]).unwrap();
    let mut store = open(&directory);
    let mut next = vec![0_i64; usize::try_from(WRITERS).unwrap()];
    for round in 0..3 {
        let mut refused = 0;
        while refused < 200 {
            for (writer, next) in (0..).zip(&mut next) {
                match push(&store, writer, *next) {
                    Ok(()) => *next += 1,
                    Err(PushError::DiskFull) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            if refused % 50 == 7 {
                store.seal();
            }
        }
        for series in store.metrics("t").select(&[], 0, i64::MAX).unwrap() {
            assert!(series.count().unwrap() > 0);
        }
        println!("round {round}: full after {next:?} pushes");
        match round {
            0 => std::fs::remove_file(&filler).unwrap(),
            1 => {
                drop(store);
                store = open(&directory);
            }
            _ => {}
        }
        let before: i64 = next.iter().sum();
        for (writer, next) in (0..).zip(&mut next) {
            *next += i64::from(push(&store, writer, *next).is_ok());
        }
        assert!(round > 0 || next.iter().sum::<i64>() == before + WRITERS);
    }
    drop(store);
    let counts = check(&open(&directory));
    for (writer, next) in (0..).zip(&next) {
        assert_eq!(counts[&writer], *next);
    }
}

#[test]
fn a_second_process_is_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let child = spawn(directory.path(), &[0, 0, 0, 0], None);
    let mut child = child;
    acknowledged(&mut child, &mut [0; 4]);
    assert!(!child.wait().unwrap().success());
    drop(store);
}
