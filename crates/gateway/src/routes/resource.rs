//! The two endpoints of the Observability API.

use directory::policy::Action;

use super::parameter::{Absent, Kind, Parameter, optional, parameter, required};
use super::{Answer, Backend, Endpoint, GET, Mount, Route, Serves};

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
        "/loki/api/v1/query_range",
        LOGS,
    ),
    documented(
        "metrics_query_range",
        "/metrics/query_range",
        Backend::Mimir,
        "/prometheus/api/v1/query_range",
        METRICS,
    ),
];

const fn documented(
    name: &'static str,
    path: &'static str,
    backend: Backend,
    upstream: &'static str,
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
            answer: Answer::Forwarded(upstream),
        }),
    }
}
