//! `tail` of Loki, over real connections.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;

type Socket = WebSocketStream<TcpStream>;

const SOON: Duration = Duration::from_secs(10);

fn push(backend: &Backend, tenant: &str, app: &str, lines: &[(i64, &str)]) {
    let entry = |(time, line): &(i64, &str)| LogEntry {
        timestamp_ns: *time,
        line: (*line).to_owned(),
        structured_metadata: Vec::new(),
    };
    let stream = LogStream {
        labels: pairs(&[("app", app)]),
        entries: lines.iter().map(entry).collect(),
    };
    backend.push_logs(tenant, vec![stream]).unwrap();
}

async fn listen(backend: &Backend) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = backend.router(None);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Opens a tail of `{app="web"}` and what else `parameters` say, or tells the refusal.
async fn open(backend: &Backend, parameters: &str) -> Result<Socket, (u16, String)> {
    open_with(backend, parameters, None).await
}

/// Likewise, with flags for how lines are to be encoded.
async fn open_with(
    backend: &Backend,
    parameters: &str,
    flags: Option<&str>,
) -> Result<Socket, (u16, String)> {
    open_at(listen(backend).await, "acme", parameters, flags).await
}

/// Likewise, where somebody listens already.
async fn open_at(
    address: std::net::SocketAddr,
    tenant: &str,
    parameters: &str,
    flags: Option<&str>,
) -> Result<Socket, (u16, String)> {
    let query = "query=%7Bapp%3D%22web%22%7D";
    let parameters = if parameters.contains("query=") {
        parameters.to_owned()
    } else {
        format!("{query}&{parameters}")
    };
    let mut request = format!("ws://{address}/loki/api/v1/tail?{parameters}")
        .into_client_request()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert("X-Scope-OrgID", tenant.parse().unwrap());
    if let Some(flags) = flags {
        headers.insert("X-Loki-Response-Encoding-Flags", flags.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            Err((response.status().as_u16(), String::from_utf8(body).unwrap()))
        }
        Err(error) => panic!("{error}"),
    }
}

