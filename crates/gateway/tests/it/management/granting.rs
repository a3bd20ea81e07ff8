//! Roles, given and taken back.

use gateway::Clock;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::{ACME, API, SHOP, all, refused};
use crate::harness::{LOGS, World};

async fn grant(
    world: &World,
    who: &str,
    path: &str,
    body: serde_json::Value,
) -> crate::harness::client::Answer {
    let path = format!("{path}/rbac");
    world
        .write(who, Method::POST, &path, &body.to_string())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_reader_reads_at_once_and_after_the_withdrawal_no_more() {
    let world = World::new().await;
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
    let granted = grant(
        &world,
        "alice",
        SHOP,
        json!({"user_id": "mallory", "role_id": "Viewer"}),
    )
    .await;
    assert_eq!(granted.status, 201, "{}", granted.body);
    assert_eq!(world.get("mallory", LOGS).await.status, 200);

    let record = granted.value();
    let there = granted.header("location").unwrap();
    let id = record["assignment_id"].as_str().unwrap();
    assert_eq!(there, format!("{SHOP}/rbac/{id}"));
    assert_eq!(record["assigned_by"], "alice");
    assert_eq!(
        (&record["scope_type"], &record["scope_id"]),
        (&json!("project"), &json!("acme-shop"))
    );
    assert_eq!(record["role"]["name"], "Viewer");
    assert_eq!(record["user"]["email"], "mallory@acme.test");

    assert_eq!(
        world.write("alice", Method::DELETE, there, "").await.status,
        204
    );
    assert_eq!(world.get("mallory", LOGS).await.status, 403);
    refused(
        &world.write("alice", Method::DELETE, there, "").await,
        404,
        "not_found",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_named_by_its_id_or_its_name_and_its_holder_by_subject_or_address() {
    let world = World::new().await;
    let roles = world.get("mallory", "/api/v1/roles").await.value();
    let editor = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "Editor");
    let editor = editor.unwrap()["role_id"].as_str().unwrap();
    for (body, holder, role) in [
        (
            json!({"user_id": "mallory", "role_id": editor}),
            "mallory",
            "Editor",
        ),
        (
            json!({"email": "GINA@acme.test", "role_id": "Viewer"}),
            "gina",
            "Viewer",
        ),
        (
            json!({"user_id": "auth0|never heard of", "role_id": "Viewer"}),
            "auth0|never heard of",
            "Viewer",
        ),
    ] {
        let granted = grant(&world, "alice", ACME, body).await;
        assert_eq!(granted.status, 201, "{}", granted.body);
        assert_eq!(granted.value()["user_id"], holder);
        assert_eq!(granted.value()["role"]["name"], role);
    }
    let nobody = json!({"email": "nobody@acme.test", "role_id": "Viewer"});
    refused(
        &grant(&world, "alice", ACME, nobody).await,
        404,
        "not_found",
    );
    let no_role = json!({"user_id": "mallory", "role_id": "Emperor"});
    refused(
        &grant(&world, "alice", ACME, no_role).await,
        404,
        "not_found",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_grants_more_than_they_hold_or_for_longer() {
    let world = World::new().await;
    let now = world.clock.now();
    // A microsecond is the directory's finest time.
    let now = jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap();
    let in_seconds = |seconds| (now + SignedDuration::from_secs(seconds)).to_string();
    let until = json!({"user_id": "oscar", "role_id": "Owner", "expires_at": in_seconds(600)});
    let owner = grant(&world, "alice", SHOP, until).await;
    assert_eq!(owner.status, 201, "{}", owner.body);

    let for_longer =
        json!({"user_id": "mallory", "role_id": "Viewer", "expires_at": in_seconds(601)});
    refused(
        &grant(&world, "oscar", SHOP, for_longer).await,
        403,
        "forbidden",
    );
    let for_ever = json!({"user_id": "mallory", "role_id": "Viewer"});
    refused(
        &grant(&world, "oscar", SHOP, for_ever).await,
        403,
        "forbidden",
    );
    let as_long = json!({"user_id": "mallory", "role_id": "Viewer", "expires_at": in_seconds(600)});
    assert_eq!(grant(&world, "oscar", API, as_long).await.status, 201);
    // Who may not manage access gives nothing at all, and an owner of the project nothing above it.
    for (who, place) in [
        ("erin", SHOP),
        ("victor", SHOP),
        ("mallory", API),
        ("oscar", ACME),
        ("gina", ACME),
    ] {
        let body = json!({"user_id": "mallory", "role_id": "Viewer", "expires_at": in_seconds(9)});
        refused(&grant(&world, who, place, body).await, 403, "forbidden");
    }
    // What expires, expires at its second.
    assert_eq!(world.get("oscar", SHOP).await.status, 200);
    world.clock.advance(600);
    assert_eq!(world.get("oscar", SHOP).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_of_an_organization_stays() {
    let world = World::new().await;
    let held = world.get("alice", &format!("{ACME}/rbac")).await.value();
    let alices = format!("{ACME}/rbac/{}", held[0]["assignment_id"].as_str().unwrap());
    let withdraw = async || world.write("alice", Method::DELETE, &alices, "").await;
    let sentence = refused(&withdraw().await, 409, "conflict");
    assert!(sentence.contains("wner"), "{sentence}");
    // One that expires is none to rely on.
    let expiry = (world.clock.now() + SignedDuration::from_secs(600)).to_string();
    let until = json!({"user_id": "oscar", "role_id": "Owner", "expires_at": expiry});
    assert_eq!(grant(&world, "alice", ACME, until).await.status, 201);
    refused(&withdraw().await, 409, "conflict");
    let other = grant(
        &world,
        "alice",
        ACME,
        json!({"user_id": "olga", "role_id": "Owner"}),
    )
    .await;
    assert_eq!(other.status, 201, "{}", other.body);
    assert_eq!(withdraw().await.status, 204);
    assert_eq!(world.get("alice", ACME).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn assignments_say_where_they_are_held() {
    let world = World::new().await;
    grant(
        &world,
        "alice",
        API,
        json!({"user_id": "mallory", "role_id": "Viewer"}),
    )
    .await;
    let held = world.get("alice", &format!("{API}/rbac")).await.value();
    let mut told: Vec<String> = held
        .as_array()
        .unwrap()
        .iter()
        .map(|held| {
            let text = |field: &str| held[field].as_str().unwrap_or("-").to_owned();
            let fields = [
                "user_id",
                "scope_type",
                "scope_id",
                "inheritance_type",
                "inherited_from_scope_type",
                "inherited_from_scope_id",
                "inherited_from_name",
            ];
            format!(
                "{} {}",
                held["role"]["name"].as_str().unwrap(),
                fields.map(text).join(" ")
            )
        })
        .collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"), @r"
    Editor erin project acme-shop inherited project acme-shop acme-shop
    Owner alice organization acme inherited organization acme acme
    Viewer mallory resource shop-api direct - - -
    Viewer victor project acme-shop inherited project acme-shop acme-shop
    ");
    // An inherited one is withdrawn where it is held.
    let inherited = held
        .as_array()
        .unwrap()
        .iter()
        .find(|held| held["user_id"] == "victor");
    let id = inherited.unwrap()["assignment_id"].as_str().unwrap();
    let here = world
        .write("alice", Method::DELETE, &format!("{API}/rbac/{id}"), "")
        .await;
    refused(&here, 404, "not_found");
    let there = world
        .write("alice", Method::DELETE, &format!("{SHOP}/rbac/{id}"), "")
        .await;
    assert_eq!(there.status, 204, "{}", there.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_one_resource_opens_that_resource_alone() {
    let world = World::new().await;
    let granted = grant(
        &world,
        "alice",
        API,
        json!({"user_id": "mallory", "role_id": "Owner"}),
    )
    .await;
    assert_eq!(granted.status, 201, "{}", granted.body);
    assert_eq!(world.get("mallory", API).await.status, 200);
    let resources = world
        .get("mallory", &format!("{SHOP}/resources"))
        .await
        .value();
    assert_eq!(all(&resources, "resource_id"), ["shop-api"]);
    // Not its neighbour, nor the project, nor anybody's data.
    for closed in [
        format!("{SHOP}/resources/shop-db"),
        SHOP.to_owned(),
        LOGS.to_owned(),
    ] {
        assert_eq!(world.get("mallory", &closed).await.status, 403, "{closed}");
    }
    let renamed = world
        .write("mallory", Method::PATCH, API, r#"{"name": "Mine"}"#)
        .await;
    assert_eq!(renamed.status, 200, "{}", renamed.body);
}
