//! Where connections come in: one thread's listener, from the first to the last of them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::handshake::{IN_THE_CLEAR, Unmade, shake_hands};
use super::tls::Tls;
use crate::connections::{Connections, Seat, Verdict};
use crate::linger::{Lingering, Places, see_off, turn_away};
use crate::open::{Held, Open};
use crate::pipeline::Pipeline;
use crate::routes::{self, Serves};
use crate::settings::ConnectionSettings;
use crate::socket::Socket;

/// How much longer than permitted a head may be to be read, in bytes: what is read is answered with a
/// sentence, and what is longer with the library's empty 431.
const HEAD_SLACK: usize = 16 << 10;

/// How large the library's buffer of a connection may become, in bytes: its own default, which a head
/// has to fit into.
const MAX_BUFFER: usize = 408 << 10;

/// How long a connection that has to make room may take to write what it has left to write.
const LEAVING: Duration = Duration::from_secs(1);

/// How long a connection for which there is no place may take to say whether it asks for a probe.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a connection is told for which there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
content-type: application/json\r\ncache-control: no-store\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 110\r\n\r\n\
{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"as many connections are \
busy as there may be: try again\"}";

/// What one thread serves the next request with. Each has its own, so that taking it is no matter of
/// others.
pub(super) type Current = Arc<ArcSwap<Pipeline>>;

/// Serves connections until told to stop, then waits for those that are open.
pub(super) async fn accept(
    listener: std::net::TcpListener,
    current: Current,
    (connections, places, tls): (Connections, Places, Option<Tls>),
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
    let pipeline = current.load_full();
    let mut door = Door {
        listener,
        tls,
        places,
        complaint: Complaint::default(),
        settings: pipeline.shared.connections,
        connections,
        current,
        open: Arc::clone(&pipeline.open),
    };
    drop(pipeline);
    tokio::select! {
        () = door.attend() => {}
        // An error means that the `Server` was dropped.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    let Door { settings, .. } = door;
    door.open.drain();
    if !settings.drain.is_zero() {
        let _ = timeout(settings.drain, door.attend()).await;
    }
    // What the system has accepted already would be reset with the listener.
    while let Some(Ok((stream, _))) = door.listener.accept().now_or_never() {
        door.admit(stream);
    }
    let Door { listener, open, .. } = door;
    drop(listener);
    if timeout(grace, open.shutdown()).await.is_err() {
        tracing::warn!("answers were cut off by the shutdown");
    }
}

/// Where connections come in, on one thread.
struct Door {
    listener: TcpListener,
    /// `None`: in the clear.
    tls: Option<Tls>,
    current: Current,
    open: Arc<Open>,
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
        let place = if let Some(seat) = self.connections.enter() {
            Place::Seat(seat)
        } else {
            self.current.load().shard.turned_away();
            if let Some(times) = self.complaint.due(Instant::now()) {
                tracing::warn!(
                    times,
                    "as many connections are busy as there may be: see server.max_connections"
                );
            }
            let seat = self.connections.enter_for_a_probe();
            seat.map_or(Place::None, Place::Probe)
        };
        match &self.tls {
            None => receive(Socket::Plain(stream), place, &self.current, &self.places),
            Some(tls) => self.begin_tls(stream, tls.acceptor(), place),
        }
    }

    /// Shakes hands first. Until then the connection has its place as any that has said nothing.
    fn begin_tls(&self, stream: TcpStream, with: TlsAcceptor, place: Place) {
        let (current, places) = (Arc::clone(&self.current), self.places.clone());
        let time = match &place {
            Place::Seat(_) => self.settings.header_timeout,
            Place::Probe(_) | Place::None => self.settings.header_timeout.min(PATIENCE),
        };
        // Who has no place is told so over TLS, which is work: as many at a time as may linger.
        let lingers = match &place {
            Place::Seat(_) | Place::Probe(_) => None,
            Place::None => match places.take() {
                None => return,
                lingers => lingers,
            },
        };
        let held = self.open.hold();
        tokio::spawn(async move {
            let made = tokio::select! {
                made = timeout(time, shake_hands(stream, with)) => made,
                () = place.leave() => return,
                () = a_while_after_the_stop(held.clone()) => return,
            };
            drop(lingers);
            match made {
                Ok(Ok(socket)) => receive(socket, place, &current, &places),
                Ok(Err(Unmade::InTheClear(stream))) => {
                    drop(place);
                    turn_away(Socket::Plain(stream), IN_THE_CLEAR, held, &places);
                }
                Ok(Err(Unmade::Refused(error, stream))) => {
                    tracing::debug!(%error, "no TLS came about");
                    drop(place);
                    see_off(stream, held, &places);
                }
                Ok(Err(Unmade::Gone)) => {}
                Err(_) => tracing::debug!("no TLS came about in time"),
            }
        });
    }
}

/// What there is for a connection.
enum Place {
    /// A place.
    Seat(Seat),
    /// One beyond the ceiling, for a probe.
    Probe(Seat),
    /// None.
    None,
}

impl Place {
    /// Waits until it is wanted for another.
    async fn leave(&self) {
        match self {
            Self::Seat(seat) | Self::Probe(seat) => seat.leave().await,
            Self::None => std::future::pending().await,
        }
    }
}

/// Until a handshake that is under way when the gateway stops has had its time.
async fn a_while_after_the_stop(mut held: Held) {
    held.stop().await;
    tokio::time::sleep(PATIENCE).await;
}

fn receive(socket: Socket, place: Place, current: &Current, places: &Places) {
    match place {
        Place::Seat(seat) => serve(socket, current, places, seat),
        Place::Probe(seat) => serve_a_probe(socket, current, places, seat),
        Place::None => turn_away(socket, NO_PLACE, current.load().open.hold(), places),
    }
}

/// Serves a connection for which there is no place if it asks for a probe, and tells it so otherwise.
fn serve_a_probe(mut socket: Socket, current: &Current, places: &Places, seat: Seat) {
    let (current, places) = (Arc::clone(current), places.clone());
    let mut held = current.load().open.hold();
    tokio::spawn(async move {
        let asks = tokio::select! {
            asks = timeout(PATIENCE, asks_for_a_probe(&mut socket)) => asks.unwrap_or(false),
            () = seat.leave() => false,
            () = held.stop() => false,
        };
        if asks {
            serve(socket, &current, &places, seat);
        } else {
            // It lingers outside of the places that probes have.
            drop(seat);
            turn_away(socket, NO_PLACE, held, &places);
        }
    });
}

/// Whether the first that comes is the beginning of a request for a probe. It is left to be read.
async fn asks_for_a_probe(socket: &mut Socket) -> bool {
    // Longer than any of them; they come in one piece.
    let mut line = [0; 64];
    let Ok(length) = socket.peek(&mut line).await else {
        return false;
    };
    let line = line.get(..length).unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(_)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    let path = target.split(|byte| *byte == b'?').next();
    let (Ok(method), Ok(path)) = (
        Method::from_bytes(method),
        std::str::from_utf8(path.unwrap_or_default()),
    ) else {
        return false;
    };
    let found = routes::find(&method, path);
    found.is_ok_and(|found| matches!(found.route.serves, Serves::Probe(_)))
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

fn serve(socket: Socket, current: &Current, places: &Places, seat: Seat) {
    let pipeline = current.load();
    let mut held = pipeline.open.hold();
    let most = pipeline.shared.connections.max_head_bytes + HEAD_SLACK;
    let lets_go = (held.clone(), seat.clone());
    let stream = Lingering::new(socket, lets_go, places.clone());
    let (of, current) = (seat.clone(), Arc::clone(current));
    let service = service_fn(move |request: Request<Incoming>| {
        // The request sees one configuration, whatever comes meanwhile.
        let pipeline = current.load_full();
        let seat = of.clone();
        seat.begin();
        let request = request.map(|body| seat.watch(body));
        async move {
            let mut response = pipeline.serve(request, &seat).await;
            if pipeline.open.is_draining() || seat.is_for_a_probe() {
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
                    time.as_mut().reset(Instant::now());
                    connection.as_mut().graceful_shutdown();
                }
                () = seat.leave() => {
                    seat.hurry();
                    if !seat.has_something_to_say() {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    let _ = timeout(LEAVING, connection.as_mut()).await;
                    return;
                }
                () = time.as_mut() => match seat.verdict(is_ending) {
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
