//! `format_query` and `status/buildinfo`.

use axum::extract::{Request, State};
use axum::response::Response;

use super::{Call, Refusal, about, success};
use crate::http::{Shared, json};
use crate::limits::EvalError;
use crate::promql::check_selective;
use crate::store::Patterns;

/// The Prometheus whose query language and API this backend follows. Clients read from it what
/// they may ask for.
const SPEAKS: &str = "3.14.0";

pub(super) async fn format_query(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let query = call.params.get("query").to_owned();
    call.run(move |backend, _, stop| {
        let tree = query::promql::parse(&query).map_err(|error| {
            EvalError::Invalid(format!(
                "invalid parameter \"query\": {}:{}: parse error: {}",
                error.line, error.column, error.message
            ))
        })?;
        if !backend.limits.any_selector {
            let checked = check_selective(&tree, &query, &mut Patterns::new(stop));
            checked.map_err(about("query"))?;
        }
        let mut out = String::from(r#"{"status":"success","data":"#);
        json::string(&mut out, &tree.to_string());
        out.push('}');
        Ok(out)
    })
    .await
}

pub(super) async fn buildinfo(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    Call::read(shared, request).await?;
    let body = format!(
        r#"{{"status":"success","data":{}}}"#,
        json::build_info(SPEAKS)
    );
    Ok(success(body))
}
