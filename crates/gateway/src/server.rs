//! Listeners and threads: one runtime per core, each with its own listener and connections.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use directory::Directory;
use futures_util::FutureExt as _;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::audit::{self, Audit};
use crate::authenticate::keys::{FetchError, Keys};
use crate::authenticate::token::AlgorithmError;
use crate::authenticate::{Remembered, Verifier};
use crate::clock::Clock;
use crate::connections::{Connections, Seat, Verdict};
use crate::forward::Upstreams;
use crate::health::Health;
use crate::ingest::Ingest;
use crate::linger::{Lingering, Places, Unread, turn_away};
use crate::open::Open;
use crate::openapi::Document;
use crate::pipeline::{Pipeline, Shared};
use crate::routes::Backend;
use crate::settings::{AuditOutput, ConnectionSettings, Settings};
use crate::tail::seats::Seats;
use crate::transport::{TransportError, Transports};

/// How much longer than permitted a head may be to be read, in bytes: what is read is answered with a
/// sentence, and what is longer with the library's empty 431.
const HEAD_SLACK: usize = 16 << 10;

/// How large the library's buffer of a connection may become, in bytes: its own default, which a head
/// has to fit into.
const MAX_BUFFER: usize = 408 << 10;

/// How long a connection that has to make room may take to write what it has left to write.
const LEAVING: Duration = Duration::from_secs(1);

/// What a connection is told for which there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
content-type: application/json\r\ncache-control: no-store\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 110\r\n\r\n\
{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"as many connections are \
busy as there may be: try again\"}";

/// Connections that the kernel keeps for a thread that is busy.
const BACKLOG: i32 = 1024;

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
    /// The audit's file cannot be opened.
    #[error("the audit cannot be written to {output}: {source}")]
    Audit {
        /// Where it was to go.
        output: String,
        /// What the system says.
        source: io::Error,
    },
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
    let transports = Transports::open(&settings)
        .map_err(|(backend, source)| StartError::Transport { backend, source })?;
    let (address, listeners) = listen(&settings)?;
    let audit = Audit::start(&settings.audit, Arc::clone(&clock)).map_err(|source| {
        let output = match &settings.audit.output {
            AuditOutput::Off => "nowhere".to_owned(),
            AuditOutput::Stdout => "standard output".to_owned(),
            AuditOutput::File(path) => path.display().to_string(),
        };
        StartError::Audit { output, source }
    })?;

    transports.watch(&background);
    let keys = Keys::start(fetcher, &background, Arc::clone(&clock));
    let shared = Arc::new(Shared {
        verifier,
        health: Health::new(
            directory.clone(),
            keys.clone(),
            audit.clone(),
            transports.clone(),
        ),
        document: Document::new(settings.max_log_lines).map_err(StartError::Document)?,
        keys,
        directory,
        audit: audit.clone(),
        clock,
        max_log_lines: settings.max_log_lines,
        tail: settings.tail,
        tails: Seats::default(),
        ingest: Ingest::new(settings.ingest.clone(), settings.connections.body_timeout),
        management: settings.management.clone(),
        connections: settings.connections,
    });
    let connections = Connections::new(settings.connections);
    let (stop, stopping) = watch::channel(false);
    let mut threads = Vec::with_capacity(listeners.len());
    for (index, listener) in listeners.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let pipeline = Arc::new(Pipeline {
            shared: Arc::clone(&shared),
            upstreams: Upstreams::new(&settings, &transports),
            open: Open::new(),
            remembered: Remembered::default(),
        });
        let (stopping, grace) = (stopping.clone(), settings.shutdown_grace);
        let connections = connections.clone();
        let thread = thread::Builder::new()
            .name(format!("gateway-{index}"))
            .spawn(move || {
                runtime.block_on(accept(listener, pipeline, connections, stopping, grace));
            })
            .map_err(StartError::Thread)?;
        threads.push(thread);
    }
    tracing::info!(%address, threads = threads.len(), "listening");
    Ok(Server {
        address,
        stop,
        shared,
        audit: audit::Running::new(audit),
        threads,
    })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Opens the audit's file anew, by its path, before its next line is written.
    pub fn reopen_audit(&self) {
        self.audit.get().reopen();
    }

    /// Asks callers to go elsewhere, stops accepting, waits for answers that are on their way, for as
    /// long as the settings say,
    /// ends the threads, and waits until the audit is written.
    pub async fn shutdown(self) {
        self.shared.health.stop();
        self.stop.send_replace(true);
        let (threads, audit) = (self.threads, self.audit);
        let joined = tokio::task::spawn_blocking(move || {
            let joined = threads.into_iter().all(|thread| thread.join().is_ok());
            // Nobody is left who could add to it.
            audit.close();
            joined
        });
        if !joined.await.unwrap_or(false) {
            tracing::error!("a thread of the gateway had panicked");
        }
    }
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

