//! Where a scrape reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::shard::Shard;
use super::text::Format;
use crate::connections::Connections;
use crate::pipeline::Shared;
use crate::server::tls::Tls;
use crate::transport::Transports;

/// All that a scrape reads.
pub(crate) struct Sources {
    pub(crate) shared: Arc<Shared>,
    pub(crate) shards: Vec<Arc<Shard>>,
    pub(crate) connections: Connections,
    pub(crate) transports: Transports,
    /// TLS towards callers, where it is on.
    pub(crate) tls: Option<Tls>,
    /// Whether the directory answered the scrape that was last.
    pub(crate) directory: AtomicBool,
}

impl Sources {
    /// All numbers as they are now.
    pub(super) async fn scrape(self: &Arc<Self>, format: Format) -> String {
        // Asked at most once a second, as probes ask it.
        let answers = self.shared.health.directory_answers().await;
        self.directory.store(answers, Ordering::Relaxed);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(self)));
        let mut open = String::new();
        // A string takes whatever is written.
        if text::encode(&mut open, &registry).is_err() {
            tracing::error!("metrics cannot be written");
        }
        format.of(open)
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
