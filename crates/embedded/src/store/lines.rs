//! The lines of a selected stream, one after another in either direction, without all of them in
//! memory.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use memchr::memmem;

use crate::LogEntry;
use crate::limits::{EvalError, Stop};
use crate::store::disk::Damaged;
use crate::store::disk::codec::logs::Block;
use crate::store::disk::reading::{Reading, Stored};
use crate::store::selected::{Part, Selected};

/// A log line where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLine<'a> {
    /// Nanoseconds since the Unix epoch.
    pub(crate) timestamp_ns: i64,
    pub(crate) line: &'a str,
    pub(crate) structured_metadata: &'a [(String, String)],
}

impl LogEntry {
    pub(crate) fn as_line(&self) -> LogLine<'_> {
        LogLine {
            timestamp_ns: self.timestamp_ns,
            line: &self.line,
            structured_metadata: &self.structured_metadata,
        }
    }
}

/// A text that every line which is wanted has in it. Lines without it may be left out, and those in
/// one block are not even looked at.
#[derive(Clone, Debug)]
pub(crate) struct Needle(memmem::Finder<'static>);

impl Needle {
    pub(crate) fn new(text: &[u8]) -> Self {
        Self(memmem::Finder::new(text).into_owned())
    }

    /// The lines among `range` that may have the text, the last one first. One that has it only
    /// together with the line behind may be among them, which the query's own test finds out.
    fn lines(&self, block: &Block, range: Range<usize>) -> Vec<usize> {
        let mut found = Vec::new();
        let Some(last) = range.end.checked_sub(1).filter(|last| range.start <= *last) else {
            return found;
        };
        let end = block.range(last).end;
        let mut from = block.range(range.start).start;
        while let Some(text) = block.text().get(from..end)
            && let Some(at) = self.0.find(text)
        {
            let line = block.frame.ends.partition_point(|end| *end <= from + at);
            found.push(line);
            from = block.range(line).end;
        }
        found.reverse();
        found
    }
}

/// Files that the readers of one query share.
pub(crate) type SharedReading = Rc<RefCell<Reading>>;

/// Reads the lines of a stream.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    stream: &'s Selected<LogEntry>,
    reading: SharedReading,
    is_backward: bool,
    needle: Option<&'s Needle>,
    /// Parts that are not open yet, the next one last.
    queue: Vec<(i64, usize)>,
    /// Parts that are open, in their order of arrival.
    open: Vec<(usize, Run)>,
    /// Lines of one time that several parts have, without those that repeat others.
    ties: VecDeque<(Source, usize)>,
    /// Lines that come next; the current one is from here too.
    run: Option<Run>,
    current: usize,
    stop: Option<&'s Stop>,
}

/// Lines that are next to each other.
#[derive(Clone, Debug)]
struct Run {
    source: Source,
    range: Range<usize>,
    /// The lines of the range that may have the needle, once they were looked for.
    candidates: Option<Vec<usize>>,
}

#[derive(Clone, Debug)]
enum Source {
    Memory(Arc<Vec<LogEntry>>),
    /// With the segment that it is from, for errors.
    Block(Arc<(Block, Stored)>),
}

impl<'s> Lines<'s> {
    pub(crate) fn new(
        stream: &'s Selected<LogEntry>,
        reading: &SharedReading,
        is_backward: bool,
        needle: Option<&'s Needle>,
    ) -> Self {
        let parts = stream.parts.iter().enumerate();
        let mut queue: Vec<(i64, usize)> = parts
            .map(|(at, part)| {
                let (min, max) = part.span();
                (if is_backward { !max } else { min }, at)
            })
            .collect();
        queue.sort_unstable_by_key(|one| Reverse(*one));
        Self {
            stream,
            reading: Rc::clone(reading),
            is_backward,
            needle,
            queue,
            open: Vec::new(),
            ties: VecDeque::new(),
            run: None,
            current: 0,
            stop: None,
        }
    }

