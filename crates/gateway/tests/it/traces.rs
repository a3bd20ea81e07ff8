//! Traces, as a receiver of OTLP gets them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use gateway::TraceSettings;
use http::{HeaderMap, StatusCode};
use prost::Message;

use crate::harness::client::Ask;
use crate::harness::{LOGS, World, eventually, log, nobody};

/// A caller's span.
const CALLERS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CALLERS_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLERS_SPAN: &str = "b7ad6b7169203331";
/// The same, of which the caller wants none.
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

// What is read of `opentelemetry/proto/collector/trace/v1/trace_service.proto`.

#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(int64, tag = "3")]
    number: i64,
}

/// A receiver on loopback.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Bytes>>>);

async fn taken(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    receiver.0.lock().unwrap().push(body);
    StatusCode::OK
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let router = Router::new().route("/v1/traces", axum::routing::post(taken));
        let router = router.with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn exports(&self) -> Vec<Export> {
        let bodies = self.0.lock().unwrap();
        let exports = bodies.iter().map(|body| Export::decode(body.clone()));
        exports.map(Result::unwrap).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let of_resources = self
            .exports()
            .into_iter()
            .flat_map(|all| all.resource_spans);
        let scopes = of_resources.flat_map(|spans| spans.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The span of this name, when it has come.
    async fn span(&self, name: &str) -> Span {
        eventually(async || self.spans().iter().any(|span| span.name == name)).await;
        self.spans()
            .into_iter()
            .find(|span| span.name == name)
            .unwrap()
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn attribute(attributes: &[KeyValue], key: &str) -> Value {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.unwrap().value.clone().unwrap()
}

async fn world(url: &str, ratio: f64) -> World {
    World::with(|settings| {
        settings.traces = Some(TraceSettings::new(url.parse().unwrap(), ratio));
        settings.metrics = Some("127.0.0.1:0".parse().unwrap());
    })
    .await
}

async fn counted(world: &World, result: &str) -> u64 {
    let at = world.server.metrics_addr().unwrap();
    let text = Ask::new(at, "/metrics").send().await.body;
    let name = format!("ktrlplane_trace_spans_total{{result=\"{result}\"}} ");
    let found = text.lines().find_map(|line| line.strip_prefix(&name));
    found.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_below_its_caller_s_and_above_its_steps_and_the_backend_s() {
    let (receiver, url) = Receiver::start().await;
    log::start();
    let world = world(&url, 0.0).await;
    let ask = world.ask(LOGS).token(&world.token("victor"));
    let ask = ask
        .header("traceparent", CALLERS)
        .header("tracestate", "vendor=1");
    assert_eq!(ask.send().await.status, 200);
    let server = receiver.span("logs").await;
    assert_eq!(hex(&server.trace_id), CALLERS_TRACE);
    assert_eq!(hex(&server.parent_span_id), CALLERS_SPAN);
    // That of a server.
    assert_eq!(server.kind, 2);
    let said = |key| attribute(&server.attributes, key);
    assert_eq!(said("ktrlplane.route").text, "logs");
    assert_eq!(said("ktrlplane.project").text, "acme-shop");
    assert_eq!(said("ktrlplane.resource").text, "shop-api");
    assert_eq!(said("http.response.status_code").number, 200);
    for (name, kind) in [
        ("authenticate", 1),
        ("authorize", 1),
        ("scope", 1),
        ("upstream", 3),
    ] {
        let step = receiver.span(name).await;
        assert_eq!(step.parent_span_id, server.id, "{name}");
        assert_eq!(step.trace_id, server.trace_id, "{name}");
        assert_eq!(step.kind, kind, "{name}");
    }
    let upstream = world.loki.last();
    let passed = format!("00-{CALLERS_TRACE}-{}-01", hex(&server.id));
    assert_eq!(upstream.header("traceparent"), Some(passed.as_str()));
    assert_eq!(upstream.header("tracestate"), Some("vendor=1"));
    // As is its line in the log.
    let logged = log::line(&["\"answered\"", "\"trace_id\"", CALLERS_TRACE]);
    assert!(logged.is_some());
    let exports = receiver.exports();
    let resource = exports[0].resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(
        attribute(&resource.attributes, "service.name").text,
        "ktrlplane"
    );
    let version = attribute(&resource.attributes, "service.version").text;
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_trace_begins_one_and_one_who_wants_none_has_none() {
    let (receiver, url) = Receiver::start().await;
    let world = world(&url, 1.0).await;
    let token = world.token("victor");
    let unsampled = world
        .ask(LOGS)
        .token(&token)
        .header("traceparent", UNSAMPLED);
    assert_eq!(unsampled.send().await.status, 200);
    // The backend is told the same.
    let passed = world.loki.last().header("traceparent").unwrap().to_owned();
    assert!(passed.starts_with(&format!("00-{CALLERS_TRACE}-")) && passed.ends_with("-00"));
    // What is no trace, or two, is none; what claims to belong to it goes no further.
    let two = world.ask("/openapi.json").header("traceparent", CALLERS);
    let two = two.header("traceparent", CALLERS);
    assert_eq!(two.send().await.status, 200);
    let broken = world
        .ask(LOGS)
        .token(&token)
        .header("traceparent", "nonsense");
    assert_eq!(broken.header("tracestate", "a=b").send().await.status, 200);
    assert_eq!(world.loki.last().header("tracestate"), None);
    let (document, logs) = (receiver.span("openapi").await, receiver.span("logs").await);
    for span in [document, logs] {
        assert_ne!(hex(&span.trace_id), CALLERS_TRACE);
        assert!(span.parent_span_id.is_empty());
    }
    let spans = receiver.spans();
    assert!(
        spans
            .iter()
            .all(|span| hex(&span.trace_id) != CALLERS_TRACE)
    );
}

/// A stranger's flag would otherwise have every request of theirs sent, and others' dropped for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_decides_nothing_and_no_probe_is_traced() {
    let (receiver, url) = Receiver::start().await;
    let world = world(&url, 0.0).await;
    for (path, status) in [
        (LOGS, 401),
        ("/livez", 200),
        ("/openapi.json", 200),
        ("/x", 404),
    ] {
        let ask = world.ask(path).header("traceparent", CALLERS);
        assert_eq!(ask.send().await.status, status, "{path}");
    }
    let forged = world
        .ask(LOGS)
        .token("forged")
        .header("traceparent", CALLERS);
    assert_eq!(forged.send().await.status, 401);
    // Spans go out in their order: what comes behind them shows that they do not.
    let known = world.ask(LOGS).token(&world.token("victor"));
    let known = known.header("traceparent", CALLERS);
    assert_eq!(known.send().await.status, 200);
    receiver.span("logs").await;
    let servers = |spans: Vec<Span>| spans.into_iter().filter(|span| span.kind == 2).count();
    assert_eq!(servers(receiver.spans()), 1);
    // Nor do probes where everything is traced.
    let (receiver, url) = Receiver::start().await;
    let everything = self::world(&url, 1.0).await;
    assert_eq!(everything.ask("/livez").send().await.status, 200);
    assert_eq!(everything.ask(LOGS).send().await.status, 401);
    receiver.span("logs").await;
    assert_eq!(servers(receiver.spans()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_callers_do_not_decide_their_spans_are_parents_all_the_same() {
    let (receiver, url) = Receiver::start().await;
    for (ratio, flags) in [(1.0, "01"), (0.0, "00")] {
        let world = World::with(|settings| {
            let traces = TraceSettings::new(url.parse().unwrap(), ratio);
            settings.traces = Some(traces.without_callers_decision());
        })
        .await;
        for caller in [CALLERS, UNSAMPLED] {
            let ask = world.ask(LOGS).token(&world.token("victor"));
            assert_eq!(ask.header("traceparent", caller).send().await.status, 200);
            let passed = world.loki.last().header("traceparent").unwrap().to_owned();
            assert!(
                passed.starts_with(&format!("00-{CALLERS_TRACE}-")),
                "{passed}"
            );
            assert!(passed.ends_with(flags), "{passed}");
        }
        world.server.shutdown().await;
    }
    let spans = receiver.spans();
    let servers: Vec<_> = spans.iter().filter(|span| span.kind == 2).collect();
    assert_eq!(servers.len(), 2);
    assert!(
        servers
            .iter()
            .all(|span| hex(&span.parent_span_id) == CALLERS_SPAN)
    );
}

/// Spans wait by number: what a caller writes has to have no part in how large they are.
#[tokio::test(flavor = "multi_thread")]
async fn no_span_holds_the_state_of_a_callers_trace() {
    let (receiver, url) = Receiver::start().await;
    let world = world(&url, 1.0).await;
    let (short, long) = (
        "vendor=secret".to_owned(),
        format!("a={}", "secret".repeat(2000)),
    );
    for (state, passed) in [(&short, Some(short.as_str())), (&long, None)] {
        let ask = world.ask(LOGS).token(&world.token("victor"));
        let ask = ask
            .header("traceparent", CALLERS)
            .header("tracestate", state);
        assert_eq!(ask.send().await.status, 200);
        assert_eq!(world.loki.last().header("tracestate"), passed);
    }
    world.server.shutdown().await;
    let bodies = receiver.0.lock().unwrap();
    assert!(!bodies.is_empty());
    let told = bodies
        .iter()
        .any(|body| String::from_utf8_lossy(body).contains("secret"));
    assert!(!told);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_span_holds_a_token_a_subject_a_query_or_what_a_stranger_names() {
    let (receiver, url) = Receiver::start().await;
    let world = world(&url, 1.0).await;
    let token = world.token("victor");
    let secret = format!("{LOGS}?query=%7Bapp%3D%22secret-query%22%7D&secret-name=secret-value");
    assert_eq!(world.ask(&secret).token(&token).send().await.status, 200);
    let wrong = format!("{LOGS}?query=secret-query");
    assert_eq!(world.ask(&wrong).token(&token).send().await.status, 400);
    let strangers = "/api/v1/projects/secret-project/resources/secret-resource/logs";
    assert_eq!(world.get("mallory", strangers).await.status, 403);
    assert_eq!(world.get("mallory", "/secret-path").await.status, 404);
    eventually(async || {
        let spans = receiver.spans();
        let servers = spans.iter().filter(|span| span.kind == 2);
        servers.count() == 4
    })
    .await;
    for body in receiver.0.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(body);
        for word in ["secret", "victor", "mallory", &token] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_takes_them_spans_are_counted_and_requests_are_answered() {
    let (_socket, url) = nobody();
    let world = world(&url, 1.0).await;
    for _ in 0..3 {
        assert_eq!(world.get("victor", LOGS).await.status, 200);
    }
    eventually(async || counted(&world, "failed").await >= 15).await;
    assert_eq!(counted(&world, "sent").await, 0);
    assert_eq!(counted(&world, "dropped").await, 0);
    world.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_are_sent_before_the_gateway_ends() {
    let (receiver, url) = Receiver::start().await;
    let world = world(&url, 1.0).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    world.server.shutdown().await;
    let spans = receiver.spans();
    assert!(spans.iter().any(|span| span.name == "logs"), "{spans:?}");
}
