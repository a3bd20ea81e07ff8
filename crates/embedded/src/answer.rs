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
    /// The labels, those of the pipeline and of structured metadata among them.
    pub labels: Labels,
    /// The lines with their times in nanoseconds since the Unix epoch, in the query's direction.
    pub entries: Vec<(i64, String)>,
}
