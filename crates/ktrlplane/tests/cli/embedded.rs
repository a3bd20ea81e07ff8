//! `ktrlplane serve` with `url: "embedded:"`: a small installation's data, beside a demo's issuer
//! and directory.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use prost::Message;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::harness::{
    NOTHING, PATIENCE, Running, demo, get, ktrlplane, post, run, serve, stderr, stdout, token,
};

const SHOP_API: &str = "/api/v1/projects/acme-shop/resources/shop-api";

/// Remote write, as far as it is needed here.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
}

/// A native histogram of integers.
#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, tag = "1")]
    count_int: u64,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    positive_deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    timestamp: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Span {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// A demo, for its issuer and its directory, and what tells a gateway of them and of embedded
/// backends.
struct World {
    dir: tempfile::TempDir,
    _demo: Running,
    told: Value,
    variables: Vec<(&'static str, String)>,
}

impl World {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        let (demo, told) = demo(dir.path());
        let directory = dir.path().join("data/directory.sqlite");
        let issuer = told["issuer"].as_str().unwrap().to_owned();
        let variables = vec![
            ("KTRLPLANE_AUTH_ISSUER", issuer),
            ("KTRLPLANE_AUTH_AUDIENCE", "ktrlplane-demo".to_owned()),
            (
                "KTRLPLANE_DATABASE_URL",
                format!("sqlite:{}", directory.display()),
            ),
            ("KTRLPLANE_OBSERVABILITY_LOKI_ENABLED", "true".to_owned()),
            ("KTRLPLANE_OBSERVABILITY_LOKI_URL", "embedded:".to_owned()),
            ("KTRLPLANE_OBSERVABILITY_MIMIR_ENABLED", "true".to_owned()),
            ("KTRLPLANE_OBSERVABILITY_MIMIR_URL", "embedded:".to_owned()),
        ];
        Self {
            dir,
            _demo: demo,
            told,
            variables,
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn variables<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = self.variables.iter();
        own.map(|(name, value)| (*name, value.as_str()))
            .chain(more.iter().copied())
            .collect()
    }

    /// A gateway that decides.
    fn serve(&self, more: &[(&str, &str)]) -> (Running, String) {
        let (running, url) = serve(self.path(), &self.variables(more));
        let begin = Instant::now();
        while get(&url, "/readyz", None, NOTHING).0 != 200 {
            assert!(begin.elapsed() < PATIENCE, "the gateway is not ready");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        (running, url)
    }

    /// Runs a command that ends.
    fn run(&self, command: &str, more: &[(&str, &str)]) -> std::process::Output {
        let mut built = ktrlplane(self.path());
        built.arg(command).envs(self.variables(more));
        built.env("KTRLPLANE_SERVER_HOST", "127.0.0.1");
        built.env("KTRLPLANE_SERVER_PORT", "0");
        run(&mut built, "")
    }

    /// Pushes lines with these times, in seconds.
    fn push_lines(&self, url: &str, seconds: &[i64]) {
        self.push_lines_of("api", url, seconds);
    }

    fn push_lines_of(&self, part: &str, url: &str, seconds: &[i64]) {
        let values: Vec<Value> = seconds
            .iter()
            .map(|second| json!([format!("{second}000000000"), format!("line {second}")]))
            .collect();
        let body =
            json!({"streams": [{"stream": {"app": "shop", "part": part}, "values": values}]});
        let path = format!("{SHOP_API}/loki/api/v1/push");
        let headers = [("content-type", "application/json")];
        let body = body.to_string().into_bytes();
        let answer = post(url, &path, token(&self.told, "erin"), &headers, body);
        assert_eq!(answer.0, 204, "{}", answer.1);
    }

    /// Writes samples of one series with these times, in seconds, which are their values as well, and
    /// native histograms of another, all of whose observations are above 1 and up to 2.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a time in seconds is far below 2^52"
    )]
    fn write_samples(&self, url: &str, seconds: &[i64]) {
        let label = |name: &str, value: &str| Label {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let sample = |second: &i64| Sample {
            value: *second as f64,
            timestamp: second * 1000,
        };
        let histogram = |second: &i64| Histogram {
            count_int: second.unsigned_abs(),
            sum: 1.5 * *second as f64,
            schema: 0,
            positive_spans: vec![Span {
                offset: 1,
                length: 1,
            }],
            positive_deltas: vec![*second],
            timestamp: second * 1000,
        };
        let request = WriteRequest {
            timeseries: vec![
                TimeSeries {
                    labels: vec![label("__name__", "orders_total"), label("app", "shop")],
                    samples: seconds.iter().map(sample).collect(),
                    histograms: Vec::new(),
                },
                TimeSeries {
                    labels: vec![label("__name__", "took_seconds"), label("app", "shop")],
                    samples: Vec::new(),
                    histograms: seconds.iter().map(histogram).collect(),
                },
            ],
        };
        let body = snap::raw::Encoder::new()
            .compress_vec(&request.encode_to_vec())
            .unwrap();
        let path = format!("{SHOP_API}/prometheus/api/v1/write");
        let headers = [
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "snappy"),
            ("x-prometheus-remote-write-version", "0.1.0"),
        ];
        let answer = post(url, &path, token(&self.told, "erin"), &headers, body);
        assert!(matches!(answer.0, 200 | 204), "{} {}", answer.0, answer.1);
    }

    /// The times of the lines of the last day, in seconds.
    fn lines(&self, url: &str) -> Vec<i64> {
        let answer = self.ask(url, "logs", "{app=\"shop\"}");
        let streams = answer["data"]["result"].as_array().unwrap();
        let values = streams
            .iter()
            .flat_map(|one| one["values"].as_array().unwrap());
        let time = |value: &Value| value[0].as_str().unwrap().parse::<i64>().unwrap();
        let mut seconds: Vec<i64> = values.map(|one| time(one) / 1_000_000_000).collect();
        seconds.sort_unstable();
        seconds
    }

    /// How many samples of the last day there are.
    fn samples(&self, url: &str) -> usize {
        let value = self.value(url, "count_over_time(orders_total[1d])");
        value.map_or(0, |text| text.parse().unwrap())
    }

    /// How many native histograms of the last day there are, and the median of all that was observed.
    fn histograms(&self, url: &str) -> (usize, f64) {
        let count = self.value(url, "count_over_time(took_seconds[1d])");
        let median = self.value(url, "histogram_quantile(0.5, rate(took_seconds[1d]))");
        let count = count.map_or(0, |text| text.parse().unwrap());
        (count, median.map_or(0.0, |text| text.parse().unwrap()))
    }

    /// The value of the first series.
    fn value(&self, url: &str, query: &str) -> Option<String> {
        let answer = self.ask(url, "prometheus/api/v1/query", query);
        let value = &answer["data"]["result"][0]["value"][1];
        value.as_str().map(str::to_owned)
    }

    fn ask(&self, url: &str, api: &str, query: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let mut parameters = vec![("query", query.to_owned())];
        if api == "logs" {
            parameters.extend([
                ("start", (now - 86_400).to_string()),
                ("end", (now + 60).to_string()),
                ("limit", "5000".to_owned()),
            ]);
        }
        let path = format!("{SHOP_API}/{api}");
        let victor = Some(token(&self.told, "victor"));
        let (status, answer) = get(url, &path, victor, &parameters);
        assert_eq!(status, 200, "{query}: {answer}");
        answer
    }
}

/// Times up to now, `count` of them, a second apart.
fn recent(count: i64) -> Vec<i64> {
    let now = jiff::Timestamp::now().as_second();
    (now - count..now).collect()
}

#[test]
fn what_was_written_survives_a_stop_and_a_kill() {
    let world = World::new();
    let (first, url) = world.serve(&[]);
    let all = recent(120);
    let (expected, more) = all.split_at(100);
    world.push_lines(&url, expected);
    world.write_samples(&url, expected);
    assert!(first.terminate(), "a stop that was asked for is a success");

    let (second, url) = world.serve(&[]);
    assert_eq!(world.lines(&url), expected);
    assert_eq!(world.samples(&url), 100);
    assert_eq!(world.histograms(&url).0, 100);
    world.push_lines(&url, more);
    world.write_samples(&url, more);
    // Dropped, it is killed, with no time to do anything about it.
    drop(second);

    let (_third, url) = world.serve(&[]);
    assert_eq!(world.lines(&url), all);
    assert_eq!(world.samples(&url), 120);
    let (count, median) = world.histograms(&url);
    assert_eq!(count, 120);
    assert!((median - std::f64::consts::SQRT_2).abs() < 1e-9, "{median}");
    // Where it is said to be, beside the database, and for its owner alone.
    let directory = world.path().join("ktrlplane-data");
    let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_second_process_keeps_off_and_check_leaves_the_first_alone() {
    let world = World::new();
    let (_first, url) = world.serve(&[]);
    let expected = recent(10);
    world.push_lines(&url, &expected);
    let second = world.run("serve", &[]);
    assert_eq!(second.status.code(), Some(1));
    let said = stderr(&second);
    assert!(
        said.ends_with(
            "ktrlplane: the embedded backend's data cannot be used: the directory ktrlplane-data \
             is in use by another process; stop it, or name another directory; see \
             embedded.directory\n"
        ),
        "{said}"
    );
    let check = world.run("check", &[]);
    let said = stdout(&check);
    assert!(check.status.success(), "{said}");
    for line in [
        "data           in use  another process has ktrlplane-data, and it was left alone: as it \
         should be if that is the gateway; a second one would not start on it",
        "logs           -       not asked: see the line data",
        "metrics        -       not asked: see the line data",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    let more = recent(1);
    world.push_lines(&url, &more);
    assert!(world.lines(&url).ends_with(&more));
}

#[test]
fn a_directory_that_cannot_be_used_is_named_with_what_to_do() {
    let world = World::new();
    std::fs::write(world.path().join("file"), "").unwrap();
    std::fs::create_dir(world.path().join("other")).unwrap();
    std::fs::write(world.path().join("other/notes"), "").unwrap();
    std::fs::create_dir(world.path().join("newer")).unwrap();
    let format = "ktrlplane embedded store, version 999\n";
    std::fs::write(world.path().join("newer/FORMAT"), format).unwrap();
    for (directory, expected) in [
        ("file", "a file stands where a directory is to be"),
        ("file/data", "a file stands where a directory is to be"),
        ("other", "is not empty and no data directory of ours"),
        ("newer", "run the version that wrote it"),
    ] {
        let variables = [("KTRLPLANE_EMBEDDED_DIRECTORY", directory)];
        let serve = world.run("serve", &variables);
        assert_eq!(serve.status.code(), Some(1), "{directory}");
        let said = stderr(&serve);
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("ktrlplane: the embedded backend's data cannot be used: "));
        assert!(last.contains(expected), "{last}");
        assert!(last.ends_with("; see embedded.directory"), "{last}");
        let check = world.run("check", &variables);
        assert_eq!(check.status.code(), Some(1), "{directory}");
        let said = stdout(&check);
        let line = said.lines().find(|line| line.starts_with("data "));
        let line = line.unwrap_or_default();
        assert!(
            line.starts_with("data           FAILED  the embedded"),
            "{said}"
        );
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn what_is_older_than_the_retention_goes() {
    let world = World::new();
    let now = jiff::Timestamp::now().as_second();
    let (old, fresh) = ([now - 7200, now - 7199], [now - 2, now - 1]);
    let (first, url) = world.serve(&[]);
    // Data go in blocks, and no two streams share one.
    world.push_lines_of("old", &url, &old);
    world.push_lines(&url, &fresh);
    assert_eq!(world.lines(&url), [old, fresh].concat());
    assert!(first.terminate());
    // Trying a shorter retention out takes nothing away.
    let shorter = [("KTRLPLANE_EMBEDDED_RETENTION_AGE", "1h")];
    let check = world.run("check", &shorter);
    assert!(check.status.success(), "{}", stdout(&check));
    let (second, url) = world.serve(&[]);
    assert_eq!(world.lines(&url), [old, fresh].concat());
    assert!(second.terminate());
    let (_third, url) = world.serve(&shorter);
    let begin = Instant::now();
    while world.lines(&url) != fresh {
        assert!(begin.elapsed() < PATIENCE, "{:?}", world.lines(&url));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn data_in_memory_are_warned_of_and_end_with_the_process() {
    let world = World::new();
    let memory = [("KTRLPLANE_EMBEDDED_DIRECTORY", "memory")];
    let check = world.run("check", &memory);
    let said = stdout(&check);
    assert!(
        said.contains("data           ok      in memory, until the process ends\n"),
        "{said}"
    );
    let (first, url) = world.serve(&memory);
    world.push_lines(&url, &recent(1));
    assert_eq!(world.lines(&url).len(), 1);
    assert!(first.terminate());
    let (_second, url) = world.serve(&memory);
    assert_eq!(world.lines(&url), Vec::<i64>::new());
    assert!(!world.path().join("ktrlplane-data").exists());
}
