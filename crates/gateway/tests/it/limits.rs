//! What subjects and projects may use, and who else notices: nobody.

use std::convert::Infallible;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use gateway::limit::{Bounds, Queue, Quota, Rate};
use gateway::{LimitSettings, Settings};
use http::{Method, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::backend::any_list;
use crate::harness::client::Answer;
use crate::harness::{LOGS, METRICS, RANGE, World, encoded, eventually};

const QUERY: &str = "query=up&start=1737972000&end=1737975600&step=15s";
const TAIL: &str = "/api/v1/projects/acme-shop/resources/shop-api/logs/tail";
const LOKI: &str = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1";
const PROMETHEUS: &str = "/api/v1/projects/acme-shop/prometheus/api/v1";
/// Longer than a test takes, however busy the machine is.
const LONG: Duration = Duration::from_mins(5);

/// A world in which nothing is limited but what `change` says, and no refusal is held back.
async fn world(change: impl FnOnce(&mut LimitSettings)) -> World {
    World::with(|settings| limit(settings, change)).await
}

fn limit(settings: &mut Settings, change: impl FnOnce(&mut LimitSettings)) {
    settings.limits = LimitSettings {
        pause: Duration::ZERO,
        ..LimitSettings::off()
    };
    change(&mut settings.limits);
}

/// So many requests, and for an hour no more.
fn requests(burst: u32) -> Quota {
    Quota {
        requests: Some(Rate {
            every: Duration::from_hours(1),
            burst: NonZeroU32::new(burst).unwrap(),
        }),
        ..Quota::UNLIMITED
    }
}

fn queries(most: u32) -> Quota {
    Quota {
        queries: NonZeroU32::new(most),
        ..Quota::UNLIMITED
    }
}

const fn line(timeout: Duration, length: usize) -> Queue {
    Queue { timeout, length }
}

fn metrics() -> String {
    format!("{METRICS}?{QUERY}")
}

/// A metrics backend whose answers begin at once, and end when the test says so.
struct Held(Arc<Mutex<Vec<mpsc::UnboundedSender<Bytes>>>>);

impl Held {
    fn by(world: &World) -> Self {
        let held = Self(Arc::default());
        let answers = Arc::clone(&held.0);
        world.mimir.answers(move || {
            let (sender, receiver) = mpsc::unbounded_channel();
            sender.send(Bytes::from_static(b"[")).unwrap();
            answers.lock().unwrap().push(sender);
            let chunks = stream::unfold(receiver, |mut receiver| async {
                let chunk = receiver.recv().await?;
                Some((Ok::<_, Infallible>(chunk), receiver))
            });
            Body::from_stream(chunks.boxed()).into_response()
        });
        held
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    async fn reaches(&self, count: usize) {
        eventually(async || self.count() >= count).await;
        assert_eq!(self.count(), count);
    }

    /// Ends the answer to the query that came at this place.
    fn end(&self, at: usize) {
        let (ended, _) = mpsc::unbounded_channel();
        self.0.lock().unwrap()[at] = ended;
    }
}

/// A query of its own, whose answer somebody waits for.
fn ask(world: &World, who: &str, path: &str) -> JoinHandle<Answer> {
    let ask = world.ask(path).token(&world.token(who));
    tokio::spawn(ask.send())
}

/// The first one of two that is answered, and the other one.
async fn first(
    mut one: JoinHandle<Answer>,
    mut other: JoinHandle<Answer>,
) -> (Answer, JoinHandle<Answer>) {
    tokio::select! {
        answer = &mut one => (answer.unwrap(), other),
        answer = &mut other => (answer.unwrap(), one),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_much_is_told_so_and_nobody_else_is() {
    let world = world(|limits| limits.subject = requests(2)).await;
    for path in [LOGS.to_owned(), metrics()] {
        assert_eq!(world.get("victor", &path).await.status, 200, "{path}");
    }
    let refused = world.get("victor", LOGS).await;
    insta::assert_snapshot!(refused.told(), @r#"429 {"status":"error","errorType":"too_many_requests","error":"you send more than 1 request in 3600 seconds (limits.subject.requests_per_second): wait for as long as Retry-After says, and send fewer"}"#);
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3000..=3600).contains(&after), "{after}");
    assert_eq!(world.forwarded(), 2);
    // Whatever they ask for: a tail, what is answered here, what manages.
    for path in [
        TAIL,
        "/api/v1/projects/acme-shop/loki/api/v1/status/buildinfo",
        "/api/v1/projects/acme-shop",
    ] {
        assert_eq!(world.get("victor", path).await.status, 429, "{path}");
    }
    assert_eq!(world.get("erin", LOGS).await.status, 200);
    assert_eq!(world.ask("/livez").send().await.status, 200);
    assert_eq!(world.forwarded(), 3);
}

/// Otherwise whoever knows a name could spend what its owner may send.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_prove_who_they_are_spends_nobodys_requests() {
    let world = world(|limits| limits.subject = requests(1)).await;
    let token = world.token("victor");
    let (signed, _) = token.rsplit_once('.').unwrap();
    for forged in [format!("{signed}.AAAA"), format!("{signed}.")] {
        let answer = world.ask(LOGS).token(&forged).send().await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    assert_eq!(world.get("victor", LOGS).await.status, 429);
}

/// Otherwise anybody with a token could keep a project's readers out, and would learn by a 429 that a
/// project is there and used.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_a_project_spends_none_of_its_requests_and_learns_nothing_of_them() {
    let world = world(|limits| limits.project = requests(1)).await;
    for _ in 0..3 {
        assert_eq!(world.get("mallory", LOGS).await.status, 403);
        assert_eq!(world.get("gina", LOGS).await.status, 403);
    }
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    let refused = world.get("erin", LOGS).await;
    insta::assert_snapshot!(refused.told(), @r#"429 {"status":"error","errorType":"too_many_requests","error":"the readers of this project together send more than 1 request in 3600 seconds (limits.project.requests_per_second): wait for as long as Retry-After says, and send fewer"}"#);
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
    // Another project of the same readers has its own.
    let lab = LOGS
        .replace("acme-shop", "acme-lab")
        .replace("shop-api", "lab-flow");
    assert_eq!(world.get("alice", &lab).await.status, 200);
}

/// Who guesses is counted by what they guess with.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_forbidden_counts_as_what_is_allowed() {
    let world = world(|limits| limits.subject = requests(2)).await;
    for _ in 0..2 {
        assert_eq!(world.get("mallory", LOGS).await.status, 403);
    }
    assert_eq!(world.get("mallory", LOGS).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_not_counted_as_requests() {
    let world = world(|limits| {
        limits.subject = requests(1);
        limits.project = requests(1);
    })
    .await;
    world
        .loki
        .answers(|| StatusCode::NO_CONTENT.into_response());
    for _ in 0..3 {
        let path = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/push";
        let batch = r#"{"streams": [{"stream": {"app": "x"}, "values": [["1", "line"]]}]}"#;
        let ask = world.ask(path).token(&world.token("erin"));
        let answer = ask.post("application/json", batch).send().await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_have_limits_of_its_own() {
    let world = world(|limits| {
        limits.project = requests(1);
        let free = (Quota::UNLIMITED, Bounds::UNLIMITED);
        let shop = gateway::directory::policy::ProjectId::new("acme-shop").unwrap();
        limits.projects.insert(shop, free);
    })
    .await;
    for _ in 0..3 {
        assert_eq!(world.get("alice", LOGS).await.status, 200);
    }
    let lab = "/api/v1/projects/acme-lab/resources/lab-flow/logs";
    assert_eq!(world.get("alice", lab).await.status, 200);
    assert_eq!(world.get("alice", lab).await.status, 429);
}

/// A place is held until the answer's body is out: the heads of these answers have long arrived.
#[tokio::test(flavor = "multi_thread")]
async fn queries_beyond_the_limit_wait_in_line_and_run_when_others_have_ended() {
    let world = world(|limits| {
        limits.subject = queries(2);
        limits.queue = line(LONG, 1);
    })
    .await;
    let held = Held::by(&world);
    let running = [1, 2].map(|_| ask(&world, "victor", &metrics()));
    held.reaches(2).await;
    // Of two more, one waits, and the line is full for the other.
    let more = [1, 2].map(|_| ask(&world, "victor", &metrics()));
    let [one, other] = more;
    let (refused, waits) = first(one, other).await;
    insta::assert_snapshot!(refused.told(), @r#"429 {"status":"error","errorType":"too_many_requests","error":"as many queries of yours run as may at a time (2, limits.subject.queries), and as many wait as may (1, limits.queue.length): send fewer at a time"}"#);
    assert_eq!(refused.header("retry-after"), Some("300"));
    assert_eq!(held.count(), 2);
    // What needs no backend runs anyway, and so does somebody else's.
    let version = "/api/v1/projects/acme-shop/prometheus/api/v1/status/buildinfo";
    assert_eq!(world.get("victor", version).await.status, 200);
    let others = ask(&world, "erin", &metrics());
    held.reaches(3).await;
    held.end(0);
    held.reaches(4).await;
    for at in 0..4 {
        held.end(at);
    }
    for answer in running.into_iter().chain([waits, others]) {
        assert_eq!(answer.await.unwrap().body, "[");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_project_wait_for_each_other_and_for_nobody_elses() {
    let world = world(|limits| {
        limits.project = queries(1);
        limits.queue = line(Duration::from_millis(50), 10);
    })
    .await;
    let held = Held::by(&world);
    let running = ask(&world, "victor", &metrics());
    held.reaches(1).await;
    let refused = world.get("erin", &metrics()).await;
    insta::assert_snapshot!(refused.told(), @r#"429 {"status":"error","errorType":"too_many_requests","error":"as many queries of this project's readers run as may at a time (1, limits.project.queries), and this one has waited for 50ms (limits.queue.timeout): send fewer at a time, or ask for less with each"}"#);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let other = metrics()
        .replace("acme-shop", "globex-iot")
        .replace("shop-api", "iot-graph");
    let others = ask(&world, "gina", &other);
    held.reaches(2).await;
    held.end(0);
    held.end(1);
    assert_eq!(running.await.unwrap().status, 200);
    assert_eq!(others.await.unwrap().status, 200);
    // The one that ran has given its place back.
    let again = ask(&world, "erin", &metrics());
    held.reaches(3).await;
    held.end(2);
    assert_eq!(again.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_gives_back_their_place_and_leaves_the_line() {
    let world = world(|limits| {
        limits.subject = queries(1);
        limits.queue = line(LONG, 1);
    })
    .await;
    let held = Held::by(&world);
    let running = ask(&world, "victor", &metrics());
    held.reaches(1).await;
    // Of two, one is in line, and the line is full for the other, whichever came first.
    let two = [1, 2].map(|_| ask(&world, "victor", &metrics()));
    let [one, other] = two;
    let (refused, waits) = first(one, other).await;
    assert_eq!(refused.status, 429);
    assert_eq!(world.get("victor", &metrics()).await.status, 429);
    waits.abort();
    // Who is not refused is in line.
    let mut next = ask(&world, "victor", &metrics());
    eventually(async || {
        let refused = timeout(Duration::from_secs(1), &mut next).await;
        if let Ok(answer) = &refused {
            assert_eq!(answer.as_ref().unwrap().status, 429);
            next = ask(&world, "victor", &metrics());
        }
        refused.is_err()
    })
    .await;
    assert_eq!(held.count(), 1);
    // In the middle of its answer.
    running.abort();
    held.reaches(2).await;
    held.end(1);
    assert_eq!(next.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_fails_gives_its_place_back() {
    let world = world(|limits| {
        limits.subject = queries(1);
        limits.queue = line(Duration::ZERO, 0);
    })
    .await;
    world.mimir.fails(500, "no");
    for _ in 0..3 {
        assert_eq!(world.get("victor", &metrics()).await.status, 502);
    }
    world.mimir.answers(any_list);
    let metadata = "/api/v1/projects/acme-shop/resources/shop-api/prometheus/api/v1/rules";
    for _ in 0..3 {
        assert_ne!(world.get("victor", metadata).await.status, 429);
        assert_eq!(world.get("victor", &metrics()).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_holds_no_place_of_a_query() {
    let world = world(|limits| {
        limits.subject = queries(1);
        limits.project = queries(1);
        limits.queue = line(Duration::ZERO, 0);
    })
    .await;
    let socket = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/tail?query=%7B%7D";
    let _caller = world.tail("victor", socket).await;
    let _backend = world.loki.tail().await;
    let events = ask(&world, "victor", TAIL);
    let _backend = world.loki.tail().await;
    assert_eq!(world.get("victor", &metrics()).await.status, 200);
    events.abort();
}

/// Ten thousand bytes, where a thousand may be read in a minute.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_runs_is_not_cut_and_the_next_one_waits_for_its_minute() {
    fn much() -> Response {
        "x".repeat(10_000).into_response()
    }
    let world = world(|limits| {
        limits.subject.bytes_per_minute = NonZeroU64::new(1000);
        limits.project.bytes_per_minute = NonZeroU64::new(15_000);
    })
    .await;
    world.mimir.answers(much);
    let answer = world.get("victor", &metrics()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 10_000));
    let refused = world.get("victor", &metrics()).await;
    insta::assert_snapshot!(refused.told(), @r#"429 {"status":"error","errorType":"too_many_requests","error":"you have read more than 1000 bytes within a minute (limits.subject.bytes_per_minute): wait for as long as Retry-After says, and ask for less"}"#);
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&after), "{after}");
    assert_eq!(world.get("victor", TAIL).await.status, 429);
    // Who manages reads none of a tenant's data.
    let project = world.get("victor", "/api/v1/projects/acme-shop").await;
    assert_eq!(project.status, 200);
    assert_eq!(world.get("erin", &metrics()).await.status, 200);
    let refused = world.get("alice", &metrics()).await;
    assert!(refused.body.contains("limits.project.bytes_per_minute"));
    assert_eq!(world.mimir.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tail_brings_is_read_as_well_and_ends_no_tail() {
    for events in [false, true] {
        let world = world(|limits| limits.subject.bytes_per_minute = NonZeroU64::new(1000)).await;
        let socket = format!("{LOKI}/tail?query=%7B%7D");
        // So much that it is counted while it runs.
        let frame = format!(
            r#"{{"streams":[{{"stream":{{}},"values":[["1","{}"]]}}]}}"#,
            "x".repeat(300 << 10)
        );
        if events {
            let caller = ask(&world, "victor", TAIL);
            let mut backend = world.loki.tail().await;
            backend.send(&frame).await;
            eventually(async || world.get("victor", &metrics()).await.status == 429).await;
            assert!(!caller.is_finished());
            caller.abort();
        } else {
            let mut caller = world.tail("victor", &socket).await;
            let mut backend = world.loki.tail().await;
            for _ in 0..2 {
                backend.send(&frame).await;
                assert_eq!(caller.text().await, frame);
                eventually(async || world.get("victor", &metrics()).await.status == 429).await;
            }
        }
        assert_eq!(world.get("erin", &metrics()).await.status, 200);
    }
}

/// Who sends the next request as soon as the last is answered is refused no faster than this.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_held_back_and_nobody_else_waits_for_it() {
    const PAUSE: Duration = Duration::from_millis(300);
    let world = world(|limits| {
        limits.subject = requests(1);
        limits.pause = PAUSE;
    })
    .await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    let began = Instant::now();
    let refused = ask(&world, "victor", LOGS);
    assert_eq!(world.get("erin", LOGS).await.status, 200);
    assert_eq!(refused.await.unwrap().status, 429);
    // Half of it at the least.
    assert!(began.elapsed() >= PAUSE / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_asks_for_too_much_is_told_which_limit_it_is() {
    let world = world(|limits| {
        limits.query = Bounds {
            max_range: Some(Duration::from_hours(720)),
            min_step: Some(Duration::from_secs(5)),
            max_points: NonZeroU32::new(11_000),
        };
        let lab = gateway::directory::policy::ProjectId::new("acme-lab").unwrap();
        limits
            .projects
            .insert(lab, (Quota::UNLIMITED, Bounds::UNLIMITED));
    })
    .await;
    let month = "start=1737972000&end=1740564000";
    let longer = "start=1737972000&end=1740564001";
    let lines = encoded(r#"{a="b"}"#);
    let back = encoded(r#"rate({a="b"}[31d])"#);
    let allowed = [
        format!("{METRICS}?query=up&{month}&step=5m"),
        format!("{METRICS}?query=up&start=0&end=55000&step=5"),
        format!("{LOGS}?{month}"),
        format!("{LOGS}?since=30d"),
        format!("{LOKI}/labels?{month}"),
        format!("{PROMETHEUS}/labels?{month}"),
        format!("{PROMETHEUS}/query?query=rate(up%5B30d%5D)"),
    ];
    for path in &allowed {
        let answer = world.get("victor", path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    assert_eq!(world.forwarded(), allowed.len());
    for (path, limit) in [
        (format!("{METRICS}?query=up&{longer}&step=5m"), "max_range"),
        (
            format!("{METRICS}?query=up&start=0&end=55005&step=5"),
            "max_points",
        ),
        (
            format!("{METRICS}?query=up&{RANGE}").replace("step=15s", "step=4s"),
            "min_step",
        ),
        (
            format!("{METRICS}?query=max_over_time(up%5B1h%3A1s%5D)&{RANGE}"),
            "min_step",
        ),
        (
            format!("{METRICS}?query=rate(up%5B31d%5D)&{RANGE}"),
            "max_range",
        ),
        (
            format!("{PROMETHEUS}/query?query=rate(up%5B31d%5D)"),
            "max_range",
        ),
        (
            format!("{PROMETHEUS}/query_range?query=up&{longer}&step=5m"),
            "max_range",
        ),
        (
            format!("{PROMETHEUS}/series?match[]=up&{longer}"),
            "max_range",
        ),
        // All that there is.
        (format!("{PROMETHEUS}/labels"), "max_range"),
        (format!("{PROMETHEUS}/labels?end=1737972000"), "max_range"),
        (format!("{LOGS}?{longer}"), "max_range"),
        // Up to now.
        (format!("{LOGS}?start=1737972000"), "max_range"),
        (format!("{LOGS}?since=31d"), "max_range"),
        (format!("{LOGS}?query={back}"), "max_range"),
        (format!("{LOGS}?step=1s"), "min_step"),
        (
            format!("{LOKI}/query_range?query={lines}&since=2d&step=10s"),
            "max_points",
        ),
        (format!("{LOKI}/query?query={back}"), "max_range"),
        (
            format!("{LOKI}/index/volume_range?query={lines}&{longer}"),
            "max_range",
        ),
    ] {
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        let limit = format!("limits.query.{limit}");
        assert!(answer.body.contains(&limit), "{path}: {}", answer.body);
    }
    assert_eq!(world.forwarded(), allowed.len());
    let form = format!("query=up&{longer}&step=5m");
    let path = format!("{PROMETHEUS}/query_range");
    let ask = world.ask(&path).token(&world.token("victor"));
    assert_eq!(ask.form(&form).send().await.status, 400);
    // This project may ask for more.
    let lab = METRICS
        .replace("acme-shop", "acme-lab")
        .replace("shop-api", "lab-flow");
    let path = format!("{lab}?query=rate(up%5B31d%5D)&{longer}&step=1s");
    assert_eq!(world.get("alice", &path).await.status, 200);
}

/// By default, as Prometheus and Loki refuse it themselves.
#[tokio::test(flavor = "multi_thread")]
async fn by_default_a_query_has_at_most_eleven_thousand_points() {
    let world = World::new().await;
    for (end, status) in [(11_000, 200), (11_001, 400)] {
        let path = format!("{METRICS}?query=up&start=0&end={end}&step=1");
        assert_eq!(world.get("victor", &path).await.status, status);
    }
}

/// A dashboard of a hundred panels, three times.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_dashboard_meets_no_limit() {
    let world = World::new().await;
    let token = world.token("victor");
    for _ in 0..3 {
        let panels: Vec<_> = (0..100)
            .map(|_| tokio::spawn(world.ask(&metrics()).token(&token).send()))
            .collect();
        for panel in panels {
            assert_eq!(panel.await.unwrap().status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_of_management_is_counted_before_its_body_is_read() {
    let world = world(|limits| limits.subject = requests(1)).await;
    let path = "/api/v1/organizations";
    let json = r#"{"id": "new", "name": "New"}"#;
    let made = world.write("mallory", Method::POST, path, json).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let refused = world.write("mallory", Method::POST, path, "no JSON").await;
    assert_eq!(refused.status, 429);
}

/// Whatever it is that takes a connection's place: bodies that do not come, a tail, a query that runs and
/// one that waits in line. Others are served as if nobody were there.
#[tokio::test(flavor = "multi_thread")]
async fn requests_of_every_kind_are_counted_while_they_are_on_their_way() {
    let world = world(|limits| {
        limits.subject = Quota {
            in_flight: NonZeroU32::new(6),
            ..queries(1)
        };
        limits.queue = line(LONG, 10);
    })
    .await;
    let address = world.server.local_addr();
    let held = Held::by(&world);
    let token = world.token("erin");
    let mut open = Vec::new();
    for (path, media_type) in [
        (format!("{LOKI}/push"), "application/json"),
        (format!("{LOKI}/query"), "application/x-www-form-urlencoded"),
        ("/api/v1/organizations".to_owned(), "application/json"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
             content-type: {media_type}\r\ncontent-length: 1000\r\n\r\nabc"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        open.push(stream);
    }
    let path = format!("{LOKI}/tail?query=%7Ba%3D%22b%22%7D");
    let (tail, _backend) = tokio::join!(world.tail("erin", &path), world.loki.tail());
    let waits = [(); 2].map(|()| ask(&world, "erin", &metrics()));
    held.reaches(1).await;
    // How far each has come cannot be seen from here; the sixth of them is the last that is let in.
    let mut refused = None;
    eventually(async || {
        let answer = world.get("erin", "/api/v1/projects/acme-shop").await;
        let is_refused = answer.status == 429;
        refused = Some(answer);
        is_refused
    })
    .await;
    insta::assert_snapshot!(refused.unwrap().told(), @r#"429 {"status":"error","errorType":"too_many_requests","error":"as many requests of yours are on their way as may be at a time (6, limits.subject.in_flight): wait for their answers, and send fewer at a time"}"#);
    let push = world.ask(&format!("{LOKI}/push")).token(&token);
    let refused = push.post("application/json", "{}").send().await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(world.get("erin", &metrics()).await.status, 429);
    let others = ask(&world, "victor", &metrics());
    held.reaches(2).await;
    // What ends, by whichever side, makes room.
    for stream in open {
        drop(stream);
        eventually(async || {
            let answer = world.get("erin", "/api/v1/projects/acme-shop").await;
            answer.status == 200
        })
        .await;
    }
    held.end(0);
    held.reaches(3).await;
    held.end(1);
    held.end(2);
    for answered in waits.into_iter().chain([others]) {
        assert_eq!(answered.await.unwrap().status, 200);
    }
    drop(tail);
}

/// A form of a MiB that has come but for its last byte.
async fn long_form(world: &World, path: &str, media_type: &str) -> tokio::net::TcpStream {
    let token = world.token("erin");
    let length = 1 << 20;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    let address = world.server.local_addr();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Whoever is refused reads no more.
    let _ = stream.write_all(&vec![b'x'; length - 1]).await;
    stream
}

/// What forms and texts of management hold is memory as what writes hold is.
#[tokio::test(flavor = "multi_thread")]
async fn who_sends_many_long_bodies_takes_no_more_memory_than_a_share() {
    let world = world(|_| {}).await;
    let form = (format!("{LOKI}/query"), "application/x-www-form-urlencoded");
    let text = ("/api/v1/organizations".to_owned(), "application/json");
    let mut held = Vec::new();
    let ask = async |subject: &str, length: usize| {
        let query = format!("query=%7Ba%3D%22b%22%7D&time=1&{}", "x".repeat(length));
        let ask = world.ask(&form.0).token(&world.token(subject));
        ask.form(&query).send().await
    };
    let mut refused = None;
    // Where several grow at a time, all of them may be refused: more are sent until the share is full.
    eventually(async || {
        let (path, media_type) = if held.len() % 2 == 0 { &form } else { &text };
        held.push(long_form(&world, path, media_type).await);
        let answer = ask("erin", 200 << 10).await;
        let is_refused = answer.status == 429;
        refused = Some(answer);
        is_refused
    })
    .await;
    let refused = refused.unwrap();
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(
        refused.body.contains("together (8388608 bytes)"),
        "{}",
        refused.body
    );
    // Another reader's is read, and this one's if it is short.
    assert_eq!(ask("victor", 200 << 10).await.status, 200);
    assert_eq!(ask("erin", 1 << 10).await.status, 200);
    drop(held);
    eventually(async || ask("erin", 200 << 10).await.status == 200).await;
}
