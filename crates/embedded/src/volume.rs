//! How much there is of which logs, in bytes of lines and structured metadata.

use std::collections::{BTreeMap, HashMap, HashSet};

use query::{MatchOp, Matcher, Text};

use crate::LogEntry;
use crate::answer::{MatrixSeries, Point};
use crate::labels::Labels;
use crate::limits::{EvalError, Stop};
use crate::store::{Lines, LogLine, Selected, SharedReading, TenantLogs};

/// Series in one answer, as Loki's `volume_max_series`.
pub(crate) const MAX_SERIES: usize = 1_000;
/// A step of a range ends this long before the next begins.
const GAP_NS: i64 = 1_000_000;
const MILLI_NS: i64 = 1_000_000;
/// Streams between two looks at whether anybody still waits.
const CHECK_EVERY: usize = 64;
/// Lines of one stream, likewise.
const LINES_PER_CHECK: usize = 4_096;

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregation {
    /// Streams that are alike in the labels that matter.
    Series,
    /// Streams that have a label, whatever its value.
    Labels,
}

/// A question for volumes.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    /// Length of the steps, which begin at its multiples; `None` for one step over all the time.
    pub(crate) step_ns: Option<i64>,
    /// Series per step, the greatest first.
    pub(crate) limit: usize,
    /// The labels that matter; if there are none, those of the matchers.
    pub(crate) targets: Vec<String>,
    pub(crate) by: Aggregation,
    pub(crate) stop: &'a Stop,
}

/// Sums of a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) streams: usize,
    pub(crate) chunks: usize,
    pub(crate) bytes: usize,
    pub(crate) entries: usize,
}

/// The sums of the lines in these streams.
pub(crate) fn stats(streams: &[Selected<LogEntry>], stop: &Stop) -> Result<Stats, EvalError> {
    let mut sums = Stats {
        streams: streams.len(),
        ..Stats::default()
    };
    let reading = SharedReading::default();
    for (at, stream) in streams.iter().enumerate() {
        if at % CHECK_EVERY == 0 {
            stop.check()?;
        }
        sums.chunks += stream.chunks();
        let mut lines = Lines::forward(stream, &reading);
        while lines.advance()? {
            sums.entries += 1;
            let bytes = size(lines.line()?);
            sums.bytes += bytes;
            stop.count(bytes)?;
            if sums.entries.is_multiple_of(LINES_PER_CHECK) {
                stop.check()?;
            }
        }
    }
    Ok(sums)
}

/// The volumes, the greatest first, each at the end of its step.
pub(crate) fn volumes(
    logs: &TenantLogs,
    mut request: Request<'_>,
) -> Result<Vec<MatrixSeries>, EvalError> {
    let names = names(&mut request);
    let streams = logs.select(&request.matchers, request.start_ns, request.end_ns)?;
    let mut steps: BTreeMap<i64, HashMap<Labels, usize>> = BTreeMap::new();
    let mut series: HashSet<Labels> = HashSet::new();
    let mut seen = 0_usize;
    let reading = SharedReading::default();
    for (at, stream) in streams.iter().enumerate() {
        if at % CHECK_EVERY == 0 {
            request.stop.check()?;
        }
        let groups = groups(&stream.labels, names.as_ref(), request.by);
        series.extend(groups.iter().cloned());
        if series.len() > MAX_SERIES {
            return Err(EvalError::Limit(format!(
                "the query hit the max number of series limit (limit: {MAX_SERIES} series)"
            )));
        }
        let mut sums: BTreeMap<i64, usize> = BTreeMap::new();
        let mut lines = Lines::forward(stream, &reading);
        while lines.advance()? {
            let bytes = size(lines.line()?);
            *sums.entry(request.end_of_step(lines.time())).or_default() += bytes;
            request.stop.count(bytes)?;
            seen += 1;
            if seen.is_multiple_of(LINES_PER_CHECK) {
                request.stop.check()?;
            }
        }
        for (end, bytes) in sums {
            let step = steps.entry(end).or_default();
            for group in &groups {
                *step.entry(group.clone()).or_default() += bytes;
            }
        }
    }
    Ok(listed(steps, request.limit))
}

/// The greatest of every step, as series by their first value.
#[allow(clippy::cast_precision_loss)] // exact up to petabytes, which are not kept in memory
fn listed(steps: BTreeMap<i64, HashMap<Labels, usize>>, limit: usize) -> Vec<MatrixSeries> {
    let mut points: BTreeMap<Labels, Vec<Point>> = BTreeMap::new();
    for (end, sums) in steps {
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (labels, bytes) in sums.into_iter().take(limit) {
            points.entry(labels).or_default().push(Point {
                timestamp_ms: end.div_euclid(MILLI_NS),
                value: bytes as f64,
            });
        }
    }
    let mut all: Vec<_> = points
        .into_iter()
        .map(|(labels, points)| MatrixSeries { labels, points })
        .collect();
    let first = |series: &MatrixSeries| series.points.first().map_or(0.0, |point| point.value);
    all.sort_by(|a, b| first(b).total_cmp(&first(a)));
    all
}

/// The labels that matter, `None` for all of them. A stream that lacks one that was asked for does
/// not count.
fn names(request: &mut Request<'_>) -> Option<HashSet<String>> {
    if request.targets.is_empty() {
        let named = request
            .matchers
            .iter()
            .map(|matcher| matcher.name.to_string());
        return (!request.matchers.is_empty() && request.by == Aggregation::Series)
            .then(|| named.collect());
    }
    for target in &request.targets {
        if !request
            .matchers
            .iter()
            .any(|matcher| matcher.name == *target)
        {
            request.matchers.push(Matcher {
                name: target.as_str().into(),
                op: MatchOp::Regex,
                value: Text::from(".+"),
            });
        }
    }
    Some(request.targets.iter().cloned().collect())
}

fn groups(labels: &Labels, names: Option<&HashSet<String>>, by: Aggregation) -> Vec<Labels> {
    let matters = |name: &str| names.is_none_or(|names| names.contains(name));
    match by {
        Aggregation::Series => vec![labels.filter(matters)],
        Aggregation::Labels => labels
            .iter()
            .filter(|(name, _)| matters(name))
            .map(|(name, _)| Labels::keeping_empty(vec![(name.to_owned(), String::new())]))
            .collect(),
    }
}

impl Request<'_> {
    fn end_of_step(&self, time_ns: i64) -> i64 {
        let Some(step) = self.step_ns else {
            return self.end_ns;
        };
        let next = time_ns
            .div_euclid(step)
            .saturating_add(1)
            .saturating_mul(step);
        if next < self.end_ns {
            next.saturating_sub(GAP_NS)
        } else {
            self.end_ns
        }
    }
}

fn size(entry: LogLine<'_>) -> usize {
    let metadata = entry.structured_metadata.iter();
    let metadata = metadata.map(|(name, value)| name.len() + value.len());
    entry.line.len() + metadata.sum::<usize>()
}
