//! What there is to select by: `series`, `labels` and `label/{name}/values`.

use std::collections::BTreeSet;
use std::num::{IntErrorKind, ParseIntError};

use axum::extract::{Path, Request, State};
use axum::response::Response;

use super::{Call, Refusal, about, bad, escaped_name, groups, invalid};
use crate::http::{Shared, json};
use crate::labels::Labels;

/// What is told beside an answer that is not all of it.
pub(super) const TRUNCATED: &str = "results truncated due to limit";

/// The label sets of the series that at least one `match[]` selects.
pub(super) async fn series(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let selectors = call.selectors();
    if selectors.is_empty() {
        return Err(bad("no match[] parameter provided"));
    }
    let limit = limit(&call)?;
    let (start, end) = call.bounds()?;
    call.run(move |backend, tenant, _| {
        let invalid = about("match[]");
        let groups = groups(&selectors).map_err(&invalid)?;
        let mut found = BTreeSet::new();
        if start <= end {
            let metrics = backend.store.metrics(tenant);
            found = metrics.label_sets(&groups, start, end).map_err(&invalid)?;
        }
        let kept: Vec<Labels> = found.iter().take(limit).cloned().collect();
        Ok(answer(kept.len() < found.len(), |out| {
            json::list(out, &kept, json::labels);
        }))
    })
    .await
}

/// The names of the labels of all series, or of those that a `match[]` selects.
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

/// The values of one label, likewise. A name that begins with `U__` is an escaped one.
pub(super) async fn values(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let name = escaped_name::unescape(&name).into_owned();
    if name.is_empty() {
        return Err(bad(format!("invalid label name: {name:?}")));
    }
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
    let limit = limit(&call)?;
    let (start, end) = call.bounds()?;
    let selectors = call.selectors();
    call.run(move |backend, tenant, _| {
        let groups = groups(&selectors)?;
        let mut found = BTreeSet::new();
        for labels in backend
            .store
            .metrics(tenant)
            .label_sets(&groups, start, end)?
        {
            collect(&labels, &mut found);
        }
        let truncated = found.len() > limit;
        Ok(answer(truncated, |out| {
            json::strings(out, found.iter().take(limit));
        }))
    })
    .await
}

/// How many items the caller wants; 0 and an absent parameter ask for all.
pub(super) fn limit(call: &Call) -> Result<usize, Refusal> {
    let written = call.params.get("limit");
    if written.is_empty() {
        return Ok(usize::MAX);
    }
    let limit: i64 = written.parse().map_err(|error: ParseIntError| {
        let overflows = [IntErrorKind::PosOverflow, IntErrorKind::NegOverflow];
        let why = if overflows.contains(error.kind()) {
            "value out of range"
        } else {
            "invalid syntax"
        };
        invalid("limit", format!("strconv.Atoi: parsing {written:?}: {why}"))
    })?;
    match usize::try_from(limit) {
        Ok(0) => Ok(usize::MAX),
        Ok(limit) => Ok(limit),
        Err(_) => Err(invalid("limit", "limit must be non-negative")),
    }
}

fn answer(truncated: bool, data: impl FnOnce(&mut String)) -> String {
    let mut out = String::from(r#"{"status":"success","data":"#);
    data(&mut out);
    if truncated {
        out.push_str(",\"warnings\":");
        json::strings(&mut out, [TRUNCATED]);
    }
    out.push('}');
    out
}
