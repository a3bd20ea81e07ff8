//! A world: one data set in two stores, the one with everybody's data and the one with the
//! resource's alone, and a gateway in front of each.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use embedded::{Backend, Limits};
use gateway::query::Matcher;
use gateway::{BackendSettings, Server, Settings, SystemClock};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::data::{Data, Owner};
use crate::people::People;
use crate::question::{Language, Question};
use crate::vocabulary::{LENGTH, MINE, PROJECT, RESOURCE, START};

/// Which of the two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// Everybody's data.
    Full,
    /// The resource's data alone.
    Alone,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Without the time that it took.
    pub(crate) body: String,
}

impl Answer {
    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.contains(r#""result":[]"#)
    }
}

/// The two stores.
pub(crate) struct Stores {
    full: Backend,
    alone: Backend,
    full_router: Router,
    alone_router: Router,
}

impl Stores {
    /// The stores with the data set of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let (full, alone) = (backend(), backend());
        // Others' data come before and after the resource's own, in another order each time.
        let mut owners = Owner::ALL;
        owners.rotate_left(usize::try_from(seed % 5).expect("a small number"));
        for owner in owners {
            let data = Data::new(seed, owner);
            data.push(&full).expect("the data are taken");
            if owner == Owner::Mine {
                data.push(&alone).expect("the data are taken");
            }
        }
        Self {
            full_router: full.router(None),
            alone_router: alone.router(None),
            full,
            alone,
        }
    }

    /// What a store itself answers to the question with `text` as its query.
    pub(crate) async fn ask(&self, store: Store, question: &Question, text: &str) -> Answer {
        let router = match store {
            Store::Full => &self.full_router,
            Store::Alone => &self.alone_router,
        };
        let path = question.backend_path();
        let request = Request::get(format!("{path}?{}", question.query_string(text)))
            .header("x-scope-orgid", PROJECT)
            .body(Body::empty())
            .expect("a request");
        let response = router.clone().oneshot(request).await.expect("an answer");
        answer(response.status().as_u16(), response.into_body()).await
    }
}

/// A fixed clock, since nothing that is asked may depend on when it is asked.
fn backend() -> Backend {
    let now = (START + LENGTH) * 1_000_000_000;
    // Asked without scoping, which makes of any selector one that demands a label.
    let limits = Limits {
        any_selector: true,
        ..Limits::default()
    };
    Backend::with_clock(limits, Arc::new(move || now))
}

/// The stores behind gateways.
pub(crate) struct World {
    pub(crate) stores: Stores,
    full: Gateway,
    alone: Gateway,
    token: String,
}

impl World {
    pub(crate) async fn new(seed: u64, people: &People) -> Self {
        let stores = Stores::new(seed);
        let full = gateway(&stores.full, people).await;
        let alone = gateway(&stores.alone, people).await;
        Self {
            stores,
            full,
            alone,
            token: people.token(),
        }
    }

    /// Connections to both gateways.
    pub(crate) async fn connect(&self) -> Connections {
        Connections {
            full: connect(&self.full.server).await,
            alone: connect(&self.alone.server).await,
            token: format!("Bearer {}", self.token),
        }
    }

    pub(crate) async fn shutdown(self) {
        for gateway in [self.full, self.alone] {
            gateway.server.shutdown().await;
            gateway.backend.abort();
        }
    }
}

/// A gateway and the backend behind it.
struct Gateway {
    server: Server,
    backend: JoinHandle<()>,
}

async fn gateway(backend: &Backend, people: &People) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = backend.router(None);
    let backend = tokio::spawn(async move {
        axum::serve(listener, router)
            .await
            .expect("a backend serves");
    });
    let url = format!("http://{address}").parse().expect("a URL");
    let upstream = BackendSettings::new(url, Duration::from_mins(2));
    let settings = Settings {
        listen: "127.0.0.1:0".parse().expect("an address"),
        workers: 1,
        tls: None,
        connections: gateway::ConnectionSettings::default(),
        issuer: people.settings(),
        loki: Some(upstream.clone()),
        mimir: Some(upstream),
        max_log_lines: Settings::MAX_LOG_LINES,
        tail: gateway::TailSettings::default(),
        ingest: gateway::ingest::Limits::default(),
        // Thousands of queries a second are asked by a few people here.
        limits: gateway::LimitSettings::off(),
        management: gateway::ManagementSettings::default(),
        explore: None,
        metrics: None,
        traces: None,
        audit: gateway::AuditSettings::OFF,
        shutdown_grace: Duration::from_secs(5),
    };
    let server = gateway::start(
        settings,
        people.directory.clone(),
        Handle::current(),
        Arc::new(SystemClock),
    )
    .expect("the gateway starts");
    Gateway { server, backend }
}

