//! Records, from their creation to their deletion.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use directory::manage::Operation;
use directory::manage::list::Reader;

use crate::home::{Home, organization, project, resource};
use crate::manager::{
    all, by, by_operator, deletion, kind, member, new_organization, new_project, new_resource, now,
    operate, place, reader, renaming, role, text, withdrawal, write,
};

pub async fn records_are_written_and_read(home: &Home) {
    let directory = home.open().await;
    let made = write(&directory, "anna", new_organization("acme")).await;
    assert_eq!(
        made.json.as_deref().unwrap(),
        r#"{"org_id":"acme","name":"The acme","created_at":"2030-03-17T17:46:40Z","updated_at":"2030-03-17T17:46:40Z"}"#
    );
    let read = directory.organization(&organization("acme")).await.unwrap();
    assert_eq!(made.etag.as_deref(), Some(&*read.etag));
    assert!(made.assignment.is_none() && !made.replayed);

    let made = write(&directory, "anna", new_project("shop", Some("acme"))).await;
    assert!(made.assignment.is_some());
    assert_eq!(
        made.json.as_deref().unwrap(),
        r#"{"project_id":"shop","org_id":"acme","name":"The shop","status":"Active","created_at":"2030-03-17T17:46:40Z","updated_at":"2030-03-17T17:46:40Z"}"#
    );
    let read = directory.project(&project("shop")).await.unwrap();
    assert_eq!(made.etag.as_deref(), Some(&*read.etag));

    let settings = "{ \"b\": 1.50,\n  \"a\" : \"\\u00fc\", \"a\": [] }";
    let create = Operation::CreateResource {
        project: project("shop"),
        id: resource("api"),
        name: "Api".to_owned(),
        kind: "Konnektr.Graph".to_owned(),
        sku: Some("pro".to_owned()),
        settings: Some(settings.to_owned()),
    };
    let made = write(&directory, "anna", create).await;
    let read = directory.resource(&project("shop"), &resource("api")).await;
    let read = read.unwrap();
    assert_eq!(made.etag.as_deref(), Some(&*read.etag));
    assert_eq!(read.record.settings_json.unwrap().get(), settings);
    assert_eq!(read.record.sku.as_deref(), Some("pro"));
    assert_eq!(member(&made, "type"), "Konnektr.Graph");

    // What is not said stays.
    let renamed = write(&directory, "anna", renaming("/shop/api", "New")).await;
    assert_eq!(text(&renamed, "name"), "New");
    assert_eq!(member(&renamed, "settings_json")["b"], 1.5);
    assert_eq!(text(&renamed, "sku"), "pro");
    let renamed = write(&directory, "anna", renaming("/shop", "New")).await;
    assert_eq!(
        (text(&renamed, "name"), text(&renamed, "org_id")),
        ("New".into(), "acme".into())
    );

    for who in [reader("anna"), Reader::Operator] {
        assert_eq!(
            directory
                .organizations(&who, &all())
                .await
                .unwrap()
                .records
                .len(),
            1
        );
        let acme = organization("acme");
        for of in [None, Some(&acme)] {
            assert_eq!(
                directory
                    .projects(&who, of, &all())
                    .await
                    .unwrap()
                    .records
                    .len(),
                1
            );
        }
        let shop = project("shop");
        assert_eq!(
            directory
                .resources(&who, &shop, &all())
                .await
                .unwrap()
                .records
                .len(),
            1
        );
    }
    let stranger = reader("stranger");
    assert!(
        directory
            .organizations(&stranger, &all())
            .await
            .unwrap()
            .records
            .is_empty()
    );
    assert!(
        directory
            .projects(&stranger, None, &all())
            .await
            .unwrap()
            .records
            .is_empty()
    );
}

