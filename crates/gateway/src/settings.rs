//! What the gateway has to be told.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use url::Url;

use crate::routes::Backend;

/// What the gateway has to be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Port 0 takes any free port, see [`Server::local_addr`](crate::Server).
    pub listen: SocketAddr,
    /// Threads that serve requests, each with its own runtime, listener and connections to the
    /// backends; 0 means one per core.
    pub workers: usize,
    /// Whose tokens are accepted.
    pub issuer: IssuerSettings,
    /// The logs backend; without it, its routes answer 503.
    pub loki: Option<BackendSettings>,
    /// The most log lines that one request may ask for.
    pub max_log_lines: u32,
    /// The metrics backend; without it, its routes answer 503.
    pub mimir: Option<BackendSettings>,
    /// How long a shutdown waits for answers that are on their way.
    pub shutdown_grace: Duration,
}

impl Settings {
    /// What [`max_log_lines`](Self::max_log_lines) is unless somebody says otherwise: Loki's own
    /// default limit.
    pub const MAX_LOG_LINES: u32 = 5000;

    /// The settings of one backend, if it is configured.
    #[must_use]
    pub fn backend(&self, backend: Backend) -> Option<&BackendSettings> {
        match backend {
            Backend::Loki => self.loki.as_ref(),
            Backend::Mimir => self.mimir.as_ref(),
        }
    }
}

/// Whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The issuer's identifier, compared character by character with `iss` and with the one that
    /// its discovery document states. Auth0's end with a slash.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The signature algorithms that are accepted: RS, PS, ES and `EdDSA` only.
    pub algorithms: Vec<Algorithm>,
}

/// Where a backend is, and how long it may take.
#[derive(Clone)]
pub struct BackendSettings {
    /// Its base URL; may have a path prefix, and credentials for HTTP Basic as userinfo.
    pub url: Url,
    /// Whether requests for one resource carry the resource's selector as `X-Prom-Label-Policy`,
    /// for backends that enforce it once more.
    pub policy: bool,
    /// How long it may take until its answer begins, and how long an answer may then pause.
    pub timeout: Duration,
}

impl BackendSettings {
    /// The URL without its credentials, fit for a log or a terminal.
    #[must_use]
    pub fn public_url(&self) -> String {
        let mut url = self.url.clone();
        // Fails only for URLs that cannot have credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        url.set_query(None);
        url.set_fragment(None);
        url.to_string()
    }
}

/// Without the credentials: settings are logged.
impl fmt::Debug for BackendSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendSettings")
            .field("url", &self.public_url())
            .field("policy", &self.policy)
            .field("timeout", &self.timeout)
            .finish()
    }
}
