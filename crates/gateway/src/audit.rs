//! The audit: one line for each request that is decided on, and for each that would have been.
//!
//! A [`Record`] travels with the request and is filled where things are learned. The line is due when
//! the last who holds the record lets go of it: the answer's body, ended or dropped, or the task of a
//! tail. Nothing is formatted there; a thread of the audit's own takes what is queued, makes lines of
//! it and appends them.
//!
//! Where lines cannot be written, nothing is answered that would need one: [`Audit::open`] refuses
//! until they can be written again. What was let in before still has its place in the queue, so that
//! nothing is ever dropped, and how many requests were refused meanwhile is a line of its own.

pub(crate) mod body;

mod line;

mod log;

mod output;

mod queue;

mod record;

mod writer;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use http::HeaderValue;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::error::Error;
use crate::settings::{AuditOutput, AuditQueries, AuditSettings};
use output::Output;
use queue::{Bounds, Queue};
pub use record::Record;
use writer::Writer;

/// How long the end of the gateway waits for what is queued to be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where records go. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    /// None where the audit is off.
    queue: Option<Arc<Queue>>,
}

/// How far the audit has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Lines that were written.
    pub(crate) written: u64,
    /// Lines that are not written yet.
    pub(crate) waiting: usize,
}

/// What is known of a request when its record is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The request's id.
    pub request_id: HeaderValue,
    /// When it came, for people.
    pub time: Timestamp,
    /// When it came, for its duration.
    pub started: Instant,
    /// The name of its route.
    pub endpoint: &'static str,
    /// What its caller must be allowed to do; none where a token is enough.
    pub action: Option<&'static str>,
}

impl Audit {
    /// Opens the output and starts the thread that writes. The error is that of opening the file.
    pub fn start(settings: &AuditSettings, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Self::bounded(settings, clock, Bounds::default())
    }

    fn bounded(
        settings: &AuditSettings,
        clock: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> io::Result<Self> {
        let Some(output) = Output::open(&settings.output)? else {
            return Ok(Self { queue: None });
        };
        let queue = Arc::new(Queue::new(settings.queries, bounds));
        let writer = Writer::new(Arc::clone(&queue), output, clock);
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())?;
        Ok(Self { queue: Some(queue) })
    }

    /// Opens the record of a request that is about to be decided on.
    ///
    /// [`Error::AuditUnavailable`] while lines cannot be written, or too many wait to be.
    pub fn open(&self, opening: Opening) -> Result<Record, Error> {
        let Some(queue) = &self.queue else {
            return Ok(Record::without_line(opening));
        };
        if queue.admits(opening.time) {
            Ok(Record::open(Arc::clone(queue), opening))
        } else {
            Err(Error::AuditUnavailable)
        }
    }

    /// Whether a request would be let in: also where there is no audit.
    pub(crate) fn is_written(&self) -> bool {
        self.queue
            .as_ref()
            .is_none_or(|queue| queue.has_room().is_ok())
    }

    /// Keeps this of queries from now on.
    pub(crate) fn keep_of_queries(&self, queries: AuditQueries) {
        if let Some(queue) = &self.queue {
            queue.keep(queries);
        }
    }

    /// How far it has come; nowhere where there is none.
    pub(crate) fn state(&self) -> State {
        let queue = self.queue.as_ref();
        queue.map_or_else(State::default, |queue| queue.state())
    }

    /// Opens the file anew, by its path, before the next line is written.
    pub fn reopen(&self) {
        if let Some(queue) = &self.queue {
            queue.reopen();
        }
    }

    /// Waits until everything is written, for a moment at most. Blocks. Nobody else may hold it.
    pub fn close(self) {
        let Some(queue) = self.queue else { return };
        queue.close(Instant::now() + PATIENCE, true);
        let left = queue.wait_for_the_end(PATIENCE);
        if left > 0 {
            tracing::error!(lines = left, "the end of the audit could not be written");
        }
    }
}

/// The audit of a gateway that runs. Dropped, it ends as soon as the last line is written.
pub(crate) struct Running(Audit);

impl Running {
    pub(crate) fn new(audit: Audit) -> Self {
        Self(audit)
    }

    pub(crate) fn get(&self) -> &Audit {
        &self.0
    }

    /// See [`Audit::close`].
    pub(crate) fn close(self) {
        let audit = self.0.clone();
        drop(self);
        audit.close();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(queue) = &self.0.queue {
            queue.close(Instant::now() + PATIENCE, false);
        }
    }
}

/// Whether the output can be written to: what [`Audit::start`] would find.
pub(crate) fn try_out(output: &AuditOutput) -> io::Result<()> {
    Output::open(output).map(drop)
}

#[cfg(test)]
mod tests;
