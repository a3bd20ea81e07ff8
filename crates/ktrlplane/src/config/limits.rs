//! `limits`: what subjects and projects may use, and what a query may ask for.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;
use std::time::Duration;

use gateway::LimitSettings;
use gateway::directory::policy::ProjectId;
use gateway::limit::{Bounds, Queue, Quota, Rate};

use super::layers::{Given as Value, Layers, Wrong};
use super::problem::Problem;
use super::units;

const RATES: RangeInclusive<u32> = 1..=1_000_000;
const BURSTS: RangeInclusive<u32> = 1..=10_000_000;
const QUERIES: RangeInclusive<u32> = 1..=1_000_000;
const IN_FLIGHT: RangeInclusive<u32> = 1..=1_000_000;
const POINTS: RangeInclusive<u32> = 1..=100_000_000;
const BYTES: RangeInclusive<u64> = 1 << 10..=1 << 50;
const LONGEST: Duration = Duration::from_hours(876_000);
const RANGES: RangeInclusive<Duration> = Duration::from_mins(1)..=LONGEST;
const STEPS: RangeInclusive<Duration> = Duration::from_millis(1)..=LONGEST;

/// Values as they are given. `None` is off, but for the burst, which then is the double of its rate.
#[derive(Clone, Copy, Default)]
struct Given {
    requests_per_second: Option<NonZeroU32>,
    burst: Option<NonZeroU32>,
    queries: Option<NonZeroU32>,
    bytes_per_minute: Option<NonZeroU64>,
    max_range: Option<Duration>,
    min_step: Option<Duration>,
    max_points: Option<NonZeroU32>,
}

/// Reads the section.
///
/// So many `connections` of callers may be open, of which one subject takes no more than a part unless
/// somebody says otherwise.
pub(crate) fn read(
    layers: &Layers,
    connections: usize,
    problems: &mut Vec<Problem>,
) -> Option<LimitSettings> {
    let before = problems.len();
    let mut subject = Given::default();
    let mut project = Given::default();
    subject.section(layers, problems, "limits.subject", &QUOTA);
    let in_flight = match layers.given("limits.subject.in_flight") {
        None => Quota::in_flight_of(connections),
        Some(_) => layers
            .require("limits.subject.in_flight", problems, |value| {
                or_off(&value.text, |text| number(text, &IN_FLIGHT))
                    .ok_or_else(|| format!("is {}", value.shown()))
            })
            .flatten(),
    };
    project.section(layers, problems, "limits.project", &QUOTA);
    project.section(layers, problems, "limits.query", &BOUNDS);
    for (path, rate) in [
        ("limits.subject.burst", "limits.subject.requests_per_second"),
        ("limits.project.burst", "limits.project.requests_per_second"),
    ] {
        let is_off = |rate: Value| rate.text.trim().eq_ignore_ascii_case("off");
        if let Some(burst) = layers.given(path)
            && layers.value(rate).is_some_and(is_off)
        {
            problems.push(burst.problem_of(Wrong::beside(
                format!("is given, and {rate} is off"),
                format!("a number for {rate}, or no burst"),
            )));
        }
    }
    let timeout = layers.require("limits.queue.timeout", problems, |given| {
        given.time(Duration::ZERO..=Duration::from_mins(5))
    });
    let length = layers.require("limits.queue.length", problems, |given| {
        let length = given.text.trim().parse().ok();
        let length = length.filter(|length| *length <= 1_000_000);
        length.ok_or_else(|| format!("is {}", given.shown()))
    });
    let projects = match layers.given("limits.projects") {
        None => HashMap::new(),
        Some(given) => match projects(&given.text, project) {
            Ok(projects) => projects,
            Err(wrong) => {
                problems.push(given.problem(wrong));
                HashMap::new()
            }
        },
    };
    if problems.len() > before {
        return None;
    }
    Some(LimitSettings {
        subject: Quota {
            in_flight,
            ..subject.quota()
        },
        project: project.quota(),
        query: project.bounds(),
        projects,
        queue: Queue {
            timeout: timeout?,
            length: length?,
        },
        ..LimitSettings::default()
    })
}

