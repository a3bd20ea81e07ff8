//! Limits, by a clock that the tests move.

use std::num::{NonZeroU32, NonZeroU64};

use futures_util::FutureExt as _;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// Longer than a test takes, however busy the machine is.
const LONG: Duration = Duration::from_secs(280);
const SHORT: Duration = Duration::from_millis(50);

fn quota(queries: u32) -> Quota {
    Quota {
        queries: NonZeroU32::new(queries),
        ..Quota::UNLIMITED
    }
}

/// So many queries of a subject and so many in a project run, and two wait.
fn queues(subject: u32, project: u32, timeout: Duration) -> Limits {
    Limits::new(LimitSettings {
        subject: quota(subject),
        project: quota(project),
        queue: Queue { timeout, length: 2 },
        ..LimitSettings::off()
    })
}

fn subject(id: &str) -> Subject {
    Subject::new(id).unwrap()
}

fn project(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

/// A request that is permitted.
fn ask(limits: &Limits, who: &str, of: &str) -> Result<Usage, Exceeded> {
    ask_at(limits, who, of, Instant::now())
}

/// One at this time.
fn ask_at(limits: &Limits, who: &str, of: &str, now: Instant) -> Result<Usage, Exceeded> {
    let mut usage = Usage::default();
    limits.count_subject(&mut usage, &subject(who), now)?;
    limits.count_project(&mut usage, &project(of), now)?;
    Ok(usage)
}

/// A query that runs, if it may do so at once.
fn run(limits: &Limits, who: &str, of: &str) -> Option<Usage> {
    let mut usage = ask(limits, who, of).unwrap();
    let entered = limits.enter(&mut usage).now_or_never()?;
    entered.is_ok().then_some(usage)
}

fn account(limits: &Limits, who: &str) -> std::sync::Arc<Account> {
    let quota = limits.settings.subject;
    limits
        .subjects
        .account(&subject(who), quota, Instant::now())
}

#[tokio::test]
async fn who_sends_too_much_is_refused_and_nobody_else_is() {
    let limits = Limits::new(LimitSettings {
        subject: Quota {
            requests: Some(Rate::per_second(
                NonZeroU32::new(2).unwrap(),
                NonZeroU32::new(3).unwrap(),
            )),
            ..Quota::UNLIMITED
        },
        ..LimitSettings::off()
    });
    let start = Instant::now();
    for of in ["p1", "p2", "p1"] {
        assert!(ask_at(&limits, "a", of, start).is_ok());
    }
    let refused = ask_at(&limits, "a", "p3", start).unwrap_err();
    assert_eq!(refused.whose, Whose::Subject);
    assert_eq!(refused.retry_after, Duration::from_millis(500));
    assert_eq!(refused.retry_after(), 1);
    assert_eq!(
        refused.to_string(),
        "you send more than 2 requests a second (limits.subject.requests_per_second): wait for as \
         long as Retry-After says, and send fewer"
    );
    assert!(ask_at(&limits, "b", "p1", start).is_ok());
    let later = start + SECOND / 2;
    assert!(ask_at(&limits, "a", "p1", later).is_ok());
    assert!(ask_at(&limits, "a", "p1", later).is_err());
}

#[tokio::test]
async fn what_readers_of_a_project_send_together_is_counted_and_a_project_may_have_its_own_limit() {
    let rate = |requests| Quota {
        requests: Some(Rate {
            every: SECOND * 3600,
            burst: NonZeroU32::new(requests).unwrap(),
        }),
        ..Quota::UNLIMITED
    };
    let limits = Limits::new(LimitSettings {
        project: rate(1),
        projects: [
            (project("large"), (rate(2), Bounds::UNLIMITED)),
            (project("free"), (Quota::UNLIMITED, Bounds::UNLIMITED)),
        ]
        .into(),
        ..LimitSettings::off()
    });
    assert!(ask(&limits, "a", "small").is_ok());
    let refused = ask(&limits, "b", "small").unwrap_err();
    assert_eq!(refused.whose, Whose::Project);
    assert_eq!(refused.retry_after(), 3600);
    assert!(ask(&limits, "a", "other").is_ok());
    assert!(ask(&limits, "a", "large").is_ok());
    assert!(ask(&limits, "b", "large").is_ok());
    assert!(ask(&limits, "c", "large").is_err());
    for _ in 0..100 {
        assert!(ask(&limits, "a", "free").is_ok());
    }
}

#[tokio::test]
async fn queries_wait_in_the_order_in_which_they_came_and_run_as_others_end() {
    let limits = queues(1, 10, LONG);
    let first = run(&limits, "a", "p1").unwrap();
    let waits = async || {
        let mut usage = ask(&limits, "a", "p1").unwrap();
        limits.enter(&mut usage).await.map(|()| usage)
    };
    let (mut second, mut third) = (Box::pin(waits()), Box::pin(waits()));
    assert!((&mut second).now_or_never().is_none());
    assert!((&mut third).now_or_never().is_none());
    assert_eq!(account(&limits, "a").waiting(), 2);
    // Somebody else's runs, and a fourth of this one finds the line full.
    assert!(run(&limits, "b", "p1").is_some());
    let refused = waits().await.unwrap_err();
    assert_eq!(refused.limit, Limit::Queue(1, 2));
    assert_eq!(refused.retry_after(), LONG.as_secs());
    drop(first);
    // Who comes now does not get before those who wait, and of these the first is first.
    assert!(run(&limits, "a", "p1").is_none());
    assert!((&mut third).now_or_never().is_none());
    let second = second.now_or_never().unwrap().unwrap();
    assert!((&mut third).now_or_never().is_none());
    drop(second);
    let third = third.now_or_never().unwrap().unwrap();
    assert_eq!(account(&limits, "a").running(), 1);
    drop(third);
    assert_eq!(account(&limits, "a").running(), 0);
    assert!(run(&limits, "a", "p1").is_some());
}

#[tokio::test]
async fn a_query_waits_for_its_time_and_no_longer() {
    let limits = queues(10, 1, SHORT);
    let running = run(&limits, "a", "p1").unwrap();
    let mut usage = ask(&limits, "b", "p1").unwrap();
    let began = Instant::now();
    let refused = limits.enter(&mut usage).await.unwrap_err();
    assert!(began.elapsed() >= SHORT);
    assert_eq!(
        refused.to_string(),
        "as many queries of this project's readers run as may at a time (1, \
         limits.project.queries), and this one has waited for 50ms (limits.queue.timeout): send \
         fewer at a time, or ask for less with each"
    );
    // It has let go of what it had of its own.
    drop(usage);
    assert_eq!(account(&limits, "b").running(), 0);
    assert!(run(&limits, "b", "p2").is_some());
    drop(running);
    assert!(run(&limits, "b", "p1").is_some());
}

#[tokio::test]
async fn who_goes_leaves_the_line() {
    let limits = queues(1, 1, LONG);
    let running = run(&limits, "a", "p1").unwrap();
    let mut usage = ask(&limits, "a", "p1").unwrap();
    let mut waiting = Box::pin(limits.enter(&mut usage));
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(account(&limits, "a").waiting(), 1);
    drop(waiting);
    assert_eq!(account(&limits, "a").waiting(), 0);
    // And one that was given its place and goes before it knows gives it back.
    let mut waiting = Box::pin(limits.enter(&mut usage));
    assert!((&mut waiting).now_or_never().is_none());
    drop(running);
    drop(waiting);
    drop(usage);
    assert_eq!(account(&limits, "a").running(), 0);
    assert!(run(&limits, "a", "p1").is_some());
}

#[tokio::test]
async fn requests_on_their_way_are_counted_until_they_end_whatever_becomes_of_them() {
    let limits = Limits::new(LimitSettings {
        subject: Quota {
            in_flight: NonZeroU32::new(3),
            requests: Some(Rate {
                every: SECOND * 3600,
                burst: NonZeroU32::new(2).unwrap(),
            }),
            ..Quota::UNLIMITED
        },
        ..LimitSettings::off()
    });
    let now = Instant::now();
    let read = |usage: &mut Usage| limits.count_subject(usage, &subject("a"), now);
    let write = |usage: &mut Usage| limits.count_write(usage, &subject("a"), now);
    let [mut first, mut second, mut third, mut fourth] = [(); 4].map(|()| Usage::default());
    write(&mut first).unwrap();
    read(&mut second).unwrap();
    // One that has failed is still on its way, for it is held back before it is answered.
    second.fail();
    read(&mut third).unwrap();
    let refused = write(&mut fourth).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "as many requests of yours are on their way as may be at a time (3, \
         limits.subject.in_flight): wait for their answers, and send fewer at a time"
    );
    assert_eq!((refused.whose, refused.retry_after()), (Whose::Subject, 1));
    assert_eq!(read(&mut fourth).unwrap_err(), refused);
    drop(fourth);
    assert_eq!(account(&limits, "a").in_flight(), 3);
    drop(third);
    // One that comes too fast is on its way as well, until it was told so; the write was none of these.
    let mut fast = Usage::default();
    let refused = read(&mut fast).unwrap_err();
    assert!(matches!(refused.limit, Limit::Requests(_)), "{refused}");
    assert_eq!(account(&limits, "a").in_flight(), 3);
    drop((first, second, fast));
    assert_eq!(account(&limits, "a").in_flight(), 0);
}

