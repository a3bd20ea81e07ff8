//! How the gateway gets to a backend and shows who it is: TLS and credentials, read from files
//! that may change while it runs; and which of its URLs answer.
//!
//! Requests read snapshots. The files are read at the start and then, on the background runtime,
//! every few seconds: Kubernetes and cert-manager replace tokens and certificates long before they
//! end, and a gateway that had to be restarted for that would be down when nobody does.

mod credentials;
mod prober;
pub(crate) mod tls;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::uri::{Authority, InvalidUri};
use http::{HeaderValue, Uri};
use tokio::runtime::Handle;

use crate::breaker::Breaker;
use crate::connector::Connector;
use crate::file::Content;
use crate::routes::Backend;
use crate::settings::{BackendSettings, Settings};
use credentials::Authorization;
use tls::Tls;

/// How often the files are read again. Small files, read away from the requests: often.
pub(crate) const REREAD: Duration = Duration::from_secs(3);

/// The largest file that is read, in bytes. Bundles of all public authorities have 250 KiB.
const MAX_FILE_LENGTH: u64 = 4 * 1024 * 1024;

/// Why a backend cannot be got to with what is configured. Never quotes a file.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A file cannot be read.
    #[error("the {what} {} cannot be read: {source}", .file.display())]
    Unreadable {
        /// What the file is to the gateway.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("the {what} {} {wrong}", .file.display())]
    Unusable {
        /// What the file is to the gateway.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it, as the end of the sentence.
        wrong: String,
    },
    /// A configured token or password has characters that no header can carry.
    #[error("the bearer token has characters that no header can carry")]
    Token,
    /// The machine's root certificates cannot be read.
    #[error("the root certificates cannot be read: {0}")]
    Roots(io::Error),
    /// The URL is one, and still none for HTTP.
    #[error("the URL cannot be built upon: {0}")]
    Url(http::Error),
    /// The TLS library refuses.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
}

/// The way to one backend, shared by all threads.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    authorization: Authorization,
    /// `None`: in the clear.
    tls: Option<Tls>,
    /// Where it is, in the order of preference.
    endpoints: Vec<Endpoint>,
}

/// One URL of a backend.
pub(crate) struct Endpoint {
    /// The URL, to which connections are made.
    pub(crate) url: Uri,
    /// Its host and port, as `Host` has them.
    pub(crate) host: HeaderValue,
    /// Its path, without a slash at its end: all paths are below it.
    pub(crate) prefix: String,
    pub(crate) breaker: Arc<Breaker>,
}

impl Endpoint {
    fn new(url: String) -> Result<Self, TransportError> {
        let unusable = |error: http::Error| TransportError::Url(error);
        let parsed: Uri = url
            .parse()
            .map_err(|error: InvalidUri| unusable(error.into()))?;
        let host = parsed.authority().map_or("", Authority::as_str);
        Ok(Self {
            host: HeaderValue::from_str(host).map_err(|error| unusable(error.into()))?,
            prefix: parsed.path().trim_end_matches('/').to_owned(),
            url: parsed,
            breaker: Arc::new(Breaker::new(url)),
        })
    }
}

/// How many of a backend's URLs are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All.
    All,
    /// Some.
    Some,
    /// None.
    None,
}

impl Transport {
    /// Reads all files.
    pub(crate) fn open(settings: &BackendSettings) -> Result<Self, TransportError> {
        let authorization = Authorization::open(&settings.credentials)?;
        let tls = match settings.url().scheme() {
            "https" => Some(Tls::open(&settings.tls)?),
            _ => None,
        };
        let endpoints = settings.public_urls().map(Endpoint::new);
        Ok(Self(Arc::new(Inner {
            authorization,
            tls,
            endpoints: endpoints.collect::<Result<_, _>>()?,
        })))
    }

    /// What makes connections.
    pub(crate) fn connector(&self) -> Connector {
        match &self.0.tls {
            Some(tls) => Connector::Tls(tls.connector()),
            None => Connector::plain(),
        }
    }

    /// What makes the connections of probes.
    fn prober(&self) -> Connector {
        match &self.0.tls {
            Some(tls) => Connector::Tls(tls.prober()),
            None => Connector::plain_prober(),
        }
    }

    /// Where it is, in the order of preference.
    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.0.endpoints
    }

    /// How many of its URLs are asked at the moment.
    pub(crate) fn reach(&self) -> Reach {
        let is_asked = |endpoint: &&Endpoint| !endpoint.breaker.is_open();
        match self.endpoints().iter().filter(is_asked).count() {
            all if all == self.endpoints().len() => Reach::All,
            0 => Reach::None,
            _ => Reach::Some,
        }
    }

    /// The value of `Authorization`, as it holds now.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.0.authorization.header()
    }

    /// Reads the files again and again, and probes URLs where there is a reason to, on `background`,
    /// until nobody uses this transport any more.
    fn watch(&self, backend: Backend, background: &Handle) {
        // Also without files: other settings may name some.
        background.spawn(reread(backend, Arc::downgrade(&self.0)));
        for (index, endpoint) in self.endpoints().iter().enumerate() {
            let suspicions = endpoint.breaker.suspicions();
            background.spawn(prober::run(Arc::downgrade(&self.0), index, suspicions));
        }
    }
}

