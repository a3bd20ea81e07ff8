//! Prometheus' remote write.
//!
//! Series with native histograms are not stored. They are refused with a sentence, and the rest of
//! the batch is stored nevertheless, as Mimir does it with what it refuses: senders do not send
//! again what a 400 was the answer to.

mod v1;
mod v2;

use super::body::{Write, unsupported};
use super::{Refused, bad, pushed};
use crate::store::PushError;
use crate::{Backend, ExemplarSeries, MetricKind, MetricMetadata, SampleSeries};

/// What a batch holds, by series.
#[derive(Default)]
struct Batch {
    samples: Vec<SampleSeries>,
    exemplars: Vec<ExemplarSeries>,
    metadata: Vec<MetricMetadata>,
    /// Series that are not stored, and the first of them.
    refused: usize,
    first_refused: Option<String>,
}

/// What was stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) samples: usize,
    pub(super) exemplars: usize,
}

/// What to tell a sender.
pub(super) struct Outcome {
    /// Of remote write 2.0, which has headers for it.
    pub(super) stored: Option<Stored>,
    pub(super) result: Result<(), Refused>,
}

/// Decodes a batch, and stores what is in it.
pub(super) fn store(backend: &Backend, write: &Write) -> Outcome {
    let is_v2 = write.message == "io.prometheus.write.v2.request";
    let (stored, result) = match decode(write, is_v2) {
        Ok(batch) => batch.store(backend, &write.tenant),
        Err(refused) => (Stored::default(), Err(refused)),
    };
    Outcome {
        stored: is_v2.then_some(stored),
        result,
    }
}

fn decode(write: &Write, is_v2: bool) -> Result<Batch, Refused> {
    let is_v1 = matches!(&*write.message, "" | "prometheus.writerequest");
    if write.essence != "application/x-protobuf" || !(is_v1 || is_v2) {
        return Err(unsupported(
            "expected Content-Type: application/x-protobuf, with proto=prometheus.WriteRequest or \
             proto=io.prometheus.write.v2.Request",
        ));
    }
    let plain = write.snappy()?;
    if is_v2 {
        v2::decode(&plain)
    } else {
        v1::decode(&plain)
    }
}

impl Batch {
    fn refuse(&mut self, labels: &[(String, String)]) {
        self.refused = self.refused.saturating_add(1);
        self.first_refused.get_or_insert_with(|| {
            let name = labels.iter().find(|(name, _)| name == "__name__");
            name.map_or_else(String::new, |(_, name)| name.clone())
        });
    }

    fn store(self, backend: &Backend, tenant: &str) -> (Stored, Result<(), Refused>) {
        let samples = self.samples.iter().map(|one| one.samples.len()).sum();
        let exemplars = self.exemplars.iter().map(|one| one.exemplars.len()).sum();
        let mut stored = Stored::default();
        // Data never go without being stored for what only describes them.
        let described = backend.add_metadata(tenant, self.metadata);
        // The samples last: what is sent again after a failure is there once, and nothing is
        // missing.
        let mut too_new = None;
        match backend.push_exemplars(tenant, self.exemplars) {
            Ok(()) => stored.exemplars = exemplars,
            Err(error @ PushError::TooNew { .. }) => too_new = Some(error),
            Err(error) => return (stored, Err(pushed(error))),
        }
        if let Err(error) = backend.push_samples(tenant, self.samples) {
            return (stored, Err(pushed(error)));
        }
        stored.samples = samples;
        if let Some(error) = too_new.or(described.err()) {
            return (stored, Err(pushed(error)));
        }
        let result = self.first_refused.map_or(Ok(()), |first| {
            Err(bad(format!(
                "native histograms are not stored by the embedded backend: {} series refused, the \
                 first is of {first:?}; the rest of the batch is stored",
                self.refused
            )))
        });
        (stored, result)
    }
}

/// The protocol's enumeration, which is the same in both versions.
fn kind(number: i32) -> MetricKind {
    match number {
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::GaugeHistogram,
        5 => MetricKind::Summary,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}
