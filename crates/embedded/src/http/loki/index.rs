//! How much there is: `index/stats`, `index/volume`, `index/volume_range` and `index/shards`.

use axum::extract::{Request, State};
use axum::response::Response;

use super::asked;
use super::{Call, Refusal, bad, matchers, parse};
use crate::answer::{MatrixSeries, VectorSample};
use crate::http::Shared;
use crate::http::json::{self, Style};
use crate::limits::EvalError;
use crate::logql::go;
use crate::volume::{self, Aggregation, Stats};

/// Streams, chunks, bytes and lines of what `query` selects.
pub(super) async fn stats(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let asked = asked::range(&call.params, call.now_ns)?;
    let query = call.params.get("query").to_owned();
    call.run(move |backend, tenant, stop| {
        let logs = backend.store.logs(tenant);
        let streams = logs.select(&matchers(&query, stop)?, asked.start_ns, asked.end_ns)?;
        Ok(written(volume::stats(&streams, stop)?))
    })
    .await
}

/// One shard that has everything, for the data is in one place.
pub(super) async fn shards(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let asked = asked::range(&call.params, call.now_ns)?;
    let target = call.params.get("targetBytesPerShard");
    if !go::parse_bytes(target).is_ok_and(|bytes| bytes > 0) {
        return Err(bad("targetBytesPerShard must be a positive value"));
    }
    let query = call.params.get("query").to_owned();
    call.run(move |backend, tenant, stop| {
        let tree = parse(&query, stop)?;
        let [selector] = tree.selectors()[..] else {
            return Err(EvalError::Invalid(
                "the query has to have exactly one stream selector".to_owned(),
            ));
        };
        let logs = backend.store.logs(tenant);
        let streams = logs.select(&selector.matchers, asked.start_ns, asked.end_ns)?;
        let stats = written(volume::stats(&streams, stop)?);
        let bounds = format!(r#"{{"min":0,"max":{}}}"#, u64::MAX);
        Ok(format!(
            r#"{{"shards":[{{"bounds":{bounds},"stats":{stats}}}],"statistics":{{}},"chunkGroups":[]}}"#
        ))
    })
    .await
}

/// Bytes per group of streams, over all the time.
pub(super) async fn volume(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let (start, end) = asked::ordered_bounds(&call.params, call.now_ns)?;
    volumes(call, start, end, None).await
}

/// Bytes per group of streams and step.
pub(super) async fn volume_range(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let (start, end) = asked::ordered_bounds(&call.params, call.now_ns)?;
    let step = asked::step(&call.params, start, end)?;
    volumes(call, start, end, Some(step)).await
}

async fn volumes(
    call: Call,
    start_ns: i64,
    end_ns: i64,
    step_ns: Option<i64>,
) -> Result<Response, Refusal> {
    let limit = match call.params.get("limit") {
        // Loki takes 0 for its default here.
        "0" => asked::count("", asked::DEFAULT_LIMIT)?,
        written => asked::count(written, asked::DEFAULT_LIMIT)?,
    };
    let by = match call.params.get("aggregateBy") {
        "" | "series" => Aggregation::Series,
        "labels" => Aggregation::Labels,
        _ => return Err(bad("invalid aggregation option")),
    };
    let targets = call.params.get("targetLabels").split(',');
    let targets: Vec<String> = targets
        .filter(|target| !target.is_empty())
        .map(str::to_owned)
        .collect();
    let query = call.params.get("query").to_owned();
    call.run(move |backend, tenant, stop| {
        let request = volume::Request {
            // Volumes alone may be asked for of everything.
            matchers: match query.trim() {
                "{}" => Vec::new(),
                query => matchers(query, stop)?,
            },
            start_ns,
            end_ns,
            step_ns,
            limit,
            targets,
            by,
            stop,
        };
        let found = volume::volumes(&backend.store.logs(tenant), request)?;
        Ok(rendered(found))
    })
    .await
}

/// As Loki shows them: a vector unless some series has several values, whatever was asked for.
fn rendered(found: Vec<MatrixSeries>) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"resultType":""#);
    if found.iter().any(|series| series.points.len() > 1) {
        out.push_str(r#"matrix","result":"#);
        json::matrix(&mut out, Style::Loki, &found);
    } else {
        out.push_str(r#"vector","result":"#);
        let samples = found.into_iter().filter_map(|series| {
            let point = *series.points.first()?;
            let labels = series.labels;
            Some(VectorSample { labels, point })
        });
        json::vector(&mut out, Style::Loki, &samples.collect::<Vec<_>>());
    }
    out.push_str(r#","stats":{}}}"#);
    out
}

fn written(stats: Stats) -> String {
    let Stats {
        streams,
        chunks,
        bytes,
        entries,
    } = stats;
    format!(r#"{{"streams":{streams},"chunks":{chunks},"bytes":{bytes},"entries":{entries}}}"#)
}
