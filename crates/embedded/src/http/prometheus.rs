//! Prometheus's HTTP API, below `/prometheus/api/v1`. Errors are JSON, as Prometheus's are.

mod escaped_name;
mod exemplars;
mod labels;
mod metadata;
mod query;
mod render;
mod rules;
mod status;

use ::query::Matcher;
use ::query::promql::ast::Modifiers;
use ::query::promql::{self, Expr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::{StatusCode, header};

use super::params::Params;
use super::{Shared, json, tenant, times, work};
use crate::Backend;
use crate::limits::{EvalError, Stop};

const MILLI_NS: i64 = 1_000_000;

/// What is served, and how.
pub(super) fn routes() -> Router<Shared> {
    let routes = [
        ("query", get(query::query).post(query::query)),
        (
            "query_range",
            get(query::query_range).post(query::query_range),
        ),
        (
            "query_exemplars",
            get(exemplars::exemplars).post(exemplars::exemplars),
        ),
        ("series", get(labels::series).post(labels::series)),
        ("labels", get(labels::names).post(labels::names)),
        ("label/{name}/values", get(labels::values)),
        ("metadata", get(metadata::metadata)),
        ("rules", get(rules::rules)),
        ("alerts", get(rules::alerts)),
        (
            "format_query",
            get(status::format_query).post(status::format_query),
        ),
        ("status/buildinfo", get(status::buildinfo)),
    ];
    let mount = |router: Router<Shared>, (path, handlers): (&str, MethodRouter<Shared>)| {
        router.route(&format!("/prometheus/api/v1/{path}"), handlers)
    };
    routes.into_iter().fold(Router::new(), mount)
}

/// An error as it goes out.
#[derive(Debug)]
pub(in crate::http) enum Refusal {
    /// Status, Prometheus's word for the kind, and the sentence.
    Error(StatusCode, &'static str, String),
    /// No tenant, which Mimir tells in plain text and no JSON.
    NoTenant(StatusCode, String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::Error(status, kind, message) => (status, kind, message),
            Self::NoTenant(status, message) => {
                return (status, format!("{message}\n")).into_response();
            }
        };
        let mut body = format!(r#"{{"status":"error","errorType":"{kind}","error":"#);
        json::string(&mut body, &message);
        body.push('}');
        let content_type = [(header::CONTENT_TYPE, "application/json")];
        (status, content_type, body).into_response()
    }
}

impl From<(StatusCode, String)> for Refusal {
    fn from((status, message): (StatusCode, String)) -> Self {
        Self::Error(status, "bad_data", message)
    }
}

impl From<EvalError> for Refusal {
    fn from(error: EvalError) -> Self {
        let (status, kind) = match &error {
            EvalError::Invalid(_) => (StatusCode::BAD_REQUEST, "bad_data"),
            EvalError::Unsupported(_) | EvalError::Execution(_) | EvalError::Limit(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "execution")
            }
            EvalError::Timeout | EvalError::NoPlace => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            EvalError::TooManyWaiting => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            EvalError::Canceled => (StatusCode::SERVICE_UNAVAILABLE, "canceled"),
            EvalError::Unreadable | EvalError::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal")
            }
        };
        Self::Error(status, kind, error.to_string())
    }
}

/// The error, and of what is wrong with a parameter, with which one it is.
fn about(parameter: &'static str) -> impl Fn(EvalError) -> EvalError {
    let start = format!("invalid parameter {parameter:?}: ");
    move |error| match error {
        EvalError::Invalid(message) if !message.starts_with(&start) => {
            EvalError::Invalid(format!("{start}{message}"))
        }
        EvalError::Invalid(_)
        | EvalError::Unsupported(_)
        | EvalError::Execution(_)
        | EvalError::Limit(_)
        | EvalError::Timeout
        | EvalError::NoPlace
        | EvalError::TooManyWaiting
        | EvalError::Canceled
        | EvalError::Unreadable
        | EvalError::Internal => error,
    }
}

fn invalid(parameter: &str, error: impl std::fmt::Display) -> Refusal {
    bad(format!("invalid parameter {parameter:?}: {error}"))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::Error(StatusCode::BAD_REQUEST, "bad_data", message.into())
}

/// A request with what every endpoint takes from it.
struct Call {
    shared: Shared,
    tenant: String,
    params: Params,
}

impl Call {
    async fn read(shared: Shared, request: Request) -> Result<Self, Refusal> {
        let (headers, params) = Params::read(request).await?;
        let tenant =
            tenant(&headers).map_err(|(status, message)| Refusal::NoTenant(status, message))?;
        Ok(Self {
            shared,
            tenant,
            params,
        })
    }

    /// Does the work beside the threads that serve requests, and answers with the JSON that it
    /// makes.
    async fn run(
        self,
        work: impl FnOnce(&Backend, &str, &Stop) -> Result<String, EvalError> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let stop = Stop::within(&self.shared.backend.limits);
        self.run_until(stop, work).await
    }

    async fn run_until(
        self,
        stop: Stop,
        work: impl FnOnce(&Backend, &str, &Stop) -> Result<String, EvalError> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let Shared {
            backend, places, ..
        } = self.shared;
        let tenant = self.tenant.clone();
        let room = Arc::clone(&places.room);
        let work = move |stop: &Stop| room.hold(&tenant, work(&backend, &tenant, stop)?);
        let body = work::run(&places, &self.tenant, stop, work).await?;
        Ok(success(body))
    }

    /// `start` and `end` in milliseconds since the Unix epoch; all of time where they are absent.
    fn bounds(&self) -> Result<(i64, i64), Refusal> {
        let bound = |name: &str, default: i64| match self.params.get(name) {
            "" => Ok(default),
            written => millis(written).map_err(|error| {
                invalid(name, format!("invalid time value for '{name}': {error}"))
            }),
        };
        Ok((bound("start", i64::MIN)?, bound("end", i64::MAX)?))
    }

    /// `match[]`, as written.
    fn selectors(&self) -> Vec<String> {
        self.params.all("match[]").map(str::to_owned).collect()
    }
}

fn success(body: impl Into<Bytes>) -> Response {
    let body: Bytes = body.into();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The matchers of each of these, which have to be selectors and no more.
fn groups(selectors: &[String]) -> Result<Vec<Vec<Matcher>>, EvalError> {
    let group = |text: &String| -> Result<Vec<Matcher>, EvalError> {
        let invalid = EvalError::Invalid;
        let tree = promql::parse(text).map_err(|error| {
            invalid(format!(
                "{}:{}: parse error: {}",
                error.line, error.column, error.message
            ))
        })?;
        match tree {
            Expr::Vector(selector)
                if selector.extension.is_none() && selector.modifiers == Modifiers::default() =>
            {
                Ok(crate::promql::matchers(&selector))
            }
            Expr::Vector(_)
            | Expr::Number(_)
            | Expr::String(_)
            | Expr::Matrix(_)
            | Expr::Subquery(_)
            | Expr::Paren(_)
            | Expr::Unary(..)
            | Expr::Binary(_)
            | Expr::Aggregate(_)
            | Expr::Call(_) => Err(invalid(format!("{text:?} is no series selector"))),
        }
    };
    selectors.iter().map(group).collect()
}

/// A time as Prometheus reads it: Unix seconds, also with a fraction, or RFC 3339; in
/// milliseconds since the Unix epoch.
fn millis(written: &str) -> Result<i64, String> {
    times::fractional_seconds(written)
        .or_else(|| times::rfc3339(written))
        .map(|nanos| nanos.div_euclid(MILLI_NS))
        .ok_or_else(|| format!("cannot parse {written:?} to a valid timestamp"))
}
