//! What the store on disk holds up to: `make bench-store` prints the figures of docs/embedded.md.
//!
//! Every measurement runs in a process of its own, so that its memory is its own too. The data stay
//! in the directory that is named first, or in a temporary one.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // the helpers of a benchmark may

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use embedded::store::Store;
use embedded::{Limits, LogEntry, LogStream, Sample, SampleSeries, Stop, logql, promql};

const LINES: usize = 1_000_000;
const LINE_BATCH: usize = 2_000;
const STREAMS: usize = 10;
const SERIES: usize = 100_000;
const STEPS: usize = 240;
const SAMPLE_BATCH: usize = 5_000;
const SENDERS: usize = 4;
const TENANTS: usize = 1_000;
const BIG: u64 = 10 << 30;
const START: i64 = 1_700_000_000;
const TENANT: &str = "t";
const REPEATED: usize = 7;

fn main() {
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    let first = args.next();
    if let (Some(phase), Some(directory)) = (first.as_deref(), args.next()) {
        return run(phase, Path::new(&directory));
    }
    let base = first.map_or_else(
        || env::temp_dir().join("ktrlplane-bench-store"),
        PathBuf::from,
    );
    fs::create_dir_all(&base).unwrap();
    say(&format!(
        "load before: {}",
        fs::read_to_string("/proc/loadavg").unwrap().trim()
    ));
    let phases = [
        "lines", "scan", "samples", "rate", "tenants", "again", "quiet", "big", "start",
    ];
    for phase in phases {
        let of = match phase {
            "lines" | "scan" => "lines",
            "samples" | "rate" => "samples",
            "tenants" | "again" => "tenants",
            "quiet" => "quiet",
            _ => "big",
        };
        let status = Command::new(env::current_exe().unwrap())
            .arg(phase)
            .arg(base.join(of))
            .status()
            .unwrap();
        assert!(status.success(), "{phase}");
    }
    fs::remove_dir_all(&base).unwrap();
}

fn run(phase: &str, directory: &Path) {
    match phase {
        "lines" => ingest_lines(directory),
        "scan" => scan(directory),
        "samples" => ingest_samples(directory),
        "rate" => rate(directory),
        "tenants" => tenants(directory),
        "again" => again(directory),
        "quiet" => quiet(directory),
        "big" => make_big(directory),
        "start" => start(directory),
        _ => say(&format!("no phase {phase}")),
    }
}

fn say(text: &str) {
    println!("{text}");
}

fn open(directory: &Path) -> Store {
    let limits = Limits {
        max_streams_per_tenant: 200_000,
        ..Limits::default()
    };
    Store::open(directory, &limits, Arc::new(|| START * 1_000_000_000)).unwrap()
}

/// The most memory that the process had, in megabytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

/// The time that processors worked for this process: tells more than a clock where others work too.
fn processor() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let ticks = rest.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(|one| one.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn on_disk(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                on_disk(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}

fn mix(of: usize) -> u64 {
    let mut x = of as u64 ^ 0x9e37_79b9_7f4a_7c15;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn line(at: usize) -> String {
    let random = mix(at);
    let (method, path) = (
        ["GET", "POST", "PUT"][at % 3],
        ["orders", "users", "carts"][at / 3 % 3],
    );
    let rare = if at.is_multiple_of(10_000) {
        "needle"
    } else {
        "thread"
    };
    format!(
        "level=info caller=server.go:{} msg=\"request served\" method={method} path=/api/v1/{path}/{} \
         status=200 duration={}.{}ms trace={random:016x} {rare}={} user=user-{} region=eu-west-1",
        random % 900,
        random % 99_991,
        random % 97,
        random % 89,
        random % 64,
        random % 5_003
    )
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Runs `push` for every number below `count`, from several senders at a time.
fn send(count: usize, push: impl Fn(usize) + Sync) -> Duration {
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    push(at);
                }
            });
        }
    });
    begin.elapsed()
}

#[allow(clippy::cast_precision_loss)]
fn per_second(count: usize, took: Duration) -> f64 {
    (count as f64 / took.as_secs_f64()).round()
}

