//! Backends that go and come: failover, and what is sent twice. What opens and closes a circuit breaker
//! is in `probes`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::BackendSettings;
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::backend::Backend;
use crate::harness::broken::{Broken, OK, Step};
use crate::harness::client::Answer;
use crate::harness::{LOGS, World, backend_at, eventually, nobody};

const PUSH: &str = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/push";
/// Enough for a breaker to open, were it for callers' requests to open it.
const MANY: usize = 20;

pub(crate) fn at(urls: &[&str]) -> BackendSettings {
    let others = urls[1..].iter().map(|url| url.parse().unwrap());
    backend_at(urls[0]).with_others(others)
}

pub(crate) async fn world(backend: BackendSettings) -> World {
    World::with(|settings| settings.loki = Some(backend)).await
}

async fn push(world: &World) -> Answer {
    let now = world.clock_nanos();
    let batch = format!(r#"{{"streams":[{{"stream":{{"a":"b"}},"values":[["{now}","x"]]}}]}}"#);
    let ask = world.ask(PUSH).token(&world.token("erin"));
    ask.post("application/json", batch).send().await
}

pub(crate) async fn health(world: &World) -> String {
    world.ask("/health").send().await.told()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_to_the_next_url_and_back_when_the_first_answers_again() {
    let (socket, first) = nobody();
    let second = Backend::start().await;
    let world = world(at(&[&first, &second.url()])).await;
    for count in 1..=MANY {
        assert_eq!(world.get("victor", LOGS).await.status, 200);
        assert_eq!(second.count(), count);
    }
    let degraded = r#"200 {"status":"UP","backends":{"logs":"DEGRADED"}}"#;
    eventually(async || health(&world).await == degraded).await;
    let first = Broken::at(socket, &[Step::Read, OK, Step::Hang]);
    eventually_within(Duration::from_secs(30), async || {
        assert_eq!(world.get("victor", LOGS).await.status, 200);
        first.requests() > 0
    })
    .await;
    assert_eq!(health(&world).await, r#"200 {"status":"UP"}"#);
}

pub(crate) async fn eventually_within(time: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < time, "this did not become true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_url_answers_callers_are_told_at_once_until_one_does() {
    let (socket, first) = nobody();
    let (_held, second) = nobody();
    let world = world(at(&[&first, &second])).await;
    assert_eq!(world.get("victor", LOGS).await.status, 502);
    // Each of them finds out anew where to go, until it is known that nobody is there.
    eventually(async || world.get("victor", LOGS).await.status == 503).await;
    let away = world.get("victor", LOGS).await;
    assert_eq!(away.status, 503, "{}", away.body);
    let after: u64 = away.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=6).contains(&after), "{after}");
    let told = away.value();
    assert_eq!(told["errorType"], "unavailable");
    let sentence = told["error"].as_str().unwrap();
    assert!(
        sentence.starts_with("the logs backend does not answer"),
        "{sentence}"
    );
    // The gateway is ready all the same: the other backend answers.
    let ready = world.ask("/readyz").send().await.told();
    assert_eq!(ready, r#"200 {"status":"UP","backends":{"logs":"DOWN"}}"#);
    // Who may not ask is not told of it.
    assert_eq!(world.get("mallory", LOGS).await.status, 403);

    let _back = Broken::at(socket, &[Step::Read, OK, Step::Hang]);
    eventually_within(Duration::from_secs(30), async || {
        world.get("victor", LOGS).await.status == 200
    })
    .await;
    assert_eq!(
        health(&world).await,
        r#"200 {"status":"UP","backends":{"logs":"DEGRADED"}}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_says_nothing_is_not_waited_for_again_and_again() {
    let hanging = Broken::start(&[Step::Read, Step::Hang]).await;
    let mut settings = at(&[&hanging.url]);
    settings.timeout = Duration::from_millis(300);
    let world = world(settings).await;
    assert_eq!(world.get("victor", LOGS).await.status, 504);
    eventually_within(Duration::from_secs(30), async || {
        world.get("victor", LOGS).await.status == 503
    })
    .await;
    // Nobody waits any more, nor does anybody find out whether somebody is there again.
    let asked = hanging.requests();
    for _ in 0..MANY {
        assert_eq!(world.get("victor", LOGS).await.status, 503);
    }
    assert_eq!(hanging.requests(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_a_sign_of_life_whatever_its_status() {
    let world = World::new().await;
    for status in [500, 503, 401] {
        world.loki.fails(status, "no");
        for _ in 0..MANY {
            assert_eq!(world.get("victor", LOGS).await.status, 502);
        }
    }
    assert_eq!(health(&world).await, r#"200 {"status":"UP"}"#);
}

/// As servers do that close what was unused for a while.
const CLOSED_WHEN_ASKED_AGAIN: &[Step] = &[Step::Read, OK, Step::Read];

#[tokio::test(flavor = "multi_thread")]
async fn a_read_on_a_connection_that_was_just_closed_is_sent_again() {
    let backend = Broken::start(CLOSED_WHEN_ASKED_AGAIN).await;
    let world = world(at(&[&backend.url])).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    // Each after it finds a connection that is closed under it. One that breaks later than at once may
    // have been read, and on a busy machine that is how it may look.
    eventually(async || {
        let (connections, requests) = (backend.connections(), backend.requests());
        let is_answered = world.get("victor", LOGS).await.status == 200;
        let anew = (
            backend.connections() - connections,
            backend.requests() - requests,
        );
        is_answered && anew == (1, 2)
    })
    .await;
}

/// Answers all but one query, at which it closes the connection at once.
fn all_but_one(request: &str) -> &'static [Step] {
    if request.contains("kills") {
        &[]
    } else {
        &[OK]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_breaks_every_connection_is_sent_twice_at_the_most() {
    let backend = Broken::by(all_but_one).await;
    let second = Backend::start().await;
    let world = Arc::new(world(at(&[&backend.url, &second.url()])).await);
    let kills = LOGS.to_owned() + "?query=%7Ba%3D%22kills%22%7D";
    let mut sent = Vec::new();
    for _ in 0..3 {
        // Several unused connections, for as many attempts.
        let warm = (0..8).map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.get("victor", LOGS).await.status })
        });
        for asked in warm.collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), 200);
        }
        let (connections, before) = (backend.connections(), backend.requests());
        assert_eq!(world.get("victor", &kills).await.status, 502);
        sent.push((
            backend.requests() - before,
            backend.connections() - connections,
        ));
    }
    // Once on one that was used and once on a fresh one, unless this machine was too slow to see at once
    // that the former broke.
    assert!(
        sent.iter().all(|sent| matches!(sent, (2, 1) | (1, 0))),
        "{sent:?}"
    );
    assert_eq!(second.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_kills_one_backend_is_not_given_to_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Answers once, and is gone at the next request.
    let killed = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4096];
        assert!(stream.read(&mut bytes).await.unwrap() > 0);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).await.unwrap();
        assert!(stream.read(&mut bytes).await.unwrap() > 0);
        drop(listener);
    });
    let second = Backend::start().await;
    let world = world(at(&[&url, &second.url()])).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    assert_eq!(world.get("victor", LOGS).await.status, 502);
    killed.await.unwrap();
    assert_eq!(second.count(), 0);
    // The others do not notice.
    assert_eq!(world.get("victor", LOGS).await.status, 200);
}

