//! What only raw bytes can say.

use std::io::{Read, Write};

use crate::harness::client::raw;
use crate::harness::{LOGS, World};

/// A request line and these header lines, with a token that may read.
fn request(world: &World, line: &str, headers: &str) -> String {
    let token = world.token("victor");
    format!("{line} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
}

async fn status(world: &World, bytes: &str) -> u16 {
    let answer = raw(world.server.local_addr(), bytes).await;
    answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or_default()
}

/// What `curl -g` and browsers leave unescaped. A bare `"` is no part of a URL (RFC 3986) and is
/// refused by the HTTP library.
#[tokio::test(flavor = "multi_thread")]
async fn braces_need_no_escapes_in_a_url_and_quotes_do() {
    let world = World::new().await;
    let line = format!("GET {LOGS}?query={{level=%22error%22}}&limit=100");
    assert_eq!(
        status(&world, &request(&world, &line, "connection: close\r\n")).await,
        200
    );
    let query = world.loki.last().parameter("query").unwrap();
    assert!(query.contains(r#"level="error""#), "{query}");
    let line = format!("GET {LOGS}?query={{level=\"error\"}}&limit=100");
    assert_eq!(
        status(&world, &request(&world, &line, "connection: close\r\n")).await,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_14_no_protocol_is_switched() {
    let world = World::new().await;
    for headers in [
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let bytes = request(&world, &format!("GET {LOGS}"), headers);
        assert_eq!(status(&world, &bytes).await, 200);
        let sent = world.loki.last();
        assert_eq!(
            (sent.header("upgrade"), sent.header("connection")),
            (None, None)
        );
    }
    // HTTP/2 with prior knowledge, and tunnels.
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_ne!(status(&world, preface).await, 200);
    let tunnel = "CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: 127.0.0.1:80\r\n\r\n";
    assert_eq!(status(&world, tunnel).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_15_a_path_with_tricks_is_unknown_whoever_asks() {
    let world = World::new().await;
    let resource = "/api/v1/projects/acme-shop/resources/shop-api";
    for path in [
        format!("{resource}/../../../globex-iot/resources/iot-graph/logs"),
        format!("{resource}/%2e%2e/shop-db/logs"),
        format!("{resource}/%2E%2E%2Flogs"),
        format!("{resource}%2flogs"),
        format!("{resource}%252flogs"),
        format!("{resource}//logs"),
        format!("/{LOGS}"),
        format!("{LOGS}/"),
        format!("{LOGS};a=b"),
        format!("{LOGS}%00"),
        format!("{LOGS}%3Fquery=x"),
        format!("{resource}\\logs"),
        LOGS.replace("shop-api", "shop%2dapi"),
        LOGS.replace("acme-shop", "acme-shop%7cacme-lab"),
        LOGS.replace("acme-shop", ".."),
        LOGS.replace("/api/", "/API/"),
    ] {
        let bytes = request(&world, &format!("GET {path}"), "connection: close\r\n");
        let status = status(&world, &bytes).await;
        // What is no URI at all is the library's 400.
        assert!(
            status == 404 || (status == 400 && path.contains('\\')),
            "{path}: {status}"
        );
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_a_request_decides_nothing() {
    let world = World::new().await;
    let line = format!("GET http://loki.internal:3100{LOGS}");
    assert_eq!(
        status(&world, &request(&world, &line, "connection: close\r\n")).await,
        200
    );
    assert!(
        world
            .loki
            .last()
            .header("host")
            .unwrap()
            .starts_with("127.0.0.1:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_17_a_request_with_a_body_is_refused_and_nothing_after_it_is_read() {
    let world = World::new().await;
    let line = format!("GET {LOGS}");
    let smuggled = request(&world, &format!("GET {LOGS}?limit=7"), "");
    for (headers, body) in [
        ("content-length: 5\r\n", "hello".to_owned()),
        (
            "transfer-encoding: chunked\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "content-length: 4\r\ntransfer-encoding: chunked\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "content-length: 5\r\ncontent-length: 6\r\n",
            format!("hello{smuggled}"),
        ),
        (
            "content-length: 0\r\ncontent-length: 6\r\n",
            smuggled.clone(),
        ),
        ("transfer-encoding: identity\r\n", smuggled.clone()),
        ("transfer-encoding: chunked, identity\r\n", smuggled.clone()),
        ("transfer-encoding : chunked\r\n", smuggled.clone()),
        ("content-length: +5\r\n", format!("hello{smuggled}")),
        ("content-length: 5, 5\r\n", format!("hello{smuggled}")),
        (" folded: x\r\n", smuggled.clone()),
    ] {
        let bytes = request(&world, &line, headers) + &body;
        let answer = raw(world.server.local_addr(), &bytes).await;
        let status = answer.get(9..12).unwrap_or_default();
        assert_eq!(status, "400", "{headers}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{headers}: {answer}"
        );
        assert_eq!(world.forwarded(), 0, "{headers}");
    }
    // A length of nothing is no body.
    let bytes = request(&world, &line, "content-length: 0\r\n");
    assert_eq!(status(&world, &bytes).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_each_decided_on_their_own() {
    let world = World::new().await;
    let with = request(&world, &format!("GET {LOGS}"), "");
    let without = format!("GET {LOGS} HTTP/1.1\r\nhost: gateway\r\n\r\n");
    let answers = raw(world.server.local_addr(), &format!("{with}{without}{with}")).await;
    let statuses: Vec<&str> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(statuses, ["200", "401", "200"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded() {
    let world = World::new().await;
    let long = "x".repeat(70_000);
    let uri = request(&world, &format!("GET {LOGS}?query={long}"), "");
    assert!(matches!(status(&world, &uri).await, 414 | 431));
    let header = request(
        &world,
        &format!("GET {LOGS}"),
        &format!("x-long: {long}\r\n"),
    );
    assert_eq!(status(&world, &header).await, 431);
    let many = "x: y\r\n".repeat(200);
    let headers = request(&world, &format!("GET {LOGS}"), &many);
    assert_eq!(status(&world, &headers).await, 431);
    assert_eq!(world.forwarded(), 0);
}

/// Most clients read no answer before they have sent their request, and a connection that is reset
/// meanwhile has none to read.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_what_is_not_wanted_to_its_end_still_reads_why() {
    let world = World::new().await;
    let length = 24 << 20;
    let push = LOGS.replace("/logs", "/loki/api/v1/push");
    let head = format!(
        "POST {push} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n",
        world.token("erin")
    );
    let address = world.server.local_addr();
    let answer = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(head.as_bytes())?;
        let chunk = vec![b' '; 64 << 10];
        for _ in 0..length / chunk.len() {
            stream.write_all(&chunk)?;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    let answer = answer.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(world.forwarded(), 0);
}
