//! What the audit says about a write.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use directory::Directory;
use directory::manage::Operation;
use directory::manage::record::AuditEntry;
use serde_json::{Value, json};

use crate::authority::world;
use crate::home::{Home, organization, project, resource, subject};
use crate::manager::{
    NOW, all, by, by_operator, deletion, give, kind, new_project, new_resource, operate, place,
    renaming, role_until, text, withdrawal, write,
};

async fn newest(directory: &Directory, on: &str) -> AuditEntry {
    let listed = directory.audit(&place(on), &all()).await.unwrap();
    listed.records.into_iter().next().unwrap()
}

fn detail(entry: &AuditEntry) -> Value {
    serde_json::from_str(entry.detail.get()).unwrap()
}

pub async fn a_withdrawal_says_what_was_withdrawn(home: &Home) {
    let directory = world(home).await;
    for (until, expected) in [
        (None, Value::Null),
        (Some(NOW + 100), json!("2030-03-17T17:48:20Z")),
    ] {
        let given = role_until("victor", "Viewer", "/shop", until);
        let given = text(&operate(&directory, given).await, "assignment_id");
        write(&directory, "keeper", withdrawal(&given, "/shop")).await;
        let line = newest(&directory, "/shop").await;
        assert_eq!(line.operation, "role.withdraw");
        let told = detail(&line);
        assert_eq!(
            (&told["user_id"], &told["role_id"], &told["expires_at"]),
            (&json!("victor"), &json!("viewer"), &expected)
        );
        assert_eq!(told["assignment_id"], given);
    }
}

