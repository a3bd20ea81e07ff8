//! What goes upstream for every row, in one canonical form.

mod cases;

use std::fmt::Write;

use gateway::routes::{self, Absent, Answer, Kind, Mount, Serves};
use http::Method;

use super::{PROJECT, RESOURCE, query_string};
use crate::harness::World;
use crate::harness::backend::Received;
use cases::{CASES, Case, Pairs};

fn route(name: &str) -> &'static routes::Route {
    let mut found = routes::all().filter(|route| route.name == name);
    found.next().unwrap_or_else(|| panic!("no row {name}"))
}

fn endpoint(name: &str) -> &'static routes::Endpoint {
    match &route(name).serves {
        Serves::Tenant(endpoint) => endpoint,
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => {
            panic!("{name} is of no tenant's data")
        }
    }
}

/// What both backends were sent, which then forget it.
fn sent(world: &World) -> Vec<Received> {
    let mut sent = world.loki.received();
    sent.extend(world.mimir.received());
    world.loki.forget();
    world.mimir.forget();
    sent
}

/// Asks by a method, and gives what went upstream.
async fn ask(world: &World, method: &Method, path: &str, pairs: Pairs<'_>) -> Vec<Received> {
    let parameters = query_string(pairs);
    let ask = if *method == Method::POST {
        world.ask(path).form(&parameters)
    } else {
        world.ask(&format!("{path}?{parameters}"))
    };
    let answer = ask.token(&world.token("victor")).send().await;
    assert_eq!(
        answer.status, 200,
        "{method} {path} {pairs:?}: {}",
        answer.body
    );
    sent(world)
}

/// All that counts of a request, as text.
fn text(request: &Received) -> String {
    assert_eq!(request.method, Method::GET);
    assert_eq!(request.header("x-scope-orgid"), Some("acme-shop"));
    let mut text = format!("  -> {}\n", request.path);
    for (name, value) in request.parameters() {
        writeln!(text, "     {name} = {value}").unwrap();
    }
    text
}

/// Everything that is sent for the cases at one mount. By POST it is the same as by GET.
async fn all_sent(world: &World, mount: &str, each: impl Fn(&Case, &[Received])) -> String {
    let mut all = String::new();
    for case in CASES {
        let Case(name, below, pairs) = case;
        let path = format!("{mount}/{below}");
        let mut texts = Vec::new();
        for method in route(name).methods {
            let sent = ask(world, method, &path, pairs).await;
            each(case, &sent);
            texts.push(sent.iter().map(text).collect::<String>());
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "{path} {pairs:?}: {texts:?}");
        writeln!(all, "{below}").unwrap();
        for (name, value) in *pairs {
            writeln!(all, "     {name} = {value}").unwrap();
        }
        all += &texts[0];
    }
    all
}

async fn world() -> World {
    let world = World::new().await;
    for backend in [&world.loki, &world.mimir] {
        backend.answers(crate::harness::backend::any_list);
    }
    world
}

/// The scoped values of a request: every one of them, and not only the first of a name.
fn scoped_values(name: &str, sent: &Received) -> Vec<String> {
    let scoped = |name: &str| {
        let mut parameters = endpoint(name_of(sent, name)).parameters.iter();
        let names: Vec<&str> = parameters
            .by_ref()
            .filter(|parameter| parameter.kind.is_scoped())
            .map(|parameter| parameter.upstream)
            .collect();
        names
    };
    let names = scoped(name);
    let values = sent.parameters().into_iter();
    let values = values.filter(|(name, _)| names.contains(&name.as_str()));
    values.map(|(_, value)| value).collect()
}

/// The row by which a request is to be judged: the names of metrics are asked for beside metadata.
fn name_of<'a>(sent: &Received, name: &'a str) -> &'a str {
    if sent.path.ends_with("/label/__name__/values") {
        "prometheus_label_values"
    } else {
        name
    }
}

