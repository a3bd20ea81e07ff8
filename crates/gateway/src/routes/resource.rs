//! The endpoints of the Observability API, and the tail of the logs.

use directory::policy::Action;

use super::loki::{DELAY_FOR, TAIL_PATH};
use super::parameter::{Absent, Kind, Parameter, optional, parameter, required};
use super::{Answer, Backend, Endpoint, GET, Mount, Reader, Route, Serves};

/// The words for the order of log lines.
pub(super) const DIRECTIONS: &[&str] = &["forward", "backward"];

const LOGS: &[Parameter] = &[
    parameter("query", Kind::LogqlOnResource, Absent::Default("{}")),
    optional("start", Kind::Time),
    optional("end", Kind::Time),
    optional("since", Kind::Duration),
    parameter("limit", Kind::Lines, Absent::Default("1000")),
    optional("direction", Kind::Word(DIRECTIONS)),
    optional("step", Kind::Duration),
    optional("interval", Kind::Duration),
];

const LOGS_TAIL: &[Parameter] = &[
    parameter("query", Kind::LogqlOnResource, Absent::Default("{}")),
    optional("start", Kind::Time),
    optional("limit", Kind::Lines),
    DELAY_FOR,
];

const METRICS: &[Parameter] = &[
    required("query", Kind::Promql),
    required("start", Kind::Time),
    required("end", Kind::Time),
    required("step", Kind::Duration),
];

pub(super) const ROUTES: &[Route] = &[
    documented(
        "logs",
        "/logs",
        Backend::Loki,
        Answer::Forwarded("/loki/api/v1/query_range"),
        LOGS,
    ),
    documented(
        "logs_tail",
        "/logs/tail",
        Backend::Loki,
        Answer::Tail(Reader::Events, TAIL_PATH),
        LOGS_TAIL,
    ),
    documented(
        "metrics_query_range",
        "/metrics/query_range",
        Backend::Mimir,
        Answer::Forwarded("/prometheus/api/v1/query_range"),
        METRICS,
    ),
];

const fn documented(
    name: &'static str,
    path: &'static str,
    backend: Backend,
    answer: Answer,
    parameters: &'static [Parameter],
) -> Route {
    Route {
        name,
        mounts: &[Mount::Resource],
        path,
        methods: GET,
        serves: Serves::Tenant(Endpoint {
            action: Action::Read,
            backend,
            parameters,
            answer,
        }),
    }
}
