//! Prometheus' remote write.
//!
//! Native histograms that cannot be are refused with a sentence, and the rest of the batch is stored
//! nevertheless, as Mimir does it with what it refuses: senders do not send again what a 400 was the
//! answer to.

mod v1;
mod v2;

use prost::Message as _;

use super::body::{Write, unsupported};
use super::budget::Budget;
use super::proto::histogram::Histogram as Sent;
use super::{Refused, bad, native, pushed};
use crate::store::Record as _;
use crate::{
    Backend, ExemplarSeries, HistogramSample, HistogramSeries, Labels, MetricKind, MetricMetadata,
    PushError, SampleSeries,
};

/// What a batch holds, by series.
#[derive(Default)]
struct Batch {
    samples: Vec<SampleSeries>,
    histograms: Vec<HistogramSeries>,
    exemplars: Vec<ExemplarSeries>,
    metadata: Vec<MetricMetadata>,
    /// Native histograms that are not stored, and of the first of them the series and why.
    refused: usize,
    first_refused: Option<(String, String)>,
}

/// What was stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) samples: usize,
    pub(super) histograms: usize,
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
    /// The histograms of a series, but for those that cannot be.
    fn decode_histograms(
        &mut self,
        labels: &[(String, String)],
        sent: &[Vec<u8>],
        budget: &Budget,
    ) -> Result<Vec<HistogramSample>, Refused> {
        let mut histograms = Vec::with_capacity(sent.len());
        for bytes in sent {
            let histogram = if bytes.len() > native::LONGEST {
                Err(native::too_many())
            } else {
                native::of_remote_write(&Sent::decode(bytes.as_slice()).map_err(bad)?)
            };
            match histogram {
                Ok(histogram) => {
                    budget.take(histogram.weight())?;
                    histograms.push(histogram);
                }
                Err(invalid) => self.refuse(labels, invalid),
            }
        }
        Ok(histograms)
    }

    fn refuse(&mut self, labels: &[(String, String)], invalid: native::Invalid) {
        self.refused = self.refused.saturating_add(1);
        self.first_refused
            .get_or_insert_with(|| (Labels::new(labels.to_vec()).to_string(), invalid));
    }

    /// Adds the samples and histograms of a series.
    fn add(
        &mut self,
        series: SampleSeries,
        histograms: Vec<HistogramSample>,
        budget: &Budget,
    ) -> Result<(), Refused> {
        if histograms.is_empty() {
            self.samples.push(series);
            return Ok(());
        }
        let labels = if series.samples.is_empty() {
            series.labels
        } else {
            budget.take_pairs(&series.labels)?;
            let labels = series.labels.clone();
            self.samples.push(series);
            labels
        };
        self.histograms.push(HistogramSeries {
            labels,
            samples: histograms,
        });
        Ok(())
    }

    fn store(self, backend: &Backend, tenant: &str) -> (Stored, Result<(), Refused>) {
        let samples: usize = self.samples.iter().map(|one| one.samples.len()).sum();
        let histograms: usize = self.histograms.iter().map(|one| one.samples.len()).sum();
        let exemplars = self.exemplars.iter().map(|one| one.exemplars.len()).sum();
        let mut stored = Stored::default();
        // Data never go without being stored for what only describes them.
        let described = backend.add_metadata(tenant, self.metadata);
        // The values last: what is sent again after a failure is there once, and nothing is
        // missing.
        let of_exemplars = backend.push_exemplars(tenant, self.exemplars);
        match &of_exemplars {
            Ok(()) => stored.exemplars = exemplars,
            // All but those are stored.
            Err(error) if error.is_of_a_part() => {}
            Err(error) => return (stored, Err(pushed(error.clone()))),
        }
        let result = backend.push_samples(tenant, self.samples);
        match &result {
            Ok(()) => stored.samples = samples,
            Err(PushError::TooOld { count, .. }) => stored.samples = samples.saturating_sub(*count),
            // All but those are stored.
            Err(error) if error.is_of_a_part() => {}
            Err(error) => return (stored, Err(pushed(error.clone()))),
        }
        let of_histograms = backend.push_histograms(tenant, self.histograms);
        match &of_histograms {
            Ok(()) => stored.histograms = histograms,
            Err(PushError::TooOld { count, .. }) => {
                stored.histograms = histograms.saturating_sub(*count);
            }
            Err(_) => {}
        }
        let all = of_histograms.and(result).and(of_exemplars).and(described);
        if let Err(error) = all {
            return (stored, Err(pushed(error)));
        }
        let result = self.first_refused.map_or(Ok(()), |(series, why)| {
            Err(bad(format!(
                "{} native histograms were refused, the first of the series {series}: {why}; the \
                 rest of the batch is stored",
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
