//! Loki's frame of a tail, as far as it has to be understood to be told as an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a backend sends at once.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    /// The lines.
    #[serde(default)]
    pub(super) streams: Option<Vec<Stream>>,
    /// What was dropped because it was not read in time.
    #[serde(default)]
    pub(super) dropped_entries: Option<Vec<Value>>,
    /// How `streams` is written, where that was asked for.
    #[serde(default, rename = "encodingFlags")]
    pub(super) encoding_flags: Option<Value>,
}

/// The lines of one stream.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Stream {
    /// Its labels.
    pub(super) stream: BTreeMap<String, String>,
    /// Its lines.
    pub(super) values: Vec<Entry>,
}

/// A line: Unix nanoseconds, the text, and what else is known about it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Entry(
    pub(super) String,
    pub(super) String,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub(super) Option<Value>,
);

/// The lines of a frame as an event says them.
#[derive(Serialize)]
pub(super) struct Lines<'a> {
    pub(super) streams: &'a [Stream],
    #[serde(rename = "encodingFlags", skip_serializing_if = "Option::is_none")]
    pub(super) encoding_flags: Option<&'a Value>,
}

/// What was dropped as an event says it.
#[derive(Serialize)]
pub(super) struct Dropped<'a> {
    pub(super) dropped_entries: &'a [Value],
}

impl Frame {
    pub(super) fn lines(&self) -> Option<Lines<'_>> {
        let streams = self.streams.as_deref().unwrap_or_default();
        (!streams.is_empty()).then_some(Lines {
            streams,
            encoding_flags: self.encoding_flags.as_ref(),
        })
    }

    pub(super) fn dropped(&self) -> Option<Dropped<'_>> {
        let dropped_entries = self.dropped_entries.as_deref().unwrap_or_default();
        (!dropped_entries.is_empty()).then_some(Dropped { dropped_entries })
    }
}