/// What a subject or a project may use.
const QUOTA: [&str; 4] = [
    "requests_per_second",
    "burst",
    "queries",
    "bytes_per_minute",
];

/// What a query may ask for.
const BOUNDS: [&str; 3] = ["max_range", "min_step", "max_points"];

/// The projects of which something else is true than `all`, which holds for the others.
fn projects(text: &str, all: Given) -> Result<HashMap<ProjectId, (Quota, Bounds)>, String> {
    let mut projects = HashMap::new();
    for entry in text.split(',').map(str::trim) {
        let mut words = entry.split_whitespace();
        let id = words.next().unwrap_or_default().trim_end_matches(':');
        let project = ProjectId::new(id)
            .map_err(|error| format!("begins an entry with {id:?}, which is no id: {error}"))?;
        let mut given = all;
        let mut names = Vec::new();
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            if names.contains(&name) {
                return Err(format!("names {name} twice for {id}"));
            }
            names.push(name);
            if name == "requests_per_second" && !names.contains(&"burst") {
                given.burst = None;
            }
            given
                .set(name, value)
                .ok_or_else(|| format!("says {word:?} of {id}"))?;
        }
        if names.is_empty() {
            return Err(format!("says nothing about {id}"));
        }
        if projects
            .insert(project, (given.quota(), given.bounds()))
            .is_some()
        {
            return Err(format!("names {id} twice"));
        }
    }
    Ok(projects)
}

impl Given {
    /// Takes what stands in a section of the configuration.
    fn section(
        &mut self,
        layers: &Layers,
        problems: &mut Vec<Problem>,
        section: &str,
        names: &[&str],
    ) {
        for name in names {
            let path = format!("{section}.{name}");
            if layers.value(&path).is_some() {
                layers.require(&path, problems, |value| {
                    self.set(name, &value.text)
                        .ok_or_else(|| format!("is {}", value.shown()))
                });
            }
        }
    }

    /// Takes a value, if there is one of this name and it may be this.
    fn set(&mut self, name: &str, text: &str) -> Option<()> {
        match name {
            "requests_per_second" => self.requests_per_second = or_off(text, rate)?,
            "burst" => self.burst = Some(number(text, &BURSTS)?),
            "queries" => self.queries = or_off(text, |text| number(text, &QUERIES))?,
            "bytes_per_minute" => self.bytes_per_minute = or_off(text, bytes)?,
            "max_range" => self.max_range = or_off(text, |text| time(text, &RANGES))?,
            "min_step" => self.min_step = or_off(text, |text| time(text, &STEPS))?,
            "max_points" => self.max_points = or_off(text, |text| number(text, &POINTS))?,
            _ => return None,
        }
        Some(())
    }

    fn quota(&self) -> Quota {
        let requests = self.requests_per_second.map(|requests| {
            let double = || requests.saturating_add(requests.get());
            Rate::per_second(requests, self.burst.unwrap_or_else(double))
        });
        Quota {
            in_flight: None,
            requests,
            queries: self.queries,
            bytes_per_minute: self.bytes_per_minute,
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            max_range: self.max_range,
            min_step: self.min_step,
            max_points: self.max_points,
        }
    }
}

/// A value, or none of it. Outer `None`: it is wrong.
#[allow(clippy::option_option, reason = "off and a wrong value are two things")]
fn or_off<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.trim().eq_ignore_ascii_case("off") {
        return Some(None);
    }
    read(text).map(Some)
}

fn rate(text: &str) -> Option<NonZeroU32> {
    number(text, &RATES)
}

fn number(text: &str, limits: &RangeInclusive<u32>) -> Option<NonZeroU32> {
    let number = text.trim().parse().ok()?;
    NonZeroU32::new(number).filter(|_| limits.contains(&number))
}

fn bytes(text: &str) -> Option<NonZeroU64> {
    let bytes = units::parse_bytes(text)?;
    NonZeroU64::new(bytes).filter(|_| BYTES.contains(&bytes))
}

fn time(text: &str, limits: &RangeInclusive<Duration>) -> Option<Duration> {
    let time = Duration::try_from(units::parse_time(text)?).ok()?;
    limits.contains(&time).then_some(time)
}
