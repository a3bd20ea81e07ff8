//! What opens and closes the circuit breaker of a backend's URL: the gateway's own probes, and nothing
//! that becomes of callers' requests, which is only a reason to probe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::settings::{Credentials, Secret};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::backend::Backend;
use crate::harness::broken::{Broken, OK, Step};
use crate::harness::{LOGS, World, eventually, nobody};
use crate::upstreams::{at, eventually_within, health, world};

/// Of another tenant.
const OTHERS: &str = "/api/v1/projects/globex-iot/resources/iot-graph/logs";
const KILLS: &str =
    "/api/v1/projects/acme-shop/resources/shop-api/logs?query=%7Ba%3D%22kills%22%7D";
const ALL_UP: &str = r#"200 {"status":"UP"}"#;
const DEGRADED: &str = r#"200 {"status":"UP","backends":{"logs":"DEGRADED"}}"#;
const DOWN: &str = r#"200 {"status":"UP","backends":{"logs":"DOWN"}}"#;

/// Closes the connection at one query, and answers everything else.
fn closes_at_one(request: &str) -> &'static [Step] {
    if request.contains("kills") {
        &[]
    } else {
        &[OK]
    }
}

/// Never answers one query, and everything else at once.
fn hangs_at_one(request: &str) -> &'static [Step] {
    if request.contains("kills") {
        &[Step::Hang]
    } else {
        &[OK]
    }
}

