//! Traces of requests, over OTLP: one span for each request, and one for each of its steps.
//!
//! Switched off, nothing of this is there but an `Option`. Switched on, what ends goes into a queue with an
//! end, which a task on the background runtime empties; what does not fit is dropped and counted, and no
//! request waits for it. A span says which route it was of, which project and resource a permitted request
//! names, and what came of it: no token, no subject, no query.

mod batches;
mod client;
mod headers;
mod settings;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TracerProvider as _};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub(crate) use batches::Batches;
use batches::Queue;
use client::Client;
pub use settings::TraceSettings;
pub(crate) use trace::Trace;

/// How long one batch may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The root certificates cannot be read.
    #[error("the root certificates cannot be read: {0}")]
    Certificates(#[from] std::io::Error),
    /// The library refuses.
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
}

/// What makes traces, if they are wanted.
#[derive(Default)]
pub(crate) struct Traces {
    tracer: Option<SdkTracer>,
    sampled: Ratio,
    /// Whether a caller's own decision counts, once we know who it is.
    callers_decide: bool,
    batches: Arc<Batches>,
}

/// Which part of the requests is traced.
#[derive(Clone, Copy, Debug, Default)]
struct Ratio(f64);

impl Ratio {
    /// Whether the request with this span, whose number is a random one of ours, is traced.
    fn takes(self, span: SpanId) -> bool {
        // The first 32 bits, each of which a 64-bit float holds.
        let [a, b, c, d, ..] = span.to_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < self.0 * 2f64.powi(32)
    }
}

impl Traces {
    /// Starts sending on `background`, if traces are wanted. The task ends when nobody has the traces any more, and the last
    /// batch is out.
    pub(crate) fn start(
        settings: Option<&TraceSettings>,
        background: &Handle,
    ) -> Result<(Self, Option<JoinHandle<()>>), TraceError> {
        let Some(settings) = settings else {
            return Ok((Self::default(), None));
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(&settings.endpoint)?)
            .with_endpoint(settings.endpoint.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            .build()?;
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", "ktrlplane"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ]);
        let batches = Arc::<Batches>::default();
        let (queue, task) = Queue::start(exporter, Arc::clone(&batches), background);
        // Which requests are traced is decided where more is known of them.
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.build())
            .build();
        let tracer = Some(provider.tracer("ktrlplane"));
        let traces = Self {
            tracer,
            sampled: Ratio(settings.sample_ratio),
            callers_decide: settings.callers_decide,
            batches,
        };
        Ok((traces, Some(task)))
    }

    /// What has become of spans.
    pub(crate) fn batches(&self) -> &Batches {
        &self.batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_all_or_the_part_that_is_wanted_is_traced() {
        let all = (0..=255_u8).map(|first| SpanId::from_bytes([first; 8]));
        for (ratio, of_256) in [(0.0, 0), (0.25, 64), (0.5, 128), (1.0, 256)] {
            let taken = all.clone().filter(|span| Ratio(ratio).takes(*span));
            assert_eq!(taken.count(), of_256, "{ratio}");
        }
    }
}
