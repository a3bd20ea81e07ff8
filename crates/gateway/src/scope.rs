//! The request that goes upstream, built anew from what was understood.

pub mod parameters;

mod decimal;
mod headers;
mod loki;
mod prometheus;
mod remembered;
mod times;

pub(crate) use headers::{passes_on, trace_headers};
pub use remembered::Remembered;
pub(crate) use times::all_that_may_be_asked;

use std::borrow::Cow;
use std::time::Duration;

use directory::policy::ProjectId;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use query::scope::ScopeError;
use query::{Matcher, ParseError};

use crate::authorize::{Permit, Reach};
use crate::error::{Error, Flaw};
use crate::limit::Bounds;
use crate::routes::{Absent, Backend, Endpoint, Kind, Parameter};
use parameters::{Input, Nanos, Parameters, Value, is_label_name};
use remembered::Key;
use times::Sent;

/// The label by which the backends know resources.
pub(crate) const RESOURCE_LABEL: &str = "resource_id";

/// The proof that what is in it was built by [`scope`]: bound to one tenant, its query to one
/// resource.
///
/// Only [`scope`] makes one:
///
/// ```compile_fail,E0451
/// # use gateway::scope::{Request, Scoped};
/// # fn forge(inner: Request) -> Scoped<Request> {
/// Scoped { inner }
/// # }
/// ```
#[derive(Debug)]
pub struct Scoped<T> {
    inner: T,
}

impl<T> Scoped<T> {
    /// What is scoped.
    pub fn get(&self) -> &T {
        &self.inner
    }

    /// What is scoped, to be sent.
    pub(crate) fn into_inner(self) -> T {
        self.inner
    }
}

impl Scoped<Request> {
    /// Asks for an answer that the gateway itself can read: JSON, not compressed.
    pub(crate) fn expect_plain(&mut self) {
        let headers = &mut self.inner.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }

    /// Asks for what was logged from `start` on, or from as far back as may be asked, at most so many
    /// lines. What the query is bound to stays as it is.
    pub(crate) fn resume(
        &mut self,
        start: Nanos,
        most_lines: u32,
        (bounds, now): (Bounds, Timestamp),
    ) {
        let start = times::tail_resumed(start, bounds, now);
        let parameters = &mut self.inner.parameters;
        parameters.retain(|(name, _)| !matches!(*name, "start" | "limit"));
        parameters.push(("start", loki::time(start)));
        parameters.push(("limit", most_lines.to_string()));
    }

    /// Checks where a tail begins, and says so to the backend where it is limited how far back that
    /// may be.
    pub(crate) fn begin(&mut self, (bounds, now): (Bounds, Timestamp)) -> Result<(), Error> {
        let mut parameters = self.inner.parameters.iter();
        let start = parameters.find(|(name, _)| *name == "start");
        // It was printed here.
        let start = start.and_then(|(_, start)| start.parse().ok().map(Nanos));
        let start = times::tail_start(start, bounds, now)?;
        if let Some(start) = start {
            self.take("start");
            self.inner.parameters.push(("start", loki::time(start)));
        }
        Ok(())
    }

    /// Whether the query asks for log lines, and not for samples.
    pub(crate) fn asks_for_lines(&self) -> bool {
        let mut parameters = self.inner.parameters.iter();
        let query = parameters.find(|(name, _)| *name == "query");
        query.is_some_and(|(_, query)| loki::is_of_lines(query))
    }

    /// Takes a parameter out, to be applied here.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let parameters = &mut self.inner.parameters;
        let at = parameters.iter().position(|(known, _)| *known == name)?;
        Some(parameters.remove(at).1)
    }
}

/// A request for a backend.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it goes.
    pub backend: Backend,
    /// The path below the backend's base URL.
    pub path: Cow<'static, str>,
    /// All parameters, in their canonical form.
    pub parameters: Vec<(&'static str, String)>,
    /// The tenant.
    pub tenant: ProjectId,
    /// What its queries are bound to, if that is one resource.
    pub bound: Option<Matcher>,
    /// The caller's headers that go upstream; none of them says who they are.
    pub headers: HeaderMap,
}

impl Request {
    /// Its queries and selectors, as they go upstream.
    pub(crate) fn queries<'a>(&'a self, endpoint: &Endpoint) -> impl Iterator<Item = &'a str> {
        let is_query = |name: &str| {
            let mut known = endpoint.parameters.iter();
            known.any(|known| known.upstream == name && known.kind.is_scoped())
        };
        let parameters = self.parameters.iter();
        let queries = parameters.filter(move |(name, _)| is_query(name));
        queries.map(|(_, text)| text.as_str())
    }
}

