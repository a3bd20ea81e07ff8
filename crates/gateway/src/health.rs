//! Whether requests can be decided.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use directory::Directory;
use http::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::audit::Audit;
use crate::authenticate::keys::Keys;
use crate::routes::{Backend, Probe};
use crate::stream::{Body, json};
use crate::transport::{Reach, Transports};

/// How long the directory may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer of the directory is believed, so that nobody can hammer it by way of probes.
const BELIEVED: Duration = Duration::from_secs(1);

/// Answers probes.
pub struct Health {
    directory: Directory,
    keys: Keys,
    audit: Audit,
    transports: Transports,
    stopping: AtomicBool,
    /// When the directory was asked, and whether it answered. The lock is held while it is asked:
    /// probes that come meanwhile share the answer.
    last: Mutex<Option<(Instant, bool)>>,
}

#[derive(Serialize)]
struct Shape {
    status: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<&'static str, &'static str>,
    /// Those of which not all URLs answer. They decide nothing: what does not need them is served.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    backends: BTreeMap<&'static str, &'static str>,
}

impl Health {
    pub(crate) fn new(
        directory: Directory,
        keys: Keys,
        audit: Audit,
        transports: Transports,
    ) -> Self {
        Self {
            directory,
            keys,
            audit,
            transports,
            stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    /// From here on the gateway is not ready: nobody new is to be sent to it.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Answers one probe.
    pub async fn answer(&self, probe: Probe) -> Response<Body> {
        let ready = match probe {
            Probe::Live => return up(BTreeMap::new()),
            Probe::Ready => [
                ("audit", self.audit.is_written()),
                ("directory", self.directory_answers().await),
                ("issuer", self.keys.are_held()),
            ],
        };
        let stops = self.stopping.load(Ordering::Relaxed);
        if !stops && ready.iter().all(|(_, works)| *works) {
            return up(self.backends());
        }
        let word = |works| if works { "UP" } else { "DOWN" };
        let accepts = stops.then_some(("accepting", false));
        let checks = ready
            .iter()
            .chain(&accepts)
            .map(|(name, works)| (*name, word(*works)));
        let shape = Shape {
            status: "DOWN",
            checks: checks.collect(),
            backends: self.backends(),
        };
        json(StatusCode::SERVICE_UNAVAILABLE, &shape)
    }

    fn backends(&self) -> BTreeMap<&'static str, &'static str> {
        let troubled = Backend::ALL.into_iter().filter_map(|backend| {
            match self.transports.get(backend)?.reach() {
                Reach::All => None,
                Reach::Some => Some((backend.name(), "DEGRADED")),
                Reach::None => Some((backend.name(), "DOWN")),
            }
        });
        troubled.collect()
    }

    /// Whether the directory answers, or did a moment ago.
    pub(crate) async fn directory_answers(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((asked, answered)) = *last
            && asked.elapsed() < BELIEVED
        {
            return answered;
        }
        let answered = match timeout(PATIENCE, self.directory.ping()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready");
                false
            }
            Err(_) => {
                tracing::warn!(error = "the directory does not answer", "not ready");
                false
            }
        };
        *last = Some((Instant::now(), answered));
        answered
    }
}

fn up(backends: BTreeMap<&'static str, &'static str>) -> Response<Body> {
    let shape = Shape {
        status: "UP",
        checks: BTreeMap::new(),
        backends,
    };
    json(StatusCode::OK, &shape)
}
