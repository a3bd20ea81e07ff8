//! The route table: the only way in (invariant 5).
//!
//! Paths are matched as they were sent, undecoded: an id has no character that needs an escape, so
//! a path with `%`, `;`, an empty segment or a dot segment is the path of nothing.

use directory::policy::Action;
use http::Method;

use crate::error::Error;

/// A backend that requests are forwarded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Logs: Loki.
    Loki,
    /// Metrics: Mimir, or another that speaks Prometheus' HTTP API.
    Mimir,
}

impl Backend {
    /// All backends.
    pub const ALL: [Self; 2] = [Self::Loki, Self::Mimir];

    /// What sentences call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loki => "logs",
            Self::Mimir => "metrics",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What logs and reviews call it.
    pub name: &'static str,
    /// Its path; a segment in braces takes any id.
    pub path: &'static str,
    /// The methods that it answers; all others are a 405.
    pub methods: &'static [Method],
    /// What it does.
    pub serves: Serves,
}

/// What a route does.
#[derive(Clone, Copy, Debug)]
pub enum Serves {
    /// Says how the gateway is; needs no token and tells nothing else.
    Probe(Probe),
    /// Forwards a scoped query to a backend.
    Proxy(Proxy),
}

/// A question about the gateway's own health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The process runs and answers.
    Live,
    /// Requests can be decided: the directory answers and the issuer's keys are held.
    Ready,
}

/// How a request is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Proxy {
    /// What the caller must be allowed to do on the project.
    pub action: Action,
    /// How the query is scoped.
    pub scoping: Scoping,
    /// Where the request goes.
    pub backend: Backend,
    /// The path there, below the backend's base URL. A constant: nothing of the caller's path is
    /// ever copied.
    pub upstream: &'static str,
    /// The parameters that are understood, in the order in which they go upstream. All others are
    /// dropped.
    pub parameters: &'static [Parameter],
}

/// How the queries of a route are scoped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoping {
    /// LogQL in `query`; absent, all of the resource's logs; one that starts with a pipeline or
    /// with `{}` is taken as one on the resource's own selector.
    LogqlOnResource,
    /// PromQL in `query`; absent, a 400.
    Promql,
}

/// A parameter that is understood.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What is done where it is absent or empty (which backends do not tell apart).
    pub absent: Absent,
}

/// What a parameter's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The query. What goes upstream is the scoped one.
    Query,
    /// A point in time: RFC 3339 or Unix seconds, for Loki also Unix nanoseconds.
    Time,
    /// A positive length of time: seconds, or a duration such as `1m30s`.
    Duration,
    /// An integer from 1 to this.
    Count(u32),
    /// `forward` or `backward`.
    Direction,
}

/// What is done where a parameter is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The backend's own default holds.
    Omitted,
    /// This value goes upstream.
    Default(&'static str),
    /// The request is refused.
    Refused,
}

const fn parameter(name: &'static str, kind: Kind, absent: Absent) -> Parameter {
    Parameter { name, kind, absent }
}

/// The most log lines that one request may ask for: Loki's own default limit.
const MAX_LOG_LINES: u32 = 5000;

const LOGS_PARAMETERS: &[Parameter] = &[
    parameter("query", Kind::Query, Absent::Omitted),
    parameter("start", Kind::Time, Absent::Omitted),
    parameter("end", Kind::Time, Absent::Omitted),
    parameter("since", Kind::Duration, Absent::Omitted),
    parameter("limit", Kind::Count(MAX_LOG_LINES), Absent::Default("1000")),
    parameter("direction", Kind::Direction, Absent::Omitted),
    parameter("step", Kind::Duration, Absent::Omitted),
    parameter("interval", Kind::Duration, Absent::Omitted),
];

const METRICS_PARAMETERS: &[Parameter] = &[
    parameter("query", Kind::Query, Absent::Refused),
    parameter("start", Kind::Time, Absent::Refused),
    parameter("end", Kind::Time, Absent::Refused),
    parameter("step", Kind::Duration, Absent::Refused),
];

/// All routes.
pub static ROUTES: &[Route] = &[
    Route {
        name: "logs",
        path: "/api/v1/projects/{projectId}/resources/{resourceId}/logs",
        methods: &[Method::GET],
        serves: Serves::Proxy(Proxy {
            action: Action::Read,
            scoping: Scoping::LogqlOnResource,
            backend: Backend::Loki,
            upstream: "/loki/api/v1/query_range",
            parameters: LOGS_PARAMETERS,
        }),
    },
    Route {
        name: "metrics_query_range",
        path: "/api/v1/projects/{projectId}/resources/{resourceId}/metrics/query_range",
        methods: &[Method::GET],
        serves: Serves::Proxy(Proxy {
            action: Action::Read,
            scoping: Scoping::Promql,
            backend: Backend::Mimir,
            upstream: "/prometheus/api/v1/query_range",
            parameters: METRICS_PARAMETERS,
        }),
    },
    probe("health", "/health", Probe::Ready),
    probe("livez", "/livez", Probe::Live),
    probe("readyz", "/readyz", Probe::Ready),
];

