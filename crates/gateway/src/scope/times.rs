//! The times that a request is about: checked, and written out where it is limited how much they may
//! be.
//!
//! The backends fill in what a caller leaves out, each by rules of its own: Loki begins an hour before
//! the end and divides what is between into steps, Prometheus looks at all that there is. Where a
//! limit stands, whatever is left out is filled in here by the same rules and goes upstream written
//! out, so that the backend does what was checked and calculates nothing anew.

use std::time::Duration;

use super::Context;
use super::parameters::{Nanos, Parameters, Value};
use super::prometheus;
use crate::error::Flaw;
use crate::limit::{Beyond, Bounds, beyond};
use crate::routes::{Backend, Endpoint};
use jiff::Timestamp;

/// How long before its end a request to Loki starts, where it says nothing else.
const LOKIS_RANGE: Duration = Duration::from_hours(1);

/// Into how many steps Loki divides the time of a request that names none; a step is a second at the
/// least.
const LOKIS_STEPS: u64 = 250;

/// The times of a request, none of them left to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    start: Nanos,
    end: Nanos,
    /// Where the endpoint takes one.
    step: Option<Duration>,
}

/// What goes upstream for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// What the caller gave, or what stands for its absence.
    Given,
    /// This value.
    Written(Value<'static>),
    /// Nothing: others say it.
    Nothing,
}

impl Times {
    /// What goes upstream for the parameter of this name.
    pub(super) fn sent(&self, name: &str) -> Sent {
        match name {
            "start" => Sent::Written(Value::Time(self.start)),
            "end" => Sent::Written(Value::Time(self.end)),
            "since" => Sent::Nothing,
            "step" => match self.step {
                Some(step) => Sent::Written(Value::Duration(step)),
                None => Sent::Given,
            },
            _ => Sent::Given,
        }
    }
}

/// Checks the times of a request that has some. Answers with those that are to be written out: none
/// where the backend's own limits are the only ones.
///
/// # Errors
/// A sentence for the caller.
pub(super) fn check(
    endpoint: &Endpoint,
    given: &Parameters<'_>,
    context: Context<'_>,
) -> Result<Option<Times>, Beyond> {
    let takes = |name| endpoint.parameters.iter().any(|known| known.name == name);
    if !takes("start") || !takes("end") {
        return Ok(None);
    }
    let bounds = context.bounds;
    let now = Nanos::of(context.now);
    let (start, end) = (time(given, "start"), time(given, "end"));
    let until = end.unwrap_or(now);
    let start = match (start, endpoint.backend) {
        (Some(start), _) => start,
        // From the end on, and where that is still to come from now on.
        (None, Backend::Loki) => {
            let since = duration(given, "since").unwrap_or(default_range(bounds));
            until.min(now).before(since)
        }
        // Without a start, Prometheus looks at all that there is.
        (None, Backend::Mimir) if bounds.max_range.is_some() => {
            return Err(beyond(
                Flaw::Parameter,
                "start: this parameter is required, because it is limited how much is answered at \
                 once (limits.query.max_range)",
            ));
        }
        (None, Backend::Mimir) => return Ok(None),
    };
    let is_written = bounds.are_stricter_than_the_backends();
    if is_written && start > until {
        return Err(beyond(
            Flaw::Parameter,
            "start: is still to come, and without an end it is asked up to now: name an end",
        ));
    }
    let range = until.since(start);
    bounds.check_range(range)?;
    let step = duration(given, "step");
    if let Some(step) = step {
        bounds.check_step(step, range)?;
    }
    Ok(is_written.then(|| Times {
        start,
        end: until,
        // To Prometheus each step is the caller's.
        step: step.or_else(|| takes("step").then(|| default_step(range, bounds))),
    }))
}

/// How far back a query looks for a sample, where the caller says so.
pub(super) fn lookback(given: &Parameters<'_>) -> Duration {
    duration(given, "lookback_delta").unwrap_or_default()
}