/// What of a request is not in its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The label's name in the path, unchecked; empty for a route without one.
    pub name: &'a str,
    /// The caller's headers.
    pub headers: &'a HeaderMap,
    /// The most log lines that may be asked for.
    pub most_lines: u32,
    /// What else a query may ask for.
    pub bounds: Bounds,
    /// The time, up to which is asked where the caller names no end.
    pub now: Timestamp,
    /// The queries that this thread has scoped before.
    pub remembered: &'a Remembered,
}

/// Builds the request for `endpoint` that goes to the path `upstream`.
///
/// Everything that does not parse, and every query that cannot be scoped, is [`Error::BadData`].
pub fn scope(
    endpoint: &Endpoint,
    upstream: &'static str,
    permit: &Permit,
    input: Input<'_>,
    context: Context<'_>,
) -> Result<Scoped<Request>, Error> {
    let path = path(upstream, context.name)?;
    let mut bound = Bound::new(permit, context);
    let parameters = parameters(endpoint, &mut bound, input, context)?;
    Ok(Scoped {
        inner: Request {
            backend: endpoint.backend,
            path,
            parameters,
            tenant: permit.project().clone(),
            bound: bound.by,
            headers: headers::allowed(context.headers),
        },
    })
}

/// What the caller sent in its canonical form and bound to nothing, for what is answered here. It is
/// no request, and cannot become one.
pub(crate) fn read(
    endpoint: &Endpoint,
    input: Input<'_>,
    context: Context<'_>,
) -> Result<Vec<(&'static str, String)>, Error> {
    let mut unbound = Bound {
        by: None,
        // Nothing is asked.
        bounds: Bounds::UNLIMITED,
        lookback: Duration::ZERO,
        most_lines: context.most_lines,
        remembered: context.remembered,
    };
    parameters(endpoint, &mut unbound, input, context)
}

fn parameters(
    endpoint: &Endpoint,
    bound: &mut Bound<'_>,
    input: Input<'_>,
    context: Context<'_>,
) -> Result<Vec<(&'static str, String)>, Error> {
    let given = Parameters::parse(input, endpoint, context.most_lines)?;
    let times = times::check(endpoint, &given, context)?;
    bound.lookback = times::lookback(&given);
    let mut parameters = Vec::with_capacity(endpoint.parameters.len());
    for parameter in endpoint.parameters {
        if let Some(times) = &times {
            match times.sent(parameter.name) {
                Sent::Given => {}
                Sent::Nothing => continue,
                Sent::Written(value) => {
                    let text = bound.sent(parameter.kind, endpoint.backend, &value)?;
                    parameters.push((parameter.upstream, text));
                    continue;
                }
            }
        }
        let mut is_absent = true;
        for value in given.all(parameter.name) {
            is_absent = false;
            let text = bound.sent(parameter.kind, endpoint.backend, value)?;
            parameters.push((parameter.upstream, text));
        }
        // Several spellings of one parameter are one list, which is absent when all of them are.
        let is_spelled = || {
            let mut others = endpoint.parameters.iter();
            others.any(|other| {
                other.upstream == parameter.upstream && given.get(other.name).is_some()
            })
        };
        if is_absent && !is_spelled() {
            let text = bound.absent(parameter)?;
            parameters.extend(text.map(|text| (parameter.upstream, text)));
        }
    }
    Ok(parameters)
}

/// The path upstream, with the label's name in its place.
fn path(upstream: &'static str, name: &str) -> Result<Cow<'static, str>, Error> {
    if !upstream.contains("{name}") {
        return Ok(upstream.into());
    }
    if !is_label_name(name) {
        return Err(Error::BadData(
            Flaw::Parameter,
            "the name in the path is not that of a label: expected letters, digits and underscores, \
             or U__ and an escaped name"
                .to_owned(),
        ));
    }
    Ok(upstream.replace("{name}", name).into())
}

/// How many lines Loki answers with, or looks at, where a request names no number (`limit` and
/// `line_limit` of its HTTP API).
const LEAST_DEFAULT_OF_LINES: u32 = 100;

/// What every selector is bound to.
struct Bound<'a> {
    /// The matcher of the resource; none for a whole project, which the tenant alone bounds.
    by: Option<Matcher>,
    /// What a query may ask for.
    bounds: Bounds,
    /// How far back a query looks for a sample, where the caller says so.
    lookback: Duration,
    /// The most log lines that a request may ask for, and so the most that it is answered with.
    most_lines: u32,
    remembered: &'a Remembered,
}

