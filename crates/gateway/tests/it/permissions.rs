//! Who may read what, and what the others can find out.

use directory::policy::{ProjectId, ResourceId, Scope};
use gateway::{Clock, directory};
use jiff::SignedDuration;

use crate::harness::client::alike;
use crate::harness::{LOGS, METRICS, RANGE, World, eventually, grant};

#[tokio::test(flavor = "multi_thread")]
async fn threat_22_a_project_that_exists_looks_like_one_that_does_not() {
    let world = World::new().await;
    let mut told = Vec::new();
    for (subject, path) in [
        ("mallory", LOGS),
        ("mallory", "/api/v1/projects/acme-shop/resources/nope/logs"),
        ("mallory", "/api/v1/projects/nope/resources/shop-api/logs"),
        ("gina", LOGS),
        (
            "gina",
            "/api/v1/projects/acme-shop/resources/iot-graph/logs",
        ),
        ("alice", "/api/v1/projects/nope/resources/shop-api/logs"),
        ("alice", "/api/v1/projects/UPPER/resources/shop-api/logs"),
        ("mallory", "/api/v1/projects/acme-shop/resources/UPPER/logs"),
        ("nobody-ever-heard-of", LOGS),
    ] {
        told.push(world.get(subject, path).await.told());
    }
    insta::assert_snapshot!(alike(told), @r#"403 {"status":"error","errorType":"forbidden","error":"you have no read permission on this project, or it does not exist"}"#);
    assert_eq!(world.forwarded(), 0);
}

/// Threat 16: a tenant id with `|` means several tenants to the backends.
#[tokio::test(flavor = "multi_thread")]
async fn threat_16_several_tenants_in_one_id_are_no_project() {
    let world = World::new().await;
    for id in [
        "acme-shop|acme-lab",
        "acme-shop|globex-iot",
        "*",
        "a.b",
        "a_b",
        "-a",
    ] {
        let path = format!("/api/v1/projects/{id}/resources/shop-api/logs");
        assert_eq!(world.get("alice", &path).await.status, 403, "{id}");
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_found_in_its_own_project_only() {
    let world = World::new().await;
    let mut told = Vec::new();
    for id in [
        "nope",
        "lab-flow",
        "iot-graph",
        "UPPER",
        "a.b",
        "shop-api|shop-db",
    ] {
        let path = format!("/api/v1/projects/acme-shop/resources/{id}/logs");
        told.push(world.get("alice", &path).await.told());
    }
    insta::assert_snapshot!(alike(told), @r#"404 {"status":"error","errorType":"not_found","error":"there is no such resource in this project"}"#);
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_20_a_withdrawn_role_stops_working_at_once() {
    let world = World::new().await;
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
    let scope = Scope::Project(ProjectId::new("acme-shop").unwrap());
    let assignment = grant(&world.directory, "mallory", "Viewer", scope, None).await;
    assert_eq!(world.get("mallory", LOGS).await.status, 200);
    assert_eq!(
        world
            .get(
                "mallory",
                "/api/v1/projects/acme-lab/resources/lab-flow/logs"
            )
            .await
            .status,
        403
    );
    world.directory.revoke(&assignment).await.unwrap();
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_ends_when_it_expires() {
    let world = World::new().await;
    let scope = Scope::Project(ProjectId::new("acme-shop").unwrap());
    let expiry = world
        .clock
        .now()
        .saturating_add(SignedDuration::from_secs(10))
        .unwrap();
    grant(&world.directory, "mallory", "Viewer", scope, Some(expiry)).await;
    assert_eq!(world.get("mallory", LOGS).await.status, 200);
    world.clock.advance(11);
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
}

/// What is decided by the clock is decided by what it says now; how long something is remembered is
/// measured by the time that passes.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_five_minutes_on_or_back_lets_nobody_in_and_keeps_nobody_out() {
    let world = World::new().await;
    let scope = || Scope::Project(ProjectId::new("acme-shop").unwrap());
    let expiry = world.clock.now() + SignedDuration::from_secs(60);
    grant(&world.directory, "mallory", "Viewer", scope(), Some(expiry)).await;
    let (early, mallory) = (world.token("victor"), world.token("mallory"));
    let ask = async |token: &str| world.ask(LOGS).token(token).send().await.status.as_u16();
    assert_eq!((ask(&early).await, ask(&mallory).await), (200, 200));

    world.clock.advance(300);
    assert_eq!((ask(&early).await, ask(&mallory).await), (200, 403));
    assert_eq!(world.get("victor", LOGS).await.status, 200);

    world.clock.advance(-600);
    // By this clock its role has not ended yet, and who has none has none.
    assert_eq!((ask(&early).await, ask(&mallory).await), (200, 200));
    assert_eq!(world.get("gina", LOGS).await.status, 403);
    let role = grant(&world.directory, "gina", "Viewer", scope(), None).await;
    assert_eq!(world.get("gina", LOGS).await.status, 200);
    world.directory.revoke(&role).await.unwrap();
    eventually(async || world.get("gina", LOGS).await.status == 403).await;
    world.clock.advance(300);
    assert_eq!((ask(&early).await, ask(&mallory).await), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_a_resource_does_not_open_its_projects_data() {
    let world = World::new().await;
    let scope = Scope::Resource(ResourceId::new("shop-api").unwrap());
    grant(&world.directory, "mallory", "Owner", scope, None).await;
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_23_when_the_directory_is_down_nobody_is_let_in() {
    let world = World::new().await;
    world.directory.close().await;
    let mut told = Vec::new();
    for path in [LOGS.to_owned(), format!("{METRICS}?query=up&{RANGE}")] {
        let answer = world.get("alice", &path).await;
        assert_eq!(answer.header("retry-after"), Some("5"));
        told.push(answer.told());
    }
    insta::assert_snapshot!(alike(told), @r#"503 {"status":"error","errorType":"unavailable","error":"permissions cannot be checked at the moment (request <id>)"}"#);
    assert_eq!(world.forwarded(), 0);
}
