//! Whether one URL of a backend is asked: a circuit breaker, which the gateway's own probes open and
//! close.
//!
//! What becomes of callers' requests is only a reason to probe. A query at which the backend resets the
//! connection, or which takes too long, is one tenant's: counted against the URL, it would close the
//! backend to all others. Nor is a caller's request spent on finding out whether somebody is there again.
//! The probe is the same whoever gave the reason for it, and any answer to it is a sign of life.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A connection that takes longer than this to be made is a reason to probe. The request goes on.
pub(crate) const CONNECTS_WITHIN: Duration = Duration::from_secs(1);

/// So is a request of which nothing has come for this long. Slow queries are common: a probe costs the
/// backend next to nothing, and where nobody is there any more, others need not wait for as long.
pub(crate) const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// So many probes in a row to which nobody answered open it.
const FAILURES: u32 = 2;

/// How long after a failed one it is probed again before it is open.
const AGAIN: Duration = Duration::from_millis(200);

/// How long nothing is a reason to probe after an answer, nor after a probe that could not be made.
const REST: Duration = Duration::from_secs(1);

/// How long from one probe to the next when it has been opened. Each one that fails doubles that.
const FIRST: Duration = Duration::from_millis(500);

/// How long that is at the most, before a quarter more or less. A backend that is back is asked again
/// within this time.
const MOST: Duration = Duration::from_secs(4);

/// What [`Breaker::next`] is while it is closed.
const CLOSED: u64 = 0;

/// One URL's circuit breaker, shared by all threads.
pub(crate) struct Breaker {
    /// The URL, for the log; without credentials.
    url: String,
    started: Instant,
    /// Where it is open: when the next probe is due, in milliseconds since `started` and one more.
    /// Most requests look at nothing else.
    next: AtomicU64,
    /// Whether a probe has failed since somebody's request was answered.
    is_doubted: AtomicBool,
    /// The prober listens, and ends with it.
    suspicions: watch::Sender<()>,
}

/// What a probe has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The head of an answer, whatever its status.
    Answer,
    /// None, and why.
    Nothing(String),
    /// It could not be made, which says nothing about the backend.
    Untold,
}

/// When the next probe is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// After this time.
    In(Duration),
    /// When there is a reason for one, and not before this time has passed.
    WhenSuspected(Duration),
}

/// What the probes of one URL have come to; the prober's own.
pub(crate) struct Course {
    /// Since the last answer.
    failures: u32,
    /// From one probe to the next while it is open.
    wait: Duration,
    jitter: RandomState,
}

impl Breaker {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            started: Instant::now(),
            next: AtomicU64::new(CLOSED),
            is_doubted: AtomicBool::new(false),
            suspicions: watch::Sender::new(()),
        }
    }

    /// Whether nobody is asked here at the moment.
    pub(crate) fn is_open(&self) -> bool {
        self.next.load(Ordering::Relaxed) != CLOSED
    }

    /// How long it is until the next probe, where nobody is asked here at the moment. Nothing is left of
    /// that while one is under way.
    pub(crate) fn left_out(&self, now: Instant) -> Option<Duration> {
        match self.next.load(Ordering::Relaxed) {
            CLOSED => None,
            next => Some(Duration::from_millis(
                next.saturating_sub(self.since_start(now)),
            )),
        }
    }

    /// A caller's request was answered here. That opens or closes nothing; but while others are answered,
    /// a probe that fails has met something else than a backend that is gone.
    pub(crate) fn answered(&self) {
        if self.is_doubted.load(Ordering::Relaxed) {
            self.is_doubted.store(false, Ordering::Relaxed);
        }
    }

    /// A caller's request found nobody here, or nobody who answers.
    pub(crate) fn suspect(&self) {
        if !self.is_open() {
            self.suspicions.send_replace(());
        }
    }

    /// The reasons to probe from now on. Those that come while nobody looks are one.
    pub(crate) fn suspicions(&self) -> watch::Receiver<()> {
        self.suspicions.subscribe()
    }

    /// Takes what has come of a probe that was begun at `asked`, and says when the next is made.
    pub(crate) fn probed(
        &self,
        course: &mut Course,
        came: Came,
        asked: Instant,
        now: Instant,
    ) -> Next {
        match came {
            Came::Answer => {
                *course = Course::default();
                self.is_doubted.store(false, Ordering::Relaxed);
                if self.next.swap(CLOSED, Ordering::Relaxed) != CLOSED {
                    tracing::info!(url = self.url, "the backend answers again");
                }
                Next::WhenSuspected(REST)
            }
            Came::Untold => {
                if self.is_open() {
                    self.open(now + REST);
                }
                Next::In(REST)
            }
            Came::Nothing(reason) => {
                let was_doubted = self.is_doubted.swap(true, Ordering::Relaxed);
                if course.failures > 0 && !was_doubted && !self.is_open() {
                    tracing::debug!(
                        url = self.url,
                        reason,
                        "a probe failed, and requests did not"
                    );
                    return Next::In(REST);
                }
                course.failures = course.failures.saturating_add(1);
                if course.failures < FAILURES {
                    tracing::debug!(url = self.url, reason, "a probe of the backend failed");
                    return Next::In(AGAIN);
                }
                if self.is_open() {
                    course.wait = (course.wait * 2).min(MOST);
                } else {
                    tracing::warn!(
                        url = self.url,
                        reason,
                        "the backend is not asked any more, until it answers a probe"
                    );
                }
                // From its beginning: a probe may have been waited for as long as this.
                let due = (asked + course.jittered(now)).max(now);
                self.open(due);
                Next::In(due.saturating_duration_since(now))
            }
        }
    }

    fn open(&self, next: Instant) {
        let next = self.since_start(next).saturating_add(1);
        self.next.store(next, Ordering::Relaxed);
    }

    fn since_start(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.started).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

