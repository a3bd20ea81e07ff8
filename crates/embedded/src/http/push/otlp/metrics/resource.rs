//! What a resource is, as Prometheus has it.

use super::super::value::{find, text};
use super::Batch;
use super::labels::LabelSet;
use crate::http::push::Refused;
use crate::http::push::proto::otlp::KeyValue;
use crate::{MetricKind, MetricMetadata, Sample, SampleSeries};

const NAME: &str = "service.name";
const NAMESPACE: &str = "service.namespace";
const INSTANCE: &str = "service.instance.id";

/// The series that describes resources.
const TARGET_INFO: &str = "target_info";

/// The time between two samples of it, in milliseconds: half of what queries look back, so that
/// they find one.
const EVERY_MS: i64 = 150_000;

/// How far back from the last one there are samples of it, in milliseconds. A batch that spans more
/// than a day is seldom what it was meant to be.
const BACK_MS: i64 = 24 * 60 * 60 * 1000;

/// A resource.
pub(super) struct Resource<'a> {
    attributes: &'a [KeyValue],
    job: String,
    instance: String,
}

impl<'a> Resource<'a> {
    pub(super) fn new(attributes: &'a [KeyValue]) -> Self {
        let value = |key| find(attributes, key).map(|attribute| text(attribute.value.as_ref()));
        let job = match (value(NAMESPACE), value(NAME)) {
            (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
            (None, Some(name)) => name,
            (_, None) => String::new(),
        };
        Self {
            attributes,
            job,
            instance: value(INSTANCE).unwrap_or_default(),
        }
    }

    /// Puts onto a series whose it is.
    pub(super) fn identify(&self, labels: &mut LabelSet) {
        labels.set("job", &self.job);
        labels.set("instance", &self.instance);
    }

    /// Adds the series that describes the resource, from the time of its first sample to that of its
    /// last one. There is none for a resource that has nothing to identify it, or nothing more.
    pub(super) fn describe(&self, first: i64, last: i64, batch: &mut Batch) -> Result<(), Refused> {
        let identifying = [NAMESPACE, NAME, INSTANCE];
        let mut more = self.attributes.iter();
        if more.all(|attribute| identifying.contains(&attribute.key.as_str())) {
            return Ok(());
        }
        let mut labels = match LabelSet::new(self.attributes, &identifying) {
            Ok(labels) => labels,
            Err(refused) => return batch.refuse(0, refused),
        };
        self.identify(&mut labels);
        if !labels.has("job") && !labels.has("instance") {
            return Ok(());
        }
        let labels = labels.series(TARGET_INFO, "", None);
        batch.budget.take_pairs(&labels)?;
        let mut samples = Vec::new();
        let mut time = first.max(last.saturating_sub(BACK_MS));
        while time < last {
            samples.push(present(time));
            time = time.saturating_add(EVERY_MS);
        }
        samples.push(present(last));
        batch
            .budget
            .take(samples.len().saturating_mul(size_of::<Sample>()))?;
        batch.samples.push(SampleSeries { labels, samples });
        batch.metadata.push(MetricMetadata {
            metric: TARGET_INFO.to_owned(),
            kind: MetricKind::Gauge,
            help: "Target metadata".to_owned(),
            unit: String::new(),
        });
        Ok(())
    }
}

fn present(timestamp_ms: i64) -> Sample {
    Sample {
        value: 1.0,
        timestamp_ms,
    }
}
