//! A request or more for every row.

/// Names and values.
pub(super) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A request: the row's name, its path below the mount, and the parameters.
pub(super) struct Case(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Pairs<'static>,
);

const LOGQL: (&str, &str) = ("query", r#"{app="x"} | json |= `y`"#);
const SELECTOR: (&str, &str) = ("query", r#"{app="x"}"#);
const START: (&str, &str) = ("start", "2025-01-27T10:00:00Z");
const END: (&str, &str) = ("end", "1737975600");
/// As Loki's clients send them.
const NANOS: Pairs = &[
    ("start", "1737972000000000000"),
    ("end", "1737975600000000001"),
];

/// Each row with everything that it takes, and with nothing that it does not need.
pub(super) const CASES: &[Case] = &[
    Case(
        "loki_query",
        "loki/api/v1/query",
        &[
            LOGQL,
            ("time", "1737972000.5"),
            ("limit", "10"),
            ("direction", "BACKWARD"),
        ],
    ),
    Case(
        "loki_query",
        "loki/api/v1/query",
        &[(
            "query",
            "sum by (app) (rate({app=~\".+\"}[5m])) / vector(2)",
        )],
    ),
    Case(
        "loki_query_range",
        "loki/api/v1/query_range",
        &[
            LOGQL,
            NANOS[0],
            NANOS[1],
            ("since", "1h"),
            ("limit", "100"),
            ("direction", "forward"),
            ("step", "15"),
            ("interval", "1.5"),
        ],
    ),
    Case(
        "loki_query_range",
        "loki/api/v1/query_range",
        &[("query", "vector(1)+vector(1)")],
    ),
    Case(
        "loki_labels",
        "loki/api/v1/labels",
        &[START, END, ("since", "6h"), SELECTOR],
    ),
    Case("loki_labels", "loki/api/v1/labels", &[]),
    Case("loki_label", "loki/api/v1/label", &[NANOS[0], NANOS[1]]),
    Case(
        "loki_label_values",
        "loki/api/v1/label/app/values",
        &[NANOS[0], NANOS[1], ("query", "{}")],
    ),
    Case(
        "loki_label_values",
        "loki/api/v1/label/resource_id/values",
        &[],
    ),
    Case(
        "loki_series",
        "loki/api/v1/series",
        &[
            ("match", r#"{b="2"}"#),
            ("match[]", r#"{a="1"}"#),
            ("match", r#"{c="3"}"#),
            ("match[]", "{}"),
            NANOS[0],
            NANOS[1],
        ],
    ),
    Case(
        "loki_series",
        "loki/api/v1/series",
        &[("match", r#"{app=~".*"}"#)],
    ),
    Case("loki_series", "loki/api/v1/series", &[]),
    Case(
        "loki_index_stats",
        "loki/api/v1/index/stats",
        &[SELECTOR, NANOS[0], NANOS[1]],
    ),
    Case("loki_index_stats", "loki/api/v1/index/stats", &[]),
    Case(
        "loki_index_volume",
        "loki/api/v1/index/volume",
        &[
            SELECTOR,
            NANOS[0],
            NANOS[1],
            ("limit", "100"),
            ("targetLabels", "app,level"),
            ("aggregateBy", "labels"),
        ],
    ),
    Case("loki_index_volume", "loki/api/v1/index/volume", &[]),
    Case(
        "loki_index_volume_range",
        "loki/api/v1/index/volume_range",
        &[
            SELECTOR,
            NANOS[0],
            NANOS[1],
            ("step", "1m"),
            ("limit", "1"),
            ("targetLabels", "app"),
            ("aggregateBy", "series"),
        ],
    ),
    Case(
        "loki_index_volume_range",
        "loki/api/v1/index/volume_range",
        &[],
    ),
    Case(
        "loki_index_shards",
        "loki/api/v1/index/shards",
        &[
            SELECTOR,
            NANOS[0],
            NANOS[1],
            ("targetBytesPerShard", "600MB"),
        ],
    ),
    Case("loki_index_shards", "loki/api/v1/index/shards", &[]),
    Case(
        "loki_detected_labels",
        "loki/api/v1/detected_labels",
        &[SELECTOR, START, END],
    ),
    Case("loki_detected_labels", "loki/api/v1/detected_labels", &[]),
    Case(
        "loki_detected_fields",
        "loki/api/v1/detected_fields",
        &[
            LOGQL,
            NANOS[0],
            NANOS[1],
            ("line_limit", "1000"),
            ("limit", "1000"),
            ("step", "30s"),
        ],
    ),
    Case("loki_detected_fields", "loki/api/v1/detected_fields", &[]),
    Case(
        "loki_detected_field_values",
        "loki/api/v1/detected_field/caller/values",
        &[LOGQL, NANOS[0], NANOS[1], ("limit", "10")],
    ),
    Case(
        "loki_detected_field_values",
        "loki/api/v1/detected_field/caller/values",
        &[],
    ),
    Case(
        "loki_patterns",
        "loki/api/v1/patterns",
        &[SELECTOR, NANOS[0], NANOS[1], ("step", "10s")],
    ),
    Case("loki_patterns", "loki/api/v1/patterns", &[]),
    Case(
        "loki_drilldown_limits",
        "loki/api/v1/drilldown-limits",
        &[SELECTOR],
    ),
    Case(
        "prometheus_query",
        "prometheus/api/v1/query",
        &[("query", "1+1"), ("time", "4")],
    ),
    Case(
        "prometheus_query",
        "prometheus/api/v1/query",
        &[
            ("query", "sum(rate(a[5m])) / b"),
            ("time", "2025-01-27T10:00:00Z"),
            ("timeout", "30s"),
            ("limit", "0"),
            ("lookback_delta", "5m"),
        ],
    ),
    Case(
        "prometheus_query_range",
        "prometheus/api/v1/query_range",
        &[
            ("query", r#"up{job=~"a|b"}"#),
            ("start", "1737972000"),
            END,
            ("step", "15"),
            ("timeout", "1m"),
            ("limit", "7"),
            ("lookback_delta", "90s"),
        ],
    ),
    Case(
        "prometheus_query_exemplars",
        "prometheus/api/v1/query_exemplars",
        &[
            ("query", "histogram_quantile(0.9, rate(t_bucket[1m]))"),
            START,
            END,
        ],
    ),
    Case(
        "prometheus_query_exemplars",
        "prometheus/api/v1/query_exemplars",
        &[("query", "up")],
    ),
    Case(
        "prometheus_series",
        "prometheus/api/v1/series",
        &[
            ("match[]", "a"),
            ("match[]", r#"{b!="c"}"#),
            START,
            END,
            ("limit", "1000"),
        ],
    ),
    Case("prometheus_series", "prometheus/api/v1/series", &[]),
    Case(
        "prometheus_labels",
        "prometheus/api/v1/labels",
        &[
            ("match[]", "a"),
            ("match[]", "{}"),
            START,
            END,
            ("limit", "40000"),
        ],
    ),
    Case("prometheus_labels", "prometheus/api/v1/labels", &[]),
    Case(
        "prometheus_label_values",
        "prometheus/api/v1/label/__name__/values",
        &[("match[]", r#"{"a.b", c="d"}"#), START, END, ("limit", "0")],
    ),
    Case(
        "prometheus_label_values",
        "prometheus/api/v1/label/U__service_2e_name/values",
        &[],
    ),
    Case(
        "prometheus_metadata",
        "prometheus/api/v1/metadata",
        &[("limit", "2"), ("limit_per_metric", "1"), ("metric", "up")],
    ),
    Case("prometheus_metadata", "prometheus/api/v1/metadata", &[]),
    Case(
        "prometheus_rules",
        "prometheus/api/v1/rules",
        &[("type", "alert")],
    ),
    Case("prometheus_rules", "prometheus/api/v1/rules", &[]),
    Case("prometheus_alerts", "prometheus/api/v1/alerts", &[]),
    Case("loki_format_query", "loki/api/v1/format_query", &[LOGQL]),
    Case("loki_buildinfo", "loki/api/v1/status/buildinfo", &[]),
    Case(
        "prometheus_format_query",
        "prometheus/api/v1/format_query",
        &[("query", "up")],
    ),
    Case(
        "prometheus_parse_query",
        "prometheus/api/v1/parse_query",
        &[("query", "up")],
    ),
    Case(
        "prometheus_buildinfo",
        "prometheus/api/v1/status/buildinfo",
        &[],
    ),
];
