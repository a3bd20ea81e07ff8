//! What may be used.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use directory::policy::ProjectId;

use super::Bounds;

/// What subjects and projects may use, and what a query may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// What each subject may use, in all projects together.
    pub subject: Quota,
    /// What all readers of a project may use together.
    pub project: Quota,
    /// What a query may ask for.
    pub query: Bounds,
    /// Projects of which something else is true.
    pub projects: HashMap<ProjectId, (Quota, Bounds)>,
    /// Where queries wait that may not run yet.
    pub queue: Queue,
    /// How long a refusal is held back, on average.
    pub pause: Duration,
}

/// What may be used. `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many requests may be on their way at the same time, of every kind, writes and tails as
    /// well; the next is refused. One is until the last byte of its answer is out, or the tail has
    /// ended. Only a subject has this limit.
    pub in_flight: Option<NonZeroU32>,
    /// How many requests may come.
    pub requests: Option<Rate>,
    /// How many queries may run at the same time; the others wait. One runs until its answer is
    /// out.
    pub queries: Option<NonZeroU32>,
    /// How many bytes of answers may go out in a minute. They are counted as they go.
    pub bytes_per_minute: Option<NonZeroU64>,
}

/// How many requests may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// One may come each time that this has passed.
    pub every: Duration,
    /// So many may come at once.
    pub burst: NonZeroU32,
}

/// Where queries wait that may not run yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How long a query waits.
    pub timeout: Duration,
    /// How many may wait for the same subject, or in the same project.
    pub length: usize,
}

impl Rate {
    /// So many requests a second, and so many at once.
    #[must_use]
    pub fn per_second(requests: NonZeroU32, burst: NonZeroU32) -> Self {
        Self {
            every: Duration::from_secs(1) / requests.get(),
            burst,
        }
    }

    /// What a sentence says of it.
    pub(super) fn told(self) -> String {
        let per_second = 1.0 / self.every.as_secs_f64();
        if per_second >= 1.0 {
            format!("{per_second:.0} requests a second")
        } else {
            format!("1 request in {} seconds", self.every.as_secs_f64())
        }
    }
}

impl Quota {
    /// No limit.
    pub const UNLIMITED: Self = Self {
        in_flight: None,
        requests: None,
        queries: None,
        bytes_per_minute: None,
    };

    /// Whether nothing has to be counted.
    pub(super) const fn is_unlimited(&self) -> bool {
        self.in_flight.is_none()
            && self.requests.is_none()
            && self.queries.is_none()
            && self.bytes_per_minute.is_none()
    }

    /// The defaults for a subject, which a service account that asks for a whole company's
    /// dashboards does not meet either.
    pub const SUBJECT: Self = Self {
        in_flight: Self::in_flight_of(4096),
        ..Self::of(500, 1000, 64, 8 << 30)
    };

    /// The defaults for a project: the double, so that no reader alone fills it.
    pub const PROJECT: Self = Self::of(1000, 2000, 128, 16 << 30);

    /// How many requests of one subject may be on their way where so many connections may be open:
    /// an eighth, so that it takes eight who conspire to take all. A few are always permitted.
    #[must_use]
    pub const fn in_flight_of(connections: usize) -> Option<NonZeroU32> {
        const LEAST: usize = 8;
        let most = connections / 8;
        let most = if most < LEAST { LEAST } else { most };
        if most > u32::MAX as usize {
            return Some(NonZeroU32::MAX);
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was looked at")]
        NonZeroU32::new(most as u32)
    }

    const fn of(per_second: u32, burst: u32, queries: u32, bytes: u64) -> Self {
        Self {
            in_flight: None,
            requests: match NonZeroU32::new(burst) {
                Some(burst) => Some(Rate {
                    every: Duration::from_nanos(1_000_000_000 / per_second as u64),
                    burst,
                }),
                None => None,
            },
            queries: NonZeroU32::new(queries),
            bytes_per_minute: NonZeroU64::new(bytes),
        }
    }
}

impl LimitSettings {
    /// Nothing is limited.
    #[must_use]
    pub fn off() -> Self {
        Self {
            subject: Quota::UNLIMITED,
            project: Quota::UNLIMITED,
            query: Bounds::UNLIMITED,
            ..Self::default()
        }
    }

    /// What all readers of this project may use together.
    pub(super) fn of_project(&self, project: &ProjectId) -> Quota {
        let own = self.projects.get(project);
        own.map_or(self.project, |(quota, _)| *quota)
    }

    /// What a query in this project may ask for.
    pub(super) fn bounds_of(&self, project: &ProjectId) -> Bounds {
        let own = self.projects.get(project);
        own.map_or(self.query, |(_, bounds)| *bounds)
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            subject: Quota::SUBJECT,
            project: Quota::PROJECT,
            query: Bounds::default(),
            projects: HashMap::new(),
            queue: Queue::default(),
            pause: Duration::from_secs(1),
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            length: 512,
        }
    }
}
