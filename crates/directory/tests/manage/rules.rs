//! What a write never does, whoever asks for it.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use directory::Directory;
use directory::manage::{IfMatch, Operation, Write};

use crate::authority::world;
use crate::home::{Home, organization, project};
use crate::manager::{
    NOW, all, by, by_operator, deletion, give, if_match, kind, new_organization, new_project,
    new_resource, now, operate, place, renaming, role, role_until, text, withdrawal, write,
};

pub async fn an_id_is_used_once(home: &Home) {
    let directory = world(home).await;
    operate(&directory, deletion("/shop", true)).await;
    home.sql("DELETE FROM {}projects WHERE project_id = 'lab'; DELETE FROM {}role_assignments; DELETE FROM {}organizations WHERE org_id = 'acme'").await.unwrap();
    home.sql("UPDATE {}organizations SET org_id = 'other' WHERE org_id = 'globex'")
        .await
        .unwrap();
    for id in ["shop", "lab"] {
        for write in [by("x"), by_operator()] {
            let again = directory.write(write, new_project(id, None)).await;
            assert_eq!(kind(&again), "conflict", "{id}");
        }
    }
    for id in ["acme", "globex"] {
        let again = directory.write(by("x"), new_organization(id)).await;
        assert_eq!(kind(&again), "conflict", "{id}");
    }
    // An organization's id is not a project's.
    write(&directory, "x", new_project("acme", None)).await;
    let free = |on: &str| Operation::FreeId { place: place(on) };
    assert_eq!(
        kind(&directory.write(by("x"), free("/shop")).await),
        "forbidden"
    );
    assert_eq!(
        kind(&directory.write(by_operator(), free("/other")).await),
        "not found"
    );
    assert_eq!(
        kind(&directory.write(by_operator(), free("/acme/x")).await),
        "invalid"
    );
    operate(&directory, free("/shop")).await;
    write(&directory, "x", new_project("shop", None)).await;
    assert_eq!(
        kind(&directory.write(by_operator(), free("/shop")).await),
        "not found"
    );
    if home.is_postgres() {
        home.sql("TRUNCATE {}projects CASCADE").await.unwrap();
        let again = directory.write(by("x"), new_project("shop", None)).await;
        assert_eq!(kind(&again), "conflict");
    }
    // Loki's and Mimir's own tenants are nobody's.
    for id in ["fake", "anonymous"] {
        let reserved = directory.write(by_operator(), new_project(id, None)).await;
        assert_eq!(kind(&reserved), "invalid", "{id}");
    }
}

pub async fn an_organization_keeps_its_last_owner(home: &Home) {
    let directory = home.open().await;
    write(&directory, "anna", new_organization("acme")).await;
    let annas = owner_of_acme(&directory, "anna").await;
    // Neither an owner for a while, nor one of a part, nor another role is an owner.
    let for_a_while = role_until("temp", "Owner", "acme", Some(NOW + 1000));
    write(&directory, "anna", for_a_while).await;
    write(&directory, "anna", role("ed", "Editor", "acme")).await;
    write(&directory, "anna", new_project("shop", Some("acme"))).await;
    write(&directory, "anna", role("pia", "Owner", "/shop")).await;
    for write in [by("anna"), by("temp"), by_operator()] {
        let refused = directory.write(write, withdrawal(&annas, "acme")).await;
        assert_eq!(kind(&refused), "conflict");
    }
    let expiring = role_until("anna", "Owner", "acme", Some(NOW + 1000));
    let refused = directory.write(by("anna"), expiring).await;
    assert_eq!(kind(&refused), "exists");
    let bobs = text(
        &write(&directory, "anna", role("bob", "Owner", "acme")).await,
        "assignment_id",
    );
    write(&directory, "anna", withdrawal(&annas, "acme")).await;
    let refused = directory.write(by("bob"), withdrawal(&bobs, "acme")).await;
    assert_eq!(kind(&refused), "conflict");
    // Owners of projects come and go.
    let pias = held_by(&directory, "pia", "/shop").await;
    write(&directory, "bob", withdrawal(&pias, "/shop")).await;
}

async fn owner_of_acme(directory: &Directory, who: &str) -> String {
    held_by(directory, who, "acme").await
}

