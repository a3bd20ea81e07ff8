//! Loki's push API: streams of lines.

mod json;
mod proto;

use prost::Message as _;

use super::label::{self, Becomes, RESOURCE_LABEL};
use super::refusal::{Refusal, bad, shown};
use super::wire::{look, look_at_json};
use super::{Counts, Media, Stamping};
use proto::{Entry, Label, PUSH_REQUEST, PushRequest, Stream};

/// Labels with which Loki tells its own streams from those of tenants, and which exempt a stream
/// from its limits. Loki writes such streams itself, never by this way.
const INTERNAL: [&str; 4] = [
    "__aggregated_metric__",
    "__pattern__",
    "__backfill__",
    "__backfill_shard__",
];

/// Stamps a push.
pub(super) fn stamp(
    media: Media,
    body: &bytes::Bytes,
    stamping: &Stamping<'_>,
) -> Result<(Vec<u8>, Counts), Refusal> {
    let mut counts = Counts::default();
    let limits = stamping.limits;
    let push = match media {
        Media::Json => {
            look_at_json(body, limits.decoded)?;
            let push = json::read(body)?;
            stamping.streams(push.streams.len())?;
            let mut streams = Vec::with_capacity(push.streams.len());
            for stream in push.streams {
                let entries = stream.entries.into_iter().map(|line| line.0).collect();
                streams.push(one(stream.labels.0, entries, stamping, &mut counts)?);
            }
            PushRequest { streams }
        }
        Media::Protobuf | Media::RemoteWrite2 => {
            let found = look(&PUSH_REQUEST, body, limits.decoded)?;
            counts.unknown = found.unknown;
            let push = PushRequest::decode(body.clone()).map_err(|error| {
                bad(
                    "not protobuf of this protocol",
                    format!("the push is not understood: {error}"),
                )
            })?;
            stamping.streams(push.streams.len())?;
            let mut streams = Vec::with_capacity(push.streams.len());
            for stream in push.streams {
                // One more, which may be the one that is replaced.
                let most = limits.labels.saturating_add(1);
                let labels = label::parse(&stream.labels, most)?;
                streams.push(one(labels, stream.entries, stamping, &mut counts)?);
            }
            PushRequest { streams }
        }
    };
    counts.streams = push.streams.len();
    Ok((push.encode_to_vec(), counts))
}

/// Checks and stamps one stream.
fn one(
    mut labels: Vec<(String, String)>,
    mut entries: Vec<Entry>,
    stamping: &Stamping<'_>,
    counts: &mut Counts,
) -> Result<Stream, Refusal> {
    labels.sort_by(|a, b| a.0.cmp(&b.0));
    let ours = (RESOURCE_LABEL.to_owned(), stamping.resource.to_owned());
    counts.replaced += label::stamp(&mut labels, |label| &label.0, ours);
    let text = label::print(&labels);
    let of = || format!("stream {}", shown(&text));
    stamping.labels(labels.len(), of)?;
    for (name, value) in &labels {
        label::check(name, value, stamping.limits, of)?;
        if !label::is_name(name) {
            return Err(bad(
                "bad label name",
                format!(
                    "{} has a label name that is none: {}; use ASCII letters, digits and underscores",
                    of(),
                    shown(name)
                ),
            ));
        }
        if INTERNAL.contains(&name.as_str()) {
            return Err(bad(
                "a label of Loki's own",
                format!("{} has the label {name}, which is Loki's own", of()),
            ));
        }
    }
    for pair in labels.windows(2) {
        if let [(one, _), (other, _)] = pair
            && one == other
        {
            return Err(bad(
                "duplicate label",
                format!("{} has duplicate label name {one}", of()),
            ));
        }
    }
    stamping.entries(counts, entries.len())?;
    for (at, entry) in entries.iter_mut().enumerate() {
        let of = || format!("entry {at} of stream {}", shown(&text));
        let limit = stamping.limits.line;
        if entry.line.len() > limit {
            return Err(bad(
                "line too long",
                format!(
                    "max entry size {limit} bytes exceeded by {}, which has {} bytes",
                    of(),
                    entry.line.len()
                ),
            ));
        }
        let Some(time) = entry.timestamp else {
            return Err(bad("no timestamp", format!("{} has no timestamp", of())));
        };
        if !(0..1_000_000_000).contains(&time.nanos) {
            return Err(bad(
                "bad timestamp",
                format!("the timestamp of {} has no valid nanoseconds", of()),
            ));
        }
        let nanos = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
        stamping.time(nanos, of)?;
        counts.replaced += strip(&mut entry.structured_metadata);
        let metadata = entry.structured_metadata.iter();
        let bytes = metadata.map(|label| label.name.len() + label.value.len());
        Stamping::structured_metadata(entry.structured_metadata.len(), bytes.sum(), of)?;
    }
    Ok(Stream {
        labels: text,
        entries,
    })
}

/// Takes out the metadata that Loki would show as the resource's label. It could not move a line to
/// another resource, but it could make readers believe so.
fn strip(metadata: &mut Vec<Label>) -> usize {
    let before = metadata.len();
    metadata.retain(|label| label::becomes(&label.name) != Becomes::Label);
    before - metadata.len()
}

#[cfg(test)]
mod tests;
