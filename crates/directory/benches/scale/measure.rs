//! The measurements: in turns, and in a process of their own.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use directory::policy::{Action, Place, Subject};
use directory::{Directory, Options};
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::fill::Size;
use crate::{ALONE, DECISIONS};

const ROUNDS: u64 = 20;

/// So many decisions of a kind in a round.
const OF_A_ROUND: u64 = 500;
const IN_A_CROWD: u64 = 500;

/// So many other questions come before those of a round.
const BEFORE: u64 = 3000;

/// Times of one kind, a list for each round.
pub(crate) struct Distribution(Vec<Vec<Duration>>);

impl Distribution {
    /// The time below which this share of all lies.
    pub(crate) fn at(&self, share: f64) -> Duration {
        quantile(self.0.concat(), share)
    }
}

fn quantile(mut times: Vec<Duration>, share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len() - 1;
    times[(last as f64 * share).round() as usize]
}

/// How many times slower the one is, at the p99: the median of what the rounds say, since a single
/// interruption of a busy machine moves the p99 of a whole run.
pub(crate) fn ratio_of_p99(large: &Distribution, small: &Distribution) -> f64 {
    let p99 = |times: &Vec<Duration>| quantile(times.clone(), 0.99).as_secs_f64();
    let rounds = large.0.iter().zip(&small.0);
    let mut ratios: Vec<f64> = rounds
        .map(|(large, small)| p99(large) / p99(small))
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// The large and the small directory's times.
type Both = (Distribution, Distribution);

pub(crate) struct Turns {
    pub(crate) cold: Both,
    pub(crate) warm: Both,
    /// Cold, in the large directory about the user with the most roles and the project with the
    /// most members, in the small one about anybody.
    pub(crate) worst: Both,
}

/// Asks both directories in turns.
pub(crate) fn in_turns(large: (&str, Size), small: (&str, Size)) -> Turns {
    let both = || (Distribution(Vec::new()), Distribution(Vec::new()));
    let mut turns = Turns {
        cold: both(),
        warm: both(),
        worst: both(),
    };
    // The small one has fewer questions than are asked in a run: each round is a new start.
    for round in 0..ROUNDS {
        let runtime = Runtime::new().unwrap();
        let open = |url: &str| runtime.block_on(open(url, &runtime));
        let directories = [(open(large.0), large.1), (open(small.0), small.1)];
        // A prime, so that the questions lie all over the large directory.
        let scattered =
            |size: Size, i: u64| size.question((round * (OF_A_ROUND + IN_A_CROWD) + i) * 7_368_787);
        // Connections are made, and have read what most questions need; what is written elsewhere
        // is known from here on.
        for i in 0..BEFORE {
            let i = OF_A_ROUND + IN_A_CROWD + i;
            let small_has = small.1.questions() - OF_A_ROUND - IN_A_CROWD;
            let at_small = OF_A_ROUND + IN_A_CROWD + i % small_has;
            for ((directory, size), i) in directories.iter().zip([i, at_small]) {
                time(&runtime, directory, &scattered(*size, i));
            }
        }
        std::thread::sleep(Duration::from_millis(600));
        let ask = |questions: &dyn Fn(Size, u64) -> (Subject, Place), count: u64| {
            let mut times = [Vec::new(), Vec::new()];
            for i in 0..count {
                // Which of the two comes first changes: the first may wake what the second uses.
                for which in [(i % 2) as usize, ((i + 1) % 2) as usize] {
                    let (directory, size) = &directories[which];
                    let question = questions(*size, i);
                    times[which].push(time(&runtime, directory, &question));
                }
            }
            let [large, small] = times;
            (large, small)
        };
        let in_a_crowd = |size: Size, i: u64| {
            if size.resources() == large.1.resources() {
                size.crowded_question(i)
            } else {
                scattered(size, OF_A_ROUND + i)
            }
        };
        let kinds = [
            (&mut turns.cold, ask(&scattered, OF_A_ROUND)),
            (&mut turns.warm, {
                ask(&scattered, OF_A_ROUND);
                ask(&scattered, OF_A_ROUND)
            }),
            (&mut turns.worst, ask(&in_a_crowd, IN_A_CROWD)),
        ];
        for ((of_large, of_small), (large, small)) in kinds {
            of_large.0.push(large);
            of_small.0.push(small);
        }
        for (directory, _) in directories {
            runtime.block_on(directory.close());
        }
    }
    turns
}

fn time(runtime: &Runtime, directory: &Directory, (subject, place): &(Subject, Place)) -> Duration {
    runtime.block_on(async {
        let begin = Instant::now();
        let access = directory.access(subject, place).await.unwrap();
        let decision = access.decide_on_project(Action::Read, Timestamp::UNIX_EPOCH);
        let time = begin.elapsed();
        assert!(black_box(decision).is_ok(), "{subject} on {place}");
        time
    })
}

async fn open(url: &str, runtime: &Runtime) -> Directory {
    let options = Options::new(url, runtime.handle().clone());
    Directory::open(options).await.unwrap()
}

/// What a process of its own says of itself.
pub(crate) struct Alone {
    pub(crate) start: Duration,
    /// In megabytes.
    pub(crate) memory: f64,
    pub(crate) memory_later: f64,
}

/// Runs this program again, on that directory alone.
pub(crate) fn in_a_process(url: &str, size: Size) -> Alone {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([ALONE, url, &size.resources().to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    Alone {
        start: Duration::from_secs_f64(numbers[0]),
        memory: numbers[1],
        memory_later: numbers[2],
    }
}

/// What that process does.
pub(crate) fn alone(url: &str, resources: u64) {
    let size = Size::of(resources);
    let runtime = Runtime::new().unwrap();
    let begin = Instant::now();
    let directory = runtime.block_on(open(url, &runtime));
    let start = begin.elapsed().as_secs_f64();
    let memory = memory();
    for i in 0..DECISIONS {
        let (subject, place) = size.question(i * 7_368_787);
        runtime
            .block_on(directory.access(&subject, &place))
            .unwrap();
    }
    println!("{start} {memory} {}", self::memory());
    runtime.block_on(directory.close());
}

/// The resident memory of this process, in megabytes.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.expect("Linux says it").parse::<f64>().unwrap() / 1024.0
}
