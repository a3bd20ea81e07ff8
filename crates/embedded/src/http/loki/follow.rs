//! What tails of all tenants share, and the threads that do their work.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::encoding::EncodingFlags;
use super::frame::Frames;
use crate::Clock;
use crate::limits::{EvalError, Limits, Stop};
use crate::logql::lines::Pipeline;
use crate::logql::work::Work;
use crate::store::{Batch, Dropped, Tail};

/// How many tails there may be, and how many of them may work on a line at a time.
#[derive(Debug)]
pub(in crate::http) struct Tails {
    open: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
    line_timeout: Duration,
}

impl Tails {
    /// Half as many work at a time as queries do, and one at least.
    pub(in crate::http) fn new(limits: &Limits) -> Arc<Self> {
        let places =
            |count: usize| Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Self {
            open: places(limits.tails),
            at_work: places(limits.concurrent_queries / 2),
            line_timeout: limits.tail_line_timeout,
        })
    }

    /// A seat for one more tail, until it is dropped.
    pub(super) fn seat(&self) -> Result<Seat, EvalError> {
        let permit = Arc::clone(&self.open).try_acquire_owned();
        permit.map(Seat).map_err(|_| EvalError::TooManyWaiting)
    }
}

/// See [`Tails::seat`].
#[derive(Debug)]
pub(super) struct Seat(#[allow(dead_code, reason = "dropping it is its use")] OwnedSemaphorePermit);

/// What the thread of a tail tells its connection.
#[derive(Debug)]
pub(super) enum Told {
    Frame(String),
    /// The tail is over, for this reason.
    End(String),
}

/// What the thread of a tail does.
pub(super) struct Follower {
    pub(super) tail: Arc<Tail>,
    pub(super) tails: Arc<Tails>,
    pub(super) seat: Seat,
    pub(super) pipeline: Pipeline,
    pub(super) work: Work,
    /// Ends the work when the client goes.
    pub(super) stop: Stop,
    pub(super) flags: EncodingFlags,
    pub(super) delay: Duration,
    pub(super) clock: Clock,
    pub(super) runtime: Handle,
    pub(super) sender: mpsc::Sender<Told>,
}

impl Follower {
    /// Follows the tail until it closes. The seat is free only then, and not when the client goes.
    pub(super) fn run(mut self, history: Frames) {
        if self.send(history).is_none() {
            return;
        }
        while let Some(batch) = self.tail.next(Frames::LINES, self.delay, &*self.clock) {
            match self.follow(batch) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => {
                    let _ = self.sender.blocking_send(Told::End(self.reason(&error)));
                    break;
                }
            }
        }
        // Nothing of the tail is left when another one takes its seat.
        let Self { seat, tail, .. } = self;
        drop(tail);
        drop(seat);
    }

    /// Sends the lines that pass the pipeline; `None` if nobody takes them any more.
    fn follow(&mut self, batch: Batch) -> Result<Option<()>, EvalError> {
        let categorize = self.flags.categorize();
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for (labels, entry) in &batch.lines {
            let passed = {
                let place = self.runtime.block_on(self.tails.at_work.acquire());
                let _place = place.map_err(|_| EvalError::Canceled)?;
                self.work.until(self.stop.again(self.tails.line_timeout));
                self.work.check()?;
                self.pipeline.line(labels, entry, categorize, &self.work)?
            };
            let Some((labels, line)) = passed else {
                continue;
            };
            bytes += labels.size() + line.line.len();
            lines.push((labels, line));
            // Few of them are held at a time where a query makes much of each.
            if bytes >= Frames::FULL {
                bytes = 0;
                let full = std::mem::take(&mut lines);
                let frames = Frames::of_lines(full, Dropped::default(), &self.flags);
                if self.send(frames).is_none() {
                    return Ok(None);
                }
            }
        }
        let frames = Frames::of_lines(lines, batch.dropped, &self.flags);
        Ok(self.send(frames))
    }

    fn reason(&self, error: &EvalError) -> String {
        if *error == EvalError::Timeout {
            let most = self.tails.line_timeout;
            return format!("a line took the query longer than {most:?}; the tail is over");
        }
        error.to_string()
    }

    /// Sends frames; `None` if nobody takes them any more.
    fn send(&self, frames: Frames) -> Option<()> {
        for frame in frames {
            self.sender.blocking_send(Told::Frame(frame)).ok()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use ::query::Matcher;
    use ::query::logql::{self, Expr};

    use super::*;
    use crate::http::work;
    use crate::{Backend, LogEntry, LogStream};

    /// Far more than anything here takes.
    const PATIENCE: Duration = Duration::from_mins(1);
    /// For minutes, with one line.
    const HEAVY: &str = r#"{app="web"} | line_format `{{ $x := repeat 1000000 "a" }}{{ range 90000 }}{{ $y := replace "a" "b" $x }}{{ end }}`"#;

    fn push(backend: &Backend) {
        let entry = LogEntry {
            timestamp_ns: 1,
            line: "x".to_owned(),
            structured_metadata: Vec::new(),
        };
        let stream = LogStream {
            labels: vec![("app".to_owned(), "web".to_owned())],
            entries: vec![entry],
        };
        backend.push_logs("acme", vec![stream]).unwrap();
    }

    #[test]
    fn whoever_goes_ends_the_work_of_a_tail_and_only_then_frees_its_seat() {
        let limits = Limits {
            tails: 1,
            tails_per_tenant: 1,
            tail_line_timeout: PATIENCE * 10,
            ..Limits::default()
        };
        let backend = Backend::with_clock(limits.clone(), Arc::new(|| 0));
        let logs = backend.store.logs_to_come("acme");
        let open = || logs.tail(&[Matcher::equal("app", "web")], 0, &limits);
        let (tail, _) = open().unwrap();
        let tails = Tails::new(&limits);
        let stop = Stop::within(&limits);
        let gone = stop.cancel_on_drop();
        let own_work = Work::new(&stop);
        let Expr::Log(expr) = logql::parse(HEAVY).unwrap() else {
            panic!("{HEAVY} is no log query");
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (sender, _receiver) = mpsc::channel(1);
        let follower = Follower {
            tail: Arc::clone(&tail),
            seat: tails.seat().unwrap(),
            tails: Arc::clone(&tails),
            pipeline: Pipeline::new(&expr, 0, &own_work).unwrap(),
            work: own_work,
            stop: stop.clone(),
            flags: EncodingFlags::of(&http::HeaderMap::new()),
            delay: Duration::ZERO,
            clock: Arc::clone(&backend.clock),
            runtime: runtime.handle().clone(),
            sender,
        };
        let flags = EncodingFlags::of(&http::HeaderMap::new());
        let history = Frames::of_history(Vec::new(), &flags);
        work::spawn("tail", move || follower.run(history)).unwrap();
        push(&backend);
        let begun = Instant::now();
        let wait = |what: &str| {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            thread::sleep(Duration::from_millis(1));
        };
        // It asks often while it works on the line, and not at all before.
        let before = stop.asked();
        while stop.asked() < before + 100 {
            wait("the tail does not ask whether to end");
        }
        tail.close();
        drop(tail);
        assert!(
            open().is_err(),
            "the tenant's seat is free while the tail works"
        );
        assert!(tails.seat().is_err(), "a seat is free while the tail works");
        drop(gone);
        while tails.seat().is_err() {
            wait("the tail works on");
        }
        assert!(open().is_ok());
    }
}