impl Default for Course {
    fn default() -> Self {
        Self {
            failures: 0,
            wait: FIRST,
            jitter: RandomState::new(),
        }
    }
}

impl Course {
    /// A quarter more or less, so that replicas do not all probe at the same moment.
    fn jittered(&self, now: Instant) -> Duration {
        let thousandths = self.jitter.hash_one(now) % 500 + 750;
        self.wait * u32::try_from(thousandths).unwrap_or(1000) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Came {
        Came::Nothing("refused".to_owned())
    }

    fn opened() -> (Breaker, Course, Instant) {
        let (breaker, mut course) = (Breaker::new("http://loki".to_owned()), Course::default());
        let now = Instant::now();
        for _ in 0..FAILURES {
            breaker.probed(&mut course, nothing(), now, now);
        }
        (breaker, course, now)
    }

    #[test]
    fn a_backend_that_answers_others_is_not_left_out_where_probes_fail() {
        let (breaker, mut course) = (Breaker::new("http://loki".to_owned()), Course::default());
        let now = Instant::now();
        for _ in 0..5 {
            breaker.probed(&mut course, nothing(), now, now);
            breaker.answered();
        }
        assert!(!breaker.is_open());
        for _ in 0..FAILURES {
            breaker.probed(&mut course, nothing(), now, now);
        }
        assert!(breaker.is_open());
        // What was asked before it was opened, and is answered late, does not close it.
        breaker.answered();
        breaker.probed(&mut course, nothing(), now, now);
        assert!(breaker.is_open());
    }

    #[test]
    fn whatever_becomes_of_callers_requests_opens_nothing() {
        let breaker = Breaker::new(String::new());
        for _ in 0..1000 {
            breaker.suspect();
        }
        assert_eq!(breaker.left_out(Instant::now()), None);
    }

    #[test]
    fn many_reasons_to_probe_are_one_and_while_it_is_open_none_is() {
        let (breaker, mut course, now) = opened();
        let mut suspicions = breaker.suspicions();
        breaker.suspect();
        assert!(!suspicions.has_changed().unwrap());
        breaker.probed(&mut course, Came::Answer, now, now);
        for _ in 0..1000 {
            breaker.suspect();
        }
        assert!(suspicions.has_changed().unwrap());
        suspicions.mark_unchanged();
        assert!(!suspicions.has_changed().unwrap());
        drop(breaker);
        assert!(suspicions.has_changed().is_err());
    }

    #[test]
    fn failed_probes_in_a_row_open_it_and_an_answer_in_between_does_not() {
        let (breaker, mut course) = (Breaker::new(String::new()), Course::default());
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(
                breaker.probed(&mut course, nothing(), now, now),
                Next::In(AGAIN)
            );
            assert!(!breaker.is_open());
            assert_eq!(
                breaker.probed(&mut course, Came::Answer, now, now),
                Next::WhenSuspected(REST)
            );
        }
        let (breaker, _, now) = opened();
        assert!(breaker.is_open());
        assert!(breaker.left_out(now).unwrap() <= FIRST * 5 / 4 + Duration::from_millis(1));
    }

    #[test]
    fn the_wait_grows_to_its_bound_and_an_answer_ends_it() {
        let (breaker, mut course, mut now) = opened();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let Next::In(wait) = breaker.probed(&mut course, nothing(), now, now) else {
                panic!("nobody has answered");
            };
            assert!(breaker.left_out(now).unwrap() <= wait + Duration::from_millis(1));
            waits.push(wait);
            now += wait;
        }
        let bounds = FIRST * 3 / 2..=MOST * 5 / 4;
        assert!(waits.iter().all(|wait| bounds.contains(wait)), "{waits:?}");
        assert!(waits[7] > waits[0] * 2, "{waits:?}");
        breaker.probed(&mut course, Came::Answer, now, now);
        assert_eq!(breaker.left_out(now), None);
        // And it begins anew.
        assert_eq!(
            breaker.probed(&mut course, nothing(), now, now),
            Next::In(AGAIN)
        );
    }

    #[test]
    fn the_wait_goes_from_the_beginning_of_a_probe_that_was_waited_for() {
        let (breaker, mut course, now) = opened();
        let later = now + MOST * 2;
        let next = breaker.probed(&mut course, nothing(), now, later);
        assert_eq!(next, Next::In(Duration::ZERO));
        let left = breaker.left_out(later + REST);
        assert_eq!(left, Some(Duration::ZERO), "while it is under way");
    }

    #[test]
    fn a_probe_that_could_not_be_made_neither_opens_nor_closes() {
        let (breaker, mut course) = (Breaker::new(String::new()), Course::default());
        let now = Instant::now();
        for _ in 0..FAILURES * 2 {
            let next = breaker.probed(&mut course, Came::Untold, now, now);
            assert_eq!(next, Next::In(REST));
            assert!(!breaker.is_open());
        }
        let (breaker, mut course, now) = opened();
        breaker.probed(&mut course, Came::Untold, now, now);
        assert!(breaker.is_open());
    }
}
