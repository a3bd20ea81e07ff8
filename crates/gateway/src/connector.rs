//! Connections to backends and issuers, in the clear or over TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::TryFutureExt;
use http::Uri;
use hyper_rustls::{
    FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceExt};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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
        Self::Plain(tcp())
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
            .wrap_connector(tcp_below_tls());
        Ok(Self::Tls(Arc::new(ArcSwap::from_pointee(tls))))
    }
}

/// A connector for `https`, to servers of the URL's host or, where it is given, of this name.
pub(crate) fn tls(config: ClientConfig, server_name: Option<ServerName<'static>>) -> TlsConnector {
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only();
    let builder = match server_name {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    builder.enable_http1().wrap_connector(tcp_below_tls())
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp
}

fn tcp_below_tls() -> HttpConnector {
    let mut tcp = tcp();
    tcp.enforce_http(false);
    tcp
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
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
                    .map_ok(MaybeHttpsStream::Http)
                    .map_err(Into::into),
            ),
            Self::Tls(tls) => Box::pin(TlsConnector::clone(&tls.load()).oneshot(uri)),
        }
    }
}
