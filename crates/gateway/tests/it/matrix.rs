//! Invariant 5: the route table is walked, and every row has its cases.

use std::fmt::Write;

use gateway::directory::policy::Action;
use gateway::routes::{ROUTES, Serves};

use crate::harness::{RANGE, World};

/// A query string with which the route answers 200. A new row fails here until it has one.
fn good_query(route: &str) -> String {
    match route {
        "logs" => String::new(),
        "metrics_query_range" => format!("?query=up&{RANGE}"),
        _ => panic!("the route {route} has no cases: add a query with which it answers 200"),
    }
}

fn path(pattern: &str, project: &str, resource: &str) -> String {
    pattern
        .replace("{projectId}", project)
        .replace("{resourceId}", resource)
}

/// Every row that serves tenants' data, with a query that is right in itself.
fn proxies() -> Vec<(&'static str, &'static str, String, Action)> {
    let mut rows = Vec::new();
    for route in ROUTES {
        match &route.serves {
            Serves::Probe(_) => {}
            Serves::Proxy(proxy) => {
                rows.push((route.name, route.path, good_query(route.name), proxy.action));
            }
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_serves_data_without_token_permission_and_project() {
    let world = World::new().await;
    for (name, pattern, query, _) in proxies() {
        let own = format!("{}{query}", path(pattern, "acme-shop", "shop-api"));
        let unauthenticated = world.ask(&own).send().await;
        assert_eq!(unauthenticated.status, 401, "{name}");
        let unauthorized = world.get("mallory", &own).await;
        assert_eq!(unauthorized.status, 403, "{name}");
        let other_project = format!("{}{query}", path(pattern, "globex-iot", "iot-graph"));
        assert_eq!(
            world.get("victor", &other_project).await.status,
            403,
            "{name}"
        );
        let crossed = format!("{}{query}", path(pattern, "acme-shop", "iot-graph"));
        assert_eq!(world.get("victor", &crossed).await.status, 404, "{name}");
        assert_eq!(world.forwarded(), 0, "{name}");
        assert_eq!(world.get("victor", &own).await.status, 200, "{name}");
        assert_eq!(world.forwarded(), 1, "{name}");
        for backend in [&world.loki, &world.mimir] {
            backend.forget();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what() {
    let world = World::new().await;
    let mut matrix = String::new();
    for (name, pattern, query, action) in proxies() {
        for subject in ["alice", "erin", "victor", "gina", "mallory"] {
            write!(matrix, "{name} ({action}) {subject}:").unwrap();
            for (project, resource) in [
                ("acme-shop", "shop-api"),
                ("acme-lab", "lab-flow"),
                ("globex-iot", "iot-graph"),
            ] {
                let path = format!("{}{query}", path(pattern, project, resource));
                let status = world.get(subject, &path).await.status.as_u16();
                write!(matrix, " {project} {status}").unwrap();
            }
            matrix.push('\n');
        }
    }
    insta::assert_snapshot!(matrix, @r"
    logs (read) alice: acme-shop 200 acme-lab 200 globex-iot 403
    logs (read) erin: acme-shop 200 acme-lab 403 globex-iot 403
    logs (read) victor: acme-shop 200 acme-lab 403 globex-iot 403
    logs (read) gina: acme-shop 403 acme-lab 403 globex-iot 200
    logs (read) mallory: acme-shop 403 acme-lab 403 globex-iot 403
    metrics_query_range (read) alice: acme-shop 200 acme-lab 200 globex-iot 403
    metrics_query_range (read) erin: acme-shop 200 acme-lab 403 globex-iot 403
    metrics_query_range (read) victor: acme-shop 200 acme-lab 403 globex-iot 403
    metrics_query_range (read) gina: acme-shop 403 acme-lab 403 globex-iot 200
    metrics_query_range (read) mallory: acme-shop 403 acme-lab 403 globex-iot 403
    ");
}

/// Routes without a token are a list that is reviewed, here.
#[test]
fn what_is_open_to_everybody() {
    let open: Vec<&str> = ROUTES
        .iter()
        .filter(|route| matches!(route.serves, Serves::Probe(_)))
        .map(|route| route.path)
        .collect();
    assert_eq!(open, ["/health", "/livez", "/readyz"]);
}
