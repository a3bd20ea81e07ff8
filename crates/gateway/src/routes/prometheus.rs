//! What Grafana's Prometheus data source and promtool ask. Both append `/api/v1/…` to the URL that
//! they are given, which ends in `/prometheus`.

use http::Method;

use super::parameter::{Absent, Kind, Parameter, optional, parameter, required};
use super::{Answer, Backend, Filter, GET, GET_OR_POST, Local, Route, forwarded, tenants};

/// Prometheus takes 0 for no limit.
const LIMIT: Parameter = optional("limit", Kind::Integer(0, i32::MAX.unsigned_abs()));
const START: Parameter = optional("start", Kind::Time);
const END: Parameter = optional("end", Kind::Time);
/// All that the caller may see, unless selectors say less.
const MATCH: Parameter = parameter("match[]", Kind::VectorSelectors, Absent::Everything);

const NONE: &[Parameter] = &[];
const QUERY: &[Parameter] = &[required("query", Kind::Promql)];
const INSTANT: &[Parameter] = &[
    required("query", Kind::Promql),
    optional("time", Kind::Time),
    optional("timeout", Kind::Duration),
    LIMIT,
    optional("lookback_delta", Kind::Duration),
];
const RANGE: &[Parameter] = &[
    required("query", Kind::Promql),
    required("start", Kind::Time),
    required("end", Kind::Time),
    required("step", Kind::Duration),
    optional("timeout", Kind::Duration),
    LIMIT,
    optional("lookback_delta", Kind::Duration),
];
const EXEMPLARS: &[Parameter] = &[required("query", Kind::Promql), START, END];
const SERIES: &[Parameter] = &[MATCH, START, END, LIMIT];
const METADATA: &[Parameter] = &[
    optional("metric", Kind::MetricName),
    LIMIT,
    optional(
        "limit_per_metric",
        Kind::Integer(0, i32::MAX.unsigned_abs()),
    ),
];
const RULES: &[Parameter] = &[optional("type", Kind::Word(&["alert", "record"]))];

macro_rules! prometheus {
    ($name:literal, $path:literal, $methods:expr, $parameters:expr) => {
        forwarded(
            concat!("prometheus_", $name),
            concat!("/prometheus/api/v1/", $path),
            $methods,
            (Backend::Mimir, concat!("/prometheus/api/v1/", $path)),
            $parameters,
        )
    };
}

macro_rules! filtered {
    ($name:literal, $filter:expr, $parameters:expr) => {
        tenants(
            concat!("prometheus_", $name),
            concat!("/prometheus/api/v1/", $name),
            GET,
            Backend::Mimir,
            $parameters,
            Answer::Filtered($filter, concat!("/prometheus/api/v1/", $name)),
        )
    };
}

pub(super) const ROUTES: &[Route] = &[
    prometheus!("query", "query", GET_OR_POST, INSTANT),
    prometheus!("query_range", "query_range", GET_OR_POST, RANGE),
    prometheus!("query_exemplars", "query_exemplars", GET_OR_POST, EXEMPLARS),
    prometheus!("series", "series", GET_OR_POST, SERIES),
    prometheus!("labels", "labels", GET_OR_POST, SERIES),
    prometheus!("label_values", "label/{name}/values", GET, SERIES),
    filtered!("metadata", Filter::Metadata, METADATA),
    filtered!("rules", Filter::Rules, RULES),
    filtered!("alerts", Filter::Alerts, NONE),
    local(
        "prometheus_buildinfo",
        "/prometheus/api/v1/status/buildinfo",
        GET,
        NONE,
        Local::BuildInfo,
    ),
    local(
        "prometheus_format_query",
        "/prometheus/api/v1/format_query",
        GET_OR_POST,
        QUERY,
        Local::FormatQuery,
    ),
    local(
        "prometheus_parse_query",
        "/prometheus/api/v1/parse_query",
        GET_OR_POST,
        QUERY,
        Local::ParseQuery,
    ),
];

const fn local(
    name: &'static str,
    path: &'static str,
    methods: &'static [Method],
    parameters: &'static [Parameter],
    local: Local,
) -> Route {
    tenants(
        name,
        path,
        methods,
        Backend::Mimir,
        parameters,
        Answer::Local(local),
    )
}
