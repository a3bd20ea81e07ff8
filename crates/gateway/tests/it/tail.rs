//! Live tails.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, Stream, StreamExt};
use gateway::directory::policy::{ProjectId, ResourceId, Scope};
use gateway::directory::{Directory, Options};
use tokio::runtime::Handle;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::backend::Backend;
use crate::harness::tail::{HANDSHAKE, Upstream};
use crate::harness::tls::Authority;
use crate::harness::{World, backend_at, encoded, eventually, grant, nobody};

const BASE: &str = "/api/v1/projects/acme-shop/resources/shop-api";
const FRAME: &str =
    r#"{"streams":[{"stream":{"app":"x"},"values":[["1737972000000000001","a line"]]}]}"#;

/// The path of a WebSocket's tail of this query.
fn socket(query: &str) -> String {
    format!("{BASE}/loki/api/v1/tail?query={}", encoded(query))
}

fn any() -> String {
    socket(r#"{app="x"}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_is_scoped_and_its_frames_come_through_as_they_are() {
    let world = World::new().await;
    let path = format!("{}&start=1737972000&limit=20&delay_for=2&end=1&x=y", any());
    let mut caller = world.tail("victor", &path).await;
    let mut backend = world.loki.tail().await;
    let sent = world.loki.last();
    assert_eq!(sent.path, "/loki/api/v1/tail");
    assert_eq!(
        sent.parameter("query").unwrap(),
        r#"{app="x", resource_id="shop-api"}"#
    );
    assert_eq!(
        sent.parameter_names(),
        ["query", "start", "limit", "delay_for"]
    );
    assert_eq!(sent.parameter("start").unwrap(), "1737972000000000000");
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    assert_eq!(
        sent.header("x-prom-label-policy"),
        Some("acme-shop:%7Bresource_id=%22shop-api%22%7D")
    );
    assert_eq!(sent.header("authorization"), None);
    for frame in [FRAME, "{\"streams\": [ ]}\n"] {
        backend.send(frame).await;
        assert_eq!(caller.text().await, frame);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projects_tail_is_bound_by_the_tenant_alone() {
    let world = World::new().await;
    let query = encoded(r#"{app="x"}"#);
    let path = format!("/api/v1/projects/acme-shop/loki/api/v1/tail?query={query}");
    let _caller = world.tail("victor", &path).await;
    let sent = world.loki.last();
    assert_eq!(sent.parameter("query").unwrap(), r#"{app="x"}"#);
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    assert_eq!(sent.header("x-prom-label-policy"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_before_anything_is_switched() {
    let world = World::new().await;
    let nobody = world.ask_tail(&any()).send().await;
    assert_eq!(nobody.status, 401);
    assert!(nobody.header("www-authenticate").is_some());
    assert_eq!(world.refused("mallory", &any()).await.status, 403);
    let crossed = any().replace("shop-api", "iot-graph");
    assert_eq!(world.refused("victor", &crossed).await.status, 404);
    // What data sources probe for: with a 400 they would take it for there.
    let probed = format!("{BASE}/loki/api/v2alpha/tail?query=x");
    assert_eq!(world.refused("victor", &probed).await.status, 404);
    for (path, sentence) in [
        (
            format!("{BASE}/loki/api/v1/tail"),
            "query: this parameter is required",
        ),
        (socket(r#"{app="x""#), "expected"),
        (socket(r#"|= "x""#), "expected"),
        (
            socket(r#"rate({app="x"}[5m])"#),
            "query: only log lines can be tailed, and this is a metric query",
        ),
        (
            format!(
                "{BASE}/logs/tail?query={}",
                encoded(r#"rate({app="x"}[5m])"#)
            ),
            "query: only log lines can be tailed, and this is a metric query",
        ),
        (
            format!("{}&delay_for=6", any()),
            "delay_for: expected an integer from 0 to 5",
        ),
        (
            format!("{}&delay_for=-1", any()),
            "delay_for: expected an integer from 0 to 5",
        ),
        (
            format!("{}&limit=0", any()),
            "limit: expected an integer from 1 to 5000",
        ),
        (
            format!("{}&limit=5001", any()),
            "limit: expected an integer from 1 to 5000",
        ),
        (
            format!("{}&start=yesterday", any()),
            "start: expected a time",
        ),
        (format!("{}&query=x", any()), "query: given more than once"),
        (
            socket(&format!("{{app=\"{}\"}}", "x".repeat(8000))),
            "query: too long for a tail",
        ),
    ] {
        let answer = world.refused("victor", &path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer.body.contains(r#""errorType":"bad_data""#),
            "{}",
            answer.body
        );
        assert!(answer.body.contains(sentence), "{}", answer.body);
    }
    assert_eq!(world.forwarded(), 0);
    let disabled = World::with(|settings| settings.loki = None).await;
    assert_eq!(disabled.refused("victor", &any()).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_14_a_tail_switches_to_a_websocket_and_to_nothing_else() {
    let world = World::new().await;
    for (name, value) in [
        ("", ""),
        ("connection", "keep-alive"),
        ("upgrade", "h2c"),
        ("upgrade", "websocket, h2c"),
        ("sec-websocket-version", "8"),
        ("sec-websocket-key", "c2hvcnQ="),
        ("sec-websocket-key", "no base64"),
    ] {
        let mut ask = world.ask(&any()).token(&world.token("victor"));
        if !name.is_empty() {
            for (known, right) in HANDSHAKE {
                ask = ask.header(known, if known == name { value } else { right });
            }
        }
        let answer = ask.send().await;
        assert_eq!(answer.status, 426, "{name}: {value}");
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        assert!(
            answer.body.contains("Connection: Upgrade"),
            "{}",
            answer.body
        );
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backend_refuses_is_told_as_for_any_request() {
    let world = World::new().await;
    world.loki.tails_no_more();
    for (status, told) in [
        (400, 400),
        (429, 429),
        (200, 502),
        (404, 501),
        (500, 502),
        (401, 502),
    ] {
        world.loki.fails(status, "too many tails");
        for path in [any(), format!("{BASE}/logs/tail")] {
            let answer = world.refused("victor", &path).await;
            assert_eq!(answer.status.as_u16(), told, "{path}");
            assert_eq!(
                answer.body.contains("too many tails"),
                told == status,
                "{status}"
            );
        }
    }
    let (_held, nowhere) = nobody();
    let world = World::with(|settings| settings.loki = Some(backend_at(&nowhere))).await;
    assert_eq!(world.refused("victor", &any()).await.status, 502);
}

/// What has to come within a second; half of one more is for a machine that is busy.
async fn within_a_second<T>(what: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let came = what.await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(1), "took {took:?}");
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_20_a_tail_ends_with_its_token() {
    let world = World::new().await;
    let mut caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    let mut events = world
        .events("victor", &format!("{BASE}/logs/tail"), None)
        .await;
    world.clock.advance(3599);
    tokio::time::sleep(Duration::from_millis(700)).await;
    backend.send(FRAME).await;
    assert_eq!(caller.text().await, FRAME);
    world.clock.advance(1);
    let expected = (1008, "the token has expired".to_owned());
    assert_eq!(within_a_second(caller.farewell()).await, expected);
    caller.closed().await;
    backend.closed().await;
    let told = events.event().await.unwrap();
    assert_eq!(told.event.as_deref(), Some("end"));
    assert_eq!(
        told.data,
        r#"{"code":1008,"reason":"the token has expired"}"#
    );
    assert_eq!(events.block().await, None);
    // Other requests are allowed a minute more, for the sake of clocks.
    let token = world.token("victor");
    world.clock.advance(3630);
    let begun = world.loki.count();
    assert_eq!(
        world.ask_tail(&any()).token(&token).send().await.status,
        401
    );
    assert_eq!(world.loki.count(), begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_20_a_tail_ends_when_the_role_is_withdrawn() {
    let world = World::new().await;
    let scope = Scope::Project(ProjectId::new("acme-shop").unwrap());
    let assignment = grant(&world.directory, "mallory", "Viewer", scope, None).await;
    let mut caller = world.tail("mallory", &any()).await;
    let mut other = world.tail("victor", &any()).await;
    let (mut backend, mut others) = (world.loki.tail().await, world.loki.tail().await);
    let mut events = world
        .events("mallory", &format!("{BASE}/logs/tail"), None)
        .await;
    world.directory.revoke(&assignment).await.unwrap();
    let reason = "you have no read permission on this project any more";
    assert_eq!(
        within_a_second(caller.farewell()).await,
        (1008, reason.to_owned())
    );
    backend.closed().await;
    assert!(events.event().await.unwrap().data.contains(reason));
    // Somebody else's goes on.
    others.send(FRAME).await;
    assert_eq!(other.text().await, FRAME);
}

/// As from the command line, or another replica.
#[tokio::test(flavor = "multi_thread")]
async fn threat_20_a_tail_ends_when_another_process_withdraws_the_role() {
    let home = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", home.path().join("directory.db").display());
    let world = World::beside(&database).await;
    let other = Directory::open(Options::new(database, Handle::current()))
        .await
        .unwrap();
    for _ in 0..5 {
        let scope = Scope::Project(ProjectId::new("acme-shop").unwrap());
        let assignment = grant(&world.directory, "mallory", "Viewer", scope, None).await;
        let mut caller = world.tail("mallory", &any()).await;
        // Long enough to be remembered by heart.
        tokio::time::sleep(Duration::from_millis(700)).await;
        other.revoke(&assignment).await.unwrap();
        assert_eq!(within_a_second(caller.farewell()).await.0, 1008);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_with_its_resource() {
    let world = World::new().await;
    let mut caller = world.tail("victor", &any()).await;
    let resource = ResourceId::new("shop-api").unwrap();
    let project = ProjectId::new("acme-shop").unwrap();
    world
        .directory
        .delete_resource(&resource, &project)
        .await
        .unwrap();
    let reason = "the resource is no longer in this project".to_owned();
    assert_eq!(within_a_second(caller.farewell()).await, (1008, reason));
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_23_a_tail_ends_when_the_directory_is_down_for_too_long() {
    let patience = Duration::from_millis(1500);
    let world = World::with(|settings| settings.tail.directory_patience = patience).await;
    let mut caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    let started = Instant::now();
    world.directory.close().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    backend.send(FRAME).await;
    assert_eq!(caller.text().await, FRAME);
    let reason = "permissions cannot be checked at the moment".to_owned();
    assert_eq!(caller.farewell().await, (1013, reason));
    assert!(started.elapsed() < patience + Duration::from_secs(10));
}

/// A backend bounds the tails of a whole tenant, of which no reader is to take all.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_has_so_many_tails_and_no_more_and_another_has_theirs() {
    let world = World::new().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push((world.tail("victor", &any()).await, world.loki.tail().await));
    }
    let asked = world.forwarded();
    let one_more = |subject: &'static str, path: String| {
        let mut ask = world.ask(&path).token(&world.token(subject));
        for (name, value) in HANDSHAKE {
            ask = ask.header(name, value);
        }
        ask.send()
    };
    let events = format!("{BASE}/logs/tail");
    let refused = [
        one_more("victor", any()).await,
        world.get("victor", &events).await,
    ];
    for refused in refused {
        assert_eq!(refused.status, 429);
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert!(refused.body.contains("4 tails open"), "{}", refused.body);
    }
    assert_eq!(world.forwarded(), asked);
    open.push((world.tail("alice", &any()).await, world.loki.tail().await));
    open.remove(0);
    eventually(async || one_more("victor", any()).await.status == 101).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_when_the_reader_goes_the_backends_tail_ends() {
    let world = World::new().await;
    let mut caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    caller.close(1000, "enough").await;
    within_a_second(backend.closed()).await;
    within_a_second(caller.closed()).await;
    // Without a word, too.
    drop(world.tail("victor", &any()).await);
    within_a_second(world.loki.tail().await.closed()).await;
    let events = world
        .events("victor", &format!("{BASE}/logs/tail"), None)
        .await;
    let mut backend = world.loki.tail().await;
    drop(events);
    within_a_second(backend.closed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_backend_ends_the_reader_is_told_why() {
    let world = World::new().await;
    let path = format!("{BASE}/logs/tail");
    let mut caller = world.tail("victor", &any()).await;
    world
        .loki
        .tail()
        .await
        .close(
            1011,
            "rpc error: code = Code(400) desc = max concurrent tails",
        )
        .await;
    let expected = (1011, "max concurrent tails".to_owned());
    assert_eq!(caller.farewell().await, expected);

    let mut caller = world.tail("victor", &any()).await;
    drop(world.loki.tail().await);
    let broke_off = "the logs backend broke off";
    assert_eq!(caller.farewell().await, (1011, broke_off.to_owned()));

    let mut events = world.events("victor", &path, None).await;
    drop(world.loki.tail().await);
    let told = events.event().await.unwrap();
    assert_eq!(told.event.as_deref(), Some("end"));
    assert_eq!(
        told.data,
        format!(r#"{{"code":1011,"reason":"{broke_off}"}}"#)
    );

    let mut events = world.events("victor", &path, None).await;
    world.loki.tail().await.send("no frame").await;
    let told = events.event().await.unwrap();
    assert!(told.data.contains("no frame of a tail"), "{}", told.data);
}

/// Sends frames until that takes longer than two seconds, or has failed; says how many KiB it were.
async fn flood(backend: &mut Upstream) -> usize {
    let line = "x".repeat(64 << 10);
    let frame = format!(r#"{{"streams":[{{"stream":{{}},"values":[["1","{line}"]]}}]}}"#);
    let mut sent = 0;
    while sent < 1 << 20 {
        let sending = backend.0.send(Message::text(frame.clone()));
        match tokio::time::timeout(Duration::from_secs(2), sending).await {
            Ok(Ok(())) => sent += 64,
            Ok(Err(_)) | Err(_) => break,
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_24_a_reader_that_does_not_read_holds_no_memory_and_is_given_up() {
    let patience = Duration::from_secs(4);
    let world = World::with(|settings| settings.tail.reader_patience = patience).await;
    // Neither of them reads anything.
    let caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    let events = world
        .events("victor", &format!("{BASE}/logs/tail"), None)
        .await;
    let mut other = world.loki.tail().await;
    let (first, second) = tokio::join!(flood(&mut backend), flood(&mut other));
    // What fits into the buffers of four sockets on loopback.
    for sent in [first, second] {
        assert!(
            (1..32 << 10).contains(&sent),
            "{first} and {second} KiB went somewhere"
        );
    }
    tokio::time::timeout(patience + Duration::from_mins(1), async {
        backend.closed().await;
        other.closed().await;
    })
    .await
    .expect("they are given up");
    drop((caller, events));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_pinged_and_one_that_is_silent_is_given_up() {
    let every = Duration::from_millis(200);
    let world = World::with(|settings| settings.tail.ping_every = every).await;
    let mut caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    // Reading answers pings, by the library.
    for socket in [
        &mut caller.0 as &mut (dyn Stream<Item = _> + Unpin + Send),
        &mut backend.0,
    ] {
        let first: Result<Message, _> = socket.next().await.unwrap();
        assert!(first.unwrap().is_ping());
    }
    // A caller's own ping is answered here.
    caller.0.send(Message::Ping("hello".into())).await.unwrap();
    loop {
        let message = caller.message().await.unwrap();
        if message.is_pong() {
            assert_eq!(message.into_data(), "hello");
            break;
        }
        assert!(message.is_ping(), "{message}");
    }
    let reading = tokio::spawn(async move {
        backend.closed().await;
    });
    // Nobody reads, so nobody answers.
    tokio::time::sleep(every * 5).await;
    reading.await.unwrap();
    assert_eq!(caller.farewell().await.0, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_says_means_nothing_and_may_not_be_long() {
    let world = World::new().await;
    let mut caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    caller.send("{\"query\":\"{}\"}").await;
    caller.0.send(Message::binary(vec![0; 4096])).await.unwrap();
    backend.send(FRAME).await;
    assert_eq!(caller.text().await, FRAME);
    caller.send(&"x".repeat(4097)).await;
    assert_eq!(caller.farewell().await.0, 1009);
    backend.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_says_goodbye_to_tails_and_does_not_wait_for_more() {
    let world = World::new().await;
    let mut caller = world.tail("victor", &any()).await;
    let mut backend = world.loki.tail().await;
    let mut events = world
        .events("victor", &format!("{BASE}/logs/tail"), None)
        .await;
    let mut other = world.loki.tail().await;
    let readers = tokio::spawn(async move {
        let farewell = caller.farewell().await;
        caller.closed().await;
        let told = events.event().await.unwrap();
        (farewell, told.data, events.block().await)
    });
    let backends = tokio::spawn(async move {
        backend.closed().await;
        other.closed().await;
    });
    let started = Instant::now();
    world.server.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(15));
    let reason = "the gateway stops: connect again";
    let (farewell, told, end) = readers.await.unwrap();
    assert_eq!(farewell, (1001, reason.to_owned()));
    assert_eq!(told, format!(r#"{{"code":1001,"reason":"{reason}"}}"#));
    assert_eq!(end, None);
    backends.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_lokis_frames_with_an_id_to_go_on_from() {
    let world = World::with(|settings| settings.tail.ping_every = Duration::from_millis(300)).await;
    let path = format!(
        "{BASE}/logs/tail?query={}&delay_for=1",
        encoded(r#"|= "line""#)
    );
    let mut events = world.events("victor", &path, None).await;
    let sent = world.loki.last();
    assert_eq!(sent.path, "/loki/api/v1/tail");
    assert_eq!(
        sent.parameter("query").unwrap(),
        r#"{resource_id="shop-api"} |= "line""#
    );
    assert_eq!(sent.parameter_names(), ["query", "delay_for"]);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(events.headers[name], value);
    }
    assert_eq!(events.block().await.unwrap(), "retry: 2000");
    let mut backend = world.loki.tail().await;
    backend.send(FRAME).await;
    let block = events.block().await.unwrap();
    let (id, data) = block.split_once('\n').unwrap();
    assert!(id.starts_with("id: 1737972000000000001-"), "{id}");
    assert_eq!(data, format!("data: {FRAME}"));
    // A heartbeat, and what was dropped.
    assert_eq!(events.block().await.unwrap(), ":");
    let dropped = r#""dropped_entries":[{"timestamp":"5","labels":{"app":"x"}}]"#;
    backend
        .send(&format!("{{\"streams\":null,\n{dropped}}}"))
        .await;
    let told = events.event().await.unwrap();
    assert_eq!((told.id, told.event.as_deref()), (None, Some("dropped")));
    assert_eq!(told.data, format!("{{{dropped}}}"));

    // Without a query: all of the resource.
    let _all = world
        .events("victor", &format!("{BASE}/logs/tail"), None)
        .await;
    let query = world.loki.last().parameter("query").unwrap();
    assert_eq!(query, r#"{resource_id="shop-api"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_from_the_last_id_without_a_line_twice() {
    let world = World::new().await;
    let path = format!("{BASE}/logs/tail?start=1737972000&limit=3");
    let mut events = world.events("victor", &path, None).await;
    let frame = |streams: &str| format!(r#"{{"streams":[{streams}]}}"#);
    let a = r#"{"stream":{"app":"a"},"values":[["1737972000000000007","one"]]}"#;
    let b = r#"{"stream":{"app":"b"},"values":[["1737972000000000007","two"]]}"#;
    let c = r#"{"stream":{"app":"a"},"values":[["1737972000000000008","three"]]}"#;
    world.loki.tail().await.send(&frame(a)).await;
    let id = events.event().await.unwrap().id.unwrap();
    drop(events);

    let mut events = world.events("victor", &path, Some(&id)).await;
    let sent = world.loki.last();
    assert_eq!(sent.parameter("start").unwrap(), "1737972000000000007");
    assert_eq!(sent.parameter("limit").unwrap(), "5000");
    let mut backend = world.loki.tail().await;
    // The one that was read already comes second, and then alone.
    backend.send(&frame(&format!("{b},{a},{c}"))).await;
    let told = events.event().await.unwrap();
    assert_eq!(told.data, frame(&format!("{b},{c}")));
    assert!(told.id.unwrap().starts_with("1737972000000000008-1-"));

    for id in ["x", "7", "-1"] {
        let ask = world.ask(&path).token(&world.token("victor"));
        let answer = ask.header("last-event-id", id).send().await;
        assert_eq!(answer.status, 400, "{id}");
        assert!(
            answer.body.contains("Last-Event-ID: expected"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_goes_over_tls_with_the_backends_credentials() {
    let authority = Authority::new("backends");
    let loki = Backend::start_tls(authority.server("localhost")).await;
    let world = World::with(|settings| {
        let mut backend = backend_at(&loki.url().replace("localhost", "user:s3cret@localhost"));
        backend.tls.ca_file = Some(authority.file());
        settings.loki = Some(backend);
    })
    .await;
    let mut caller = world.tail("victor", &any()).await;
    loki.tail().await.send(FRAME).await;
    assert_eq!(caller.text().await, FRAME);
    assert_eq!(
        loki.last().header("authorization"),
        Some("Basic dXNlcjpzM2NyZXQ=")
    );
}
