//! What logs have in them, for people who do not know them yet: `detected_labels`,
//! `detected_fields` and `detected_field/{name}/values`.

use std::collections::{BTreeMap, BTreeSet};

use ::query::logql::Expr;
use axum::extract::{Path, Request, State};
use axum::response::Response;

use super::{Call, Refusal, asked, check_limit, matchers, parse};
use crate::LogEntry;
use crate::http::{Shared, json};
use crate::limits::EvalError;
use crate::logql::detect::{self, only_ids};
use crate::logql::lines::Pipeline;
use crate::logql::work::Work;
use crate::logql::{Direction, Request as Query};
use crate::store::Patterns;
use crate::store::Selected;

/// Fields, or values of one, if the request does not say.
const DEFAULT_LIMIT: usize = 1_000;
/// Lines that are looked at, likewise.
const DEFAULT_LINES: usize = 100;
/// Labels that people know, whatever their values look like.
const KNOWN: [&str; 4] = ["cluster", "namespace", "instance", "pod"];

/// The labels of the streams that `query` selects, or of all, with how many values they have; those
/// that are nothing but ids are left out.
pub(super) async fn labels(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let (start, end) = asked::ordered_bounds(&call.params, call.now_ns)?;
    let query = call.params.get("query").to_owned();
    call.run(move |backend, tenant, stop| {
        let mut groups = Vec::new();
        if !query.is_empty() {
            groups.push(matchers(&query, stop)?);
        }
        let sets =
            backend
                .store
                .logs(tenant)
                .label_sets(&groups, start, end, &mut Patterns::new(stop))?;
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in sets.iter().flat_map(crate::Labels::iter) {
            found.entry(name).or_default().insert(value);
        }
        found.retain(|name, values| KNOWN.contains(name) || !only_ids(values));
        if found.is_empty() {
            return Ok("{}".to_owned());
        }
        let found: Vec<_> = found.into_iter().collect();
        let mut out = String::from(r#"{"detectedLabels":"#);
        json::list(&mut out, &found, |out, (name, values)| {
            out.push_str(r#"{"label":"#);
            json::string(out, name);
            out.push_str(r#","cardinality":"#);
            out.push_str(&values.len().to_string());
            out.push('}');
        });
        out.push('}');
        Ok(out)
    })
    .await
}

/// The fields of the newest lines that `query` selects.
pub(super) async fn fields(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    look(call, |streams, query, work, pipeline, limit| {
        let found = detect::fields(streams, query, work, pipeline, limit)?;
        if found.is_empty() {
            return Ok("{}".to_owned());
        }
        let found: Vec<_> = found.into_iter().collect();
        let mut out = String::from(r#"{"fields":"#);
        json::list(&mut out, &found, |out, (name, field)| {
            out.push_str(r#"{"label":"#);
            json::string(out, name);
            out.push_str(r#","type":"#);
            json::string(out, field.kind.as_str());
            out.push_str(r#","cardinality":"#);
            out.push_str(&field.cardinality().to_string());
            out.push_str(r#","parsers":"#);
            if field.parsers.is_empty() {
                out.push_str("null");
            } else {
                json::strings(out, &field.parsers);
            }
            if !field.json_path.is_empty() {
                out.push_str(r#","jsonPath":"#);
                json::strings(out, &field.json_path);
            }
            out.push('}');
        });
        out.push_str(r#","limit":"#);
        out.push_str(&limit.to_string());
        out.push('}');
        Ok(out)
    })
    .await
}

/// The values of one field in the newest lines that `query` selects.
pub(super) async fn values(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    look(call, move |streams, query, work, pipeline, limit| {
        let found = detect::values(streams, query, work, pipeline, (&name, limit))?;
        if found.is_empty() {
            return Ok("{}".to_owned());
        }
        let mut out = String::from(r#"{"values":"#);
        json::strings(&mut out, &found);
        out.push_str(r#","limit":"#);
        out.push_str(&limit.to_string());
        out.push('}');
        Ok(out)
    })
    .await
}

/// Looks into the newest lines that the request selects.
async fn look(
    call: Call,
    find: impl FnOnce(
        &[Selected<LogEntry>],
        &Query<'_>,
        &Work,
        &Pipeline,
        usize,
    ) -> Result<String, EvalError>
    + Send
    + 'static,
) -> Result<Response, Refusal> {
    let lines = asked::count(call.params.get("line_limit"), DEFAULT_LINES)?;
    let limit = match call.params.get("limit") {
        "" => asked::count(call.params.get("field_limit"), DEFAULT_LIMIT)?,
        written => asked::count(written, DEFAULT_LIMIT)?,
    };
    let (start_ns, end_ns) = asked::ordered_bounds(&call.params, call.now_ns)?;
    asked::step(&call.params, start_ns, end_ns)?;
    let query = call.params.get("query").to_owned();
    let now_ns = call.now_ns;
    call.run(move |backend, tenant, stop| {
        let tree = parse(&query, stop)?;
        let Expr::Log(expr) = &tree else {
            return Err(EvalError::Invalid(
                "only log selector is supported".to_owned(),
            ));
        };
        check_limit(lines, &backend.limits)?;
        let work = Work::new(stop);
        let pipeline = Pipeline::new(expr, now_ns, &work)?;
        let logs = backend.store.logs(tenant);
        let streams = logs.select(&expr.selector.matchers, start_ns, end_ns)?;
        let request = Query {
            query: &tree,
            start_ns,
            end_ns,
            step_ns: 0,
            interval_ns: 0,
            limit: lines,
            direction: Direction::Backward,
            instant: false,
            categorize: false,
            now_ns,
            stop,
        };
        find(&streams, &request, &work, &pipeline, limit)
    })
    .await
}
