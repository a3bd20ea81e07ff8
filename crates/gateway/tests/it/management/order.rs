//! The order of the checks, which is part of what can be found out.

use directory::policy::{ResourceId, Scope};
use gateway::directory;
use http::Method;

use super::{ACME, API, SHOP, refused};
use crate::harness::client::alike;
use crate::harness::{World, grant};

#[tokio::test(flavor = "multi_thread")]
async fn threat_22_what_is_hidden_looks_like_what_is_not_there() {
    let world = World::new().await;
    for (kind, paths) in [
        (
            "organization",
            &[
                ACME,
                "/api/v1/organizations/nope",
                "/api/v1/organizations/NOPE",
            ][..],
        ),
        (
            "project",
            &[SHOP, "/api/v1/projects/nope", "/api/v1/projects/a|b"],
        ),
        (
            "resource",
            &[
                API,
                "/api/v1/projects/acme-shop/resources/nope",
                "/api/v1/projects/acme-shop/resources/NOPE",
                "/api/v1/projects/nope/resources/shop-api",
                "/api/v1/projects/NOPE/resources/shop-api",
                "/api/v1/projects/acme-lab/resources/shop-api",
            ],
        ),
    ] {
        for (method, below, body) in [
            (Method::GET, "", ""),
            (Method::PATCH, "", r#"{"name": "x"}"#),
            (Method::DELETE, "", ""),
            (Method::GET, "/rbac", ""),
            (
                Method::POST,
                "/rbac",
                r#"{"user_id": "mallory", "role_id": "Owner"}"#,
            ),
            (Method::DELETE, "/rbac/some-id", ""),
            (Method::GET, "/audit", ""),
        ] {
            let mut told = Vec::new();
            for path in paths {
                let path = format!("{path}{below}");
                for who in ["mallory", "gina", "never-heard-of"] {
                    told.push(world.write(who, method.clone(), &path, body).await.told());
                }
            }
            let told = alike(told);
            assert!(told.starts_with("403 "), "{told}");
            assert!(told.contains(kind), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_see_the_project_is_told_that_a_resource_is_not_there() {
    let world = World::new().await;
    for id in ["nope", "NOPE", "lab-flow", "iot-graph"] {
        let path = format!("{SHOP}/resources/{id}");
        refused(&world.get("victor", &path).await, 404, "not_found");
        let gone = world.write("alice", Method::DELETE, &path, "").await;
        refused(&gone, 404, "not_found");
    }
    // A role on a resource says nothing of its neighbours.
    let scope = Scope::Resource(ResourceId::new("shop-api").unwrap());
    grant(&world.directory, "mallory", "Owner", scope, None).await;
    assert_eq!(world.get("mallory", API).await.status, 200);
    for id in ["nope", "NOPE", "shop-db"] {
        let path = format!("{SHOP}/resources/{id}");
        refused(&world.get("mallory", &path).await, 403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_is_told_to_those_who_may_make_it() {
    let world = World::new().await;
    for (method, path, body) in [
        (Method::PATCH, ACME.to_owned(), "{"),
        (Method::GET, format!("{SHOP}/rbac?limit=0"), ""),
        (Method::DELETE, format!("{SHOP}?cascade=yes"), ""),
    ] {
        let ask = async |who: &str| world.write(who, method.clone(), &path, body).await;
        refused(&ask("alice").await, 400, "bad_data");
        refused(&ask("gina").await, 403, "forbidden");
    }
    let anonymous = world.ask(ACME).json(Method::PATCH, "{").send().await;
    refused(&anonymous, 401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_23_when_the_directory_is_down_nothing_is_told_or_written() {
    let world = World::new().await;
    world.directory.close().await;
    for (method, path, body) in [
        (Method::GET, ACME, ""),
        (Method::GET, "/api/v1/organizations", ""),
        (Method::GET, "/api/v1/me", ""),
        (Method::PATCH, ACME, r#"{"name": "x"}"#),
        (
            Method::POST,
            "/api/v1/organizations",
            r#"{"id": "x", "name": "x"}"#,
        ),
    ] {
        let answer = world.write("alice", method, path, body).await;
        refused(&answer, 503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
}