    /// The same, until the stop: between two lines that are wanted there may be any number of blocks
    /// without one.
    pub(crate) fn until(self, stop: &'s Stop) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// The lines of a stream from the oldest to the newest.
    pub(crate) fn forward(stream: &'s Selected<LogEntry>, reading: &SharedReading) -> Self {
        Self::new(stream, reading, false, None)
    }

    /// Goes to the next line; `false` when there is none.
    pub(crate) fn advance(&mut self) -> Result<bool, EvalError> {
        loop {
            if let Some(run) = &mut self.run {
                if let Some(at) = run.next(self.is_backward, self.needle) {
                    self.current = at;
                    return Ok(true);
                }
                self.run = None;
            }
            if !self.next_run()? {
                return Ok(false);
            }
        }
    }

    /// The time of the line that [`Self::advance`] went to.
    pub(crate) fn time(&self) -> i64 {
        let run = self.run.as_ref();
        run.map_or(0, |run| run.source.time(self.current))
    }

    /// The line that [`Self::advance`] went to.
    pub(crate) fn line(&self) -> Result<LogLine<'_>, EvalError> {
        let run = self.run.as_ref().ok_or(EvalError::Internal)?;
        run.source.line(self.current)
    }

    /// Times so that those of lines that come earlier are lower.
    fn key(&self, time: i64) -> i64 {
        if self.is_backward { !time } else { time }
    }

    fn head(&self, run: &Run) -> i64 {
        let at = if self.is_backward {
            run.range.end.saturating_sub(1)
        } else {
            run.range.start
        };
        self.key(run.source.time(at))
    }

    /// Sets the next run. `false` if there is none.
    fn next_run(&mut self) -> Result<bool, EvalError> {
        if let Some(stop) = self.stop {
            stop.check()?;
        }
        if let Some((source, at)) = self.ties.pop_front() {
            self.run = Some(Run {
                source,
                range: at..at + 1,
                candidates: None,
            });
            return Ok(true);
        }
        let mut first = self.open.iter().map(|(_, run)| self.head(run)).min();
        // Every part that may have the next line has to be open.
        while let Some((near, at)) = self.queue.last().copied()
            && first.is_none_or(|first| near <= first)
        {
            self.queue.pop();
            if let Some(run) = self.open_part(at)? {
                let head = self.head(&run);
                first = Some(first.map_or(head, |first| first.min(head)));
                self.open.push((at, run));
                self.open.sort_unstable_by_key(|(at, _)| *at);
            }
        }
        let Some(first) = first else {
            return Ok(false);
        };
        let heads = self.open.iter().map(|(_, run)| self.head(run));
        let leading: Vec<usize> = heads
            .enumerate()
            .filter(|(_, head)| *head == first)
            .map(|(at, _)| at)
            .collect();
        if let [only] = leading.as_slice() {
            let others = self.open.iter().enumerate().filter(|(at, _)| at != only);
            let others = others.map(|(_, (_, run))| self.head(run));
            let waiting = self.queue.last().map(|(near, _)| *near);
            let bound = others.chain(waiting).min();
            self.run = self.split(*only, |key| bound.is_none_or(|bound| key < bound));
        } else {
            self.tie(&leading, first);
        }
        self.open.retain(|(_, run)| !run.range.is_empty());
        Ok(true)
    }

    /// Takes from an open part the lines from its head on whose keys are as wanted.
    fn split(&mut self, open: usize, wanted: impl Fn(i64) -> bool) -> Option<Run> {
        let is_backward = self.is_backward;
        let (_, run) = self.open.get_mut(open)?;
        let source = run.source.clone();
        let taken = if is_backward {
            let from = source.partition(&run.range, |time| !wanted(!time));
            let taken = from..run.range.end;
            run.range.end = from;
            taken
        } else {
            let to = source.partition(&run.range, wanted);
            let taken = run.range.start..to;
            run.range.start = to;
            taken
        };
        Some(Run {
            source,
            range: taken,
            candidates: None,
        })
    }

    /// Lines of one time in several parts: the one that came first stands first, and one that
    /// repeats another is left out.
    fn tie(&mut self, leading: &[usize], key: i64) {
        let mut lines: Vec<(Source, usize)> = Vec::new();
        for open in leading {
            let Some(run) = self.split(*open, |other| other == key) else {
                continue;
            };
            for at in run.range {
                let is_repeated = lines
                    .iter()
                    .any(|(source, other)| source.is_alike(*other, &run.source, at));
                if !is_repeated {
                    lines.push((run.source.clone(), at));
                }
            }
        }
        if self.is_backward {
            lines.reverse();
        }
        self.ties = lines.into();
    }

