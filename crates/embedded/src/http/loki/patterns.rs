//! `patterns`: what the lines of a selection have in common.

use axum::extract::{Request, State};
use axum::response::Response;

use super::{Call, Refusal, asked, matchers};
use crate::http::{Shared, json};
use crate::patterns;

const SECOND_NS: i64 = 1_000_000_000;
/// Shorter steps are not counted by.
const LEAST_STEP_NS: i64 = 10 * SECOND_NS;

pub(super) async fn patterns(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let (start, end) = asked::ordered_bounds(&call.params, call.now_ns)?;
    let step = asked::step(&call.params, start, end)?.max(LEAST_STEP_NS);
    let query = call.params.get("query").to_owned();
    call.run(move |backend, tenant, stop| {
        let logs = backend.store.logs(tenant);
        let streams = logs.select(&matchers(&query, stop)?, start, end)?;
        let found = patterns::patterns(&streams, step, stop)?;
        let mut out = String::from(r#"{"status":"success","data":"#);
        json::list(&mut out, &found, |out, pattern| {
            out.push_str(r#"{"pattern":"#);
            json::string(out, &pattern.text);
            out.push_str(r#","level":"#);
            json::string(out, &pattern.level);
            out.push_str(r#","samples":"#);
            json::list(out, &pattern.counts, |out, (time, count)| {
                out.push('[');
                out.push_str(&time.div_euclid(SECOND_NS).to_string());
                out.push(',');
                out.push_str(&count.to_string());
                out.push(']');
            });
            out.push('}');
        });
        out.push('}');
        Ok(out)
    })
    .await
}
