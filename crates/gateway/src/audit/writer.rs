//! The thread that writes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::line;
use super::output::{Batch, Output};
use super::queue::{Queue, Work, size};
use crate::clock::Clock;

/// About how many bytes are written at once.
const CHUNK: usize = 256 << 10;

/// How long to wait before what could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Takes records, makes lines of them and appends these.
pub(super) struct Writer {
    queue: Arc<Queue>,
    output: Output,
    clock: Arc<dyn Clock>,
    batch: Batch,
    /// How many records are in the batch, and the bytes of their queries.
    held: (usize, usize),
}

/// The gateway ends, and what is held cannot be written.
struct GivenUp;

impl Writer {
    pub(super) fn new(queue: Arc<Queue>, output: Output, clock: Arc<dyn Clock>) -> Self {
        Self {
            queue,
            output,
            clock,
            batch: Batch::new(),
            held: (0, 0),
        }
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(work) = self.queue.take(|| Arc::strong_count(&self.queue)) {
            if self.write(work).is_err() {
                break;
            }
        }
        self.queue.end();
    }

    fn write(&mut self, work: Work) -> Result<(), GivenUp> {
        let mut look = work.reopen;
        if let Some(refused) = work.refused {
            line::gap(&mut self.batch.lines, refused, self.clock.now());
        }
        for fields in &work.lines {
            line::request(&mut self.batch.lines, fields, self.queue.keeps());
            self.held.0 += 1;
            self.held.1 += size(fields);
            if self.batch.lines.len() >= CHUNK {
                self.flush(std::mem::take(&mut look))?;
            }
        }
        self.queue.give_back(work.lines);
        self.flush(look)
    }

    /// Appends the batch, and tries for as long as it takes.
    fn flush(&mut self, mut look: bool) -> Result<(), GivenUp> {
        while let Err(error) = self.append(look) {
            if self.queue.set_failing(true) {
                tracing::error!(%error, "the audit cannot be written: requests are refused");
            }
            if !self.queue.wait_to_retry(PAUSE) {
                return Err(GivenUp);
            }
            look = true;
        }
        if self.queue.set_failing(false) {
            tracing::info!("the audit can be written again");
        }
        let (lines, bytes) = std::mem::take(&mut self.held);
        self.queue.written(lines, bytes);
        self.batch.clear();
        Ok(())
    }

    fn append(&mut self, look: bool) -> io::Result<()> {
        self.output.follow(&mut self.batch, look)?;
        self.output.append(&mut self.batch)
    }
}
