//! Both ends of a tail: the backend's, which a test drives, and the caller's.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::World;
use super::client::{Answer, Ask};

/// How long a test waits for what must come, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The headers that ask for a WebSocket.
pub(crate) const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// One end of a WebSocket.
pub(crate) struct Socket<S>(pub(crate) WebSocketStream<S>);

/// The backend's end of a tail.
pub(crate) type Upstream = Socket<TokioIo<Upgraded>>;

/// The caller's end of a tail.
pub(crate) type Caller = Socket<TcpStream>;

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next message; `None` where the connection is gone.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        let message = timeout(PATIENCE, self.0.next()).await;
        message.expect("nothing came").and_then(Result::ok)
    }

    /// The next text.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => return text.to_string(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                Some(Message::Binary(_) | Message::Close(_) | Message::Frame(_)) | None => {
                    panic!("expected a text")
                }
            }
        }
    }

    /// Code and reason of the farewell, which must come before anything but pings.
    pub(crate) async fn farewell(&mut self) -> (u16, String) {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                Some(
                    Message::Text(_)
                    | Message::Binary(_)
                    | Message::Close(None)
                    | Message::Frame(_),
                )
                | None => panic!("expected a farewell"),
            }
        }
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        };
        self.0.close(Some(frame)).await.unwrap();
    }

    /// Waits until the other side has closed.
    pub(crate) async fn closed(&mut self) {
        while let Some(message) = self.message().await {
            assert!(!message.is_text(), "{message}");
        }
    }
}

/// Answers a request for a WebSocket with one, and hands its end over.
pub(crate) fn accept(
    request: &mut Request,
    tails: mpsc::UnboundedSender<Upstream>,
) -> Response<Body> {
    let key = request.headers()[SEC_WEBSOCKET_KEY].as_bytes();
    let accept = derive_accept_key(key);
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let _ = tails.send(Socket(socket));
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty())
        .unwrap()
}

impl World {
    /// Opens a tail over a WebSocket.
    pub(crate) async fn tail(&self, subject: &str, path: &str) -> Caller {
        let address = self.server.local_addr();
        let mut request = http::Request::get(format!("ws://{address}{path}"))
            .header("host", address.to_string())
            .header("authorization", format!("Bearer {}", self.token(subject)));
        for (name, value) in HANDSHAKE {
            request = request.header(name, value);
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(request.body(()).unwrap(), stream)
            .await
            .unwrap();
        Socket(socket)
    }

    /// A request for a WebSocket, for those that are refused.
    pub(crate) fn ask_tail(&self, path: &str) -> Ask {
        let ask = self.ask(path);
        HANDSHAKE
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value))
    }

    /// The answer to such a request.
    pub(crate) async fn refused(&self, subject: &str, path: &str) -> Answer {
        let ask = self.ask_tail(path).token(&self.token(subject));
        ask.send().await
    }

    /// Opens a tail as server-sent events.
    pub(crate) async fn events(&self, subject: &str, path: &str, last_id: Option<&str>) -> Events {
        let address = self.server.local_addr();
        let mut request = http::Request::get(path)
            .header("host", address.to_string())
            .header("authorization", format!("Bearer {}", self.token(subject)));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        assert_eq!(parts.status, 200);
        Events {
            headers: parts.headers,
            body,
            read: String::new(),
        }
    }
}

/// The caller's end of server-sent events.
pub(crate) struct Events {
    pub(crate) headers: HeaderMap,
    body: Incoming,
    read: String,
}

/// What stands before an empty line, and is no comment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: String,
}

impl Events {
    /// The next block of lines; `None` at the end of the answer.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let block = self.read[..end].to_owned();
                self.read.drain(..end + 2);
                return Some(block);
            }
            let frame = timeout(PATIENCE, self.body.frame()).await;
            let frame = frame.expect("nothing came")?.unwrap();
            let data = frame.into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Option<Told> {
        loop {
            let mut told = Told::default();
            for line in self.block().await?.lines() {
                let (field, value) = line.split_once(": ").unwrap_or((line, ""));
                match field {
                    "id" => told.id = Some(value.to_owned()),
                    "event" => told.event = Some(value.to_owned()),
                    "data" => value.clone_into(&mut told.data),
                    "retry" | ":" => {}
                    other => panic!("unknown field {other}"),
                }
            }
            if !told.data.is_empty() {
                return Some(told);
            }
        }
    }
}