/// Somebody whose own queries wait holds nothing of a project that others need.
#[tokio::test]
async fn who_waits_for_a_place_of_their_own_holds_none_of_the_project() {
    let limits = queues(1, 2, LONG);
    let one = run(&limits, "a", "p1").unwrap();
    assert!(run(&limits, "a", "p1").is_none());
    assert!(run(&limits, "b", "p1").is_some());
    drop(one);
}

#[tokio::test]
async fn what_was_read_in_a_minute_is_counted_as_it_goes_and_a_running_answer_is_not_cut() {
    let limits = Limits::new(LimitSettings {
        subject: Quota {
            bytes_per_minute: NonZeroU64::new(1 << 20),
            ..Quota::UNLIMITED
        },
        project: Quota {
            bytes_per_minute: NonZeroU64::new(4 << 20),
            ..Quota::UNLIMITED
        },
        ..LimitSettings::off()
    });
    let start = Instant::now();
    let mut answer = ask_at(&limits, "a", "p1", start).unwrap();
    answer.sent(512 << 10);
    assert!(ask_at(&limits, "a", "p1", start).is_ok());
    answer.sent(512 << 10);
    let refused = ask_at(&limits, "a", "p1", start).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "you have read more than 1048576 bytes within a minute (limits.subject.bytes_per_minute): \
         wait for as long as Retry-After says, and ask for less"
    );
    assert_eq!(refused.whose, Whose::Subject);
    // What it is now is still counted, however much that is, and a minute later all is well.
    answer.sent(1 << 30);
    drop(answer);
    let sent = Instant::now();
    let refused = ask_at(&limits, "a", "p2", sent).unwrap_err();
    assert!((50..=61).contains(&refused.retry_after()), "{refused:?}");
    let refused = ask_at(&limits, "b", "p1", sent).unwrap_err();
    assert_eq!(refused.whose, Whose::Project);
    assert!(ask_at(&limits, "b", "p2", sent).is_ok());
    assert!(ask_at(&limits, "a", "p2", start + SECOND * 59).is_err());
    assert!(ask_at(&limits, "a", "p2", sent + SECOND * 61).is_ok());
}

