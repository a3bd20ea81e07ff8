//! What the caller is told of themselves, of roles and of others.

use http::Method;
use serde_json::json;

use super::{ACME, API, SHOP, all, refused};
use crate::harness::World;
use crate::harness::issuer::FIRST;

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_is_who_the_token_says() {
    let world = World::new().await;
    let me = world.get("mallory", "/api/v1/me").await.value();
    assert_eq!(
        me,
        json!({"id": "mallory", "user_id": "mallory", "email": "mallory@acme.test", "name": "mallory", "can_create": true})
    );
    let me = world.get("auth0|new", "/api/v1/me").await.value();
    assert_eq!(
        me,
        json!({"id": "auth0|new", "user_id": "auth0|new", "email": null, "name": "auth0|new", "can_create": true})
    );
}

/// Threat: a role given to an address goes to whoever writes that address into a token.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_counts_only_where_the_issuer_has_verified_it() {
    let world = World::new().await;
    let me = async |subject: &str, claims: serde_json::Value| {
        let mut all = world
            .issuer
            .claims(subject, gateway::Clock::now(&*world.clock));
        all.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        let token = FIRST.sign(Some("first"), &all);
        world.ask("/api/v1/me").token(&token).send().await.value()
    };
    for (index, claims) in [
        json!({"email": "boss@acme.test"}),
        json!({"email": "boss@acme.test", "email_verified": false}),
        json!({"email": "boss@acme.test", "email_verified": "true"}),
        json!({"email": "boss@acme.test", "email_verified": 1}),
        json!({"email": ["boss@acme.test"], "email_verified": true}),
        json!({"email": "boss@acme.test\n", "email_verified": true}),
        json!({"email": "boss", "email_verified": true}),
        json!({"email": format!("{}@acme.test", "b".repeat(255)), "email_verified": true}),
    ]
    .into_iter()
    .enumerate()
    {
        let told = me(&format!("liar-{index}"), claims).await;
        assert_eq!(told["email"], json!(null));
    }
    let by_address = r#"{"email": "boss@acme.test", "role_id": "Viewer"}"#;
    let path = format!("{SHOP}/rbac");
    let unknown = world.write("alice", Method::POST, &path, by_address).await;
    refused(&unknown, 404, "not_found");
    let told = me(
        "boss",
        json!({"email": "Boss@acme.test", "email_verified": true, "name": "The Boss"}),
    )
    .await;
    assert_eq!(
        told,
        json!({"id": "boss", "user_id": "boss", "email": "Boss@acme.test", "name": "The Boss", "can_create": true})
    );
    let granted = world.write("alice", Method::POST, &path, by_address).await;
    assert_eq!(granted.value()["user_id"], "boss", "{}", granted.body);
    // A name of another kind refuses no token.
    assert_eq!(
        me("boss", json!({"name": {"first": "The"}})).await["name"],
        "The Boss"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_the_callers_own_and_tell_nothing_of_what_is_hidden() {
    let world = World::new().await;
    let check = async |who: &str, scope: &str| {
        let (kind, id) = scope.split_once('/').unwrap();
        let path = format!("/api/v1/permissions/check?scopeType={kind}&scopeId={id}");
        world.get(who, &path).await.value()
    };
    let all_of_them = json!(["read", "write", "delete", "manage_access"]);
    for (who, scope, permissions) in [
        ("alice", "organization/acme", all_of_them.clone()),
        ("alice", "project/acme-shop", all_of_them.clone()),
        ("alice", "resource/shop-api", all_of_them),
        ("erin", "resource/shop-api", json!(["read", "write"])),
        ("victor", "project/acme-shop", json!(["read"])),
        ("victor", "organization/acme", json!([])),
        ("victor", "project/acme-lab", json!([])),
        ("victor", "resource/iot-graph", json!([])),
        ("victor", "resource/nope", json!([])),
        ("victor", "project/nope", json!([])),
        ("mallory", "organization/nope", json!([])),
    ] {
        let told = check(who, scope).await;
        assert_eq!(told["permissions"], permissions, "{who} {scope}");
        assert_eq!(told["user_id"], who);
        let (kind, id) = scope.split_once('/').unwrap();
        assert_eq!(
            (&told["scope_type"], &told["scope_id"]),
            (&json!(kind), &json!(id))
        );
    }
    let held = check("victor", "project/acme-shop").await["held"].clone();
    assert_eq!(
        held,
        json!([{"resource_type": "Konnektr.KtrlPlane", "action": "read"}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_no_secret() {
    let world = World::new().await;
    let roles = world.get("mallory", "/api/v1/roles").await.value();
    let mut names = all(&roles, "name");
    names.sort_unstable();
    assert_eq!(names, ["Editor", "Owner", "Viewer"]);
    for role in roles.as_array().unwrap() {
        let id = role["role_id"].as_str().unwrap();
        let holds = world
            .get("mallory", &format!("/api/v1/roles/{id}/permissions"))
            .await;
        let holds = holds.value();
        let mut actions = all(&holds, "action");
        actions.sort_unstable();
        assert_eq!(
            actions.len(),
            match role["name"].as_str().unwrap() {
                "Owner" => 4,
                "Editor" => 2,
                _ => 1,
            }
        );
    }
    let none = world
        .get("mallory", "/api/v1/roles/emperor/permissions")
        .await;
    refused(&none, 404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_those_who_manage_access_where_they_are() {
    let world = World::new().await;
    for (who, text, found) in [
        ("alice", "Vic", &["victor"][..]),
        ("alice", "victor@acme", &["victor"]),
        ("alice", "alice", &["alice"]),
        ("alice", "gina", &[]),
        ("alice", "mallory", &[]),
        ("alice", "ictor", &[]),
        ("alice", "%25", &[]),
        ("alice", "_", &[]),
        ("gina", "victor", &[]),
        ("erin", "victor", &[]),
        ("mallory", "alice", &[]),
    ] {
        let users = world
            .get(who, &format!("/api/v1/users/search?q={text}"))
            .await;
        assert_eq!(users.status, 200, "{}", users.body);
        assert_eq!(all(&users.value(), "user_id"), found, "{who} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_told_to_those_who_manage_access() {
    let world = World::new().await;
    world
        .write("erin", Method::PATCH, API, r#"{"name": "API"}"#)
        .await;
    let audit = world
        .get("alice", &format!("{SHOP}/audit?limit=1"))
        .await
        .value();
    assert_eq!(audit[0]["operation"], "resource.update");
    assert_eq!(audit[0]["subject"], "erin");
    assert_eq!(audit[0]["resource_id"], "shop-api");
    assert!(audit[0]["assignment_id"].is_string(), "{audit}");
    for (who, place) in [
        ("erin", SHOP),
        ("victor", API),
        ("gina", ACME),
        ("mallory", ACME),
    ] {
        let hidden = world.get(who, &format!("{place}/audit")).await;
        refused(&hidden, 403, "forbidden");
    }
}
