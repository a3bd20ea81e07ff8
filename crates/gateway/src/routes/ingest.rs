//! Writes: what senders send to a resource.

use directory::policy::Action;
use http::Method;

use super::{Answer, Backend, Endpoint, Mount, Route, Serves};
use crate::ingest::Protocol;

pub(super) const ROUTES: &[Route] = &[
    // Loki answers at the same path.
    ingested(
        "loki_push",
        "/loki/api/v1/push",
        Protocol::LokiPush,
        (Backend::Loki, "/loki/api/v1/push"),
    ),
    // Mimir's path; Prometheus answers the same at `/api/v1/write`.
    ingested(
        "remote_write",
        "/prometheus/api/v1/write",
        Protocol::RemoteWrite,
        (Backend::Mimir, "/api/v1/push"),
    ),
    // Loki and Mimir both serve OTLP below `/otlp`, which senders append `/v1/…` to.
    ingested(
        "otlp_logs",
        "/otlp/v1/logs",
        Protocol::OtlpLogs,
        (Backend::Loki, "/otlp/v1/logs"),
    ),
    ingested(
        "otlp_metrics",
        "/otlp/v1/metrics",
        Protocol::OtlpMetrics,
        (Backend::Mimir, "/otlp/v1/metrics"),
    ),
];

/// A route for writes: below resources only, since every entry belongs to one.
const fn ingested(
    name: &'static str,
    path: &'static str,
    protocol: Protocol,
    (backend, upstream): (Backend, &'static str),
) -> Route {
    Route {
        name,
        mounts: &[Mount::Resource],
        path,
        methods: &[Method::POST],
        serves: Serves::Tenant(Endpoint {
            action: Action::Write,
            backend,
            parameters: &[],
            answer: Answer::Ingested(protocol, upstream),
        }),
    }
}
