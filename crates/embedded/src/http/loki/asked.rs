//! Parameters that several of Loki's endpoints share, with Loki's defaults.

use super::{Refusal, bad};
use crate::http::params::Params;
use crate::http::times;
use crate::logql::{Direction, go};

/// Lines in an answer if the request does not say.
pub(super) const DEFAULT_LIMIT: usize = 100;
const HOUR_NS: i64 = 3_600_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// What the parameters say, before the query itself is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
    pub(super) step_ns: i64,
    pub(super) interval_ns: i64,
    pub(super) limit: usize,
    pub(super) direction: Direction,
    pub(super) instant: bool,
}

pub(super) fn range(params: &Params, now: i64) -> Result<Asked, Refusal> {
    let (start_ns, end_ns) = ordered_bounds(params, now)?;
    let limit = limit(params)?;
    let direction = direction(params)?;
    let step_ns = step(params, start_ns, end_ns)?;
    let interval_ns = match params.get("interval") {
        "" => 0,
        written => times::duration(written).map_err(bad)?,
    };
    if interval_ns < 0 {
        return Err(bad("interval must be >= 0"));
    }
    Ok(Asked {
        start_ns,
        end_ns,
        step_ns,
        interval_ns,
        limit,
        direction,
        instant: false,
    })
}

/// `start` and `end`; without a start, `since` (one hour by default) before the end, or before now
/// where the end is later.
pub(super) fn bounds(params: &Params, now: i64) -> Result<(i64, i64), Refusal> {
    let since = match params.get("since") {
        "" => HOUR_NS,
        written => times::prometheus_duration(written).ok_or_else(|| {
            bad(format!(
                "could not parse 'since' parameter: not a valid duration string: {written:?}"
            ))
        })?,
    };
    let end = time(params.get("end"), now)
        .map_err(|error| bad(format!("could not parse 'end' parameter: {error}")))?;
    let start = time(params.get("start"), end.min(now).saturating_sub(since))
        .map_err(|error| bad(format!("could not parse 'start' parameter: {error}")))?;
    Ok((start, end))
}

/// `step`: about 250 of them make up the time if the request does not say, and 11,000 at most.
pub(super) fn step(params: &Params, start_ns: i64, end_ns: i64) -> Result<i64, Refusal> {
    let length = end_ns.saturating_sub(start_ns);
    let step_ns = match params.get("step") {
        "" => (length / SECOND_NS / 250).max(1).saturating_mul(SECOND_NS),
        written => times::duration(written).map_err(bad)?,
    };
    if step_ns <= 0 {
        return Err(bad(
            "zero or negative query resolution step widths are not accepted. Try a positive \
             integer",
        ));
    }
    if length / step_ns > 11_000 {
        return Err(bad(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the \
             value of the step parameter",
        ));
    }
    Ok(step_ns)
}

/// `start` and `end`, which come in this order.
pub(super) fn ordered_bounds(params: &Params, now: i64) -> Result<(i64, i64), Refusal> {
    let (start, end) = bounds(params, now)?;
    if end < start {
        return Err(bad(
            "end timestamp must not be before or equal to start time",
        ));
    }
    Ok((start, end))
}

/// A time as Loki reads it: RFC 3339, seconds with a fraction, seconds of up to ten digits, or
/// nanoseconds.
pub(super) fn time(written: &str, default: i64) -> Result<i64, String> {
    if written.is_empty() {
        return Ok(default);
    }
    if written.contains('.')
        && let Some(time) = times::fractional_seconds(written)
    {
        return Ok(time);
    }
    let parsed = match written.parse::<i64>() {
        Ok(seconds) if written.len() <= 10 => seconds.checked_mul(SECOND_NS),
        Ok(nanos) => Some(nanos),
        Err(_) => times::rfc3339(written),
    };
    parsed.ok_or_else(|| {
        format!(
            "strconv.ParseInt: parsing {}: invalid syntax",
            go::quote(written)
        )
    })
}

pub(super) fn limit(params: &Params) -> Result<usize, Refusal> {
    count(params.get("limit"), DEFAULT_LIMIT)
}

/// A number of things above 0, or `default` where none is given.
pub(super) fn count(written: &str, default: usize) -> Result<usize, Refusal> {
    if written.is_empty() {
        return Ok(default);
    }
    let limit = written.parse::<i64>().map_err(|_| {
        bad(format!(
            "strconv.Atoi: parsing {}: invalid syntax",
            go::quote(written)
        ))
    })?;
    if limit <= 0 {
        return Err(bad("limit must be a positive value"));
    }
    u32::try_from(limit)
        .ok()
        .and_then(|limit| usize::try_from(limit).ok())
        .ok_or_else(|| {
            bad(format!(
                "limit value {limit} is out of range [0, {}]",
                u32::MAX
            ))
        })
}

pub(super) fn direction(params: &Params) -> Result<Direction, Refusal> {
    match params.get("direction").to_ascii_lowercase().as_str() {
        "" | "backward" => Ok(Direction::Backward),
        "forward" => Ok(Direction::Forward),
        _ => Err(bad(format!(
            "invalid direction '{}'",
            params.get("direction")
        ))),
    }
}
