//! What is refused, with a clear 4xx and nothing written.

use http::Method;

use super::{ACME, ORGANIZATIONS, PROJECTS, SHOP, everything, refused, unchanged};
use crate::harness::World;
use crate::harness::client::raw;

/// Ids that are none, each within JSON.
const BAD_IDS: &[&str] = &[
    "",
    "a|b",
    "..",
    ".",
    "a.b",
    "a/b",
    "a%2fb",
    "Acme",
    "ACME",
    "a_b",
    "a b",
    "-a",
    "a-",
    "ä",
    "a\\u0000",
    "a\\n",
    "a\\\"",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_none_is_refused_with_the_rule() {
    let world = World::new().await;
    let before = everything(&world).await;
    let resources = format!("{SHOP}/resources");
    for id in BAD_IDS {
        for (path, field, body) in [
            (
                ORGANIZATIONS,
                "id",
                format!(r#"{{"id": "{id}", "name": "x"}}"#),
            ),
            (
                PROJECTS,
                "id",
                format!(r#"{{"id": "{id}", "name": "x", "org_id": "acme"}}"#),
            ),
            (
                PROJECTS,
                "org_id",
                format!(r#"{{"id": "x", "name": "x", "org_id": "{id}"}}"#),
            ),
            (
                &resources,
                "id",
                format!(r#"{{"id": "{id}", "name": "x", "type": "x"}}"#),
            ),
        ] {
            let answer = world.write("alice", Method::POST, path, &body).await;
            let sentence = refused(&answer, 400, "bad_data");
            assert_eq!(
                sentence,
                format!(
                    "{field}: an id is 1 to 63 lower-case letters, digits and hyphens, with a \
                     letter or digit at both ends"
                ),
                "{body}"
            );
        }
    }
    for id in ["fake", "anonymous"] {
        let body = format!(r#"{{"id": "{id}", "name": "x", "org_id": "acme"}}"#);
        let answer = world.write("alice", Method::POST, PROJECTS, &body).await;
        let sentence = refused(&answer, 400, "bad_data");
        assert!(sentence.contains("tenant"), "{sentence}");
    }
    unchanged(&before, &everything(&world).await, "nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_and_nothing_is_written() {
    let long = "x".repeat(256);
    let (huge, deep) = (
        "x".repeat(1 << 17),
        "[".repeat(10_000) + &"]".repeat(10_000),
    );
    let spelt_out = |text: &str| {
        text.replace("‹long›", &long)
            .replace("‹huge›", &huge)
            .replace("‹deep›", &deep)
            .replace("‹nl›", "\n")
            .replace("‹bom›", "\u{feff}")
    };
    let world = World::new().await;
    let before = everything(&world).await;
    let cases = include_str!("bad_input.txt").lines();
    let cases = cases.filter(|case| !case.is_empty() && !case.starts_with('#'));
    for case in cases {
        let (request, answer) = case.rsplit_once(" => ").unwrap();
        let (method, request) = request.split_once(' ').unwrap();
        let (path, body) = request.split_once(' ').unwrap();
        let (status, part) = answer.split_once(' ').unwrap();
        let (path, body) = (spelt_out(path), spelt_out(body));
        let answer = world
            .write("alice", method.parse().unwrap(), &path, &body)
            .await;
        assert_eq!(answer.status.as_str(), status, "{case}: {}", answer.body);
        let sentence = answer.value()["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains(part), "{case}: {sentence}");
        assert!(sentence.len() < 600, "{case}: {sentence}");
        unchanged(&before, &everything(&world).await, case);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let before = everything(&world).await;
    let long = "k".repeat(256);
    for (name, value) in [
        ("idempotency-key", ""),
        ("idempotency-key", "a b"),
        ("idempotency-key", &long),
        ("if-match", ""),
        ("if-match", "abc"),
        ("if-match", "\"abc"),
        ("if-none-match", "*"),
    ] {
        let ask = world.ask(ACME).token(&world.token("alice"));
        let ask = ask
            .json(Method::PATCH, r#"{"name": "x"}"#)
            .header(name, value);
        let sentence = refused(&ask.send().await, 400, "bad_data");
        assert!(sentence.to_lowercase().starts_with(name), "{sentence}");
    }
    // A weak tag is that of no record, and nothing that is made anew is held already.
    for (method, path, body, value) in [
        (Method::PATCH, ACME, r#"{"name": "x"}"#, "W/\"a\""),
        (Method::PATCH, ACME, r#"{"name": "x"}"#, "\"a\", \"b\""),
        (
            Method::POST,
            ORGANIZATIONS,
            r#"{"id": "x", "name": "x"}"#,
            "*",
        ),
    ] {
        let ask = world.ask(path).token(&world.token("alice"));
        let answer = ask
            .json(method, body)
            .header("if-match", value)
            .send()
            .await;
        refused(&answer, 412, "precondition_failed");
    }
    unchanged(&before, &everything(&world).await, "nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_kind_is_a_415() {
    let world = World::new().await;
    let before = everything(&world).await;
    let body = r#"{"name": "x"}"#;
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/jsonp",
    ] {
        let ask = world.ask(ACME).token(&world.token("alice"));
        let ask = ask
            .method(Method::PATCH)
            .header("content-type", kind)
            .body(body);
        refused(&ask.send().await, 415, "unsupported_media_type");
    }
    let ask = world
        .ask(ACME)
        .token(&world.token("alice"))
        .json(Method::PATCH, body);
    let answer = ask.header("content-encoding", "gzip").send().await;
    refused(&answer, 415, "unsupported_media_type");
    unchanged(&before, &everything(&world).await, "nothing");
    let ask = world
        .ask(ACME)
        .token(&world.token("alice"))
        .method(Method::PATCH);
    let ask = ask
        .header("content-type", "Application/JSON; charset=UTF-8")
        .body(body);
    assert_eq!(ask.send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_by_its_head_or_as_it_comes() {
    let world = World::new().await;
    let before = everything(&world).await;
    let address = world.server.local_addr();
    let head = |more: &str| {
        let token = world.token("alice");
        format!(
            "PATCH {ACME} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\n{more}\r\n\r\n"
        )
    };
    // Nothing of the ten megabytes is waited for.
    let answer = raw(address, &head("content-length: 10485760")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("too_large"), "{answer}");
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
    let chunked = head("transfer-encoding: chunked") + &chunk.repeat(17);
    let answer = raw(address, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    unchanged(&before, &everything(&world).await, "nothing");
    // Nobody's body is read before they are known.
    let stranger =
        head("transfer-encoding: chunked").replace(&world.token("alice"), &world.token("gina"));
    let answer = raw(address, &stranger).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_utf_8_is_refused_with_its_place() {
    let world = World::new().await;
    let token = world.token("alice");
    let request = format!(
        "PATCH {ACME} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 13\r\nconnection: close\r\n\r\n"
    );
    let mut bytes = request.into_bytes();
    bytes.extend(b"{\"name\": \"\xff\"}");
    let answer = crate::harness::client::raw_bytes(world.server.local_addr(), &bytes).await;
    assert!(
        answer.contains("not valid UTF-8 at line 1 column 11"),
        "{answer}"
    );
}
