//! The configuration: defaults, then `config.yaml`, then the environment, which wins.
//!
//! Everything that is wrong is said at once, each in one sentence that names the key and its
//! environment variable, and no secret is ever part of a sentence.

mod key;

mod environment;
mod file;
mod layers;
mod mask;
mod origin;
mod problem;
mod reload;
mod show;

mod audit;
mod auth;
mod backend;
mod database;
mod embedded;
mod explore;
mod ingest;
mod limits;
mod log;
mod management;
mod metrics;
mod observability;
mod server;
mod tls;
mod traces;
pub(crate) mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gateway::ingest::Limits;
use gateway::{
    AuditSettings, ConnectionSettings, ExploreSettings, LimitSettings, ListenerTls,
    ManagementSettings, TraceSettings,
};
use tracing_subscriber::filter::Targets;

pub(crate) use auth::Auth;
pub(crate) use backend::Backend;
pub(crate) use database::Database;
pub(crate) use embedded::{Embedded, Place};
pub(crate) use layers::Layers;
pub(crate) use log::LEVEL as LOG_LEVEL;
pub(crate) use mask::mask_url;
pub(crate) use observability::Observability;
pub(crate) use origin::{Digest, Origin, look};
pub(crate) use problem::Problem;
pub(crate) use reload::{Changed, changes, loosened};
pub(crate) use show::show;

/// The file that is read where none is named and this one exists.
const DEFAULT_FILE: &str = "config.yaml";

/// A configuration in which everything is checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// The backends.
    pub(crate) observability: Observability,
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// TLS towards callers, where it is on.
    pub(crate) tls: Option<ListenerTls>,
    /// What callers' connections may take.
    pub(crate) connections: ConnectionSettings,
    /// Whose tokens are taken.
    pub(crate) auth: Auth,
    /// The directory's database.
    pub(crate) database: Database,
    /// What of management is open to whom.
    pub(crate) management: ManagementSettings,
    /// Where each decision is written down.
    pub(crate) audit: AuditSettings,
    /// What a write may hold.
    pub(crate) ingest: Limits,
    /// What subjects and projects may use.
    pub(crate) limits: LimitSettings,
    /// The page for people, where it is on.
    pub(crate) explore: Option<ExploreSettings>,
    /// Where the gateway's own metrics are served.
    pub(crate) metrics: Option<SocketAddr>,
    /// Where traces go.
    pub(crate) traces: Option<TraceSettings>,
    /// What is logged, unless `RUST_LOG` says it.
    pub(crate) log: Targets,
    /// What the embedded backend is told, where there is one.
    pub(crate) embedded: Embedded,
}

impl Config {
    /// What is not wrong and yet had better be known, in a sentence.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        let backends = [&self.observability.loki, &self.observability.mimir];
        let has_tenants = backends
            .into_iter()
            .any(|backend| matches!(backend, Backend::At(_)));
        // Of a directory that is only read, callers create nothing anyway.
        if has_tenants && self.database.managed {
            management::warning(&self.management)
        } else {
            None
        }
    }
}

/// Puts the layers together: `file` or, without one, `config.yaml` in the working directory where
/// that exists; then `environment`, the process's variables.
pub(crate) fn layers(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Layers, Vec<Problem>> {
    laid(self::file(file), environment, file.is_some())
}

/// The same again, when `before` is what was read. A file that was there has to be there still, and to give
/// something if it did: one that is gone, or was cut off, says nothing of what anybody wants.
pub(crate) fn layers_again(
    file: Option<&Path>,
    before: Option<&Origin>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Layers, Vec<Problem>> {
    let path = before.map(|before| before.path.clone());
    let layers = laid(path.or_else(|| self::file(file)), environment, false)?;
    match (before, layers.origin()) {
        (Some(before), Some(now)) if before.gives && !now.gives => Err(vec![Problem::File {
            file: now.path.display().to_string(),
            wrong: "it gives no key any more; was it cut off?".to_owned(),
        }]),
        _ => Ok(layers),
    }
}

fn laid(
    path: Option<PathBuf>,
    environment: impl IntoIterator<Item = (String, String)>,
    may_be_pipe: bool,
) -> Result<Layers, Vec<Problem>> {
    let mut layers = Layers::default();
    let mut problems = Vec::new();
    if let Some(path) = path {
        match origin::open(&path, may_be_pipe) {
            Ok((origin, text)) => {
                layers.add_file(&path, &text, &mut problems);
                layers.came_from(origin);
            }
            Err(error) => problems.push(Problem::File {
                file: path.display().to_string(),
                wrong: error.to_string(),
            }),
        }
    }
    layers.add_environment(environment, &mut problems);
    if problems.is_empty() {
        Ok(layers)
    } else {
        Err(problems)
    }
}

/// Checks the values and takes them as a configuration.
pub(crate) fn check(layers: &Layers) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    let observability = observability::read(layers, &mut problems);
    let listen = server::read(layers, &mut problems);
    let tls = tls::read(layers, &mut problems);
    let connections = server::connections(layers, &mut problems);
    let auth = auth::read(layers, &mut problems);
    let database = database::read(layers, &mut problems);
    let management = management::read(layers, &mut problems);
    let audit = audit::read(layers, &mut problems);
    let ingest = ingest::read(layers, &mut problems);
    let most = connections
        .as_ref()
        .map_or(0, |connections| connections.most);
    let limits = limits::read(layers, most, &mut problems);
    let explore = explore::read(layers, &mut problems);
    let metrics = metrics::read(layers, listen, &mut problems);
    let traces = traces::read(layers, &mut problems);
    let log = log::read(layers, &mut problems);
    let embedded = embedded::read(layers, &mut problems);
    let (Some(observability), Some(listen), Some(auth), Some(database)) =
        (observability, listen, auth, database)
    else {
        return Err(problems);
    };
    let (Some(management), Some(audit), Some(ingest), Some(limits), Some(embedded)) =
        (management, audit, ingest, limits, embedded)
    else {
        return Err(problems);
    };
    let (Some(connections), Some(log)) = (connections, log) else {
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Config {
        observability,
        listen,
        tls,
        connections,
        auth,
        database,
        management,
        audit,
        ingest,
        limits,
        explore,
        metrics,
        traces,
        log,
        embedded,
    })
}

/// Whether the file or the environment names a database.
pub(crate) fn has_database(layers: &Layers) -> bool {
    database::is_given(layers)
}

/// The file to be read, if there is one: the one that is named, or that of the working directory.
pub(crate) fn file(named: Option<&Path>) -> Option<PathBuf> {
    let default = Path::new(DEFAULT_FILE);
    let path = named.or_else(|| default.exists().then_some(default));
    path.map(Path::to_owned)
}

/// Checks the values about where callers are listened to alone.
pub(crate) fn check_listener(
    layers: &Layers,
) -> Result<(SocketAddr, Option<ListenerTls>), Vec<Problem>> {
    let mut problems = Vec::new();
    let listen = server::read(layers, &mut problems);
    let tls = tls::read(layers, &mut problems);
    match listen {
        Some(listen) if problems.is_empty() => Ok((listen, tls)),
        _ => Err(problems),
    }
}

/// Checks the values about the directory alone.
pub(crate) fn check_database(layers: &Layers) -> Result<Database, Vec<Problem>> {
    let mut problems = Vec::new();
    match database::read(layers, &mut problems) {
        Some(database) if problems.is_empty() => Ok(database),
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests;
