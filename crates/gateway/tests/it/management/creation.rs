//! Who may create what is in nothing else.

use gateway::{Creation, ManagementSettings};
use http::Method;

use super::{ORGANIZATIONS, PROJECTS, SHOP, everything, refused, unchanged};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn where_creation_is_closed_callers_create_only_in_what_they_hold() {
    let world = World::with(|settings| {
        settings.management = ManagementSettings {
            create: Creation::Nobody,
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
