//! Remote write 1.0.

use prost::Message as _;

use super::proto::v1::{Label, Metadata, WRITE_REQUEST, WriteRequest};
use super::{check_exemplar, check_labels, check_samples, of};
use crate::ingest::label::{self, RESOURCE_LABEL};
use crate::ingest::refusal::{Refusal, bad, shown};
use crate::ingest::wire::look;
use crate::ingest::{Counts, Stamping};

/// Stamps a batch.
pub(in crate::ingest) fn stamp(
    body: &[u8],
    stamping: &Stamping<'_>,
) -> Result<(Vec<u8>, Counts), Refusal> {
    let found = look(&WRITE_REQUEST, body, stamping.limits.decoded)?;
    let mut request = WriteRequest::decode(body).map_err(|error| {
        bad(
            "not protobuf of this protocol",
            format!("the write is not understood: {error}"),
        )
    })?;
    stamping.streams(request.timeseries.len())?;
    let mut counts = Counts {
        streams: request.timeseries.len(),
        unknown: found.unknown,
        ..Counts::default()
    };
    for (at, series) in request.timeseries.iter_mut().enumerate() {
        // Senders sort, and backends believe some of them.
        series.labels.sort_by(|a, b| a.name.cmp(&b.name));
        let ours = Label {
            name: RESOURCE_LABEL.to_owned(),
            value: stamping.resource.to_owned(),
        };
        counts.replaced += label::stamp(&mut series.labels, |label| &label.name, ours);
        let labels = || {
            let labels = series.labels.iter();
            labels.map(|label| (label.name.as_str(), label.value.as_str()))
        };
        check_labels(&labels(), at, stamping)?;
        check_samples(
            &series.samples,
            &series.histograms,
            stamping,
            &mut counts,
            || of(labels(), at),
        )?;
        stamping.entries(&mut counts, series.exemplars.len())?;
        for (exemplar_at, exemplar) in series.exemplars.iter_mut().enumerate() {
            counts.replaced += label::strip(&mut exemplar.labels, |label| &label.name);
            let kept = exemplar.labels.iter();
            let kept = kept.map(|label| (label.name.as_str(), label.value.as_str()));
            check_exemplar(kept, exemplar.timestamp, stamping, || {
                format!("exemplar {exemplar_at} of {}", of(labels(), at))
            })?;
        }
    }
    stamping.streams(request.metadata.len())?;
    for (at, metadata) in request.metadata.iter().enumerate() {
        let Metadata {
            metric_family_name: name,
            help,
            unit,
            ..
        } = metadata;
        label::check_metadata((name, help, unit), || {
            format!("metadata {at}, of the metric {},", shown(name))
        })?;
    }
    Ok((request.encode_to_vec(), counts))
}
