//! Lines of the log on their way out, written together by a thread of their own.
//!
//! A write for each line is a call of the system for each request, made while every other thread that
//! has something to say waits. Nothing is dropped: where what reads the log is too slow, whoever
//! logs waits, as without a queue.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long lines wait for others, to be written with them.
const LINGER: Duration = Duration::from_millis(5);

/// How many bytes may wait.
const MOST: usize = 1 << 20;

/// Lines that wait, and the thread that writes them. Dropped, it waits until all are written.
pub(crate) struct Running {
    queue: Queue,
    thread: Option<JoinHandle<()>>,
}

/// Where lines are put.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// For the thread: there is something to write, or nothing comes any more.
    work: Condvar,
    /// For who logs: there is room.
    room: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Nothing is waited for any more.
    closed: bool,
    /// Nobody writes any more.
    ended: bool,
}

impl Queue {
    /// Starts the thread, which writes to `output`.
    pub(super) fn start(&self, output: impl Write + Send + 'static) -> io::Result<Running> {
        let queue = self.clone();
        let thread = thread::Builder::new().name("log".to_owned());
        let thread = thread.spawn(move || queue.run(output))?;
        Ok(Running {
            queue: self.clone(),
            thread: Some(thread),
        })
    }

    fn run(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        while self.take(&mut lines) {
            // There is nowhere to say that the log cannot be written.
            let _ = output.write_all(&lines);
            let _ = output.flush();
            lines.clear();
        }
    }

    /// Waits for lines and swaps them against what is empty. False at the end.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.closed {
            state = wait(&self.0.work, state);
        }
        if !state.closed {
            drop(state);
            thread::sleep(LINGER);
            state = self.state();
        }
        if state.waiting.is_empty() {
            state.ended = true;
        }
        mem::swap(&mut state.waiting, lines);
        self.0.room.notify_all();
        !state.ended
    }

    fn close(&self) {
        self.state().closed = true;
        self.0.work.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Bytes are appended whole or not at all.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    let waited = condition.wait(state);
    waited.unwrap_or_else(PoisonError::into_inner)
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        while state.waiting.len() >= MOST && !state.ended {
            state = wait(&self.0.room, state);
        }
        if state.ended {
            drop(state);
            io::stderr().write_all(line)?;
            return Ok(line.len());
        }
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if is_first {
            self.0.work.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has been said on standard error.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// An output that takes each write only when it is let.
    struct Slow {
        written: Arc<Mutex<Vec<u8>>>,
        may: Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error means that it may write for good.
            let _ = self.may.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, Arc<Mutex<Vec<u8>>>, Sender<()>) {
        let (let_it, may) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let output = Slow {
            written: Arc::clone(&written),
            may,
        };
        (output, written, let_it)
    }

    #[test]
    fn every_line_is_written_before_the_end_and_in_its_order() {
        let (output, written, let_it) = slow();
        drop(let_it);
        let mut queue = Queue::default();
        let running = queue.start(output).unwrap();
        let mut expected = Vec::new();
        for at in 0..1000 {
            let line = format!("line {at}\n");
            queue.write_all(line.as_bytes()).unwrap();
            expected.extend_from_slice(line.as_bytes());
        }
        drop(running);
        assert_eq!(*written.lock().unwrap(), expected);
    }

    #[test]
    fn who_logs_waits_where_too_much_waits_to_be_written() {
        let (output, written, let_it) = slow();
        let queue = Queue::default();
        let running = queue.start(output).unwrap();
        let (said, heard) = channel();
        let mut logger = queue.clone();
        let logger = thread::spawn(move || {
            let line = vec![b'x'; MOST];
            // One is with the output, one fills the queue, and the third has to wait.
            for _ in 0..3 {
                logger.write_all(&line).unwrap();
                said.send(()).unwrap();
            }
        });
        heard.recv().unwrap();
        heard.recv().unwrap();
        assert!(heard.recv_timeout(Duration::from_millis(100)).is_err());
        drop(let_it);
        heard.recv().unwrap();
        logger.join().unwrap();
        drop(running);
        assert_eq!(written.lock().unwrap().len(), 3 * MOST);
    }
}
