//! What Grafana's Loki data source and logcli ask. Both append `/loki/api/v1/…` to the URL that
//! they are given.

use super::parameter::{Absent, Kind, Parameter, optional, parameter, required};
use super::resource::DIRECTIONS;
use super::{Answer, Backend, GET, GET_OR_POST, Local, Reader, Route, forwarded, tenants};

const MANY: u32 = i32::MAX.unsigned_abs();

/// All that the caller may see, unless a query says less.
const QUERY: Parameter = parameter("query", Kind::Logql, Absent::Everything);
const START: Parameter = optional("start", Kind::Time);
const END: Parameter = optional("end", Kind::Time);
const SINCE: Parameter = optional("since", Kind::Duration);

const NONE: &[Parameter] = &[];
const FORMAT: &[Parameter] = &[required("query", Kind::Logql)];
const INSTANT: &[Parameter] = &[
    required("query", Kind::Logql),
    optional("time", Kind::Time),
    optional("limit", Kind::Lines),
    optional("direction", Kind::Word(DIRECTIONS)),
];
const RANGE: &[Parameter] = &[
    required("query", Kind::Logql),
    START,
    END,
    SINCE,
    optional("limit", Kind::Lines),
    optional("direction", Kind::Word(DIRECTIONS)),
    optional("step", Kind::Duration),
    optional("interval", Kind::Duration),
];
const LABELS: &[Parameter] = &[QUERY, START, END, SINCE];
const SERIES: &[Parameter] = &[
    parameter("match[]", Kind::StreamSelectors, Absent::Everything),
    // Logcli's spelling. Both are one list for Loki, and one spelling is enough upstream.
    Parameter {
        name: "match",
        upstream: "match[]",
        kind: Kind::StreamSelectors,
        absent: Absent::Omitted,
    },
    START,
    END,
    SINCE,
];
const VOLUME: &[Parameter] = &[
    QUERY,
    START,
    END,
    SINCE,
    optional("limit", Kind::Integer(1, MANY)),
    optional("targetLabels", Kind::LabelNames),
    optional("aggregateBy", Kind::Word(&["series", "labels"])),
];
const VOLUME_RANGE: &[Parameter] = &[
    QUERY,
    START,
    END,
    SINCE,
    optional("step", Kind::Duration),
    optional("limit", Kind::Integer(1, MANY)),
    optional("targetLabels", Kind::LabelNames),
    optional("aggregateBy", Kind::Word(&["series", "labels"])),
];
const SHARDS: &[Parameter] = &[
    QUERY,
    START,
    END,
    SINCE,
    optional("targetBytesPerShard", Kind::Bytes),
];
const FIELDS: &[Parameter] = &[
    QUERY,
    START,
    END,
    SINCE,
    optional("step", Kind::Duration),
    optional("limit", Kind::Integer(1, MANY)),
    optional("line_limit", Kind::Lines),
];
const PATTERNS: &[Parameter] = &[QUERY, START, END, SINCE, optional("step", Kind::Duration)];

const TAIL: &[Parameter] = &[
    required("query", Kind::Logql),
    START,
    optional("limit", Kind::Lines),
    DELAY_FOR,
];
/// How many seconds lines are held back, so that those that come late find their place: Loki's own
/// bounds.
pub(super) const DELAY_FOR: Parameter = optional("delay_for", Kind::Integer(0, 5));

/// Where the backend tails.
pub(super) const TAIL_PATH: &str = "/loki/api/v1/tail";

macro_rules! loki {
    ($name:literal, $path:literal, $parameters:expr) => {
        forwarded(
            concat!("loki_", $name),
            concat!("/loki/api/v1/", $path),
            GET_OR_POST,
            (Backend::Loki, concat!("/loki/api/v1/", $path)),
            $parameters,
        )
    };
}

pub(super) const ROUTES: &[Route] = &[
    loki!("query", "query", INSTANT),
    loki!("query_range", "query_range", RANGE),
    loki!("labels", "labels", LABELS),
    loki!("label", "label", LABELS),
    loki!("label_values", "label/{name}/values", LABELS),
    loki!("series", "series", SERIES),
    loki!("index_stats", "index/stats", LABELS),
    loki!("index_volume", "index/volume", VOLUME),
    loki!("index_volume_range", "index/volume_range", VOLUME_RANGE),
    loki!("index_shards", "index/shards", SHARDS),
    loki!("detected_labels", "detected_labels", LABELS),
    loki!("detected_fields", "detected_fields", FIELDS),
    loki!(
        "detected_field_values",
        "detected_field/{name}/values",
        FIELDS
    ),
    loki!("patterns", "patterns", PATTERNS),
    loki!("drilldown_limits", "drilldown-limits", NONE),
    tenants(
        "loki_tail",
        TAIL_PATH,
        GET,
        Backend::Loki,
        TAIL,
        Answer::Tail(Reader::Socket, TAIL_PATH),
    ),
    local(
        "loki_format_query",
        "/loki/api/v1/format_query",
        FORMAT,
        Local::FormatQuery,
    ),
    local(
        "loki_buildinfo",
        "/loki/api/v1/status/buildinfo",
        NONE,
        Local::BuildInfo,
    ),
];

const fn local(
    name: &'static str,
    path: &'static str,
    parameters: &'static [Parameter],
    local: Local,
) -> Route {
    tenants(
        name,
        path,
        GET_OR_POST,
        Backend::Loki,
        parameters,
        Answer::Local(local),
    )
}
