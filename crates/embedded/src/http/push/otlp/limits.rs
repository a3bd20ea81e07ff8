//! What becomes of a resource's attributes, and where that is said.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header;

use crate::http::loki::Refusal;
use crate::http::{Shared, tenant};

/// The attributes of resources that become stream labels: those that do so in a Loki that nobody
/// has configured, and the one by which the gateway tells resources apart.
pub(super) const INDEXED: [&str; 19] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
    "resource_id",
];

/// `/config/tenant/v1/limits`: what holds for a tenant, in YAML, by the names of Loki's
/// configuration. Here the same holds for all tenants.
pub(in crate::http::push) async fn limits(
    State(Shared { backend, .. }): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    tenant(request.headers())?;
    let limits = &backend.limits;
    let mut yaml = format!(
        "max_global_streams_per_user: {}\n\
         max_query_series: {}\n\
         max_entries_limit_per_query: {}\n\
         max_concurrent_tail_requests: {}\n\
         query_timeout: {}s\n\
         retention_period: {}s\n\
         discover_service_name: []\n\
         discover_log_levels: false\n\
         allow_structured_metadata: true\n\
         otlp_config:\n  resource_attributes:\n    attributes_config:\n    \
         - action: index_label\n      attributes:\n",
        limits.max_streams_per_tenant,
        limits.max_series,
        limits.max_entries,
        limits.tails_per_tenant,
        limits.query_timeout.as_secs(),
        limits.retention.as_secs(),
    );
    for attribute in INDEXED {
        yaml.push_str("      - ");
        yaml.push_str(attribute);
        yaml.push('\n');
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, yaml).into_response())
}
