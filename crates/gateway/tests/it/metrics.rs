//! The gateway's own metrics: what they count, where they are, and that no caller makes more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use gateway::routes;
use http::Method;

use crate::harness::broken::{Broken, Step};
use crate::harness::client::{Answer, Ask};
use crate::harness::{LOGS, METRICS, RANGE, World, backend_at, encoded, eventually, nobody};

const PUSH: &str = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1/push";

/// A gateway that serves its metrics on a port of its own.
async fn world(change: impl FnOnce(&mut gateway::Settings)) -> World {
    World::with(|settings| {
        settings.metrics = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        change(settings);
    })
    .await
}

fn at(world: &World) -> SocketAddr {
    world.server.metrics_addr().unwrap()
}

async fn scraped(world: &World) -> Answer {
    let answer = Ask::new(at(world), "/metrics").send().await;
    assert_eq!(answer.status, 200);
    answer
}

/// All series, by name and labels as they are written.
async fn series(world: &World) -> BTreeMap<String, f64> {
    let text = scraped(world).await.body;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let series: BTreeMap<String, f64> = samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect();
    assert!(series.len() > 500);
    series
}

/// The labels of a series.
fn labels(series: &str) -> Vec<(&str, &str)> {
    let Some((_, labels)) = series.split_once('{') else {
        return Vec::new();
    };
    let labels = labels.strip_suffix('}').unwrap().split(',');
    labels.map(|label| label.split_once('=').unwrap()).collect()
}

