//! Creating, granting and withdrawing.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use directory::policy::Scope;
use directory::{Directory, DirectoryError};

use crate::home::{Home, access, at, fill, grant, organization, project, reads, resource, subject};

fn is_invalid<T>(result: &Result<T, DirectoryError>) -> bool {
    matches!(result, Err(DirectoryError::Invalid(_)))
}

fn not_found<T: std::fmt::Debug>(result: Result<T, DirectoryError>, sentence: &str) {
    assert_eq!(
        result.unwrap_err(),
        DirectoryError::NotFound(sentence.to_owned())
    );
}

pub async fn duplicates_are_refused(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let (acme, shop) = (organization("acme"), project("acme-shop"));
    for (result, sentence) in [
        (
            directory.create_organization(&acme, "x").await,
            "there is already an organization `acme`",
        ),
        (
            directory.create_project(&shop, None, "x").await,
            "there is already a project `acme-shop`",
        ),
        (
            // Also in another project: the id is one label value in one place.
            directory
                .create_resource(&resource("shop-api"), &project("lonely"), "x", "x")
                .await,
            "there is already a resource `shop-api`",
        ),
    ] {
        let refused = DirectoryError::AlreadyExists(sentence.to_owned());
        assert_eq!(result.unwrap_err(), refused);
    }
    // What was there stayed as it was.
    let there = access(&directory, "x", "acme-shop", Some("shop-api")).await;
    let lineage = there.unwrap().lineage().cloned().unwrap();
    assert_eq!(lineage.resource, Some(resource("shop-api")));
    assert_eq!(lineage.organization, Some(acme));
}

pub async fn what_belongs_to_nothing_is_refused(home: &Home) {
    let directory = home.open().await;
    let (nope, orphan) = (organization("nope"), project("orphan"));
    not_found(
        directory.create_project(&orphan, Some(&nope), "x").await,
        "there is no organization `nope`",
    );
    not_found(
        directory
            .create_resource(&resource("r"), &orphan, "x", "x")
            .await,
        "there is no project `orphan`",
    );
    let nowhere = access(&directory, "x", "orphan", None).await.unwrap();
    assert_eq!(nowhere.lineage(), None);
}

pub async fn an_unknown_role_or_scope_is_refused(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let shop = || Scope::Project(project("acme-shop"));
    for (grant, sentence) in [
        (
            grant("victor", "Admin", shop()),
            "there is no role `Admin`: the roles are Editor, Owner, Viewer",
        ),
        (
            // An organization's id is no project's.
            grant("victor", "Viewer", Scope::Project(project("acme"))),
            "there is no project `acme`",
        ),
        (
            grant(
                "victor",
                "Viewer",
                Scope::Organization(organization("acme-shop")),
            ),
            "there is no organization `acme-shop`",
        ),
        (
            grant("victor", "Viewer", Scope::Resource(resource("nope"))),
            "there is no resource `nope`",
        ),
    ] {
        not_found(directory.grant(grant).await, sentence);
    }
    assert!(!reads(&directory, "victor", "acme-shop").await);
}

pub async fn malformed_texts_are_refused_and_nothing_is_written(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let long = "x".repeat(256);
    for name in ["", "  ", "a\nb", "a\0b", &long] {
        let id = project("fresh");
        assert!(is_invalid(
            &directory
                .create_organization(&organization("fresh"), name)
                .await
        ));
        assert!(is_invalid(&directory.create_project(&id, None, name).await));
        let (shop, fresh) = (project("acme-shop"), resource("fresh"));
        assert!(is_invalid(
            &directory.create_resource(&fresh, &shop, name, "x").await
        ));
        assert!(is_invalid(
            &directory.create_resource(&fresh, &shop, "x", name).await
        ));
        assert!(is_invalid(
            &directory.put_user(&subject("fresh"), None, name).await
        ));
        assert!(is_invalid(
            &directory.put_user(&subject("fresh"), Some(name), "x").await
        ));
        assert!(is_invalid(&directory.revoke(name).await));
        let grant = grant("victor", name, Scope::Project(shop.clone()));
        assert!(is_invalid(&directory.grant(grant).await));
        let nowhere = access(&directory, "x", "fresh", Some("fresh")).await;
        assert_eq!(nowhere.unwrap().lineage(), None);
    }
    let mut grant = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    grant.expires_at = Some(at(-1));
    assert!(is_invalid(&directory.grant(grant).await));
}