#[test]
fn every_row_has_a_case() {
    for route in routes::all() {
        let known = CASES.iter().any(|Case(name, ..)| *name == route.name);
        // The documented endpoints, tails and writes have tests of their own.
        let documented = ["logs", "metrics_query_range", "logs_scope", "metrics_scope"];
        let elsewhere = documented.contains(&route.name);
        let elsewhere = elsewhere
            || match &route.serves {
                Serves::Tenant(endpoint) => {
                    matches!(endpoint.answer, Answer::Tail(..) | Answer::Ingested(..))
                }
                Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => {
                    true
                }
            };
        assert!(known || elsewhere, "add a case for {}", route.name);
    }
}

/// Threats 10 and 11: every spelling and every value is scoped, and the absent one added.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_for_a_resource() {
    let world = world().await;
    let all = all_sent(&world, RESOURCE, |Case(name, _, pairs), sent| {
        for request in sent {
            assert_eq!(
                request.header("x-prom-label-policy"),
                Some("acme-shop:%7Bresource_id=%22shop-api%22%7D"),
                "{name}"
            );
            let values = scoped_values(name, request);
            for value in &values {
                let selectors = value.matches('{').count().max(1);
                let scoped = value.matches(r#"resource_id="shop-api""#).count();
                let literal = ["vector(1) + vector(1)", "1 + 1"].contains(&value.as_str());
                assert!(scoped == selectors || literal, "{name} {pairs:?}: {value}");
            }
            let needs = endpoint(name_of(request, name)).parameters.iter();
            let needs = needs.filter(|parameter| parameter.absent == Absent::Everything);
            assert!(needs.count() == 0 || !values.is_empty(), "{name} {pairs:?}");
        }
    })
    .await;
    insta::assert_snapshot!(all);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_for_a_project() {
    let world = world().await;
    let all = all_sent(&world, PROJECT, |Case(name, ..), sent| {
        for request in sent {
            assert_eq!(request.header("x-prom-label-policy"), None, "{name}");
            for (_, value) in request.parameters() {
                assert!(!value.contains("shop-api"), "{name}: {value}");
            }
        }
    })
    .await;
    insta::assert_snapshot!(all);
}

/// Threat 15: a label's name is the only thing of the caller's in a path upstream.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_label_s_name_is_in_no_path_upstream() {
    let world = world().await;
    let long = "x".repeat(5000);
    for name in [
        "a-b", "0a", "a.b", "a:b", "a%62", "a b", "é", "..", ".", "", "a,b", "a\"b", "{a}", "a?b",
        "a#b", &long,
    ] {
        for mount in [RESOURCE, PROJECT] {
            for path in [
                "loki/api/v1/label/{}/values",
                "loki/api/v1/detected_field/{}/values",
                "prometheus/api/v1/label/{}/values",
            ] {
                let path = format!("{mount}/{}", path.replace("{}", name));
                let Ok(uri) = path.parse::<http::Uri>() else {
                    continue;
                };
                if uri.path() != path {
                    continue;
                }
                let answer = world.get("victor", &path).await;
                let status = answer.status.as_u16();
                assert!(matches!(status, 400 | 404), "{path}: {status}");
                assert!(answer.body.contains(r#""status":"error""#), "{path}");
            }
        }
    }
    assert_eq!(world.forwarded(), 0);
}

/// What goes upstream is told by the row and by nothing else.
#[test]
fn every_path_upstream_is_the_row_s_own() {
    for route in routes::all() {
        if let Serves::Tenant(endpoint) = &route.serves
            && let Answer::Forwarded(path) | Answer::Filtered(_, path) = endpoint.answer
        {
            let documented = route.mounts == [Mount::Resource];
            assert!(documented || path == route.path, "{}", route.name);
            for parameter in endpoint.parameters {
                // What holds a selector is scoped by its kind and not by its name.
                let holds = ["query", "match[]", "match"].contains(&parameter.name);
                assert_eq!(holds, parameter.kind.is_scoped(), "{}", route.name);
                let free = [Kind::MetricName, Kind::LabelNames, Kind::Bytes];
                let checked = ["metric", "targetLabels", "targetBytesPerShard"];
                assert_eq!(
                    free.contains(&parameter.kind),
                    checked.contains(&parameter.name)
                );
            }
        }
    }
}
