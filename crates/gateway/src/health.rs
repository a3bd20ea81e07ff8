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
use crate::routes::Probe;
use crate::stream::{Body, json};

/// How long the directory may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer of the directory is believed, so that nobody can hammer it by way of probes.
const BELIEVED: Duration = Duration::from_secs(1);

/// Answers probes.
pub struct Health {
    directory: Directory,
    keys: Keys,
    audit: Audit,
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
}

impl Health {
    pub(crate) fn new(directory: Directory, keys: Keys, audit: Audit) -> Self {
        Self {
            directory,
            keys,
            audit,
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
            Probe::Live => return up(),
            Probe::Ready => [
                ("audit", self.audit.is_written()),
                ("directory", self.directory_answers().await),
                ("issuer", self.keys.are_held()),
            ],
        };
        let stops = self.stopping.load(Ordering::Relaxed);
        if !stops && ready.iter().all(|(_, works)| *works) {
            return up();
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
        };
        json(StatusCode::SERVICE_UNAVAILABLE, &shape)
    }

    async fn directory_answers(&self) -> bool {
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

fn up() -> Response<Body> {
    let shape = Shape {
        status: "UP",
        checks: BTreeMap::new(),
    };
    json(StatusCode::OK, &shape)
}
