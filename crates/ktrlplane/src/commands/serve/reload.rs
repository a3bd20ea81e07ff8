//! Another configuration, while the gateway runs: when its file changes, and on SIGHUP.

use std::convert::Infallible;
use std::time::Duration;

use gateway::{BackendSettings, ReloadError, Server};
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;

use crate::commands::Source;
use crate::config::{self, Changed, Layers, Origin};
use crate::telemetry::Log;

/// How often the file is looked at. It is taken when it has been the same twice, so that nobody is served
/// by the first half of it.
const LOOK: Duration = Duration::from_secs(1);

/// Why the configuration is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// Its file has changed.
    File,
    /// Somebody asks for it.
    Signal,
}

/// What keeps up with the configuration.
pub(super) struct Reloader<'a> {
    source: &'a Source,
    /// What is in force.
    layers: Layers,
    log: &'a Log,
    embedded: Option<&'a BackendSettings>,
    changed: mpsc::Receiver<()>,
}

impl<'a> Reloader<'a> {
    /// Keeps up with the file from here on. `layers` are in force.
    pub(super) fn start(
        source: &'a Source,
        layers: Layers,
        log: &'a Log,
        embedded: Option<&'a BackendSettings>,
    ) -> Self {
        let (tell, changed) = mpsc::channel(1);
        // A pipe has been read to its end, and who reads it again waits for somebody.
        if let Some(origin) = layers.origin().filter(|origin| !origin.is_pipe) {
            tokio::spawn(watch(origin.clone(), tell));
        }
        Self {
            source,
            layers,
            log,
            embedded,
            changed,
        }
    }

    /// Reads the configuration each time that its file has changed or somebody asks for it, and has `server`
    /// take it if all of it can be used and may change. It is taken whole, or not at all.
    pub(super) async fn keep_up(&mut self, server: &Server, asked: &Notify) -> Infallible {
        loop {
            let why = tokio::select! {
                () = asked.notified() => Why::Signal,
                Some(()) = self.changed.recv() => Why::File,
            };
            let taken = self.take(server, why).await;
            server.configured(taken.is_ok());
            if let Err(sentences) = taken {
                for error in sentences {
                    tracing::error!(%error, "the configuration that was read before stays in force");
                }
            }
        }
    }

    async fn take(&mut self, server: &Server, why: Why) -> Result<(), Vec<String>> {
        let (source, before) = (self.source.clone(), self.layers.origin().cloned());
        let layers = away(move || source.layers_again(before.as_ref())).await?;
        let layers = layers.map_err(|failure| failure.sentences)?;
        let sentences = |problems: Vec<config::Problem>| {
            let sentences = problems.iter().map(ToString::to_string);
            sentences.collect::<Vec<_>>()
        };
        let config = config::check(&layers).map_err(sentences)?;
        let changes = config::changes(&self.layers, &layers);
        if changes.is_empty() {
            if why == Why::Signal {
                tracing::info!("the configuration was read again: nothing has changed");
                warn_of_permissions(&layers);
            }
            return Ok(());
        }
        let loosened = config::check(&self.layers)
            .map(|before| config::loosened(&before, &config))
            .map_err(sentences)?;
        let refusal = |changed: &Changed| {
            let has = if !changed.takes_effect {
                "has changed"
            } else if loosened.contains(&changed.path) {
                "opens what was closed, as if the file were cut off"
            } else {
                return None;
            };
            let Changed { path, source, .. } = changed;
            Some(format!("{path} ({source}) {has}: restart to change it"))
        };
        let refused: Vec<_> = changes.iter().filter_map(refusal).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        let keys: Vec<_> = changes.iter().map(|changed| changed.path).collect();
        let level = keys
            .contains(&config::LOG_LEVEL)
            .then(|| config.log.clone());
        let keys = keys.join(", ");
        let warning = config.warning();
        let (loki, mimir) = super::backends(&config.observability, self.embedded);
        let settings = super::settings(config, loki, mimir);
        let unusable = |error: ReloadError| vec![error.to_string()];
        let preparer = server.preparer();
        let prepared = away(move || preparer.prepare(settings)).await?;
        server.take(prepared.map_err(unusable)?).map_err(unusable)?;
        warn_of_permissions(&layers);
        self.layers = layers;
        if let Some(level) = level {
            self.log.set(level);
        }
        tracing::info!(keys, "the configuration was read again and is in force");
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        Ok(())
    }
}

/// Does this on a thread where disks may be waited for, since they may hang.
async fn away<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Vec<String>> {
    let done = spawn_blocking(read).await;
    done.map_err(|error| vec![error.to_string()])
}

fn warn_of_permissions(layers: &Layers) {
    if let Some(warning) = layers.origin().and_then(Origin::warning) {
        tracing::warn!("{warning}");
    }
}

/// Tells each time that the file holds something else than before, for long enough to be whole. It begins
/// with what was read at the start, which may have taken long.
async fn watch(origin: Origin, tell: mpsc::Sender<()>) {
    // Why it cannot be read is compared as well: somebody is to hear of each trouble, once.
    let mut taken = Ok(origin.digest);
    let mut last = taken.clone();
    loop {
        tokio::time::sleep(LOOK).await;
        let file = origin.path.clone();
        let Ok(now) = spawn_blocking(move || config::look(&file)).await else {
            continue;
        };
        let is_whole = now == last;
        last = now;
        if is_whole && last != taken {
            taken.clone_from(&last);
            if tell.send(()).await.is_err() {
                return;
            }
        }
    }
}
