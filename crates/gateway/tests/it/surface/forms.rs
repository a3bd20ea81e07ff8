//! Bodies: forms are read, bounded; everything else is refused before anything is sent.

use super::RESOURCE;
use crate::harness::World;
use crate::harness::client::raw;

const QUERY: &str = "/api/v1/projects/acme-shop/resources/shop-api/prometheus/api/v1/query";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// A whole answer of the gateway's to raw bytes: its status, the body's `errorType`, and whether
/// the connection was closed so that nothing after it was read.
async fn answer(world: &World, line: &str, headers: &str, body: &str) -> (u16, String) {
    let token = world.token("victor");
    let head = format!(
        "{line} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n{headers}\r\n{body}"
    );
    let answer = raw(world.server.local_addr(), &head).await;
    assert_eq!(
        answer.matches("HTTP/1.1 ").count(),
        1,
        "{headers}: {answer}"
    );
    let status = answer.get(9..12).unwrap_or_default().parse().unwrap_or(0);
    (status, answer)
}

/// As [`answer`], of one that is refused in the one shape and ends the connection.
async fn refused(world: &World, line: &str, headers: &str, body: &str) -> (u16, String) {
    let (status, answer) = answer(world, line, headers, body).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(
        head.to_ascii_lowercase().contains("connection: close"),
        "{headers}: {answer}"
    );
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    assert_eq!(body["status"], "error", "{headers}: {answer}");
    assert_eq!(world.forwarded(), 0, "{headers}");
    (status, body["errorType"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_form_is_a_415() {
    let world = World::new().await;
    let multipart = "--x\r\ncontent-disposition: form-data; name=\"query\"\r\n\r\nup\r\n--x--\r\n";
    for (headers, body) in [
        (
            "content-type: multipart/form-data; boundary=x\r\n",
            multipart,
        ),
        ("content-type: application/json\r\n", r#"{"query":"up"}"#),
        ("content-type: text/plain\r\n", "query=up"),
        (
            "content-type: application/x-www-form-urlencoded-x\r\n",
            "query=up",
        ),
        ("content-type: application/x-protobuf\r\n", "query=up"),
        ("", "query=up"),
        (
            "content-type: application/x-www-form-urlencoded\r\ncontent-type: text/plain\r\n",
            "query=up",
        ),
        (
            "content-type: application/x-www-form-urlencoded\r\ncontent-encoding: gzip\r\n",
            "query=up",
        ),
        (
            "content-type: application/x-www-form-urlencoded\r\ncontent-encoding: identity\r\n",
            "query=up",
        ),
    ] {
        let line = format!("POST {QUERY}");
        let length = format!("{headers}content-length: {}\r\n", body.len());
        let told = refused(&world, &line, &length, body).await;
        assert_eq!(
            told,
            (415, "unsupported_media_type".to_owned()),
            "{headers}"
        );
        let chunked = format!("{headers}transfer-encoding: chunked\r\n");
        let body = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let told = refused(&world, &line, &chunked, &body).await;
        assert_eq!(told.0, 415, "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_says_so_in_any_case_and_with_a_charset() {
    let world = World::new().await;
    for kind in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded",
    ] {
        let headers = format!("content-type: {kind}\r\ncontent-length: 8\r\nconnection: close\r\n");
        let (status, told) = answer(&world, &format!("POST {QUERY}"), &headers, "query=up").await;
        assert_eq!(status, 200, "{kind}: {told}");
        let sent = world.mimir.last().parameter("query").unwrap();
        assert_eq!(sent, r#"up{resource_id="shop-api"}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_over_a_mebibyte_is_a_413_and_the_connection_ends() {
    let world = World::new().await;
    let line = format!("POST {QUERY}");
    let most = 1 << 20;
    let too_large = (413, "too_large".to_owned());
    // By what the head says, without a byte of it being read.
    for length in [(most + 1).to_string(), "99999999999999".to_owned()] {
        let headers = format!("{FORM}content-length: {length}\r\n");
        assert_eq!(
            refused(&world, &line, &headers, "query=up").await,
            too_large
        );
    }
    // By what arrives.
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    let headers = format!("{FORM}transfer-encoding: chunked\r\n");
    let body = format!("8\r\nquery=up\r\n{}", chunk.repeat(17));
    assert_eq!(refused(&world, &line, &headers, &body).await, too_large);
    // The largest that is read: its query is the caller's next problem.
    let form = format!("query=up&x={}", "x".repeat(most - 11));
    let headers = format!("{FORM}content-length: {most}\r\nconnection: close\r\n");
    assert_eq!(answer(&world, &line, &headers, &form).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_17_a_body_where_none_belongs_is_a_400() {
    let world = World::new().await;
    let next = format!("GET {QUERY}?query=up HTTP/1.1\r\nhost: gateway\r\n\r\n");
    for path in [
        "loki/api/v1/query?query=%7B%7D",
        "prometheus/api/v1/query?query=up",
        "prometheus/api/v1/metadata",
        "prometheus/api/v1/status/buildinfo",
    ] {
        let line = format!("GET {RESOURCE}/{path}");
        for (headers, body) in [
            ("content-length: 8\r\n", "query=up".to_owned()),
            ("transfer-encoding: chunked\r\n", format!("0\r\n\r\n{next}")),
        ] {
            let headers = format!("{FORM}{headers}");
            let told = refused(&world, &line, &headers, &body).await;
            assert_eq!(told, (400, "bad_data".to_owned()), "{path} {headers}");
        }
    }
    let line = format!("POST {QUERY}");
    let body = format!("8\r\nquery=up\r\n0\r\n\r\n{next}");
    for headers in [
        "content-length: 8\r\ncontent-length: 9\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
    ] {
        let headers = format!("{FORM}{headers}");
        let (status, told) = answer(&world, &line, &headers, &body).await;
        assert_eq!(status, 400, "{headers}: {told}");
        assert_eq!(world.forwarded(), 0, "{headers}");
    }
    // Of a length beside chunks the HTTP library believes the chunks and ends the connection, as
    // RFC 9112, section 6.3, has it: what follows is never taken for a request.
    for headers in [
        "transfer-encoding: chunked\r\ncontent-length: 13\r\n",
        "content-length: 13\r\ntransfer-encoding: chunked\r\n",
    ] {
        let headers = format!("{FORM}{headers}");
        let (status, told) = answer(&world, &line, &headers, &body).await;
        assert!(
            told.to_ascii_lowercase().contains("connection: close"),
            "{told}"
        );
        assert_eq!((status, world.forwarded()), (200, 1), "{headers}: {told}");
        assert_eq!(world.mimir.last().parameter_names(), ["query"]);
        world.mimir.forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_form_is_a_400() {
    let world = World::new().await;
    let line = format!("POST {QUERY}");
    for body in [
        "query=%",
        "query=%zz",
        "query=%ff",
        "%ff=up&query=up",
        "query=\u{fffd}%c3",
    ] {
        let headers = format!(
            "{FORM}content-length: {}\r\nconnection: close\r\n",
            body.len()
        );
        let (status, told) = answer(&world, &line, &headers, body).await;
        assert_eq!(status, 400, "{body}: {told}");
        assert!(told.contains(r#""errorType":"bad_data""#), "{told}");
    }
    // Chunks that are none, and one that says more than there is.
    let headers = format!("{FORM}transfer-encoding: chunked\r\n");
    let (status, told) = answer(&world, &line, &headers, "zz\r\nquery=up\r\n0\r\n\r\n").await;
    assert_eq!(status, 400, "{told}");
    assert_eq!(world.forwarded(), 0);
}
