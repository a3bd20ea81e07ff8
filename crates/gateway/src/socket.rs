//! A caller's connection, in the clear or over TLS.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A caller's connection.
pub(crate) enum Socket {
    /// In the clear.
    Plain(TcpStream),
    /// Over TLS, after the handshake.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// What is below TLS, if there is any.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// The same, for what nobody is going to read.
    pub(crate) fn into_tcp(self) -> TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.into_inner().0,
        }
    }

    /// The first that comes, at most as much of it as `line` holds. It is left to be read.
    pub(crate) async fn peek(&mut self, line: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.peek(line).await,
            Self::Tls(stream) => {
                let come = stream.fill_buf().await?;
                let length = come.len().min(line.len());
                for (to, from) in line.iter_mut().zip(come) {
                    *to = *from;
                }
                Ok(length)
            }
        }
    }

    /// Tells the caller that nothing more comes, as far as that can be done without waiting. Without
    /// that the end of a connection over TLS looks as if somebody had cut it.
    pub(crate) fn say_goodbye(&mut self) {
        if let Self::Tls(stream) = self {
            let (tcp, session) = stream.get_mut();
            session.send_close_notify();
            // Who does not take it now is not waited for.
            let _ = session.write_tls(&mut AtOnce(tcp));
        }
    }

    fn is_over_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether what was written may still be here, after this flush: TLS keeps what TCP does not take.
    pub(crate) fn keeps(&self, flushed: &Poll<io::Result<()>>) -> Option<bool> {
        self.is_over_tls().then_some(flushed.is_pending())
    }
}

/// What is taken at once, or not at all.
struct AtOnce<'a>(&'a TcpStream);

impl Write for AtOnce<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
