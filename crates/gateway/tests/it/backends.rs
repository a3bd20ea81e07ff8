//! Backends as real installations have them: credentials, another tenant header, a path prefix,
//! timeouts of their own, compressed answers.

use std::path::Path;
use std::time::Duration;

use axum::response::IntoResponse;
use gateway::routes::Backend as Which;
use gateway::settings::{Credentials, Secret, TenantHeader};
use gateway::{BackendSettings, check};

use crate::harness::backend::{Backend, Received};
use crate::harness::{LOGS, METRICS, RANGE, World, backend_at, eventually, log};

/// What a backend at which the gateway has these credentials is sent.
async fn sent_with(credentials: Credentials) -> Received {
    let backend = Backend::start().await;
    let mut settings = backend_at(&backend.url());
    settings.credentials = credentials;
    let world = World::with(|all| all.loki = Some(settings)).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    backend.last()
}

fn in_file(directory: &Path, secret: &str) -> Secret {
    let file = directory.join("secret");
    std::fs::write(&file, secret).unwrap();
    Secret::File(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_password_are_sent_as_basic() {
    let directory = tempfile::tempdir().unwrap();
    for password in [
        Secret::Text("s@cret".to_owned()),
        in_file(directory.path(), "s@cret\n"),
    ] {
        let username = "gate way".to_owned();
        let sent = sent_with(Credentials::Basic { username, password }).await;
        assert_eq!(
            sent.header("authorization"),
            Some("Basic Z2F0ZSB3YXk6c0BjcmV0")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_is_the_gateways_and_never_the_callers() {
    let directory = tempfile::tempdir().unwrap();
    for token in [
        Secret::Text("of-the-gateway".to_owned()),
        in_file(directory.path(), "of-the-gateway\n"),
    ] {
        let sent = sent_with(Credentials::Bearer(token)).await;
        assert_eq!(sent.header("authorization"), Some("Bearer of-the-gateway"));
    }
    let sent = sent_with(Credentials::None).await;
    assert_eq!(sent.header("authorization"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_token_holds_without_a_restart_and_is_not_logged() {
    log::start();
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start().await;
    let mut settings = backend_at(&backend.url());
    settings.credentials = Credentials::Bearer(in_file(directory.path(), "f1rst-t0ken"));
    let world = World::with(|all| all.loki = Some(settings)).await;
    let token = async || {
        assert_eq!(world.get("victor", LOGS).await.status, 200);
        backend.last().header("authorization").unwrap().to_owned()
    };
    assert_eq!(token().await, "Bearer f1rst-t0ken");

    // As Kubernetes does it: the new file takes the place of the old one.
    let new = directory.path().join("new");
    std::fs::write(&new, "s3cond-t0ken").unwrap();
    std::fs::rename(&new, directory.path().join("secret")).unwrap();
    eventually(async || token().await == "Bearer s3cond-t0ken").await;

    // A file that is gone leaves the token in force, and the log says so.
    std::fs::remove_file(directory.path().join("secret")).unwrap();
    let file = directory.path().join("secret").display().to_string();
    eventually(async || log::line(&["stays in force", &file, "cannot be read"]).is_some()).await;
    assert_eq!(token().await, "Bearer s3cond-t0ken");
    assert!(!log::text().contains("-t0ken"), "a token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_cannot_be_used_is_named_by_the_check_and_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let absent = Secret::File(directory.path().join("absent"));
    for (secret, wrong) in [
        (absent, "absent cannot be read: No such file"),
        (
            in_file(directory.path(), "hunter2 hunter2"),
            "secret holds characters that no token has",
        ),
    ] {
        let mut settings = backend_at("http://localhost:1");
        settings.credentials = Credentials::Bearer(secret);
        let finding = check::backend(Which::Loki, &settings).await;
        assert!(!finding.ok && finding.sentence.contains(wrong), "{finding}");
        let world = World::new().await;
        let error = crate::lifecycle::start(&world, |all| all.loki = Some(settings))
            .err()
            .unwrap();
        assert!(error.to_string().contains(wrong), "{error}");
        assert!(!format!("{finding}{error}").contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_tenant_header_takes_the_place_of_the_default_one() {
    let backend = Backend::start().await;
    let mut settings = backend_at(&backend.url());
    settings.tenant_header = TenantHeader::new("X-Tenant").unwrap();
    let world = World::with(|all| all.loki = Some(settings)).await;
    let token = world.token("victor");
    let ask = world.ask(LOGS).token(&token);
    let ask = ask
        .header("x-tenant", "globex-iot")
        .header("x-scope-orgid", "globex-iot");
    let ask = ask.header("connection", "x-tenant");
    assert_eq!(ask.send().await.status, 200);
    let sent = backend.last();
    assert_eq!(sent.header("x-tenant"), Some("acme-shop"));
    assert_eq!(sent.header("x-scope-orgid"), None);
    // The other backend has a name of its own.
    let answer = world
        .get("victor", &format!("{METRICS}?query=up&{RANGE}"))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        world.mimir.last().header("x-scope-orgid"),
        Some("acme-shop")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_prefix_stands_before_the_backends_own_paths() {
    for (prefix, expected) in [
        ("", "/prometheus/api/v1/query_range"),
        ("/", "/prometheus/api/v1/query_range"),
        ("/a/mimir", "/a/mimir/prometheus/api/v1/query_range"),
        ("/a/mimir/", "/a/mimir/prometheus/api/v1/query_range"),
        ("/a%20b", "/a%20b/prometheus/api/v1/query_range"),
    ] {
        let backend = Backend::start().await;
        let settings = backend_at(&format!("{}{prefix}", backend.url()));
        let world = World::with(|all| all.mimir = Some(settings)).await;
        let answer = world
            .get("victor", &format!("{METRICS}?query=up&{RANGE}"))
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(backend.last().path, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_backend_has_a_timeout_of_its_own() {
    let slow = axum::Router::new().fallback(async || {
        tokio::time::sleep(Duration::from_millis(600)).await;
        "{}"
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, slow).await.unwrap() });
    let at = |milliseconds| {
        BackendSettings::new(url.parse().unwrap(), Duration::from_millis(milliseconds))
    };
    let world = World::with(|all| {
        all.loki = Some(at(200));
        all.mimir = Some(at(5000));
    })
    .await;
    assert_eq!(world.get("victor", LOGS).await.status, 504);
    let answer = world
        .get("victor", &format!("{METRICS}?query=up&{RANGE}"))
        .await;
    assert_eq!(answer.status, 200);
}

/// `{"status":"success"}`, compressed by gzip and by zstd.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xabV*.I,)-V\xb2R*.MNN-.V\xaa\x05\x00\x98A\xd2}\x14\x00\x00\x00";
const ZSTD: &[u8] = b"(\xb5/\xfd\x00X\xa1\x00\x00{\"status\":\"success\"}";

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_reaches_the_caller_byte_by_byte() {
    let world = World::new().await;
    for (encoding, body) in [("gzip", GZIP), ("zstd", ZSTD)] {
        world.loki.answers(move || {
            let headers = [
                ("content-type", "application/json"),
                ("content-encoding", encoding),
                ("vary", "Accept-Encoding"),
            ];
            (headers, body).into_response()
        });
        let ask = world.ask(LOGS).token(&world.token("victor"));
        let answer = ask.header("accept-encoding", "gzip, zstd").send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            world.loki.last().header("accept-encoding"),
            Some("gzip, zstd")
        );
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        assert_eq!(answer.bytes, body, "{encoding}");
    }
    // Nobody who does not ask for it is sent something compressed.
    world.get("victor", LOGS).await;
    assert_eq!(world.loki.last().header("accept-encoding"), None);
}
