//! Who may write what.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use directory::Directory;
use directory::manage::{Grantee, Operation};
use directory::policy::SystemRole;

use crate::home::{Home, at, organization, project, subject};
use crate::manager::{
    NOW, by, deletion, give, kind, new_organization, new_project, new_resource, operate, place,
    renaming, role, role_until, text, withdrawal, write,
};

/// `acme` with `shop` with `api`, and `globex`, all of the operator's making.
pub async fn world(home: &Home) -> Directory {
    let directory = home.open().await;
    for operation in [
        new_organization("acme"),
        new_organization("globex"),
        new_project("shop", Some("acme")),
        new_project("lab", Some("acme")),
        new_resource("shop", "api"),
        role("keeper", "Owner", "acme"),
        role("keeper", "Owner", "globex"),
    ] {
        operate(&directory, operation).await;
    }
    directory
}

/// The matrix of what needs what, by doing it as who holds each role at each place.
pub async fn each_write_needs_its_permission_there_or_above(home: &Home) {
    let directory = world(home).await;
    let all = ["Owner", "Editor", "Viewer"];
    let (owners, writers) = (&all[..1], &all[..2]);
    let given = give(&directory, "victim", "Viewer", "/shop/api").await;
    // Written where it may be, and taken back by the operator: what, by whom, held where.
    let cases: &[(Operation, &[&str], &[&str])] = &[
        (renaming("acme", "x"), writers, &["acme"]),
        (renaming("/shop", "x"), writers, &["acme", "/shop"]),
        (
            renaming("/shop/api", "x"),
            writers,
            &["acme", "/shop", "/shop/api"],
        ),
        (role("new", "Viewer", "acme"), owners, &["acme"]),
        (role("new", "Viewer", "/shop"), owners, &["acme", "/shop"]),
        (
            role("new", "Viewer", "/shop/api"),
            owners,
            &["acme", "/shop", "/shop/api"],
        ),
        (
            withdrawal(&given, "/shop/api"),
            owners,
            &["acme", "/shop", "/shop/api"],
        ),
        (
            deletion("/shop/api", false),
            owners,
            &["acme", "/shop", "/shop/api"],
        ),
        (new_resource("shop", "new"), writers, &["acme", "/shop"]),
        (new_project("new", Some("acme")), writers, &["acme"]),
    ];
    for held_at in ["acme", "/shop", "/shop/api", "globex", "/lab"] {
        for held in SystemRole::ALL {
            let id = give(&directory, "tester", held.name(), held_at).await;
            for (operation, roles, places) in cases {
                let may = roles.contains(&held.name()) && places.contains(&held_at);
                if may
                    && matches!(
                        operation,
                        Operation::Withdraw { .. }
                            | Operation::DeleteResource { .. }
                            | Operation::CreateProject { .. }
                            | Operation::CreateResource { .. }
                            | Operation::Grant { .. }
                    )
                {
                    // Once is enough of what cannot be repeated: see below.
                    continue;
                }
                let result = directory.write(by("tester"), operation.clone()).await;
                let expected = if may { "done" } else { "forbidden" };
                assert_eq!(
                    kind(&result),
                    expected,
                    "{held:?} at {held_at}: {operation:?}"
                );
            }
            operate(&directory, withdrawal(&id, held_at)).await;
        }
    }
    // What cannot be repeated, by the least who may.
    for (who, role, at, operation) in [
        ("a", "Editor", "acme", new_project("new", Some("acme"))),
        ("b", "Editor", "/shop", new_resource("shop", "new")),
        (
            "c",
            "Owner",
            "/shop/api",
            role("new", "Viewer", "/shop/api"),
        ),
        ("d", "Owner", "/shop/api", withdrawal(&given, "/shop/api")),
        ("e", "Owner", "/shop/api", deletion("/shop/api", false)),
        ("f", "Owner", "/shop", deletion("/shop", true)),
        ("g", "Owner", "acme", deletion("acme", true)),
    ] {
        let carrier = give(&directory, who, role, at).await;
        let done = directory.write(by(who), operation).await.unwrap();
        assert_eq!(done.assignment, Some(carrier));
    }
}

pub async fn who_may_not_learns_nothing_about_existence(home: &Home) {
    let directory = world(home).await;
    for (there, not_there) in [
        ("acme", "nope"),
        ("/shop", "/nope"),
        ("/shop/api", "/shop/nope"),
    ] {
        for operation in [
            |on: &str| renaming(on, "x"),
            |on: &str| deletion(on, true),
            |on: &str| role("x", "Viewer", on),
            |on: &str| withdrawal("x", on),
        ] {
            let there = directory.write(by("stranger"), operation(there)).await;
            let not_there = directory.write(by("stranger"), operation(not_there)).await;
            let (there, not_there) = (there.unwrap_err(), not_there.unwrap_err());
            let sentence = not_there.to_string().replace("nope", "ID");
            let same = there.to_string().replace("acme", "ID").replace("api", "ID");
            let same = same.replace("project `shop`", "project `ID`");
            let sentence = sentence.replace("project `shop`", "project `ID`");
            assert_eq!(same, sentence);
        }
    }
}

