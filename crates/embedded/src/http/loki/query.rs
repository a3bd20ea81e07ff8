//! Queries: `query` and `query_range`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;

use super::asked::{self, Asked};
use super::encoding::{self, EncodingFlags};
use super::{Call, Refusal, bad, check_limit, parse, parse_any};
use crate::Labels;
use crate::http::Shared;
use crate::http::json::{self, Style};
use crate::limits::EvalError;
use crate::logql::{self, Answer};

pub(super) async fn query_range(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let asked = asked::range(&call.params, call.now_ns)?;
    answer(call, asked).await
}

pub(super) async fn query(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let call = Call::read(shared, request).await?;
    let time = asked::time(call.params.get("time"), call.now_ns).map_err(bad)?;
    let asked = Asked {
        start_ns: time,
        end_ns: time,
        step_ns: 0,
        interval_ns: 0,
        limit: asked::limit(&call.params)?,
        direction: asked::direction(&call.params)?,
        instant: true,
    };
    answer(call, asked).await
}

async fn answer(call: Call, asked: Asked) -> Result<Response, Refusal> {
    let query = call.params.get("query").to_owned();
    let now_ns = call.now_ns;
    let flags = call.flags.clone();
    call.run(move |backend, tenant, stop| {
        let started = Instant::now();
        let tree = if backend.limits.any_selector {
            parse_any(&query)?
        } else {
            parse(&query, stop)?
        };
        let is_log_query = matches!(tree, query::logql::Expr::Log(_));
        if asked.instant && is_log_query {
            return Err(EvalError::Invalid(
                "log queries are not supported as an instant query type, please change your \
                 query to a range query type"
                    .to_owned(),
            ));
        }
        if is_log_query {
            check_limit(asked.limit, &backend.limits)?;
        }
        let asked = settled(asked, is_log_query);
        let request = logql::Request {
            query: &tree,
            start_ns: asked.start_ns,
            end_ns: asked.end_ns,
            step_ns: asked.step_ns,
            interval_ns: asked.interval_ns,
            limit: asked.limit,
            direction: asked.direction,
            instant: asked.instant,
            categorize: flags.categorize(),
            now_ns,
            stop,
        };
        let logs = backend.store.logs(tenant);
        let answer = logql::evaluate(&logs, &request, &backend.limits)?;
        Ok(render(&answer, &flags, started, stop.counted()))
    })
    .await
}

/// The times as Loki's frontend has them. It widens those of metric queries to whole steps, so that
/// the steps are the same whenever somebody asks; a moment is a nanosecond of lines.
fn settled(asked: Asked, is_log_query: bool) -> Asked {
    if asked.instant || (is_log_query && asked.start_ns != asked.end_ns) {
        return asked;
    }
    if is_log_query {
        let end_ns = asked.end_ns.saturating_add(1);
        return Asked { end_ns, ..asked };
    }
    // The frontend counts steps in milliseconds.
    let step_ns = asked.step_ns / 1_000_000 * 1_000_000;
    if step_ns <= 0 {
        return asked;
    }
    let behind = asked.end_ns.rem_euclid(step_ns);
    let missing = if behind == 0 { 0 } else { step_ns - behind };
    Asked {
        start_ns: asked
            .start_ns
            .saturating_sub(asked.start_ns.rem_euclid(step_ns)),
        end_ns: asked.end_ns.saturating_add(missing),
        ..asked
    }
}

/// The labels as Loki shows those of streams: what was no text once, a space takes its place.
fn shown(labels: &Labels) -> Cow<'_, Labels> {
    if !labels
        .iter()
        .any(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER))
    {
        return Cow::Borrowed(labels);
    }
    let spaced = |(name, value): (&str, &str)| {
        let value = value.replace(char::REPLACEMENT_CHARACTER, " ");
        (name.to_owned(), value)
    };
    Cow::Owned(Labels::keeping_empty(labels.iter().map(spaced).collect()))
}

fn render(
    answer: &Answer,
    flags: &EncodingFlags,
    started: Instant,
    (bytes, lines): (u64, u64),
) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"resultType":""#);
    let mut entries = 0;
    match answer {
        Answer::Streams(streams) => {
            out.push_str(r#"streams","#);
            // Loki says how it encoded lines, and lines only.
            if flags.render(&mut out) {
                out.push(',');
            }
            out.push_str(r#""result":"#);
            json::list(&mut out, streams, |out, stream| {
                out.push_str(r#"{"stream":"#);
                json::labels(out, &shown(&stream.labels));
                out.push_str(r#","values":"#);
                json::list(out, &stream.entries, encoding::line);
                entries += stream.entries.len();
                out.push('}');
            });
        }
        Answer::Matrix(series) => {
            out.push_str(r#"matrix","result":"#);
            json::matrix(&mut out, Style::Loki, series);
            entries = series.len();
        }
        Answer::Vector(samples) => {
            out.push_str(r#"vector","result":"#);
            json::vector(&mut out, Style::Loki, samples);
            entries = samples.len();
        }
        Answer::Scalar(point) => {
            out.push_str(r#"scalar","result":"#);
            // Loki writes the milliseconds of a scalar's time as if they were seconds.
            let timestamp_ms = point.timestamp_ms.saturating_mul(1_000);
            json::point(&mut out, Style::Loki, timestamp_ms, point.value);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate, and `as` stays within the range"
    )]
    let per_second = |count: u64| (count as f64 / seconds.max(1e-9)) as u64;
    // What of Loki's statistics clients show. Writing to a String does not fail.
    let _ = write!(
        out,
        r#","stats":{{"summary":{{"bytesProcessedPerSecond":{},"linesProcessedPerSecond":{},"totalBytesProcessed":{bytes},"totalLinesProcessed":{lines},"execTime":{seconds},"queueTime":0,"subqueries":0,"totalEntriesReturned":{entries},"splits":0,"shards":1}}}}}}}}"#,
        per_second(bytes),
        per_second(lines),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logql::Direction;

    #[test]
    fn times_at_the_ends_of_time_are_widened_as_far_as_it_goes() {
        let asked = Asked {
            start_ns: i64::MIN + 1,
            end_ns: i64::MAX - 1,
            step_ns: 1_000_000_000_000,
            interval_ns: 0,
            limit: 1,
            direction: Direction::Forward,
            instant: false,
        };
        let settled = settled(asked, false);
        assert_eq!((settled.start_ns, settled.end_ns), (i64::MIN, i64::MAX));
    }
}
