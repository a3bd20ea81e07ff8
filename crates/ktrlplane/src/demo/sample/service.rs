//! The services behind the demo's resources.

/// How a service writes its log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Logfmt,
}

/// A service: one resource at work.
pub(crate) struct Service {
    /// The project that it belongs to, which is its tenant.
    pub(crate) project: &'static str,
    /// Its `resource_id`.
    pub(crate) resource: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) pods: &'static [&'static str],
    pub(crate) format: Format,
    /// Requests per second, on average.
    pub(crate) rate: f64,
    /// CPU in percent when nothing happens, and how much more under load.
    pub(crate) cpu: (f64, f64),
    /// Memory in bytes.
    pub(crate) memory: f64,
    pub(crate) routes: &'static [Route],
}

/// What a service answers.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Its share of the requests, against the other routes' shares.
    pub(crate) share: u32,
    /// How long it takes, in seconds, roughly.
    pub(crate) latency: f64,
    /// What goes wrong when it does.
    pub(crate) failure: &'static str,
}

const fn route(
    method: &'static str,
    path: &'static str,
    share: u32,
    latency: f64,
    failure: &'static str,
) -> Route {
    Route {
        method,
        path,
        share,
        latency,
        failure,
    }
}

/// All services.
pub(crate) static SERVICES: [Service; 4] = [
    Service {
        project: "acme-shop",
        resource: "shop-api",
        namespace: "acme-shop",
        pods: &["shop-api-6c9f7d8b54-k2x8p", "shop-api-6c9f7d8b54-zt4wq"],
        format: Format::Json,
        rate: 2.5,
        cpu: (12.0, 45.0),
        memory: 310e6,
        routes: &[
            route("GET", "/products", 50, 0.030, "catalogue index not loaded"),
            route(
                "GET",
                "/products/{id}",
                30,
                0.015,
                "product lookup timed out",
            ),
            route(
                "POST",
                "/cart",
                15,
                0.060,
                "cart is locked by another request",
            ),
            route(
                "POST",
                "/checkout",
                5,
                0.250,
                "payment provider did not answer",
            ),
        ],
    },
    Service {
        project: "acme-shop",
        resource: "shop-db",
        namespace: "acme-shop",
        pods: &["shop-db-0"],
        format: Format::Logfmt,
        rate: 1.5,
        cpu: (20.0, 60.0),
        memory: 1.9e9,
        routes: &[
            route("POST", "/query", 80, 0.008, "deadlock detected"),
            route(
                "POST",
                "/transaction",
                20,
                0.025,
                "could not serialize access",
            ),
        ],
    },
    Service {
        project: "acme-lab",
        resource: "lab-flow",
        namespace: "acme-lab",
        pods: &["lab-flow-7d5b9c6f4d-9hxrm"],
        format: Format::Logfmt,
        rate: 0.8,
        cpu: (5.0, 70.0),
        memory: 620e6,
        routes: &[
            route("POST", "/runs", 30, 0.900, "step failed after 3 attempts"),
            route("GET", "/runs/{id}", 70, 0.012, "run store is read-only"),
        ],
    },
    Service {
        project: "globex-iot",
        resource: "iot-graph",
        namespace: "globex-iot",
        pods: &["iot-graph-0", "iot-graph-1"],
        format: Format::Json,
        rate: 1.6,
        cpu: (15.0, 35.0),
        memory: 880e6,
        routes: &[
            route(
                "POST",
                "/telemetry",
                70,
                0.005,
                "twin does not match its model",
            ),
            route("GET", "/twins/{id}", 20, 0.010, "twin is being migrated"),
            route("POST", "/query", 10, 0.120, "traversal exceeded its budget"),
        ],
    },
];

impl Service {
    /// The labels of whatever comes from one pod: what a collector on Kubernetes would add.
    pub(crate) fn labels(&self, pod: usize) -> Vec<(String, String)> {
        let pod = self.pods.get(pod).copied().unwrap_or_default();
        [
            ("job", self.resource),
            ("namespace", self.namespace),
            ("pod", pod),
            ("cluster", "demo"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// Whether things go badly in this second: for two minutes of every twenty.
pub(crate) fn is_incident(second: i64) -> bool {
    second.rem_euclid(1200) < 120
}

/// A wave between -1 and 1 with this period, both in seconds.
#[allow(
    clippy::cast_precision_loss,
    reason = "a period is far below the 2^52 seconds that a float counts"
)]
pub(crate) fn wave(second: i64, period: i64) -> f64 {
    (second.rem_euclid(period) as f64 / period as f64 * std::f64::consts::TAU).sin()
}
