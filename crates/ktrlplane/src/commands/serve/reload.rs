//! Another configuration, while the gateway runs: when its file changes, and on SIGHUP.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::{BackendSettings, ReloadError, Server};
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::commands::Source;
use crate::config::{self, Changed, Digest, Layers, Origin};
use crate::telemetry::Log;

/// How often the file is looked at. It is taken when it has been the same twice, so that nobody is served
/// by the first half of it.
const LOOK: Duration = Duration::from_secs(1);

/// How often, and after how long each time, one is looked at that somebody asks for, until it is the same
/// twice.
const SETTLING: (u32, Duration) = (20, Duration::from_millis(150));

/// How long disks may take. Longer is said in the log, and in the metrics.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was seen in the file when it was last taken or refused, which whoever watches it compares with; an
/// error is why nothing was.
#[derive(Clone)]
struct Known(Arc<Mutex<Result<Digest, String>>>);

impl Known {
    fn is(&self, seen: &Result<Digest, String>) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == *seen
    }

    fn set(&self, seen: Result<Digest, String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

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
    known: Option<Known>,
    changed: mpsc::Receiver<Result<Digest, String>>,
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
        let origin = layers.origin().filter(|origin| !origin.is_pipe);
        let known = origin.map(|origin| {
            let known = Known(Arc::new(Mutex::new(Ok(origin.digest.clone()))));
            tokio::spawn(watch(origin.path.clone(), known.clone(), tell));
            known
        });
        Self {
            source,
            layers,
            log,
            embedded,
            known,
            changed,
        }
    }

    /// Reads the configuration each time that its file has changed or somebody asks for it, and has `server`
    /// take it if all of it can be used and may change. It is taken whole, or not at all.
    pub(super) async fn keep_up(&mut self, server: &Server, asked: &Notify) -> Infallible {
        loop {
            let (why, seen) = tokio::select! {
                () = asked.notified() => (Why::Signal, self.settled().await),
                Some(seen) = self.changed.recv() => (Why::File, Some(seen)),
            };
            let taken = self.take(server, why, seen).await;
            server.configured(taken.is_ok());
            if let Err(sentences) = taken {
                for error in sentences {
                    tracing::error!(%error, "the configuration that was read before stays in force");
                }
            }
        }
    }

    /// What the file holds when it is the same twice. Somebody may ask while it is written.
    async fn settled(&self) -> Option<Result<Digest, String>> {
        let origin = self.layers.origin().filter(|_| self.known.is_some())?;
        let (times, pause) = SETTLING;
        let mut last = seen(&origin.path).await;
        for _ in 0..times {
            // Each look at a disk that hangs holds a thread.
            if last == Err(too_slow()) {
                break;
            }
            tokio::time::sleep(pause).await;
            let now = seen(&origin.path).await;
            if now == last {
                break;
            }
            last = now;
        }
        Some(last)
    }

    /// `looked` is what the file held that is to be read, and nothing else is taken.
    async fn take(
        &mut self,
        server: &Server,
        why: Why,
        looked: Option<Result<Digest, String>>,
    ) -> Result<(), Vec<String>> {
        if let (Some(known), Some(looked)) = (&self.known, &looked) {
            known.set(looked.clone());
        }
        let (source, before) = (self.source.clone(), self.layers.origin().cloned());
        let layers = away(move || source.layers_again(before.as_ref())).await?;
        let layers = layers.map_err(|failure| failure.sentences)?;
        let read = layers.origin().map(|origin| &origin.digest);
        if let (Some(known), Some(Ok(looked)), Some(read)) = (&self.known, &looked, read)
            && looked != read
        {
            // Whatever it is the next time, it is another than this.
            known.set(Err(String::new()));
            return Err(vec!["the file changes while it is read".to_owned()]);
        }
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
    match timeout(PATIENCE, spawn_blocking(read)).await {
        Ok(done) => done.map_err(|error| vec![error.to_string()]),
        Err(_) => Err(vec![too_slow()]),
    }
}

fn too_slow() -> String {
    format!("a file is not read within {PATIENCE:?}: see whether its disk answers")
}

async fn seen(file: &Path) -> Result<Digest, String> {
    let file = file.to_owned();
    let looked = away(move || config::look(&file)).await;
    looked.unwrap_or_else(|sentences| Err(sentences.join("; ")))
}

fn warn_of_permissions(layers: &Layers) {
    if let Some(warning) = layers.origin().and_then(Origin::warning) {
        tracing::warn!("{warning}");
    }
}

/// Tells each time that the file holds something else than what is known of it, for long enough to be whole.
/// It begins with what was read at the start, which may have taken long.
async fn watch(file: PathBuf, known: Known, tell: mpsc::Sender<Result<Digest, String>>) {
    // Why it cannot be read is compared as well: somebody is to hear of each trouble, once.
    let mut last = None;
    // One look at a time: each holds a thread until the disk answers, which may be never.
    let mut looking = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let look = || {
            let file = file.clone();
            spawn_blocking(move || config::look(&file))
        };
        let mut look = looking.take().unwrap_or_else(look);
        let seen = timeout(PATIENCE, &mut look).await;
        let now = Some(if let Ok(seen) = seen {
            seen.unwrap_or_else(|error| Err(error.to_string()))
        } else {
            looking = Some(look);
            Err(too_slow())
        });
        let is_whole = now == last;
        last = now;
        if let Some(last) = &last
            && is_whole
            && !known.is(last)
        {
            // Known from here on, and not only when it has been taken.
            known.set(last.clone());
            if tell.send(last.clone()).await.is_err() {
                return;
            }
        }
    }
}
