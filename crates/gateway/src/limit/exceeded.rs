//! What is said when a limit is reached: which one, of whom, and what to do.

use std::fmt;
use std::time::Duration;

use super::settings::Rate;

/// A limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Whose limit.
    pub whose: Whose,
    /// Which.
    pub limit: Limit,
    /// When it may be tried again.
    pub retry_after: Duration,
}

/// Who has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A subject, in all projects together.
    Subject,
    /// All readers of a project.
    Project,
}

/// What is limited, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many requests are on their way.
    InFlight(u32),
    /// Requests that come.
    Requests(Rate),
    /// So many queries run, and this one has waited for so long.
    Waited(u32, Duration),
    /// So many queries run, and so many wait.
    Queue(u32, usize),
    /// Bytes of answers in a minute.
    Bytes(u64),
    /// Bytes of bodies on their way: forms, and texts of management.
    Bodies(usize),
}

impl Exceeded {
    /// The whole seconds to wait: at least one, and rounded up, since what comes a moment too early
    /// is refused again.
    #[must_use]
    pub fn retry_after(&self) -> u64 {
        let started = u64::from(self.retry_after.subsec_nanos() > 0);
        self.retry_after.as_secs().saturating_add(started).max(1)
    }

    /// What logs and the audit call it.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match (self.whose, self.limit) {
            (Whose::Subject, Limit::InFlight(_)) => "too many requests of the subject in flight",
            (Whose::Project, Limit::InFlight(_)) => "too many requests in the project in flight",
            (Whose::Subject, Limit::Requests(_)) => "too many requests of the subject",
            (Whose::Project, Limit::Requests(_)) => "too many requests in the project",
            (Whose::Subject, Limit::Waited(..)) => "waited too long for the subject's queries",
            (Whose::Project, Limit::Waited(..)) => "waited too long for the project's queries",
            (Whose::Subject, Limit::Queue(..)) => "too many queries of the subject wait",
            (Whose::Project, Limit::Queue(..)) => "too many queries in the project wait",
            (Whose::Subject, Limit::Bytes(_)) => "too many bytes read by the subject",
            (Whose::Project, Limit::Bytes(_)) => "too many bytes read in the project",
            (Whose::Subject, Limit::Bodies(_)) => "bodies of the subject hold all they may",
            (Whose::Project, Limit::Bodies(_)) => "bodies in the project hold all they may",
        }
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, whose, key) = match self.whose {
            Whose::Subject => ("you", "of yours", "limits.subject"),
            Whose::Project => (
                "the readers of this project together",
                "of this project's readers",
                "limits.project",
            ),
        };
        match self.limit {
            Limit::InFlight(requests) => write!(
                f,
                "as many requests {whose} are on their way as may be at a time ({requests}, \
                 {key}.in_flight): wait for their answers, and send fewer at a time"
            ),
            Limit::Requests(rate) => write!(
                f,
                "{who} send more than {} ({key}.requests_per_second): wait for as long as \
                 Retry-After says, and send fewer",
                rate.told()
            ),
            Limit::Waited(queries, waited) => write!(
                f,
                "as many queries {whose} run as may at a time ({queries}, {key}.queries), and this \
                 one has waited for {waited:?} (limits.queue.timeout): send fewer at a time, or ask \
                 for less with each"
            ),
            Limit::Queue(queries, waiting) => write!(
                f,
                "as many queries {whose} run as may at a time ({queries}, {key}.queries), and as \
                 many wait as may ({waiting}, limits.queue.length): send fewer at a time"
            ),
            Limit::Bytes(bytes) => write!(
                f,
                "{who} have read more than {bytes} bytes within a minute ({key}.bytes_per_minute): \
                 wait for as long as Retry-After says, and ask for less"
            ),
            Limit::Bodies(bytes) => write!(
                f,
                "the forms and JSON {whose} that are on their way hold as much as they may together \
                 ({bytes} bytes): send fewer at a time, or shorter ones"
            ),
        }
    }
}

impl std::error::Error for Exceeded {}
