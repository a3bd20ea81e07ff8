//! Requests, and the log lines that they leave.

use embedded::LogEntry;
use jiff::Timestamp;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::service::{Format, Service, is_incident};

/// One request that a service answered.
pub(crate) struct Request {
    pub(crate) pod: usize,
    /// The index of its route.
    pub(crate) route: usize,
    pub(crate) status: u16,
    /// Seconds.
    pub(crate) duration: f64,
    timestamp_ns: i64,
    trace: u128,
}

/// One value in a line.
enum Value {
    Text(String),
    Number(serde_json::Number),
}

impl Request {
    /// A request that comes in this second.
    pub(crate) fn draw(service: &Service, second: i64, random: &mut StdRng) -> Self {
        let incident = is_incident(second);
        let shares = service.routes.iter().map(|route| route.share).sum();
        let mut point = random.random_range(0..shares);
        let mut route = 0;
        for candidate in service.routes {
            if point < candidate.share {
                break;
            }
            point -= candidate.share;
            route += 1;
        }
        let latency = service.routes.get(route).map_or(0.0, |route| route.latency);
        // Waiting times are exponential; the floor is what the work itself takes.
        let waiting = -random.random_range(f64::EPSILON..1.0).ln();
        let slower = if incident { 5.0 } else { 1.0 };
        let status = match random.random_range(0..1000) {
            0..=11 => 500,
            12..=60 if incident => 503,
            61..=160 if incident => 500,
            161..=190 => 404,
            191..=210 => 400,
            _ => 200,
        };
        Self {
            pod: random.random_range(0..service.pods.len()),
            route,
            status,
            duration: latency * (0.4 + 0.6 * waiting) * slower,
            timestamp_ns: second * 1_000_000_000 + random.random_range(0..1_000_000_000),
            trace: random.random(),
        }
    }

    /// The level of its line.
    pub(crate) fn level(&self) -> &'static str {
        match self.status {
            500.. => "error",
            400.. => "warn",
            _ if self.duration > 1.0 => "warn",
            _ if self.trace.is_multiple_of(16) => "debug",
            _ => "info",
        }
    }

    /// Its line.
    pub(crate) fn entry(&self, service: &Service) -> LogEntry {
        let trace_id = format!("{:032x}", self.trace);
        let fields = self.fields(service, &trace_id);
        let line = match service.format {
            Format::Json => json(fields),
            Format::Logfmt => logfmt(&fields),
        };
        LogEntry {
            timestamp_ns: self.timestamp_ns,
            line,
            structured_metadata: vec![("trace_id".to_owned(), trace_id)],
        }
    }

    fn fields(&self, service: &Service, trace_id: &str) -> Vec<(&'static str, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        let time = Timestamp::from_nanosecond(self.timestamp_ns.into()).unwrap_or_default();
        let (method, path, failure) = service
            .routes
            .get(self.route)
            .map_or(("", "", ""), |r| (r.method, r.path, r.failure));
        let message = match self.status {
            500.. => failure,
            404 => "not found",
            400.. => "request refused",
            _ if self.duration > 1.0 => "slow request",
            _ => "request served",
        };
        let id = (self.trace >> 64) % 5000;
        // Microseconds are fine enough for a person to read.
        let milliseconds = (self.duration * 1e6).round() / 1e3;
        let duration = serde_json::Number::from_f64(milliseconds).unwrap_or_else(|| 0.into());
        vec![
            ("ts", Value::Text(format!("{time:.3}"))),
            ("level", text(self.level())),
            ("msg", text(message)),
            ("method", text(method)),
            ("path", Value::Text(path.replace("{id}", &id.to_string()))),
            ("status", Value::Number(self.status.into())),
            ("duration_ms", Value::Number(duration)),
            ("trace_id", text(trace_id)),
        ]
    }
}

fn json(fields: Vec<(&'static str, Value)>) -> String {
    let member = |(name, value): (&str, Value)| {
        let value = match value {
            Value::Text(text) => text.into(),
            Value::Number(number) => serde_json::Value::Number(number),
        };
        (name.to_owned(), value)
    };
    serde_json::Value::Object(fields.into_iter().map(member).collect()).to_string()
}

fn logfmt(fields: &[(&'static str, Value)]) -> String {
    let pair = |(name, value): &(&str, Value)| match value {
        Value::Text(text) if text.contains([' ', '=', '"']) => format!("{name}={text:?}"),
        Value::Text(text) => format!("{name}={text}"),
        Value::Number(number) => format!("{name}={number}"),
    };
    fields.iter().map(pair).collect::<Vec<_>>().join(" ")
}
