//! What one batch, and one project, may take.

use std::num::NonZeroU32;
use std::time::Duration;

/// What one batch may hold, and how much a project may send. All sizes are in bytes.
///
/// The backends have limits of their own, which hold as well; these protect the gateway, and give
/// an operator one place to set what a sender may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body as it is sent.
    pub compressed: usize,
    /// The longest body after decompression.
    pub decompressed: usize,
    /// The most memory that the decoded batch may take, estimated before it is decoded: a body
    /// of empty messages takes many times its own length.
    pub decoded: usize,
    /// The most streams or series of a batch.
    pub streams: usize,
    /// The most log lines, samples and data points of a batch.
    pub entries: usize,
    /// The most labels of a stream or series, the resource's included.
    pub labels: usize,
    /// The longest name of a label.
    pub name: usize,
    /// The longest value of a label.
    pub value: usize,
    /// The longest log line.
    pub line: usize,
    /// How old an entry may be; without it, that is the backend's to decide.
    pub max_age: Option<Duration>,
    /// How far ahead of the gateway's clock an entry may be; without it, that is the backend's to
    /// decide.
    pub max_ahead: Option<Duration>,
    /// What all writes that are on their way may hold together: what of their bodies has arrived, and
    /// what goes to the backends.
    pub room: usize,
    /// What those of one project may hold of it. Less than all of it, or one project's senders could
    /// keep out everybody else's.
    pub project_room: usize,
    /// How much a project may send; without it, that is the backend's to decide.
    pub rate: Option<Rate>,
}

/// A token bucket, filled with bytes as they are after decompression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What flows in, in bytes per second.
    pub bytes_per_second: NonZeroU32,
    /// What it holds, in bytes: the most that may come at once.
    pub burst: NonZeroU32,
}

impl Default for Limits {
    /// Generous to every sender that is known to be well-behaved: Prometheus sends 2,000 samples
    /// at once, the collectors up to some 10,000 records. The labels' limits are those of Mimir;
    /// Loki's own are narrower, and hold.
    fn default() -> Self {
        Self {
            compressed: 10 << 20,
            decompressed: 32 << 20,
            decoded: 128 << 20,
            streams: 50_000,
            entries: 200_000,
            labels: 40,
            name: 1024,
            value: 2048,
            line: 256 << 10,
            max_age: None,
            max_ahead: Some(Duration::from_mins(10)),
            room: 512 << 20,
            project_room: 128 << 20,
            rate: None,
        }
    }
}
