//! Log queries: the lines that pass, in order of time over all streams.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::BuildHasher as _;

use query::logql::ast::{LogExpr, Stage};

use super::hints::Hints;
use super::labels::LineLabels;
use super::range::metadata;
use super::stage::Stages;
use super::stream_hash::stream_hash;
use super::work::Work;
use super::{Answer, Direction, Request};
use crate::LogEntry;
use crate::answer::{LineResult, OwnLabels, StreamResult};
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::{Lines, LogLine, Selected, SharedReading, TenantLogs};

/// Bytes of lines and labels in one answer: a template can make a long line of a short one.
const MAX_BYTES: usize = 64 << 20;

/// Evaluates a log query.
pub(super) fn evaluate(
    store: &TenantLogs,
    request: &Request<'_>,
    work: &Work,
    expr: &LogExpr,
) -> Result<Answer, EvalError> {
    let pipeline = Pipeline::new(expr, request.now_ns, work)?;
    let streams = store.select(&expr.selector.matchers, request.start_ns, request.end_ns)?;
    over(&streams, request, work, &pipeline).map(Answer::Streams)
}

/// The pipeline of a log query, compiled once.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    stages: Stages,
    hints: Hints,
}

impl Pipeline {
    /// Compiles the stages. The time is what `now` in a template tells.
    pub(crate) fn new(expr: &LogExpr, now_ns: i64, work: &Work) -> Result<Self, EvalError> {
        Self::of(&expr.stages, now_ns, work)
    }

    /// Compiles stages, likewise.
    pub(super) fn of(stages: &[Stage], now_ns: i64, work: &Work) -> Result<Self, EvalError> {
        let stages = Stages::new(stages, now_ns, work)?;
        let hints = Hints::for_lines(stages.label_tests());
        Ok(Self { stages, hints })
    }

    /// A line of a stream with these labels, and the labels to show it under; `None` if it does not
    /// pass.
    pub(crate) fn line(
        &self,
        labels: &Labels,
        entry: &LogEntry,
        categorize: bool,
        work: &Work,
    ) -> Result<Option<(Labels, LineResult)>, EvalError> {
        let mut labels = LineLabels::new(labels);
        let Some(line) = self.run(entry.as_line(), &mut labels, work)? else {
            return Ok(None);
        };
        let line = line.into_owned();
        let (labels, own) = shown(&labels, categorize);
        let time_ns = entry.timestamp_ns;
        Ok(Some((labels, LineResult { time_ns, line, own })))
    }

    pub(super) fn run<'l>(
        &self,
        entry: LogLine<'l>,
        labels: &mut LineLabels<'_>,
        work: &Work,
    ) -> Result<Option<Cow<'l, str>>, EvalError> {
        labels.reset(metadata(entry.structured_metadata));
        self.stages
            .run(entry.timestamp_ns, entry.line, labels, &self.hints, work)
    }
}

/// Evaluates a log query over streams that were selected, within the time of the request.
pub(crate) fn over(
    streams: &[Selected<LogEntry>],
    request: &Request<'_>,
    work: &Work,
    pipeline: &Pipeline,
) -> Result<Vec<StreamResult>, EvalError> {
    let mut collected = Collected {
        streams: Vec::new(),
        ids: HashMap::new(),
    };
    walk(streams, request, work, pipeline, |passed| {
        let (labels, own) = shown(passed.labels, request.categorize);
        let of_own = |own: &OwnLabels| own.metadata.size() + own.parsed.size();
        let bytes = labels.size() + own.as_ref().map_or(0, of_own);
        let line = LineResult {
            time_ns: passed.time_ns,
            line: passed.line.into_owned(),
            own,
        };
        collected.push(labels, line);
        bytes
    })?;
    let mut streams = collected.streams;
    // Loki orders them by their labels' text, in which `a1` comes before `a`.
    streams.sort_by_cached_key(|stream| stream.labels.to_string());
    Ok(streams)
}

/// The labels that a line is shown under, and those that are shown beside it if they are wanted by
/// category.
fn shown(labels: &LineLabels<'_>, categorize: bool) -> (Labels, Option<OwnLabels>) {
    if categorize {
        let (stream, own) = labels.categorized();
        (stream, Some(own))
    } else {
        (labels.result(), None)
    }
}

/// A line that passed the pipeline.
pub(crate) struct Passed<'a> {
    /// Its stream.
    pub(crate) stream: &'a Labels,
    /// Its labels as the pipeline left them.
    pub(crate) labels: &'a LineLabels<'a>,
    /// Its time, in nanoseconds since the Unix epoch.
    pub(crate) time_ns: i64,
    /// Its text as the pipeline left it.
    pub(crate) line: Cow<'a, str>,
}