/// Where a tail begins, which has no end. None where the backend may decide.
///
/// # Errors
/// A sentence for the caller.
pub(super) fn tail_start(
    start: Option<Nanos>,
    bounds: Bounds,
    now: Timestamp,
) -> Result<Option<Nanos>, Beyond> {
    if bounds.max_range.is_none() {
        return Ok(None);
    }
    let now = Nanos::of(now);
    let start = start.unwrap_or(now.before(default_range(bounds)));
    bounds.check_tail(now.since(start))?;
    Ok(Some(start))
}

/// Where a tail goes on that broke off at `start`: there, or as far back as may be asked.
pub(super) fn tail_resumed(start: Nanos, bounds: Bounds, now: Timestamp) -> Nanos {
    let oldest = bounds.max_range.map(|most| Nanos::of(now).before(most));
    oldest.map_or(start, |oldest| start.max(oldest))
}

/// The parameters, as a URL has them, that ask Prometheus for as much as may be asked; empty where
/// that is everything.
pub(crate) fn all_that_may_be_asked(bounds: Bounds, now: Timestamp) -> String {
    let Some(most) = bounds.max_range else {
        return String::new();
    };
    let end = Nanos::of(now);
    let start = end.before(most).max(Nanos(0));
    let [start, end] = [start, end].map(prometheus::time);
    format!("start={start}&end={end}")
}

/// How long before its end a request to Loki starts that does not say it: no more than it may.
fn default_range(bounds: Bounds) -> Duration {
    bounds
        .max_range
        .map_or(LOKIS_RANGE, |most| LOKIS_RANGE.min(most))
}

/// The step of a request to Loki that names none: Loki's own, in whole seconds, or as long as it has
/// to be.
fn default_step(range: Duration, bounds: Bounds) -> Duration {
    let own = Duration::from_secs((range.as_secs() / LOKIS_STEPS).max(1));
    let of_few_points = bounds.max_points.map_or(Duration::ZERO, |most| {
        let rounded_up = u64::from(range.subsec_nanos() > 0);
        let seconds = range.as_secs().saturating_add(rounded_up);
        Duration::from_secs(seconds.div_ceil(u64::from(most.get())))
    });
    own.max(of_few_points)
        .max(bounds.min_step.unwrap_or_default())
}

fn time(given: &Parameters<'_>, name: &str) -> Option<Nanos> {
    match given.get(name) {
        Some(Value::Time(time)) => Some(*time),
        Some(Value::Text(_) | Value::Duration(_)) | None => None,
    }
}

fn duration(given: &Parameters<'_>, name: &str) -> Option<Duration> {
    match given.get(name) {
        Some(Value::Duration(duration)) => Some(*duration),
        Some(Value::Text(_) | Value::Time(_)) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn without_a_step_there_are_as_many_as_loki_makes() {
        for (seconds, step) in [
            (0, 1),
            (249, 1),
            (499, 1),
            (500, 2),
            (749, 2),
            (3600, 14),
            (86_400, 345),
        ] {
            let range = Duration::from_secs(seconds);
            let made = default_step(range, Bounds::default());
            assert_eq!(made, Duration::from_secs(step), "{seconds}");
        }
    }

    #[test]
    fn without_a_step_no_limit_of_steps_is_met() {
        let bounds = Bounds {
            min_step: Some(Duration::from_secs(15)),
            max_points: NonZeroU32::new(100),
            ..Bounds::UNLIMITED
        };
        for range in [
            Duration::ZERO,
            HOUR / 2,
            HOUR,
            HOUR + Duration::from_nanos(1),
            HOUR * 24 * 365,
        ] {
            let step = default_step(range, bounds);
            assert_eq!(bounds.check_step(step, range), Ok(()), "{range:?}");
        }
        assert_eq!(default_step(HOUR / 2, bounds), Duration::from_secs(18));
        assert_eq!(default_step(HOUR / 60, bounds), Duration::from_secs(15));
    }

    #[test]
    fn a_default_is_no_longer_than_what_may_be_asked() {
        assert_eq!(default_range(Bounds::UNLIMITED), HOUR);
        for (most, range) in [(HOUR / 2, HOUR / 2), (HOUR * 2, HOUR)] {
            let bounds = Bounds {
                max_range: Some(most),
                ..Bounds::UNLIMITED
            };
            assert_eq!(default_range(bounds), range);
        }
    }
}
