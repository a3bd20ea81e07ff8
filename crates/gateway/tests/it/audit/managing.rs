//! The lines of management.

use gateway::AuditQueries;
use http::Method;

use super::Audited;

#[tokio::test(flavor = "multi_thread")]
async fn management_leaves_lines_that_say_what_was_written_where_and_by_which_role() {
    let audited = Audited::new(AuditQueries::Hash).await;
    let world = &audited.world;
    let shop = "/api/v1/projects/acme-shop";
    for (who, method, path, body) in [
        (
            "nora",
            Method::POST,
            "/api/v1/organizations",
            r#"{"id": "initech", "name": "x"}"#,
        ),
        (
            "alice",
            Method::POST,
            "/api/v1/projects",
            r#"{"id": "p", "name": "x", "org_id": "acme"}"#,
        ),
        (
            "mallory",
            Method::POST,
            "/api/v1/projects",
            r#"{"id": "q", "name": "x", "org_id": "acme"}"#,
        ),
        (
            "erin",
            Method::POST,
            &format!("{shop}/resources"),
            r#"{"id": "r", "name": "x", "type": "x"}"#,
        ),
        (
            "alice",
            Method::POST,
            &format!("{shop}/rbac"),
            r#"{"user_id": "erin", "role_id": "Viewer"}"#,
        ),
        (
            "erin",
            Method::POST,
            &format!("{shop}/rbac"),
            r#"{"user_id": "erin", "role_id": "Owner"}"#,
        ),
        ("alice", Method::PATCH, "/api/v1/organizations/acme", "{"),
        ("alice", Method::DELETE, &format!("{shop}/resources/r"), ""),
        ("alice", Method::DELETE, &format!("{shop}/resources/r"), ""),
        ("victor", Method::GET, &format!("{shop}/resources"), ""),
        ("mallory", Method::GET, &format!("{shop}/resources"), ""),
        (
            "mallory",
            Method::GET,
            "/api/v1/organizations/eyJhbGciOi",
            "",
        ),
        ("mallory", Method::GET, "/api/v1/me", ""),
    ] {
        world.write(who, method, path, body).await;
        // Each line follows its answer; in this order they are read.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let lines = audited.lines(13).await;
    let told: Vec<String> = lines
        .iter()
        .map(|line| {
            let by = if line["assignment"].is_string() {
                "a role"
            } else {
                "-"
            };
            let fields = [
                "subject",
                "decision",
                "action",
                "endpoint",
                "operation",
                "organization",
                "project",
                "resource",
            ];
            let fields = fields.map(|field| line[field].as_str().unwrap_or("-"));
            format!("{} | {by} {}", fields.join(" "), line["status"])
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    nora allow - organization_create organization.create initech - - | - 201
    alice allow - project_create project.create acme p - | a role 201
    mallory deny - project_create project.create acme q - | - 403
    erin allow write resource_create resource.create acme acme-shop r | a role 201
    alice allow manage_access grant role.grant acme acme-shop - | a role 201
    erin deny manage_access grant - - acme-shop - | - 403
    alice allow write organization_update - acme - - | a role 400
    alice allow delete resource_delete resource.delete acme acme-shop r | a role 204
    alice deny delete resource_delete - - acme-shop r | - 404
    victor allow read resources - - acme-shop - | - 200
    mallory deny read resources - - acme-shop - | - 403
    mallory deny read organization - - - - | - 403
    mallory allow - me - - - - | - 200
    ");
}
