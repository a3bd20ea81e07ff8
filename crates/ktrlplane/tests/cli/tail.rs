//! Live tails of the demo's embedded backend, over TCP and through the gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::tempdir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::harness::{PATIENCE, demo, get, token};

const SHOP_API: &str = "/api/v1/projects/acme-shop/resources/shop-api";

/// How often each line was seen, by its time.
type Lines = BTreeMap<(i64, String), u32>;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// Adds the lines of `{"streams":[…]}`; all are the resource's.
fn add(streams: &Value, lines: &mut Lines) {
    for stream in streams.as_array().unwrap() {
        assert_eq!(stream["stream"]["resource_id"], "shop-api");
        for entry in stream["values"].as_array().unwrap() {
            let time = entry[0].as_str().unwrap().parse().unwrap();
            let line = entry[1].as_str().unwrap().to_owned();
            *lines.entry((time, line)).or_default() += 1;
        }
    }
}

#[test]
fn a_websocket_tails_the_resource_and_nothing_of_its_neighbour() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let address = address(told["url"].as_str().unwrap());
    let query = "%7Bresource_id%3D~%22.%2B%22%7D";
    let url = format!("ws://{address}{SHOP_API}/loki/api/v1/tail?query={query}&limit=5");
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {}", token(&told, "victor"));
    request
        .headers_mut()
        .insert("authorization", bearer.parse().unwrap());
    let tail = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut socket, _) = client_async(request, stream).await.unwrap();
        let mut lines = Lines::new();
        // Five from before, and some that are logged now.
        while lines.len() < 8 {
            let message = socket.next().await.unwrap().unwrap();
            if message.is_text() {
                let frame: Value = serde_json::from_slice(&message.into_data()).unwrap();
                add(&frame["streams"], &mut lines);
            }
        }
        socket.close(None).await.unwrap();
    };
    runtime().block_on(async { timeout(PATIENCE, tail).await.unwrap() });
}

/// Reads events until they hold `most` lines more; the last id.
async fn read(
    address: SocketAddr,
    token: &str,
    id: Option<&str>,
    most: usize,
    all: &mut Lines,
) -> String {
    let mut request = hyper::Request::get(format!("{SHOP_API}/logs/tail?limit=3"))
        .header("host", "gateway")
        .header("authorization", format!("Bearer {token}"));
    if let Some(id) = id {
        request = request.header("last-event-id", id);
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let (mut text, mut last, before) = (String::new(), None, all.len());
    while all.len() < before + most {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            if let Some((id, data)) = event
                .strip_prefix("id: ")
                .and_then(|event| event.split_once("\ndata: "))
            {
                let frame: Value = serde_json::from_str(data).unwrap();
                add(&frame["streams"], all);
                last = Some(id.to_owned());
            }
        }
    }
    last.unwrap()
}

#[test]
fn events_go_on_after_a_pause_without_a_gap_and_without_a_line_twice() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let token = token(&told, "victor");
    let mut lines = Lines::new();
    let tail = async {
        let mut id = read(address(url), token, None, 6, &mut lines).await;
        for _ in 0..4 {
            // Long enough for lines to be missed.
            tokio::time::sleep(Duration::from_millis(2500)).await;
            id = read(address(url), token, Some(&id), 4, &mut lines).await;
        }
    };
    runtime().block_on(async { timeout(PATIENCE, tail).await.unwrap() });
    let first = lines.first_key_value().unwrap().0.0;
    let last = lines.last_key_value().unwrap().0.0;
    // The demo ships five seconds of each stream at a time, and the last reading stopped somewhere in
    // that. Before it, all that was logged was seen once; at the borders, lines may share a time.
    let end = last - 6_000_000_000;
    let parameters = [
        ("start", (first + 1).to_string()),
        ("end", end.to_string()),
        ("limit", "5000".to_owned()),
    ];
    let (status, answer) = get(url, &format!("{SHOP_API}/logs"), Some(token), &parameters);
    assert_eq!(status, 200, "{answer}");
    let mut logged = Lines::new();
    add(&answer["data"]["result"], &mut logged);
    assert!(logged.len() > 10, "{logged:?}");
    let twice: Vec<_> = lines.iter().filter(|(_, times)| **times > 1).collect();
    assert_eq!(twice, []);
    let missing: Vec<_> = logged
        .keys()
        .filter(|line| !lines.contains_key(line))
        .collect();
    assert_eq!(missing, Vec::<&(i64, String)>::new());
}