/// One tenant asks what kills, from several sides without a pause and `times` from each, and another
/// tenant all the while: none of the other's is to fail.
async fn one_kills_and_the_other_is_served(world: World, status: u16, times: usize) -> World {
    let world = Arc::new(world);
    let kill = |times| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for _ in 0..times {
                assert_eq!(world.get("victor", KILLS).await.status, status);
            }
        })
    };
    for round in 0..10 {
        // Without an answer to anybody in between.
        let first = (0..6).map(|_| kill(1));
        for killing in first.collect::<Vec<_>>() {
            killing.await.unwrap();
        }
        assert_eq!(world.get("gina", OTHERS).await.status, 200, "{round}");
    }
    let killing: Vec<_> = (0..6).map(|_| kill(times)).collect();
    let mut served = 0;
    while !killing.iter().all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(world.get("gina", OTHERS).await.status, 200, "{served}");
        assert_eq!(health(&world).await, ALL_UP);
        served += 1;
    }
    assert!(served > 0);
    for killing in killing {
        killing.await.unwrap();
    }
    Arc::into_inner(world).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_at_which_the_backend_breaks_off_closes_it_to_nobody_else() {
    let backend = Broken::by(closes_at_one).await;
    let world = world(at(&[&backend.url])).await;
    let started = Instant::now();
    let _world = one_kills_and_the_other_is_served(world, 502, 60).await;
    // Hundreds of reasons to probe, and one probe a second for all of them.
    let most = 2 + usize::try_from(started.elapsed().as_secs()).unwrap();
    let probes = backend.probes().len();
    assert!((1..=most).contains(&probes), "{probes} of {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_are_not_answered_in_time_close_the_backend_to_nobody_else() {
    let backend = Broken::by(hangs_at_one).await;
    let mut settings = at(&[&backend.url]);
    settings.timeout = Duration::from_millis(200);
    one_kills_and_the_other_is_served(world(settings).await, 504, 10).await;
    assert!(!backend.probes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_the_gateway_s_own_and_nobody_s_request() {
    let backend = Broken::by(closes_at_one).await;
    let mut settings = at(&[&format!("{}/below/", backend.url)]);
    settings.credentials = Credentials::Bearer(Secret::Text("the-gateway".to_owned()));
    let world = world(settings).await;
    assert_eq!(world.get("victor", KILLS).await.status, 502);
    eventually(async || !backend.probes().is_empty()).await;
    let host = backend.url.strip_prefix("http://").unwrap();
    let probe = format!(
        "GET /below/ready HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         authorization: Bearer the-gateway\r\n\r\n"
    );
    assert_eq!(backend.probes()[0], probe);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_is_answered_by_any_status() {
    for answer in [
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".as_slice(),
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\nstarting\n",
        b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 900\r\n\r\n",
        b"HTTP/1.0 302 Found\r\nlocation: /login\r\n\r\n",
    ] {
        let steps: &'static [Step] = Box::leak(Box::new([Step::Read, Step::Write(answer)]));
        let (socket, url) = nobody();
        let world = world(at(&[&url])).await;
        assert_eq!(world.get("victor", LOGS).await.status, 502);
        eventually(async || health(&world).await == DOWN).await;
        let _back = Broken::at(socket, steps);
        eventually_within(Duration::from_secs(30), async || {
            health(&world).await == ALL_UP
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_back_is_found_without_a_request_of_anybody() {
    let (socket, url) = nobody();
    let world = world(at(&[&url])).await;
    assert_eq!(world.get("victor", LOGS).await.status, 502);
    eventually(async || health(&world).await == DOWN).await;
    assert_eq!(world.get("victor", LOGS).await.status, 503);
    let back = Broken::at(socket, &[Step::Read, OK, Step::Hang]);
    eventually_within(Duration::from_secs(30), async || {
        health(&world).await == ALL_UP
    })
    .await;
    assert_eq!(back.requests(), 0);
    assert_eq!(world.get("victor", LOGS).await.status, 200);
}

/// The gateway does not wait until a request is given up to see that nobody answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_went_silent_is_left_out_long_before_requests_are_given_up() {
    let silent = Broken::start(&[Step::Read, Step::Hang]).await;
    let second = Backend::start().await;
    let mut settings = at(&[&silent.url, &second.url()]);
    settings.timeout = Duration::from_mins(10);
    let world = Arc::new(world(settings).await);
    let asking = Arc::clone(&world);
    let waits = tokio::spawn(async move { asking.get("victor", LOGS).await.status });
    eventually_within(Duration::from_mins(1), async || {
        health(&world).await == DEGRADED
    })
    .await;
    assert!(!waits.is_finished(), "it may be a slow query");
    assert_eq!(world.get("gina", OTHERS).await.status, 200);
    waits.abort();
}

/// A URL to which connections hang: the queue of those that nobody takes is full, and what comes for
/// it is dropped, as a host that is gone does it.
async fn nowhere() -> (
    tokio::net::TcpListener,
    Vec<tokio::task::JoinHandle<()>>,
    String,
) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let held = TcpStream::connect(address).await.unwrap();
    let mut held = vec![tokio::spawn(async move {
        let _held = held;
        std::future::pending::<()>().await;
    })];
    // As many as are needed, which the system decides.
    while let Ok(Ok(more)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        held.push(tokio::spawn(async move {
            let _held = more;
            std::future::pending::<()>().await;
        }));
    }
    (listener, held, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_to_which_connections_hang_is_left_out_within_seconds_and_found_again() {
    let (listener, held, url) = nowhere().await;
    let second = Backend::start().await;
    let mut settings = at(&[&url, &second.url()]);
    settings.timeout = Duration::from_mins(1);
    let world = Arc::new(world(settings).await);
    let asking = Arc::clone(&world);
    let first = tokio::spawn(async move { asking.get("victor", LOGS).await.status });
    eventually_within(Duration::from_secs(30), async || {
        health(&world).await == DEGRADED
    })
    .await;
    assert_eq!(first.await.unwrap(), 200);
    let started = Instant::now();
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    // Who waited for it would wait for a minute.
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(second.count(), 2);
    for held in held {
        held.abort();
    }
    let back = Broken::listening(listener, &[Step::Read, OK, Step::Hang]);
    eventually_within(Duration::from_secs(30), async || {
        health(&world).await == ALL_UP
    })
    .await;
    assert_eq!(back.requests(), 0);
}
