//! Whether one URL of a backend is asked: a circuit breaker, by what its requests have come to.
//!
//! Only what says that nobody is there counts against it: no connection, one that breaks off before
//! its answer, something else than HTTP, or silence while nobody else was answered either. An answer
//! is a sign of life whatever its status is. Otherwise one tenant's query at which the backend fails
//! or takes too long would close the backend to all others.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many failures without an answer in between open it.
const FAILURES: u32 = 5;

/// How long it stays open at first. Each probe that fails doubles that.
const FIRST: Duration = Duration::from_millis(500);

/// How long it stays open at the most, before a quarter more or less. A backend that is back is asked
/// again within this time.
const MOST: Duration = Duration::from_secs(4);

/// How exactly the time of the last answer is kept: it is written by every thread, and seldom.
const GRAIN: u64 = 50;

/// One URL's circuit breaker, shared by all threads.
pub(crate) struct Breaker {
    /// The URL, for the log; without credentials.
    url: String,
    started: Instant,
    /// When the last answer began, in milliseconds since `started`.
    answered: AtomicU64,
    /// Whether there is anything in `trouble`: most requests look at nothing else.
    has_trouble: AtomicBool,
    trouble: Mutex<Trouble>,
    jitter: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Trouble {
    /// Since the last answer.
    failures: u32,
    /// Where it is open.
    open: Option<Open>,
}

#[derive(Clone, Copy)]
struct Open {
    /// When the next request may try.
    until: Instant,
    wait: Duration,
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It may.
    Closed,
    /// One may, to see whether there is an answer again.
    Due,
    /// None may, for this time.
    Open(Duration),
}

/// A request that was let through.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    sent: Instant,
    is_probe: bool,
}

