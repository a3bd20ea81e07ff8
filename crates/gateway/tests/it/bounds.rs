//! What a query may ask for holds for what the backend does, and not only for what the caller wrote:
//! nothing that is limited is left to the backend to fill in.

use std::num::NonZeroU32;
use std::time::Duration;

use gateway::LimitSettings;
use gateway::limit::Bounds;

use crate::harness::backend::Received;
use crate::harness::{LOGS, METRICS, World, encoded};

const LOKI: &str = "/api/v1/projects/acme-shop/resources/shop-api/loki/api/v1";
const PROMETHEUS: &str = "/api/v1/projects/acme-shop/resources/shop-api/prometheus/api/v1";
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

async fn world(query: Bounds) -> World {
    World::with(|settings| {
        settings.limits = LimitSettings {
            query,
            pause: Duration::ZERO,
            ..LimitSettings::off()
        };
    })
    .await
}

/// Thirty days, and steps of five seconds.
fn bounds() -> Bounds {
    Bounds {
        max_range: Some(Duration::from_hours(720)),
        min_step: Some(Duration::from_secs(5)),
        max_points: NonZeroU32::new(11_000),
    }
}

/// The time now, in nanoseconds.
fn now(world: &World) -> i64 {
    i64::try_from(world.clock_nanos()).unwrap()
}

/// What a request said of times: start and end in seconds from now, and the step as it is.
fn times(asked: &Received, now: i64) -> (Option<i64>, Option<i64>, Option<String>) {
    assert_eq!(asked.parameter("since"), None);
    let time = |name| {
        let text: String = asked.parameter(name)?;
        // Seconds with eight places are as long as nanoseconds are.
        let nanos = match (text.contains('.'), text.len()) {
            (false, 19) => text.parse().unwrap(),
            _ => prometheus_nanos(&text),
        };
        Some((nanos - now) / SECOND)
    };
    (time("start"), time("end"), asked.parameter("step"))
}

fn prometheus_nanos(text: &str) -> i64 {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: i64 = format!("{fraction:0<9}").parse().unwrap();
    seconds.parse::<i64>().unwrap() * SECOND + fraction
}

/// What is asked, and what goes upstream: start and end, in seconds from now, and the step.
type Case = (String, Option<i64>, Option<i64>, Option<String>);

