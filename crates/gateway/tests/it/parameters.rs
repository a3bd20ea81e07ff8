//! What of the caller's parameters reaches the backends, and in which form.

use http::Method;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::harness::{LOGS, METRICS, RANGE, World, encoded};

/// The sentence of a 400.
async fn refused(world: &World, path: &str) -> String {
    let answer = world.get("victor", path).await;
    assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["errorType"], "bad_data");
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_9_a_parameter_given_twice_is_refused() {
    let world = World::new().await;
    for (path, sentence) in [
        (
            format!("{METRICS}?query=up&query=up&{RANGE}"),
            "query: given more than once",
        ),
        (
            format!("{METRICS}?query=up&%71uery=down&{RANGE}"),
            "query: given more than once",
        ),
        (
            format!("{METRICS}?query=up&query=&{RANGE}"),
            "query: given more than once",
        ),
        (
            format!("{METRICS}?query=&query=up&{RANGE}"),
            "query: given more than once",
        ),
        (
            format!("{LOGS}?limit=1&limit=2"),
            "limit: given more than once",
        ),
    ] {
        assert_eq!(refused(&world, &path).await, sentence, "{path}");
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_10_a_parameter_that_is_not_on_the_list_does_not_go_upstream() {
    let world = World::new().await;
    let strange = "match[]=%7B%7D&match=%7B%7D&extra_filters[]=x&Query=y&delayed=1&timeout=1&a&=b";
    let path = format!("{METRICS}?{strange}&query=up&{RANGE}&{strange}");
    assert_eq!(world.get("victor", &path).await.status, 200);
    assert_eq!(
        world.mimir.last().parameter_names(),
        ["query", "start", "end", "step"]
    );
    let path = format!("{LOGS}?{strange}&regexp=.*&shards=1");
    assert_eq!(world.get("victor", &path).await.status, 200);
    assert_eq!(world.loki.last().parameter_names(), ["query", "limit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_value_is_refused_by_name() {
    let world = World::new().await;
    for (bad, name) in [
        ("limit=0", "limit: "),
        ("limit=5001", "limit: "),
        ("limit=-1", "limit: "),
        ("limit=%2B1", "limit: "),
        ("limit=1e3", "limit: "),
        ("limit=99999999999999999999", "limit: "),
        ("direction=up", "direction: "),
        ("start=yesterday", "start: "),
        ("start=2025-01-27", "start: "),
        ("start=2025-01-27T10:00:00", "start: "),
        ("end=NaN", "end: "),
        ("end=inf", "end: "),
        ("end=1e400", "end: "),
        ("since=1e400", "since: "),
        ("end=99999999999999999999999", "end: "),
        ("start=2&end=1", "start: is after end"),
        (
            "start=2025-01-27T10:00:00Z&end=1737971999",
            "start: is after end",
        ),
        ("since=0s", "since: "),
        ("since=-1h", "since: "),
        ("since=1h1h", "since: "),
        ("since=1m1h", "since: "),
        ("step=0", "step: "),
        ("step=-5", "step: "),
        ("step=1x", "step: "),
        ("step=99999999y", "step: "),
        ("interval=0.0001", "interval: "),
        ("query=%", "query: not valid percent-encoded"),
        ("query=%zz", "query: not valid percent-encoded"),
        ("query=%ff", "query: not valid percent-encoded"),
        ("x=%ff", "a parameter: not valid percent-encoded"),
        ("%ff=x", "a parameter's name is not valid percent-encoded"),
    ] {
        let sentence = refused(&world, &format!("{LOGS}?{bad}")).await;
        assert!(sentence.starts_with(name), "{bad}: {sentence}");
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_need_query_range_and_step() {
    let world = World::new().await;
    for (given, name) in [
        ("start=1&end=2&step=1", "query"),
        ("query=&start=1&end=2&step=1", "query"),
        ("query=up&end=2&step=1", "start"),
        ("query=up&start=1&step=1", "end"),
        ("query=up&start=1&end=2", "step"),
        ("query=up&start=1&end=2&step=", "step"),
    ] {
        let sentence = refused(&world, &format!("{METRICS}?{given}")).await;
        assert_eq!(sentence, format!("{name}: this parameter is required"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loki_gets_nanoseconds_and_durations_with_units() {
    let world = World::new().await;
    for (given, name, sent) in [
        ("start=1737972000", "start", "1737972000000000000"),
        ("start=1737972000.25", "start", "1737972000250000000"),
        ("start=1.737972e%2B09", "start", "1737972000000000000"),
        ("start=1737972000000000001", "start", "1737972000000000001"),
        (
            "start=2025-01-27T11:00:00.000000001%2B01:00",
            "start",
            "1737972000000000001",
        ),
        ("start=0.000000005", "start", "0000000000000000005"),
        ("direction=FORWARD", "direction", "forward"),
        ("since=1h30m", "since", "5400s"),
        ("since=90", "since", "90s"),
        ("step=0.5", "step", "500ms"),
        ("interval=15s", "interval", "15s"),
        ("limit=5000", "limit", "5000"),
        ("limit=007", "limit", "7"),
    ] {
        let answer = world.get("victor", &format!("{LOGS}?{given}")).await;
        assert_eq!(answer.status, 200, "{given}: {}", answer.body);
        assert_eq!(
            world.loki.last().parameter(name).as_deref(),
            Some(sent),
            "{given}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mimir_gets_decimal_seconds() {
    // Some of these are half a century.
    let world = World::with(|settings| settings.limits = gateway::LimitSettings::off()).await;
    for (start, step, sent_start, sent_step) in [
        ("1737972000", "15s", "1737972000", "15"),
        ("1737972000.123", "1m", "1737972000.123", "60"),
        (
            "2025-01-27T10:00:00.000000001Z",
            "0.5",
            "1737972000.000000001",
            "0.5",
        ),
        ("-1.5", "1d", "-1.5", "86400"),
        // To Prometheus, an integer is seconds, however long.
        ("5", "1m30s", "5", "90"),
    ] {
        let path = format!("{METRICS}?query=up&start={start}&end=1737975600&step={step}");
        let answer = world.get("victor", &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let sent = world.mimir.last();
        assert_eq!(sent.parameter("start").unwrap(), sent_start);
        assert_eq!(sent.parameter("step").unwrap(), sent_step);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_selectors_for_the_values_of_a_label_stay_in_the_url_for_prometheus() {
    let world = World::new().await;
    let long = "x".repeat(10_000);
    let selector = encoded(&format!("{{a=\"{long}\"}}"));
    let resource = "/api/v1/projects/acme-shop/resources/shop-api";
    let path = format!("{resource}/prometheus/api/v1/label/app/values?match[]={selector}");
    assert_eq!(world.get("victor", &path).await.status, 200);
    assert_eq!(world.mimir.last().method, Method::GET);
    let path = format!("{resource}/loki/api/v1/label/app/values?query={selector}");
    assert_eq!(world.get("victor", &path).await.status, 200);
    assert_eq!(world.loki.last().method, Method::POST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_query_goes_upstream_as_a_form() {
    let world = World::new().await;
    let value = "x".repeat(9000);
    let query = encoded(&format!(r#"{{app="{value}"}}"#));
    let answer = world.get("victor", &format!("{LOGS}?query={query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = world.loki.last();
    assert_eq!(sent.method, Method::POST);
    assert_eq!(
        sent.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(sent.header("x-scope-orgid"), Some("acme-shop"));
    let query = sent.parameter("query").unwrap();
    assert!(query.contains(&value) && query.contains(r#"resource_id="shop-api""#));
    assert_eq!(sent.parameter("limit").unwrap(), "1000");
}

mod any_query_string {
    use super::{ProptestConfig, any, proptest};
    use gateway::Error;
    use gateway::routes::{self, Endpoint, Serves};
    use gateway::scope::parameters::{Input, Parameters, Value};

    fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
        routes::all().filter_map(|route| match &route.serves {
            Serves::Tenant(endpoint) => Some(endpoint),
            Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => None,
        })
    }

    /// What is parsed of a query string, which a form is parsed as, too.
    fn parse<'a>(text: &'a str, endpoint: &Endpoint) -> Result<Parameters<'a>, Error> {
        let (url, form) = (text, text);
        let of_form = Parameters::parse(Input { url: "", form }, endpoint, 5000);
        let of_url = Parameters::parse(Input { url, form: "" }, endpoint, 5000);
        assert_eq!(of_form, of_url);
        of_url
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn is_parsed_or_refused_without_a_panic(text in any::<String>()) {
            for endpoint in endpoints() {
                let _ = parse(&text, endpoint);
            }
        }

        #[test]
        fn of_known_names_is_parsed_or_refused_without_a_panic(
            pairs in proptest::collection::vec(
                ("query|match\\[\\]|match|start|end|since|step|interval|limit|direction|time|targetLabels|targetBytesPerShard|metric", "[-+0-9a-zA-Z.:%]{0,24}"),
                0..6,
            )
        ) {
            let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            for endpoint in endpoints() {
                let _ = parse(&text.join("&"), endpoint);
            }
        }

        #[test]
        fn keeps_a_query_as_it_is(query in "\\PC{1,80}") {
            let text = format!("query={}", url_encoded(&query));
            let endpoint = endpoints().next().unwrap();
            let parsed = parse(&text, endpoint).unwrap();
            assert_eq!(parsed.get("query"), Some(&Value::Text(query.into())));
        }

        #[test]
        fn reads_any_time_exactly(nanos in 10_000_000_001_i64..=i64::MAX) {
            let endpoint = endpoints().next().unwrap();
            let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
            for text in [nanos.to_string(), format!("{seconds}.{rest:09}")] {
                let text = format!("start={text}");
                let parsed = parse(&text, endpoint).unwrap();
                let time = gateway::scope::parameters::Nanos(nanos);
                assert_eq!(parsed.get("start"), Some(&Value::Time(time)));
            }
        }
    }

    fn url_encoded(text: &str) -> String {
        crate::harness::encoded(text)
    }
}
