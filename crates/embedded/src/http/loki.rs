//! Loki's HTTP API, below `/loki/api/v1`. Errors are plain text, as Loki's are.

mod asked;
mod detected;
mod encoding;
mod frame;
mod index;
mod labels;
mod patterns;
mod query;
mod status;
mod tail;

use ::query::logql::{self, Expr, ast::LogExpr};
use ::query::{MatchOp, Matcher};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::{StatusCode, header};

use super::params::Params;
use super::{Shared, tenant, work};
use crate::Backend;
use crate::limits::{EvalError, Limits, Stop};
use crate::regexes;
use encoding::EncodingFlags;

/// What is served, and how.
pub(super) fn routes() -> Router<Shared> {
    let routes = [
        ("query", get(query::query).post(query::query)),
        (
            "query_range",
            get(query::query_range).post(query::query_range),
        ),
        ("labels", get(labels::names).post(labels::names)),
        ("label", get(labels::names).post(labels::names)),
        (
            "label/{name}/values",
            get(labels::values).post(labels::values),
        ),
        ("series", get(labels::series).post(labels::series)),
        ("index/stats", get(index::stats).post(index::stats)),
        ("index/shards", get(index::shards).post(index::shards)),
        ("index/volume", get(index::volume).post(index::volume)),
        (
            "index/volume_range",
            get(index::volume_range).post(index::volume_range),
        ),
        (
            "detected_labels",
            get(detected::labels).post(detected::labels),
        ),
        (
            "detected_fields",
            get(detected::fields).post(detected::fields),
        ),
        (
            "detected_field/{name}/values",
            get(detected::values).post(detected::values),
        ),
        ("patterns", get(patterns::patterns).post(patterns::patterns)),
        ("drilldown-limits", get(status::drilldown_limits)),
        (
            "format_query",
            get(status::format_query).post(status::format_query),
        ),
        ("status/buildinfo", get(status::buildinfo)),
        ("tail", get(tail::tail)),
    ];
    let mount = |router: Router<Shared>, (path, handlers): (&str, MethodRouter<Shared>)| {
        router.route(&format!("/loki/api/v1/{path}"), handlers)
    };
    routes.into_iter().fold(Router::new(), mount)
}

/// An error as it goes out.
#[derive(Debug)]
pub(in crate::http) struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (self.0, headers, self.1).into_response()
    }
}

impl From<(StatusCode, String)> for Refusal {
    fn from((status, message): (StatusCode, String)) -> Self {
        Self(status, message)
    }
}

impl From<EvalError> for Refusal {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Invalid(message) | EvalError::Limit(message) => {
                Self(StatusCode::BAD_REQUEST, message)
            }
            // Loki takes a failed match of series for a fault of its own.
            EvalError::Execution(message) => Self(StatusCode::INTERNAL_SERVER_ERROR, message),
            EvalError::Unsupported(message) => Self(StatusCode::UNPROCESSABLE_ENTITY, message),
            EvalError::Timeout => Self(
                StatusCode::GATEWAY_TIMEOUT,
                "request timed out, decrease the duration of the request or add more label \
                 matchers (prefer exact match over regex match) to reduce the amount of data \
                 processed"
                    .to_owned(),
            ),
            EvalError::TooManyWaiting | EvalError::NoPlace => Self(
                StatusCode::TOO_MANY_REQUESTS,
                "too many outstanding requests".to_owned(),
            ),
            EvalError::Canceled => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "the request was cancelled by the client".to_owned(),
            ),
            EvalError::Unreadable | EvalError::Internal => {
                Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}

/// A refusal of what the caller sent.
fn bad(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, message.into())
}

/// A request with what every endpoint takes from it.
struct Call {
    shared: Shared,
    tenant: String,
    params: Params,
    flags: EncodingFlags,
    now_ns: i64,
}

impl Call {
    async fn read(shared: Shared, request: Request) -> Result<Self, Refusal> {
        let (headers, params) = Params::read(request).await?;
        let tenant = tenant(&headers)?;
        let now_ns = (shared.backend.clock)();
        Ok(Self {
            shared,
            tenant,
            params,
            flags: EncodingFlags::of(&headers),
            now_ns,
        })
    }

    /// Does the work beside the threads that serve requests, and answers with the JSON that it
    /// makes.
    async fn run(
        self,
        work: impl FnOnce(&Backend, &str, &Stop) -> Result<String, EvalError> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let room = Arc::clone(&self.shared.places.room);
        let work = move |backend: &Backend, tenant: &str, stop: &Stop| {
            room.hold(tenant, work(backend, tenant, stop)?)
        };
        let body = self.work(work).await?;
        let content_type = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
        Ok((content_type, body).into_response())
    }

    async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce(&Backend, &str, &Stop) -> Result<T, EvalError> + Send + 'static,
    ) -> Result<T, EvalError> {
        let Shared {
            backend, places, ..
        } = self.shared;
        let stop = Stop::within(&backend.limits);
        let tenant = self.tenant.clone();
        let work = move |stop: &Stop| work(&backend, &tenant, stop);
        work::run(&places, &self.tenant, stop, work).await
    }
}

/// Reads a query, every selector of which has to tell streams apart.
fn parse(query: &str) -> Result<Expr, EvalError> {
    let tree = parse_any(query)?;
    for selector in tree.selectors() {
        check_selective(&selector.matchers)?;
    }
    Ok(tree)
}

fn parse_any(query: &str) -> Result<Expr, EvalError> {
    logql::parse(query).map_err(|error| {
        EvalError::Invalid(format!(
            "parse error at line {}, col {}: {}",
            error.line, error.column, error.message
        ))
    })
}

/// Some matcher has to demand a label: Loki does not read all that there is.
fn check_selective(matchers: &[Matcher]) -> Result<(), EvalError> {
    for matcher in matchers {
        let value = matcher.value.to_string_lossy();
        let demands = match matcher.op {
            MatchOp::Equal => !value.is_empty(),
            MatchOp::NotEqual => value.is_empty(),
            MatchOp::Regex => !regexes::anchored(&value)?.is_match(""),
            MatchOp::NotRegex => regexes::anchored(&value)?.is_match(""),
        };
        if demands {
            return Ok(());
        }
    }
    Err(EvalError::Invalid(
        "parse error : queries require at least one regexp or equality matcher that does not have \
         an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but \
         app=~\".+\" will"
            .to_owned(),
    ))
}

/// The matchers of a query that has to be a selector and no more.
fn matchers(query: &str) -> Result<Vec<Matcher>, EvalError> {
    match parse(query)? {
        Expr::Log(LogExpr { selector, stages }) if stages.is_empty() => Ok(selector.matchers),
        Expr::Log(_) | Expr::Metric(_) => Err(EvalError::Invalid(
            "only label matchers are supported".to_owned(),
        )),
    }
}

/// Whether a caller may ask for so many lines.
fn check_limit(limit: usize, limits: &Limits) -> Result<(), EvalError> {
    let most = limits.max_entries;
    if limit > most {
        return Err(EvalError::Limit(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query \
             ({limit} > {most})"
        )));
    }
    Ok(())
}
