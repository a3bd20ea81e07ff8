//! The words of the document that no table holds.

use crate::routes::{Absent, Backend, Endpoint, Kind, Parameter, Route, Serves};

/// What stands at the document's beginning.
pub(super) const INTRODUCTION: &str = "\
Logs and metrics of one resource, or of one project, in front of Loki and Mimir; and the directory of \
organizations, projects and resources, and of who holds roles on them.

Every request for data is authenticated by a bearer token, authorized by a role on the project, bound to the \
project's tenant, and scoped: queries are parsed, `resource_id=\"<resourceId>\"` is added to every \
selector, and what is printed from the result is what the backend gets.

- Paths are matched as they are sent, undecoded. What is not in this document is a 404, and another \
method on a path of this document a 405.
- Parameters that an operation does not name are dropped. One that may be given once and is given \
twice, in the URL, in the form or in both, is a 400. An empty one is an absent one. Management is \
stricter: a parameter that is not named or is empty is a 400.
- `start` must not be after `end`.
- Every error of the gateway's own has one shape, the schema `Error`.
- Grafana's Loki data source and logcli take the URL up to `/resources/{resourceId}` (or \
`/projects/{projectId}`), Grafana's Prometheus data source and promtool the same with `/prometheus` \
behind it.";

const OBSERVABILITY: &str = "Observability API";
const LOKI: &str = "Loki";
const PROMETHEUS: &str = "Prometheus";
const MANAGEMENT: &str = "Management";
const GATEWAY: &str = "Gateway";

/// Groups of operations, each with what is in it.
pub(super) const TAGS: [(&str, &str); 5] = [
    (OBSERVABILITY, "A resource's logs and metrics."),
    (LOKI, "What Grafana's Loki data source and logcli ask."),
    (
        PROMETHEUS,
        "What Grafana's Prometheus data source and promtool ask.",
    ),
    (
        MANAGEMENT,
        "Organizations, projects, resources, and who holds roles on them.",
    ),
    (
        GATEWAY,
        "The gateway itself. Open to everybody; nothing of a tenant is told.",
    ),
];

/// The group of a route.
pub(super) fn tag(route: &Route) -> &'static str {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) => GATEWAY,
        Serves::Management(_) => MANAGEMENT,
        Serves::Tenant(_) if route.path.starts_with("/loki/") => LOKI,
        Serves::Tenant(_) if route.path.starts_with("/prometheus/") => PROMETHEUS,
        Serves::Tenant(_) => OBSERVABILITY,
    }
}

/// What a route answers, in a few words.
pub(super) fn summary(route: &str) -> Option<&'static str> {
    Some(match route {
        "logs" => "Log lines of a resource",
        "metrics_query_range" => "Metrics of a resource over time",
        "logs_scope" | "metrics_scope" => "A query as the backend would see it",
        "loki_query" | "prometheus_query" => "Evaluate a query at one time",
        "loki_query_range" | "prometheus_query_range" => "Evaluate a query over time",
        "loki_labels" | "prometheus_labels" => "Names of labels",
        "loki_label" => "Names of labels, at their older path",
        "loki_label_values" | "prometheus_label_values" => "Values of a label",
        "loki_series" => "Streams, by selector",
        "loki_index_stats" => "How much a selector selects",
        "loki_index_volume" => "Bytes by label",
        "loki_index_volume_range" => "Bytes by label, over time",
        "loki_index_shards" => "How a query can be split",
        "loki_detected_labels" => "Labels with the number of their values",
        "loki_detected_fields" => "Fields found in log lines",
        "loki_detected_field_values" => "Values of a field found in log lines",
        "loki_patterns" => "Patterns found in log lines",
        "loki_drilldown_limits" => "Limits that Logs Drilldown keeps to",
        "loki_format_query" | "prometheus_format_query" => "A query in its canonical form",
        "prometheus_parse_query" => "A query's tree",
        "loki_tail" => "Log lines as they come, over a WebSocket",
        "logs_tail" => "Log lines of a resource as they come, as server-sent events",
        "loki_push" => "Write lines, by Loki's push API",
        "remote_write" => "Write samples, by Prometheus' remote write",
        "otlp_logs" => "Write log records, by OTLP/HTTP",
        "otlp_metrics" => "Write data points, by OTLP/HTTP",
        "loki_buildinfo" | "prometheus_buildinfo" => "The version whose API is spoken",
        "prometheus_query_exemplars" => "Exemplars of a query's series",
        "prometheus_series" => "Series, by selector",
        "prometheus_metadata" => "Type, help and unit of metrics",
        "prometheus_rules" => "Recording and alerting rules",
        "prometheus_alerts" => "Alerts that are pending or firing",
        "health" | "readyz" => "Whether requests can be decided",
        "livez" => "Whether the process runs",
        "openapi" => "This document",
        "explore" => "The way to the Explore page",
        "explore_page" => "The Explore page, for people",
        "explore_config" => "How the Explore page signs people in",
        "explore_file" => "A file of the Explore page",
        "organizations" => "Organizations that you may read",
        "organization_create" => "Create an organization",
        "organization" => "Read an organization",
        "organization_update" => "Rename an organization",
        "organization_delete" => "Delete an organization",
        "projects" => "Projects that you may read",
        "project_create" => "Create a project",
        "project" => "Read a project",
        "project_update" => "Rename or move a project",
        "project_delete" => "Delete a project",
        "resources" => "Resources of a project that you may read",
        "resource_create" => "Create a resource",
        "resource" => "Read a resource",
        "resource_update" => "Change a resource",
        "resource_delete" => "Delete a resource",
        "assignments" => "Who holds roles here",
        "grant" => "Give a role",
        "withdraw" => "Withdraw a role",
        "audit" => "What was written here",
        "roles" => "All roles",
        "role_permissions" => "What a role holds",
        "permissions_check" => "What you may do at a place",
        "users_search" => "Users by name, e-mail address or subject",
        "me" => "You",
        _ => return None,
    })
}

