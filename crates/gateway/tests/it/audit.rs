//! The audit's lines, as they stand in its file.

mod failing;

mod managing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::stream;
use gateway::{AuditOutput, AuditQueries, AuditSettings, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::backend::ANSWER;
use crate::harness::{LOGS, METRICS, RANGE, World, encoded, eventually, nobody};

const QUERY: &str = r#"{level="error"}"#;
const SCOPED: &str = r#"{level="error", resource_id="shop-api"}"#;
/// `printf '%s' '{level="error", resource_id="shop-api"}' | sha256sum`
const HASH: &str = "d01dd7711c051016899e8d052dcd51be815dec982987fe3ef5fea99b55311c86";
const TAIL: &str = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/tail";
const EVENTS: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs/tail";
const FRAME: &str =
    r#"{"streams":[{"stream":{"app":"x"},"values":[["1737972000000000001","a line"]]}]}"#;

/// A world whose audit is a file.
struct Audited {
    world: World,
    dir: TempDir,
}

fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("audit.jsonl")
}

/// All lines of a file; each must be whole and one JSON object.
fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).collect()
}

impl Audited {
    async fn new(queries: AuditQueries) -> Self {
        Self::with(queries, |_| {}).await
    }

    async fn with(queries: AuditQueries, change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let output = AuditOutput::File(file(&dir));
        let audit = AuditSettings { output, queries };
        let world = World::with(|settings| {
            settings.audit = audit;
            change(settings);
        })
        .await;
        Self { world, dir }
    }

    fn file(&self) -> PathBuf {
        file(&self.dir)
    }

    /// The next `count` lines, once they are there; there must be no more.
    async fn lines(&self, count: usize) -> Vec<Value> {
        eventually(async || lines(&self.file()).len() >= count).await;
        let lines = lines(&self.file());
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
    }

    /// The only line, without what differs from run to run, which is checked here.
    async fn line(&self, request_id: Option<&str>) -> Value {
        let mut line = self.lines(1).await.remove(0);
        let fields = line.as_object_mut().unwrap();
        let time: jiff::Timestamp = fields["time"].as_str().unwrap().parse().unwrap();
        let now = gateway::Clock::now(&*self.world.clock);
        assert_eq!(time.as_microsecond(), now.as_microsecond());
        let id = fields["request_id"].as_str().unwrap();
        if let Some(expected) = request_id {
            assert_eq!(id, expected);
        }
        assert!(id.parse::<uuid::Uuid>().is_ok());
        assert!(fields["duration_us"].as_u64().unwrap() < 60_000_000);
        for field in ["time", "request_id", "duration_us"] {
            fields.remove(field);
        }
        line
    }
}

