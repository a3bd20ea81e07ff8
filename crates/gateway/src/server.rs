//! Listeners and threads: one runtime per core, each with its own listener and connections.

mod door;
mod handshake;
pub(crate) mod reload;
pub(crate) mod tls;

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use directory::Directory;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::watch;
use tokio::task::JoinHandle as JoinTask;
use tokio::time::timeout;
use url::Url;

use crate::audit::{self, Audit};
use crate::authenticate::keys::{FetchError, Keys};
use crate::authenticate::token::AlgorithmError;
use crate::authenticate::{Remembered, Verifier};
use crate::body;
use crate::clock::Clock;
use crate::connections::Connections;
use crate::explore::Explore;
use crate::forward::Upstreams;
use crate::health::Health;
use crate::ingest::Ingest;
use crate::limit::Limits;
use crate::linger::Places;
use crate::metrics::{Listener, Shard, Sources};
use crate::open::Open;
use crate::openapi::Document;
use crate::pipeline::{Pipeline, Shared};
use crate::routes::Backend;
use crate::scope;
use crate::settings::{AuditOutput, AuditSettings, Settings};
use crate::tail::seats::Seats;
use crate::traces::{TraceError, Traces};
use crate::transport::{TransportError, Transports};
use door::{Current, accept};
use reload::{Changeable, Configured};
pub use reload::{Prepared, Preparer, ReloadError};
use tls::Tls;

/// Connections that the kernel keeps for a thread that is busy.
const BACKLOG: i32 = 1024;