/// Serves connections until told to stop, then waits for those that are open.
async fn accept(
    listener: std::net::TcpListener,
    pipeline: Arc<Pipeline>,
    connections: Connections,
    mut stopping: watch::Receiver<bool>,
    grace: Duration,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "cannot listen");
            return;
        }
    };
    let mut door = Door {
        listener,
        places: Places::new(),
        complaint: Complaint::default(),
        settings: pipeline.shared.connections,
        connections,
        pipeline,
    };
    tokio::select! {
        () = door.attend() => {}
        // An error means that the `Server` was dropped.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    let Door { settings, .. } = door;
    door.pipeline.open.drain();
    if !settings.drain.is_zero() {
        let _ = timeout(settings.drain, door.attend()).await;
    }
    // What the system has accepted already would be reset with the listener.
    while let Some(Ok((stream, _))) = door.listener.accept().now_or_never() {
        door.admit(stream);
    }
    let Door {
        listener, pipeline, ..
    } = door;
    drop(listener);
    if timeout(grace, pipeline.open.shutdown()).await.is_err() {
        tracing::warn!("answers were cut off by the shutdown");
    }
}

/// Where connections come in, on one thread.
struct Door {
    listener: TcpListener,
    pipeline: Arc<Pipeline>,
    connections: Connections,
    settings: ConnectionSettings,
    places: Places,
    complaint: Complaint,
}

impl Door {
    /// Lets connections in, without an end.
    async fn attend(&mut self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.admit(stream),
                Err(error) => {
                    // Mostly: out of file descriptors. Closing connections frees some.
                    let has_room = self.connections.make_room();
                    if let Some(times) = self.complaint.due(Instant::now()) {
                        tracing::warn!(%error, times, has_room, "cannot accept a connection");
                    }
                    let pause = if has_room { 1 } else { 50 };
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream) {
        // Fails only for a connection that is already gone.
        let _ = stream.set_nodelay(true);
        if let Some(seat) = self.connections.enter() {
            serve(stream, &self.pipeline, &self.places, seat);
        } else {
            if let Some(times) = self.complaint.due(Instant::now()) {
                tracing::warn!(
                    times,
                    "as many connections are busy as there may be: see server.max_connections"
                );
            }
            turn_away(stream, NO_PLACE, self.pipeline.open.hold(), &self.places);
        }
    }
}

/// What would fill the log if it were said each time.
#[derive(Default)]
struct Complaint {
    said: Option<Instant>,
    times: u64,
}

impl Complaint {
    /// It happened again. Once a second it is to be said, and how often it happened since it was.
    fn due(&mut self, now: Instant) -> Option<u64> {
        self.times += 1;
        let is_fresh = |said: Instant| now.duration_since(said) < Duration::from_secs(1);
        if self.said.is_some_and(is_fresh) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.times))
    }
}

fn serve(stream: TcpStream, pipeline: &Arc<Pipeline>, places: &Places, seat: Seat) {
    let mut held = pipeline.open.hold();
    let pipeline = Arc::clone(pipeline);
    let most = pipeline.shared.connections.max_head_bytes + HEAD_SLACK;
    let unread = Unread::default();
    let lets_go = (held.clone(), seat.clone());
    let stream = Lingering::new(stream, unread.clone(), lets_go, places.clone());
    let of = seat.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let pipeline = Arc::clone(&pipeline);
        let request = request.map(|body| unread.watch(body));
        let seat = of.clone();
        seat.begin();
        async move {
            let mut response = pipeline.serve(request).await;
            if pipeline.open.is_draining() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().entry(CONNECTION).or_insert(close);
            }
            Ok::<_, std::convert::Infallible>(response.map(|body| seat.until_the_end_of(body)))
        }
    });
    let connection = http1::Builder::new()
        // Time is kept by the seat.
        .header_read_timeout(None)
        .max_header_size(most)
        .max_buf_size(most.max(MAX_BUFFER))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let mut time = pin!(tokio::time::sleep(Duration::ZERO));
        let mut is_ending = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => break ended,
                () = held.stop(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = seat.leave() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = timeout(LEAVING, connection.as_mut()).await;
                    return;
                }
                () = time.as_mut() => match seat.verdict() {
                    Verdict::Stays(time_left) => time.as_mut().reset(Instant::now() + time_left),
                    Verdict::Over(why) => {
                        tracing::debug!(why, "connection closed");
                        return;
                    }
                },
            }
        };
        // If it has become a tail, that goes on, and has its own watch.
        seat.hand_over();
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_again_and_again_is_said_once_a_second() {
        let (mut complaint, start) = (Complaint::default(), Instant::now());
        let said: Vec<_> = (0..60)
            .filter_map(|at| complaint.due(start + Duration::from_millis(at * 50)))
            .collect();
        assert_eq!(said, [1, 20, 20]);
    }
}
