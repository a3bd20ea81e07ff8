//! Log records, for Loki.

use prost::Message as _;

use super::attributes::{Maps, stamp as stamp_attributes, strip};
use super::decode;
use super::proto::common::{AnyValue, Value};
use super::proto::logs::{LOGS_REQUEST, LogRecord, LogsRequest};
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
        for (scope_at, scope_logs) in logs.scope_logs.iter_mut().enumerate() {
            if let Some(scope) = &mut scope_logs.scope {
                counts.replaced += strip(&mut scope.attributes, Maps::Flattened);
            }
            stamping.entries(&mut counts, scope_logs.log_records.len())?;
            for (record_at, record) in scope_logs.log_records.iter_mut().enumerate() {
                check(record, stamping, || {
                    format!(
                        "the log record resourceLogs[{at}].scopeLogs[{scope_at}]\
                         .logRecords[{record_at}]"
                    )
                })?;
                counts.replaced += strip(&mut record.attributes, Maps::Flattened);
            }
        }
    }
    Ok((request.encode_to_vec(), counts))
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
    if let Some(AnyValue {
        value: Some(Value::String(line)),
    }) = &record.body
        && line.len() > limit
    {
        return Err(bad(
            "line too long",
            format!(
                "max entry size {limit} bytes exceeded by {}, which has {} bytes",
                of(),
                line.len()
            ),
        ));
    }
    Ok(())
}
