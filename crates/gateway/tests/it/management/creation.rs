//! Who may create what is in nothing else.

use gateway::directory::manage::{Actor, Operation, Write};
use gateway::directory::policy::{OrganizationId, ProjectId};
use gateway::{Clock, Creation, ManagementSettings};
use http::Method;

use super::{ORGANIZATIONS, PROJECTS, SHOP, everything, refused, unchanged};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn where_creation_is_closed_callers_create_only_in_what_they_hold() {
    let world = World::with(|settings| {
        settings.management = ManagementSettings {
            create: Creation::Members,
            ..ManagementSettings::default()
        };
    })
    .await;
    let before = everything(&world).await;
    for (method, path, body) in [
        (
            Method::POST,
            ORGANIZATIONS,
            r#"{"id": "initech", "name": "Initech"}"#,
        ),
        (Method::POST, PROJECTS, r#"{"id": "tps", "name": "TPS"}"#),
        (
            Method::POST,
            PROJECTS,
            r#"{"id": "tps", "name": "TPS", "org_id": null}"#,
        ),
        (Method::PATCH, SHOP, r#"{"org_id": null}"#),
    ] {
        let closed = world.write("alice", method, path, body).await;
        let sentence = refused(&closed, 403, "forbidden");
        assert!(sentence.contains("operators"), "{sentence}");
    }
    unchanged(&before, &everything(&world).await, "nothing");
    let inside = r#"{"id": "tps", "name": "TPS", "org_id": "acme"}"#;
    let made = world.write("alice", Method::POST, PROJECTS, inside).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_an_organization_belongs_to_its_creator() {
    let world = World::new().await;
    let made = world
        .write(
            "nora",
            Method::POST,
            PROJECTS,
            r#"{"id": "tps", "name": "TPS"}"#,
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    for path in [
        "/api/v1/projects/tps",
        "/api/v1/projects/tps/rbac",
        "/api/v1/projects/tps/resources",
    ] {
        assert_eq!(world.get("nora", path).await.status, 200, "{path}");
        assert_eq!(world.get("alice", path).await.status, 403, "{path}");
    }
    let elsewhere = r#"{"id": "tps-2", "name": "TPS", "org_id": "acme"}"#;
    let refusal = world.write("nora", Method::POST, PROJECTS, elsewhere).await;
    let hidden = refused(&refusal, 403, "forbidden");
    let nowhere = r#"{"id": "tps-2", "name": "TPS", "org_id": "nope"}"#;
    let refusal = world.write("nora", Method::POST, PROJECTS, nowhere).await;
    let nowhere = refused(&refusal, 403, "forbidden").replace("nope", "acme");
    assert_eq!(nowhere, hidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_creates_callers_create_no_project_either() {
    let world = World::with(|settings| settings.management.create = Creation::Nobody).await;
    let before = everything(&world).await;
    for (method, path, body) in [
        (
            Method::POST,
            ORGANIZATIONS,
            r#"{"id": "initech", "name": "Initech"}"#,
        ),
        (Method::POST, PROJECTS, r#"{"id": "tps", "name": "TPS"}"#),
        (
            Method::POST,
            PROJECTS,
            r#"{"id": "tps", "name": "TPS", "org_id": "acme"}"#,
        ),
        (Method::PATCH, SHOP, r#"{"org_id": null}"#),
    ] {
        let closed = world.write("alice", method, path, body).await;
        let sentence = refused(&closed, 403, "forbidden");
        assert!(sentence.contains("operators"), "{sentence}");
    }
    unchanged(&before, &everything(&world).await, "nothing");
    let resource = r#"{"id": "new", "name": "N", "type": "T"}"#;
    let resources = format!("{SHOP}/resources");
    let made = world.write("alice", Method::POST, &resources, resource);
    assert_eq!(made.await.status, 201);
}

/// A tenant that the backends have and the directory does not know is nobody's to take.
#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_id_is_given_to_a_project_by_operators_alone() {
    let world = World::with(|settings| {
        settings.management.reserved = vec![ProjectId::new("legacy").unwrap()];
    })
    .await;
    let before = everything(&world).await;
    for body in [
        r#"{"id": "legacy", "name": "Mine"}"#,
        r#"{"id": "legacy", "name": "Mine", "org_id": "acme"}"#,
    ] {
        let taken = world.write("alice", Method::POST, PROJECTS, body).await;
        let sentence = refused(&taken, 403, "forbidden");
        assert!(sentence.contains("operators"), "{sentence}");
    }
    unchanged(&before, &everything(&world).await, "nothing");
    let write = Write {
        actor: Actor::Operator,
        now: world.clock.now(),
        request_id: "test".to_owned(),
        if_match: None,
        idempotency_key: None,
    };
    let operation = Operation::CreateProject {
        id: ProjectId::new("legacy").unwrap(),
        organization: Some(OrganizationId::new("acme").unwrap()),
        name: "Legacy".to_owned(),
    };
    world.directory.write(write, operation).await.unwrap();
    assert_eq!(
        world.get("alice", "/api/v1/projects/legacy").await.status,
        200
    );
}
