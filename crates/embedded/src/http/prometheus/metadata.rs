//! `metadata`: what the metrics of a tenant mean.

use axum::extract::{Request, State};
use axum::response::Response;

use super::{Call, Refusal, bad};
use crate::http::{Shared, json};

/// The metadata of one `metric` or of all. A `limit` below 0 is none, one of 0 asks for nothing;
/// `limit_per_metric` counts from 1.
pub(super) async fn metadata(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let number = |name: &str| match call.params.get(name) {
        "" => Ok(-1),
        written => written
            .parse::<i64>()
            .map_err(|_| bad(format!("{name} must be a number"))),
    };
    let limit = usize::try_from(number("limit")?).unwrap_or(usize::MAX);
    let per_metric = match usize::try_from(number("limit_per_metric")?) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(most) => most,
    };
    let metric = call.params.get("metric").to_owned();
    call.run(move |backend, tenant, _| {
        let found = backend.store.metadata(tenant, &metric, limit);
        let mut out = String::from(r#"{"status":"success","data":{"#);
        for (at, (name, all)) in found.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            json::string(&mut out, name);
            out.push(':');
            let kept = all.get(..per_metric).unwrap_or(all);
            json::list(&mut out, kept, |out, one| {
                out.push_str(r#"{"type":"#);
                json::string(out, one.kind.as_str());
                out.push_str(r#","help":"#);
                json::string(out, &one.help);
                out.push_str(r#","unit":"#);
                json::string(out, &one.unit);
                out.push('}');
            });
        }
        out.push_str("}}");
        Ok(out)
    })
    .await
}
