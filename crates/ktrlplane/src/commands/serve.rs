//! `ktrlplane serve`: the gateway.

mod reload;

use std::sync::Arc;

use clap::Args;
use gateway::directory::{Directory, DirectoryError, Options};
use gateway::transport::TransportError;
use gateway::{
    AuditOutput, BackendSettings, IssuerSettings, Server, Settings, StartError, SystemClock,
    TailSettings,
};
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use url::{Host, Url};

use self::reload::Reloader;
use super::{Failure, Source};
use crate::config::{Backend, Config, Database, Observability, Origin, Place, units};
use crate::process::{self, BACKEND_GRACE, BACKEND_TIMEOUT, End, READING_GRACE, SHUTDOWN_GRACE};
use crate::{loopback, store, telemetry};

/// Run the gateway, in front of the backends that the configuration enables.
///
/// It logs on standard error (`log.level` says what), writes the audit to standard output or to the file
/// that `audit.output` names, and ends on SIGTERM or Ctrl-C when the answers that are on their way have
/// ended. On SIGHUP it opens the audit's file anew and reads certificates and its configuration again; a
/// changed file of the configuration is read without that, too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane serve --config /etc/ktrlplane/config.yaml

  KTRLPLANE_AUTH_ISSUER=https://tenant.eu.auth0.com/ KTRLPLANE_AUTH_AUDIENCE=https://api.example.com \\
  KTRLPLANE_OBSERVABILITY_LOKI_ENABLED=true KTRLPLANE_OBSERVABILITY_LOKI_URL=http://loki-gateway:3100 \\
    ktrlplane serve

`ktrlplane check` tries everything that a start needs, and says what is wrong.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let background = process::runtime("background").map_err(Failure::new)?;
    // First of all: what reloads it, as a timer may at any moment, must not end it while it starts.
    let has_file = crate::config::file(arguments.source.file()).is_some();
    let mut hang_up = hang_up(&background, has_file).map_err(Failure::new)?;
    let layers = arguments.source.layers()?;
    let config = Source::check(&layers)?;
    if hang_up.is_none() {
        let has_others =
            matches!(config.audit.output, AuditOutput::File(_)) || config.tls.is_some();
        hang_up = self::hang_up(&background, has_others).map_err(Failure::new)?;
    }
    // Dropped last, so that the end is in the log.
    let log = telemetry::start_busy(config.log.clone()).map_err(Failure::new)?;
    let file = layers.origin().map(|origin| &origin.path);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        configuration = file.map_or("none".into(), |file| file.display().to_string()),
        directory = crate::config::mask_url(&config.database.url),
        managed = config.database.managed,
        issuer = config.auth.issuer,
        logs = %config.observability.loki,
        metrics = %config.observability.mimir,
        "starting"
    );
    if layers.given(crate::config::LOG_LEVEL).is_some() {
        log.warn_of_the_environment();
    }
    warn_of_plain_http(&config.auth.issuer);
    if let Some(warning) = config.warning() {
        tracing::warn!("{warning}");
    }
    if let Some(warning) = layers.origin().and_then(Origin::warning) {
        tracing::warn!("{warning}");
    }
    process::raise_file_limit();
    if let Some(warning) = process::too_many_connections(config.connections.most) {
        tracing::warn!("{warning}");
    }
    let backends = process::runtime("backend").map_err(Failure::new)?;
    let store = open_store(&config)?;
    let embedded = store.map(|store| loopback::serve(&store, backends.handle(), BACKEND_TIMEOUT));
    let embedded = embedded.transpose().map_err(Failure::new)?;
    let (loki, mimir) = self::backends(&config.observability, embedded.as_ref());
    let directory = open_directory(&config.database, background.handle()).map_err(|error| {
        let database = crate::config::mask_url(&config.database.url);
        Failure::new(format_args!(
            "the database {database} cannot be used: {error}; see database.url, or database.host and \
             the others"
        ))
    })?;
    let settings = settings(config, loki, mimir);
    let mut end = End::listen(&background).map_err(Failure::new)?;
    let outcome = background.block_on(async {
        if let Some(server) = start(settings, &directory, &mut end).await? {
            let embedded = embedded.as_ref();
            let mut reloader = Reloader::start(&arguments.source, layers, &log, embedded);
            until_the_end(&mut end, hang_up.as_mut(), &server, &mut reloader).await;
            tracing::info!("ending");
            server.shutdown().await;
        }
        directory.close().await;
        Ok(())
    });
    // Nobody asks the embedded backend any more. With its runtime goes what holds its data, which
    // are closed, and the directory is free for the next process.
    backends.shutdown_timeout(BACKEND_GRACE);
    // Somebody there may be reading a file of a disk that hangs.
    background.shutdown_timeout(READING_GRACE);
    if outcome.is_ok() {
        tracing::info!("ended");
    }
    outcome
}