async fn held_by(directory: &Directory, who: &str, on: &str) -> String {
    let held = directory
        .assignments(&place(on), now(), &all())
        .await
        .unwrap();
    let mut held = held.records.into_iter();
    held.find(|held| held.user_id == who).unwrap().assignment_id
}

pub async fn a_write_meets_its_condition(home: &Home) {
    let directory = world(home).await;
    for on in ["acme", "/shop", "/shop/api"] {
        let first = operate(&directory, renaming(on, "first"))
            .await
            .etag
            .unwrap();
        assert!(
            first.starts_with('"') && first.ends_with('"') && first.len() == 34,
            "{first}"
        );
        let second = if_match(by_operator(), &first);
        let second = directory
            .write(second, renaming(on, "second"))
            .await
            .unwrap();
        let stale = [renaming(on, "third"), deletion(on, true)];
        for operation in stale {
            for tag in [&*first, "\"\"", "first", "*"] {
                let refused = directory
                    .write(if_match(by_operator(), tag), operation.clone())
                    .await;
                assert_eq!(kind(&refused), "precondition failed", "{on} {tag}");
            }
        }
        let tags = vec![first, second.etag.unwrap()];
        for condition in [IfMatch::Any, IfMatch::Tags(tags)] {
            let write = Write {
                if_match: Some(condition),
                ..by_operator()
            };
            directory
                .write(write, renaming(on, "second"))
                .await
                .unwrap();
        }
        // What is forbidden stays so, and so does what is not there.
        let forbidden = directory
            .write(if_match(by("x"), "x"), renaming(on, "x"))
            .await;
        assert_eq!(kind(&forbidden), "forbidden");
    }
    for creation in [
        new_organization("new"),
        new_project("new", None),
        new_resource("lab", "new"),
        role("x", "Viewer", "acme"),
    ] {
        let write = Write {
            if_match: Some(IfMatch::Any),
            ..by_operator()
        };
        let refused = directory.write(write, creation).await;
        assert_eq!(kind(&refused), "precondition failed");
    }
    let missing = directory
        .write(if_match(by_operator(), "x"), renaming("nope", "x"))
        .await;
    assert_eq!(kind(&missing), "not found");
    let given = operate(&directory, role("x", "Viewer", "acme")).await;
    let id = text(&given, "assignment_id");
    let refused = directory
        .write(if_match(by_operator(), "x"), withdrawal(&id, "acme"))
        .await;
    assert_eq!(kind(&refused), "precondition failed");
    let write = if_match(by_operator(), &given.etag.unwrap());
    directory
        .write(write, withdrawal(&id, "acme"))
        .await
        .unwrap();
}

pub async fn an_expiry_is_to_come(home: &Home) {
    let directory = world(home).await;
    for until in [NOW - 1, NOW, 0, -1] {
        let past = role_until("x", "Viewer", "/shop", Some(until));
        let refused = directory.write(by("keeper"), past).await;
        assert_eq!(kind(&refused), "invalid", "{until}");
    }
    let first = role_until("x", "Viewer", "/shop", Some(NOW + 1));
    let first = text(&write(&directory, "keeper", first).await, "assignment_id");
    let twice = directory
        .write(by("keeper"), role("x", "Viewer", "/shop"))
        .await;
    assert_eq!(kind(&twice), "exists");
    // It makes way once it is over.
    let mut later = by("keeper");
    later.now = crate::home::at(NOW + 1);
    let second = directory
        .write(later, role("x", "Viewer", "/shop"))
        .await
        .unwrap();
    assert_ne!(text(&second, "assignment_id"), first);
    let gone = directory
        .write(by("keeper"), withdrawal(&first, "/shop"))
        .await;
    assert_eq!(kind(&gone), "not found");
}