/// However few they may be: short answers are as many bytes as a long one.
#[tokio::test]
async fn the_last_bytes_of_an_answer_count_as_all_others_do() {
    let limits = Limits::new(LimitSettings {
        subject: Quota {
            bytes_per_minute: NonZeroU64::new(1 << 20),
            ..Quota::UNLIMITED
        },
        ..LimitSettings::off()
    });
    let start = Instant::now();
    for _ in 0..10 {
        let mut answer = ask_at(&limits, "a", "p2", start).unwrap();
        answer.sent((1 << 20) / 10 + 1);
    }
    assert!(ask_at(&limits, "a", "p2", start).is_err());
}

#[tokio::test]
async fn nothing_is_remembered_where_nothing_is_limited() {
    let limits = Limits::new(LimitSettings::off());
    for _ in 0..100 {
        assert!(run(&limits, "a", "p1").is_some());
    }
    assert_eq!((limits.subjects.len(), limits.projects.len()), (0, 0));
}

#[tokio::test]
async fn what_has_nothing_to_remember_is_forgotten() {
    let rate = Quota {
        in_flight: None,
        requests: Some(Rate::per_second(NonZeroU32::MIN, NonZeroU32::MIN)),
        queries: NonZeroU32::new(1),
        bytes_per_minute: None,
    };
    let limits = Limits::new(LimitSettings {
        subject: rate,
        ..LimitSettings::off()
    });
    let running = run(&limits, "runs", "p1").unwrap();
    let start = Instant::now();
    let send = |first: char, now: Instant| {
        for at in 0..20_000 {
            ask_at(&limits, &format!("{first}{at}"), "p1", now).unwrap();
        }
    };
    send('s', start);
    // Each of them has sent within the second, and who comes again is still refused.
    assert_eq!(limits.subjects.len(), 20_001);
    assert!(ask_at(&limits, "s0", "p1", start).is_err());
    send('t', start + SECOND);
    assert!(limits.subjects.len() <= 30_000, "{}", limits.subjects.len());
    assert!(ask_at(&limits, "t0", "p1", start + SECOND).is_err());
    // What runs is remembered, however long it takes.
    send('u', start + SECOND * 3600);
    assert!(limits.subjects.len() <= 30_000, "{}", limits.subjects.len());
    assert_eq!(account(&limits, "runs").running(), 1);
    drop(running);
    assert_eq!(account(&limits, "runs").running(), 0);
}

