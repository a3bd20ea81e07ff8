//! A caller that reads over a WebSocket, in Loki's protocol: a text message for each frame.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, Message};

use super::end::End;
use super::guard::Guard;
use super::handshake::Handshake;
use super::source::{Socket, Source, config, farewell, pings, silence};
use crate::audit::Record;
use crate::limit::Usage;
use crate::request_id::RequestId;
use crate::settings::TailSettings;
use crate::stream::Body;

/// The longest message that is read from a caller, in bytes. None means anything.
const MAX_MESSAGE_LENGTH: usize = 4 << 10;

/// Switches the caller's connection to a WebSocket, and passes on what the backend sends until
/// either of them or the guard ends it.
pub(super) fn serve(
    handshake: Handshake,
    source: Box<Source>,
    guard: Guard,
    (record, mut usage): (Record, Usage),
) -> Response<Body> {
    let response = handshake.response();
    let started = Instant::now();
    let tail = async move {
        let end = run(handshake.upgrade, source, &guard, (&record, &mut usage)).await;
        record.tail_ended(end.word());
        tracing::info!(
            end = end.word(),
            seconds = started.elapsed().as_secs(),
            "a tail ended"
        );
    };
    tokio::spawn(RequestId::current().during(tail));
    response
}

async fn run(
    upgrade: OnUpgrade,
    mut source: Box<Source>,
    guard: &Guard,
    counted: (&Record, &mut Usage),
) -> End {
    let settings = guard.settings();
    let Ok(Ok(upgraded)) = timeout(settings.reader_patience, upgrade).await else {
        source.close().await;
        return End::ReaderGone;
    };
    let config = config(MAX_MESSAGE_LENGTH);
    let socket: Socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let (mut to, mut from) = socket.split();
    let end = tokio::select! {
        biased;
        end = guard.ended() => end,
        end = listen(&mut from, silence(settings)) => end,
        end = pass_on(&mut source, &mut to, settings, counted) => end,
    };
    let goodbye = async {
        if let Ok(mut socket) = to.reunite(from) {
            farewell(&mut socket, end.close()).await;
        }
    };
    tokio::join!(source.close(), goodbye);
    end
}

/// Listens whether the caller is there. What they say means nothing.
async fn listen(from: &mut SplitStream<Socket>, silence: Duration) -> End {
    loop {
        match timeout(silence, from.next()).await {
            // The library answers pings and a farewell by itself.
            Ok(Some(Ok(
                Message::Text(_)
                | Message::Binary(_)
                | Message::Ping(_)
                | Message::Pong(_)
                | Message::Frame(_),
            ))) => {}
            Ok(Some(Err(tungstenite::Error::Capacity(_)))) => return End::ReaderTooLoud,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return End::ReaderGone,
            Err(_) => return End::ReaderSilent,
        }
    }
}

async fn pass_on(
    source: &mut Source,
    to: &mut SplitSink<Socket, Message>,
    settings: TailSettings,
    (record, usage): (&Record, &mut Usage),
) -> End {
    let mut pings = pings(settings);
    loop {
        let (message, bytes) = tokio::select! {
            frame = source.next() => match frame {
                Ok(frame) => {
                    let bytes = frame.len();
                    (Message::Text(frame), bytes)
                }
                Err(end) => return end,
            },
            _ = pings.tick() => (Message::Ping(Bytes::new()), 0),
        };
        match timeout(settings.reader_patience, to.send(message)).await {
            Ok(Ok(())) => {
                record.passed(bytes);
                usage.sent(bytes);
            }
            Ok(Err(_)) => return End::ReaderGone,
            Err(_) => return End::ReaderSlow,
        }
    }
}