pub async fn nobody_grants_more_than_they_hold(home: &Home) {
    let directory = world(home).await;
    home.sql(
        "INSERT INTO {}roles (role_id, name, display_name) VALUES ('gate', 'Gate', 'Gate'); \
         INSERT INTO {}role_permissions VALUES ('gate', 'ktrlplane-manage-access'), \
         ('gate', 'ktrlplane-read'); \
         INSERT INTO {}roles (role_id, name, display_name) VALUES ('graph', 'Graph', 'Graph'); \
         INSERT INTO {}permissions VALUES ('graph-read', 'Konnektr.Graph', 'read'); \
         INSERT INTO {}role_permissions VALUES ('graph', 'graph-read')",
    )
    .await
    .unwrap();
    give(&directory, "gina", "Gate", "/shop").await;
    for (name, expected) in [
        ("Viewer", "done"),
        ("gate", "done"),
        ("Editor", "forbidden"),
        ("Owner", "forbidden"),
        ("Graph", "forbidden"),
    ] {
        let result = directory
            .write(by("gina"), role("friend", name, "/shop"))
            .await;
        assert_eq!(kind(&result), expected, "{name}");
        // Not even to herself.
        let herself = directory
            .write(by("gina"), role("gina", name, "/shop"))
            .await;
        assert!(expected == "done" || kind(&herself) == expected, "{name}");
    }
    // Nor elsewhere, nor above.
    for on in ["/lab", "acme"] {
        let result = directory
            .write(by("gina"), role("friend", "Viewer", on))
            .await;
        assert_eq!(kind(&result), "forbidden", "{on}");
    }
    // Nor for longer.
    let until = role_until("temp", "Owner", "/shop", Some(NOW + 100));
    operate(&directory, until).await;
    for (until, expected) in [
        (None, "forbidden"),
        (Some(NOW + 101), "forbidden"),
        (Some(NOW + 100), "done"),
    ] {
        let operation = role_until("mate", "Viewer", "/shop", until);
        let result = directory.write(by("temp"), operation).await;
        assert_eq!(kind(&result), expected, "{until:?}");
    }
    // And not at all once it is over.
    let mut late = by("temp");
    late.now = at(NOW + 100);
    let result = directory.write(late, role("late", "Viewer", "/shop")).await;
    assert_eq!(kind(&result), "forbidden");
}

pub async fn a_move_needs_authority_on_both_sides(home: &Home) {
    let directory = world(home).await;
    let joins = |target: Option<&str>| Operation::UpdateProject {
        id: project("shop"),
        name: None,
        organization: Some(target.map(organization)),
    };
    for (roles, expected) in [
        (&[("/shop", "Owner"), ("globex", "Editor")][..], "forbidden"),
        (&[("acme", "Owner")], "forbidden"),
        (&[("acme", "Editor"), ("globex", "Owner")], "forbidden"),
        (&[("acme", "Owner"), ("globex", "Viewer")], "forbidden"),
        (&[("acme", "Owner"), ("globex", "Editor")], "done"),
    ] {
        let mut given = Vec::new();
        for (on, name) in roles {
            given.push((give(&directory, "mover", name, on).await, *on));
        }
        let result = directory.write(by("mover"), joins(Some("globex"))).await;
        assert_eq!(kind(&result), expected, "{roles:?}");
        for (id, on) in given {
            operate(&directory, withdrawal(&id, on)).await;
        }
    }
    // What changes nothing needs no more than any change.
    give(&directory, "editor", "Editor", "/shop").await;
    let stays = directory.write(by("editor"), joins(Some("globex"))).await;
    assert_eq!(kind(&stays), "done");
    // Out of all organizations only with an owner of its own.
    give(&directory, "boss", "Owner", "globex").await;
    let alone = directory.write(by("boss"), joins(None)).await;
    assert_eq!(kind(&alone), "conflict");
    give(&directory, "boss", "Owner", "/shop").await;
    let alone = write(&directory, "boss", joins(None)).await;
    assert!(alone.json.unwrap().contains(r#""org_id":null"#));
}

pub async fn whoever_makes_something_owns_it(home: &Home) {
    let directory = home.open().await;
    write(&directory, "anna", new_organization("acme")).await;
    write(&directory, "anna", new_project("shop", Some("acme"))).await;
    write(&directory, "solo", new_project("own", None)).await;
    for (who, on, expected) in [
        ("anna", "acme", "done"),
        ("anna", "/shop", "done"),
        ("solo", "/own", "done"),
        ("anna", "/own", "forbidden"),
        ("solo", "acme", "forbidden"),
    ] {
        let result = directory.write(by(who), role("friend", "Owner", on)).await;
        assert_eq!(kind(&result), expected, "{who} {on}");
    }
    // A project in an organization is not one's own.
    give(&directory, "ed", "Editor", "acme").await;
    write(&directory, "ed", new_project("eds", Some("acme"))).await;
    let refused = directory
        .write(by("ed"), role("friend", "Viewer", "/eds"))
        .await;
    assert_eq!(kind(&refused), "forbidden");
}

pub async fn a_role_is_given_by_a_verified_address(home: &Home) {
    let directory = world(home).await;
    let grant = |email: &str| Operation::Grant {
        place: place("/shop"),
        to: Grantee::Email(email.to_owned()),
        role: "Viewer".to_owned(),
        expires_at: None,
    };
    directory
        .remember_user(&subject("oidc|1"), Some("Vera@Example.org"), Some("Vera"))
        .await
        .unwrap();
    let done = write(&directory, "keeper", grant("vera@example.ORG")).await;
    assert_eq!(text(&done, "user_id"), "oidc|1");
    for none in ["vera@example.or", "vera@example.org_", "%", "*"] {
        let result = directory.write(by("keeper"), grant(none)).await;
        assert_eq!(kind(&result), "not found", "{none}");
    }
    directory
        .remember_user(&subject("oidc|2"), Some("vera@example.org"), None)
        .await
        .unwrap();
    let result = directory
        .write(by("keeper"), grant("vera@example.org"))
        .await;
    assert_eq!(kind(&result), "conflict");
}
