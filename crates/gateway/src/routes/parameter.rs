//! What the parameters of a request may be.

/// A parameter that is understood.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its name for the backend.
    pub upstream: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What is done where it is absent or empty (which backends do not tell apart).
    pub absent: Absent,
}

/// What a parameter's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// LogQL. What goes upstream is scoped.
    Logql,
    /// LogQL that may leave its selector out, where the resource is known.
    LogqlOnResource,
    /// PromQL. What goes upstream is scoped.
    Promql,
    /// Stream selectors without a pipeline, one each time that the parameter is given.
    StreamSelectors,
    /// Vector selectors without range, offset or time, one each time that the parameter is given.
    VectorSelectors,
    /// A point in time: RFC 3339 or Unix seconds, for Loki also Unix nanoseconds.
    Time,
    /// A positive length of time: seconds, or a duration such as `1m30s`.
    Duration,
    /// A number of log lines: an integer from 1 to the configured maximum.
    Lines,
    /// An integer from the first to the second number, both included.
    Integer(u32, u32),
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// Names of labels with commas between them.
    LabelNames,
    /// The name of a metric.
    MetricName,
    /// A size such as `600MB`.
    Bytes,
}

impl Kind {
    /// Whether the parameter may be given several times.
    #[must_use]
    pub const fn repeats(self) -> bool {
        matches!(self, Self::StreamSelectors | Self::VectorSelectors)
    }

    /// Whether the value is a query or a selector, and so is scoped.
    #[must_use]
    pub const fn is_scoped(self) -> bool {
        matches!(
            self,
            Self::Logql
                | Self::LogqlOnResource
                | Self::Promql
                | Self::StreamSelectors
                | Self::VectorSelectors
        )
    }
}

/// What is done where a parameter is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The backend's own default holds. For what is scoped see [`Absent::Everything`].
    Omitted,
    /// This value goes upstream.
    Default(&'static str),
    /// All that the caller may see is meant: the bare selector of the resource goes upstream, and
    /// nothing for a project, which the tenant bounds.
    Everything,
    /// The request is refused.
    Refused,
}

pub(super) const fn parameter(name: &'static str, kind: Kind, absent: Absent) -> Parameter {
    Parameter {
        name,
        upstream: name,
        kind,
        absent,
    }
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Parameter {
    parameter(name, kind, Absent::Omitted)
}

/// A parameter that must be there.
pub(super) const fn required(name: &'static str, kind: Kind) -> Parameter {
    parameter(name, kind, Absent::Refused)
}
