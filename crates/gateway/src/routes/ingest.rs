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
