//! A backend that writes down what it was sent, and answers as the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use bytes::Bytes;
use http::header::UPGRADE;
use http::{HeaderMap, Method, StatusCode};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::broken::is_probe;
use super::tail::{Upstream, accept};
use super::tls::TlsListener;

/// A request as a backend got it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The body as it came.
    pub(crate) bytes: Bytes,
}

impl Received {
    /// The one value of a parameter, from URL or form.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let text = if self.method == Method::POST {
            assert_eq!(self.query, "");
            &self.body
        } else {
            assert_eq!(self.body, "");
            &self.query
        };
        let mut values = form_urlencoded::parse(text.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} was sent twice");
        value
    }

    /// All parameters, from URL or form, in their order.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        assert!(self.query.is_empty() || self.body.is_empty());
        let text = format!("{}{}", self.query, self.body);
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    pub(crate) fn parameter_names(&self) -> Vec<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .map(|(name, _)| name.into_owned())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert_eq!(values.next(), None, "{name} was sent twice");
        value
    }
}

type Answerer = Arc<dyn Fn(&Received) -> Response + Send + Sync>;

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    answerer: Arc<Mutex<Answerer>>,
    /// Where the backend's ends of tails go; none while it answers those as all other requests.
    tails: Arc<Mutex<Option<mpsc::UnboundedSender<Upstream>>>>,
}

pub(crate) struct Backend {
    url: String,
    tails: tokio::sync::Mutex<mpsc::UnboundedReceiver<Upstream>>,
    shared: Shared,
}

pub(crate) const ANSWER: &str =
    r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#;

/// An answer that is a list of nothing, in whatever shape it is looked for.
pub(crate) fn any_list() -> Response {
    let body = r#"{"status":"success","data":[]}"#;
    ([("content-type", "application/json")], body).into_response()
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(listener, format!("http://{address}"))
    }

    /// A backend that speaks TLS, on `localhost`.
    pub(crate) async fn start_tls(config: ServerConfig) -> Self {
        let listener = TlsListener::bind(config).await;
        let port = listener.local_addr().unwrap().port();
        Self::on(listener, format!("https://localhost:{port}"))
    }

    fn on<L: Listener<Addr = SocketAddr>>(listener: L, url: String) -> Self {
        let ok: Answerer =
            Arc::new(|_| ([("content-type", "application/json")], ANSWER).into_response());
        let (sender, tails) = mpsc::unbounded_channel();
        let shared = Shared {
            tails: Arc::new(Mutex::new(Some(sender))),
            received: Arc::default(),
            answerer: Arc::new(Mutex::new(ok)),
        };
        let router = Router::new().fallback(receive).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            tails: tokio::sync::Mutex::new(tails),
            shared,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Answers like this from now on.
    pub(crate) fn answers(&self, answer: impl Fn() -> Response + Send + Sync + 'static) {
        self.answers_by(move |_| answer());
    }

    /// Answers by what it is asked from now on.
    pub(crate) fn answers_by(
        &self,
        answer: impl Fn(&Received) -> Response + Send + Sync + 'static,
    ) {
        *self.shared.answerer.lock().unwrap() = Arc::new(answer);
    }

    /// Answers with this status and a plain text.
    pub(crate) fn fails(&self, status: u16, text: &'static str) {
        self.answers(move || (StatusCode::from_u16(status).unwrap(), text).into_response());
    }

    /// Its end of the next tail.
    pub(crate) async fn tail(&self) -> Upstream {
        self.tails.lock().await.recv().await.unwrap()
    }

    /// Answers requests for a tail as all others from now on.
    pub(crate) fn tails_no_more(&self) {
        *self.shared.tails.lock().unwrap() = None;
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }

    /// Forgets what it was sent.
    pub(crate) fn forget(&self) {
        self.shared.received.lock().unwrap().clear();
    }

    /// What it was sent, in its order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The latest request.
    pub(crate) fn last(&self) -> Received {
        let received = self.shared.received.lock().unwrap();
        received.last().expect("nothing was forwarded").clone()
    }
}

async fn receive(State(shared): State<Shared>, mut request: Request) -> Response<Body> {
    let tails = shared.tails.lock().unwrap().clone();
    let tails = tails.filter(|_| request.headers().contains_key(UPGRADE));
    let tail = tails.map(|tails| accept(&mut request, tails));
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let received = Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        bytes: body,
    };
    if is_probe(&received.path) {
        // It is no request of anybody's, and comes when it comes.
        return "ready".into_response();
    }
    shared.received.lock().unwrap().push(received.clone());
    if let Some(tail) = tail {
        return tail;
    }
    let answerer = Arc::clone(&shared.answerer.lock().unwrap());
    answerer(&received)
}
