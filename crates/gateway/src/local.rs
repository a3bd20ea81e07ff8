//! What the gateway answers by itself: nothing goes upstream.

mod parse_query;

use ::query::promql;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::error::Error;
use crate::routes::{Backend, Local};
use crate::scope::{Request, Scoped};
use crate::stream::{Body, json};
use parse_query::Tree;

/// The versions whose languages and APIs are spoken here. Clients tell by them what they may ask.
const LOKI: &str = "3.8.0";
const PROMETHEUS: &str = "3.14.0";

/// How both backends wrap an answer.
#[derive(Serialize)]
pub(crate) struct Success<T> {
    status: &'static str,
    data: T,
}

impl<T> Success<T> {
    pub(crate) const fn of(data: T) -> Self {
        Self {
            status: "success",
            data,
        }
    }
}

/// A build, in the words of both backends.
#[derive(Serialize)]
struct Build {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    #[serde(rename = "buildUser")]
    user: &'static str,
    #[serde(rename = "buildDate")]
    date: &'static str,
    #[serde(rename = "goVersion")]
    language: &'static str,
}

impl Build {
    const fn of(version: &'static str) -> Self {
        Self {
            version,
            revision: concat!("ktrlplane-", env!("CARGO_PKG_VERSION")),
            branch: "",
            user: "",
            date: "",
            language: "",
        }
    }
}

/// The path of what is scoped to be looked at, and is not sent.
pub(crate) const NOWHERE: &str = "";

/// What the backend would be sent.
#[derive(Serialize)]
struct Seen<'a> {
    /// The tenant, as in `X-Scope-OrgID`.
    tenant: &'a str,
    query: &'a str,
}

/// Shows what was scoped. It takes nothing but the proof, so that nothing else is ever shown as such.
pub(crate) fn scope(scoped: &Scoped<Request>) -> Result<Response<Body>, Error> {
    let request = scoped.get();
    let seen = Seen {
        tenant: request.tenant.as_str(),
        query: query(&request.parameters)?,
    };
    Ok(json(StatusCode::OK, &Success::of(seen)))
}

/// Answers a request with these parameters, each in its canonical form.
pub(crate) fn answer(
    local: Local,
    backend: Backend,
    parameters: &[(&'static str, String)],
) -> Result<Response<Body>, Error> {
    match (local, backend) {
        // Loki's is flat. Prometheus's has no `features`, with which Grafana would take it for one
        // that has a ruler.
        (Local::BuildInfo, Backend::Loki) => Ok(json(StatusCode::OK, &Build::of(LOKI))),
        (Local::BuildInfo, Backend::Mimir) => {
            Ok(json(StatusCode::OK, &Success::of(Build::of(PROMETHEUS))))
        }
        (Local::FormatQuery, Backend::Loki | Backend::Mimir) => {
            Ok(json(StatusCode::OK, &Success::of(query(parameters)?)))
        }
        (Local::ParseQuery, Backend::Mimir) => {
            // What was printed from a tree parses to that tree.
            let tree = promql::parse(query(parameters)?).map_err(|_| Error::Internal)?;
            Ok(json(StatusCode::OK, &Success::of(Tree(&tree))))
        }
        // Loki has no such endpoint, and the table no such row. And what was only read is not what a
        // backend sees: that is `scope`'s to tell.
        (Local::ParseQuery, Backend::Loki) | (Local::Scope, Backend::Loki | Backend::Mimir) => {
            Err(Error::Internal)
        }
    }
}

fn query<'a>(parameters: &'a [(&'static str, String)]) -> Result<&'a str, Error> {
    let query = parameters.iter().find(|(name, _)| *name == "query");
    query
        .map(|(_, query)| query.as_str())
        .ok_or(Error::Internal)
}
