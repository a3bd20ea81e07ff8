//! The endpoints of the Observability API, the tail of the logs, and what becomes of a query.

use directory::policy::Action;
use http::Method;

use super::loki::{DELAY_FOR, TAIL_PATH};
use super::parameter::{Absent, Kind, Parameter, optional, parameter, required};
use super::{Answer, Backend, Endpoint, GET, GET_OR_POST, Local, Mount, Reader, Route, Serves};

/// The words for the order of log lines.
pub(super) const DIRECTIONS: &[&str] = &["forward", "backward"];

const LOGS_QUERY: Parameter = parameter("query", Kind::LogqlOnResource, Absent::Default("{}"));
const LOGS: &[Parameter] = &[
    LOGS_QUERY,
    optional("start", Kind::Time),
    optional("end", Kind::Time),
    optional("since", Kind::Duration),
    parameter("limit", Kind::Lines, Absent::Default("1000")),
    optional("direction", Kind::Word(DIRECTIONS)),
    optional("step", Kind::Duration),
    optional("interval", Kind::Duration),
];

const LOGS_TAIL: &[Parameter] = &[
    LOGS_QUERY,
    optional("start", Kind::Time),
    optional("limit", Kind::Lines),
    DELAY_FOR,
];

const QUERY: Parameter = required("query", Kind::Promql);
const METRICS: &[Parameter] = &[
    QUERY,
    required("start", Kind::Time),
    required("end", Kind::Time),
    required("step", Kind::Duration),
];

pub(super) const ROUTES: &[Route] = &[
    documented(
        "logs",
        "/logs",
        GET,
        Backend::Loki,
        Answer::Forwarded("/loki/api/v1/query_range"),
        LOGS,
    ),
    documented(
        "logs_tail",
        "/logs/tail",
        GET,
        Backend::Loki,
        Answer::Tail(Reader::Events, TAIL_PATH),
        LOGS_TAIL,
    ),
    documented(
        "metrics_query_range",
        "/metrics/query_range",
        GET,
        Backend::Mimir,
        Answer::Forwarded("/prometheus/api/v1/query_range"),
        METRICS,
    ),
    documented(
        "logs_scope",
        "/logs/scope",
        GET_OR_POST,
        Backend::Loki,
        Answer::Local(Local::Scope),
        &[LOGS_QUERY],
    ),
    documented(
        "metrics_scope",
        "/metrics/scope",
        GET_OR_POST,
        Backend::Mimir,
        Answer::Local(Local::Scope),
        &[QUERY],
    ),
];

const fn documented(
    name: &'static str,
    path: &'static str,
    methods: &'static [Method],
    backend: Backend,
    answer: Answer,
    parameters: &'static [Parameter],
) -> Route {
    Route {
        name,
        mounts: &[Mount::Resource],
        path,
        methods,
        serves: Serves::Tenant(Endpoint {
            action: Action::Read,
            backend,
            parameters,
            answer,
        }),
    }
}
