//! Connections that are closed while their client still sends.
//!
//! A body that is too long is answered before it is read. Were the connection then simply closed, the
//! system would answer what is still coming with a reset, and a reset makes the client's system forget
//! the answer (RFC 9112, section 9.6). So the sending side is closed, and for a while what comes is
//! read and forgotten.

use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connections::Seat;
use crate::open::Held;
use crate::socket::Socket;

/// How long a client may go on sending what nobody wants. Long enough for the longest body that may be
/// sent to come over a slow line in most cases, and short enough not to hold connections for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a client that is not served may take to read that.
const FAREWELL: Duration = Duration::from_secs(1);

/// Read at once.
const CHUNK: usize = 16 * 1024;

/// Such a part of the ceiling on connections is read on at the same time, beside those that are within
/// it. Beyond that they are closed at once: nobody holds more of them by sending what is refused.
const PART: usize = 16;

/// The places for connections that are read on, of all threads.
#[derive(Clone)]
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    /// Where so many connections may be open.
    pub(crate) fn new(connections: usize) -> Self {
        let most = (connections / PART).clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(most)))
    }

    /// One of them, if one is free.
    pub(crate) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// A connection that is read on for a while after its end, where a body was left unread.
pub(crate) struct Lingering {
    /// `None` after the end.
    socket: Option<Socket>,
    /// A shutdown waits for it.
    held: Held,
    seat: Seat,
    places: Places,
}

impl Lingering {
    pub(crate) fn new(socket: Socket, (held, seat): (Held, Seat), places: Places) -> Self {
        let socket = Some(socket);
        Self {
            socket,
            held,
            seat,
            places,
        }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut Socket>> {
        let socket = self.socket.as_mut().map(Pin::new);
        socket.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut socket) = mem::take(&mut self.socket) else {
            return;
        };
        if self.seat.is_in_an_answer() {
            // Closed in order, it would look as if the answer were complete where nothing else says how
            // long it is, as in HTTP/1.0. A failure means that the connection is gone.
            let _ = socket.tcp().set_zero_linger();
            return;
        }
        if self.seat.has_left_unread()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
            && let Some(place) = self.places.take()
        {
            // The seat is free for another from here on: this one counts among those that are read on.
            let held = self.held.clone();
            runtime.spawn(async move {
                // Whether the client went or its time is over, the connection ends here.
                let _ = timeout(PATIENCE, forget(socket)).await;
                drop((held, place));
            });
            return;
        }
        socket.say_goodbye();
    }
}

/// Answers a connection that is not served, and ends it when the client has had the time to read why.
pub(crate) fn turn_away(socket: Socket, answer: &'static [u8], held: Held, places: &Places) {
    let place = places.take();
    tokio::spawn(async move {
        let mut socket = socket;
        let told = timeout(FAREWELL, tell(&mut socket, answer)).await;
        // Without a place nobody reads it to its end, and what has come until here has to be all.
        if let (Ok(Ok(())), Some(_place)) = (told, place) {
            let _ = timeout(FAREWELL, forget(socket)).await;
        }
        drop(held);
    });
}

/// Ends a connection to which all has been said, and lets the client read it if there is a place.
pub(crate) fn see_off(stream: TcpStream, held: Held, places: &Places) {
    if let Some(place) = places.take() {
        tokio::spawn(async move {
            let _ = timeout(FAREWELL, forget(Socket::Plain(stream))).await;
            drop((held, place));
        });
    }
}

/// Answers, once what has come by now is out of the way: a connection that ends before that is read ends
/// in a reset.
async fn tell(socket: &mut Socket, answer: &'static [u8]) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let stream = match socket {
        Socket::Plain(stream) => stream,
        Socket::Tls(stream) => {
            // Nothing may have come yet.
            let _ = stream.read(&mut chunk).now_or_never();
            stream.write_all(answer).await?;
            return stream.flush().await;
        }
    };
    stream.writable().await?;
    let _ = stream.try_read(&mut chunk);
    // A new connection's buffer takes all of it.
    let written = stream.try_write(answer)?;
    if written < answer.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(())
}

/// Closes the sending side, and reads until the client closes its own. What comes is not decrypted.
async fn forget(mut socket: Socket) -> io::Result<()> {
    socket.shutdown().await?;
    let mut stream = socket.into_tcp();
    let mut chunk = vec![0; CHUNK];
    while stream.read(&mut chunk).await? > 0 {
        // Somebody who sends without a pause does not keep the others of this thread waiting.
        tokio::task::yield_now().await;
    }
    Ok(())
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.socket()?.poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.seat.heard();
        }
        polled
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = self.socket()?.poll_write(context, bytes);
        self.seat.blocked(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = self.socket()?.poll_write_vectored(context, slices);
        self.seat.blocked(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.socket
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut socket = self.socket()?;
        let polled = socket.as_mut().poll_flush(context);
        // The end of an answer may be written, as far as HTTP knows, and not have left.
        if let Some(keeps) = socket.keeps(&polled) {
            self.seat.blocked(keeps);
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::net::TcpListener;

    use super::*;
    use crate::connections::Connections;
    use crate::open::Open;
    use crate::settings::ConnectionSettings;

    /// A connection with a request whose body nobody reads, and its client.
    async fn refused(
        open: &Open,
        places: &Places,
        connections: &Connections,
    ) -> (Lingering, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let (stream, _) = accepted.unwrap();
        let seat = connections.enter().unwrap();
        // So that nobody else's place is it as long as it is held.
        seat.begin();
        drop(seat.watch(Full::new(Bytes::from_static(b"unread"))));
        let stream = Lingering::new(Socket::Plain(stream), (open.hold(), seat), places.clone());
        (stream, client.unwrap())
    }

    #[tokio::test]
    async fn no_more_connections_linger_than_there_are_places_and_none_has_a_seat() {
        let (open, places) = (Open::new(), Places::new(1));
        let connections = Connections::new(ConnectionSettings {
            most: 1,
            ..ConnectionSettings::default()
        });
        let (stream, mut first) = refused(&open, &places, &connections).await;
        drop(stream);
        // The first may go on sending, although it is told that nothing comes any more.
        assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(places.0.available_permits(), 0);
        // For the second there is a seat, but no place: whatever it sends is answered with a reset.
        let (stream, mut second) = refused(&open, &places, &connections).await;
        drop(stream);
        let broken = async {
            while second.write_all(&[0; CHUNK]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE * 6, broken).await.unwrap();
        first.write_all(&[0; CHUNK]).await.unwrap();
        // The place is free again when the first has gone.
        drop(first);
        let free = Arc::clone(&places.0).acquire_owned();
        assert!(timeout(PATIENCE * 6, free).await.unwrap().is_ok());
    }
}
