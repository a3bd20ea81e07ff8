//! The life of an organization, from its creation to its end.

use http::Method;
use serde_json::json;

use super::{ORGANIZATIONS, PROJECTS, all, refused};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_lives_and_ends() {
    let world = World::new().await;
    let post = async |path: &str, body: serde_json::Value| {
        let body = body.to_string();
        world.write("nora", Method::POST, path, &body).await
    };
    let made = post(ORGANIZATIONS, json!({"id": "initech", "name": "Initech"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let here = "/api/v1/organizations/initech";
    assert_eq!(made.header("location"), Some(here));
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.value()["org_id"], "initech");
    assert_eq!(made.value()["name"], "Initech");
    assert!(made.value()["created_at"].is_string(), "{}", made.body);

    // Its creator is its Owner, and so may do all of the following.
    let read = world.get("nora", here).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.body, made.body);
    assert_eq!(read.header("etag"), made.header("etag"));
    assert!(read.header("etag").unwrap().starts_with('"'));
    let held = world.get("nora", &format!("{here}/rbac")).await.value();
    assert_eq!(all(&held, "user_id"), ["nora"]);
    assert_eq!(held[0]["role"]["name"], "Owner");
    assert_eq!(held[0]["inheritance_type"], "direct");
    assert_eq!(
        all(&world.get("nora", ORGANIZATIONS).await.value(), "org_id"),
        ["initech"]
    );

    let project = json!({"id": "initech-tps", "name": "Reports", "org_id": "initech"});
    let project = post(PROJECTS, project).await;
    assert_eq!(project.status, 201, "{}", project.body);
    let tps = "/api/v1/projects/initech-tps";
    assert_eq!(project.header("location"), Some(tps));
    assert_eq!(project.value()["org_id"], "initech");
    // What a KtrlPlane client sends, settings as they are.
    let cover = r#"{"id":"tps-cover","name":"Cover","type":"Konnektr.Graph","sku":"free","settings_json":{ "b":1.50,"a":[] }}"#;
    let resources = format!("{tps}/resources");
    let resource = world.write("nora", Method::POST, &resources, cover).await;
    assert_eq!(resource.status, 201, "{}", resource.body);
    assert_eq!(
        resource.header("location"),
        Some("/api/v1/projects/initech-tps/resources/tps-cover")
    );
    assert!(
        resource
            .body
            .contains(r#""settings_json":{ "b":1.50,"a":[] }"#),
        "{}",
        resource.body
    );
    let cover = format!("{tps}/resources/tps-cover");
    assert_eq!(world.get("nora", &cover).await.body, resource.body);
    // Its logs can be read at once.
    assert_eq!(
        world.get("nora", &format!("{cover}/logs")).await.status,
        200
    );

    for method in [Method::PUT, Method::PATCH] {
        for (path, change, field) in [
            (here, json!({"name": format!("by {method}")}), "name"),
            (tps, json!({"name": format!("by {method}")}), "name"),
            (&*cover, json!({"sku": format!("by {method}")}), "sku"),
        ] {
            let before = world.get("nora", path).await;
            let changed = world
                .write("nora", method.clone(), path, &change.to_string())
                .await;
            assert_eq!(changed.status, 200, "{}", changed.body);
            assert_eq!(changed.value()[field], change[field]);
            assert_ne!(changed.header("etag"), before.header("etag"));
            assert_eq!(world.get("nora", path).await.body, changed.body);
        }
    }
    let kept = world.get("nora", &cover).await.value();
    assert_eq!(kept["settings_json"], json!({"b": 1.5, "a": []}));

    let audit = world.get("nora", &format!("{here}/audit")).await.value();
    let operations = all(&audit, "operation");
    assert_eq!(operations.last(), Some(&"organization.create"));
    assert_eq!(operations.len(), 9, "{operations:?}");
    let of_the_resource = world.get("nora", &format!("{cover}/audit")).await.value();
    assert_eq!(
        all(&of_the_resource, "operation"),
        ["resource.update", "resource.update", "resource.create"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_something_ends_with_it_or_not_at_all() {
    let world = World::new().await;
    let (here, tps, cover) = (super::ACME, super::SHOP, super::API);
    let delete = async |path: &str| world.write("alice", Method::DELETE, path, "").await;
    for holds in [here, tps] {
        refused(&delete(holds).await, 409, "conflict");
        refused(
            &delete(&format!("{holds}?cascade=false")).await,
            409,
            "conflict",
        );
    }
    let gone = delete(cover).await;
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (204, ""));
    assert_eq!(gone.header("content-type"), None);
    refused(&world.get("alice", cover).await, 404, "not_found");
    let gone = delete(&format!("{here}?cascade=true")).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    for path in [here, tps, cover] {
        refused(&world.get("alice", path).await, 403, "forbidden");
    }
    // Data outlive a project, so nobody else gets its id.
    for (path, body) in [
        (ORGANIZATIONS, json!({"id": "acme", "name": "Another"})),
        (PROJECTS, json!({"id": "acme-shop", "name": "Another"})),
    ] {
        let body = body.to_string();
        let again = world.write("alice", Method::POST, path, &body).await;
        refused(&again, 409, "conflict");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_held_already_is_not_sent_again() {
    let world = World::new().await;
    for path in [super::ACME, super::SHOP, super::API] {
        let first = world.get("alice", path).await;
        let etag = first.header("etag").unwrap();
        let ask = async |name: &str, tag: &str| {
            let ask = world.ask(path).token(&world.token("alice"));
            ask.header(name, tag).send().await
        };
        let again = ask("if-none-match", etag).await;
        assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
        assert_eq!(again.header("etag"), Some(etag));
        assert_eq!(ask("if-none-match", "\"other\"").await.body, first.body);
        assert_eq!(ask("if-match", etag).await.body, first.body);
        refused(
            &ask("if-match", "\"other\"").await,
            412,
            "precondition_failed",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_moves_between_organizations_that_its_mover_holds() {
    let world = World::new().await;
    let mine = r#"{"id": "initech", "name": "Initech"}"#;
    world
        .write("alice", Method::POST, ORGANIZATIONS, mine)
        .await;
    let put = async |who: &str, body: &str| world.write(who, Method::PUT, super::SHOP, body).await;
    let moved = put("alice", r#"{"org_id": "initech"}"#).await;
    assert_eq!(moved.value()["org_id"], "initech", "{}", moved.body);
    // To an organization of somebody else's, or by somebody else.
    refused(
        &put("alice", r#"{"org_id": "globex"}"#).await,
        403,
        "forbidden",
    );
    refused(
        &put("erin", r#"{"org_id": "acme"}"#).await,
        403,
        "forbidden",
    );
    refused(&put("erin", r#"{"org_id": null}"#).await, 403, "forbidden");
    let alone = put("alice", r#"{"org_id": null}"#).await;
    assert_eq!(
        alone.value()["org_id"],
        serde_json::Value::Null,
        "{}",
        alone.body
    );
}
