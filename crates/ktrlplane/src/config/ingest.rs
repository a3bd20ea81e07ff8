//! `ingest`: what a write may hold, and how much a project may send.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use gateway::ingest::{Limits, Rate};

use super::layers::{Given, Layers, Wrong};
use super::problem::Problem;
use super::units;

const BYTES: RangeInclusive<u32> = 1..=1 << 30;
const ROOM: RangeInclusive<u32> = 1..=u32::MAX;
const COUNTS: RangeInclusive<u32> = 1..=10_000_000;
const LONGEST: Duration = Duration::from_hours(876_000);

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Limits> {
    let mut size = |path, limits: RangeInclusive<u32>| {
        let number = layers.require(path, problems, |given| number(given, &limits));
        number.and_then(|number| usize::try_from(number).ok())
    };
    let body = size("ingest.max_body_bytes", BYTES);
    let decompressed = size("ingest.max_decompressed_bytes", BYTES);
    let streams = size("ingest.max_streams", COUNTS);
    let entries = size("ingest.max_entries", COUNTS);
    let labels = size("ingest.max_labels", COUNTS);
    let name = size("ingest.max_label_name_bytes", BYTES);
    let value = size("ingest.max_label_value_bytes", BYTES);
    let line = size("ingest.max_line_bytes", BYTES);
    let max_age = match layers.given("ingest.max_age") {
        Some(_) => Some(layers.require("ingest.max_age", problems, |given| {
            given.time(Duration::from_mins(1)..=LONGEST)
        })?),
        None => None,
    };
    let max_ahead = layers.require("ingest.max_ahead", problems, |given| {
        given.time(Duration::ZERO..=LONGEST)
    });
    let rate = rate(layers, problems, decompressed)?;
    let (room, project_room) = room(layers, problems, body?, decompressed?)?;
    Some(Limits {
        compressed: body?,
        decompressed: decompressed?,
        // What a batch takes once it is decoded: most take less than twice their own length.
        decoded: decompressed?.saturating_mul(4),
        streams: streams?,
        entries: entries?,
        labels: labels?,
        name: name?,
        value: value?,
        line: line?,
        max_age,
        max_ahead: Some(max_ahead?),
        room,
        project_room,
        rate,
    })
}

/// What all writes on their way may hold, and those of one project: a quarter of it unless it is given.
fn room(
    layers: &Layers,
    problems: &mut Vec<Problem>,
    body: usize,
    decompressed: usize,
) -> Option<(usize, usize)> {
    let bytes = |given: &Given| {
        let number = number(given, &ROOM)?;
        usize::try_from(number).map_err(|_| format!("is {}", given.shown()))
    };
    // Arriving, a batch may hold twice its length. With less there would be batches that are never
    // taken.
    let (largest, of) = if body > decompressed {
        (body, "ingest.max_body_bytes")
    } else {
        (decompressed, "ingest.max_decompressed_bytes")
    };
    let least = largest.saturating_mul(2);
    let size = |bytes: usize| units::bytes(bytes as u64);
    if layers.given("ingest.project_in_flight_bytes").is_none() {
        let room = layers.require_beside("ingest.in_flight_bytes", problems, |given| {
            let room = bytes(given)?;
            if room / 4 < least {
                return Err(Wrong::beside(
                    format!(
                        "is {}, of which each project has a quarter, which is less than twice {of}",
                        given.shown()
                    ),
                    format!(
                        "at least {} (eight times {of}), or ingest.project_in_flight_bytes beside it",
                        size(least.saturating_mul(4))
                    ),
                ));
            }
            Ok(room)
        })?;
        return Some((room, room / 4));
    }
    let room = layers.require("ingest.in_flight_bytes", problems, bytes)?;
    let share = layers.require_beside("ingest.project_in_flight_bytes", problems, |given| {
        let share = bytes(given)?;
        if share > room {
            return Err(Wrong::beside(
                format!(
                    "is {}, which is more than ingest.in_flight_bytes",
                    given.shown()
                ),
                format!("at most {} (ingest.in_flight_bytes)", size(room)),
            ));
        }
        if share < least {
            return Err(Wrong::beside(
                format!("is {}, which is less than twice {of}", given.shown()),
                format!("at least {} (twice {of})", size(least)),
            ));
        }
        Ok(share)
    })?;
    Some((room, share))
}

fn number(given: &Given, limits: &RangeInclusive<u32>) -> Result<u32, String> {
    let number = u32::try_from(units::parse_bytes(&given.text).unwrap_or(u64::MAX)).ok();
    let number = number.filter(|number| limits.contains(number));
    number.ok_or_else(|| format!("is {}", given.shown()))
}

/// The rate, if there is to be one. Outer `None`: it is wrong.
#[allow(
    clippy::option_option,
    reason = "no rate and a wrong one are two things"
)]
fn rate(
    layers: &Layers,
    problems: &mut Vec<Problem>,
    decompressed: Option<usize>,
) -> Option<Option<Rate>> {
    if layers.given("ingest.rate_bytes").is_none() {
        if let Some(burst) = layers.given("ingest.burst_bytes") {
            let wrong = "is given without ingest.rate_bytes".to_owned();
            let expected = "ingest.rate_bytes beside it".to_owned();
            problems.push(burst.problem_of(Wrong::beside(wrong, expected)));
            return None;
        }
        return Some(None);
    }
    let bytes = |given: &Given| {
        let number = number(given, &BYTES)?;
        NonZeroU32::new(number).ok_or_else(|| format!("is {}", given.shown()))
    };
    let bytes_per_second = layers.require("ingest.rate_bytes", problems, bytes)?;
    let largest = decompressed.and_then(|bytes| u32::try_from(bytes).ok());
    let largest = largest.and_then(NonZeroU32::new)?;
    let burst = if layers.given("ingest.burst_bytes").is_some() {
        layers.require_beside("ingest.burst_bytes", problems, |given| {
            let burst = bytes(given)?;
            // Otherwise there would be batches that are never taken, however long a sender waits.
            if burst < largest {
                return Err(Wrong::beside(
                    format!(
                        "is {}, which is less than ingest.max_decompressed_bytes",
                        given.shown()
                    ),
                    format!(
                        "at least {} (ingest.max_decompressed_bytes)",
                        units::bytes(largest.get().into())
                    ),
                ));
            }
            Ok(burst)
        })?
    } else {
        bytes_per_second
            .saturating_mul(NonZeroU32::MIN.saturating_add(1))
            .max(largest)
    };
    Some(Some(Rate {
        bytes_per_second,
        burst,
    }))
}
