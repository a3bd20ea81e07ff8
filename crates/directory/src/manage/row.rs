//! Rows as the statements return them, made into records.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::record::{
    AuditEntry, Organization, Project, Resource, Role, RoleAssignment, Tagged, User,
};
use crate::error::DirectoryError;
use crate::statements::{Statements, read_text};

/// Id, name, creation, change.
pub(super) type OrganizationRow = (String, String, Option<String>, Option<String>);

/// Id, organization, name, status, creation, change.
pub(super) type ProjectRow = (
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Id, project, name, type, status, SKU, settings, creation, change.
pub(super) type ResourceRow = (
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Id, user, role, type and id of the scope, who gave it, creation, expiry; e-mail address and name
/// of the user; name, display name, description of the role and whether it is a system's; name of
/// the scope.
pub(super) type AssignmentRow = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    String,
    Option<String>,
    bool,
    Option<String>,
);

/// Id, name, display name, description, whether it is a system's.
pub(super) type RoleRow = (String, String, String, Option<String>, bool);

/// Id, e-mail address, name.
pub(super) type UserRow = (String, Option<String>, Option<String>);

/// Id, time, request, subject, operation, assignment, organization, project, resource, detail.
pub(super) type AuditRow = (
    String,
    String,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
);

fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(read_text)
}

pub(super) fn organization((org_id, name, created, updated): OrganizationRow) -> Organization {
    Organization {
        org_id,
        name,
        created_at: time(created.as_deref()),
        updated_at: time(updated.as_deref()),
    }
}

pub(super) fn project(row: ProjectRow) -> Project {
    let (project_id, org_id, name, status, created, updated) = row;
    Project {
        project_id,
        org_id,
        name,
        status,
        created_at: time(created.as_deref()),
        updated_at: time(updated.as_deref()),
    }
}

pub(super) fn resource(row: ResourceRow) -> Resource {
    let (resource_id, project_id, name, kind, status, sku, settings, created, updated) = row;
    // What is no JSON can only be written past this program, and past the column's type.
    let settings = settings.and_then(|text| RawValue::from_string(text).ok());
    Resource {
        resource_id,
        project_id,
        name,
        kind,
        status,
        sku,
        settings_json: settings.filter(|settings| settings.get() != "null"),
        created_at: time(created.as_deref()),
        updated_at: time(updated.as_deref()),
    }
}

pub(super) fn role((role_id, name, display_name, description, is_system): RoleRow) -> Role {
    Role {
        role_id,
        name,
        display_name,
        description,
        is_system,
    }
}

pub(super) fn user((id, email, name): UserRow) -> User {
    User {
        user_id: id.clone(),
        id,
        email,
        name,
    }
}

/// An assignment as it is seen from a place whose own scope is of type `seen_from`. One whose
/// expiry cannot be read grants nothing, and is left out as the decision leaves it out.
pub(super) fn assignment(
    row: AssignmentRow,
    seen_from: &str,
    statements: &Statements,
) -> Option<RoleAssignment> {
    let (
        assignment_id,
        user_id,
        role_id,
        scope_type,
        scope_id,
        assigned_by,
        created,
        expiry,
        email,
        user_name,
        role_name,
        display_name,
        description,
        is_system,
        scope_name,
    ) = row;
    let expires_at = match expiry.map(|text| (statements.read_expiry)(&text)) {
        None => None,
        Some(Some(expires_at)) => Some(expires_at),
        Some(None) => return None,
    };
    let inherited = scope_type != seen_from;
    let of_the_inherited = |text: &String| inherited.then(|| text.clone());
    Some(RoleAssignment {
        assignment_id,
        user: user((user_id.clone(), email, user_name)),
        role: role((
            role_id.clone(),
            role_name,
            display_name,
            description,
            is_system,
        )),
        user_id,
        role_id,
        assigned_by,
        created_at: time(created.as_deref()),
        expires_at,
        inheritance_type: if inherited { "inherited" } else { "direct" },
        inherited_from_scope_type: of_the_inherited(&scope_type),
        inherited_from_scope_id: of_the_inherited(&scope_id),
        inherited_from_name: scope_name.filter(|_| inherited),
        scope_type,
        scope_id,
    })
}

pub(super) fn audit_entry(row: AuditRow) -> Option<AuditEntry> {
    let (audit_id, at, request_id, subject, operation, assignment, org, project, resource, detail) =
        row;
    Some(AuditEntry {
        audit_id,
        at: read_text(&at)?,
        request_id,
        subject,
        operation,
        assignment_id: assignment,
        org_id: org,
        project_id: project,
        resource_id: resource,
        detail: RawValue::from_string(detail).ok()?,
    })
}

/// A record's JSON and the entity tag that is made of it.
pub(super) fn json_and_tag(record: &impl Serialize) -> Result<(String, String), DirectoryError> {
    let json = json(record)?;
    let tag = format!("\"{}\"", &hash(&json)[..32]);
    Ok((json, tag))
}

pub(super) fn tagged<T: Serialize>(record: T) -> Result<Tagged<T>, DirectoryError> {
    let (_, etag) = json_and_tag(&record)?;
    Ok(Tagged { record, etag })
}

pub(super) fn json(value: &impl Serialize) -> Result<String, DirectoryError> {
    // Records are texts, times and JSON: there is nothing in them that JSON cannot say.
    serde_json::to_string(value)
        .map_err(|error| DirectoryError::Invalid(format!("a record cannot be printed: {error}")))
}

/// SHA-256, in hexadecimal digits.
pub(super) fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String does not fail.
        write!(digits, "{byte:02x}").ok();
        digits
    })
}
