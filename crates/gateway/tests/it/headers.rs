//! What of the caller's headers reaches the backends.

use crate::harness::{LOGS, World, backend_at};

#[tokio::test(flavor = "multi_thread")]
async fn threat_12_headers_that_speak_for_someone_else_stay_here() {
    let world = World::new().await;
    let token = world.token("victor");
    let answer = world
        .ask(LOGS)
        .token(&token)
        .header("x-scope-orgid", "globex-iot")
        .header("x-scope-orgid", "acme-lab")
        .header("x-prom-label-policy", "globex-iot:%7B%7D")
        .header("thanos-tenant", "globex-iot")
        .header("x-loki-lbac-policy", "everything")
        .header("forwarded", "for=1.2.3.4")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-request-id", "mine")
        .header("cookie", "session=1")
        .header("x-anything", "else")
        .send()
        .await;
    assert_eq!(answer.status, 200);

    let sent = world.loki.last();
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    assert_eq!(sent.header("x-request-id"), answer.header("x-request-id"));
    assert_ne!(sent.header("x-request-id"), Some("mine"));
    let mut names: Vec<&str> = sent.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "host",
            "x-prom-label-policy",
            "x-request-id",
            "x-scope-orgid"
        ]
    );
    assert_eq!(
        sent.header("x-prom-label-policy"),
        Some("acme-shop:%7Bresource_id=%22shop-api%22%7D")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_policy_is_sent_for_resources_alone_and_can_be_switched_off() {
    let world = World::with(|settings| {
        settings.mimir.as_mut().unwrap().policy = false;
    })
    .await;
    let policy = |backend: &crate::harness::backend::Backend| {
        let sent = backend.last();
        sent.header("x-prom-label-policy").map(str::to_owned)
    };
    let resource = "/api/v1/projects/acme-shop/resources/shop-api";
    let project = "/api/v1/projects/acme-shop";
    for (path, sent) in [
        (
            format!("{resource}/loki/api/v1/labels"),
            Some("acme-shop:%7Bresource_id=%22shop-api%22%7D"),
        ),
        (format!("{project}/loki/api/v1/labels"), None),
    ] {
        assert_eq!(world.get("victor", &path).await.status, 200);
        assert_eq!(policy(&world.loki).as_deref(), sent, "{path}");
    }
    let path = format!("{resource}/prometheus/api/v1/labels");
    assert_eq!(world.get("victor", &path).await.status, 200);
    assert_eq!(policy(&world.mimir), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_13_connection_header_cannot_strip_the_tenant() {
    let world = World::new().await;
    let answer = world
        .ask(LOGS)
        .token(&world.token("victor"))
        .header(
            "connection",
            "close, X-Scope-OrgID, Authorization, X-Query-Tags, Accept",
        )
        .header("accept", "text/plain")
        .header("x-query-tags", "Source=test")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    let sent = world.loki.last();
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    assert_eq!(sent.header("x-query-tags"), None);
    assert_eq!(sent.header("accept"), None);
    assert_eq!(sent.header("connection"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_how_an_answer_is_wanted_goes_upstream() {
    let world = World::new().await;
    let wanted = [
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("cache-control", "no-cache"),
        ("x-loki-response-encoding-flags", "categorize-labels"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("tracestate", "a=b"),
    ];
    let ask = world.ask(LOGS).token(&world.token("victor"));
    let ask = wanted
        .iter()
        .fold(ask, |ask, (name, value)| ask.header(name, value));
    let answer = ask.header("x-query-tags", "Source=a;b\"").send().await;
    assert_eq!(answer.status, 200);
    let sent = world.loki.last();
    for (name, value) in wanted {
        assert_eq!(sent.header(name), Some(value), "{name}");
    }
    assert_eq!(sent.header("x-query-tags"), Some("Source=a_b_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backends_own_credentials_come_from_its_url() {
    let backend = crate::harness::backend::Backend::start().await;
    let url = backend
        .url()
        .replace("http://", "http://gate%20way:s%40cret@");
    let world = World::with(|settings| {
        settings.loki = Some(backend_at(&format!("{url}/tenants/")));
        assert!(!format!("{settings:?}").contains("cret"));
    })
    .await;
    let answer = world.get("victor", LOGS).await;
    assert_eq!(answer.status, 200);
    let sent = backend.last();
    assert_eq!(sent.path, "/tenants/loki/api/v1/query_range");
    // "gate way:s@cret"
    assert_eq!(
        sent.header("authorization"),
        Some("Basic Z2F0ZSB3YXk6c0BjcmV0")
    );
    assert!(!sent.header("host").unwrap().contains('@'));
}