fn ingest_lines(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
    let store = open(directory);
    let bytes = AtomicUsize::new(0);
    let took = send(LINES / LINE_BATCH, |batch| {
        let streams = (0..STREAMS).map(|stream| {
            let lines = (0..LINE_BATCH / STREAMS).map(|at| {
                let at = (batch * LINE_BATCH / STREAMS + at) * STREAMS + stream;
                let line = line(at);
                bytes.fetch_add(line.len(), Ordering::Relaxed);
                LogEntry {
                    timestamp_ns: START * 1_000_000_000 + i64::try_from(at).unwrap() * 1_000_000,
                    line,
                    structured_metadata: Vec::new(),
                }
            });
            LogStream {
                labels: labels(&[("a", "b"), ("pod", &stream.to_string())]),
                entries: lines.collect(),
            }
        });
        store.push_logs(TENANT, streams.collect()).unwrap();
    });
    drop(store);
    say(&format!(
        "ingest: {LINES} lines ({} MB) in {took:.2?} from {SENDERS} senders, {LINE_BATCH} at a time: \
         {} lines/s; {} MB memory, {} MB on disk",
        bytes.load(Ordering::Relaxed) / 1_000_000,
        per_second(LINES, took),
        memory(),
        on_disk(directory) / 1_000_000
    ));
}

/// The least and the middle of several durations.
fn repeated(mut work: impl FnMut()) -> String {
    let cpu = processor();
    let mut took: Vec<Duration> = (0..REPEATED)
        .map(|_| {
            let begin = Instant::now();
            work();
            begin.elapsed()
        })
        .collect();
    took.sort();
    let cpu = processor().saturating_sub(cpu) / u32::try_from(REPEATED).unwrap();
    let (middle, least) = (took[REPEATED / 2].as_millis(), took[0].as_millis());
    format!(
        "{middle} ms (least {least} ms; {} ms of processor)",
        cpu.as_millis()
    )
}