/// Waits until a series has this value: a request is counted when its answer has ended.
async fn counts(world: &World, name: &str, value: f64) {
    let mut last = BTreeMap::new();
    for _ in 0..2000 {
        last = series(world).await;
        if last.get(name) == Some(&value) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{name} is {:?} and not {value}", last.get(name));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_on_a_port_of_their_own_and_nothing_else_is_there() {
    let world = world(|_| {}).await;
    assert_eq!(world.ask("/metrics").send().await.status, 404);
    assert_eq!(world.get("alice", "/metrics").await.status, 404);
    for path in [
        "/",
        "/livez",
        "/openapi.json",
        LOGS,
        "/metrics/",
        "/metrics/x",
    ] {
        let answer = Ask::new(at(&world), path).token(&world.token("alice"));
        assert_eq!(answer.send().await.status, 404, "{path}");
    }
    let posted = Ask::new(at(&world), "/metrics").form("a=b").send().await;
    assert_eq!(posted.status, 405);
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
    let head = Ask::new(at(&world), "/metrics").method(Method::HEAD);
    let head = head.send().await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_openmetrics_gets_it_and_everybody_else_the_classic_text() {
    let world = world(|_| {}).await;
    let classic = scraped(&world).await;
    let media_type = classic.header("content-type").unwrap();
    assert_eq!(media_type, "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        classic
            .body
            .contains("# TYPE ktrlplane_requests_total counter\n")
    );
    assert!(!classic.body.contains("# EOF"));
    let open = Ask::new(at(&world), "/metrics").header(
        "accept",
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    );
    let open = open.send().await;
    let media_type = open.header("content-type").unwrap();
    assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(open.body.contains("# TYPE ktrlplane_requests counter\n"));
    assert!(open.body.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_metrics_are_served_where_nothing_says_where() {
    let world = World::new().await;
    assert_eq!(world.server.metrics_addr(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_ends_at_once_while_somebody_is_connected_for_its_metrics() {
    let world = world(|_| {}).await;
    let at = at(&world);
    let held = tokio::net::TcpStream::connect(at).await.unwrap();
    scraped(&world).await;
    world.server.shutdown().await;
    drop(held);
    // The address is free again.
    drop(std::net::TcpListener::bind(at).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_callers_send_there_are_as_many_series_as_before() {
    let world = world(|_| {}).await;
    let before: BTreeSet<String> = series(&world).await.into_keys().collect();
    let token = world.token("victor");
    for at in 0..400 {
        let unique = format!("unique-{at}");
        let others = world.token(&unique);
        let query = encoded(&format!("{{app=\"{unique}\"}}"));
        for path in [
            format!("/{unique}"),
            format!("/api/v1/projects/{unique}/resources/{unique}/logs"),
            format!("/api/v1/projects/acme-shop/resources/{unique}/logs?query={query}"),
            format!("{LOGS}?query={query}&{unique}={unique}"),
            format!("{METRICS}?query={unique}("),
        ] {
            for token in [&token, &others, &unique] {
                world.ask(&path).token(token).send().await;
            }
        }
    }
    let after = series(&world).await;
    let names: BTreeSet<String> = after.keys().cloned().collect();
    assert_eq!(names, before);
    assert!(!names.iter().any(|name| name.contains("unique")));
    let requests = after
        .iter()
        .filter(|(name, _)| name.starts_with("ktrlplane_requests_total"));
    assert!(requests.map(|(_, value)| value).sum::<f64>() >= 5999.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_has_a_value_of_a_list_that_no_caller_adds_to() {
    let world = world(|_| {}).await;
    world.get("victor", LOGS).await;
    let routes: BTreeSet<&str> = routes::all()
        .map(|route| route.name)
        .chain(["none"])
        .collect();
    let words = |words: &'static str| words.split(' ').collect::<BTreeSet<&str>>();
    let outcomes = words(
        "ok bad_request unauthorized forbidden not_found too_many_requests client_error internal \
         not_implemented bad_gateway unavailable timeout broken_off caller_gone server_error \
         unreachable away not_sent",
    );
    let reasons = words(
        "parameter parse not_scopable unverified range step points calculated not_lines too_long \
         backend management unsupported_media_type too_large bad_data rate no_room",
    );
    let limits = words(
        "limits.subject.in_flight limits.subject.requests_per_second limits.subject.queries \
         limits.subject.bytes_per_minute limits.project.requests_per_second limits.project.queries \
         limits.project.bytes_per_minute ingest.rate_bytes ingest.in_flight_bytes \
         ingest.project_in_flight_bytes bodies sifted tails",
    );
    for series in series(&world).await.keys() {
        for (label, value) in labels(series) {
            let value = value.trim_matches('"');
            let is_known = match label {
                "route" => routes.contains(value),
                "outcome" => outcomes.contains(value),
                "reason" => reasons.contains(value),
                "limit" => limits.contains(value),
                "backend" => ["logs", "metrics"].contains(&value),
                "cache" => ["token", "query", "decision"].contains(&value),
                "result" => ["hit", "miss", "sent", "failed", "dropped"].contains(&value),
                "url" => value == "0",
                "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
                "version" => value == env!("CARGO_PKG_VERSION"),
                _ => false,
            };
            assert!(is_known, "{series}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_counted_by_its_route_and_by_what_has_become_of_it() {
    let world = world(|_| {}).await;
    for (subject, path, status, route, outcome) in [
        ("victor", LOGS, 200, "logs", "ok"),
        ("mallory", LOGS, 403, "logs", "forbidden"),
        ("victor", "/nothing", 404, "none", "not_found"),
        (
            "victor",
            "/api/v1/projects/acme-shop/resources/nope/logs",
            404,
            "logs",
            "not_found",
        ),
        ("victor", "/livez", 200, "livez", "ok"),
    ] {
        assert_eq!(world.get(subject, path).await.status, status, "{path}");
        let name = format!("ktrlplane_requests_total{{route=\"{route}\",outcome=\"{outcome}\"}}");
        counts(&world, &name, 1.0).await;
    }
    assert_eq!(world.ask(LOGS).send().await.status, 401);
    counts(
        &world,
        r#"ktrlplane_requests_total{route="logs",outcome="unauthorized"}"#,
        1.0,
    )
    .await;
    let head = world.ask("/readyz").method(Method::HEAD).send().await;
    assert_eq!(head.status, 200);
    counts(
        &world,
        r#"ktrlplane_requests_total{route="readyz",outcome="ok"}"#,
        1.0,
    )
    .await;
    counts(&world, "ktrlplane_requests_in_flight", 0.0).await;
    let series = series(&world).await;
    for (name, value) in [
        (
            r#"ktrlplane_request_duration_seconds_count{route="logs"}"#,
            4.0,
        ),
        (
            r#"ktrlplane_upstream_requests_total{backend="logs",outcome="ok"}"#,
            1.0,
        ),
        (
            r#"ktrlplane_upstream_duration_seconds_count{backend="logs"}"#,
            1.0,
        ),
        (
            r#"ktrlplane_upstream_available{backend="logs",url="0"}"#,
            1.0,
        ),
        ("ktrlplane_directory_available", 1.0),
        ("ktrlplane_issuer_keys_available", 1.0),
        ("ktrlplane_audit_failing", 0.0),
    ] {
        #[expect(clippy::float_cmp, reason = "whole numbers")]
        let is_so = series[name] == value;
        assert!(is_so, "{name}: {}", series[name]);
    }
    assert!(series["process_resident_memory_bytes"] > 1e6);
    assert!(series["process_open_fds"] < series["process_max_fds"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_query_is_counted_by_what_is_wrong_with_it() {
    let month = std::time::Duration::from_hours(720);
    let world = world(|settings| settings.limits.query.max_range = Some(month)).await;
    let metrics = |query: &str| format!("{METRICS}?query={}&{RANGE}", encoded(query));
    for (path, reason) in [
        (metrics("up{"), "parse"),
        (format!("{LOGS}?query=%7B"), "parse"),
        (metrics("info(up)"), "not_scopable"),
        (metrics("rate(up[31d])"), "range"),
        (metrics("rate(up[1d * 40])"), "calculated"),
        (
            format!("{METRICS}?query=up&start=0&end=4000&step=100ms"),
            "points",
        ),
        (
            format!("{METRICS}?query=up&start=2&end=1&step=1s"),
            "parameter",
        ),
        (format!("{METRICS}?{RANGE}"), "parameter"),
    ] {
        let name = format!("ktrlplane_refusals_total{{reason=\"{reason}\"}}");
        let before = series(&world).await[&name];
        assert_eq!(world.get("victor", &path).await.status, 400, "{path}");
        counts(&world, &name, before + 1.0).await;
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_is_counted_where_it_is_looked_for() {
    let world = world(|_| {}).await;
    let token = world.token("victor");
    for _ in 0..3 {
        let path = format!("{METRICS}?query=up&{RANGE}");
        let answer = world.ask(&path).token(&token).send().await;
        assert_eq!(answer.status, 200);
    }
    let series = series(&world).await;
    for cache in ["token", "query", "decision"] {
        let of = |result| {
            series
                [&format!("ktrlplane_cache_lookups_total{{cache=\"{cache}\",result=\"{result}\"}}")]
        };
        assert!((of("hit") - 2.0).abs() < 0.5, "{cache}: {}", of("hit"));
        assert!((of("miss") - 1.0).abs() < 0.5, "{cache}: {}", of("miss"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_counted_by_what_is_in_them_and_by_why_they_are_refused() {
    let world = world(|_| {}).await;
    world
        .loki
        .answers(|| axum::response::IntoResponse::into_response(http::StatusCode::NO_CONTENT));
    let now = world.clock_nanos();
    let line = format!(
        r#"{{"streams":[{{"stream":{{"app":"a","resource_id":"other"}},"values":[["{now}","one"],["{now}","two"]]}}]}}"#
    );
    let write = async |text: &str| world.write("erin", Method::POST, PUSH, text).await.status;
    assert_eq!(write(&line).await, 204);
    assert_eq!(write("{").await, 400);
    for (name, value) in [
        ("ktrlplane_ingest_batches_total", 1.0),
        ("ktrlplane_ingest_entries_total", 2.0),
        ("ktrlplane_ingest_replaced_labels_total", 1.0),
        (
            r#"ktrlplane_ingest_refused_batches_total{reason="bad_data"}"#,
            1.0,
        ),
        (
            r#"ktrlplane_requests_total{route="loki_push",outcome="ok"}"#,
            1.0,
        ),
    ] {
        counts(&world, name, value).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_counted_as_that_and_not_as_good() {
    const STEPS: &[Step] = &[
        Step::Read,
        Step::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        Step::Reset,
    ];
    let backend = Broken::start(STEPS).await;
    let world = world(|settings| settings.loki = Some(backend_at(&backend.url))).await;
    let answer = world.ask(LOGS).token(&world.token("victor")).try_send();
    assert!(answer.await.is_err());
    counts(
        &world,
        r#"ktrlplane_requests_total{route="logs",outcome="broken_off"}"#,
        1.0,
    )
    .await;
    let series = series(&world).await;
    assert!(series[r#"ktrlplane_requests_total{route="logs",outcome="ok"}"#] < 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_away_and_limits_that_are_reached_are_seen() {
    let (_socket, url) = nobody();
    let world = world(|settings| {
        settings.loki = Some(backend_at(&url));
        let one = std::num::NonZeroU32::MIN;
        settings.limits.subject.requests = Some(gateway::limit::Rate::per_second(one, one));
    })
    .await;
    assert_eq!(world.get("victor", LOGS).await.status, 502);
    let unreachable = r#"ktrlplane_upstream_requests_total{backend="logs",outcome="unreachable"}"#;
    counts(&world, unreachable, 1.0).await;
    let available = r#"ktrlplane_upstream_available{backend="logs",url="0"}"#;
    counts(&world, available, 0.0).await;
    let limited = r#"ktrlplane_limited_total{limit="limits.subject.requests_per_second"}"#;
    eventually(async || {
        let (one, other) = tokio::join!(world.get("alice", LOGS), world.get("alice", LOGS));
        one.status == 429 || other.status == 429
    })
    .await;
    assert!(series(&world).await[limited] >= 1.0);
}
