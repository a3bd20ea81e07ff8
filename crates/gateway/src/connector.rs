//! Connections to backends and issuers, in the clear or over TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::TryFutureExt;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{BoxError, Service};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes connections. The root certificates are read only where a URL needs them: many installs
/// have none, and none that needs them.
#[derive(Clone)]
pub(crate) enum Connector {
    /// `http` only.
    Plain(HttpConnector),
    /// `https` and `http`.
    Tls(HttpsConnector<HttpConnector>),
}

impl Connector {
    /// A connector for these URLs.
    pub(crate) fn new<'a>(schemes: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        if !schemes.into_iter().any(|scheme| scheme == "https") {
            return Ok(Self::Plain(http));
        }
        http.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self::Tls(tls))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Plain(http) => Service::poll_ready(http, cx).map_err(Into::into),
            Self::Tls(tls) => tls.poll_ready(cx),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Plain(http) => Box::pin(
                Service::call(http, uri)
                    .map_ok(MaybeHttpsStream::Http)
                    .map_err(Into::into),
            ),
            Self::Tls(tls) => Box::pin(tls.call(uri)),
        }
    }
}