fn scan(directory: &Path) {
    let begin = Instant::now();
    let store = open(directory);
    say(&format!(
        "start with 1,000,000 lines: {:.0?}",
        begin.elapsed()
    ));
    for (what, query) in [
        ("lines with a text that none has", r#"{a="b"} |= "nowhere""#),
        ("lines with a text that 100 have", r#"{a="b"} |= "needle""#),
        (
            "lines that a regular expression matches: 100",
            r#"{a="b"} |~ "need[l]e""#,
        ),
        ("count of all lines", r#"sum(count_over_time({a="b"}[1h]))"#),
    ] {
        let parsed = query::logql::parse(query).unwrap();
        let mut found = String::new();
        let took = repeated(|| {
            let stop = Stop::after(Duration::from_mins(1));
            let end_ns = (START + 3600) * 1_000_000_000;
            let is_metric = query.starts_with("sum");
            let request = logql::Request {
                query: &parsed,
                start_ns: if is_metric {
                    end_ns
                } else {
                    START * 1_000_000_000
                },
                end_ns,
                step_ns: 1,
                interval_ns: 0,
                limit: 1_000,
                direction: logql::Direction::Backward,
                instant: is_metric,
                categorize: false,
                now_ns: end_ns,
                stop: &stop,
            };
            let answer = logql::evaluate(&store.logs(TENANT), &request, &Limits::default());
            found = match answer.unwrap() {
                logql::Answer::Streams(streams) => {
                    let lines = streams.iter().map(|stream| stream.entries.len());
                    format!("{} lines", lines.sum::<usize>())
                }
                logql::Answer::Vector(samples) => format!("{:?}", samples[0].point.value),
                other @ (logql::Answer::Matrix(_) | logql::Answer::Scalar(_)) => {
                    format!("{other:?}")
                }
            };
        });
        say(&format!("{what}: {took}; {found}; {} MB memory", memory()));
    }
}

fn ingest_samples(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
    let store = open(directory);
    let batches = SERIES / SAMPLE_BATCH * STEPS;
    // What the senders cost by themselves is no work of the store's.
    let begin = processor();
    send(batches / 10, |batch| drop(samples(batch)));
    let own = processor().saturating_sub(begin) * 10;
    let begin = processor();
    let took = send(batches, |batch| {
        store.push_samples(TENANT, samples(batch)).unwrap();
    });
    let whole = processor().saturating_sub(begin);
    drop(store);
    say(&format!(
        "ingest: {} samples of {SERIES} series in {took:.2?} from {SENDERS} senders, {SAMPLE_BATCH} at \
         a time: {} samples/s; {whole:.0?} of processor, {own:.0?} of it to make them up; {} MB memory, \
         {} MB on disk",
        SERIES * STEPS,
        per_second(SERIES * STEPS, took),
        memory(),
        on_disk(directory) / 1_000_000
    ));
}

fn samples(batch: usize) -> Vec<SampleSeries> {
    let (step, part) = (
        batch / (SERIES / SAMPLE_BATCH),
        batch % (SERIES / SAMPLE_BATCH),
    );
    let series = (0..SAMPLE_BATCH).map(|at| {
        let at = part * SAMPLE_BATCH + at;
        let rate = mix(at) % 1_000;
        let jitter = mix(at * STEPS + step) % 50;
        #[allow(clippy::cast_precision_loss)]
        let value = (rate * step as u64 + jitter) as f64;
        SampleSeries {
            labels: labels(&[
                ("__name__", "m"),
                (
                    "instance",
                    &format!("10.0.{}.{}:9100", at / 250 % 250, at % 250),
                ),
                ("job", "node"),
                ("cluster", "production-eu-west-1"),
                ("x", &(at % 20).to_string()),
                ("id", &at.to_string()),
            ]),
            samples: vec![Sample {
                timestamp_ms: START * 1000 + i64::try_from(step).unwrap() * 15_000,
                value,
            }],
        }
    });
    series.collect()
}

fn rate(directory: &Path) {
    let begin = Instant::now();
    let store = open(directory);
    say(&format!(
        "start with 24,000,000 samples: {:.0?}",
        begin.elapsed()
    ));
    for query in ["sum by (x) (rate(m[5m]))", "count(m)"] {
        let parsed = query::promql::parse(query).unwrap();
        let took = repeated(|| {
            let stop = Stop::after(Duration::from_mins(1));
            let request = promql::Request {
                query: &parsed,
                text: query,
                start_ms: START * 1000,
                end_ms: START * 1000 + 239 * 15_000,
                step_ms: 15_000,
                instant: false,
                delayed_name_removal: false,
                stop: &stop,
            };
            let answer = promql::evaluate(&store.metrics(TENANT), &request, &Limits::default());
            let promql::Answer::Matrix(matrix) = answer.unwrap().answer else {
                return;
            };
            assert!(matrix.iter().all(|series| series.points.len() >= 239));
        });
        say(&format!(
            "{query} over 240 steps: {took}; {} MB memory",
            memory()
        ));
    }
}

/// Many tenants with little data each, twice: a part is sealed.
fn tenants(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
    let store = open(directory);
    let begin = Instant::now();
    let next = AtomicUsize::new(0);
    for round in 0..2 {
        next.store(0, Ordering::Relaxed);
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= TENANTS {
                            return;
                        }
                        push_little(&store, &format!("tenant-{at}"), round);
                    }
                });
            }
        });
        if round == 0 {
            store.seal();
        }
    }
    say(&format!(
        "{TENANTS} tenants of 2 pushes of 60 lines and 60 samples each: {:.2?}; {} files open, {} on disk, {} MB memory",
        begin.elapsed(),
        descriptors(),
        files(directory),
        memory()
    ));
}

fn push_little(store: &Store, tenant: &str, round: usize) {
    let from = START + i64::try_from(round).unwrap() * 3_600;
    let entries = (0..60).map(|at| LogEntry {
        timestamp_ns: (from + at * 60) * 1_000_000_000,
        line: line(usize::try_from(at).unwrap()),
        structured_metadata: Vec::new(),
    });
    let stream = LogStream {
        labels: labels(&[("a", "b")]),
        entries: entries.collect(),
    };
    store.push_logs(tenant, vec![stream]).unwrap();
    #[allow(clippy::cast_precision_loss)] // small numbers
    let samples = (0..60).map(|at| Sample {
        timestamp_ms: (from + at * 60) * 1_000,
        value: at as f64,
    });
    let series = SampleSeries {
        labels: labels(&[("__name__", "m")]),
        samples: samples.collect(),
    };
    store.push_samples(tenant, vec![series]).unwrap();
}

