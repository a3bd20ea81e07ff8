//! What the directory holds, as it is answered: the names of the fields are those of the API.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// What a write has done.
#[derive(Clone, Debug)]
pub struct Done {
    /// The record as JSON, as it is afterwards; `None` after a deletion or a withdrawal.
    pub json: Option<String>,
    /// The record's entity tag, quotes included.
    pub etag: Option<String>,
    /// Whether this is the answer to an earlier write with the same idempotency key.
    pub replayed: bool,
    /// The assignment that carried the permission; `None` for an operator, and for what needs none.
    pub assignment: Option<String>,
}

/// A record and its entity tag.
#[derive(Clone, Debug)]
pub struct Tagged<T> {
    /// The record.
    pub record: T,
    /// A hash of the record's JSON, quotes included.
    pub etag: String,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// Its id.
    pub org_id: String,
    /// For people.
    pub name: String,
    /// Null in a database that does not say.
    pub created_at: Option<Timestamp>,
    /// Null in a database that does not say.
    pub updated_at: Option<Timestamp>,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Its id, and the tenant of its data.
    pub project_id: String,
    /// Its organization.
    pub org_id: Option<String>,
    /// For people.
    pub name: String,
    /// As the platform says it; nothing here depends on it.
    pub status: Option<String>,
    /// Null in a database that does not say.
    pub created_at: Option<Timestamp>,
    /// Null in a database that does not say.
    pub updated_at: Option<Timestamp>,
}

/// A resource.
#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    /// Its id, and the value of its `resource_id` label.
    pub resource_id: String,
    /// The project that it is in.
    pub project_id: String,
    /// For people.
    pub name: String,
    /// For instance `Konnektr.Graph`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As the platform says it; nothing here depends on it.
    pub status: Option<String>,
    /// Its tier.
    pub sku: Option<String>,
    /// As it was given.
    pub settings_json: Option<Box<RawValue>>,
    /// Null in a database that does not say.
    pub created_at: Option<Timestamp>,
    /// Null in a database that does not say.
    pub updated_at: Option<Timestamp>,
}

/// A user: a subject that the directory has heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The subject, as KtrlPlane's clients call it.
    pub id: String,
    /// The subject, as assignments call it.
    pub user_id: String,
    /// Verified by the issuer or given by the operator. It identifies nobody.
    pub email: Option<String>,
    /// For people.
    pub name: Option<String>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its id.
    pub role_id: String,
    /// Its name, for instance `Viewer`.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// For people.
    pub description: Option<String>,
    /// Whether it came with the directory.
    pub is_system: bool,
}

/// What a role may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// Its id.
    pub permission_id: String,
    /// For instance `Konnektr.KtrlPlane`.
    pub resource_type: String,
    /// For instance `read`.
    pub action: String,
}

/// A role that a user holds somewhere, as it is seen from a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleAssignment {
    /// Its id.
    pub assignment_id: String,
    /// Who holds it.
    pub user_id: String,
    /// The role's id.
    pub role_id: String,
    /// `organization`, `project` or `resource`.
    pub scope_type: String,
    /// The id of the organization, project or resource.
    pub scope_id: String,
    /// Who gave it; null for the operator.
    pub assigned_by: Option<String>,
    /// When it was given.
    pub created_at: Option<Timestamp>,
    /// When it stops to hold.
    pub expires_at: Option<Timestamp>,
    /// Who holds it.
    pub user: User,
    /// Which role.
    pub role: Role,
    /// `direct` where it is held on the place itself, `inherited` from what that is in.
    pub inheritance_type: &'static str,
    /// Where it is inherited from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from_scope_type: Option<String>,
    /// Where it is inherited from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from_scope_id: Option<String>,
    /// The name of where it is inherited from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from_name: Option<String>,
}

/// One write, as the audit remembers it.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// Its id; later ones are greater.
    pub audit_id: String,
    /// When.
    pub at: Timestamp,
    /// The request, or the run of the command.
    pub request_id: String,
    /// Who; null for the operator.
    pub subject: Option<String>,
    /// See [`Operation::name`](super::Operation::name).
    pub operation: String,
    /// The assignment that carried it; null for the operator, and for what needs none.
    pub assignment_id: Option<String>,
    /// The organization that it was about or in.
    pub org_id: Option<String>,
    /// The project that it was about or in.
    pub project_id: Option<String>,
    /// The resource that it was about.
    pub resource_id: Option<String>,
    /// What was written.
    pub detail: Box<RawValue>,
}
