//! What is said of data that were not taken.

/// Why data was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// A stream or series without any label.
    #[error("a stream or series needs at least one label")]
    NoLabels,
    /// A label without a name.
    #[error("a label has no name")]
    EmptyLabelName,
    /// A label name given twice.
    #[error("label {0:?} is given more than once")]
    DuplicateLabel(String),
    /// A series without a metric name.
    #[error("series {0} has no metric name (__name__)")]
    NoMetricName(String),
    /// The tenant's limit of streams or series.
    #[error("the tenant has reached its limit of {0} streams or series")]
    TooManyStreams(usize),
    /// The tenant's limit of the text of labels.
    #[error(
        "the labels of the tenant's streams or series have reached its limit of {0} bytes; use \
         fewer or shorter labels"
    )]
    TooManyLabels(usize),
    /// The limit of the text of labels for all tenants together.
    #[error(
        "there is no room for the labels of more streams or series; use fewer or shorter labels, \
         or try again later"
    )]
    NoRoomForLabels,
    /// A sample that has the time of one that is there, and another value. Everything else of the
    /// push was stored; sent again, it is refused again.
    #[error(
        "duplicate sample for timestamp {timestamp_ms}: series {series} has another value at that \
         time; the other samples of the push were stored"
    )]
    DuplicateSample {
        /// The labels of the series.
        series: String,
        /// Milliseconds since the Unix epoch.
        timestamp_ms: i64,
    },
    /// Something older than is kept. Everything else of the push was stored; sent again, it is
    /// refused again.
    #[error(
        "{of} has {age}; {count} of this push are too old and were refused, the rest was stored"
    )]
    TooOld {
        /// What, with the labels of its stream or series.
        of: String,
        /// Its time, and the oldest one that is taken.
        age: String,
        /// How many entries of the push are too old.
        count: usize,
    },
    /// An entry that is dated too far ahead. Everything else of the push was stored; sent again, it
    /// is refused again.
    #[error(
        "timestamp too new: {labels} has an entry of {time}, which is further ahead than may be; \
         what else was pushed was stored"
    )]
    TooNew {
        /// The labels of the stream or series.
        labels: String,
        /// The time, as RFC 3339 has it.
        time: String,
    },
    /// A push of more than a gigabyte.
    #[error("the push is too large; send less at a time")]
    TooLarge,
    /// A native histogram that cannot be.
    #[error("a native histogram is not valid: {0}")]
    BadHistogram(&'static str),
    /// A tenant that could not be a directory's name.
    #[error("{0:?} cannot be a tenant here: it has to be a DNS label (a to z, 0 to 9 and '-')")]
    BadTenant(String),
    /// There is no room on the disk. What was stored before can still be read, and data is taken
    /// again as soon as there is room.
    #[error("the disk is full: nothing of this push was stored")]
    DiskFull,
    /// The disk does not take data for another reason, which is in the log.
    #[error("nothing of this push was stored, for the disk does not take it")]
    Unwritable,
}

impl PushError {
    /// Whether it is about a part of the push alone, and the others of it are stored.
    pub(crate) fn is_of_a_part(&self) -> bool {
        matches!(
            self,
            Self::DuplicateSample { .. } | Self::TooOld { .. } | Self::TooNew { .. }
        )
    }
}