/// The next frame of text.
async fn frame(socket: &mut Socket) -> Value {
    let next = async {
        loop {
            let message = socket.next().await.unwrap();
            if let Message::Text(text) = message.unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    };
    timeout(SOON, next).await.unwrap()
}

#[tokio::test]
async fn a_tail_begins_with_the_newest_lines_there_are_and_goes_on_with_those_to_come() {
    let backend = backend();
    push(
        &backend,
        "acme",
        "web",
        &[(NOW - 3, "a"), (NOW - 2, "b"), (NOW - 1, "c")],
    );
    push(&backend, "globex", "web", &[(NOW - 1, "of another")]);
    let mut socket = open(&backend, "limit=2").await.unwrap();
    let time = |before: i64| (NOW - before).to_string();
    let wanted = json!({"streams": [{"stream": {"app": "web"}, "values": [[time(2), "b"], [time(1), "c"]]}]});
    assert_eq!(frame(&mut socket).await, wanted);
    // Another tenant's, another stream's, and one that is there already: none of them comes.
    push(&backend, "globex", "web", &[(NOW, "of another")]);
    push(&backend, "acme", "db", &[(NOW, "of another")]);
    push(&backend, "acme", "web", &[(NOW - 1, "c")]);
    push(&backend, "acme", "web", &[(NOW, "d")]);
    let wanted = json!({"streams": [{"stream": {"app": "web"}, "values": [[time(0), "d"]]}]});
    assert_eq!(frame(&mut socket).await, wanted);
}

#[tokio::test]
async fn lines_go_through_the_pipeline_before_and_after() {
    let backend = backend();
    push(
        &backend,
        "acme",
        "web",
        &[(NOW - 2, "status=200"), (NOW - 1, "status=500")],
    );
    let query = "query=%7Bapp%3D%22web%22%7D%20%7C%20logfmt%20%7C%20status%3E%3D500%20%7C%20line_format%20%22!%22";
    let mut socket = open(&backend, query).await.unwrap();
    let labels = json!({"app": "web", "status": "500"});
    assert_eq!(frame(&mut socket).await["streams"][0]["stream"], labels);
    push(
        &backend,
        "acme",
        "web",
        &[(NOW, "status=404"), (NOW, "status=503")],
    );
    let live = frame(&mut socket).await;
    let labels = json!({"app": "web", "status": "503"});
    assert_eq!(live["streams"][0]["stream"], labels);
    assert_eq!(live["streams"][0]["values"][0][1], "!");
}

#[tokio::test]
async fn a_tail_waits_for_a_tenant_that_has_no_logs_yet() {
    let backend = Backend::with_clock(Limits::default(), Arc::new(|| NOW));
    let mut socket = open(&backend, "").await.unwrap();
    push(&backend, "acme", "web", &[(NOW, "first")]);
    assert_eq!(
        frame(&mut socket).await["streams"][0]["values"][0][1],
        "first"
    );
}

#[tokio::test]
async fn delay_for_lets_late_lines_take_their_place() {
    let backend = backend();
    let mut socket = open(&backend, "delay_for=1").await.unwrap();
    let begun = Instant::now();
    push(&backend, "acme", "web", &[(NOW, "second")]);
    push(&backend, "acme", "web", &[(NOW - 1, "first")]);
    let got = frame(&mut socket).await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let values = &got["streams"][0]["values"];
    assert_eq!(
        (&values[0][1], &values[1][1]),
        (&json!("first"), &json!("second"))
    );
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed() {
    const LINES: usize = 300;
    let limits = Limits {
        tail_buffer: 5,
        ..Limits::default()
    };
    let backend = Backend::with_clock(limits, Arc::new(|| NOW));
    let mut socket = open(&backend, "").await.unwrap();
    let long = "x".repeat(200_000);
    for at in 0..LINES {
        push(
            &backend,
            "acme",
            "web",
            &[(NOW + i64::try_from(at).unwrap(), &long)],
        );
    }
    let (mut lines, mut dropped) = (0, 0);
    let mut last = Instant::now();
    while lines + dropped < LINES {
        assert!(last.elapsed() < SOON, "{lines} and {dropped} of {LINES}");
        let got = frame(&mut socket).await;
        for stream in got["streams"].as_array().unwrap() {
            lines += stream["values"].as_array().unwrap().len();
        }
        for entry in got["dropped_entries"].as_array().into_iter().flatten() {
            assert_eq!(entry["labels"], json!({"app": "web"}));
            assert!(entry["timestamp"].as_str().unwrap().parse::<i64>().unwrap() > NOW);
            dropped += 1;
        }
        last = Instant::now();
    }
    assert!(lines >= 5 && dropped > 0, "{lines} and {dropped}");
    assert_eq!(lines + dropped, LINES);
}

#[tokio::test]
async fn a_tail_ends_when_its_client_goes() {
    let limits = Limits {
        tails_per_tenant: 1,
        ..Limits::default()
    };
    let backend = Backend::with_clock(limits, Arc::new(|| NOW));
    let first = open(&backend, "").await.unwrap();
    let refused = open(&backend, "").await.unwrap_err();
    let wanted = "max concurrent tail requests limit exceeded, count > limit (2 > 1)";
    assert_eq!(refused, (400, wanted.to_owned()));
    drop(first);
    let begun = Instant::now();
    while open(&backend, "").await.is_err() {
        assert!(begun.elapsed() < SOON, "the first tail is still open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A query that takes minutes for one line.
fn heavy() -> String {
    let query = r#"{app="web"} | line_format `{{ $x := repeat 1000000 "a" }}{{ range 90000 }}{{ $y := replace "a" "b" $x }}{{ end }}`"#;
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("query={query}")
}

/// Tries to open a tail until there is a seat for it.
async fn open_soon(address: std::net::SocketAddr, tenant: &str) -> Socket {
    let begun = Instant::now();
    loop {
        match open_at(address, tenant, "", None).await {
            Ok(socket) => return socket,
            Err(refused) => assert!(begun.elapsed() < SOON, "{refused:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_tail_has_its_seat_until_its_work_ends_which_is_soon_after_its_client_goes() {
    let limits = Limits {
        tails: 1,
        tail_line_timeout: Duration::from_mins(10),
        ..Limits::default()
    };
    let backend = Backend::with_clock(limits, Arc::new(|| NOW));
    let address = listen(&backend).await;
    let first = open_at(address, "acme", &heavy(), None).await.unwrap();
    // Tails of all tenants count together.
    let (status, why) = open_at(address, "globex", "", None).await.unwrap_err();
    assert_eq!(
        (status, why.as_str()),
        (429, "too many outstanding requests")
    );
    push(&backend, "acme", "web", &[(NOW, "x")]);
    drop(first);
    open_soon(address, "globex").await;
}

#[tokio::test]
async fn tails_that_work_wait_for_each_other() {
    let limits = Limits {
        concurrent_queries: 2,
        tail_line_timeout: Duration::from_mins(10),
        ..Limits::default()
    };
    let backend = Backend::with_clock(limits, Arc::new(|| NOW));
    let address = listen(&backend).await;
    let busy = open_at(address, "acme", &heavy(), None).await.unwrap();
    let mut patient = open_at(address, "globex", "", None).await.unwrap();
    push(&backend, "acme", "web", &[(NOW, "x")]);
    push(&backend, "globex", "web", &[(NOW, "x")]);
    drop(busy);
    let got = frame(&mut patient).await;
    assert_eq!(got["streams"][0]["values"][0][1], "x");
}

#[tokio::test]
async fn a_line_that_takes_too_long_ends_the_tail_with_a_sentence() {
    let limits = Limits {
        tail_line_timeout: Duration::from_millis(1),
        ..Limits::default()
    };
    let backend = Backend::with_clock(limits, Arc::new(|| NOW));
    let address = listen(&backend).await;
    let mut socket = open_at(address, "acme", &heavy(), None).await.unwrap();
    push(&backend, "acme", "web", &[(NOW, "x")]);
    let farewell = loop {
        let message = timeout(SOON, socket.next()).await.unwrap().unwrap();
        if let Message::Close(farewell) = message.unwrap() {
            break farewell.unwrap();
        }
    };
    assert_eq!(
        farewell.reason.as_str(),
        "a line took the query longer than 1ms; the tail is over"
    );
    open_soon(address, "acme").await;
}

#[tokio::test]
async fn a_farewell_is_answered() {
    let backend = backend();
    let mut socket = open(&backend, "").await.unwrap();
    socket.close(None).await.unwrap();
    while let Some(message) = timeout(SOON, socket.next()).await.unwrap() {
        assert!(!message.unwrap().is_text());
    }
}

#[tokio::test]
async fn a_quiet_tail_pings() {
    let backend = backend();
    let mut socket = open(&backend, "").await.unwrap();
    for _ in 0..2 {
        let message = timeout(SOON, socket.next()).await.unwrap().unwrap();
        assert!(message.unwrap().is_ping());
    }
}

#[tokio::test]
async fn what_cannot_be_tailed_is_refused_before_the_upgrade() {
    let backend = backend();
    let metric = "query=rate(%7Bapp%3D%22web%22%7D%5B1m%5D)";
    for (parameters, error) in [
        (metric, "only log selector is supported"),
        ("query=%7B", "parse error"),
        (
            "query=%7Ba%3D%22b%22%7D%7C%20regexp%20%22x%22",
            "parse error",
        ),
        ("delay_for=6", "delay_for can't be greater than 5"),
        ("delay_for=-1", "delay_for value -1 is out of range"),
        ("limit=0", "limit must be a positive value"),
        ("limit=5001", "max entries limit per query exceeded"),
        ("start=x", "could not parse 'start' parameter"),
    ] {
        let (status, body) = open(&backend, parameters).await.unwrap_err();
        assert_eq!(status, 400, "{body}");
        assert!(body.starts_with(error), "{body}");
    }
    let (status, body) = get("acme", "/loki/api/v1/tail?query=%7Bapp%3D%22web%22%7D").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body, "the client is not using the websocket protocol");
}

#[tokio::test]
async fn labels_come_by_category_before_and_after_when_they_are_asked_for_so() {
    let backend = backend();
    push(&backend, "acme", "web", &[(NOW - 1, "status=500")]);
    let query = "query=%7Bapp%3D%22web%22%7D%20%7C%20logfmt";
    let flags = Some("categorize-labels");
    let mut socket = open_with(&backend, query, flags).await.unwrap();
    let wanted = |before: i64, status: &str| {
        let own = json!({"parsed": {"status": status}});
        let line = json!([(NOW - before).to_string(), format!("status={status}"), own]);
        json!({
            "streams": [{"stream": {"app": "web"}, "values": [line]}],
            "encodingFlags": ["categorize-labels"],
        })
    };
    assert_eq!(frame(&mut socket).await, wanted(1, "500"));
    push(&backend, "acme", "web", &[(NOW, "status=200")]);
    assert_eq!(frame(&mut socket).await, wanted(0, "200"));
}
