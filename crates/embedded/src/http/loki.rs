//! Loki's query endpoints. Errors are plain text, as Loki's are.

use std::fmt::Write as _;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::json::{self, Style};
use super::params::Params;
use super::{Shared, tenant, times, work};
use crate::limits::{EvalError, Stop};
use crate::logql::{self, Answer, Direction};

/// Lines in an answer if the request does not say.
const DEFAULT_LIMIT: usize = 100;
const HOUR_NS: i64 = 3_600_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// An error as it goes out.
#[derive(Debug)]
pub(super) struct Refusal(StatusCode, String);

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
            EvalError::Invalid(message)
            | EvalError::Execution(message)
            | EvalError::Limit(message) => Self(StatusCode::BAD_REQUEST, message),
            EvalError::Unsupported(message) => Self(StatusCode::UNPROCESSABLE_ENTITY, message),
            EvalError::Timeout => Self(
                StatusCode::GATEWAY_TIMEOUT,
                "request timed out, decrease the duration of the request or add more label \
                 matchers (prefer exact match over regex match) to reduce the amount of data \
                 processed"
                    .to_owned(),
            ),
            EvalError::Canceled => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "the request was cancelled by the client".to_owned(),
            ),
            EvalError::Internal => Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, message.into())
}

/// What the parameters say, before the query itself is read.
#[derive(Clone, Copy, Debug)]
struct Asked {
    start_ns: i64,
    end_ns: i64,
    step_ns: i64,
    interval_ns: i64,
    limit: usize,
    direction: Direction,
    instant: bool,
}

pub(super) async fn query_range(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (headers, params) = Params::read(request).await?;
    let tenant = tenant(&headers)?;
    let asked = range(&params, (shared.backend.clock)())?;
    answer(shared, tenant, params.get("query").to_owned(), asked).await
}

pub(super) async fn query(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (headers, params) = Params::read(request).await?;
    let tenant = tenant(&headers)?;
    let limit = limit(&params)?;
    let time = time(params.get("time"), (shared.backend.clock)()).map_err(bad)?;
    let asked = Asked {
        start_ns: time,
        end_ns: time,
        step_ns: 0,
        interval_ns: 0,
        limit,
        direction: direction(&params)?,
        instant: true,
    };
    answer(shared, tenant, params.get("query").to_owned(), asked).await
}

async fn answer(
    shared: Shared,
    tenant: String,
    query: String,
    asked: Asked,
) -> Result<Response, Refusal> {
    let Shared { backend, permits } = shared;
    let stop = Stop::after(backend.limits.query_timeout);
    let now_ns = (backend.clock)();
    let body = work::run(permits, stop, move |stop| {
        let started = std::time::Instant::now();
        let tree = query::logql::parse(&query).map_err(|error| {
            EvalError::Invalid(format!(
                "parse error at line {}, col {}: {}",
                error.line, error.column, error.message
            ))
        })?;
        let is_log_query = matches!(tree, query::logql::Expr::Log(_));
        if asked.instant && is_log_query {
            return Err(EvalError::Invalid(
                "log queries are not supported as an instant query type, please change your \
                 query to a range query type"
                    .to_owned(),
            ));
        }
        let most = backend.limits.max_entries;
        if is_log_query && asked.limit > most {
            return Err(EvalError::Limit(format!(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query \
                 ({} > {most})",
                asked.limit
            )));
        }
        let request = logql::Request {
            query: &tree,
            start_ns: asked.start_ns,
            end_ns: asked.end_ns,
            step_ns: asked.step_ns,
            interval_ns: asked.interval_ns,
            limit: asked.limit,
            direction: asked.direction,
            instant: asked.instant,
            now_ns,
            stop,
        };
        let logs = backend.store.logs(&tenant);
        let answer = logql::evaluate(&logs, &request, &backend.limits)?;
        Ok(render(&answer, started))
    })
    .await?;
    let content_type = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
    Ok((content_type, body).into_response())
}

fn range(params: &Params, now: i64) -> Result<Asked, Refusal> {
    let (start_ns, end_ns) = bounds(params, now)?;
    if end_ns < start_ns {
        return Err(bad(
            "end timestamp must not be before or equal to start time",
        ));
    }
    let limit = limit(params)?;
    let direction = direction(params)?;
    let length = end_ns.saturating_sub(start_ns);
    let step_ns = match params.get("step") {
        "" => (length / SECOND_NS / 250).max(1).saturating_mul(SECOND_NS),
        written => times::duration(written).map_err(bad)?,
    };
    if step_ns <= 0 {
        return Err(bad(
            "zero or negative query resolution step widths are not accepted. Try a positive \
             integer",
        ));
    }
    if length / step_ns > 11_000 {
        return Err(bad(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the \
             value of the step parameter",
        ));
    }
    let interval_ns = match params.get("interval") {
        "" => 0,
        written => times::duration(written).map_err(bad)?,
    };
    if interval_ns < 0 {
        return Err(bad("interval must be >= 0"));
    }
    Ok(Asked {
        start_ns,
        end_ns,
        step_ns,
        interval_ns,
        limit,
        direction,
        instant: false,
    })
}