/// How long the end of the gateway waits until the last traces are taken.
const TRACES: Duration = Duration::from_secs(3);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The address of metrics cannot be listened on.
    #[error("metrics cannot be served at {address}: {source}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The audit's file cannot be opened.
    #[error("the audit cannot be written to {output}: {source}")]
    Audit {
        /// Where it was to go.
        output: String,
        /// What the system says.
        source: io::Error,
    },
    /// The gateway's own certificate, or what it is used with, cannot be read or used.
    #[error("TLS cannot be served: {0}")]
    Tls(TransportError),
    /// Traces cannot be sent.
    #[error("traces cannot be sent: {0}")]
    Traces(#[from] TraceError),
    /// A thread or its runtime cannot be made.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The gateway cannot be described.
    #[error("the OpenAPI document cannot be made: {0}")]
    Document(serde_json::Error),
    /// The accepted algorithms are not acceptable.
    #[error(transparent)]
    Algorithms(#[from] AlgorithmError),
    /// The issuer is no URL that keys can be fetched from.
    #[error("the issuer cannot be used: {0}")]
    Issuer(FetchError),
    /// A backend's URL is not one of HTTP.
    #[error("the {} backend cannot be at {url}: expected an http or https URL", .backend.name())]
    Backend {
        /// The backend.
        backend: Backend,
        /// Its URL, without credentials.
        url: String,
    },
    /// A certificate or a secret that a backend needs cannot be read or used.
    #[error("the {} backend cannot be reached: {source}", .backend.name())]
    Transport {
        /// The backend.
        backend: Backend,
        /// What is wrong.
        source: TransportError,
    },
}

/// A running gateway. Dropped, it stops without waiting for its threads.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    shared: Arc<Shared>,
    audit: audit::Running,
    preparer: Preparer,
    changeable: Changeable,
    metrics: Option<Listener>,
    /// The task that sends traces.
    sending: Option<JoinTask<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts the gateway. It serves as soon as this returns; whether the issuer, the backends or the
/// directory can be reached shows in its answers, and does not stop the start.
///
/// The issuer's keys are fetched and the backends' files kept up with on `background`; requests are served on threads of their own.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a running gateway's settings do not change, and nobody else needs them"
)]
pub fn start(
    settings: Settings,
    directory: Directory,
    background: tokio::runtime::Handle,
    clock: Arc<dyn Clock>,
) -> Result<Server, StartError> {
    let verifier = Verifier::new(&settings.issuer)?;
    let fetcher =
        crate::authenticate::fetcher(&settings.issuer.issuer).map_err(StartError::Issuer)?;
    all_speak_http(&settings)?;
    let transports = Transports::open(&settings)
        .map_err(|(backend, source)| StartError::Transport { backend, source })?;
    let (address, listeners) = listen(&settings)?;
    let at = no_metrics(&settings);
    let metrics = settings.metrics.map(Listener::bind).transpose();
    let metrics = metrics.map_err(&at)?;
    let audit = start_audit(&settings.audit, &clock)?;

    let (traces, sending) = Traces::start(settings.traces.as_ref(), &background)?;

    transports.watch(&background);
    let tls = start_tls(&settings, &clock, &background)?;
    let most = settings.connections.most;
    let keys = Keys::start(fetcher, &background, Arc::clone(&clock), most);
    let shared = Arc::new(Shared {
        verifier: Arc::new(verifier),
        health: Arc::new(Health::new(
            directory.clone(),
            keys.clone(),
            audit.clone(),
            transports.clone(),
        )),
        document: Arc::new(Document::new(settings.max_log_lines).map_err(StartError::Document)?),
        explore: Arc::new(
            Explore::new(settings.explore.as_ref(), &settings.issuer)
                .map_err(StartError::Document)?,
        ),
        keys,
        directory,
        audit: audit.clone(),
        traces: Arc::new(traces),
        configured: Arc::new(Configured::at(clock.now())),
        clock,
        max_log_lines: settings.max_log_lines,
        tail: settings.tail,
        tails: Seats::default(),
        ingest: Arc::new(Ingest::new(
            settings.ingest.clone(),
            settings.connections.body_timeout,
        )),
        bodies: body::room(),
        sieve: Arc::default(),
        limits: Limits::new(settings.limits.clone()),
        management: settings.management.clone(),
        connections: settings.connections,
    });
    let connections = Connections::new(settings.connections);
    let places = Places::new(settings.connections.most);
    let (stop, stopping) = watch::channel(false);
    let mut threads = Vec::with_capacity(listeners.len());
    let mut current_of_threads = Vec::with_capacity(listeners.len());
    let mut shards = Vec::with_capacity(listeners.len());
    for (index, listener) in listeners.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let pipeline = pipeline(&settings, &shared, &transports);
        shards.push(Arc::clone(&pipeline.shard));
        let current = Current::new(ArcSwap::from_pointee(pipeline));
        current_of_threads.push(Arc::clone(&current));
        let (stopping, grace) = (stopping.clone(), settings.shutdown_grace);
        let shared_door = (connections.clone(), places.clone(), tls.clone());
        let thread = thread::Builder::new()
            .name(format!("gateway-{index}"))
            .spawn(move || {
                runtime.block_on(accept(listener, current, shared_door, stopping, grace));
            })
            .map_err(StartError::Thread)?;
        threads.push(thread);
    }
    let sources = Sources {
        shared: Arc::clone(&shared),
        shards,
        connections,
        transports: transports.clone(),
        tls: tls.clone(),
        directory: AtomicBool::new(false),
    };
    let metrics = metrics
        .map(|listener| Listener::serve(listener, Arc::new(sources), &background).map_err(&at));
    let metrics = metrics.transpose()?;
    tracing::info!(%address, threads = threads.len(), tls = tls.is_some(), "listening");
    Ok(Server {
        address,
        stop,
        shared,
        audit: audit::Running::new(audit),
        preparer: Preparer { transports, tls },
        changeable: Changeable {
            threads: current_of_threads,
        },
        metrics,
        sending,
        threads,
    })
}

