//! `rules` and `alerts`. This backend evaluates no rules, so there are none and no alerts either;
//! what a caller asks wrongly is refused all the same.

use axum::extract::{Request, State};
use axum::response::Response;

use super::{Call, Refusal, groups, invalid, success};
use crate::http::Shared;
use crate::store::Patterns;

pub(super) async fn rules(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let kind = call.params.get("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        return Err(invalid("type", format!("not supported value {kind:?}")));
    }
    let answer = || r#"{"status":"success","data":{"groups":[]}}"#.to_owned();
    let selectors = call.selectors();
    if selectors.is_empty() {
        return Ok(success(answer()));
    }
    // Selectors may have regular expressions, which take time.
    call.run(move |backend, _, stop| {
        groups(&selectors, &backend.limits, &mut Patterns::new(stop))?;
        Ok(answer())
    })
    .await
}

pub(super) async fn alerts(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    Call::read(shared, request).await?;
    Ok(success(
        r#"{"status":"success","data":{"alerts":[]}}"#.to_owned(),
    ))
}
