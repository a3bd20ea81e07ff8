//! What limits cost a request.
//!
//! `cargo bench -p gateway --bench limit` measures all that one request goes through: counted for
//! its subject and for its project, its places taken, its answer's bytes counted, all let go. With
//! one thread and with two at a time; by one subject, and by a thousand in as many projects.

#![allow(clippy::unwrap_used)] // the helpers of a benchmark may

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use divan::{Bencher, black_box};
use futures_util::FutureExt as _;
use gateway::LimitSettings;
use gateway::directory::policy::{ProjectId, Subject};
use gateway::limit::{Limits, Quota, Rate, Usage};
use tokio::time::Instant;

const MANY: usize = 1000;

fn main() {
    divan::main();
}

/// Limits that are counted and that nobody meets.
fn limits() -> Limits {
    let wide = |quota: Quota| Quota {
        requests: Some(Rate {
            every: Duration::from_nanos(1),
            burst: NonZeroU32::MAX,
        }),
        queries: NonZeroU32::new(1_000_000),
        ..quota
    };
    Limits::new(LimitSettings {
        subject: wide(Quota::SUBJECT),
        project: wide(Quota::PROJECT),
        ..LimitSettings::default()
    })
}

fn request(limits: &Limits, subject: &Subject, project: &ProjectId) {
    let now = Instant::now();
    let mut usage = Usage::default();
    limits.count_subject(&mut usage, subject, now).unwrap();
    limits.count_project(&mut usage, project, now).unwrap();
    limits.enter(&mut usage).now_or_never().unwrap().unwrap();
    usage.sent(1000);
    drop(black_box(usage));
}

#[divan::bench(threads = [1, 2])]
fn requests_of_one_subject(bencher: Bencher<'_, '_>) {
    let limits = limits();
    let (subject, project) = (
        Subject::new("auth0|a").unwrap(),
        ProjectId::new("acme").unwrap(),
    );
    bencher.bench(|| request(&limits, &subject, &project));
}

#[divan::bench(threads = [1, 2])]
fn requests_of_many_subjects(bencher: Bencher<'_, '_>) {
    let limits = limits();
    let subjects: Vec<Subject> = (0..MANY)
        .map(|at| Subject::new(format!("auth0|{at}")).unwrap())
        .collect();
    let projects: Vec<ProjectId> = (0..MANY)
        .map(|at| ProjectId::new(format!("acme-{at}")).unwrap())
        .collect();
    let turn = AtomicUsize::new(0);
    bencher.bench(|| {
        let at = turn.fetch_add(1, Ordering::Relaxed) % MANY;
        request(&limits, &subjects[at], &projects[at]);
    });
}

#[divan::bench(threads = [1, 2])]
fn requests_that_are_refused(bencher: Bencher<'_, '_>) {
    let limits = Limits::new(LimitSettings {
        subject: Quota {
            requests: Some(Rate {
                every: Duration::from_hours(1),
                burst: NonZeroU32::MIN,
            }),
            ..Quota::SUBJECT
        },
        ..LimitSettings::default()
    });
    let subject = Subject::new("auth0|a").unwrap();
    bencher.bench(|| {
        let mut usage = Usage::default();
        limits
            .count_subject(&mut usage, &subject, Instant::now())
            .is_err()
    });
}

#[divan::bench(threads = [1, 2])]
fn requests_where_nothing_is_limited(bencher: Bencher<'_, '_>) {
    let limits = Limits::new(LimitSettings::off());
    let (subject, project) = (
        Subject::new("auth0|a").unwrap(),
        ProjectId::new("acme").unwrap(),
    );
    bencher.bench(|| request(&limits, &subject, &project));
}