/// What stands in the path's braces: its description and an example, that of the published API.
pub(super) fn in_path(name: &str) -> (&'static str, &'static str) {
    match name {
        "orgId" => ("The organization's id.", "my-organization"),
        "assignmentId" => (
            "The id of an assignment that is held on this very place.",
            "0198f3a2-7c11-7d3e-9a44-5f2b6c1d8e90",
        ),
        "roleId" => ("The role's id, or its name.", "viewer"),
        "projectId" => (
            "The project's id, which is its tenant in the backends.",
            "my-project",
        ),
        "resourceId" => (
            "The resource's id, the value of its `resource_id` label.",
            "my-resource",
        ),
        "file" => ("The file's name, as the page has it.", "index-1a2b3c4d.js"),
        _ => ("The name of a label or field.", "level"),
    }
}

/// What a parameter is, and what holds where it is absent.
pub(super) fn parameter(endpoint: &Endpoint, parameter: &Parameter) -> String {
    let mut text = meaning(parameter).to_owned();
    match parameter.kind {
        Kind::Time => text.push_str(times(endpoint.backend)),
        Kind::Duration => {
            text.push_str(": seconds, or a duration such as `1m30s`; more than nothing.");
        }
        Kind::Word(_) => text.push_str(", in any case."),
        Kind::LabelNames => text.push_str(", with commas between them."),
        Kind::Bytes => text.push_str(", such as `600MB`."),
        Kind::Logql
        | Kind::LogqlOnResource
        | Kind::Promql
        | Kind::StreamSelectors
        | Kind::VectorSelectors
        | Kind::Lines
        | Kind::Integer(..)
        | Kind::MetricName => text.push('.'),
    }
    match parameter.absent {
        Absent::Everything => text.push_str(" Without it, all that the path names is meant."),
        Absent::Omitted | Absent::Default(_) | Absent::Refused => {}
    }
    text
}

fn meaning(parameter: &Parameter) -> &'static str {
    match (parameter.name, parameter.kind) {
        (_, Kind::Logql) => "A LogQL query",
        (_, Kind::LogqlOnResource) => {
            "A LogQL query. It may leave its selector out and begin with its pipeline: `|= \"timeout\"`"
        }
        (_, Kind::Promql) => "A PromQL query",
        ("match", _) => "Another spelling of `match[]`",
        (_, Kind::StreamSelectors) => "A stream selector; may be given several times",
        (_, Kind::VectorSelectors) => "A vector selector; may be given several times",
        ("start", _) => "Where the time range begins",
        ("end", _) => "Where the time range ends",
        ("time", _) => "The time at which the query is evaluated",
        ("since", _) => "How long before `end` the time range begins, in place of `start`",
        ("step", _) => "The time between two points of the answer",
        ("interval", _) => "The least time between two lines of one stream",
        ("timeout", _) => "How long the query may be evaluated for",
        ("lookback_delta", _) => "How long a sample counts for",
        ("limit", Kind::Lines) => "The most log lines to return",
        ("line_limit", _) => "The most log lines to look at",
        ("delay_for", _) => "How many seconds late lines are waited for",
        ("limit", _) => "The most items to return",
        ("limit_per_metric", _) => "The most entries to return of one metric",
        ("direction", _) => "The order of log lines by time",
        ("targetLabels", _) => "The labels to sum up by",
        ("aggregateBy", _) => "Whether to sum up by series or by label",
        ("targetBytesPerShard", _) => "The size of a part that the query is split into",
        ("metric", _) => "The name of a metric",
        ("type", _) => "Which rules to return",
        _ => "",
    }
}

/// A value to try, those of the published API where it has the parameter.
pub(super) fn example(parameter: &Parameter) -> Option<&'static str> {
    match parameter.kind {
        Kind::Logql | Kind::LogqlOnResource | Kind::StreamSelectors => {
            (parameter.name == parameter.upstream).then_some("{level=\"error\"}")
        }
        Kind::Promql | Kind::VectorSelectors => Some("cpu_usage_percent"),
        Kind::Time if parameter.name == "start" => Some("2025-01-27T10:00:00Z"),
        Kind::Time => Some("2025-01-27T11:00:00Z"),
        Kind::Duration if parameter.name == "step" => Some("15s"),
        Kind::Lines => Some("100"),
        // In place of others, or seldom asked for.
        Kind::Duration
        | Kind::Integer(..)
        | Kind::Word(_)
        | Kind::LabelNames
        | Kind::MetricName
        | Kind::Bytes => None,
    }
}

/// How a point in time may be written.
const fn times(backend: Backend) -> &'static str {
    match backend {
        Backend::Loki => ": RFC 3339, or Unix time in seconds or nanoseconds.",
        Backend::Mimir => ": RFC 3339, or Unix time in seconds.",
    }
}
