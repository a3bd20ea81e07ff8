//! Log queries: the lines that pass, in order of time over all streams.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use query::logql::ast::LogExpr;

use super::hints::Hints;
use super::labels::LineLabels;
use super::range::metadata;
use super::stage::Stages;
use super::{Answer, CHECK_EVERY, Direction, Request};
use crate::LogEntry;
use crate::answer::StreamResult;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::TenantLogs;

/// Evaluates a log query.
pub(super) fn evaluate(
    store: &TenantLogs,
    request: &Request<'_>,
    expr: &LogExpr,
) -> Result<Answer, EvalError> {
    let stages = Stages::new(&expr.stages, request.now_ns)?;
    let hints = Hints::for_lines(stages.label_tests());
    let streams = store.select(&expr.selector.matchers, request.start_ns, request.end_ns)?;
    let mut sources: Vec<Source<'_>> = streams
        .iter()
        .map(|stream| Source {
            entries: match request.direction {
                Direction::Forward => Box::new(stream.entries()),
                Direction::Backward => Box::new(stream.entries().rev()),
            },
            labels: LineLabels::new(&stream.labels),
        })
        .collect();
    // Always the stream whose next line is due: lines beyond the limit are never looked at.
    let mut next: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::with_capacity(sources.len());
    let mut waiting: Vec<Option<&LogEntry>> = vec![None; sources.len()];
    let due = |time: i64| match request.direction {
        Direction::Forward => time,
        Direction::Backward => time.saturating_neg(),
    };
    for (index, (source, slot)) in sources.iter_mut().zip(&mut waiting).enumerate() {
        *slot = source.entries.next();
        if let Some(entry) = slot {
            next.push(Reverse((due(entry.timestamp_ns), index)));
        }
    }
    let mut collected = Collected {
        streams: Vec::new(),
        ids: HashMap::new(),
    };
    let (mut seen, mut count) = (0_usize, 0_usize);
    let mut last: Option<i64> = None;
    while count < request.limit
        && let Some(Reverse((_, index))) = next.pop()
    {
        seen += 1;
        if seen.is_multiple_of(CHECK_EVERY) {
            request.stop.check()?;
        }
        let (Some(source), Some(slot)) = (sources.get_mut(index), waiting.get_mut(index)) else {
            continue;
        };
        let Some(entry) = slot.take() else {
            continue;
        };
        let time = entry.timestamp_ns;
        source.labels.reset(metadata(&entry.structured_metadata));
        if let Some(line) = stages.run(time, &entry.line, &mut source.labels, &hints) {
            let is_due =
                last.is_none_or(|last| time.abs_diff(last) >= request.interval_ns.unsigned_abs());
            if is_due {
                last = Some(time);
                count += 1;
                collected.push(source.labels.result(), time, line.into_owned());
            }
        }
        *slot = source.entries.next();
        if let Some(entry) = slot {
            next.push(Reverse((due(entry.timestamp_ns), index)));
        }
    }
    let mut streams = collected.streams;
    streams.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(Answer::Streams(streams))
}

/// A stream, read in the query's direction.
struct Source<'a> {
    entries: Box<dyn Iterator<Item = &'a LogEntry> + 'a>,
    labels: LineLabels<'a>,
}

/// Lines by the labels that the pipeline left.
struct Collected {
    streams: Vec<StreamResult>,
    ids: HashMap<Labels, usize>,
}

impl Collected {
    fn push(&mut self, labels: Labels, time: i64, line: String) {
        let id = *self.ids.entry(labels.clone()).or_insert(self.streams.len());
        match self.streams.get_mut(id) {
            Some(stream) => stream.entries.push((time, line)),
            None => self.streams.push(StreamResult {
                labels,
                entries: vec![(time, line)],
            }),
        }
    }
}
