//! What there is to select by: `labels`, `label/{name}/values` and `series`.

use std::collections::BTreeSet;

use axum::extract::{Path, Request, State};
use axum::response::Response;

use super::{Call, Refusal, asked, matchers};
use crate::http::{Shared, json};
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::Patterns;

/// The names of the labels of all streams, or of those that `query` selects.
pub(super) async fn names(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    texts(call, |labels, found| {
        found.extend(labels.iter().map(|(name, _)| name.to_owned()));
    })
    .await
}

/// The values of one label, likewise.
pub(super) async fn values(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    texts(call, move |labels, found| {
        let value = labels.get(&name);
        if !value.is_empty() {
            found.insert(value.to_owned());
        }
    })
    .await
}

async fn texts(
    call: Call,
    collect: impl Fn(&Labels, &mut BTreeSet<String>) + Send + 'static,
) -> Result<Response, Refusal> {
    let (start, end) = asked::bounds(&call.params, call.now_ns)?;
    let query = call.params.get("query").to_owned();
    call.run(move |backend, tenant, stop| {
        let mut groups = Vec::new();
        if !query.is_empty() {
            groups.push(matchers(&query, stop)?);
        }
        let mut found = BTreeSet::new();
        for labels in
            backend
                .store
                .logs(tenant)
                .label_sets(&groups, start, end, &mut Patterns::new(stop))?
        {
            collect(&labels, &mut found);
        }
        let mut out = String::from(r#"{"status":"success""#);
        // Loki leaves out a list without items here, and clients know.
        if !found.is_empty() {
            out.push_str(r#","data":"#);
            json::strings(&mut out, &found);
        }
        out.push('}');
        Ok(out)
    })
    .await
}

/// The label sets of the streams that at least one of `match[]` (or `match`) selects; without any,
/// of all streams.
pub(super) async fn series(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let (start, end) = asked::bounds(&call.params, call.now_ns)?;
    let both = call.params.all("match[]").chain(call.params.all("match"));
    let selectors: BTreeSet<String> = both.map(str::to_owned).collect();
    call.run(move |backend, tenant, stop| {
        let mut groups = Vec::with_capacity(selectors.len());
        let is_all = |selector: &String| selector.trim() == "{}";
        for selector in selectors.iter().filter(|selector| !is_all(selector)) {
            groups.push(matchers(selector, stop)?);
        }
        // Alone it stands for all streams; beside others Loki takes it for a mistake.
        if !groups.is_empty() && selectors.iter().any(is_all) {
            return Err(EvalError::Invalid("0 matchers in group: {}".to_owned()));
        }
        let found =
            backend
                .store
                .logs(tenant)
                .label_sets(&groups, start, end, &mut Patterns::new(stop))?;
        let mut out = String::from(r#"{"status":"success","data":"#);
        let found: Vec<Labels> = found.into_iter().collect();
        json::list(&mut out, &found, json::labels);
        out.push('}');
        Ok(out)
    })
    .await
}