/// `start` and `end`; without a start, `since` (one hour by default) before the end, or before now
/// where the end is later.
fn bounds(params: &Params, now: i64) -> Result<(i64, i64), Refusal> {
    let since = match params.get("since") {
        "" => HOUR_NS,
        written => times::prometheus_duration(written).ok_or_else(|| {
            bad(format!(
                "could not parse 'since' parameter: not a valid duration string: {written:?}"
            ))
        })?,
    };
    let end = time(params.get("end"), now)
        .map_err(|error| bad(format!("could not parse 'end' parameter: {error}")))?;
    let start = time(params.get("start"), end.min(now).saturating_sub(since))
        .map_err(|error| bad(format!("could not parse 'start' parameter: {error}")))?;
    Ok((start, end))
}

/// A time as Loki reads it: RFC 3339, seconds with a fraction, seconds of up to ten digits, or
/// nanoseconds.
fn time(written: &str, default: i64) -> Result<i64, String> {
    if written.is_empty() {
        return Ok(default);
    }
    if written.contains('.')
        && let Some(time) = times::fractional_seconds(written)
    {
        return Ok(time);
    }
    let parsed = match written.parse::<i64>() {
        Ok(seconds) if written.len() <= 10 => seconds.checked_mul(SECOND_NS),
        Ok(nanos) => Some(nanos),
        Err(_) => times::rfc3339(written),
    };
    parsed.ok_or_else(|| format!("cannot parse {written:?} to a valid timestamp"))
}

fn limit(params: &Params) -> Result<usize, Refusal> {
    let limit = match params.get("limit") {
        "" => return Ok(DEFAULT_LIMIT),
        written => written
            .parse::<i64>()
            .map_err(|_| bad(format!("limit value {written:?} is not a number")))?,
    };
    if limit <= 0 {
        return Err(bad("limit must be a positive value"));
    }
    u32::try_from(limit)
        .ok()
        .and_then(|limit| usize::try_from(limit).ok())
        .ok_or_else(|| {
            bad(format!(
                "limit value {limit} is out of range [0, {}]",
                u32::MAX
            ))
        })
}

fn direction(params: &Params) -> Result<Direction, Refusal> {
    match params.get("direction").to_ascii_lowercase().as_str() {
        "" | "backward" => Ok(Direction::Backward),
        "forward" => Ok(Direction::Forward),
        _ => Err(bad(format!(
            "invalid direction '{}'",
            params.get("direction")
        ))),
    }
}

fn render(answer: &Answer, started: std::time::Instant) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"resultType":""#);
    let mut entries = 0;
    match answer {
        Answer::Streams(streams) => {
            out.push_str(r#"streams","result":"#);
            json::list(&mut out, streams, |out, stream| {
                out.push_str(r#"{"stream":"#);
                json::labels(out, &stream.labels);
                out.push_str(r#","values":"#);
                json::list(out, &stream.entries, |out, (time, line)| {
                    entries += 1;
                    out.push_str("[\"");
                    out.push_str(&time.to_string());
                    out.push_str("\",");
                    json::string(out, line);
                    out.push(']');
                });
                out.push('}');
            });
        }
        Answer::Matrix(series) => {
            out.push_str(r#"matrix","result":"#);
            json::matrix(&mut out, Style::Loki, series);
        }
        Answer::Vector(samples) => {
            out.push_str(r#"vector","result":"#);
            json::vector(&mut out, Style::Loki, samples);
        }
        Answer::Scalar(point) => {
            out.push_str(r#"scalar","result":"#);
            // Loki writes the milliseconds of a scalar's time as if they were seconds.
            let timestamp_ms = point.timestamp_ms.saturating_mul(1_000);
            json::point(&mut out, Style::Loki, timestamp_ms, point.value);
        }
    }
    // Writing to a String does not fail.
    let _ = write!(
        out,
        r#","stats":{{"summary":{{"execTime":{},"totalEntriesReturned":{entries}}}}}}}}}"#,
        started.elapsed().as_secs_f64()
    );
    out
}