/// The ways to the backends that are configured.
#[derive(Clone)]
pub(crate) struct Transports {
    loki: Option<Transport>,
    mimir: Option<Transport>,
}

impl Transports {
    /// Reads all files; the error names the backend.
    pub(crate) fn open(settings: &Settings) -> Result<Self, (Backend, TransportError)> {
        let open = |backend| {
            let transport = settings.backend(backend).map(Transport::open);
            transport.transpose().map_err(|error| (backend, error))
        };
        Ok(Self {
            loki: open(Backend::Loki)?,
            mimir: open(Backend::Mimir)?,
        })
    }

    /// The way to this backend, if it is configured.
    pub(crate) fn get(&self, backend: Backend) -> Option<&Transport> {
        match backend {
            Backend::Loki => self.loki.as_ref(),
            Backend::Mimir => self.mimir.as_ref(),
        }
    }

    /// What the backends would be shown by these settings. Nothing is shown yet.
    pub(crate) fn prepare(
        &self,
        settings: &Settings,
    ) -> Result<Credentialed, (Backend, TransportError)> {
        let mut all = Vec::new();
        for backend in Backend::ALL {
            if let (Some(transport), Some(settings)) =
                (self.get(backend), settings.backend(backend))
            {
                let opened = Authorization::open(&settings.credentials);
                all.push((transport.clone(), opened.map_err(|error| (backend, error))?));
            }
        }
        Ok(Credentialed(all))
    }

    /// Keeps up with the files and with who answers, on `background`.
    pub(crate) fn watch(&self, background: &Handle) {
        for backend in Backend::ALL {
            if let Some(transport) = self.get(backend) {
                transport.watch(backend, background);
            }
        }
    }
}

/// Other credentials, which can be used.
pub(crate) struct Credentialed(Vec<(Transport, Authorization)>);

impl Credentialed {
    /// Has the backends shown these from now on.
    pub(crate) fn take_effect(self) {
        for (transport, authorization) in self.0 {
            transport.0.authorization.replace(&authorization);
        }
    }
}

/// What cannot be read or used leaves in force what was read before, and is in the log once.
async fn reread(backend: Backend, transport: Weak<Inner>) {
    let mut complained = String::new();
    loop {
        tokio::time::sleep(REREAD).await;
        let Some(inner) = transport.upgrade() else {
            return;
        };
        if !inner.has_files() {
            continue;
        }
        // Disks may hang, and this runtime has other work.
        let Ok(outcome) = tokio::task::spawn_blocking(move || inner.reload()).await else {
            continue;
        };
        match outcome {
            Ok(changed) => {
                complained.clear();
                for what in changed {
                    tracing::info!(backend = backend.name(), "the {what} was read again");
                }
            }
            Err(error) => {
                let error = error.to_string();
                if error != complained {
                    tracing::error!(
                        backend = backend.name(),
                        %error,
                        "what was read before stays in force"
                    );
                    complained = error;
                }
            }
        }
    }
}

impl Inner {
    fn has_files(&self) -> bool {
        self.authorization.has_file() || self.tls.as_ref().is_some_and(Tls::has_files)
    }

    /// Takes what has changed, and says what that was.
    fn reload(&self) -> Result<Vec<&'static str>, TransportError> {
        let mut changed = Vec::new();
        // Tried both, whichever of them fails: a broken certificate must not hold up a token.
        let authorization = self.authorization.reload();
        let tls = self.tls.as_ref().map_or(Ok(false), Tls::reload);
        if authorization? {
            changed.push("secret");
        }
        if tls? {
            changed.push("TLS configuration");
        }
        Ok(changed)
    }
}

/// The bytes of a file, which is `what` to the gateway.
pub(crate) fn read(what: &'static str, file: &Path) -> Result<Vec<u8>, TransportError> {
    content(what, file).map(|content| content.bytes)
}

/// The same, with who may do what with it.
pub(crate) fn content(what: &'static str, file: &Path) -> Result<Content, TransportError> {
    crate::file::read(file, MAX_FILE_LENGTH).map_err(|source| TransportError::Unreadable {
        what,
        file: file.to_owned(),
        source,
    })
}

pub(crate) fn unusable(
    what: &'static str,
    file: &Path,
    wrong: impl Into<String>,
) -> TransportError {
    TransportError::Unusable {
        what,
        file: file.to_owned(),
        wrong: wrong.into(),
    }
}