fn again(directory: &Path) {
    let begin = Instant::now();
    let store = open(directory);
    let took = begin.elapsed();
    let started = descriptors();
    let begin = Instant::now();
    for at in 0..TENANTS {
        let found = store.logs(&format!("tenant-{at}")).select(&[], 0, i64::MAX);
        assert_eq!(found.unwrap()[0].count().unwrap(), 120);
    }
    say(&format!(
        "start with {TENANTS} tenants: {took:.2?}, {started} files open; all read {:.2?} later, {} files open; {} MB memory",
        begin.elapsed(),
        descriptors(),
        memory()
    ));
}

/// One tenant of a line and a sample a minute over thirty days.
fn quiet(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
    let now = Arc::new(AtomicI64::new(START));
    let clock = Arc::clone(&now);
    let clock = move || clock.load(Ordering::Relaxed) * 1_000_000_000;
    let limits = Limits {
        retention: Duration::from_hours(30 * 24),
        ..Limits::default()
    };
    let store = Store::open(directory, &limits, Arc::new(clock)).unwrap();
    let mut most = 0;
    for hour in 0..30 * 24 {
        now.store(START + i64::from(hour) * 3_600 + 3_600, Ordering::Relaxed);
        push_little(&store, TENANT, usize::try_from(hour).unwrap());
        store.keep();
        most = most.max(files(directory));
    }
    drop(store);
    let begin = Instant::now();
    open(directory);
    say(&format!(
        "a line and a sample a minute over 30 days: {most} files at the most, {} kB; start {:.2?}",
        on_disk(directory) / 1_000,
        begin.elapsed()
    ));
}

/// Files that this process has open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}

/// Ten gigabytes, most of them copies of one segment under the names of others.
fn make_big(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
    let store = open(directory);
    for batch in 0..220 {
        let entries = (0..100).map(|at| {
            let at = batch * 100 + at;
            let words = (0..70).map(|word| format!("{:016x}", mix(at * 100 + word)));
            LogEntry {
                timestamp_ns: START * 1_000_000_000 + i64::try_from(at).unwrap(),
                line: words.collect(),
                structured_metadata: Vec::new(),
            }
        });
        let stream = LogStream {
            labels: labels(&[("a", "b"), ("pod", &(batch % 7).to_string())]),
            entries: entries.collect(),
        };
        store.push_logs(TENANT, vec![stream]).unwrap();
    }
    store.seal();
    drop(store);
    let logs = directory.join("tenants").join(TENANT).join("logs");
    let sealed = fs::read_dir(&logs)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let sealed = sealed
        .filter(|path| path.extension().is_some_and(|kind| kind == "seg"))
        .max()
        .unwrap();
    let name = sealed.file_name().unwrap().to_str().unwrap();
    let (_, rest) = name.split_at("seg-0000000000000000-0000000000000000".len());
    let count = BIG / fs::metadata(&sealed).unwrap().len();
    for at in 0..count {
        let seq = at + 1_000;
        let name = format!("seg-{seq:016x}-{seq:016x}{rest}");
        fs::copy(&sealed, logs.join(name)).unwrap();
    }
    // And as much that is not sealed as there can be.
    let store = open(directory);
    for batch in 0..12 {
        let entries = (0..10_000).map(|at| LogEntry {
            timestamp_ns: START * 1_000_000_000 + batch * 10_000 + at,
            line: line(usize::try_from(batch * 10_000 + at).unwrap()),
            structured_metadata: Vec::new(),
        });
        let stream = LogStream {
            labels: labels(&[("a", "b"), ("pod", "9")]),
            entries: entries.collect(),
        };
        store.push_logs(TENANT, vec![stream]).unwrap();
    }
}

fn start(directory: &Path) {
    let begin = Instant::now();
    let store = open(directory);
    let took = begin.elapsed();
    let begin = Instant::now();
    let end = START * 1_000_000_000 + 100;
    let streams = store.logs(TENANT).select(&[], end - 100, end).unwrap();
    say(&format!(
        "start with {} MB on disk: {took:.2?}; {} streams found {:.2?} later; {} MB memory",
        on_disk(directory) / 1_000_000,
        streams.len(),
        begin.elapsed(),
        memory()
    ));
}