pub async fn a_role_goes_with_what_it_was_held_on(home: &Home) {
    let directory = world(home).await;
    give(&directory, "x", "Owner", "/shop/api").await;
    give(&directory, "x", "Viewer", "/shop").await;
    operate(&directory, deletion("/shop/api", false)).await;
    operate(&directory, new_resource("shop", "api")).await;
    let renamed = directory.write(by("x"), renaming("/shop/api", "x")).await;
    assert_eq!(kind(&renamed), "forbidden");
    operate(&directory, deletion("/shop", true)).await;
    let left = "INSERT INTO {}roles (role_id, name, display_name) SELECT 'left', 'left', 'left' \
                FROM {}role_assignments WHERE user_id = 'x'";
    home.sql(left).await.unwrap();
    assert!(
        directory
            .roles()
            .await
            .unwrap()
            .iter()
            .all(|role| role.role_id != "left")
    );
}

pub async fn a_directory_that_is_managed_elsewhere_is_only_read(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    world(home).await.close().await;
    // What the contract does not name is not there.
    home.sql(
        "ALTER TABLE {}users DROP COLUMN created_at, DROP COLUMN updated_at; \
         ALTER TABLE {}organizations DROP COLUMN created_at, DROP COLUMN updated_at; \
         ALTER TABLE {}projects DROP COLUMN created_at, DROP COLUMN updated_at; \
         ALTER TABLE {}resources DROP COLUMN created_at, DROP COLUMN updated_at, \
            DROP COLUMN sku, DROP COLUMN settings_json; \
         DROP TABLE {}audit; DROP TABLE {}idempotency; DROP TABLE {}tombstones CASCADE",
    )
    .await
    .unwrap();
    let mut options = home.options();
    options.managed = false;
    let directory = Directory::open(options).await.unwrap();
    for write in [by("keeper"), by_operator()] {
        let refused = directory.write(write, renaming("acme", "")).await;
        assert_eq!(kind(&refused), "read-only");
    }
    let who = crate::home::subject("keeper");
    assert_eq!(
        kind(&directory.put_user(&who, None, "x").await),
        "read-only"
    );
    assert_eq!(
        kind(&directory.remember_user(&who, None, Some("x")).await),
        "read-only"
    );
    assert_eq!(
        kind(&directory.audit(&place("acme"), &all()).await),
        "not found"
    );
    let reader = crate::manager::reader("keeper");
    let (acme, shop) = (organization("acme"), project("shop"));
    assert_eq!(
        directory
            .organizations(&reader, &all())
            .await
            .unwrap()
            .records
            .len(),
        2
    );
    assert_eq!(
        directory
            .projects(&reader, None, &all())
            .await
            .unwrap()
            .records
            .len(),
        2
    );
    assert_eq!(
        directory
            .projects(&reader, Some(&acme), &all())
            .await
            .unwrap()
            .records
            .len(),
        2
    );
    let resources = directory
        .resources(&reader, &shop, &all())
        .await
        .unwrap()
        .records;
    assert_eq!((resources.len(), resources[0].created_at), (1, None));
    assert!(
        directory
            .organization(&acme)
            .await
            .unwrap()
            .record
            .created_at
            .is_none()
    );
    assert_eq!(
        directory
            .assignments(&place("/shop"), now(), &all())
            .await
            .unwrap()
            .records
            .len(),
        1
    );
    assert_eq!(directory.roles().await.unwrap().len(), 3);
    assert_eq!(directory.role_permissions("owner").await.unwrap().len(), 4);
    assert_eq!(directory.users(&reader, "kee", 10).await.unwrap().len(), 1);
    assert!(directory.user(&who).await.unwrap().is_some());
}

pub async fn no_more_is_deleted_at_once_than_there_is_time_for(home: &Home) {
    let directory = world(home).await;
    let numbers = if home.is_postgres() {
        "generate_series(1, 10000) n (i)"
    } else {
        "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
         SELECT i FROM n)"
    };
    let fill = "INSERT INTO {}resources (resource_id, project_id, name, type) \
                SELECT 'r' || i, 'shop', 'x', 'x' FROM NUMBERS";
    home.sql(&fill.replace("NUMBERS", numbers)).await.unwrap();
    for on in ["acme", "/shop"] {
        let refused = directory.write(by("keeper"), deletion(on, true)).await;
        assert_eq!(kind(&refused), "conflict", "{on}");
    }
    write(&directory, "keeper", deletion("/shop/r1", false)).await;
    write(&directory, "keeper", deletion("/shop", true)).await;
}
