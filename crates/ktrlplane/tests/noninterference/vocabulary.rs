//! The names and values that data are made of, and that queries ask for.

/// The project that all data belong to, as its backends' tenant.
pub(crate) const PROJECT: &str = "acme-shop";
/// Another project, which has a resource by the same id.
pub(crate) const OTHER_PROJECT: &str = "globex-iot";
/// The resource that is asked for.
pub(crate) const MINE: &str = "shop-api";
/// Another resource of the same project, with much the same labels.
pub(crate) const OTHER: &str = "shop-db";
/// Another one yet, whose id begins like that of the one asked for.
pub(crate) const LONGER: &str = "shop-api-2";
/// The label that keeps them apart.
pub(crate) const RESOURCE: &str = "resource_id";

/// The first second of the data.
pub(crate) const START: i64 = 1_737_972_000;
/// How many seconds the data go on for.
pub(crate) const LENGTH: i64 = 3_600;

pub(crate) const PODS: &[&str] = &["pod-a", "pod-b", "pod-c"];
pub(crate) const ENVIRONMENTS: &[&str] = &["prod", "dev"];
pub(crate) const METHODS: &[&str] = &["GET", "POST", "DELETE"];
pub(crate) const CODES: &[&str] = &["200", "404", "500"];
/// Values that have to be quoted with care.
pub(crate) const PATHS: &[&str] = &["/", "/orders", "/a\"b\\c", "/caf\u{e9}\n", "$1"];
pub(crate) const LEVELS: &[&str] = &["info", "warn", "error"];
pub(crate) const VERSIONS: &[&str] = &["1.4.0", "1.5.0"];
pub(crate) const BOUNDS: &[&str] = &["0.1", "0.5", "1", "5", "+Inf"];

/// How the lines of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Logfmt,
    Access,
    Packed,
    Coloured,
}

/// The applications that log, with how they write.
pub(crate) const APPS: &[(&str, Format)] = &[
    ("web", Format::Json),
    ("api", Format::Logfmt),
    ("proxy", Format::Access),
    ("jobs", Format::Packed),
    ("legacy", Format::Coloured),
];

/// An application of the other resource alone.
pub(crate) const FOREIGN_APP: &str = "billing";

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Counter,
    Gauge,
    Histogram,
    /// Always 1, once for each pod.
    Info,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) measure: Measure,
    /// Its labels, beside the resource's and `pod`.
    pub(crate) labels: &'static [&'static str],
}

pub(crate) const METRICS: &[Metric] = &[
    Metric {
        name: "requests_total",
        measure: Measure::Counter,
        labels: &["method", "code"],
    },
    Metric {
        name: "errors_total",
        measure: Measure::Counter,
        labels: &["path"],
    },
    Metric {
        name: "memory_bytes",
        measure: Measure::Gauge,
        labels: &["env"],
    },
    Metric {
        name: "temperature",
        measure: Measure::Gauge,
        labels: &[],
    },
    Metric {
        name: "latency_seconds_bucket",
        measure: Measure::Histogram,
        labels: &["le"],
    },
    Metric {
        name: "http.duration",
        measure: Measure::Gauge,
        labels: &["http.method"],
    },
    Metric {
        name: "build_info",
        measure: Measure::Info,
        labels: &["version"],
    },
];

/// A metric of the other resource alone.
pub(crate) const FOREIGN_METRIC: &str = "queue_length";

/// The values that a label has anywhere.
pub(crate) fn values(label: &str) -> &'static [&'static str] {
    match label {
        "pod" => PODS,
        "env" => ENVIRONMENTS,
        "method" | "http.method" => METHODS,
        "code" | "status" => CODES,
        "path" => PATHS,
        "level" => LEVELS,
        "version" => VERSIONS,
        "le" => BOUNDS,
        "app" => &["web", "api", "proxy", "jobs", "legacy", FOREIGN_APP],
        "__name__" => &[
            "requests_total",
            "errors_total",
            "memory_bytes",
            "temperature",
            "latency_seconds_bucket",
            "http.duration",
            "build_info",
            FOREIGN_METRIC,
        ],
        RESOURCE => &[MINE, MINE, MINE, OTHER, LONGER],
        _ => &["x"],
    }
}
