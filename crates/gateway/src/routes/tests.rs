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
        (
            "/api/v1/organizations",
            "organizations",
            Target::Nothing,
            "",
        ),
        (
            "/api/v1/organizations/o1",
            "organization",
            Target::Organization("o1"),
            "",
        ),
        ("/api/v1/projects/p1", "project", Target::Project("p1"), ""),
        (
            "/api/v1/projects/p1/resources",
            "resources",
            Target::Project("p1"),
            "",
        ),
        ("/api/v1/projects/p1/resources/r1", "resource", of_r1, ""),
        ("/api/v1/projects/p1/resources/r1/audit", "audit", of_r1, ""),
        (
            "/api/v1/roles/viewer/permissions",
            "role_permissions",
            Target::Nothing,
            "viewer",
        ),
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
        "/api/v1/projects/",
        "/api/v1/projects/p1/",
        "/api/v1/projects/p1/resources/",
        "/api/v1/projects/p1/resources/r1/",
        "/api/v1/projects/p1/rbac/",
        "/api/v1/organizations/",
        "/api/v1/organizations/o1/",
        "/api/v1/organizations/../me",
        "/api/v1/organizations/o1%2frbac",
        "/api/v1/organizations/o1/resources",
        "/api/v1/organizations/o1/logs",
        "/api/v1/organizations/o1/loki/api/v1/query",
        "/api/v1/roles/r1",
        "/api/v1/roles//permissions",
        "/api/v1/rbac",
        "/api/v1/audit",
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
fn an_assignment_is_withdrawn_where_it_is_held() {
    for (path, target) in [
        (
            "/api/v1/organizations/o1/rbac/a1",
            Target::Organization("o1"),
        ),
        ("/api/v1/projects/p1/rbac/a1", Target::Project("p1")),
        (
            "/api/v1/projects/p1/resources/r1/rbac/a1",
            Target::Resource("p1", "r1"),
        ),
    ] {
        let found = find(&Method::DELETE, path).unwrap();
        assert_eq!(
            (found.route.name, found.target, found.name),
            ("withdraw", target, "a1")
        );
    }
}

#[test]
fn names_and_what_is_asked_are_unique() {
    let routes: Vec<&Route> = all().collect();
    for (index, route) in routes.iter().enumerate() {
        for other in &routes[index + 1..] {
            assert_ne!(route.name, other.name);
            let is_asked = |method| other.methods.contains(method);
            if route.path == other.path && route.methods.iter().any(is_asked) {
                let shared = |mount| other.mounts.contains(mount);
                assert!(!route.mounts.iter().any(shared), "{}", route.name);
            }
        }
    }
}

/// So it does not matter in which order the table is looked through.
#[test]
fn no_path_is_that_of_two_routes() {
    for braced in all().filter(|route| route.path.contains('{')) {
        for other in all().filter(|other| other.name != braced.name) {
            let is_shared = |mount| other.mounts.contains(mount);
            let is_asked = |method| other.methods.contains(method);
            if braced.mounts.iter().any(is_shared) && braced.methods.iter().any(is_asked) {
                let (name, other) = (other.name, other.path.replace(['{', '}'], ""));
                assert_eq!(matches(braced.path, &other), None, "{} {name}", braced.name);
            }
        }
    }
}

#[test]
fn the_audit_s_word_for_a_task_is_one_of_the_directory_s() {
    for route in all() {
        let Serves::Management(managed) = &route.serves else {
            continue;
        };
        let word = managed.task.operation();
        assert_eq!(word.is_some(), managed.task.effect().writes());
        assert!(word.is_none_or(|word| directory::manage::Operation::NAMES.contains(&word)));
    }
}
