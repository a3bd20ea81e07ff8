//! Queries: `query` and `query_range`.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;

use super::labels::{TRUNCATED, limit};
use super::{Call, MILLI_NS, Refusal, about, bad, invalid, millis, render};
use crate::http::params::Params;
use crate::http::{Shared, times};
use crate::limits::{EvalError, Stop};
use crate::promql;

/// A millisecond in nanoseconds: a shorter lookback is none.
const MILLI: u64 = 1_000_000;

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
    let call = Call::read(shared, request).await?;
    let most = limit(&call)?;
    let asked = range(&call.params)?;
    answer(call, asked, most).await
}

pub(super) async fn query(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let most = limit(&call)?;
    let time = match call.params.get("time") {
        "" => (call.shared.backend.clock)().div_euclid(MILLI_NS),
        written => millis(written)
            .map_err(|error| invalid("time", format!("invalid time value for 'time': {error}")))?,
    };
    let asked = Asked {
        start_ms: time,
        end_ms: time,
        step_ms: 1,
        instant: true,
    };
    answer(call, asked, most).await
}

async fn answer(call: Call, asked: Asked, most: usize) -> Result<Response, Refusal> {
    let params = &call.params;
    let mut timeout = call.shared.backend.limits.query_timeout;
    if !params.get("timeout").is_empty() {
        let nanos =
            times::duration(params.get("timeout")).map_err(|error| invalid("timeout", error))?;
        let wanted = u64::try_from(nanos).unwrap_or_default();
        timeout = timeout.min(Duration::from_nanos(wanted));
    }
    let lookback = match params.get("lookback_delta") {
        "" => None,
        written => times::duration(written)
            .map(|nanos| u64::try_from(nanos).ok().filter(|nanos| *nanos >= MILLI))
            .map_err(|error| bad(format!("error parsing lookback delta duration: {error}")))?,
    };
    let query = params.get("query").to_owned();
    let stop = Stop::within_time(&call.shared.backend.limits, timeout);
    call.run_until(stop, move |backend, tenant, stop| {
        let tree = query::promql::parse(&query).map_err(|error| {
            EvalError::Invalid(format!(
                "invalid parameter \"query\": {}:{}: parse error: {}",
                error.line, error.column, error.message
            ))
        })?;
        let request = promql::Request {
            query: &tree,
            text: &query,
            start_ms: asked.start_ms,
            end_ms: asked.end_ms,
            step_ms: asked.step_ms,
            instant: asked.instant,
            delayed_name_removal: false,
            stop,
        };
        let metrics = backend.store.metrics(tenant);
        let mut limits = backend.limits.as_ref().clone();
        limits.lookback = lookback.map_or(limits.lookback, Duration::from_nanos);
        let mut evaluation =
            promql::evaluate(&metrics, &request, &limits).map_err(about("query"))?;
        if evaluation.answer.truncate(most) {
            evaluation.warnings.push(TRUNCATED.to_owned());
        }
        Ok(render::evaluation(&evaluation))
    })
    .await
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
        return Err(bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the \
             query resolution (?step=XX)",
        ));
    }
    Ok(Asked {
        start_ms,
        end_ms,
        step_ms,
        instant: false,
    })
}

fn time(parameter: &str, written: &str) -> Result<i64, Refusal> {
    millis(written).map_err(|error| invalid(parameter, error))
}
