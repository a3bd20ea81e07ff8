//! The gateway's own question whether anybody is at a URL of a backend.
//!
//! One task for each URL, on the background runtime, which waits until there is a reason to ask. It asks
//! for what backends say of themselves, as the gateway and as nobody else: with the credentials of the
//! gateway and in the name of no tenant.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::sync::Weak;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HOST};
use http::{HeaderValue, Request};
use http_body_util::Empty;
use hyper::client::conn::http1::handshake;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::{Endpoint, Inner, Transport};
use crate::authenticate::with_causes;
use crate::breaker::{Came, Course, Next};
use crate::connector::{files_are_left, is_own_want};

/// What Loki and Mimir answer without looking at data. A server that has no such path answers, too.
const PATH: &str = "/ready";

/// How long an answer may take, the connection included, for which the connector has a bound of its own.
const PATIENCE: Duration = Duration::from_secs(3);

/// Probes one URL whenever there is a reason to, until nobody uses the transport any more.
pub(super) async fn run(transport: Weak<Inner>, index: usize, mut suspicions: watch::Receiver<()>) {
    let mut course = Course::default();
    while suspicions.changed().await.is_ok() {
        loop {
            let Some(transport) = transport.upgrade().map(Transport) else {
                return;
            };
            let Some(endpoint) = transport.endpoints().get(index) else {
                return;
            };
            // What is suspected from here on is another reason.
            suspicions.mark_unchanged();
            let asked = Instant::now();
            let came = ask(&transport, endpoint).await;
            let breaker = &endpoint.breaker;
            let next = breaker.probed(&mut course, came, asked, Instant::now());
            drop(transport);
            match next {
                Next::In(pause) => tokio::time::sleep(pause).await,
                Next::WhenSuspected(pause) => {
                    tokio::time::sleep(pause).await;
                    break;
                }
            }
        }
    }
}

async fn ask(transport: &Transport, at: &Endpoint) -> Came {
    match timeout(PATIENCE, head(transport, at)).await {
        Ok(came) => came,
        Err(_) => Came::Nothing(format!("no answer within {PATIENCE:?}")),
    }
}

/// Waits for the head of an answer, on a connection of its own.
async fn head(transport: &Transport, at: &Endpoint) -> Came {
    let Ok(request) = request(transport, at) else {
        return Came::Untold;
    };
    let stream = match transport.prober().oneshot(at.url.clone()).await {
        Ok(stream) => stream,
        // Names are looked up in files, too, and the resolver does not say what it lacked.
        Err(error) if is_own_want(&*error) || !files_are_left() => return Came::Untold,
        Err(error) => return nothing(&*error),
    };
    let (mut sender, connection) = match handshake(stream).await {
        Ok(made) => made,
        Err(error) => return nothing(&error),
    };
    let asking = sender.send_request(request);
    // At its end it is dropped, by which who still waits for an answer gets an error.
    let driving = async move {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        answer = asking => match answer {
            Ok(_) => Came::Answer,
            Err(error) => nothing(&error),
        },
        never = driving => match never {},
    }
}

fn request(transport: &Transport, at: &Endpoint) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::get(format!("{}{PATH}", at.prefix))
        .header(HOST, at.host.clone())
        .header(CONNECTION, HeaderValue::from_static("close"))
        .body(Empty::new())?;
    if let Some(authorization) = transport.authorization() {
        request.headers_mut().insert(AUTHORIZATION, authorization);
    }
    Ok(request)
}

fn nothing(error: &(dyn StdError + 'static)) -> Came {
    Came::Nothing(with_causes(error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::net::TcpListener;

    use super::*;
    use crate::settings::BackendSettings;

    fn transport(url: &str) -> Transport {
        let settings = BackendSettings::new(url.parse().unwrap(), PATIENCE);
        Transport::open(&settings).unwrap()
    }

    fn prober(transport: &Transport) -> tokio::task::JoinHandle<()> {
        let suspicions = transport.endpoints()[0].breaker.suspicions();
        tokio::spawn(run(Arc::downgrade(&transport.0), 0, suspicions))
    }

    #[tokio::test]
    async fn it_ends_with_the_transport_while_it_has_nothing_to_do() {
        let transport = transport("http://127.0.0.1:1");
        let prober = prober(&transport);
        tokio::task::yield_now().await;
        drop(transport);
        prober.await.unwrap();
    }

    #[tokio::test]
    async fn it_ends_with_the_transport_while_nobody_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let transport = transport(&format!("http://{}", listener.local_addr().unwrap()));
        drop(listener);
        let prober = prober(&transport);
        let breaker = &transport.endpoints()[0].breaker;
        breaker.suspect();
        while !breaker.is_open() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(transport);
        prober.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_is_probed_without_a_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let transport = transport(&format!("http://{}", listener.local_addr().unwrap()));
        let _prober = prober(&transport);
        let accepting = timeout(Duration::from_millis(300), listener.accept());
        assert!(accepting.await.is_err());
        transport.endpoints()[0].breaker.suspect();
        listener.accept().await.unwrap();
    }
}
