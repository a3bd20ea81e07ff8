use super::*;

fn found(path: &str) -> Option<(&'static str, Target<'_>, &str)> {
    let found = find(&Method::GET, path).ok()?;
    Some((found.route.name, found.target, found.name))
}

#[test]
fn the_documented_paths_lead_to_their_routes() {
    let of_r1 = Target::Resource("p1", "r1");
    for (path, name, target, label) in [
        ("/api/v1/projects/p1/resources/r1/logs", "logs", of_r1, ""),
        (
            "/api/v1/projects/p1/resources/r1/metrics/query_range",
            "metrics_query_range",
            of_r1,
            "",
        ),
        (
            "/api/v1/projects/p1/resources/r1/loki/api/v1/label/app/values",
            "loki_label_values",
            of_r1,
            "app",
        ),
        (
            "/api/v1/projects/p1/prometheus/api/v1/label/__name__/values",
            "prometheus_label_values",
            Target::Project("p1"),
            "__name__",
        ),
        ("/livez", "livez", Target::Nothing, ""),
    ] {
        assert_eq!(found(path), Some((name, target, label)), "{path}");
    }
}

#[test]
fn threat_15_a_path_with_tricks_is_the_path_of_nothing() {
    for path in [
        "",
        "/",
        "//",
        "/health/",
        "//health",
        "/Health",
        "/api/v1/projects",
        "/api/v1/projects/",
        "/api/v1/projects/p1",
        "/api/v1/projects/p1/resources/r1",
        "/api/v1/projects/p1/logs",
        "/api/v1/projects/p1/metrics/query_range",
        "/api/v1/projects/p1/health",
        "/api/v1/projects/p1/resources/r1/logs/",
        "/api/v1/projects/p1/resources/r1//logs",
        "/api/v1/projects//resources/r1/logs",
        "/api/v1/projects/p1/resources//logs",
        "/api/v1/projects/p1/resources/%2e%2e/logs",
        "/api/v1/projects/p1/resources/../logs",
        "/api/v1/projects/./resources/r1/logs",
        "/api/v1/projects/p1%2fresources/resources/r1/logs",
        "/api/v1/projects/p1/resources/r1;x=y/logs",
        "/api/v1/projects/p1/resources/r1%25/logs",
        "/api/v1/projects/p1/resources/r1/logs;x",
        "/api/v1/projects/p1/resources/r1/log%73",
        "/api/v1/projects/p1/resources/r1/resources/r2/logs",
        "/loki/api/v1/query",
        "/api/v1/query",
    ] {
        assert_eq!(found(path), None, "{path}");
    }
    for below in ["", "/resources/r1"] {
        for path in [
            "/loki/api/v1/delete",
            "/loki/api/v2alpha/tail",
            "/loki/api/v1/rules",
            "/loki/api/v1/query/",
            "/loki/api/v1//query",
            "/loki/api/v1/../v1/query",
            "/loki/api/v1/query%5frange",
            "/loki/api/v1/label//values",
            "/loki/api/v1/label/a/b/values",
            "/loki/api/v1/label/../values",
            "/loki/api/v1/label/a%2fb/values",
            "/loki/api/v1/label/a;b/values",
            "/loki/api/v1/label/a/values/",
            "/loki/config",
            "/loki/api/prom/query",
            "/api/prom/query",
            "/prometheus/federate",
            "/prometheus/api/v1/read",
            "/prometheus/api/v1/targets",
            "/prometheus/api/v1/admin/tsdb/delete_series",
            "/prometheus/api/v1/status/config",
            "/prometheus/api/v1/status/tsdb",
            "/prometheus/api/v1/cardinality/label_names",
            "/prometheus/config/v1/rules",
        ] {
            let path = format!("/api/v1/projects/p1{below}{path}");
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                assert_eq!(
                    find(&method, &path).unwrap_err(),
                    Error::UnknownPath,
                    "{path}"
                );
            }
        }
    }
}

#[test]
fn writes_are_mounted_below_resources_alone() {
    for path in [
        "/loki/api/v1/push",
        "/prometheus/api/v1/write",
        "/otlp/v1/logs",
        "/otlp/v1/metrics",
    ] {
        for method in [Method::GET, Method::POST] {
            let project = format!("/api/v1/projects/p1{path}");
            assert_eq!(find(&method, &project).unwrap_err(), Error::UnknownPath);
        }
        let resource = format!("/api/v1/projects/p1/resources/r1{path}");
        assert!(find(&Method::POST, &resource).is_ok());
        assert!(find(&Method::GET, &resource).is_err());
    }
}

#[test]
fn a_known_path_names_its_methods() {
    let error = find(&Method::POST, "/health").unwrap_err();
    assert!(matches!(error, Error::MethodNotAllowed { allowed }
        if allowed == [&Method::GET, &Method::HEAD]));
}

#[test]
fn names_and_paths_are_unique() {
    let routes: Vec<&Route> = all().collect();
    for (index, route) in routes.iter().enumerate() {
        for other in &routes[index + 1..] {
            assert_ne!(route.name, other.name);
            assert_ne!(route.path, other.path);
        }
    }
}
