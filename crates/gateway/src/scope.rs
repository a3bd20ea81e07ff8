//! The request that goes upstream, built anew from what was understood.

pub mod parameters;

mod headers;
mod loki;
mod prometheus;

pub(crate) use headers::passes_on;

use directory::policy::ProjectId;
use http::HeaderMap;
use query::Matcher;

use crate::authorize::Permit;
use crate::error::Error;
use crate::routes::{Absent, Backend, Kind, Proxy, Scoping};
use parameters::{Parameters, Value};

/// The label by which the backends know resources.
const RESOURCE_LABEL: &str = "resource_id";

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

/// A request for a backend.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it goes.
    pub backend: Backend,
    /// The path below the backend's base URL.
    pub path: &'static str,
    /// All parameters, in their canonical form.
    pub parameters: Vec<(&'static str, String)>,
    /// The tenant.
    pub tenant: ProjectId,
    /// The caller's headers that go upstream; none of them says who they are.
    pub headers: HeaderMap,
}

/// Builds the upstream request for `proxy` from the caller's query string and headers.
///
/// Everything that does not parse, and every query that cannot be scoped, is [`Error::BadData`].
pub fn scope(
    proxy: &Proxy,
    permit: &Permit,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Scoped<Request>, Error> {
    let given = Parameters::parse(query.unwrap_or_default(), proxy)?;
    let by = Matcher::equal(RESOURCE_LABEL, permit.resource().as_str());
    let mut parameters = Vec::with_capacity(proxy.parameters.len());
    for parameter in proxy.parameters {
        let text = match (given.get(parameter.name), parameter.kind) {
            (value, Kind::Query) => Some(scoped_query(proxy.scoping, value, &by)?),
            (Some(value), _) => Some(printed(proxy.backend, value)),
            (None, _) => match parameter.absent {
                Absent::Default(value) => Some(value.to_owned()),
                // Those that may not be absent have been refused.
                Absent::Omitted | Absent::Refused => None,
            },
        };
        parameters.extend(text.map(|text| (parameter.name, text)));
    }
    Ok(Scoped {
        inner: Request {
            backend: proxy.backend,
            path: proxy.upstream,
            parameters,
            tenant: permit.project().clone(),
            headers: headers::allowed(headers),
        },
    })
}

fn scoped_query(scoping: Scoping, value: Option<&Value>, by: &Matcher) -> Result<String, Error> {
    let text = value.and_then(Value::as_text);
    match scoping {
        Scoping::LogqlOnResource => loki::on_resource(text, by),
        Scoping::Promql => prometheus::must(text, by),
    }
}

fn printed(backend: Backend, value: &Value) -> String {
    match (value, backend) {
        (Value::Time(time), Backend::Loki) => loki::time(*time),
        (Value::Time(time), Backend::Mimir) => prometheus::time(*time),
        (Value::Duration(duration), Backend::Loki) => loki::duration(*duration),
        (Value::Duration(duration), Backend::Mimir) => prometheus::duration(*duration),
        (Value::Text(text), _) => text.clone(),
    }
}

/// A query that was refused: where and why, with a caret under the place.
fn refused(error: query::scope::ScopeError, text: &str) -> Error {
    match error {
        query::scope::ScopeError::Parse(error) => Error::BadData(error.render(text)),
        query::scope::ScopeError::Unverified => {
            tracing::error!("a scoped query did not parse back to itself");
            Error::BadData("this query cannot be scoped safely".to_owned())
        }
    }
}