impl<'a> Bound<'a> {
    fn new(permit: &Permit, context: Context<'a>) -> Self {
        let by = match permit.reach() {
            Reach::Resource(resource) => Some(Matcher::equal(RESOURCE_LABEL, resource.as_str())),
            Reach::Project => None,
        };
        Self {
            by,
            bounds: context.bounds,
            lookback: Duration::ZERO,
            most_lines: context.most_lines,
            remembered: context.remembered,
        }
    }

    /// What goes upstream where the caller said nothing.
    fn absent(&self, parameter: &Parameter) -> Result<Option<String>, Error> {
        let kind = parameter.kind;
        match parameter.absent {
            // Who names no number gets no more than who names one: neither by the default of the
            // route nor by the backend's own.
            Absent::Default(text) if kind == Kind::Lines => {
                let most = text.parse().unwrap_or(u32::MAX).min(self.most_lines);
                Ok(Some(most.to_string()))
            }
            Absent::Omitted if kind == Kind::Lines && self.most_lines < LEAST_DEFAULT_OF_LINES => {
                Ok(Some(self.most_lines.to_string()))
            }
            Absent::Default(text) if kind.is_scoped() => self.query(kind, text).map(Some),
            Absent::Default(text) => Ok(Some(text.to_owned())),
            Absent::Everything if self.by.is_some() => self.query(kind, "{}").map(Some),
            // Those that may not be absent have been refused.
            Absent::Everything | Absent::Omitted | Absent::Refused => Ok(None),
        }
    }

    fn sent(&self, kind: Kind, backend: Backend, value: &Value<'_>) -> Result<String, Error> {
        match (value, backend) {
            (Value::Text(text), _) if kind.is_scoped() => self.query(kind, text),
            (Value::Text(text), _) => Ok(text.as_ref().to_owned()),
            (Value::Time(time), Backend::Loki) => Ok(loki::time(*time)),
            (Value::Time(time), Backend::Mimir) => Ok(prometheus::time(*time)),
            (Value::Duration(duration), Backend::Loki) => Ok(loki::duration(*duration)),
            (Value::Duration(duration), Backend::Mimir) => Ok(prometheus::duration(*duration)),
        }
    }

    /// A query or selector of this kind, parsed, bound, and printed.
    fn query(&self, kind: Kind, text: &str) -> Result<String, Error> {
        let key = Key {
            kind,
            text,
            by: self.by.as_ref(),
            bounds: self.bounds,
            lookback: self.lookback,
        };
        let anew = || self.query_anew(kind, text);
        self.remembered.scoped(key, anew)
    }

    fn query_anew(&self, kind: Kind, text: &str) -> Result<String, Error> {
        let by = self.by.as_ref();
        match kind {
            Kind::Logql => loki::query(text, by, self.bounds),
            Kind::LogqlOnResource => loki::on_resource(text, by, self.bounds),
            Kind::StreamSelectors => loki::selector(text, by),
            Kind::Promql => prometheus::query(text, by, (self.bounds, self.lookback)),
            Kind::VectorSelectors => prometheus::selector(text, by),
            Kind::Time
            | Kind::Duration
            | Kind::Lines
            | Kind::Integer(..)
            | Kind::Word(_)
            | Kind::LabelNames
            | Kind::MetricName
            | Kind::Bytes => {
                // Not reached: only what is scoped comes here. Nothing unscoped may leave.
                Err(Error::Internal)
            }
        }
    }
}

/// What was scoped, or for the caller where and why it was not, with a caret under the place.
fn scoped(result: Result<String, ScopeError>, text: &str) -> Result<String, Error> {
    result.map_err(|error| match error {
        ScopeError::Parse(error) => not_parsed(&error, text),
        ScopeError::Unverified => {
            tracing::error!("a scoped query did not parse back to itself");
            Error::BadData(
                Flaw::Unverified,
                "this query cannot be scoped safely".to_owned(),
            )
        }
    })
}

/// What was parsed, or why it was not, as [`scoped`] says it.
fn parsed<T>(result: Result<T, ParseError>, text: &str) -> Result<T, Error> {
    result.map_err(|error| not_parsed(&error, text))
}

fn not_parsed(error: &ParseError, text: &str) -> Error {
    let flaw = if error.is_of_scope() {
        Flaw::NotScopable
    } else {
        Flaw::Parse
    };
    Error::BadData(flaw, error.render(text))
}
