//! The HTTP door to tenants' logs and metrics.
//!
//! The modules are declared in the order in which a request meets them; [`pipeline`] shows the
//! whole way on one screen. What has been proven about a request travels in its type:
//! [`Principal`](authenticate::Principal) → [`Permit`](authorize::Permit) →
//! [`Scoped`](scope::Scoped), and [`forward()`](forward::forward) takes nothing but the last.

pub mod settings;

pub mod server;

mod open;

mod connections;

mod socket;

mod linger;

pub mod pipeline;

pub mod request_id;

pub mod routes;

pub mod authenticate;

pub mod authorize;

pub mod limit;

pub(crate) mod body;
mod room;

pub mod scope;

pub mod ingest;

mod local;

mod management;

pub mod forward;

mod filter;

pub mod stream;

pub mod audit;

mod tail;

pub mod error;

mod metrics;

mod traces;

pub mod health;

pub mod openapi;

pub mod explore;

pub mod check;

pub mod probe;

pub mod clock;

pub mod file;
pub mod transport;

mod connector;

mod breaker;

mod memo;

pub use clock::{Clock, SystemClock};
pub use directory;
pub use error::Error;
pub use limit::LimitSettings;
pub use query;
pub use server::{Prepared, Preparer, ReloadError, Server, StartError, start};
pub use settings::{
    AuditOutput, AuditQueries, AuditSettings, BackendSettings, ClientAuthorities,
    ConnectionSettings, Creation, DemoUser, ExploreSettings, IssuerSettings, ListenerTls,
    ManagementSettings, PageFile, Settings, TailSettings, TlsVersion,
};
pub use traces::{TraceError, TraceSettings};