pub async fn what_still_holds_something_stays(home: &Home) {
    let directory = home.open().await;
    for operation in [
        new_organization("acme"),
        new_project("shop", Some("acme")),
        new_resource("shop", "api"),
        role("victor", "viewer", "/shop/api"),
    ] {
        write(&directory, "anna", operation).await;
    }
    for of in ["acme", "/shop"] {
        let refused = directory.write(by("anna"), deletion(of, false)).await;
        assert_eq!(kind(&refused), "conflict");
        let sentence = refused.unwrap_err().to_string();
        assert!(sentence.contains("?cascade=true"), "{sentence}");
    }
    write(&directory, "anna", deletion("acme", true)).await;
    for of in ["acme", "/shop", "/shop/api"] {
        let gone = directory.write(by_operator(), deletion(of, false)).await;
        assert_eq!(kind(&gone), "not found", "{of}");
        let forbidden = directory.write(by("anna"), deletion(of, false)).await;
        assert_eq!(kind(&forbidden), "forbidden", "{of}");
    }
    // Their ids are not used again, and a resource's is.
    let again = directory.write(by("anna"), new_organization("acme")).await;
    assert_eq!(kind(&again), "conflict");
    let again = directory.write(by("anna"), new_project("shop", None)).await;
    assert_eq!(kind(&again), "conflict");
    operate(
        &directory,
        Operation::FreeId {
            place: place("/shop"),
        },
    )
    .await;
    write(&directory, "anna", new_project("shop", None)).await;
    write(&directory, "anna", new_resource("shop", "api")).await;
    let held = directory
        .assignments(&place("/shop/api"), now(), &all())
        .await;
    let held = held.unwrap().records;
    assert_eq!(
        held.iter().map(|held| &*held.user_id).collect::<Vec<_>>(),
        ["anna"]
    );
}

pub async fn roles_are_given_and_withdrawn(home: &Home) {
    let directory = home.open().await;
    write(&directory, "anna", new_organization("acme")).await;
    write(&directory, "anna", new_project("shop", Some("acme"))).await;
    let given = write(&directory, "anna", role("victor", "viewer", "/shop")).await;
    let id = text(&given, "assignment_id");
    assert_eq!(text(&given, "role_id"), "viewer");
    assert_eq!(text(&given, "assigned_by"), "anna");
    assert_eq!(member(&given, "role")["name"], "Viewer");
    assert_eq!(member(&given, "user")["user_id"], "victor");
    let twice = directory
        .write(by("anna"), role("victor", "Viewer", "/shop"))
        .await;
    assert_eq!(kind(&twice), "exists");

    let seen = directory
        .assignments(&place("/shop"), now(), &all())
        .await
        .unwrap()
        .records;
    let direct: Vec<_> = seen
        .iter()
        .filter(|a| a.inheritance_type == "direct")
        .collect();
    let inherited: Vec<_> = seen
        .iter()
        .filter(|a| a.inheritance_type == "inherited")
        .collect();
    assert_eq!((direct.len(), inherited.len()), (1, 1));
    assert_eq!(direct[0].assignment_id, id);
    assert_eq!(inherited[0].user_id, "anna");
    assert_eq!(
        inherited[0].inherited_from_scope_type.as_deref(),
        Some("organization")
    );
    assert_eq!(
        inherited[0].inherited_from_scope_id.as_deref(),
        Some("acme")
    );
    assert_eq!(
        inherited[0].inherited_from_name.as_deref(),
        Some("The acme")
    );

    // An inherited role is withdrawn where it is held.
    let elsewhere = directory
        .write(by("anna"), withdrawal(&inherited[0].assignment_id, "/shop"))
        .await;
    assert_eq!(kind(&elsewhere), "not found");
    let last = directory
        .write(by("anna"), withdrawal(&inherited[0].assignment_id, "acme"))
        .await;
    assert_eq!(kind(&last), "conflict");
    write(&directory, "anna", withdrawal(&id, "/shop")).await;
    let again = directory.write(by("anna"), withdrawal(&id, "/shop")).await;
    assert_eq!(kind(&again), "not found");
    let seen = directory
        .assignments(&place("/shop"), now(), &all())
        .await
        .unwrap()
        .records;
    assert_eq!(seen.len(), 1);
}
