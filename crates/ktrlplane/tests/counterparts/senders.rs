//! Real senders through the gateway: here Prometheus, below those of `PyPI` and what Fluent Bit sends.

mod fluent_bit;
mod loki_client;
mod opentelemetry;
mod stored;

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::gateway::Gateway;
use crate::http::{RUNTIME, get, post_json, with_query};
use crate::issuer::AUDIENCE;
use crate::process::{PATIENCE, free_port};
use crate::prometheus::Prometheus;
use crate::world::{PROJECT, RESOURCE, World};

type Forward = (Client<HttpConnector, Body>, String);

/// Gives a Prometheus the path at which Mimir takes remote write. Answers where it listens.
fn as_mimir(prometheus: &Prometheus) -> String {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let state: Forward = (client, prometheus.url.clone());
    let router = Router::new().fallback(pass).with_state(state);
    RUNTIME.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    })
}

async fn pass(State((client, url)): State<Forward>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path == "/api/v1/push" {
        "/prometheus/api/v1/write"
    } else {
        path
    };
    head.uri = format!("{url}{path}").parse().expect("a URL");
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let answer = client.request(Request::from_parts(head, body.into())).await;
    answer.map_or_else(
        |error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        |answer| answer.map(Body::new),
    )
}

/// The configuration of a Prometheus that scrapes itself and sends that, claiming for some of its
/// series that they are another resource's. It gets its tokens itself, as `docs/sending.md` says.
fn sender(world: &World, port: u16, gateway: &str, client: &str) -> String {
    let secret = world.path().join(format!("{client}-secret"));
    std::fs::write(&secret, format!("{client}-secret")).expect("a file");
    let (secret, issuer) = (secret.display(), &world.issuer.url);
    format!(
        r#"
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: self
    metrics_path: /prometheus/metrics
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: "go_.*", target_label: resource_id, replacement: shop-db}}
remote_write:
  - url: {gateway}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/prometheus/api/v1/write
    oauth2:
      client_id: {client}
      client_secret_file: {secret}
      token_url: {issuer}/token
      scopes: [observe]
      endpoint_params: {{resource: "{AUDIENCE}"}}
    metadata_config: {{send_interval: 1s}}
    send_exemplars: true
    send_native_histograms: true
    queue_config: {{retry_on_http_429: true, batch_send_deadline: 1s, min_backoff: 50ms, max_backoff: 100ms}}
"#
    )
}

/// The value of the first sample of a query's answer.
fn value(url: &str, query: &str, token: Option<&str>) -> Option<(String, String)> {
    let answer = get(&with_query(url, &[("query", query)]), token).expect(200);
    let first = &answer.json()["data"]["result"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    first["value"][1].is_string().then(|| {
        (
            text(&first["metric"]["resource_id"]),
            text(&first["value"][1]),
        )
    })
}

/// Waits for it; shows the gateway's log where it does not come.
#[track_caller]
fn until(gateway: &Gateway, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "{}", gateway.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_prometheus_sends_is_the_resources_and_nobody_elses() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(receiver) = Prometheus::with_config(world.path(), free_port(), "") else {
        return;
    };
    let mimir = as_mimir(&receiver);
    let gateway = world.gateway(None, Some(&mimir));
    let stored = format!("{}/prometheus/api/v1/query", receiver.url);

    let victor = world.issuer.token("victor");
    let send = |client: &str| {
        let port = free_port();
        let config = sender(&world, port, &gateway.url, client);
        Prometheus::with_config(world.path(), port, &config)
    };

    // Who may only read writes nothing.
    let refused = send("robot");
    until(&gateway, || gateway.log().contains("status=403"));
    drop(refused);
    assert_eq!(value(&stored, "count({__name__=~\".+\"})", None), None);

    let sender = send("sender");
    let through = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/prometheus/api/v1/query",
        gateway.url
    );
    let all = "count by (resource_id) ({__name__=~\".+\"})";
    until(&gateway, || {
        value(&through, "count(go_goroutines)", Some(&victor)).is_some()
    });
    // All that is stored is the resource's, and all of that is read. Nothing more comes meanwhile.
    drop(sender);
    let (resource, count) = value(&stored, all, None).expect("series");
    assert_eq!(resource, RESOURCE);
    assert_eq!(
        value(&through, all, Some(&victor)),
        Some((RESOURCE.to_owned(), count))
    );
    assert!(
        value(
            &stored,
            "count({__name__=~\".+\", resource_id!=\"shop-api\"})",
            None
        )
        .is_none()
    );
    // Counted, with the sender's name nowhere in the log.
    assert!(gateway.log().contains("replaced"), "{}", gateway.log());
}

#[test]
fn what_prometheus_sends_to_the_embedded_backend_is_read_from_it() {
    let Some(mut world) = World::new() else {
        return;
    };
    let gateway = world.gateway(None, Some("embedded:"));
    let victor = world.issuer.token("victor");
    let port = free_port();
    let config = sender(&world, port, &gateway.url, "sender");
    let Some(_sender) = Prometheus::with_config(world.path(), port, &config) else {
        return;
    };
    let base = |resource: &str| {
        format!(
            "{}/api/v1/projects/{PROJECT}/resources/{resource}/prometheus/api/v1",
            gateway.url
        )
    };
    let ask = |resource: &str, query: &str| {
        let url = format!("{}/query", base(resource));
        value(&url, query, Some(&victor))
    };
    // What claims to be the neighbour's is there, is the resource's, and counts on.
    until(&gateway, || {
        ask(RESOURCE, "changes(go_memstats_alloc_bytes_total[1m]) > 2").is_some()
    });
    let (resource, _) = ask(RESOURCE, "go_goroutines").expect("a sample");
    assert_eq!(resource, RESOURCE);
    let foreign = "count({__name__=~\".+\", resource_id!=\"shop-api\"})";
    assert_eq!(ask(RESOURCE, foreign), None);
    assert_eq!(ask("shop-db", "count({__name__=~\".+\"})"), None);
    let all = "count(count by (job) ({__name__=~\".+\"}))";
    assert_eq!(
        ask(RESOURCE, all).map(|found| found.1),
        Some("1".to_owned())
    );
    // Metadata go separately.
    until(&gateway, || {
        let url = format!("{}/metadata?metric=go_goroutines", base(RESOURCE));
        let answer = get(&url, Some(&victor)).expect(200).json();
        answer["data"]["go_goroutines"][0]["type"] == "gauge"
    });
}

#[test]
fn a_line_that_is_pushed_to_the_embedded_backend_is_read_from_it() {
    let Some(mut world) = World::new() else {
        return;
    };
    let gateway = world.gateway(Some("embedded:"), None);
    let (alice, victor) = (world.issuer.token("alice"), world.issuer.token("victor"));
    let base = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}",
        gateway.url
    );
    let now = jiff::Timestamp::now().as_nanosecond();
    let push = serde_json::json!({"streams": [{
        "stream": {"app": "x", "resource_id": "shop-db"},
        "values": [[now.to_string(), "a line"]],
    }]});
    let url = format!("{base}/loki/api/v1/push");
    post_json(&url, &victor, &push.to_string()).expect(403);
    post_json(&url, &alice, &push.to_string()).expect(204);
    let answer = get(&format!("{base}/logs"), Some(&victor)).expect(200);
    let streams = &answer.json()["data"]["result"];
    assert_eq!(streams[0]["stream"]["resource_id"], RESOURCE, "{streams}");
    assert_eq!(streams[0]["values"][0][1], "a line");
    assert_eq!(streams.as_array().map(Vec::len), Some(1));
}
