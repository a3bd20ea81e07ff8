//! What a measurement used, as Linux tells it: memory of the process in MB, and processor time of
//! all of its threads, which tells more than a clock where others work too.

use std::fs;
use std::time::{Duration, Instant};

/// Tells how long something took.
pub(crate) struct Watch {
    began: Instant,
    processor: Duration,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
            processor: processor(),
        }
    }

    /// What the clock and the processors say since the start.
    pub(crate) fn took(&self) -> Took {
        Took {
            clock: self.began.elapsed(),
            processor: processor().saturating_sub(self.processor),
        }
    }
}

/// How long something took.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) clock: Duration,
    /// Summed up over the threads.
    pub(crate) processor: Duration,
}

/// Time that processors worked for the process up to now, for threads that have ended, too.
fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn megabytes(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.map_or(0, |written| written.parse::<u64>().unwrap_or_default()) / 1024
}

/// Now.
pub(crate) fn resident() -> u64 {
    megabytes("VmRSS")
}

/// The most since the peak was forgotten.
pub(crate) fn peak() -> u64 {
    megabytes("VmHWM")
}

/// Begins anew to look for the peak. Where the system does not let it, peaks are those since the
/// start.
pub(crate) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
