//! What an evaluation answers with, in either language.

use crate::labels::Labels;

/// A value at a time. Evaluators of both languages answer in milliseconds.
pub use crate::store::Sample as Point;

/// A series with a value at every step that has one.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    /// The series' labels.
    pub labels: Labels,
    /// Its points, by time.
    pub points: Vec<Point>,
}

/// A series with one value.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSample {
    /// The series' labels.
    pub labels: Labels,
    /// Its value.
    pub point: Point,
}

/// Log lines with the same labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamResult {
    /// The labels: all of them, or the stream's own where they were asked for by category.
    pub labels: Labels,
    /// The lines, in the query's direction.
    pub entries: Vec<LineResult>,
}

/// A log line as a pipeline left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineResult {
    /// Its time, in nanoseconds since the Unix epoch.
    pub time_ns: i64,
    /// Its text.
    pub line: String,
    /// Its own labels, where they were asked for by category; else they are among the stream's.
    pub own: Option<OwnLabels>,
}

/// The labels of a line that its stream does not have, by where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLabels {
    /// From its structured metadata.
    pub metadata: Labels,
    /// From its text, or set by the pipeline; what went wrong among them.
    pub parsed: Labels,
}
