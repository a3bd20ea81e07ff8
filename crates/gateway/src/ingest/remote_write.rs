//! Prometheus' remote write, 1.0 and 2.0: series of samples and histograms.

mod proto;
mod v1;
mod v2;

use super::refusal::{Refusal, bad, shown};
use super::{Counts, Stamping};
use proto::{Histogram, Sample};
pub(super) use v1::stamp as stamp_v1;
pub(super) use v2::stamp as stamp_v2;

/// The label that is a metric's name.
const NAME: &str = "__name__";

/// Checks the labels of a series, in the order of their names, with the resource's among them.
fn check_labels<'a>(
    labels: &(impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone),
    at: usize,
    stamping: &Stamping<'_>,
) -> Result<(), Refusal> {
    let of = || of(labels.clone(), at);
    stamping.labels(labels.len(), of)?;
    let (mut named, mut last) = (false, None);
    for (name, value) in labels.clone() {
        super::label::check(name, value, stamping.limits, of)?;
        if last == Some(name) {
            return Err(bad(
                "duplicate label",
                format!("{} has duplicate label name {}", of(), shown(name)),
            ));
        }
        last = Some(name);
        named |= name == NAME && !value.is_empty();
    }
    if !named {
        return Err(bad(
            "series without a metric name",
            format!("{} is missing a metric name", of()),
        ));
    }
    Ok(())
}

/// What a sentence calls a series.
fn of<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>, at: usize) -> String {
    let mut text = String::from("{");
    for (name, value) in labels {
        if text.len() > 1 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push('=');
        query::quote::push_quoted(&mut text, value.as_bytes());
    }
    text.push('}');
    format!("series {at}, {}", shown(&text))
}

/// Checks an exemplar of a series, of which the labels are those that it keeps.
fn check_exemplar<'a>(
    labels: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    millis: i64,
    stamping: &Stamping<'_>,
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    stamping.labels(labels.len(), &of)?;
    for (name, value) in labels {
        super::label::check(name, value, stamping.limits, &of)?;
    }
    stamping.time(i128::from(millis) * 1_000_000, of)
}

/// Counts and checks what a series holds.
fn check_samples(
    samples: &[Sample],
    histograms: &[Histogram],
    stamping: &Stamping<'_>,
    counts: &mut Counts,
    of: impl Fn() -> String,
) -> Result<(), Refusal> {
    stamping.entries(counts, samples.len().saturating_add(histograms.len()))?;
    let samples = samples.iter().map(|sample| ("sample", sample.timestamp));
    let histograms = histograms.iter().map(|one| ("histogram", one.timestamp));
    for (at, (what, millis)) in samples.chain(histograms).enumerate() {
        stamping.time(i128::from(millis) * 1_000_000, || {
            format!("{what} {at} of {}", of())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