const fn probe(name: &'static str, path: &'static str, probe: Probe) -> Route {
    Route {
        name,
        path,
        methods: &[Method::GET, Method::HEAD],
        serves: Serves::Probe(probe),
    }
}

/// A route and what its path's braces took.
#[derive(Clone, Debug)]
pub struct Found<'path> {
    /// The row.
    pub route: &'static Route,
    /// The segment for `{projectId}`, unchecked; empty for a route without one.
    pub project: &'path str,
    /// The segment for `{resourceId}`, unchecked; empty for a route without one.
    pub resource: &'path str,
}

/// Finds the route for a method and a raw path.
///
/// An unknown path is [`Error::UnknownPath`], a known one with another method
/// [`Error::MethodNotAllowed`].
pub fn find<'path>(method: &Method, path: &'path str) -> Result<Found<'path>, Error> {
    let mut allowed: Vec<&'static Method> = Vec::new();
    for route in ROUTES {
        let Some((project, resource)) = matches(route.path, path) else {
            continue;
        };
        if route.methods.contains(method) {
            return Ok(Found {
                route,
                project,
                resource,
            });
        }
        allowed.extend(route.methods);
    }
    if allowed.is_empty() {
        Err(Error::UnknownPath)
    } else {
        Err(Error::MethodNotAllowed { allowed })
    }
}

/// What the braces of `pattern` take from `path`: project and resource.
fn matches<'path>(pattern: &str, path: &'path str) -> Option<(&'path str, &'path str)> {
    let (mut project, mut resource) = ("", "");
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected {
            "{projectId}" => project = id(segment)?,
            "{resourceId}" => resource = id(segment)?,
            literal if literal == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some((project, resource))
}

/// A segment that may stand for an id. Whether it is one is decided behind the token, where a wrong
/// one looks like any other project that the caller may not see.
fn id(segment: &str) -> Option<&str> {
    let tricky = |byte: u8| matches!(byte, b'%' | b';' | b'\\');
    let refused = matches!(segment, "" | "." | "..") || segment.bytes().any(tricky);
    (!refused).then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(&'static str, &str, &str)> {
        let found = find(&Method::GET, path).ok()?;
        Some((found.route.name, found.project, found.resource))
    }

    #[test]
    fn the_documented_paths_lead_to_their_routes() {
        assert_eq!(
            found("/api/v1/projects/p1/resources/r1/logs"),
            Some(("logs", "p1", "r1"))
        );
        assert_eq!(
            found("/api/v1/projects/p1/resources/r1/metrics/query_range"),
            Some(("metrics_query_range", "p1", "r1"))
        );
        assert_eq!(found("/livez"), Some(("livez", "", "")));
    }

    #[test]
    fn threat_15_a_path_with_tricks_is_the_path_of_nothing() {
        for path in [
            "",
            "/",
            "//",
            "/health/",
            "//health",
            "/Health",
            "/api/v1/projects/p1/resources/r1/logs/",
            "/api/v1/projects/p1/resources/r1//logs",
            "/api/v1/projects//resources/r1/logs",
            "/api/v1/projects/p1/resources/%2e%2e/logs",
            "/api/v1/projects/p1/resources/../logs",
            "/api/v1/projects/./resources/r1/logs",
            "/api/v1/projects/p1%2fresources/resources/r1/logs",
            "/api/v1/projects/p1/resources/r1;x=y/logs",
            "/api/v1/projects/p1/resources/r1%25/logs",
            "/api/v1/projects/p1/resources/r1/logs;x",
            "/api/v1/projects/p1/resources/r1/log%73",
            "/api/v1/projects/p1/resources/r1/loki/api/v1/push",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn a_known_path_names_its_methods() {
        let error = find(&Method::POST, "/health").unwrap_err();
        assert!(matches!(error, Error::MethodNotAllowed { allowed }
            if allowed == [&Method::GET, &Method::HEAD]));
    }

    #[test]
    fn names_and_paths_are_unique() {
        for (index, route) in ROUTES.iter().enumerate() {
            for other in &ROUTES[index + 1..] {
                assert_ne!(route.name, other.name);
                assert_ne!(route.path, other.path);
            }
        }
    }
}