#[test]
fn those_that_are_refused_together_do_not_come_back_together() {
    let limits = Limits::new(LimitSettings::default());
    let mut slices = [0; 16];
    for _ in 0..160 {
        let pause = limits.pause();
        let since = pause.checked_sub(SECOND / 2).unwrap();
        slices[usize::try_from((since * 16).as_secs()).unwrap().min(15)] += 1;
    }
    let evenly = |slice: &i32| (8..=12).contains(slice);
    assert!(slices.iter().all(evenly), "{slices:?}");
}

#[tokio::test]
async fn what_is_used_stays_used_when_the_limits_change() {
    let rate = |per_second, burst| LimitSettings {
        subject: Quota {
            requests: Some(Rate::per_second(
                NonZeroU32::new(per_second).unwrap(),
                NonZeroU32::new(burst).unwrap(),
            )),
            in_flight: NonZeroU32::new(4),
            ..Quota::UNLIMITED
        },
        ..LimitSettings::off()
    };
    let slow = LimitSettings {
        subject: Quota {
            requests: Some(Rate {
                every: SECOND * 3600,
                burst: NonZeroU32::new(2).unwrap(),
            }),
            ..rate(1, 1).subject
        },
        ..LimitSettings::off()
    };
    let start = Instant::now();
    let limits = Limits::new(slow);
    let on_their_way: Vec<_> = (0..2)
        .map(|_| ask_at(&limits, "a", "p", start).unwrap())
        .collect();
    assert!(ask_at(&limits, "a", "p", start).is_err());
    // Two of three are used, and not two hours.
    let limits = limits.changed(rate(1, 3));
    let third = ask_at(&limits, "a", "p", start).unwrap();
    assert!(ask_at(&limits, "a", "p", start).is_err());
    assert!(ask_at(&limits, "a", "p", start + SECOND).is_ok());
    assert_eq!(account(&limits, "a").in_flight(), 3);
    drop((on_their_way, third));
    // All of fewer.
    let limits = limits.changed(rate(1, 1));
    assert!(ask_at(&limits, "a", "p", start + SECOND).is_err());
    assert!(ask_at(&limits, "a", "p", start + 2 * SECOND).is_ok());
    assert_eq!(account(&limits, "a").in_flight(), 0);
}

#[tokio::test]
async fn queries_that_run_count_when_their_number_changes_and_those_that_wait_are_woken() {
    let to = |limits: &Limits, queries| {
        limits.changed(LimitSettings {
            subject: quota(queries),
            ..limits.settings.clone()
        })
    };
    let limits = queues(3, 100, LONG);
    let mut running: Vec<_> = (0..3).map(|_| run(&limits, "a", "p").unwrap()).collect();
    // Fewer than run: the next may when no more than the new number do.
    let limits = to(&limits, 1);
    for _ in 0..3 {
        assert!(run(&limits, "a", "p").is_none());
        running.pop();
    }
    let only = run(&limits, "a", "p").unwrap();
    assert_eq!(account(&limits, "a").running(), 1);
    assert!(run(&limits, "a", "p").is_none());
    // One that waits since before is woken by the number that has grown.
    let mut waits = ask(&limits, "a", "p").unwrap();
    let mut waiting = Box::pin(limits.enter(&mut waits));
    assert!(waiting.as_mut().now_or_never().is_none());
    let more = to(&limits, 2);
    drop(ask(&more, "a", "p").unwrap());
    assert!(waiting.await.is_ok());
    assert!(run(&more, "a", "p").is_none());
    drop((only, waits));
    // To no limit and back.
    let free = to(&more, 0);
    let many: Vec<_> = (0..50).map(|_| run(&free, "a", "p").unwrap()).collect();
    drop(many);
    let limits = to(&free, 2);
    let two = [run(&limits, "a", "p"), run(&limits, "a", "p")];
    assert!(two.iter().all(Option::is_some));
    assert!(run(&limits, "a", "p").is_none());
}
