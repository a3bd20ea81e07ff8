//! Another configuration, while the gateway runs: when its file changes, and on SIGHUP.

use std::path::PathBuf;
use std::time::Duration;

use gateway::{BackendSettings, Server};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::commands::Source;
use crate::config::{self, Layers};
use crate::telemetry::Log;

/// How often the file is looked at. It is taken when it has been the same twice, so that nobody is served
/// by the first half of it.
const LOOK: Duration = Duration::from_secs(1);

/// Why the configuration is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
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
    /// Keeps up with the file from here on, on `background`. `layers` are in force.
    pub(super) fn start(
        source: &'a Source,
        layers: Layers,
        log: &'a Log,
        embedded: Option<&'a BackendSettings>,
        background: &Handle,
    ) -> Self {
        let (tell, changed) = mpsc::channel(1);
        if let Some(file) = config::file(source.file()) {
            background.spawn(watch(file, tell));
        }
        Self {
            source,
            layers,
            log,
            embedded,
            changed,
        }
    }

    /// Waits until the file has changed.
    pub(super) async fn changed(&mut self) {
        if self.changed.recv().await.is_none() {
            // There is no file.
            std::future::pending::<()>().await;
        }
    }

    /// Reads the configuration, and has `server` take it if all of it can be used and may change. It
    /// is taken whole, or not at all.
    pub(super) fn reload(&mut self, server: &Server, why: Why) {
        if let Err(sentences) = self.take(server, why) {
            for error in sentences {
                tracing::error!(%error, "the configuration that was read before stays in force");
            }
        }
    }

    fn take(&mut self, server: &Server, why: Why) -> Result<(), Vec<String>> {
        let layers = self.source.layers().map_err(|failure| failure.sentences)?;
        let sentences = |problems: Vec<config::Problem>| {
            let sentences = problems.iter().map(ToString::to_string);
            sentences.collect::<Vec<_>>()
        };
        let config = config::check(&layers).map_err(sentences)?;
        let changes = config::changes(&self.layers, &layers);
        if changes.is_empty() {
            if why == Why::Signal {
                tracing::info!("the configuration was read again: nothing has changed");
            }
            return Ok(());
        }
        let refused: Vec<_> = changes
            .iter()
            .filter(|changed| !changed.takes_effect)
            .map(|changed| {
                format!(
                    "{} ({}) has changed: restart to change it",
                    changed.path, changed.source
                )
            })
            .collect();
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
        let reloaded = server.reload(&settings);
        reloaded.map_err(|error| vec![error.to_string()])?;
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

/// Tells each time that the file holds something else than before, for long enough to be whole.
async fn watch(file: PathBuf, tell: mpsc::Sender<()>) {
    // One that cannot be read is something else, too: somebody is to hear of it.
    let read = async || tokio::fs::read(&file).await.ok();
    let mut taken = read().await;
    let mut last = taken.clone();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = read().await;
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
