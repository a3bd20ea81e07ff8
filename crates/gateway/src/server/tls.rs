//! TLS towards callers: the certificate, kept up with on disk.
//!
//! A connection takes the certificate that holds as it begins, and keeps it. What cannot be used
//! stays out, with a line in the log, and the one before goes on serving.

mod files;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::settings::ListenerTls;
use crate::transport::{REREAD, TransportError};
pub(crate) use files::Validity;
use files::{Files, Loaded, load, warn_of_exposed};

/// How long before its end a certificate is warned of, and from when on nobody can say they did not
/// know.
const NEAR_ITS_END: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// How often it is warned of.
const REMIND: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// TLS towards callers, shared by all threads.
#[derive(Clone)]
pub(crate) struct Tls {
    inner: Arc<Inner>,
    wake: Arc<Notify>,
}

struct Inner {
    held: Mutex<Held>,
    loaded: ArcSwap<Loaded>,
    clock: Arc<dyn Clock>,
}

/// What was read, and from where. Touched at the start and away from requests.
struct Held {
    settings: Arc<ListenerTls>,
    files: Files,
}

/// What another look at the files has shown.
enum Looked {
    /// What is held already.
    Same {
        /// The key's file, if that everybody may read it is to be said.
        exposed: Option<PathBuf>,
    },
    /// Something else, which new connections get.
    Taken(Arc<Loaded>),
}

/// What was read from elsewhere, and can be used.
pub(crate) struct Prepared {
    held: Held,
    loaded: Loaded,
}

impl Tls {
    /// Reads the files. They have to be usable.
    pub(crate) fn open(
        settings: &ListenerTls,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TransportError> {
        let files = Files::read(settings)?;
        let loaded = load(settings, &files, clock.now())?;
        let settings = Arc::new(settings.clone());
        Ok(Self {
            inner: Arc::new(Inner {
                held: Mutex::new(Held { settings, files }),
                loaded: ArcSwap::from_pointee(loaded),
                clock,
            }),
            wake: Arc::default(),
        })
    }

    /// When the certificate expires that new connections get.
    pub(crate) fn until(&self) -> Timestamp {
        self.inner.loaded.load().validity.until
    }

    /// What shakes hands with the next caller.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.inner.loaded.load().acceptor.clone()
    }

    /// TLS by other settings, if that can be used. Nobody is served by it yet.
    pub(crate) fn prepare(&self, settings: &ListenerTls) -> Result<Prepared, TransportError> {
        let files = Files::read(settings)?;
        let loaded = load(settings, &files, self.inner.clock.now())?;
        let settings = Arc::new(settings.clone());
        Ok(Prepared {
            held: Held { settings, files },
            loaded,
        })
    }

    /// Serves new connections by what was prepared.
    pub(crate) fn take(&self, prepared: Prepared) {
        let mut held = self.inner.held();
        let files = &prepared.held.files;
        if !held.files.hold_what(files) {
            prepared.loaded.introduce();
        } else if files.is_exposed && !held.files.is_exposed {
            warn_of_exposed(&prepared.held.settings.key);
        }
        *held = prepared.held;
        self.inner.loaded.store(Arc::new(prepared.loaded));
    }

    /// Reads the files again, soon and away from requests.
    pub(crate) fn reread(&self) {
        self.wake.notify_one();
    }

    /// Keeps up with the files on `background`, until nobody uses this any more.
    pub(crate) fn watch(&self, background: &Handle) {
        self.inner.loaded.load().introduce();
        background.spawn(watch(Arc::downgrade(&self.inner), Arc::clone(&self.wake)));
    }
}

/// What may be said of a certificate that can be used.
pub(crate) fn try_out(settings: &ListenerTls, now: Timestamp) -> Result<Validity, TransportError> {
    let files = Files::read(settings)?;
    load(settings, &files, now).map(|loaded| loaded.validity)
}

async fn watch(inner: Weak<Inner>, wake: Arc<Notify>) {
    let mut complained = String::new();
    let mut reminded = None;
    loop {
        if let Some(inner) = inner.upgrade() {
            remind(&inner, &mut reminded);
        }
        let is_asked = tokio::select! {
            () = tokio::time::sleep(REREAD) => false,
            () = wake.notified() => true,
        };
        if is_asked {
            // Who asks for it is answered, also where that was said before.
            complained.clear();
        }
        let Some(inner) = inner.upgrade() else {
            return;
        };
        // Disks may hang, and this runtime has other work.
        let Ok(outcome) = tokio::task::spawn_blocking(move || inner.reload(is_asked)).await else {
            continue;
        };
        match outcome {
            Ok(Looked::Same { exposed }) => {
                complained.clear();
                if let Some(key) = exposed {
                    warn_of_exposed(&key);
                }
            }
            Ok(Looked::Taken(loaded)) => {
                complained.clear();
                reminded = None;
                loaded.introduce();
            }
            Err(error) => {
                let error = error.to_string();
                if error != complained {
                    tracing::error!(%error, "the certificate that was read before stays in force");
                    complained = error;
                }
            }
        }
    }
}

/// Warns of the end of the certificate, once a day.
fn remind(inner: &Inner, reminded: &mut Option<Timestamp>) {
    let now = inner.clock.now();
    if reminded.is_some_and(|last| now.duration_since(last) < REMIND) {
        return;
    }
    let loaded = inner.loaded.load();
    let until = loaded.validity.until;
    let left = until.duration_since(now);
    let certificate = loaded.certificate.display();
    if left <= jiff::SignedDuration::ZERO {
        tracing::error!(%certificate, %until, "the certificate has expired: callers refuse it");
    } else if left < NEAR_ITS_END {
        let days = left.as_hours() / 24;
        tracing::warn!(%certificate, %until, days, "the certificate expires soon");
    } else {
        return;
    }
    *reminded = Some(now);
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what has changed. Who has asked for it hears of an exposed key again.
    fn reload(&self, is_asked: bool) -> Result<Looked, TransportError> {
        // Not locked meanwhile: disks may hang, and other settings wait for nobody who reads.
        let settings = Arc::clone(&self.held().settings);
        self.take_read(&settings, Files::read(&settings)?, is_asked)
    }

    fn take_read(
        &self,
        settings: &Arc<ListenerTls>,
        files: Files,
        is_asked: bool,
    ) -> Result<Looked, TransportError> {
        let mut held = self.held();
        if !Arc::ptr_eq(settings, &held.settings) {
            // Other settings took effect, by files of their own.
            return Ok(Looked::Same { exposed: None });
        }
        if files.hold_what(&held.files) {
            let is_news = files.is_exposed && (is_asked || !held.files.is_exposed);
            held.files.is_exposed = files.is_exposed;
            let exposed = is_news.then(|| settings.key.clone());
            return Ok(Looked::Same { exposed });
        }
        // A certificate may be new while its key is still the old one; the next round has both.
        let loaded = Arc::new(load(&held.settings, &files, self.clock.now())?);
        self.loaded.store(Arc::clone(&loaded));
        held.files = files;
        Ok(Looked::Taken(loaded))
    }
}
