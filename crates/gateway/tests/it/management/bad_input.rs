//! What is refused, with a clear 4xx and nothing written.

use http::Method;

use super::{ACME, API, ORGANIZATIONS, PROJECTS, SHOP, everything, refused, unchanged};
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

/// A method, a path, a body, the status and a part of the sentence.
type Case = (Method, &'static str, String, u16, &'static str);

const RBAC: &str = "/api/v1/projects/acme-shop/rbac";
const RESOURCES: &str = "/api/v1/projects/acme-shop/resources";

fn cases() -> Vec<Case> {
    let long = "x".repeat(256);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let resource = |settings: &str| {
        format!(r#"{{"id": "x", "name": "x", "type": "x", "settings_json": {settings}}}"#)
    };
    let grant = |more: &str| format!(r#"{{"user_id": "mallory", "role_id": "Viewer"{more}}}"#);
    let text = str::to_owned;
    vec![
        // Not JSON, or not an object.
        (
            Method::POST,
            ORGANIZATIONS,
            text(""),
            400,
            "must be a JSON object",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text("x"),
            400,
            "must be a JSON object",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text("null"),
            400,
            "must be a JSON object",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"["x", "x"]"#),
            400,
            "must be a JSON object",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text("{"),
            400,
            "line 1 column 1",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text("{\"id\": \"x\",\n\"name\": }"),
            400,
            "line 2 column 9",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": "x"} {}"#),
            400,
            "trailing characters",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text("\u{feff}{}"),
            400,
            "must be a JSON object",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            format!("{{\"id\": {deep}}}"),
            400,
            "line 1 column",
        ),
        // Fields.
        (
            Method::POST,
            ORGANIZATIONS,
            text("{}"),
            400,
            "missing field `id`",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x"}"#),
            400,
            "missing field `name`",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": null}"#),
            400,
            "null",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": 5, "name": "x"}"#),
            400,
            "integer `5`, expected a string",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": ["x"]}"#),
            400,
            "expected a string",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "id": "y", "name": "x"}"#),
            400,
            "duplicate field `id`",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": "x", "owner": "me"}"#),
            400,
            "unknown field `owner`",
        ),
        (
            Method::POST,
            PROJECTS,
            text(r#"{"id": "x", "name": "x", "status": "x"}"#),
            400,
            "unknown field `status`",
        ),
        (
            Method::PUT,
            ACME,
            text(r#"{"org_id": "x", "name": "x"}"#),
            400,
            "unknown field `org_id`",
        ),
        (Method::PUT, ACME, text("{}"), 400, "changes nothing"),
        (Method::PATCH, SHOP, text("{}"), 400, "changes nothing"),
        (
            Method::PATCH,
            SHOP,
            text(r#"{"name": null}"#),
            400,
            "changes nothing",
        ),
        (Method::PATCH, API, text("{}"), 400, "changes nothing"),
        (
            Method::PATCH,
            API,
            text(r#"{"type": "x"}"#),
            400,
            "unknown field `type`",
        ),
        // Names.
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": ""}"#),
            400,
            "name",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": "   "}"#),
            400,
            "name",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "x", "name": "a\nb"}"#),
            400,
            "name",
        ),
        (
            Method::POST,
            ORGANIZATIONS,
            format!(r#"{{"id": "x", "name": "{long}"}}"#),
            400,
            "name",
        ),
        (Method::PATCH, ACME, text(r#"{"name": ""}"#), 400, "name"),
        (Method::PATCH, SHOP, text(r#"{"name": ""}"#), 400, "name"),
        (Method::PATCH, API, text(r#"{"sku": ""}"#), 400, "sku"),
        (
            Method::POST,
            RESOURCES,
            text(r#"{"id": "x", "name": "x", "type": ""}"#),
            400,
            "type",
        ),
        // Settings.
        (
            Method::POST,
            RESOURCES,
            resource(&deep),
            400,
            "settings_json",
        ),
        (
            Method::POST,
            RESOURCES,
            resource(r#"{"a": "\u0000"}"#),
            400,
            "U+0000",
        ),
        (
            Method::POST,
            RESOURCES,
            resource(r#""\ud800""#),
            400,
            "settings_json",
        ),
        (
            Method::POST,
            RESOURCES,
            resource(&format!("\"{}\"", "x".repeat(1 << 17))),
            400,
            "bytes",
        ),
        (Method::POST, RESOURCES, resource("{"), 400, "line 1 column"),
        // Roles.
        (
            Method::POST,
            RBAC,
            text(r#"{"role_id": "Viewer"}"#),
            400,
            "to whom",
        ),
        (
            Method::POST,
            RBAC,
            grant(r#", "email": "mallory@acme.test""#),
            400,
            "to whom",
        ),
        (
            Method::POST,
            RBAC,
            text(r#"{"user_id": "", "role_id": "Viewer"}"#),
            400,
            "user_id",
        ),
        (
            Method::POST,
            RBAC,
            format!(r#"{{"user_id": "{long}", "role_id": "Viewer"}}"#),
            400,
            "user_id",
        ),
        (
            Method::POST,
            RBAC,
            text(r#"{"user_id": "a\u0000", "role_id": "Viewer"}"#),
            400,
            "user_id",
        ),
        (
            Method::POST,
            RBAC,
            text(r#"{"user_id": "mallory"}"#),
            400,
            "role_id",
        ),
        (
            Method::POST,
            RBAC,
            text(r#"{"user_id": "mallory", "role_id": ""}"#),
            400,
            "role",
        ),
        (
            Method::POST,
            RBAC,
            text(r#"{"user_id": "mallory", "role_id": "Emperor"}"#),
            404,
            "role",
        ),
        (
            Method::POST,
            RBAC,
            text(r#"{"email": "", "role_id": "Viewer"}"#),
            400,
            "e-mail",
        ),
        (
            Method::POST,
            RBAC,
            grant(r#", "expires_at": "2020-01-01T00:00:00Z""#),
            400,
            "future",
        ),
        (
            Method::POST,
            RBAC,
            grant(r#", "expires_at": "tomorrow""#),
            400,
            "RFC 3339",
        ),
        (
            Method::POST,
            RBAC,
            grant(r#", "expires_at": 1893456000"#),
            400,
            "expected a string",
        ),
        (
            Method::POST,
            RBAC,
            grant(r#", "expires_at": """#),
            400,
            "RFC 3339",
        ),
        (
            Method::POST,
            RBAC,
            grant(r#", "scope_type": "organization""#),
            400,
            "unknown field",
        ),
        // What is there already, or is not.
        (
            Method::POST,
            ORGANIZATIONS,
            text(r#"{"id": "globex", "name": "x"}"#),
            409,
            "globex",
        ),
        (
            Method::POST,
            PROJECTS,
            text(r#"{"id": "globex-iot", "name": "x"}"#),
            409,
            "globex-iot",
        ),
        (
            Method::POST,
            RESOURCES,
            text(r#"{"id": "iot-graph", "name": "x", "type": "x"}"#),
            409,
            "iot-graph",
        ),
        (
            Method::DELETE,
            "/api/v1/projects/acme-shop/rbac/none",
            text(""),
            404,
            "none",
        ),
        // A body where none belongs.
        (Method::DELETE, ACME, text("{}"), 400, "no body"),
        (Method::GET, ACME, text("{}"), 400, "no body"),
        // Parameters.
        (
            Method::DELETE,
            "/api/v1/organizations/acme?cascade=1",
            text(""),
            400,
            "cascade: expected true or false",
        ),
        (
            Method::DELETE,
            "/api/v1/organizations/acme?casacde=true",
            text(""),
            400,
            "\"casacde\"",
        ),
        (
            Method::DELETE,
            "/api/v1/organizations/acme?cascade=true&cascade=false",
            text(""),
            400,
            "more than once",
        ),
        (
            Method::DELETE,
            "/api/v1/projects/acme-shop/resources/shop-api?cascade=true",
            text(""),
            400,
            "takes no parameters",
        ),
        (
            Method::POST,
            "/api/v1/organizations?dry_run=true",
            text(r#"{"id": "x", "name": "x"}"#),
            400,
            "takes no parameters",
        ),
        (
            Method::GET,
            "/api/v1/organizations?limit=0",
            text(""),
            400,
            "limit: expected an integer from 1 to 1000",
        ),
        (
            Method::GET,
            "/api/v1/organizations?limit=1001",
            text(""),
            400,
            "limit",
        ),
        (
            Method::GET,
            "/api/v1/organizations?limit=1e2",
            text(""),
            400,
            "limit",
        ),
        (
            Method::GET,
            "/api/v1/organizations?cursor=%00",
            text(""),
            400,
            "cursor",
        ),
        (
            Method::GET,
            "/api/v1/organizations?cursor=%ff",
            text(""),
            400,
            "UTF-8",
        ),
        (
            Method::GET,
            "/api/v1/organizations?org_id=acme",
            text(""),
            400,
            "\"org_id\"",
        ),
        (
            Method::GET,
            "/api/v1/projects?org_id=a%7Cb",
            text(""),
            400,
            "org_id: an id is",
        ),
        (
            Method::GET,
            "/api/v1/permissions/check?scopeType=project",
            text(""),
            400,
            "scopeId: is missing",
        ),
        (
            Method::GET,
            "/api/v1/permissions/check?scopeType=global&scopeId=x",
            text(""),
            400,
            "scopeType",
        ),
        (
            Method::GET,
            "/api/v1/permissions/check?scopeType=project&scopeId=A",
            text(""),
            400,
            "scopeId: an id is",
        ),
        (
            Method::GET,
            "/api/v1/permissions/check?scopeType=project&scopeId=acme&userId=x",
            text(""),
            400,
            "\"userId\"",
        ),
        (
            Method::GET,
            "/api/v1/users/search",
            text(""),
            400,
            "q: is missing",
        ),
        (
            Method::GET,
            "/api/v1/users/search?q=",
            text(""),
            400,
            "q: is missing",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_and_nothing_is_written() {
    let world = World::new().await;
    let before = everything(&world).await;
    for (method, path, body, status, part) in cases() {
        let answer = world.write("alice", method.clone(), path, &body).await;
        let shown: String = body.chars().take(100).collect();
        let name = format!("{method} {path} {shown}");
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
        let sentence = answer.value()["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains(part), "{name}: {sentence}");
        assert!(sentence.len() < 600, "{name}: {sentence}");
        unchanged(&before, &everything(&world).await, &name);
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
