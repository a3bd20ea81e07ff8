//! OTLP: log records and metrics' data points, below resources of `OpenTelemetry`'s own kind, which are
//! described by attributes.
//!
//! The backends make labels of attributes, and each does it in its own way:
//!
//! - Loki makes stream labels of those attributes of a resource that its `otlp_config` names, and of
//!   no others; so `resource_id` goes among them, and has to be named there. It may make stream
//!   labels of a record's attributes as well, which take the place of the resource's: so none of
//!   them may be called so. Maps are flattened.
//! - Mimir and Prometheus make labels of a data point's attributes, and of a resource's only those
//!   of `target_info`; so `resource_id` goes into both. Attributes whose names become the same label
//!   have their values joined: so ours must be the only one.

pub(super) mod answer;
mod attributes;
mod json;
mod logs;
mod metrics;
mod proto;

pub(super) use logs::stamp as stamp_logs;
pub(super) use metrics::stamp as stamp_metrics;

use prost::Message;
use serde::Deserialize;

use super::Media;
use super::refusal::{Refusal, bad};
use super::wire::{Shape, look, look_at_json};

/// Decodes a batch, and says how many fields of it are unknown.
fn decode<T: Message + Default + for<'de> Deserialize<'de>>(
    media: Media,
    body: &[u8],
    shape: &'static Shape,
    limit: usize,
) -> Result<(T, usize), Refusal> {
    match media {
        Media::Json => {
            look_at_json(body, limit)?;
            json::read(body)
        }
        Media::Protobuf | Media::RemoteWrite2 => {
            let found = look(shape, body, limit)?;
            let batch = T::decode(body).map_err(|error| {
                bad(
                    "not protobuf of this protocol",
                    format!("the batch is not understood: {error}"),
                )
            })?;
            Ok((batch, found.unknown))
        }
    }
}

/// Refuses a batch of unknown fields and nothing else: to acknowledge it would be to say that it is
/// stored. An empty batch is one.
fn check_known(name: &str, entries: usize, unknown: usize) -> Result<(), Refusal> {
    if entries == 0 && unknown > 0 {
        return Err(bad(
            "unknown fields alone",
            format!(
                "the batch has no {name}, and {unknown} fields that are not known here: is it meant for \
             another path?"
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
