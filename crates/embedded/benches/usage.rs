//! What a measurement used, as Linux tells it: memory of the process in MB, and processor time of
//! the first thread, which tells more than a clock where others work too.

use std::fs;
use std::time::{Duration, Instant};

/// Below this the processor time that the system tells is too coarse.
const COARSE: Duration = Duration::from_millis(20);

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

    /// Processor time since the start; what the clock says where it was short.
    pub(crate) fn took(&self) -> Duration {
        let clock = self.began.elapsed();
        if clock < COARSE {
            return clock;
        }
        processor().saturating_sub(self.processor)
    }
}

/// Time that a processor worked for the first thread of the process, up to now.
fn processor() -> Duration {
    let written = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = written.split(' ').next().unwrap_or_default();
    Duration::from_nanos(nanos.parse().unwrap_or_default())
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
