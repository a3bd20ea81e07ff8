//! Prometheus's query endpoints. Errors are JSON, as Prometheus's are.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::json::{self, Style};
use super::params::Params;
use super::{Shared, tenant, times, work};
use crate::limits::{EvalError, Stop};
use crate::promql::{self, Answer};

const MILLI_NS: i64 = 1_000_000;

/// An error as it goes out: status, Prometheus's word for its kind, and the sentence.
#[derive(Debug)]
pub(super) struct Refusal(StatusCode, &'static str, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, kind, message) = self;
        let mut body = format!(r#"{{"status":"error","errorType":"{kind}","error":"#);
        json::string(&mut body, &message);
        body.push('}');
        let content_type = [(header::CONTENT_TYPE, "application/json")];
        (status, content_type, body).into_response()
    }
}

impl From<(StatusCode, String)> for Refusal {
    fn from((status, message): (StatusCode, String)) -> Self {
        Self(status, "bad_data", message)
    }
}

impl From<EvalError> for Refusal {
    fn from(error: EvalError) -> Self {
        let (status, kind) = match &error {
            EvalError::Invalid(_) => (StatusCode::BAD_REQUEST, "bad_data"),
            EvalError::Unsupported(_) | EvalError::Execution(_) | EvalError::Limit(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "execution")
            }
            EvalError::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            EvalError::Canceled => (StatusCode::SERVICE_UNAVAILABLE, "canceled"),
            EvalError::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self(status, kind, error.to_string())
    }
}

/// The tenant, without which Mimir answers in plain text and no JSON.
fn no_tenant((status, message): (StatusCode, String)) -> Response {
    (status, format!("{message}\n")).into_response()
}

fn invalid(parameter: &str, error: impl std::fmt::Display) -> Refusal {
    Refusal(
        StatusCode::BAD_REQUEST,
        "bad_data",
        format!("invalid parameter {parameter:?}: {error}"),
    )
}

/// What the parameters say, before the query itself is read.
#[derive(Clone, Copy, Debug)]
struct Asked {
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    instant: bool,
}

pub(super) async fn query_range(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (headers, params) = Params::read(request).await?;
    let tenant = match tenant(&headers) {
        Ok(tenant) => tenant,
        Err(refusal) => return Ok(no_tenant(refusal)),
    };
    let asked = range(&params)?;
    answer(shared, tenant, &params, asked).await
}

pub(super) async fn query(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (headers, params) = Params::read(request).await?;
    let tenant = match tenant(&headers) {
        Ok(tenant) => tenant,
        Err(refusal) => return Ok(no_tenant(refusal)),
    };
    let time = match params.get("time") {
        "" => (shared.backend.clock)().div_euclid(MILLI_NS),
        written => time("time", written)?,
    };
    let asked = Asked {
        start_ms: time,
        end_ms: time,
        step_ms: 1,
        instant: true,
    };
    answer(shared, tenant, &params, asked).await
}

async fn answer(
    shared: Shared,
    tenant: String,
    params: &Params,
    asked: Asked,
) -> Result<Response, Refusal> {
    let Shared { backend, permits } = shared;
    let mut timeout = backend.limits.query_timeout;
    if !params.get("timeout").is_empty() {
        let nanos =
            times::duration(params.get("timeout")).map_err(|error| invalid("timeout", error))?;
        let wanted = u64::try_from(nanos).unwrap_or_default();
        timeout = timeout.min(std::time::Duration::from_nanos(wanted));
    }
    let query = params.get("query").to_owned();
    let body = work::run(permits, Stop::after(timeout), move |stop| {
        let tree = query::promql::parse(&query).map_err(|error| {
            EvalError::Invalid(format!(
                "invalid parameter \"query\": {}:{}: parse error: {}",
                error.line, error.column, error.message
            ))
        })?;
        let request = promql::Request {
            query: &tree,
            start_ms: asked.start_ms,
            end_ms: asked.end_ms,
            step_ms: asked.step_ms,
            instant: asked.instant,
            delayed_name_removal: false,
            stop,
        };
        let metrics = backend.store.metrics(&tenant);
        let answer = promql::evaluate(&metrics, &request, &backend.limits)?;
        Ok(render(&answer))
    })
    .await?;
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    Ok((content_type, body).into_response())
}

fn range(params: &Params) -> Result<Asked, Refusal> {
    let start_ms = time("start", params.get("start"))?;
    let end_ms = time("end", params.get("end"))?;
    if end_ms < start_ms {
        return Err(invalid(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    let step = times::duration(params.get("step")).map_err(|error| invalid("step", error))?;
    let step_ms = step / MILLI_NS;
    if step_ms <= 0 {
        return Err(invalid(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive \
             integer",
        ));
    }
    if end_ms.saturating_sub(start_ms) / step_ms > 11_000 {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the \
             query resolution (?step=XX)"
                .to_owned(),
        ));
    }
    Ok(Asked {
        start_ms,
        end_ms,
        step_ms,
        instant: false,
    })
}

/// A time as Prometheus reads it: Unix seconds, also with a fraction, or RFC 3339; in
/// milliseconds since the Unix epoch.
fn time(parameter: &str, written: &str) -> Result<i64, Refusal> {
    times::fractional_seconds(written)
        .or_else(|| times::rfc3339(written))
        .map(|nanos| nanos.div_euclid(MILLI_NS))
        .ok_or_else(|| {
            invalid(
                parameter,
                format!("cannot parse {written:?} to a valid timestamp"),
            )
        })
}

fn render(answer: &Answer) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"resultType":""#);
    match answer {
        Answer::Matrix(series) => {
            out.push_str(r#"matrix","result":"#);
            json::matrix(&mut out, Style::Prometheus, series);
        }
        Answer::Vector(samples) => {
            out.push_str(r#"vector","result":"#);
            json::vector(&mut out, Style::Prometheus, samples);
        }
        Answer::Scalar(point) => {
            out.push_str(r#"scalar","result":"#);
            json::point(&mut out, Style::Prometheus, point.timestamp_ms, point.value);
        }
        Answer::String(timestamp_ms, text) => {
            out.push_str(r#"string","result":["#);
            json::time(&mut out, Style::Prometheus, *timestamp_ms);
            out.push(',');
            json::string(&mut out, text);
            out.push(']');
        }
    }
    out.push_str("}}");
    out
}
