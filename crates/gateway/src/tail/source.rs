//! The backend's side of a tail: a WebSocket, over the gateway's own way to it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::end::{End, FAREWELL};
use crate::error::Error;
use crate::forward::Upstream;
use crate::scope::{Request, Scoped};
use crate::settings::TailSettings;
use crate::stream::Body;

/// A connection that speaks WebSocket.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The longest frame that is passed on, in bytes. Loki puts at most ten lines into one, and lines
/// have by default at most 256 KiB.
pub(super) const MAX_FRAME_LENGTH: usize = 16 << 20;

/// What is set aside for each connection before anything is read from it, and the most that is read at
/// once. Most tails are idle, and most frames are shorter.
const READ_BUFFER: usize = 4 << 10;

/// What the backend's answer is.
pub(super) enum Opened {
    /// It tails.
    Source(Box<Source>),
    /// It does not, and the caller may read why.
    Refused(Box<Response<Body>>),
}

/// The lines that a backend sends.
pub(super) struct Source {
    socket: Socket,
    pings: Interval,
    settings: TailSettings,
    heard: Instant,
}

/// Asks the backend to tail.
pub(super) async fn open(
    upstream: &Upstream,
    request: Scoped<Request>,
    request_id: &HeaderValue,
    settings: TailSettings,
) -> Result<Opened, Error> {
    let key = generate_key();
    let headers = asking(&key).ok_or(Error::Internal)?;
    let answer = upstream.upgrade(request, headers, request_id).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Opened::Refused(Box::new(
            upstream.pass_on(answer, request_id),
        )));
    }
    let unusable = |why: &str| {
        tracing::warn!(backend = upstream.backend().name(), why, "no WebSocket");
        Error::BadGateway(upstream.backend())
    };
    let accept = answer.headers().get(SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept != derive_accept_key(key.as_bytes()).as_str()) {
        return Err(unusable("the key was not accepted"));
    }
    let upgraded = hyper::upgrade::on(answer).await;
    let upgraded = upgraded.map_err(|error| unusable(&error.to_string()))?;
    let config = config(MAX_FRAME_LENGTH);
    let socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    Ok(Opened::Source(Box::new(Source {
        socket,
        pings: pings(settings),
        settings,
        heard: Instant::now(),
    })))
}

/// The headers that ask for a WebSocket (RFC 6455, section 4.1).
fn asking(key: &str) -> Option<HeaderMap> {
    let header = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    let mut headers = HeaderMap::from_iter([
        header(CONNECTION, "upgrade"),
        header(UPGRADE, "websocket"),
        header(SEC_WEBSOCKET_VERSION, "13"),
    ]);
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_str(key).ok()?);
    Some(headers)
}

/// A connection's bounds.
pub(super) fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // What is sent goes out at once: frames of a tail are not to wait for each other.
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_FRAME_LENGTH)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// Ticks when it is time to ask whether the other side is there.
pub(super) fn pings(settings: TailSettings) -> Interval {
    let first = Instant::now() + settings.ping_every;
    let mut pings = tokio::time::interval_at(first, settings.ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

/// How long a side that is there is at most silent.
pub(super) fn silence(settings: TailSettings) -> Duration {
    settings.ping_every * 3
}

impl Source {
    /// The next frame, as it came, or why there is none. Nothing is lost when this is not awaited to
    /// its end.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.socket.next() => message,
                _ = self.pings.tick() => {
                    if self.heard.elapsed() > silence(self.settings) {
                        tracing::warn!("the backend of a tail is silent");
                        return Err(End::BackendGone);
                    }
                    let ping = self.socket.send(Message::Ping(Bytes::new()));
                    match timeout(self.settings.reader_patience, ping).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(_)) | Err(_) => return Err(End::BackendGone),
                    }
                }
            };
            self.heard = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text),
                // The library answers pings by itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(Some(frame)))) => return Err(End::Backend(frame)),
                Some(Ok(Message::Binary(_))) => return Err(End::BackendUnusable),
                Some(Ok(Message::Close(None))) | None => return Err(End::BackendGone),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the backend of a tail broke off");
                    return Err(End::BackendGone);
                }
            }
        }
    }

    /// Says goodbye; the connection closes in any case.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: Utf8Bytes::default(),
        };
        farewell(&mut self.socket, frame).await;
    }
}

/// Says goodbye and waits for the other side to do so, for a moment: what is closed at once may be
/// lost on its way.
pub(super) async fn farewell(socket: &mut Socket, frame: CloseFrame) {
    let closed = async {
        // An error means that it is closed already, by either side.
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(FAREWELL, closed).await;
}