fn start_audit(settings: &AuditSettings, clock: &Arc<dyn Clock>) -> Result<Audit, StartError> {
    Audit::start(settings, Arc::clone(clock)).map_err(|source| {
        let output = match &settings.output {
            AuditOutput::Off => "nowhere".to_owned(),
            AuditOutput::Stdout => "standard output".to_owned(),
            AuditOutput::File(path) => path.display().to_string(),
        };
        StartError::Audit { output, source }
    })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves metrics, if it does.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Listener::address)
    }

    /// Opens the audit's file anew, by its path, before its next line is written.
    pub fn reopen_audit(&self) {
        self.audit.get().reopen();
    }

    /// Has other settings take effect for the requests that come from here on: limits, management, the
    /// page, the most log lines, what the audit keeps of queries, the backends' credentials and TLS's
    /// files. All else of a running gateway stays as it is, whatever `settings` say of it; TLS is
    /// neither switched on nor off.
    ///
    /// # Errors
    /// Some of it cannot be read or used. Then nothing has changed.
    pub fn reload(&self, settings: &Settings) -> Result<(), ReloadError> {
        self.take(self.preparer.prepare(settings.clone())?)
    }

    /// The first half of [`Server::reload`], which reads files, for a thread that may wait for disks.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        self.preparer.clone()
    }

    /// The second half of [`Server::reload`], which waits for nobody.
    ///
    /// # Errors
    /// Then nothing has changed.
    pub fn take(&self, prepared: Prepared) -> Result<(), ReloadError> {
        self.changeable.take(prepared, self.preparer.tls.as_ref())
    }

    /// Notes for the metrics what has become of a configuration that was read again: whether what stands in
    /// its file is in force.
    pub fn configured(&self, is_in_force: bool) {
        self.shared
            .configured
            .is_now(is_in_force, self.shared.clock.now());
    }

    /// Reads the certificate and what is used with it again, soon. It is read every few seconds anyway.
    pub fn reread_certificate(&self) {
        if let Some(tls) = &self.preparer.tls {
            tls.reread();
        }
    }

    /// Asks callers to go elsewhere, stops accepting, waits for answers that are on their way, for as
    /// long as the settings say,
    /// ends the threads, and waits until the audit is written.
    pub async fn shutdown(self) {
        self.shared.health.stop();
        self.stop.send_replace(true);
        let (threads, audit) = (self.threads, self.audit);
        let shared = (self.shared, self.changeable);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        let joined = joined.await.unwrap_or(false);
        if let Some(metrics) = self.metrics {
            metrics.end().await;
        }
        let closed = tokio::task::spawn_blocking(move || {
            // Then nobody is left who could add to the audit, and it need not be waited for.
            drop(shared);
            audit.close();
        });
        let closed = closed.await;
        if let Some(sending) = self.sending {
            // It ends with the last span. Who does not take it is not waited for.
            let _ = timeout(TRACES, sending).await;
        }
        if !joined || closed.is_err() {
            tracing::error!("a thread of the gateway had panicked");
        }
    }
}

/// What is said where metrics cannot be served.
fn no_metrics(settings: &Settings) -> impl Fn(io::Error) -> StartError + use<> {
    let address = settings.metrics.unwrap_or(settings.listen);
    move |source| StartError::Metrics { address, source }
}

/// What callers are shown, where they are spoken to over TLS.
fn start_tls(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    background: &tokio::runtime::Handle,
) -> Result<Option<Tls>, StartError> {
    let Some(tls) = &settings.tls else {
        return Ok(None);
    };
    let tls = Tls::open(tls, Arc::clone(clock)).map_err(StartError::Tls)?;
    tls.watch(background);
    Ok(Some(tls))
}

/// What a new thread serves requests with.
fn pipeline(settings: &Settings, shared: &Arc<Shared>, transports: &Transports) -> Pipeline {
    let (remembered, scoped) = (Remembered::default(), scope::Remembered::default());
    let shard = Arc::new(Shard::new(remembered.lookups(), scoped.lookups()));
    Pipeline {
        shared: Arc::clone(shared),
        upstreams: Arc::new(Upstreams::new(settings, transports, &shard)),
        open: Arc::new(Open::new()),
        shard,
        remembered: Arc::new(remembered),
        scoped: Arc::new(scoped),
    }
}

/// Refuses a backend that no request could be sent to.
fn all_speak_http(settings: &Settings) -> Result<(), StartError> {
    for backend in Backend::ALL {
        if let Some(configured) = settings.backend(backend)
            && let Some(url) = configured
                .each()
                .find(|at| !speaks_http(at.url(), configured.url()))
        {
            let url = url.public_url();
            return Err(StartError::Backend { backend, url });
        }
    }
    Ok(())
}

/// Whether the gateway gets there as it gets to the first of its URLs.
fn speaks_http(url: &Url, first: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.scheme() == first.scheme()
}

/// One listener for each thread, all on one port; the kernel spreads connections over them.
fn listen(settings: &Settings) -> Result<(SocketAddr, Vec<std::net::TcpListener>), StartError> {
    let at = |address: SocketAddr| move |source: io::Error| StartError::Listen { address, source };
    let mut address = settings.listen;
    if address.port() != 0 {
        // A second gateway would share the port silently. Without `SO_REUSEPORT` the system says so.
        bind(address, false).map_err(at(address))?;
    }
    let threads = match NonZero::new(settings.workers) {
        Some(threads) => threads,
        None => thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
    };
    let mut listeners = Vec::with_capacity(threads.get());
    for _ in 0..threads.get() {
        let socket = bind(address, true).map_err(at(address))?;
        socket.listen(BACKLOG).map_err(at(address))?;
        let listener = std::net::TcpListener::from(socket);
        address = listener.local_addr().map_err(at(address))?;
        listeners.push(listener);
    }
    Ok((address, listeners))
}

fn bind(address: SocketAddr, share_port: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if share_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}
