//! `query_exemplars`: single events behind the samples of the series that a query reads.

use axum::extract::{Request, State};
use axum::response::Response;

use super::bounded::Bounded;
use super::{Call, Refusal, bad};
use crate::http::Shared;
use crate::http::json::{self, Style};
use crate::limits::EvalError;
use crate::promql::check_selective;
use crate::store::{Patterns, Reading};

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
    call.run(move |backend, tenant, stop| {
        let tree = query::promql::parse(&query).map_err(|error| {
            EvalError::Invalid(format!(
                "{}:{}: parse error: {}",
                error.line, error.column, error.message
            ))
        })?;
        let mut patterns = Patterns::new(stop);
        if !backend.limits.any_selector {
            check_selective(&tree, &query, &mut patterns)?;
        }
        let selectors = tree.selectors();
        if selectors.is_empty() {
            // Prometheus answers this with a 204, which the gateway does not take for an answer.
            return Ok(r#"{"status":"success","data":[]}"#.to_owned());
        }
        let groups: Vec<_> = selectors.into_iter().map(crate::promql::matchers).collect();
        let found = backend
            .store
            .exemplars(tenant)
            .select(&groups, start, end, &mut patterns)?;
        let mut reading = Reading::default();
        let mut out = String::from(r#"{"status":"success","data":"#);
        // Series by series, so that those of one are held and not those of all.
        Bounded::new(stop).list(&mut out, found, |out, series, bounded| {
            stop.check()?;
            out.push_str(r#"{"seriesLabels":"#);
            json::labels(out, &series.labels);
            out.push_str(r#","exemplars":"#);
            let exemplars = series.read(&mut reading)?;
            bounded.list(out, &exemplars, |out, exemplar, _| {
                out.push_str(r#"{"labels":"#);
                json::labels(out, &exemplar.labels);
                out.push_str(r#","value":""#);
                json::number(out, Style::Prometheus, exemplar.value);
                out.push_str(r#"","timestamp":"#);
                json::time(out, Style::Prometheus, exemplar.timestamp_ms);
                out.push('}');
                Ok(())
            })?;
            out.push('}');
            Ok(())
        })?;
        out.push('}');
        Ok(out)
    })
    .await
}
