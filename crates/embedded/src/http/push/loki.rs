//! Loki's push API.

use prost::Message as _;
use query::MatchOp;
use query::logql::Expr;

use super::body::{Write, unsupported};
use super::proto::PushRequest;
use super::{Refused, bad, pushed};
use crate::{Backend, LogEntry, LogStream};

/// Decodes a batch, and stores what is in it.
pub(super) fn store(backend: &Backend, write: &Write) -> Result<(), Refused> {
    if write.essence != "application/x-protobuf" {
        return Err(unsupported("expected Content-Type: application/x-protobuf"));
    }
    let push = PushRequest::decode(&*write.snappy()?).map_err(bad)?;
    let mut streams = Vec::with_capacity(push.streams.len());
    for stream in push.streams {
        let mut entries = Vec::with_capacity(stream.entries.len());
        for entry in stream.entries {
            let time = entry.timestamp.unwrap_or_default();
            let nanos = time.seconds.checked_mul(1_000_000_000);
            let nanos = nanos.and_then(|nanos| nanos.checked_add(time.nanos.into()));
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            entries.push(LogEntry {
                timestamp_ns: nanos.ok_or_else(|| bad("a timestamp is out of range"))?,
                line: text(&entry.line),
                structured_metadata: entry
                    .structured_metadata
                    .into_iter()
                    .map(|label| (label.name, text(&label.value)))
                    .collect(),
            });
        }
        streams.push(LogStream {
            labels: labels(&stream.labels)?,
            entries,
        });
    }
    backend.push_logs(&write.tenant, streams).map_err(pushed)
}

/// The labels of a stream from their text, which is a selector of equalities.
fn labels(text: &str) -> Result<Vec<(String, String)>, Refused> {
    let selector = query::logql::parse_selector(text)
        .map_err(|error| bad(format!("error parsing labels: {error}")))?;
    let Expr::Log(selector) = selector else {
        return Err(bad("error parsing labels: expected name=\"value\""));
    };
    let label = |matcher: query::Matcher| match (matcher.op, matcher.value.as_str()) {
        (MatchOp::Equal, Some(value)) => Ok((matcher.name.to_string(), value.to_owned())),
        _ => Err(bad("error parsing labels: expected name=\"value\"")),
    };
    let matchers = selector.selector.matchers.into_iter();
    matchers.map(label).collect()
}