fn logs(query: &str) -> String {
    format!("{LOGS}?query={}", encoded(query))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_request_is_a_line_that_says_who_did_what_and_what_let_them() {
    let audited = Audited::new(AuditQueries::Full).await;
    let answer = audited.world.get("victor", &logs(QUERY)).await;
    assert_eq!(answer.status, 200);
    let line = audited.line(answer.header("x-request-id")).await;
    let assignment = line["assignment"].as_str().unwrap().to_owned();
    assert!(!assignment.is_empty());
    assert_eq!(
        line,
        json!({
            "target": "audit", "event": "request", "subject": "victor", "action": "read",
            "organization": "acme", "project": "acme-shop", "resource": "shop-api",
            "decision": "allow", "assignment": assignment, "endpoint": "logs",
            "queries": [SCOPED], "status": 200, "bytes": ANSWER.len(), "complete": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_a_line_that_says_how_much_it_was_and_what_claimed_to_be_another_resource() {
    let audited = Audited::new(AuditQueries::Full).await;
    let world = &audited.world;
    world
        .loki
        .answers(|| http::StatusCode::NO_CONTENT.into_response());
    let push = json!({"streams": [{"stream": {"a": "b", "resource_id": "shop-db"}, "values": [["1", "x"], ["2", "y"]]}]});
    let ask = world.ask("/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/push");
    let ask = ask.token(&world.token("erin"));
    let answer = ask.post("application/json", push.to_string()).send().await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let line = audited.line(answer.header("x-request-id")).await;
    let assignment = line["assignment"].as_str().unwrap().to_owned();
    assert_eq!(
        line,
        json!({
            "target": "audit", "event": "request", "subject": "erin", "action": "write",
            "organization": "acme", "project": "acme-shop", "resource": "shop-api",
            "decision": "allow", "assignment": assignment, "endpoint": "loki_push",
            "entries": 2, "replaced": 1, "status": 204, "bytes": 0, "complete": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_request_is_a_line_without_a_query_or_an_assignment() {
    let audited = Audited::new(AuditQueries::Full).await;
    let answer = audited.world.get("mallory", &logs(QUERY)).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        audited.line(answer.header("x-request-id")).await,
        json!({
            "target": "audit", "event": "request", "subject": "mallory", "action": "read",
            "project": "acme-shop", "resource": "shop-api",
            "decision": "deny", "endpoint": "logs",
            "status": 403, "error": "forbidden", "bytes": answer.bytes.len(), "complete": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthenticated_request_is_a_line_without_a_subject() {
    let audited = Audited::new(AuditQueries::Full).await;
    let answer = audited.world.ask(&logs(QUERY)).send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        audited.line(answer.header("x-request-id")).await,
        json!({
            "target": "audit", "event": "request", "action": "read",
            "project": "acme-shop", "resource": "shop-api",
            "decision": "deny", "endpoint": "logs",
            "status": 401, "error": "unauthorized", "bytes": answer.bytes.len(), "complete": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_token_is_not_accepted_is_in_the_line() {
    let audited = Audited::new(AuditQueries::Full).await;
    let token = format!("{}x", audited.world.token("victor"));
    let answer = audited.world.ask(LOGS).token(&token).send().await;
    assert_eq!(answer.status, 401);
    let line = audited.line(answer.header("x-request-id")).await;
    assert_eq!(line["reason"], "the token's signature is wrong");
    assert_eq!(line["decision"], "deny");
    assert_eq!(line["subject"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn which_limit_is_reached_is_in_the_line() {
    let audited = Audited::with(AuditQueries::Full, |settings| {
        settings.limits.project.bytes_per_minute = std::num::NonZero::new(1);
        settings.limits.subject.requests = Some(gateway::limit::Rate {
            every: Duration::from_hours(1),
            burst: std::num::NonZero::new(2).unwrap(),
        });
        settings.limits.pause = Duration::ZERO;
    })
    .await;
    for status in [200, 429, 429] {
        assert_eq!(audited.world.get("victor", LOGS).await.status, status);
    }
    let lines = audited.lines(3).await;
    let line = |reason| {
        let mut lines = lines.iter();
        lines.find(|line| line["reason"] == reason).unwrap()
    };
    // `decision` is about permission alone, and for the second it was not yet known.
    for (reason, decision) in [
        ("too many bytes read in the project", "allow"),
        ("too many requests of the subject", "deny"),
    ] {
        let line = line(reason);
        assert_eq!(line["decision"], decision);
        assert_eq!(line["subject"], "victor");
        assert_eq!(line["status"], 429);
        assert_eq!(line["error"], "too_many_requests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_not_there_is_a_line_with_its_name() {
    let audited = Audited::new(AuditQueries::Full).await;
    let path = logs(QUERY).replace("shop-api", "nope");
    let answer = audited.world.get("victor", &path).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        audited.line(answer.header("x-request-id")).await,
        json!({
            "target": "audit", "event": "request", "subject": "victor", "action": "read",
            "project": "acme-shop", "resource": "nope",
            "decision": "deny", "endpoint": "logs",
            "status": 404, "error": "not_found", "bytes": answer.bytes.len(), "complete": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_backend_fails_was_allowed_and_its_query_had_gone_out() {
    let audited = Audited::new(AuditQueries::Hash).await;
    audited.world.loki.fails(500, "no such chunk");
    let answer = audited.world.get("victor", &logs(QUERY)).await;
    assert_eq!(answer.status, 502);
    let mut line = audited.line(answer.header("x-request-id")).await;
    assert!(line.as_object_mut().unwrap().remove("assignment").is_some());
    assert_eq!(
        line,
        json!({
            "target": "audit", "event": "request", "subject": "victor", "action": "read",
            "organization": "acme", "project": "acme-shop", "resource": "shop-api",
            "decision": "allow", "endpoint": "logs", "query_hashes": [HASH],
            "status": 502, "error": "bad_gateway", "bytes": answer.bytes.len(), "complete": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_scoped_is_allowed_and_never_in_the_line() {
    let audited = Audited::new(AuditQueries::Full).await;
    let answer = audited.world.get("victor", &logs("{secret=")).await;
    assert_eq!(answer.status, 400);
    let line = audited.line(answer.header("x-request-id")).await;
    assert_eq!(line["decision"], "allow");
    assert_eq!(line["error"], "bad_data");
    assert_eq!(line["queries"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_before_anybody_is_known_is_denied() {
    let audited = Audited::new(AuditQueries::Full).await;
    let path = "/api/v1/projects/acme-shop/loki/api/v1/query_range";
    let ask = audited.world.ask(path).method(http::Method::POST);
    let ask = ask.header("content-type", "application/json").body("{}");
    let answer = ask.token(&audited.world.token("victor")).send().await;
    assert_eq!(answer.status, 415);
    assert_eq!(
        audited.line(answer.header("x-request-id")).await,
        json!({
            "target": "audit", "event": "request", "action": "read", "project": "acme-shop",
            "decision": "deny", "endpoint": "loki_query_range", "status": 415,
            "error": "unsupported_media_type", "bytes": answer.bytes.len(), "complete": true,
        })
    );
}

/// An answer of ten bytes, and then whatever `rest` does.
fn ten_bytes_and(
    rest: impl Fn() -> Result<&'static str, std::io::Error> + Send + Sync + Clone + 'static,
) -> impl Fn() -> axum::response::Response + Send + Sync + 'static {
    move || {
        let rest = rest.clone();
        let chunks = stream::unfold(0, move |sent| {
            let rest = rest.clone();
            async move {
                if sent == 0 {
                    return Some((Ok("0123456789"), 1));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((rest(), 2))
            }
        });
        Body::from_stream(chunks).into_response()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_backend_breaks_off_is_incomplete_and_counts_what_went_out() {
    let audited = Audited::new(AuditQueries::None).await;
    let broken = || Err(std::io::Error::other("broken"));
    audited.world.loki.answers(ten_bytes_and(broken));
    let token = audited.world.token("victor");
    let answer = audited.world.ask(LOGS).token(&token).try_send().await;
    assert!(answer.is_err());
    let mut line = audited.line(None).await;
    assert!(line.as_object_mut().unwrap().remove("assignment").is_some());
    assert_eq!(
        line,
        json!({
            "target": "audit", "event": "request", "subject": "victor", "action": "read",
            "organization": "acme", "project": "acme-shop", "resource": "shop-api",
            "decision": "allow", "endpoint": "logs",
            "status": 200, "bytes": 10, "complete": false, "end": "backend gone",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_caller_breaks_off_is_incomplete() {
    let audited = Audited::new(AuditQueries::None).await;
    audited.world.loki.answers(ten_bytes_and(|| Ok("y")));
    let token = audited.world.token("victor");
    assert_eq!(audited.world.ask(LOGS).token(&token).status().await, 200);
    let line = audited.line(None).await;
    assert_eq!(line["complete"], false);
    assert_eq!(line["end"], "reader gone");
    assert_eq!(line["status"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_before_the_answer_leaves_a_line_without_a_status() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let audited = Audited::with(AuditQueries::Full, |settings| {
        settings.loki = Some(crate::harness::backend_at(&url));
    })
    .await;
    let mut caller = TcpStream::connect(audited.world.server.local_addr())
        .await
        .unwrap();
    let (path, token) = (logs(QUERY), audited.world.token("victor"));
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    caller.write_all(head.as_bytes()).await.unwrap();
    let (mut backend, _) = silent.accept().await.unwrap();
    assert!(backend.read(&mut [0; 4096]).await.unwrap() > 0);
    drop(caller);
    let line = audited.line(None).await;
    assert_eq!(line["decision"], "allow");
    assert_eq!(line["queries"], json!([SCOPED]));
    assert_eq!(line["status"], Value::Null);
    assert_eq!(
        (&line["complete"], &line["bytes"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(line["end"], "no answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_over_a_websocket_is_a_line_when_it_ends() {
    let audited = Audited::new(AuditQueries::Full).await;
    let path = format!("{TAIL}?query={}", encoded(QUERY));
    let mut caller = audited.world.tail("victor", &path).await;
    let mut backend = audited.world.loki.tail().await;
    for _ in 0..3 {
        backend.send(FRAME).await;
        assert_eq!(caller.text().await, FRAME);
    }
    assert_eq!(lines(&audited.file()), [] as [Value; 0]);
    caller.close(1000, "").await;
    let mut line = audited.line(None).await;
    assert!(line.as_object_mut().unwrap().remove("assignment").is_some());
    assert_eq!(
        line,
        json!({
            "target": "audit", "event": "request", "subject": "victor", "action": "read",
            "organization": "acme", "project": "acme-shop", "resource": "shop-api",
            "decision": "allow", "endpoint": "loki_tail", "queries": [SCOPED],
            "status": 101, "bytes": 3 * FRAME.len(), "end": "reader gone",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_of_events_is_a_line_when_it_ends_with_the_bytes_that_went_out() {
    let audited = Audited::new(AuditQueries::Hash).await;
    let path = format!("{EVENTS}?query={}", encoded(QUERY));
    let mut caller = audited.world.events("victor", &path, None).await;
    let mut backend = audited.world.loki.tail().await;
    let mut read = caller.block().await.unwrap().len() + 2;
    backend.send(FRAME).await;
    read += caller.block().await.unwrap().len() + 2;
    assert_eq!(lines(&audited.file()), [] as [Value; 0]);
    backend.close(1001, "restarting").await;
    while let Some(block) = caller.block().await {
        read += block.len() + 2;
    }
    let mut line = audited.line(None).await;
    assert!(line.as_object_mut().unwrap().remove("assignment").is_some());
    assert_eq!(
        line,
        json!({
            "target": "audit", "event": "request", "subject": "victor", "action": "read",
            "organization": "acme", "project": "acme-shop", "resource": "shop-api",
            "decision": "allow", "endpoint": "logs_tail", "query_hashes": [HASH],
            "status": 200, "bytes": read, "end": "backend ended it",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_queries_of_a_request_are_in_its_line_as_they_went_upstream() {
    let audited = Audited::new(AuditQueries::Full).await;
    let base = "/api/v1/projects/acme-shop";
    let series = format!(
        "prometheus/api/v1/series?match[]={}&match[]={}",
        encoded("up"),
        encoded("down{a=\"b\"}")
    );
    let mut expected = Vec::new();
    for (at, queries) in [
        (base.to_owned(), json!(["up", r#"down{a="b"}"#])),
        (
            format!("{base}/resources/shop-api"),
            json!([
                r#"up{resource_id="shop-api"}"#,
                r#"down{a="b",resource_id="shop-api"}"#
            ]),
        ),
    ] {
        let answer = audited.world.get("victor", &format!("{at}/{series}")).await;
        assert_eq!(answer.status, 200);
        expected.push(queries);
    }
    // What the gateway answers by itself goes nowhere.
    let path = format!("{base}/prometheus/api/v1/format_query?query=up");
    assert_eq!(audited.world.get("victor", &path).await.status, 200);
    expected.push(Value::Null);
    let lines = audited.lines(3).await;
    let queries: Vec<&Value> = lines.iter().map(|line| &line["queries"]).collect();
    assert_eq!(queries, expected.iter().collect::<Vec<_>>());
    assert_eq!(lines[0]["resource"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_the_document_and_unknown_paths_are_not_audited() {
    let audited = Audited::new(AuditQueries::Full).await;
    for path in [
        "/health",
        "/livez",
        "/readyz",
        "/openapi.json",
        "/explore/",
        "/nothing",
    ] {
        audited.world.ask(path).send().await;
    }
    audited.world.get("victor", LOGS).await;
    assert_eq!(audited.lines(1).await[0]["endpoint"], "logs");
}

/// Threat 25.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_request_is_in_the_audit() {
    const SECRET: &str = "s3cr3t";
    for queries in [AuditQueries::Hash, AuditQueries::None] {
        let audited = Audited::new(queries).await;
        let world = &audited.world;
        let query = encoded(r#"{app="s3cr3t"}"#);
        let good = format!("{LOGS}?query={query}&access_token={SECRET}&{SECRET}=1");
        let token = world.token("victor");
        let signature = token.rsplit('.').next().unwrap().to_owned();
        for (path, token) in [
            (good.as_str(), token.as_str()),
            (&good, SECRET),
            (&good, &world.token("mallory")),
            (&format!("{LOGS}?query={SECRET}{{"), &token),
            (&format!("{METRICS}?query={SECRET}&{RANGE}"), &token),
            (&format!("/api/v1/projects/{token}/logs"), &token),
            (&good.replace("shop-api", "S3CR3T.s3cr3t"), &token),
        ] {
            let ask = world.ask(path).token(token).header("x-request-id", SECRET);
            let ask = ask.header("cookie", SECRET).header("user-agent", SECRET);
            ask.header("x-scope-orgid", SECRET).send().await;
        }
        // The path of a project without a resource's logs is nobody's.
        let lines = audited.lines(6).await;
        let text = std::fs::read_to_string(audited.file()).unwrap();
        for secret in [SECRET, "S3CR3T", &signature, "Bearer", "eyJ"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        let hashes = lines.iter().filter(|line| !line["query_hashes"].is_null());
        let expected = if queries == AuditQueries::Hash { 2 } else { 0 };
        assert_eq!(hashes.count(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_request_can_make_a_second_line_or_another_field() {
    let audited = Audited::new(AuditQueries::Full).await;
    let world = &audited.world;
    let forged = "{app=\"x\"} |= \"a\\n\\\"}{\\\"decision\\\":\\\"deny\\\"\" |= `b\n{\"event\":\"request\"}\u{2028}\u{85}\u{202e}`";
    let answer = world.get("victor", &logs(forged)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let subject = "a\",\"decision\":\"allow\",\"x\":\"\u{2028}\u{202e}";
    let answer = world.get(subject, LOGS).await;
    assert_eq!(answer.status, 403);
    let lines = audited.lines(2).await;
    let sent = world.loki.last().parameter("query").unwrap();
    assert_eq!(lines[0]["queries"], json!([sent]));
    assert_eq!(lines[1]["subject"], subject);
    assert_eq!(lines[1]["decision"], "deny");
    let text = std::fs::read_to_string(audited.file()).unwrap();
    for tricky in ['\u{2028}', '\u{85}', '\u{202e}'] {
        assert!(!text.contains(tricky), "{tricky:?}");
    }
    assert_eq!(text.matches('\n').count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_query_is_kept_whole() {
    let audited = Audited::new(AuditQueries::Full).await;
    let query = format!("{{app=\"{}\"}}", "x".repeat(100_000));
    let path = "/api/v1/projects/acme-shop/loki/api/v1/query_range";
    let ask = audited
        .world
        .ask(path)
        .token(&audited.world.token("victor"));
    let answer = ask.form(&format!("query={}", encoded(&query))).send().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let line = audited.line(answer.header("x-request-id")).await;
    assert_eq!(line["queries"], json!([query]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_cannot_be_reached_leaves_a_line() {
    let (_held, url) = nobody();
    let audited = Audited::with(AuditQueries::None, |settings| {
        settings.loki = Some(crate::harness::backend_at(&url));
    })
    .await;
    let answer = audited.world.get("victor", LOGS).await;
    assert_eq!(answer.status, 502);
    let line = audited.line(answer.header("x-request-id")).await;
    assert_eq!(
        (&line["decision"], &line["status"]),
        (&json!("allow"), &json!(502))
    );
}
