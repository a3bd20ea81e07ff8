//! `query_exemplars`: single events behind the samples of the series that a query reads.

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::{Call, Refusal, bad};
use crate::http::Shared;
use crate::http::json::{self, Style};
use crate::limits::EvalError;
use crate::store::Reading;

/// The exemplars of all series that some selector of `query` selects.
pub(super) async fn exemplars(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let (start, end) = call.bounds()?;
    if end < start {
        return Err(bad("end timestamp must not be before start timestamp"));
    }
    let query = call.params.get("query").to_owned();
    let answer = call.run(move |backend, tenant, stop| {
        let tree = query::promql::parse(&query).map_err(|error| {
            EvalError::Invalid(format!(
                "{}:{}: parse error: {}",
                error.line, error.column, error.message
            ))
        })?;
        let selectors = tree.selectors();
        if selectors.is_empty() {
            return Ok(String::new());
        }
        let groups: Vec<_> = selectors.into_iter().map(crate::promql::matchers).collect();
        let found = backend
            .store
            .exemplars(tenant)
            .select(&groups, start, end)?;
        let mut reading = Reading::default();
        let found = found.into_iter().map(|series| {
            let exemplars = series.read(&mut reading)?;
            Ok((series.labels, exemplars))
        });
        let found = found.collect::<Result<Vec<_>, EvalError>>()?;
        let mut out = String::from(r#"{"status":"success","data":"#);
        json::list(&mut out, &found, |out, (labels, exemplars)| {
            out.push_str(r#"{"seriesLabels":"#);
            json::labels(out, labels);
            out.push_str(r#","exemplars":"#);
            json::list(out, exemplars, |out, exemplar| {
                out.push_str(r#"{"labels":"#);
                json::labels(out, &exemplar.labels);
                out.push_str(r#","value":""#);
                json::number(out, Style::Prometheus, exemplar.value);
                out.push_str(r#"","timestamp":"#);
                json::time(out, Style::Prometheus, exemplar.timestamp_ms);
                out.push('}');
            });
            out.push('}');
        });
        out.push('}');
        stop.check()?;
        Ok(out)
    });
    // Without a selector there is nothing to tell of.
    answer.await.map(|answer| {
        if answer.body().is_end_stream() {
            StatusCode::NO_CONTENT.into_response()
        } else {
            answer
        }
    })
}
