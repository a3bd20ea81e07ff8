//! What a decision costs where there is a million of everything, against what it costs where there
//! is next to nothing.
//!
//! `make bench-directory` runs it, on SQLite and on PostgreSQL: a directory of 1,000,000 resources,
//! 100,000 projects and 1,000,000 assignments, and one of next to nothing. The two are asked in
//! turns, so that a machine that does other things, too, disturbs both alike. *Cold* decisions find
//! nothing remembered, because the question is asked for the first time at a directory that has
//! answered others; *warm* ones were asked before. Memory is that of a process of its own, which does nothing else.
//!
//! It ends with exit code 1 where a bar is missed: the p99 of a decision within 1.2 times that of
//! the small directory, and a start within 5 seconds. All it makes is gone afterwards.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the helpers of a benchmark may"
)]

#[path = "scale/fill.rs"]
mod fill;
#[path = "scale/measure.rs"]
mod measure;
#[path = "../tests/support/postgres.rs"]
mod postgres;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fill::Size;
use measure::{Distribution, Turns};

/// The p99 of the large directory may be so many times that of the small one.
const MOST_TIMES_SLOWER: f64 = 1.2;

const LONGEST_START: Duration = Duration::from_secs(5);

/// So many distinct decisions are made before the memory is looked at again.
const DECISIONS: u64 = 100_000;

/// The first argument of the process whose memory is looked at.
const ALONE: &str = "--alone";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(place) = arguments.iter().position(|argument| argument == ALONE) {
        measure::alone(&arguments[place + 1], arguments[place + 2].parse().unwrap());
        return ExitCode::SUCCESS;
    }
    // A smaller number, and one database alone, are for trying this program out.
    let resources = std::env::var("RESOURCES").ok();
    let resources = resources.map_or(1_000_000, |text| text.parse().expect("a number"));
    let large = Size::of(resources);
    let small = Size::of(2000);
    let files = tempfile::tempdir().unwrap();
    let file = |name| format!("sqlite:{}", files.path().join(name).display());
    let only = std::env::var("ONLY").ok();
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    let mut all_well = true;
    if is_wanted("sqlite") {
        all_well &= run("SQLite", &file("large.db"), large, &file("small.db"), small);
    }
    if is_wanted("postgresql") {
        // Two databases of one server, dropped with it.
        match postgres::database().zip(postgres::database()) {
            Some((one, other)) => all_well &= run("PostgreSQL", &one.url, large, &other.url, small),
            None => println!("PostgreSQL: not measured, since it is not installed"),
        }
    }
    if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Fills both, measures both, prints, and says whether the bars were held.
fn run(name: &str, large: &str, large_size: Size, small: &str, small_size: Size) -> bool {
    println!("\n{name}: {large_size}");
    for (url, size) in [(large, large_size), (small, small_size)] {
        let begin = Instant::now();
        fill::fill(url, size);
        println!("  filled in {:.1} s", begin.elapsed().as_secs_f64());
    }
    println!("  {:24} {:>12} {:>12} {:>8}", "", "large", "small", "ratio");
    let large_alone = measure::in_a_process(large, large_size);
    let small_alone = measure::in_a_process(small, small_size);
    let row = |what: &str, large: f64, small: f64, unit: &str| {
        println!(
            "  {what:24} {large:>9.1} {unit:2} {small:>9.1} {unit:2} {:>8.2}",
            large / small
        );
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    row(
        "start",
        milliseconds(large_alone.start),
        milliseconds(small_alone.start),
        "ms",
    );
    row(
        "memory after the start",
        large_alone.memory,
        small_alone.memory,
        "MB",
    );
    row(
        "after 100,000 decisions",
        large_alone.memory_later,
        small_alone.memory_later,
        "MB",
    );
    let mut all_well = large_alone.start <= LONGEST_START;
    let turns = measure::in_turns((large, large_size), (small, small_size));
    let Turns { cold, warm, worst } = &turns;
    for (what, (large, small)) in [("cold", cold), ("warm", warm), ("cold, crowded", worst)] {
        let at = |distribution: &Distribution, share| distribution.at(share).as_secs_f64() * 1e6;
        for (title, share) in [("p50", 0.5), ("p99", 0.99)] {
            row(
                &format!("{what} {title}"),
                at(large, share),
                at(small, share),
                "µs",
            );
        }
        let ratio = measure::ratio_of_p99(large, small);
        println!("  {what} p99, median of the rounds' ratios: {ratio:.2}");
        all_well &= ratio <= MOST_TIMES_SLOWER;
    }
    println!(
        "  {}",
        if all_well {
            "all bars held"
        } else {
            "A BAR IS MISSED"
        }
    );
    all_well
}