fn left_out(now: i64) -> Vec<Case> {
    let at = |seconds: i64| now / SECOND + seconds;
    // Whole seconds, as callers name them, are up to one less than what the clock has.
    let named = |seconds: i64| (at(seconds) * SECOND - now) / SECOND;
    let lines = encoded(r#"{a="b"}"#);
    let rate = encoded(r#"rate({a="b"}[5m])"#);
    let step = |text: &str| Some(text.to_owned());
    vec![
        (LOGS.to_owned(), Some(-HOUR), Some(0), step("14s")),
        (
            format!("{LOGS}?since=10m"),
            Some(-600),
            Some(0),
            // Loki's own is two seconds, and may not be.
            step("5s"),
        ),
        (
            format!("{LOKI}/query_range?query={rate}&since=30d"),
            Some(-30 * DAY),
            Some(0),
            step("10368s"),
        ),
        (
            format!("{LOKI}/query_range?query={rate}&since=1h&step=60"),
            Some(-HOUR),
            Some(0),
            step("60s"),
        ),
        // From now on back, and up to an end that is to come.
        (
            format!(
                "{LOKI}/query_range?query={rate}&since=1h&end={}&step=1h",
                at(DAY)
            ),
            Some(-HOUR),
            Some(named(DAY)),
            step("3600s"),
        ),
        (
            format!("{LOKI}/query_range?query={rate}&end={}", at(-DAY)),
            Some(named(-DAY - HOUR)),
            Some(named(-DAY)),
            step("14s"),
        ),
        // A start alone is a range up to now.
        (
            format!("{LOKI}/series?match[]={lines}&start={}", at(-DAY)),
            Some(named(-DAY)),
            Some(0),
            None,
        ),
        (format!("{LOKI}/labels"), Some(-HOUR), Some(0), None),
        (
            format!("{LOKI}/label/a/values?since=2h"),
            Some(-2 * HOUR),
            Some(0),
            None,
        ),
        (
            format!("{LOKI}/index/stats?query={lines}"),
            Some(-HOUR),
            Some(0),
            None,
        ),
        (
            format!("{LOKI}/index/volume?query={lines}"),
            Some(-HOUR),
            Some(0),
            None,
        ),
        (
            format!("{LOKI}/index/volume_range?query={lines}"),
            Some(-HOUR),
            Some(0),
            step("14s"),
        ),
        (
            format!("{LOKI}/patterns?query={lines}"),
            Some(-HOUR),
            Some(0),
            step("14s"),
        ),
        (
            format!("{LOKI}/detected_fields?query={lines}"),
            Some(-HOUR),
            Some(0),
            step("14s"),
        ),
        (
            format!("{PROMETHEUS}/series?match[]=up&start={}", at(-DAY)),
            Some(named(-DAY)),
            Some(0),
            None,
        ),
        (
            format!("{PROMETHEUS}/query_exemplars?query=up&start={}", at(-DAY)),
            Some(named(-DAY)),
            Some(0),
            None,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_leaves_out_is_written_where_it_is_limited() {
    let world = world(bounds()).await;
    let now = now(&world);
    for (path, start, end, step) in left_out(now) {
        world.loki.forget();
        world.mimir.forget();
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let mut asked = world.loki.received();
        asked.extend(world.mimir.received());
        assert_eq!(times(&asked[0], now), (start, end, step), "{path}");
    }
}

/// What is not limited is the backend's own matter, and goes on as it came.
#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_is_written() {
    for query in [Bounds::default(), Bounds::UNLIMITED] {
        let world = world(query).await;
        world.get("victor", &format!("{LOGS}?since=10m")).await;
        let names = world.loki.last().parameter_names();
        assert_eq!(names, ["query", "since", "limit"]);
        let path = format!("{PROMETHEUS}/series?match[]=up&start=1737972000");
        world.get("victor", &path).await;
        assert_eq!(
            world.mimir.last().parameter_names(),
            ["match[]", "start"],
            "{query:?}"
        );
        let path = format!("{PROMETHEUS}/metadata");
        world.get("victor", &path).await;
        let names = world.mimir.received().into_iter();
        let mut names = names.filter(|asked| asked.path.ends_with("/values"));
        assert_eq!(names.next().unwrap().parameter_names(), ["match[]"]);
        let _events = world.events("victor", &format!("{LOGS}/tail"), None).await;
        assert_eq!(world.loki.last().parameter_names(), ["query"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backend_would_make_more_of_is_refused() {
    let world = world(bounds()).await;
    let at = |seconds: i64| now(&world) / SECOND + seconds;
    let rate = encoded(r#"rate({a="b"}[5m])"#);
    for (path, sentence) in [
        (
            // An hour from now on back, and not from the end.
            format!(
                "{LOKI}/query_range?query={rate}&since=1h&end={}&step=1h",
                at(31 * DAY)
            ),
            "limits.query.max_range",
        ),
        (
            format!("{LOKI}/query_range?query={rate}&end={}&step=5s", at(DAY)),
            "limits.query.max_points",
        ),
        (
            format!("{LOKI}/labels?start={}", at(DAY)),
            "start: is still to come",
        ),
        (
            format!("{PROMETHEUS}/query?query=up&lookback_delta=31d"),
            "lookback_delta: it is 744h, and may be at most 720h (limits.query.max_range)",
        ),
        (
            format!("{PROMETHEUS}/query?query=max_over_time(up%5B30d%3A1h%5D)&lookback_delta=1d"),
            "limits.query.max_range",
        ),
        (
            format!("{PROMETHEUS}/query?query=max_over_time(up%5B59m%3A%5D)"),
            "a subquery without a step takes the backend's own, which is not known here, and a \
             step must be at least 5s (limits.query.min_step): write it behind the colon, as in \
             [1h:5m]",
        ),
        (
            format!("{METRICS}?query=max_over_time(up%5B59m%3A%5D)&start=0&end=60&step=5"),
            "a subquery without a step",
        ),
    ] {
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert!(answer.body.contains(sentence), "{path}: {}", answer.body);
    }
    assert_eq!(world.forwarded(), 0);
    // Nothing is asked, so nothing is too much.
    let path = format!("{PROMETHEUS}/format_query?query=max_over_time(up%5B40d%3A%5D)");
    assert_eq!(world.get("victor", &path).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_limit_shortens_what_is_asked_by_default() {
    let world = world(Bounds {
        max_range: Some(Duration::from_mins(10)),
        ..Bounds::UNLIMITED
    })
    .await;
    let answer = world.get("victor", LOGS).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let now = now(&world);
    let said = times(&world.loki.last(), now);
    assert_eq!(said, (Some(-600), Some(0), Some("2s".to_owned())));
    let _events = world.events("victor", &format!("{LOGS}/tail"), None).await;
    assert_eq!(times(&world.loki.last(), now).0, Some(-600));
    let few = Bounds {
        max_points: NonZeroU32::new(100),
        ..Bounds::UNLIMITED
    };
    let world = self::world(few).await;
    assert_eq!(world.get("victor", LOGS).await.status, 200);
    let step = world.loki.last().parameter("step");
    assert_eq!(step.as_deref(), Some("36s"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_asks_for_names_no_further_back_than_a_caller_may() {
    let world = world(bounds()).await;
    world.get("victor", &format!("{PROMETHEUS}/metadata")).await;
    let asked = world.mimir.received();
    let names = asked.iter().find(|asked| asked.path.ends_with("/values"));
    let (start, end, _) = times(names.unwrap(), now(&world));
    assert_eq!((start, end), (Some(-30 * DAY), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_begins_no_further_back_than_a_query_may() {
    let world = world(bounds()).await;
    let now = now(&world);
    let (events, socket) = (format!("{LOGS}/tail"), format!("{LOKI}/tail"));
    let lines = encoded(r#"{a="b"}"#);
    for start in ["0".to_owned(), (now / SECOND - 31 * DAY).to_string()] {
        let path = format!("{events}?start={start}");
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(
            answer
                .body
                .contains("a tail begins at most 720h ago (limits.query.max_range)")
        );
        let path = format!("{socket}?query={lines}&start={start}");
        // An id is for who reads events.
        let ask = world.ask_tail(&path).token(&world.token("victor"));
        let answer = ask.header("last-event-id", "1-0-1.0.1").send().await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert_eq!(world.forwarded(), 0);

    let _tail = world.events("victor", &events, None).await;
    assert_eq!(times(&world.loki.last(), now).0, Some(-HOUR));
    // Who comes again after long goes on with what may still be asked, whatever the URL says: a
    // browser sends the one that it began with.
    for (id, start) in [
        ("1-0-1.0.1".to_owned(), -30 * DAY),
        (format!("{}-0", now - HOUR * SECOND), -HOUR),
    ] {
        let path = format!("{events}?start=0");
        let _tail = world.events("victor", &path, Some(&id)).await;
        assert_eq!(times(&world.loki.last(), now).0, Some(start), "{id}");
    }
}