/// Threat 16, for whoever writes past this program.
pub async fn the_database_itself_refuses_invalid_ids(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let long = "a".repeat(64);
    let ids = [
        "", "A", "a|b", "..", "a/b", "-a", "a-", "a b", "a_b", "ä", "a\n", "%", &long,
    ];
    for id in ids {
        for statement in [
            "INSERT INTO {}organizations (org_id, name) VALUES ('ID', 'x')",
            "INSERT INTO {}projects (project_id, name) VALUES ('ID', 'x')",
            "INSERT INTO {}resources (resource_id, project_id, name, type) \
             VALUES ('ID', 'acme-shop', 'x', 'x')",
            "INSERT INTO {}role_assignments \
             (assignment_id, user_id, role_id, scope_type, scope_id) \
             VALUES ('x', 'victor', 'owner', 'project', 'ID')",
        ] {
            let refused = home.sql(&statement.replace("ID", id)).await;
            assert!(refused.is_err(), "{id:?}: {statement}");
        }
    }
    for statement in [
        "INSERT INTO {}users (user_id, name) VALUES ('', 'x')",
        "INSERT INTO {}users (user_id, name) VALUES ('a\tb', 'x')",
        "INSERT INTO {}role_assignments (assignment_id, user_id, role_id, scope_type, scope_id) \
         VALUES ('x', 'victor', 'owner', 'global', 'acme')",
    ] {
        assert!(home.sql(statement).await.is_err(), "{statement}");
    }
    if !home.is_postgres() {
        // Only SQLite lets these in at all: text behind a NUL, and a blob.
        for id in ["'a' || char(0) || '|b'", "x'61'"] {
            let statement = format!("INSERT INTO projects (project_id, name) VALUES ({id}, 'x')");
            assert!(home.sql(&statement).await.is_err(), "{id}");
        }
    }
    let longest = "a".repeat(63);
    for id in ["a", "0", "a--b", &longest] {
        let statement = format!("INSERT INTO {{}}projects (project_id, name) VALUES ('{id}', 'x')");
        home.sql(&statement).await.unwrap();
    }
}

pub async fn a_role_is_held_once_per_scope_and_again_after_its_expiry(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let viewer = || grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    let mut expired = viewer();
    expired.expires_at = Some(at(1_000_000_000));
    let first = directory.grant(expired).await.unwrap();
    assert!(!reads(&directory, "victor", "acme-shop").await);
    let second = directory.grant(viewer()).await.unwrap();
    assert!(reads(&directory, "victor", "acme-shop").await);
    assert_ne!(first, second);
    let third = directory.grant(viewer()).await;
    assert!(
        matches!(third, Err(DirectoryError::AlreadyExists(_))),
        "{third:?}"
    );
    // Another role at the same scope is another assignment.
    let mut editor = viewer();
    "Editor".clone_into(&mut editor.role);
    directory.grant(editor).await.unwrap();
    directory.revoke(&second).await.unwrap();
    assert!(reads(&directory, "victor", "acme-shop").await);
}

pub async fn racing_grants_leave_one_assignment(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let race = (0..8).map(|_| {
        let directory = directory.clone();
        let grant = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        home.runtime
            .spawn(async move { directory.grant(grant).await })
    });
    let mut granted = Vec::new();
    for racer in race.collect::<Vec<_>>() {
        match racer.await.unwrap() {
            Ok(id) => granted.push(id),
            Err(error) => assert!(matches!(error, DirectoryError::AlreadyExists(_)), "{error}"),
        }
    }
    assert_eq!(granted.len(), 1);
    directory.revoke(&granted[0]).await.unwrap();
    assert!(!reads(&directory, "victor", "acme-shop").await);
}

pub async fn a_deleted_resource_takes_its_assignments_along(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let (id, shop) = (resource("shop-api"), project("acme-shop"));
    let owner = grant("victor", "Owner", Scope::Resource(id.clone()));
    directory.grant(owner).await.unwrap();
    not_found(
        directory.delete_resource(&id, &project("acme-lab")).await,
        "there is no resource `shop-api` in project `acme-lab`",
    );
    assert!(exists(&directory).await.0);
    directory.delete_resource(&id, &shop).await.unwrap();
    not_found(
        directory.delete_resource(&id, &shop).await,
        "there is no resource `shop-api` in project `acme-shop`",
    );
    assert_eq!(exists(&directory).await, (false, 0));
    // Whoever gets the id next does not share it with those before.
    directory
        .create_resource(&id, &shop, "x", "x")
        .await
        .unwrap();
    assert_eq!(exists(&directory).await, (true, 0));
}

/// Whether the resource exists, and how many assignments the lookup of it shows.
async fn exists(directory: &Directory) -> (bool, usize) {
    let there = access(directory, "victor", "acme-shop", Some("shop-api")).await;
    let there = there.unwrap();
    let found = there
        .lineage()
        .and_then(|lineage| lineage.resource.as_ref());
    (found.is_some(), there.assignments().count())
}

pub async fn a_user_can_be_put_again(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    directory.grant(viewer).await.unwrap();
    let who = subject("victor");
    directory
        .put_user(&who, Some("v@example.org"), "Victor")
        .await
        .unwrap();
    directory.put_user(&who, None, "Victor").await.unwrap();
    // Two people may give one address: it identifies nobody.
    for id in ["auth0|1", "abc@clients"] {
        directory
            .put_user(&subject(id), Some("v@example.org"), "V")
            .await
            .unwrap();
    }
    assert!(reads(&directory, "victor", "acme-shop").await);
    assert!(!reads(&directory, "auth0|1", "acme-shop").await);
}

pub async fn a_withdrawal_of_nothing_is_not_found(home: &Home) {
    let directory = home.open().await;
    not_found(
        directory.revoke("nope").await,
        "there is no role assignment `nope`",
    );
}
