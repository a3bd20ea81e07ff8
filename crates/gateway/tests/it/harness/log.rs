//! The log of the whole process: the gateway's threads are not the test's.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

static LOG: OnceLock<Log> = OnceLock::new();

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Keeps the log from here on, at every level.
pub(crate) fn start() {
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .init();
        log
    });
}

/// What was logged since [`start`], by all tests.
pub(crate) fn text() -> String {
    let log = LOG.get().expect("the log is not kept");
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

/// The first line that has all of these in it.
pub(crate) fn line(parts: &[&str]) -> Option<String> {
    let text = text();
    let mut lines = text.lines();
    let line = lines.find(|line| parts.iter().all(|part| line.contains(part)));
    line.map(str::to_owned)
}