pub async fn an_update_says_what_was_before(home: &Home) {
    let directory = world(home).await;
    for on in ["acme", "/shop", "/shop/api"] {
        write(&directory, "keeper", renaming(on, "First")).await;
        write(&directory, "keeper", renaming(on, "Second")).await;
        let told = detail(&newest(&directory, on).await);
        assert_eq!(told["name"], "Second", "{on}");
        assert_eq!(told["was"], json!({"name": "First"}), "{on}");
        write(&directory, "keeper", renaming(on, "Second")).await;
        let told = detail(&newest(&directory, on).await);
        assert_eq!(told["was"], json!({}), "{on}");
    }
    let moves = Operation::UpdateProject {
        id: project("shop"),
        name: None,
        organization: Some(Some(organization("globex"))),
    };
    write(&directory, "keeper", moves).await;
    for on in ["acme", "globex"] {
        let told = detail(&newest(&directory, on).await);
        assert_eq!(told["org_id"], "globex");
        assert_eq!(told["was"], json!({"org_id": "acme"}));
    }
    let set = |sku: &str, settings: &str| Operation::UpdateResource {
        project: project("shop"),
        id: resource("api"),
        name: None,
        sku: Some(sku.to_owned()),
        settings: Some(settings.to_owned()),
    };
    write(&directory, "keeper", set("free", r#"{"key":"hunter1"}"#)).await;
    let first = detail(&newest(&directory, "/shop/api").await);
    assert_eq!(first["was"], json!({"sku": null, "settings_sha256": null}));
    write(&directory, "keeper", set("pro", r#"{"key":"hunter2"}"#)).await;
    let line = newest(&directory, "/shop/api").await;
    let second = detail(&line);
    assert_eq!(
        second["was"],
        json!({"sku": "free", "settings_sha256": first["settings_sha256"]})
    );
    assert_ne!(second["settings_sha256"], first["settings_sha256"]);
    assert!(!line.detail.get().contains("hunter"));
}

/// What nothing else can tell any more: which projects there were, what was in them, and who held
/// what.
pub async fn what_goes_with_a_deletion_is_told(home: &Home) {
    let directory = world(home).await;
    operate(&directory, new_resource("shop", "web")).await;
    give(&directory, "victor", "Viewer", "/shop").await;
    give(&directory, "erin", "Editor", "/shop/api").await;
    write(&directory, "keeper", deletion("/shop/api", false)).await;
    let told = detail(&newest(&directory, "/shop/api").await);
    assert_eq!(told["name"], "The api");
    assert_eq!(told["assignment_count"], 1);
    assert_eq!(told["assignments"][0]["user_id"], "erin");
    operate(&directory, new_resource("shop", "api")).await;
    give(&directory, "erin", "Editor", "/shop/api").await;

    let carrier = write(&directory, "keeper", deletion("acme", true)).await;
    let whole = newest(&directory, "/shop").await;
    assert_eq!(whole.operation, "project.delete");
    assert_eq!(whole.org_id.as_deref(), Some("acme"));
    assert_eq!(whole.subject.as_deref(), Some("keeper"));
    assert_eq!(whole.assignment_id, carrier.assignment);
    assert_eq!(
        detail(&whole),
        json!({
            "id": "shop",
            "name": "The shop",
            "with_organization": "acme",
            "resource_count": 2,
            "resources": ["api", "web"],
            "assignment_count": 2,
            "assignments": [
                {"user_id": "victor", "role_id": "viewer", "scope_type": "project", "scope_id": "shop"},
                {"user_id": "erin", "role_id": "editor", "scope_type": "resource", "scope_id": "api"},
            ],
        })
    );
    let empty = detail(&newest(&directory, "/lab").await);
    assert_eq!(empty["resources"], json!([]));
    assert_eq!(empty["assignment_count"], 0);
    let of_acme = directory.audit(&place("acme"), &all()).await.unwrap();
    let of_acme: Vec<_> = of_acme
        .records
        .iter()
        .take(3)
        .map(|line| &*line.operation)
        .collect();
    assert_eq!(
        of_acme,
        ["project.delete", "project.delete", "organization.delete"]
    );
    let of_acme = directory.audit(&place("acme"), &all()).await.unwrap();
    let told = detail(&of_acme.records[2]);
    assert_eq!(told["name"], "The acme");
    assert_eq!(told["assignments"][0]["user_id"], "keeper");

    // A project by itself, with more roles than are told one by one.
    operate(&directory, new_project("own", None)).await;
    operate(&directory, new_resource("own", "one")).await;
    for number in 0..101 {
        give(&directory, &format!("u{number:03}"), "Viewer", "/own").await;
    }
    operate(&directory, deletion("/own", true)).await;
    let told = detail(&newest(&directory, "/own").await);
    assert_eq!(told["name"], "The own");
    assert_eq!(told["resources"], json!(["one"]));
    assert_eq!(told["assignment_count"], 101);
    assert_eq!(told["assignments"].as_array().unwrap().len(), 100);
}

/// An e-mail address is what roles are given to: who changes one is told.
pub async fn the_operator_who_says_who_a_user_is_is_told(home: &Home) {
    let directory = world(home).await;
    let who = subject("oidc|1");
    directory
        .put_user(&who, Some("v@example.org"), "V")
        .await
        .unwrap();
    directory
        .put_user(&who, Some("v@example.org"), "Vera")
        .await
        .unwrap();
    directory
        .put_user(&who, Some("mallory@example.org"), "Vera")
        .await
        .unwrap();
    // Of no place: what there is of it is in the table.
    let told = "INSERT INTO {}roles (role_id, name, display_name) \
                SELECT 'told' || audit_id, CAST(detail AS text), COALESCE(subject, 'operator') \
                FROM {}audit WHERE operation = 'user.set'";
    home.sql(told).await.unwrap();
    let mut roles = directory.roles().await.unwrap();
    roles.retain(|role| role.role_id.starts_with("told"));
    roles.sort_by(|one, other| one.role_id.cmp(&other.role_id));
    let told: Vec<Value> = roles
        .iter()
        .map(|role| serde_json::from_str(&role.name).unwrap())
        .collect();
    assert!(roles.iter().all(|role| role.display_name == "operator"));
    assert_eq!(
        told,
        [
            json!({"user_id": "oidc|1", "email": "v@example.org", "name": "V",
                   "email_changed": true, "was": {}}),
            json!({"user_id": "oidc|1", "email": "v@example.org", "name": "Vera",
                   "email_changed": false, "was": {"name": "V"}}),
            json!({"user_id": "oidc|1", "email": "mallory@example.org", "name": "Vera",
                   "email_changed": true, "was": {"email": "v@example.org"}}),
        ]
    );
    let set = Operation::SetUser {
        subject: who.clone(),
        email: None,
        name: "x".to_owned(),
    };
    for subject in ["keeper", "oidc|1"] {
        let refused = directory.write(by(subject), set.clone()).await;
        assert_eq!(kind(&refused), "forbidden");
    }
    let done = directory.write(by_operator(), set).await.unwrap();
    assert_eq!(
        done.json.unwrap(),
        r#"{"id":"oidc|1","user_id":"oidc|1","email":null,"name":"x"}"#
    );
}
