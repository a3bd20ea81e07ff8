//! What a look of the keeper took away, and the line of the log that says so: data that goes on time
//! and data that a mistaken limit takes look alike afterwards.

use jiff::Timestamp;

/// What was taken away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    kinds: Vec<&'static str>,
    files: usize,
    /// On disk.
    bytes: u64,
    /// Not sealed yet.
    in_memory: usize,
    /// The newest of it, in nanoseconds since the Unix epoch.
    up_to_ns: Option<i64>,
}

impl Gone {
    /// Adds a file of a kind of data, whose newest entry is of `up_to_ns`.
    pub(super) fn file(&mut self, kind: &'static str, bytes: u64, up_to_ns: i64) {
        self.kind(kind);
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.up_to_ns = self.up_to_ns.max(Some(up_to_ns));
    }

    /// Adds what was in memory, all of it from before `up_to_ns`.
    pub(super) fn in_memory(&mut self, kind: &'static str, bytes: usize, up_to_ns: i64) {
        if bytes > 0 {
            self.kind(kind);
            self.in_memory = self.in_memory.saturating_add(bytes);
            self.up_to_ns = self.up_to_ns.max(Some(up_to_ns));
        }
    }

    fn kind(&mut self, kind: &'static str) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// Says it. What goes from memory alone is a little every second where data is kept for an hour
    /// or two, and is said of the first look after a start only.
    pub(super) fn log(&self, project: &str, is_first: bool, why: &'static str) {
        let Some(up_to_ns) = self.up_to_ns else {
            return;
        };
        if self.files > 0 || is_first {
            tracing::info!(
                project,
                kinds = self.kinds.join(", "),
                files = self.files,
                bytes = self.bytes,
                bytes_in_memory = self.in_memory,
                up_to = %Timestamp::from_nanosecond(up_to_ns.into()).unwrap_or_default(),
                "data was removed, for it is {why}"
            );
        }
    }
}
