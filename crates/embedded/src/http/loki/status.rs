//! `format_query`, `status/buildinfo` and `drilldown-limits`.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::json;

use super::{Call, Refusal, parse};
use crate::http::params::Params;
use crate::http::{Shared, json, work};
use crate::limits::Stop;
use crate::volume;

/// The Loki whose query language and API this backend follows. Clients read from it what they may
/// ask for.
const SPEAKS: &str = "3.8.0";

/// The query as it is printed. Like Loki's, this answer is JSON also where the query is wrong.
pub(super) async fn format_query(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (_, params) = Params::read(request).await?;
    let query = params.get("query").to_owned();
    let stop = Stop::within(&shared.backend.limits);
    // It is for no tenant, so all who ask for it share what one has.
    let printed = work::run(&shared.places, "", stop, move |_| {
        Ok(parse(&query).map(|tree| tree.to_string()))
    });
    let (status, body) = match printed.await? {
        Ok(data) => (StatusCode::OK, json!({"status": "success", "data": data})),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            json!({"status": "invalid-query", "error": error.to_string()}),
        ),
    };
    let content_type = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((status, content_type, body.to_string()).into_response())
}

pub(super) async fn buildinfo() -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, json::build_info(SPEAKS)).into_response()
}

/// The limits that hold here, by the names of Loki's configuration.
pub(super) async fn drilldown_limits(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    call.run(|backend, _, _| {
        let limits = &backend.limits;
        let answer = json!({
            "limits": {
                "allow_structured_metadata": true,
                "discover_log_levels": false,
                "discover_service_name": [],
                "max_concurrent_tail_requests": limits.tails_per_tenant,
                "max_entries_limit_per_query": limits.max_entries,
                // 0 is Loki's word for no limit.
                "max_query_bytes_read": limits.max_query_bytes.unwrap_or(0),
                "max_global_streams_per_user": limits.max_streams_per_tenant,
                "max_query_series": limits.max_series,
                "query_timeout": format!("{}s", limits.query_timeout.as_secs()),
                "retention_period": format!("{}s", limits.retention.as_secs()),
                "volume_enabled": true,
                "volume_max_series": volume::MAX_SERIES,
            },
            "pattern_ingester_enabled": true,
            "version": SPEAKS,
        });
        Ok(answer.to_string())
    })
    .await
}