/// Starts the gateway; none if it is to end before that is done, as where a file is on a disk that hangs.
async fn start(
    settings: Settings,
    directory: &Directory,
    end: &mut End,
) -> Result<Option<Server>, Failure> {
    let (directory, background) = (directory.clone(), Handle::current());
    let starting =
        spawn_blocking(|| gateway::start(settings, directory, background, Arc::new(SystemClock)));
    let started = tokio::select! {
        () = end.wished() => return Ok(None),
        started = starting => started.map_err(Failure::new)?,
    };
    started.map(Some).map_err(|error| {
        if matches!(error, StartError::Listen { .. }) {
            Failure::new(format_args!("{error}; see server.host and server.port"))
        } else if matches!(error, StartError::Metrics { .. }) {
            Failure::new(format_args!("{error}; see metrics.listen"))
        } else if matches!(error, StartError::Traces(_)) {
            Failure::new(format_args!("{error}; see traces.endpoint"))
        } else {
            Failure::new(error)
        }
    })
}

/// Whoever rotates the audit's file or the certificate, or changes the configuration's, may send SIGHUP;
/// where there is none of these, SIGHUP ends the process, as it does by default.
fn hang_up(runtime: &Runtime, is_heard: bool) -> Result<Option<Signal>, std::io::Error> {
    let _in_runtime = runtime.enter();
    is_heard.then(|| signal(SignalKind::hangup())).transpose()
}

/// Waits until the process is asked to end.
async fn until_the_end(
    end: &mut End,
    hang_up: Option<&mut Signal>,
    server: &Server,
    reloader: &mut Reloader<'_>,
) {
    let Some(hang_up) = hang_up else {
        return end.wished().await;
    };
    // Beside the signals, which are heard also while a disk hangs.
    let asked = Notify::new();
    let reloading = reloader.keep_up(server, &asked);
    tokio::pin!(reloading);
    loop {
        tokio::select! {
            () = end.wished() => return,
            _ = hang_up.recv() => {
                server.reopen_audit();
                server.reread_certificate();
                asked.notify_one();
            }
            never = &mut reloading => match never {},
        }
    }
}

/// Keys that come over plain HTTP may be somebody else's on the way.
fn warn_of_plain_http(issuer: &str) {
    let Ok(url) = Url::parse(issuer) else {
        return;
    };
    let on_this_machine = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "http" && !on_this_machine {
        tracing::warn!(
            issuer,
            "auth.issuer is not https: whoever is in between can sign tokens"
        );
    }
}

/// Why the directory that the configuration names cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// There is no password.
    #[error("{0}; see database.password_file")]
    Password(#[from] TransportError),
    /// Whatever the database or the way to it is to blame for.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Opens the directory that the configuration names.
pub(crate) fn open_directory(
    database: &Database,
    runtime: &Handle,
) -> Result<Directory, OpenError> {
    let options = Options {
        managed: database.managed,
        poll: database.poll,
        grace: database.grace,
        ..Options::new(database.whole_url()?, runtime.clone())
    };
    Ok(runtime.block_on(Directory::open(options))?)
}

/// What the gateway is told.
pub(crate) fn settings(
    config: Config,
    loki: Option<BackendSettings>,
    mimir: Option<BackendSettings>,
) -> Settings {
    Settings {
        listen: config.listen,
        workers: 0,
        tls: config.tls,
        connections: config.connections,
        issuer: IssuerSettings {
            issuer: config.auth.issuer,
            audience: config.auth.audience,
            algorithms: config.auth.algorithms,
        },
        loki,
        mimir,
        max_log_lines: config.observability.max_log_lines,
        tail: TailSettings::default(),
        ingest: config.ingest,
        limits: config.limits,
        management: config.management,
        audit: config.audit,
        explore: config.explore,
        metrics: config.metrics,
        traces: config.traces,
        shutdown_grace: SHUTDOWN_GRACE,
    }
}

/// Opens the embedded backend's data, if one of the backends is embedded.
fn open_store(config: &Config) -> Result<Option<embedded::Backend>, Failure> {
    if !config.observability.has_embedded() {
        return Ok(None);
    }
    match &config.embedded.place {
        Place::Memory => {
            tracing::warn!(
                "the embedded backend keeps its data in memory, until this process ends"
            );
        }
        Place::Directory(_) => {}
    }
    let store = store::open(&config.embedded)
        .map_err(|error| Failure::new(format_args!("{error}; see embedded.directory")))?;
    if let Place::Directory(path) = &config.embedded.place {
        tracing::info!(
            directory = %path.display(),
            age = %units::time(config.embedded.age),
            size_per_project = config.embedded.size.map_or("off".to_owned(), units::bytes),
            "the embedded backend keeps its data"
        );
    }
    Ok(Some(store))
}

/// Where both backends are. Those that are embedded are one, which is at `embedded`.
pub(crate) fn backends(
    observability: &Observability,
    embedded: Option<&BackendSettings>,
) -> (Option<BackendSettings>, Option<BackendSettings>) {
    let settings = |backend: &Backend| match backend {
        Backend::Off => None,
        Backend::Embedded(timeout) => embedded.cloned().map(|mut embedded| {
            embedded.timeout = *timeout;
            embedded
        }),
        Backend::At(settings) => Some(BackendSettings::clone(settings)),
    };
    (
        settings(&observability.loki),
        settings(&observability.mimir),
    )
}
