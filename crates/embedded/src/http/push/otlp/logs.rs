//! Log records, as Loki takes them: some attributes of a resource become stream labels, everything
//! else but the body becomes structured metadata.
//!
//! A batch is taken as a whole or not at all, but for records that are older than is kept, which are
//! left out.

use std::collections::BTreeMap;

use super::Rejected;
use super::limits::INDEXED;
use super::names::labels::loki as label_name;
use super::value::text;
use crate::http::push::budget::Budget;
use crate::http::push::proto::otlp::{KeyValue, LogRecord, LogsRequest, Scope, Value};
use crate::http::push::{Refused, bad, pushed};
use crate::store::PushError;
use crate::{Backend, LogEntry, LogStream};

type Pairs = Vec<(String, String)>;

pub(super) fn store(
    backend: &Backend,
    tenant: &str,
    request: LogsRequest,
) -> Result<Rejected, Refused> {
    let budget = Budget::default();
    let now = (backend.clock)();
    let mut streams = Vec::with_capacity(request.resource_logs.len());
    for (at, logs) in request.resource_logs.into_iter().enumerate() {
        let of = |error| within(error, &format!("resourceLogs[{at}]"));
        let attributes = logs.resource.unwrap_or_default().attributes;
        let (labels, of_resource) = resource(&attributes).map_err(of)?;
        budget.take_pairs(&labels)?;
        let mut entries = Vec::new();
        for (scope_at, scope_logs) in logs.scope_logs.into_iter().enumerate() {
            let place = format!("resourceLogs[{at}].scopeLogs[{scope_at}]");
            let of = |error| within(error, &place);
            let of_scope = scope(scope_logs.scope.unwrap_or_default()).map_err(of)?;
            for (record_at, record) in scope_logs.log_records.into_iter().enumerate() {
                let entry = entry(record, now);
                let mut entry = entry
                    .map_err(|error| within(error, &format!("{place}.logRecords[{record_at}]")))?;
                budget.take(size_of::<LogEntry>().saturating_add(entry.line.len()))?;
                for pairs in [&entry.structured_metadata, &of_resource, &of_scope] {
                    budget.take_pairs(pairs)?;
                }
                let metadata = &mut entry.structured_metadata;
                metadata.extend_from_slice(&of_resource);
                metadata.extend_from_slice(&of_scope);
                entries.push(entry);
            }
        }
        if !entries.is_empty() {
            streams.push(LogStream { labels, entries });
        }
    }
    let records: usize = streams.iter().map(|one| one.entries.len()).sum();
    let Err(error) = backend.push_logs(tenant, streams) else {
        return Ok(Rejected::default());
    };
    if let PushError::TooOld { count, .. } = &error
        && *count < records
    {
        return Ok(Rejected {
            count: *count,
            sentence: error.to_string(),
        });
    }
    Err(pushed(error))
}

fn within((status, sentence): Refused, place: &str) -> Refused {
    (status, format!("{place}: {sentence}"))
}

/// The stream labels and the structured metadata of a resource.
fn resource(attributes: &[KeyValue]) -> Result<(Pairs, Pairs), Refused> {
    let (mut labels, mut metadata) = (Vec::new(), Vec::new());
    for attribute in attributes {
        let into = if INDEXED.contains(&attribute.key.as_str()) {
            &mut labels
        } else {
            &mut metadata
        };
        flatten("", attribute, into)?;
    }
    // Of labels with the same name, the last one counts.
    let labels: BTreeMap<_, _> = labels.into_iter().collect();
    Ok((labels.into_iter().collect(), metadata))
}

fn scope(scope: Scope) -> Result<Pairs, Refused> {
    let mut metadata = Vec::new();
    for attribute in &scope.attributes {
        flatten("", attribute, &mut metadata)?;
    }
    put(&mut metadata, "scope_name", scope.name);
    put(&mut metadata, "scope_version", scope.version);
    let dropped = number(scope.dropped_attributes_count);
    put(&mut metadata, "scope_dropped_attributes_count", dropped);
    Ok(metadata)
}

/// A record, which was made now if nobody knows when.
fn entry(record: LogRecord, now: i64) -> Result<LogEntry, Refused> {
    let (time, observed) = (record.time_unix_nano, record.observed_time_unix_nano);
    let timestamp_ns = match (time, observed) {
        (0, 0) => now,
        (0, time) | (time, _) => {
            i64::try_from(time).map_err(|_| bad("a timestamp is out of range"))?
        }
    };
    let mut metadata = Vec::with_capacity(record.attributes.len().saturating_add(4));
    for attribute in &record.attributes {
        // The record's own field of that name goes before.
        if attribute.key != "event_name" || record.event_name.is_empty() {
            flatten("", attribute, &mut metadata)?;
        }
    }
    if time != 0 {
        put(&mut metadata, "observed_timestamp", number(observed));
    }
    put(
        &mut metadata,
        "severity_number",
        number(record.severity_number),
    );
    put(&mut metadata, "severity_text", record.severity_text);
    let dropped = number(record.dropped_attributes_count);
    put(&mut metadata, "dropped_attributes_count", dropped);
    put(&mut metadata, "flags", number(record.flags));
    put(&mut metadata, "trace_id", id(&record.trace_id, 16)?);
    put(&mut metadata, "span_id", id(&record.span_id, 8)?);
    put(&mut metadata, "event_name", record.event_name);
    Ok(LogEntry {
        timestamp_ns,
        line: text(record.body.as_ref()),
        structured_metadata: metadata,
    })
}

/// An attribute as labels: of a map, one for each of its leaves, whose name is all names on the way
/// to it.
fn flatten(prefix: &str, attribute: &KeyValue, into: &mut Pairs) -> Result<(), Refused> {
    let name = if prefix.is_empty() {
        label_name(&attribute.key)?
    } else {
        label_name(&format!("{prefix}_{}", attribute.key))?
    };
    let value = attribute.value.as_ref();
    if let Some(Value::Map(map)) = value.and_then(|value| value.value.as_ref()) {
        for below in &map.values {
            flatten(&name, below, into)?;
        }
    } else {
        put(into, &name, text(value));
    }
    Ok(())
}

/// Adds a label, if there is a value for it: one without is none.
fn put(metadata: &mut Pairs, name: &str, value: String) {
    if !value.is_empty() {
        metadata.push((name.to_owned(), value));
    }
}

/// A number; none is as good as zero.
fn number<N: Copy + Default + PartialEq + ToString>(number: N) -> String {
    if number == N::default() {
        String::new()
    } else {
        number.to_string()
    }
}

/// An id of so many bytes in hexadecimal; one of zeros only is none.
fn id(bytes: &[u8], length: usize) -> Result<String, Refused> {
    if !bytes.is_empty() && bytes.len() != length {
        return Err(bad(format!(
            "an id has {} bytes, and not {length}",
            bytes.len()
        )));
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(String::new());
    }
    Ok(super::value::hex(bytes))
}
