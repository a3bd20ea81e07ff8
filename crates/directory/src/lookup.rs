//! The question of every request: what does this subject hold around this project?

use policy::{
    Access, Assignment, OrganizationId, Permission, ProjectId, ResourceId, Scope, Subject,
};

use crate::directory::Directory;
use crate::error::DirectoryError;
use crate::statements::Statements;

/// What the directory knows about a subject, a project and a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What [`policy::decide`] decides on; `None` where there is no such project. It holds the
    /// subject's assignments on the project, its organization and the resource, whether expired or
    /// not: the clock is the caller's.
    pub access: Option<Access>,
    /// Whether the resource exists in this project. A resource of another project does not, and
    /// neither does one that was not asked for.
    pub resource_exists: bool,
}

/// One assignment's permission, as the statement returns it. All but the second are null where
/// there is nothing to join.
type Row = (
    Option<String>, // organization
    bool,           // whether the resource exists
    Option<String>, // assignment
    Option<String>, // type of scope
    Option<String>, // id of scope
    Option<String>, // expiry
    Option<String>, // resource type of the permission
    Option<String>, // its action
);

impl Directory {
    /// Looks up, in one round trip, what `subject` holds around `project`, and whether `resource`
    /// is in it.
    pub async fn lookup(
        &self,
        subject: &Subject,
        project: &ProjectId,
        resource: Option<&ResourceId>,
    ) -> Result<Lookup, DirectoryError> {
        let (subject, project) = (subject.clone(), project.clone());
        let resource = resource.cloned();
        self.run(|store| async move {
            let arguments = [
                Some(subject.as_str()),
                Some(project.as_str()),
                resource.as_ref().map(ResourceId::as_str),
            ];
            let statements = store.statements();
            let rows = store.fetch(statements.lookup, &arguments).await?;
            Ok(read(rows, project, statements))
        })
        .await
    }
}

/// Builds the answer. A row with an id or an expiry that is none is left out and reported: it can
/// only take access away.
fn read(rows: Vec<Row>, project: ProjectId, statements: &Statements) -> Lookup {
    let Some(first) = rows.first() else {
        return Lookup {
            access: None,
            resource_exists: false,
        };
    };
    let resource_exists = first.1;
    let organization = first.0.as_deref().and_then(|id| {
        let id = OrganizationId::new(id);
        if id.is_err() {
            tracing::warn!(%project, "the organization of a project has an invalid id: ignored");
        }
        id.ok()
    });
    let mut assignments: Vec<Assignment> = Vec::new();
    for (_, _, assignment, scope_type, scope_id, expiry, resource_type, action) in rows {
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
        if let Some(last) = assignments.last_mut().filter(|last| last.id == id) {
            last.permissions.extend(permission);
            continue;
        }
        let expires_at = match expiry.map(|text| (statements.read_expiry)(&text)) {
            None => None,
            Some(Some(expires_at)) => Some(expires_at),
            Some(None) => {
                tracing::warn!(assignment = %id, "an assignment has an unreadable expiry: ignored");
                continue;
            }
        };
        let Some(scope) = scope(&scope_type, scope_id) else {
            tracing::warn!(assignment = %id, "an assignment has an invalid scope: ignored");
            continue;
        };
        assignments.push(Assignment {
            id,
            scope,
            permissions: permission.into_iter().collect(),
            expires_at,
        });
    }
    Lookup {
        access: Some(Access {
            project,
            organization,
            assignments,
        }),
        resource_exists,
    }
}

fn scope(scope_type: &str, id: String) -> Option<Scope> {
    match scope_type {
        "organization" => OrganizationId::new(id).ok().map(Scope::Organization),
        "project" => ProjectId::new(id).ok().map(Scope::Project),
        "resource" => ResourceId::new(id).ok().map(Scope::Resource),
        _ => None,
    }
}