impl Breaker {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            started: Instant::now(),
            answered: AtomicU64::new(0),
            has_trouble: AtomicBool::new(false),
            trouble: Mutex::default(),
            jitter: RandomState::new(),
        }
    }

    /// Whether a request may be sent now.
    pub(crate) fn state(&self, now: Instant) -> State {
        if !self.has_trouble.load(Ordering::Acquire) {
            return State::Closed;
        }
        match self.trouble().open {
            None => State::Closed,
            Some(open) if open.until <= now => State::Due,
            Some(open) => State::Open(open.until.saturating_duration_since(now)),
        }
    }

    /// A ticket for a request where it may be sent, and otherwise how long none may.
    pub(crate) fn enter(&self, now: Instant) -> Result<Ticket, Duration> {
        let normal = Ticket {
            sent: now,
            is_probe: false,
        };
        if !self.has_trouble.load(Ordering::Acquire) {
            return Ok(normal);
        }
        let mut trouble = self.trouble();
        let Some(open) = &mut trouble.open else {
            return Ok(normal);
        };
        if open.until > now {
            return Err(open.until.saturating_duration_since(now));
        }
        // The others wait for what comes of this one, and no longer than before: it may be a slow
        // query, or its caller may go.
        open.until = now + open.wait;
        Ok(Ticket {
            sent: now,
            is_probe: true,
        })
    }

    /// An answer began.
    pub(crate) fn answered(&self, now: Instant) {
        let at = self.since_start(now);
        if at.saturating_sub(self.answered.load(Ordering::Relaxed)) > GRAIN {
            self.answered.store(at, Ordering::Relaxed);
        }
        if !self.has_trouble.load(Ordering::Acquire) {
            return;
        }
        let mut trouble = self.trouble();
        let was_open = trouble.open.is_some();
        *trouble = Trouble::default();
        self.has_trouble.store(false, Ordering::Release);
        drop(trouble);
        if was_open {
            tracing::info!(url = self.url, "the backend answers again");
        }
    }

    /// Nobody was there.
    pub(crate) fn failed(&self, ticket: Ticket, now: Instant) {
        let mut trouble = self.trouble();
        self.has_trouble.store(true, Ordering::Release);
        let wait = match trouble.open {
            // Sent before it was opened, or known to be in vain: nothing new.
            Some(_) if !ticket.is_probe => return,
            Some(open) => (open.wait * 2).min(MOST),
            None => {
                trouble.failures += 1;
                if trouble.failures < FAILURES {
                    return;
                }
                FIRST
            }
        };
        let until = now + self.jittered(wait, now);
        trouble.open = Some(Open { until, wait });
        drop(trouble);
        if !ticket.is_probe {
            tracing::warn!(
                url = self.url,
                "the backend is not asked any more but by one request at a time, until it answers"
            );
        }
    }

    /// No answer began in time. That says something where nobody else was answered meanwhile.
    pub(crate) fn silent(&self, ticket: Ticket, now: Instant) {
        if self.answered.load(Ordering::Relaxed) < self.since_start(ticket.sent) {
            self.failed(ticket, now);
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since_start(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// A quarter more or less, so that replicas do not all try at the same moment.
    fn jittered(&self, wait: Duration, now: Instant) -> Duration {
        let thousandths = self.jitter.hash_one(now) % 500 + 750;
        wait * u32::try_from(thousandths).unwrap_or(1000) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, now: Instant) {
        let ticket = breaker.enter(now).unwrap();
        breaker.failed(ticket, now);
    }

    fn opened() -> (Breaker, Instant) {
        let (breaker, now) = (Breaker::new("http://loki".to_owned()), Instant::now());
        for _ in 0..FAILURES {
            fail(&breaker, now);
        }
        (breaker, now)
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_in_between_does_not() {
        let (breaker, now) = (Breaker::new(String::new()), Instant::now());
        for _ in 0..3 {
            for _ in 1..FAILURES {
                fail(&breaker, now);
            }
            breaker.answered(now);
        }
        assert_eq!(breaker.state(now), State::Closed);
        let (breaker, now) = opened();
        assert!(matches!(breaker.state(now), State::Open(wait) if wait <= FIRST * 5 / 4));
        assert!(breaker.enter(now).is_err());
    }

    #[test]
    fn one_request_probes_and_the_wait_grows_to_its_bound() {
        let (breaker, mut now) = opened();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let State::Open(wait) = breaker.state(now) else {
                panic!("it is open");
            };
            waits.push(wait);
            now += wait;
            let probe = breaker.enter(now).unwrap();
            assert!(breaker.enter(now).is_err(), "one at a time");
            breaker.failed(probe, now);
        }
        assert!(
            waits
                .iter()
                .all(|wait| *wait >= FIRST * 3 / 4 && *wait <= MOST * 5 / 4)
        );
        assert!(waits[7] > waits[0] * 2, "{waits:?}");
        now += MOST * 2;
        let _probe = breaker.enter(now).unwrap();
        breaker.answered(now);
        assert_eq!(breaker.state(now), State::Closed);
    }

    #[test]
    fn a_probe_of_which_nothing_comes_is_followed_by_another() {
        let (breaker, now) = opened();
        let later = now + MOST;
        let _forgotten = breaker.enter(later).unwrap();
        assert!(breaker.enter(later).is_err());
        assert!(breaker.enter(later + MOST).is_ok());
    }

    #[test]
    fn a_slow_query_says_nothing_about_a_backend_that_answers_others() {
        let (breaker, sent) = (Breaker::new(String::new()), Instant::now() + MOST);
        let second = Duration::from_secs(1);
        for _ in 0..FAILURES {
            let ticket = breaker.enter(sent).unwrap();
            breaker.answered(sent + second);
            breaker.silent(ticket, sent + second * 2);
        }
        assert_eq!(breaker.state(sent + second * 2), State::Closed);
        let later = sent + second * 10;
        for _ in 0..FAILURES {
            let ticket = breaker.enter(later).unwrap();
            breaker.silent(ticket, later + second * 2);
        }
        assert!(matches!(breaker.state(later + second * 2), State::Open(_)));
    }

    #[test]
    fn what_was_sent_before_it_opened_does_not_open_it_for_longer() {
        let now = Instant::now();
        let breaker = Breaker::new(String::new());
        let early = breaker.enter(now).unwrap();
        for _ in 0..FAILURES {
            fail(&breaker, now);
        }
        let before = breaker.state(now);
        breaker.failed(early, now + FIRST / 2);
        assert_eq!(breaker.state(now), before);
    }
}
