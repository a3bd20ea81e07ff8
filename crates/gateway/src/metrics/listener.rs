//! Where metrics are served: on an address of their own, and never where tenants come in.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::timeout;

use super::sources::Sources;
use super::text::Format;

/// The one path.
const PATH: &str = "/metrics";

/// How many scrapers there may be at a time. One more is not answered.
const CONNECTIONS: usize = 8;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);

/// How long all of a connection may take, on which there is one request.
const WHOLE: Duration = Duration::from_secs(30);

/// Where metrics are served. Dropped, it ends.
pub(crate) struct Listener {
    address: SocketAddr,
    serving: Serving,
}

struct Serving(JoinHandle<()>, AbortHandle);

impl Listener {
    /// Takes the address: whoever has it already is an error of the start.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Serves what `sources` say on `background`.
    pub(crate) fn serve(
        listener: std::net::TcpListener,
        sources: Arc<Sources>,
        background: &Handle,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        tracing::info!(%address, "serving the gateway's own metrics");
        let _in_runtime = background.enter();
        let listener = TcpListener::from_std(listener)?;
        let task = background.spawn(accept(listener, sources));
        let abort = task.abort_handle();
        Ok(Self {
            address,
            serving: Serving(task, abort),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and waits until nothing of it is held any more.
    pub(crate) async fn end(mut self) {
        self.serving.1.abort();
        // An error says that it was ended.
        let _ = (&mut self.serving.0).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn accept(listener: TcpListener, sources: Arc<Sources>) {
    let mut scrapes = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while scrapes.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, mostly: some come free.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if scrapes.len() >= CONNECTIONS {
            continue;
        }
        let sources = Arc::clone(&sources);
        scrapes.spawn(async move {
            let service = service_fn(|request| {
                let sources = Arc::clone(&sources);
                async move { Ok::<_, Infallible>(answer(&request, &sources).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Who does not read is not waited for.
            let _ = timeout(WHOLE, connection).await;
        });
    }
}

async fn answer(request: &Request<Incoming>, sources: &Arc<Sources>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if request.uri().path() != PATH {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
    } else {
        let format = Format::wanted(request.headers());
        *response.body_mut() = Full::new(sources.scrape(format).await.into());
        let media_type = HeaderValue::from_static(format.media_type());
        response.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
