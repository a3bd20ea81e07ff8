//! Log records, for Loki.

use prost::Message as _;

use super::attributes::{Maps, flattened, length, stamp as stamp_attributes, strip};
use super::proto::common::KeyValue;
use super::proto::logs::{LOGS_REQUEST, LogRecord, LogsRequest};
use super::{check_known, decode};
use crate::ingest::refusal::{Refusal, bad};
use crate::ingest::{Counts, Media, Stamping};

/// Stamps a batch.
pub(in crate::ingest) fn stamp(
    media: Media,
    body: &[u8],
    stamping: &Stamping<'_>,
) -> Result<(Vec<u8>, Counts), Refusal> {
    let limit = stamping.limits.decoded;
    let (mut request, unknown) = decode::<LogsRequest>(media, body, &LOGS_REQUEST, limit)?;
    check_known("resourceLogs", request.resource_logs.len(), unknown)?;
    stamping.streams(request.resource_logs.len())?;
    let mut counts = Counts {
        streams: request.resource_logs.len(),
        unknown,
        ..Counts::default()
    };
    for (at, logs) in request.resource_logs.iter_mut().enumerate() {
        let resource = logs.resource.get_or_insert_default();
        let id = stamping.resource;
        counts.replaced += stamp_attributes(&mut resource.attributes, id, Maps::Flattened);
        check_metadata(&resource.attributes, &[], || {
            format!("the resource resourceLogs[{at}]")
        })?;
        for (scope_at, scope_logs) in logs.scope_logs.iter_mut().enumerate() {
            if let Some(scope) = &mut scope_logs.scope {
                counts.replaced += strip(&mut scope.attributes, Maps::Flattened);
                check_metadata(&scope.attributes, &[&scope.name, &scope.version], || {
                    format!("the scope resourceLogs[{at}].scopeLogs[{scope_at}]")
                })?;
            }
            stamping.entries(&mut counts, scope_logs.log_records.len())?;
            for (record_at, record) in scope_logs.log_records.iter_mut().enumerate() {
                let of = || {
                    format!(
                        "the log record resourceLogs[{at}].scopeLogs[{scope_at}]\
                         .logRecords[{record_at}]"
                    )
                };
                check(record, stamping, of)?;
                counts.replaced += strip(&mut record.attributes, Maps::Flattened);
                let fields = [&*record.severity_text, &record.event_name];
                check_metadata(&record.attributes, &fields, of)?;
            }
        }
    }
    Ok((request.encode_to_vec(), counts))
}

/// Checks what Loki makes structured metadata of: attributes, and fields beside them.
fn check_metadata(
    attributes: &[KeyValue],
    fields: &[&str],
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    let (count, bytes) = flattened(attributes);
    let beside: usize = fields.iter().map(|field| field.len()).sum();
    Stamping::structured_metadata(count, bytes.saturating_add(beside), of)
}

fn check(
    record: &LogRecord,
    stamping: &Stamping<'_>,
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    // The backend takes the one time for the other, and its own where there is neither.
    let time = match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, time) | (time, _) => time,
    };
    if time != 0 {
        stamping.time(i128::from(time), &of)?;
    }
    let limit = stamping.limits.line;
    // Of what is no text Loki makes its JSON, which is no shorter.
    let line = length(record.body.as_ref());
    if line > limit {
        return Err(bad(
            "line too long",
            format!(
                "max entry size {limit} bytes exceeded by {}, which has {line} bytes",
                of()
            ),
        ));
    }
    Ok(())
}
