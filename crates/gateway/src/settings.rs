//! What the gateway has to be told.

mod audit;
mod backend;
mod connections;
mod listener;
mod tenant_header;

use std::net::SocketAddr;
use std::time::Duration;

use directory::policy::ProjectId;
use jsonwebtoken::Algorithm;

pub use crate::explore::settings::{DemoUser, ExploreSettings, PageFile};
use crate::ingest::Limits;
use crate::limit::LimitSettings;
use crate::routes::Backend;
use crate::traces::TraceSettings;

pub use audit::{AuditOutput, AuditQueries, AuditSettings};
pub use backend::{
    BackendSettings, ClientCertificate, Credentials, NotAServerName, Secret, ServerName,
    TlsSettings,
};
pub use connections::ConnectionSettings;
pub use listener::{ClientAuthorities, ListenerTls, TlsVersion};
pub use tenant_header::{NotATenantHeader, TenantHeader};

/// What the gateway has to be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Port 0 takes any free port, see [`Server::local_addr`](crate::Server).
    pub listen: SocketAddr,
    /// Threads that serve requests, each with its own runtime, listener and connections to the
    /// backends; 0 means one per core.
    pub workers: usize,
    /// TLS towards callers; without it, they are spoken to in the clear.
    pub tls: Option<ListenerTls>,
    /// What callers' connections may take, and for how long.
    pub connections: ConnectionSettings,
    /// Whose tokens are accepted.
    pub issuer: IssuerSettings,
    /// The logs backend; without it, its routes answer 503.
    pub loki: Option<BackendSettings>,
    /// The most log lines that one request may ask for.
    pub max_log_lines: u32,
    /// The metrics backend; without it, its routes answer 503.
    pub mimir: Option<BackendSettings>,
    /// What a live tail may take.
    pub tail: TailSettings,
    /// What a write may hold.
    pub ingest: Limits,
    /// What subjects and projects may use.
    pub limits: LimitSettings,
    /// What of management is open to whom.
    pub management: ManagementSettings,
    /// The Explore page; without it, its paths are those of nothing.
    pub explore: Option<ExploreSettings>,
    /// Where the audit goes.
    pub audit: AuditSettings,
    /// Where metrics are served, away from tenants; nowhere without it.
    pub metrics: Option<SocketAddr>,
    /// Where traces go; nowhere without it.
    pub traces: Option<TraceSettings>,
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

/// What a live tail may take. The defaults are for everybody; tests have less time.
#[derive(Clone, Copy, Debug)]
pub struct TailSettings {
    /// How often each side is asked whether it is still there. One that says nothing for three times
    /// as long is taken to be gone.
    pub ping_every: Duration,
    /// How often the token and the role are looked at again. What the directory remembers may be
    /// half a second old, and both together have to stay well within a second.
    pub check_every: Duration,
    /// How long a tail goes on while the directory cannot be asked.
    pub directory_patience: Duration,
    /// How long the reader may take for one frame before the tail ends.
    pub reader_patience: Duration,
    /// How many tails one subject may have open in one project. Backends bound those of a tenant, Loki
    /// to 10 unless told otherwise, and nobody is to take them all.
    pub per_reader: usize,
}

impl Default for TailSettings {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(15),
            check_every: Duration::from_millis(250),
            directory_patience: Duration::from_secs(5),
            reader_patience: Duration::from_secs(10),
            per_reader: 4,
        }
    }
}

/// What of management is open to whom.
#[derive(Clone, Debug, Default)]
pub struct ManagementSettings {
    /// Who may create organizations and projects.
    pub create: Creation,
    /// Ids that no caller may give to a project: tenants that the backends have, and of which the
    /// directory does not know. Whoever got such an id would read all that the tenant has.
    pub reserved: Vec<ProjectId>,
}

/// Who may create organizations and projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Creation {
    /// Whoever has a token creates organizations, and projects without one, and so becomes their
    /// Owner. In an organization, whoever may write there creates projects.
    #[default]
    Anyone,
    /// Whoever may write in an organization creates projects there. Organizations, and projects
    /// without one, are made by operators alone, on the command line.
    Members,
    /// No caller: operators alone, on the command line.
    Nobody,
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
