//! What the database answers to the question of access.

use std::sync::Arc;

use jiff::Timestamp;
use policy::{Assignment, OrganizationId, Permission, ProjectId, Scope};

use crate::once::is_news;
use crate::statements::Statements;

/// One assignment's permission, as the statements return it. What there is nothing to join for is
/// null.
pub(crate) type Row = (
    bool,           // whether the organization or project exists
    Option<String>, // its organization
    Option<String>, // the project of the resource
    Option<String>, // assignment
    Option<String>, // type of scope
    Option<String>, // id of scope
    Option<String>, // expiry
    Option<String>, // resource type of the permission
    Option<String>, // its action
);

/// Assignments that are shared by all who ask; `None` where there are none.
pub(crate) type Shared = Option<Arc<[Assignment]>>;

/// The answer, as far as it makes sense: a row with an id or an expiry that is none is left out and
/// reported. That can only take access away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether the organization or project that was asked about exists.
    pub(crate) exists: bool,
    /// The organization of the project.
    pub(crate) organization: Option<OrganizationId>,
    /// The project that the resource is in, which need not be the one that was asked about.
    pub(crate) project_of_resource: Option<ProjectId>,
    /// What the subject holds on the organization.
    pub(crate) on_organization: Shared,
    /// What the subject holds on the project, whether it exists or not.
    pub(crate) on_project: Shared,
    /// What the subject holds on the resource, whether it exists or not.
    pub(crate) on_resource: Shared,
}

impl Answer {
    pub(crate) fn read(rows: Vec<Row>, statements: &Statements) -> Self {
        let Some(first) = rows.first() else {
            return Self::default();
        };
        let exists = first.0;
        let organization = first.1.as_deref().and_then(|text| {
            let id = OrganizationId::new(text);
            if id.is_err() && is_news("organization", text) {
                tracing::warn!(
                    organization = ?text,
                    "the id of an organization is no DNS label: no role on it is counted"
                );
            }
            id.ok()
        });
        let project_of_resource = first.2.as_deref().and_then(|id| ProjectId::new(id).ok());
        let mut held = assignments(rows, statements);
        let mut taken = |wanted: fn(&Scope) -> bool| -> Shared {
            let taken: Arc<[Assignment]> = held
                .extract_if(.., |assignment| wanted(&assignment.scope))
                .collect();
            (!taken.is_empty()).then_some(taken)
        };
        Self {
            exists,
            organization,
            project_of_resource,
            on_organization: taken(|scope| matches!(scope, Scope::Organization(_))),
            on_project: taken(|scope| matches!(scope, Scope::Project(_))),
            on_resource: taken(|scope| matches!(scope, Scope::Resource(_))),
        }
    }
}

fn assignments(rows: Vec<Row>, statements: &Statements) -> Vec<Assignment> {
    let mut read: Vec<Read> = Vec::new();
    for (_, _, _, assignment, scope_type, scope_id, expiry, resource_type, action) in rows {
        let (Some(id), Some(scope_type), Some(scope_id)) = (assignment, scope_type, scope_id)
        else {
            continue;
        };
        let permission = resource_type.zip(action);
        let permission = permission.map(|(resource_type, action)| Permission {
            resource_type,
            action,
        });
        // The rows of one assignment follow each other.
        if let Some(last) = read.last_mut().filter(|last| last.id == id) {
            last.permissions.extend(permission);
            continue;
        }
        let expires_at = match expiry.map(|text| (statements.read_expiry)(&text)) {
            None => None,
            Some(Some(expires_at)) => Some(expires_at),
            Some(None) => {
                if is_news("expiry", &id) {
                    tracing::warn!(assignment = ?id, "an assignment has an unreadable expiry: ignored");
                }
                continue;
            }
        };
        let Some(Ok(scope)) = Scope::new(&scope_type, &scope_id) else {
            if is_news("scope", &id) {
                tracing::warn!(assignment = ?id, "an assignment has an invalid scope: ignored");
            }
            continue;
        };
        read.push(Read {
            id,
            scope,
            permissions: permission.into_iter().collect(),
            expires_at,
        });
    }
    read.into_iter().map(Read::done).collect()
}

/// An assignment of which more permissions may follow.
struct Read {
    id: String,
    scope: Scope,
    permissions: Vec<Permission>,
    expires_at: Option<Timestamp>,
}

impl Read {
    fn done(self) -> Assignment {
        Assignment {
            id: Arc::from(self.id),
            scope: self.scope,
            permissions: Arc::from(self.permissions),
            expires_at: self.expires_at,
        }
    }
}
