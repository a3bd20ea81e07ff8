//! Spans that have ended, until they are sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::PATIENCE;

/// How many spans may wait. A request has about five.
const QUEUE: usize = 8192;

/// How many go together at the most.
const BATCH: usize = 512;

/// How long the first one of a batch waits for others.
const LINGER: Duration = Duration::from_millis(500);

/// What has become of spans.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    sent: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Batches {
    /// Those that were sent, those that the receiver did not take, and those for which there was no
    /// room.
    pub(crate) fn sums(&self) -> [(&'static str, u64); 3] {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("sent", read(&self.sent)),
            ("failed", read(&self.failed)),
            ("dropped", read(&self.dropped)),
        ]
    }
}

/// Where spans go that have ended.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    batches: Arc<Batches>,
    resource: Arc<std::sync::OnceLock<Resource>>,
}

impl Queue {
    pub(super) fn start(
        exporter: opentelemetry_otlp::SpanExporter,
        batches: Arc<Batches>,
        background: &Handle,
    ) -> (Self, JoinHandle<()>) {
        let (spans, waiting) = mpsc::channel(QUEUE);
        let resource = Arc::default();
        let sending = Sending {
            exporter,
            waiting,
            batches: Arc::clone(&batches),
            resource: Arc::clone(&resource),
        };
        let task = background.spawn(sending.run());
        let queue = Self {
            spans,
            batches,
            resource,
        };
        (queue, task)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            self.batches.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// The task ends when this is dropped, and is waited for by who started it.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        // It is set once, before the first span.
        let _ = self.resource.set(resource.clone());
    }
}

/// The task that sends.
struct Sending {
    exporter: opentelemetry_otlp::SpanExporter,
    waiting: mpsc::Receiver<SpanData>,
    batches: Arc<Batches>,
    resource: Arc<std::sync::OnceLock<Resource>>,
}

impl Sending {
    async fn run(mut self) {
        let mut complained = false;
        loop {
            let mut batch = Vec::new();
            if self.waiting.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            let until = Instant::now() + LINGER;
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                let more = timeout_at(until, self.waiting.recv_many(&mut batch, room)).await;
                if matches!(more, Ok(0) | Err(_)) {
                    break;
                }
            }
            if let Some(resource) = self.resource.get() {
                self.exporter.set_resource(resource);
            }
            let spans = u64::try_from(batch.len()).unwrap_or_default();
            let sent = timeout_at(Instant::now() + PATIENCE, self.exporter.export(batch)).await;
            let wrong = match sent {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("no answer within {PATIENCE:?}")),
            };
            match wrong {
                None => {
                    self.batches.sent.fetch_add(spans, Ordering::Relaxed);
                    if std::mem::take(&mut complained) {
                        tracing::info!("traces are taken again");
                    }
                }
                Some(error) => {
                    self.batches.failed.fetch_add(spans, Ordering::Relaxed);
                    if !std::mem::replace(&mut complained, true) {
                        tracing::warn!(error, "traces cannot be sent, and are lost");
                    }
                }
            }
        }
    }
}
