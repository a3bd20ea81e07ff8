//! How long a grant and a withdrawal take to be in force on another replica that is under load.
//! A measurement, run by `make bench-access`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement"
)]

#[path = "support/home.rs"]
mod home;
#[path = "support/postgres.rs"]
mod postgres;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use directory::Directory;
use directory::policy::{Action, Place, Scope};
use home::{Home, at, fill, grant, project, recalled, subject};

const GRANTS: usize = 1000;
/// Each keeps what it has for half a round, 1.2 seconds: longer than any delay may be.
const SUBJECTS: usize = 120;
const PAUSE: Duration = Duration::from_millis(20);

/// Since when a subject holds the role, or does not: nanoseconds since the start, doubled, and one
/// if it does. Zero before the first grant, and while a write is under way.
struct Known(Vec<AtomicU64>);

/// What readers have seen.
#[derive(Default)]
struct Seen {
    decisions: u64,
    asked: u64,
    /// The longest time after a grant at which it was not seen, and after a withdrawal.
    late_grant: Duration,
    late_withdrawal: Duration,
}

impl Seen {
    fn with(self, other: &Self) -> Self {
        Self {
            decisions: self.decisions + other.decisions,
            asked: self.asked + other.asked,
            late_grant: self.late_grant.max(other.late_grant),
            late_withdrawal: self.late_withdrawal.max(other.late_withdrawal),
        }
    }
}

/// Decides as fast as it can, and compares with what is known.
fn read(directory: &Directory, known: &Known, started: Instant, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let place = Place::Project(project("acme-shop"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        number += 1;
        let which = number % SUBJECTS;
        let who = format!("u{which}");
        let before = known.0[which].load(Ordering::SeqCst);
        let asked = started.elapsed();
        let access = recalled(directory, &who, &place).unwrap_or_else(|| {
            seen.asked += 1;
            let who = subject(&who);
            runtime.block_on(directory.access(&who, &place)).unwrap()
        });
        let told = access.decide_on_project(Action::Read, at(0)).is_ok();
        seen.decisions += 1;
        // Some questions are new, for the database's share of the load.
        if number % 500 == 0 {
            let who = subject(&format!("nobody-{number}"));
            runtime.block_on(directory.access(&who, &place)).unwrap();
        }
        if before == 0 || known.0[which].load(Ordering::SeqCst) != before {
            continue;
        }
        let late = asked.saturating_sub(Duration::from_nanos(before / 2));
        match (before % 2 == 1, told) {
            (true, false) => seen.late_grant = seen.late_grant.max(late),
            (false, true) => seen.late_withdrawal = seen.late_withdrawal.max(late),
            (true, true) | (false, false) => {}
        }
    }
    seen
}

fn measure(name: &str, first: &Home, second: &Home) {
    let writer = first.block_on(first.open());
    let reader = second.block_on(second.open());
    first.block_on(async {
        fill(&writer).await.unwrap();
        for which in 0..SUBJECTS {
            let who = subject(&format!("u{which}"));
            writer.put_user(&who, None, "x").await.unwrap();
        }
    });
    let known = Known((0..SUBJECTS).map(|_| AtomicU64::new(0)).collect());
    let (started, stop) = (Instant::now(), AtomicBool::new(false));
    let (here, there) = thread::scope(|scope| {
        let here = scope.spawn(|| read(&writer, &known, started, &stop));
        let there = [0, 1].map(|_| scope.spawn(|| read(&reader, &known, started, &stop)));
        let mut held: Vec<Option<String>> = vec![None; SUBJECTS];
        let note = |which: usize, holds: u64| {
            let now = u64::try_from(started.elapsed().as_nanos()).unwrap();
            known.0[which].store(now * 2 + holds, Ordering::SeqCst);
        };
        for round in 0..GRANTS + SUBJECTS / 2 {
            let (given, taken) = (round % SUBJECTS, (round + SUBJECTS / 2) % SUBJECTS);
            first.block_on(async {
                if round < GRANTS {
                    known.0[given].store(0, Ordering::SeqCst);
                    let place = Scope::Project(project("acme-shop"));
                    let viewer = grant(&format!("u{given}"), "Viewer", place);
                    held[given] = Some(writer.grant(viewer).await.unwrap());
                    note(given, 1);
                }
                if let Some(id) = held[taken].take() {
                    known.0[taken].store(0, Ordering::SeqCst);
                    writer.revoke(&id).await.unwrap();
                    note(taken, 0);
                }
            });
            thread::sleep(PAUSE);
        }
        thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::SeqCst);
        let [one, two] = there.map(|reader| reader.join().unwrap());
        (here.join().unwrap(), one.with(&two))
    });
    let took = started.elapsed();
    for (replica, seen) in [("the same replica", &here), ("the other replica", &there)] {
        println!(
            "{name}, {replica}: {GRANTS} grants and withdrawals in {took:.1?}, {} decisions \
             ({} asked the database); longest delay of a grant {:?}, of a withdrawal {:?}",
            seen.decisions, seen.asked, seen.late_grant, seen.late_withdrawal
        );
    }
    assert_eq!(here.late_withdrawal, Duration::ZERO);
    assert_eq!(here.late_grant, Duration::ZERO);
    assert!(there.late_withdrawal < Duration::from_secs(1));
    assert!(there.late_grant < Duration::from_secs(1));
}

#[test]
#[ignore = "a measurement"]
fn a_thousand_grants_come_and_go_on_sqlite() {
    let first = Home::sqlite();
    let second = Home::at(first.url.clone());
    measure("SQLite", &first, &second);
}

#[test]
#[ignore = "a measurement"]
fn a_thousand_grants_come_and_go_on_postgresql() {
    let Some(first) = Home::postgres() else {
        return;
    };
    let second = Home::at(first.url.clone());
    measure("PostgreSQL", &first, &second);
}