    /// Reads a part; `None` if none of its lines is in the range of time.
    fn open_part(&self, at: usize) -> Result<Option<Run>, EvalError> {
        let (source, len) = match self.stream.parts.get(at) {
            None => return Ok(None),
            Some(Part::Memory(entries)) => (Source::Memory(Arc::clone(entries)), entries.len()),
            Some(Part::Disk(stored)) => {
                let page = self.reading.borrow_mut().page(stored)?;
                let chunk = stored.chunk;
                let from = chunk.offset as usize;
                let range = from..from + chunk.len as usize;
                let block = Block::new(page, range, chunk.count as usize)
                    .and_then(|block| {
                        let is_sorted = block.frame.times.is_sorted();
                        is_sorted
                            .then_some(block)
                            .ok_or(Damaged("lines are not in order"))
                    })
                    .map_err(|error| stored.unreadable(error))?;
                let source = Source::Block(Arc::new((block, stored.clone())));
                (source, chunk.count as usize)
            }
        };
        let all = 0..len;
        let from = source.partition(&all, |time| time < self.stream.start);
        let to = source.partition(&all, |time| time < self.stream.end);
        Ok((from < to).then_some(Run {
            source,
            range: from..to,
            candidates: None,
        }))
    }
}

impl Run {
    /// Takes the next line off, leaving out those without the needle.
    fn next(&mut self, is_backward: bool, needle: Option<&Needle>) -> Option<usize> {
        if self.range.is_empty() {
            return None;
        }
        if let (Some(needle), Source::Block(block)) = (needle, &self.source) {
            let range = self.range.clone();
            let candidates = self.candidates.get_or_insert_with(|| {
                let mut found = needle.lines(&block.0, range);
                if is_backward {
                    found.reverse();
                }
                found
            });
            return candidates.pop();
        }
        if is_backward {
            self.range.next_back()
        } else {
            self.range.next()
        }
    }
}

impl Source {
    fn time(&self, at: usize) -> i64 {
        let time = match self {
            Self::Memory(entries) => entries.get(at).map(|entry| entry.timestamp_ns),
            Self::Block(block) => block.0.frame.times.get(at).copied(),
        };
        time.unwrap_or_default()
    }

    fn bytes(&self, at: usize) -> &[u8] {
        match self {
            Self::Memory(entries) => entries.get(at).map_or(&[], |entry| entry.line.as_bytes()),
            Self::Block(block) => {
                let block = &block.0;
                block.text().get(block.range(at)).unwrap_or_default()
            }
        }
    }

    fn metadata(&self, at: usize) -> &[(String, String)] {
        match self {
            Self::Memory(entries) => entries
                .get(at)
                .map_or(&[], |entry| entry.structured_metadata.as_slice()),
            Self::Block(block) => block.0.frame.metadata(at),
        }
    }

    /// Whether two lines of the same time are the same.
    fn is_alike(&self, at: usize, other: &Self, other_at: usize) -> bool {
        self.bytes(at) == other.bytes(other_at) && self.metadata(at) == other.metadata(other_at)
    }

    fn line(&self, at: usize) -> Result<LogLine<'_>, EvalError> {
        match self {
            Self::Memory(entries) => {
                let entry = entries.get(at).ok_or(EvalError::Internal)?;
                Ok(entry.as_line())
            }
            Self::Block(block) => {
                let (block, stored) = &**block;
                Ok(LogLine {
                    timestamp_ns: self.time(at),
                    line: block.line(at).map_err(|error| stored.unreadable(error))?,
                    structured_metadata: block.frame.metadata(at),
                })
            }
        }
    }

    /// The first place in the range, which is sorted by time, at which `before` is not true.
    fn partition(&self, range: &Range<usize>, before: impl Fn(i64) -> bool) -> usize {
        let (mut from, mut to) = (range.start, range.end);
        while from < to {
            let middle = from + (to - from) / 2;
            if before(self.time(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }
}
