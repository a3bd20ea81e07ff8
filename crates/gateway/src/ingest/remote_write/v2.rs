//! Remote write 2.0.

use prost::Message as _;

use super::proto::v2::{REQUEST, Request, TimeSeries};
use super::{check_exemplar, check_labels, check_samples, of};
use crate::ingest::label::{self, RESOURCE_LABEL};
use crate::ingest::refusal::{Refusal, bad};
use crate::ingest::wire::look;
use crate::ingest::{Counts, Stamping};

/// Stamps a batch.
pub(in crate::ingest) fn stamp(
    body: &[u8],
    stamping: &Stamping<'_>,
) -> Result<(Vec<u8>, Counts), Refusal> {
    let found = look(&REQUEST, body, stamping.limits.decoded)?;
    let mut request = Request::decode(body).map_err(|error| {
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
    // The specification has it so that a reference to nothing is one to an empty string.
    match request.symbols.first() {
        Some(first) if !first.is_empty() => {
            return Err(bad(
                "bad symbols",
                "the first symbol of the write is not the empty string",
            ));
        }
        Some(_) => {}
        None => request.symbols.push(String::new()),
    }
    let ours = (
        symbol(&mut request.symbols, RESOURCE_LABEL)?,
        symbol(&mut request.symbols, stamping.resource)?,
    );
    for (at, series) in request.timeseries.iter_mut().enumerate() {
        one(series, at, &request.symbols, ours, stamping, &mut counts)?;
    }
    Ok((request.encode_to_vec(), counts))
}

/// The reference of a symbol, which is put into the table where it is not in it.
fn symbol(symbols: &mut Vec<String>, text: &str) -> Result<u32, Refusal> {
    let found = symbols.iter().position(|symbol| symbol == text);
    let at = found.unwrap_or(symbols.len());
    if found.is_none() {
        symbols.push(text.to_owned());
    }
    u32::try_from(at).map_err(|_| bad("bad symbols", "the write has too many symbols"))
}

/// Checks and stamps one series.
fn one(
    series: &mut TimeSeries,
    at: usize,
    symbols: &[String],
    ours: (u32, u32),
    stamping: &Stamping<'_>,
    counts: &mut Counts,
) -> Result<(), Refusal> {
    let text = |reference: u32| {
        let symbol = usize::try_from(reference)
            .ok()
            .and_then(|at| symbols.get(at));
        let symbol = symbol.map(String::as_str);
        symbol.ok_or_else(|| {
            bad(
                "bad symbols",
                format!(
                    "series {at} refers to the symbol {reference}, and there are {}",
                    symbols.len()
                ),
            )
        })
    };
    // Before they are looked up, which takes many times what a reference does. One may be replaced.
    let given = series.labels_refs.len() / 2;
    stamping.labels(given.saturating_sub(1), || format!("series {at}"))?;
    let mut labels = pairs(&series.labels_refs, at)?
        .map(|(name, value)| Ok(((name, value), (text(name)?, text(value)?))))
        .collect::<Result<Vec<_>, Refusal>>()?;
    labels.sort_by(|(_, a), (_, b)| a.0.cmp(b.0));
    let ours = (ours, (RESOURCE_LABEL, stamping.resource));
    counts.replaced += label::stamp(&mut labels, |(_, (name, _))| name, ours);
    let texts = || labels.iter().map(|(_, texts)| *texts);
    check_labels(&texts(), at, stamping)?;
    check_samples(
        &series.samples,
        &series.histograms,
        stamping,
        counts,
        || of(texts(), at),
    )?;
    stamping.entries(counts, series.exemplars.len())?;
    for (exemplar_at, exemplar) in series.exemplars.iter_mut().enumerate() {
        let of = || format!("exemplar {exemplar_at} of {}", of(texts(), at));
        let given = exemplar.labels_refs.len() / 2;
        stamping.labels(given.saturating_sub(1), of)?;
        let mut kept = pairs(&exemplar.labels_refs, at)?
            .map(|(name, value)| Ok(((name, value), (text(name)?, text(value)?))))
            .collect::<Result<Vec<_>, Refusal>>()?;
        counts.replaced += label::strip(&mut kept, |(_, (name, _))| name);
        let exemplar_texts = kept.iter().map(|(_, texts)| *texts);
        check_exemplar(exemplar_texts, exemplar.timestamp, stamping, of)?;
        exemplar.labels_refs.clear();
        let references = kept.iter().flat_map(|((name, value), _)| [*name, *value]);
        exemplar.labels_refs.extend(references);
    }
    if let Some(metadata) = &series.metadata {
        // The name is a label's value.
        let texts_of = (text(metadata.help_ref)?, text(metadata.unit_ref)?);
        label::check_metadata(("", texts_of.0, texts_of.1), || {
            format!("the metadata of {}", of(texts(), at))
        })?;
    }
    series.labels_refs.clear();
    let references = labels.iter().flat_map(|((name, value), _)| [*name, *value]);
    series.labels_refs.extend(references);
    Ok(())
}

/// References two by two.
fn pairs(references: &[u32], at: usize) -> Result<impl Iterator<Item = (u32, u32)> + '_, Refusal> {
    let (pairs, rest) = references.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad(
            "bad symbols",
            format!("series {at} has a label without a value"),
        ));
    }
    Ok(pairs.iter().map(|[name, value]| (*name, *value)))
}