/// Who closes what is unused does not wait for what it does not know of.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_after_which_a_connection_breaks_later_is_not_sent_again() {
    let backend = Broken::by(|request| {
        if request.contains("kills") {
            &[Step::Wait(400), Step::Reset]
        } else {
            &[OK]
        }
    })
    .await;
    let world = world(at(&[&backend.url])).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    let kills = LOGS.to_owned() + "?query=%7Ba%3D%22kills%22%7D";
    assert_eq!(world.get("victor", &kills).await.status, 502);
    assert_eq!((backend.connections(), backend.requests()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_never_sent_twice() {
    let backend = Broken::start(CLOSED_WHEN_ASKED_AGAIN).await;
    let elsewhere = Backend::start().await;
    let world = world(at(&[&backend.url, &elsewhere.url()])).await;
    assert_eq!(push(&world).await.status, 200);
    let answer = push(&world).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    assert_eq!((backend.requests(), elsewhere.count()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_goes_elsewhere_once_it_is_known_that_nobody_is_there() {
    let (_held, first) = nobody();
    let second = Backend::start().await;
    second.answers(|| {
        let mut response = axum::response::Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    });
    let world = world(at(&[&first, &second.url()])).await;
    assert_eq!(push(&world).await.status, 502);
    eventually(async || push(&world).await.status == 204).await;
    // No batch is used to find out whether somebody is there again.
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        assert_eq!(push(&world).await.status, 204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_broke_a_fresh_connection_is_not_tried_on_the_next_url() {
    let breaking = Broken::start(&[Step::Read]).await;
    let second = Backend::start().await;
    let world = world(at(&[&breaking.url, &second.url()])).await;
    assert_eq!(world.get("victor", LOGS).await.status, 502);
    assert_eq!((breaking.requests(), second.count()), (1, 0));
    // That the backend is broken to everybody shows, and then the others are served elsewhere.
    eventually(async || world.get("victor", LOGS).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_url_is_checked_and_all_are_of_one_scheme() {
    let backend = Backend::start().await;
    let (_held, nowhere) = nobody();
    let check = |urls: &[&str]| {
        let settings = at(urls);
        async move { gateway::check::backend(gateway::routes::Backend::Loki, &settings).await }
    };
    let url = backend.url();
    let finding = check(&[&url, &url]).await;
    assert!(finding.ok, "{finding}");
    assert_eq!(finding.sentence.matches("answers queries").count(), 2);
    // Which one does not answer is said, and that the other one does.
    for urls in [[&url, &nowhere], [&nowhere, &url]] {
        let finding = check(&[urls[0].as_str(), urls[1].as_str()]).await;
        let said = &finding.sentence;
        assert!(!finding.ok, "{finding}");
        assert!(
            said.contains(&format!("{nowhere} cannot be asked")),
            "{said}"
        );
        assert!(said.contains(&format!("{url} answers queries")), "{said}");
    }
    let world = World::new().await;
    let mixed = at(&[&url, "https://elsewhere/"]);
    let error = crate::lifecycle::start(&world, |all| all.loki = Some(mixed));
    let error = error.err().unwrap().to_string();
    assert!(error.contains("cannot be at https://elsewhere/"), "{error}");
}