/// Shows the lines that pass to `visit`, in the order and up to the limit of the request. It tells
/// how many bytes it keeps beside the line's.
pub(crate) fn walk(
    streams: &[Selected<LogEntry>],
    request: &Request<'_>,
    work: &Work,
    pipeline: &Pipeline,
    mut visit: impl FnMut(Passed<'_>) -> usize,
) -> Result<(), EvalError> {
    let reading = SharedReading::default();
    let needle = pipeline.stages.needle();
    let is_backward = match request.direction {
        Direction::Forward => false,
        Direction::Backward => true,
    };
    let mut sources: Vec<Source<'_>> = streams
        .iter()
        .map(|stream| Source {
            lines: Lines::new(stream, &reading, is_backward, needle.as_ref()).until(request.stop),
            stream: &stream.labels,
            hash: stream_hash(&stream.labels),
            labels: LineLabels::new(&stream.labels),
            latest: (i64::MIN, Vec::new()),
        })
        .collect();
    // Always the stream whose next line is due: lines beyond the limit are never looked at. Of lines
    // of one time, those of the stream with the smaller hash come first in either direction.
    let mut next: BinaryHeap<Reverse<(i64, u64, usize)>> = BinaryHeap::with_capacity(sources.len());
    let due = |time: i64| match request.direction {
        Direction::Forward => time,
        Direction::Backward => time.saturating_neg(),
    };
    for (index, source) in sources.iter_mut().enumerate() {
        if source.lines.advance()? {
            next.push(Reverse((due(source.lines.time()), source.hash, index)));
        }
    }
    let (mut count, mut bytes) = (0_usize, 0_usize);
    let mut last: Option<i64> = None;
    while count < request.limit
        && let Some(Reverse((_, _, index))) = next.pop()
    {
        let Some(source) = sources.get_mut(index) else {
            continue;
        };
        let time = source.lines.time();
        let entry = source.lines.line()?;
        work.read(entry.line)?;
        if let Some(line) = pipeline.run(entry, &mut source.labels, work)? {
            let is_due =
                last.is_none_or(|last| time.abs_diff(last) >= request.interval_ns.unsigned_abs());
            if is_due && !is_repeated(&mut source.latest, time, &line, &source.labels) {
                last = Some(time);
                count += 1;
                let own = line.len();
                let beside = visit(Passed {
                    stream: source.stream,
                    labels: &source.labels,
                    time_ns: time,
                    line,
                });
                work.spend(own + beside)?;
                bytes += own + beside;
                if bytes > MAX_BYTES {
                    return Err(EvalError::Limit(format!(
                        "the answer would have more than {MAX_BYTES} bytes; ask for fewer lines"
                    )));
                }
            }
        }
        if source.lines.advance()? {
            next.push(Reverse((due(source.lines.time()), source.hash, index)));
        }
    }
    Ok(())
}

/// A stream, read in the query's direction.
struct Source<'a> {
    lines: Lines<'a>,
    stream: &'a Labels,
    hash: u64,
    labels: LineLabels<'a>,
    /// The time of the last line that passed, and the hashes of those that passed at this time.
    latest: (i64, Vec<u64>),
}

/// Whether a line of this time, text and labels passed before; if not, it is remembered. Loki leaves
/// such lines out: a template may have made them the same.
fn is_repeated(
    latest: &mut (i64, Vec<u64>),
    time: i64,
    line: &str,
    labels: &LineLabels<'_>,
) -> bool {
    let (at, seen) = latest;
    if *at != time {
        *at = time;
        seen.clear();
    }
    let hash = foldhash::quality::FixedState::default().hash_one((line, labels.result()));
    let is_repeated = seen.contains(&hash);
    if !is_repeated {
        seen.push(hash);
    }
    is_repeated
}

/// Lines by the labels that the pipeline left.
struct Collected {
    streams: Vec<StreamResult>,
    ids: HashMap<Labels, usize>,
}

impl Collected {
    fn push(&mut self, labels: Labels, line: LineResult) {
        let id = *self.ids.entry(labels.clone()).or_insert(self.streams.len());
        match self.streams.get_mut(id) {
            Some(stream) => stream.entries.push(line),
            None => self.streams.push(StreamResult {
                labels,
                entries: vec![line],
            }),
        }
    }
}
