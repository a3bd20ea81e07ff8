//! Connections to backends and issuers, in the clear or over TLS.

use std::error::Error as StdError;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::TryFutureExt;
use http::Uri;
use hyper_rustls::{
    FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceExt};

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for one that only finds out whether anybody is there. Several addresses of a name share it,
/// as they do the other: so the probe gets past one that is dead, as requests do.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// Makes connections over TLS.
pub(crate) type TlsConnector = HttpsConnector<HttpConnector>;

/// Makes connections. The root certificates are read only where a URL needs them: many installs
/// have none, and none that needs them.
#[derive(Clone)]
pub(crate) enum Connector {
    /// `http` only.
    Plain(HttpConnector),
    /// `https` only, as the snapshot at the time of a connection says.
    Tls(Arc<ArcSwap<TlsConnector>>),
}

impl Connector {
    /// A connector for `http`.
    pub(crate) fn plain() -> Self {
        Self::Plain(tcp(CONNECT_TIMEOUT))
    }

    /// A connector for `http` that only finds out whether anybody is there.
    pub(crate) fn plain_prober() -> Self {
        Self::Plain(tcp(PROBE_TIMEOUT))
    }

    /// A connector for this scheme, which trusts the machine's root certificates.
    pub(crate) fn for_scheme(scheme: &str) -> io::Result<Self> {
        if scheme != "https" {
            return Ok(Self::plain());
        }
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_only()
            .enable_http1()
            .wrap_connector(tcp_below_tls(CONNECT_TIMEOUT));
        Ok(Self::Tls(Arc::new(ArcSwap::from_pointee(tls))))
    }
}

/// A connector for `https`, to servers of the URL's host or, where it is given, of this name, whose
/// connections below TLS may take this long to be made.
pub(crate) fn tls(
    config: ClientConfig,
    server_name: Option<ServerName<'static>>,
    time: Duration,
) -> TlsConnector {
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only();
    let builder = match server_name {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    builder.enable_http1().wrap_connector(tcp_below_tls(time))
}

/// Whether the process (`EMFILE`) or the system (`ENFILE`) had no file descriptor left.
pub(crate) fn is_out_of_files(error: &(dyn StdError + 'static)) -> bool {
    is_any(error, lacks_file)
}

/// Whether a connection was not made for a want of the gateway's own machine, which says nothing about who
/// is at the other end: files, local ports (`EADDRNOTAVAIL`), or memory (`EAGAIN`, `ENOMEM`, `ENOBUFS`).
pub(crate) fn is_own_want(error: &(dyn StdError + 'static)) -> bool {
    is_any(error, |error| {
        lacks_file(error) || matches!(error.raw_os_error(), Some(11 | 12 | 99 | 105))
    })
}

fn is_any(error: &(dyn StdError + 'static), is: impl Fn(&io::Error) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(&is) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether there is a file descriptor left at the moment.
pub(crate) fn files_are_left() -> bool {
    let tried = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None);
    !tried.is_err_and(|error| lacks_file(&error))
}

fn lacks_file(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

fn tcp(time: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(time));
    tcp
}

fn tcp_below_tls(time: Duration) -> HttpConnector {
    let mut tcp = tcp(time);
    tcp.enforce_http(false);
    tcp
}

/// A connection, and what went over it.
pub(crate) struct Stream {
    inner: TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>,
    progress: Progress,
}

/// What went over a connection, for whoever has to know whether a request may have been read.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Went>);

#[derive(Default)]
struct Went {
    said: AtomicU8,
    is_abandoned: AtomicBool,
}

/// What went over a connection last, TLS's own messages aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing yet.
    Nothing,
    /// The first request, or a part of it.
    Asked,
    /// An answer, or a part of it.
    Answered,
    /// Another request, or a part of it, after the answer before.
    AskedAgain,
}

impl Progress {
    pub(crate) fn said(&self) -> Said {
        match self.0.said.load(Ordering::Relaxed) {
            0 => Said::Nothing,
            1 => Said::Asked,
            2 => Said::Answered,
            _ => Said::AskedAgain,
        }
    }

    /// Whoever asked has gone before the end of the answer. The connection is to be reset when it is
    /// dropped: closed in order, its port would stay taken for a minute, and whoever asks and goes again and
    /// again would leave none for others (`TIME_WAIT`).
    pub(crate) fn abandon(&self) {
        self.0.is_abandoned.store(true, Ordering::Relaxed);
    }

    fn wrote(&self) {
        match self.said() {
            Said::Nothing => self.0.said.store(1, Ordering::Relaxed),
            Said::Answered => self.0.said.store(3, Ordering::Relaxed),
            Said::Asked | Said::AskedAgain => {}
        }
    }

    fn read(&self) {
        if self.said() != Said::Answered {
            self.0.said.store(2, Ordering::Relaxed);
        }
    }
}

impl Stream {
    fn over(stream: MaybeHttpsStream<TokioIo<TcpStream>>) -> TokioIo<Self> {
        TokioIo::new(Self {
            inner: TokioIo::new(stream),
            progress: Progress::default(),
        })
    }

    fn tcp(&self) -> &TcpStream {
        match self.inner.inner() {
            MaybeHttpsStream::Http(tcp) => tcp.inner(),
            MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner().inner(),
        }
    }

    /// What goes over it, from now on.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.progress.0.is_abandoned.load(Ordering::Relaxed) {
            // Fails only for a connection that is already gone.
            let _ = self.tcp().set_zero_linger();
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        // Both ends speak HTTP/1.1, whatever else TLS could agree on.
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.progress.read();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Also where it fails: a part may have gone out below TLS.
        self.progress.wrote();
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.progress.wrote();
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Plain(tcp) => Service::poll_ready(tcp, cx).map_err(Into::into),
            // The snapshot that is called is asked then.
            Self::Tls(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Plain(tcp) => Box::pin(
                Service::call(tcp, uri)
                    .map_ok(|tcp| Stream::over(MaybeHttpsStream::Http(tcp)))
                    .map_err(Into::into),
            ),
            Self::Tls(tls) => {
                let connecting = TlsConnector::clone(&tls.load()).oneshot(uri);
                Box::pin(connecting.map_ok(Stream::over))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_itself_lacks_says_nothing_about_who_is_at_the_other_end() {
        for (number, is_own) in [
            (24, true),
            (99, true),
            (105, true),
            (111, false),
            (113, false),
        ] {
            let error = BoxError::from(io::Error::from_raw_os_error(number));
            assert_eq!(is_own_want(&*error), is_own, "{number}");
            assert_eq!(is_out_of_files(&*error), number == 24, "{number}");
        }
    }
}