async fn connect(server: &Server) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(server.local_addr())
        .await
        .expect("the gateway listens");
    stream.set_nodelay(true).expect("a socket");
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .expect("a connection");
    tokio::spawn(connection);
    sender
}

/// A client's connections to both gateways, which it keeps.
pub(crate) struct Connections {
    full: SendRequest<Empty<Bytes>>,
    alone: SendRequest<Empty<Bytes>>,
    token: String,
}

impl Connections {
    /// What a gateway answers to the question with `text` as its query.
    pub(crate) async fn ask(&mut self, store: Store, question: &Question, text: &str) -> Answer {
        self.ask_of(MINE, store, question, text).await
    }

    /// The same of another resource than the one that the test asks for.
    pub(crate) async fn ask_of(
        &mut self,
        resource: &str,
        store: Store,
        question: &Question,
        text: &str,
    ) -> Answer {
        let sender = match store {
            Store::Full => &mut self.full,
            Store::Alone => &mut self.alone,
        };
        let endpoint = match (question.language, question.instant) {
            (Language::Logql, false) => "logs",
            (Language::Logql, true) => "loki/api/v1/query",
            (Language::Promql, false) => "metrics/query_range",
            (Language::Promql, true) => "prometheus/api/v1/query",
        };
        let query = question.query_string(text);
        let path = format!("/api/v1/projects/{PROJECT}/resources/{resource}/{endpoint}?{query}");
        let request = Request::get(path)
            .header("host", "gateway.test")
            .header("authorization", &self.token)
            .body(Empty::new())
            .expect("a request");
        sender.ready().await.expect("the connection is kept");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body: Incoming = response.into_body();
        answer(status, body).await
    }
}

async fn answer<B>(status: u16, body: B) -> Answer
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let body = body.collect().await.expect("a whole answer").to_bytes();
    let body = String::from_utf8(body.into()).expect("text");
    Answer {
        status,
        body: without_request(without_time(body)),
    }
}

/// The body without how long the query took, which Loki tells at its end, and without what it read in
/// each second of that.
fn without_time(mut body: String) -> String {
    const NAMES: [&str; 3] = [
        r#""bytesProcessedPerSecond":"#,
        r#""linesProcessedPerSecond":"#,
        r#""execTime":"#,
    ];
    for name in NAMES {
        if let Some(at) = body.rfind(name) {
            let from = at + name.len();
            let to = body[from..].find(',').map_or(body.len(), |to| from + to);
            body.replace_range(from..to, "0");
        }
    }
    body
}

/// The body without the id of the request, which the gateway tells where the backend has failed.
fn without_request(mut body: String) -> String {
    let ends = |from: usize| Some((from, from + body.get(from..)?.find(')')? + 1));
    if let Some((from, to)) = body.find(" (request ").and_then(ends) {
        body.replace_range(from..to, "");
    }
    body
}

impl Answer {
    /// The answer without where in the query its warnings and infos point: the scoped text is longer.
    pub(crate) fn without_places(&self) -> Self {
        let notes = ["\"warnings\":[", "\"infos\":["];
        let from = notes.iter().filter_map(|notes| self.body.find(notes)).min();
        let (data, notes) = self.body.split_at(from.unwrap_or(self.body.len()));
        let mut body = data.to_owned();
        for (at, piece) in notes.split(" (").enumerate() {
            let rest = piece.split_once(')').filter(|(place, _)| {
                let is_place = |byte: u8| byte.is_ascii_digit() || byte == b':';
                at > 0 && place.contains(':') && place.bytes().all(is_place)
            });
            match rest {
                Some((_, rest)) => body.push_str(rest),
                None if at > 0 => body.extend([" (", piece]),
                None => body.push_str(piece),
            }
        }
        Self {
            status: self.status,
            body,
        }
    }
}

/// What the gateway adds to every selector.
pub(crate) fn the_resource() -> Matcher {
    Matcher::equal(RESOURCE, MINE)
}
