//! Management, as the audit tells it.

use gateway::AuditQueries;
use http::Method;
use serde_json::{Value, json};

use super::Audited;

const SHOP: &str = "/api/v1/projects/acme-shop";

/// One request, and its line without what differs from run to run.
async fn told(who: &str, method: Method, path: &str, body: &str) -> (u16, Value) {
    let audited = Audited::new(AuditQueries::Full).await;
    let answer = if method == Method::GET {
        audited.world.get(who, path).await
    } else {
        audited.world.write(who, method, path, body).await
    };
    let mut line = audited.line(answer.header("x-request-id")).await;
    let fields = line.as_object_mut().unwrap();
    assert_eq!(fields.remove("bytes").unwrap(), answer.bytes.len());
    for (field, always) in [
        ("target", json!("audit")),
        ("event", json!("request")),
        ("complete", json!(true)),
        ("subject", json!(who)),
        ("status", json!(answer.status.as_u16())),
    ] {
        assert_eq!(fields.remove(field).unwrap(), always);
    }
    if let Some(Value::String(assignment)) = fields.remove("assignment") {
        fields.insert("carried".to_owned(), (!assignment.is_empty()).into());
    }
    (answer.status.as_u16(), line)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_says_what_carried_it() {
    let path = format!("{SHOP}/rbac");
    let body = r#"{"user_id": "mallory", "role_id": "Viewer"}"#;
    let granted = told("alice", Method::POST, &path, body).await;
    let line = json!({
        "action": "manage_access", "project": "acme-shop", "decision": "allow", "carried": true,
        "endpoint": "grant", "operation": "role.grant",
    });
    assert_eq!(granted, (201, line));
    let refused = told("erin", Method::POST, &path, body).await;
    let line = json!({
        "action": "manage_access", "project": "acme-shop", "decision": "deny",
        "endpoint": "grant", "error": "forbidden",
    });
    assert_eq!(refused, (403, line));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_body_names_is_in_the_line() {
    let organizations = "/api/v1/organizations";
    let body = r#"{"id": "initech", "name": "Initech"}"#;
    let created = told("mallory", Method::POST, organizations, body).await;
    let line = json!({
        "organization": "initech", "decision": "allow",
        "endpoint": "organization_create", "operation": "organization.create",
    });
    assert_eq!(created, (201, line));

    let projects = "/api/v1/projects";
    let body = r#"{"id": "acme-new", "name": "New", "org_id": "acme"}"#;
    let line = |decision: &str| {
        json!({
            "organization": "acme", "project": "acme-new", "decision": decision,
            "endpoint": "project_create", "operation": "project.create",
        })
    };
    let mut allowed = line("allow");
    allowed["carried"] = json!(true);
    assert_eq!(
        told("alice", Method::POST, projects, body).await,
        (201, allowed)
    );
    // The directory's own refusal, in the transaction that would have written.
    let mut denied = line("deny");
    denied["error"] = json!("forbidden");
    assert_eq!(
        told("victor", Method::POST, projects, body).await,
        (403, denied)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_audited_as_well_as_writing() {
    let listed = told("mallory", Method::GET, "/api/v1/organizations", "").await;
    let line = json!({ "decision": "allow", "endpoint": "organizations" });
    assert_eq!(listed, (200, line));
    let read = told("victor", Method::GET, SHOP, "").await;
    let line = json!({
        "action": "read", "project": "acme-shop", "decision": "allow", "carried": true,
        "endpoint": "project",
    });
    assert_eq!(read, (200, line));
    let path = "/api/v1/organizations/acme";
    let hidden = told("gina", Method::GET, path, "").await;
    let line = json!({
        "action": "read", "organization": "acme", "decision": "deny",
        "endpoint": "organization", "error": "forbidden",
    });
    assert_eq!(hidden, (403, line));
}
