//! Creating, granting and withdrawing.

use jiff::Timestamp;
use policy::{OrganizationId, ProjectId, ResourceId, Scope, Subject};
use sqlx::error::ErrorKind;
use uuid::Uuid;

use crate::change::Change;
use crate::directory::Directory;
use crate::error::{DirectoryError, Failure};
use crate::statements::write_expiry;
use crate::store::Store;

/// The longest name, in bytes; that of KtrlPlane's own columns.
const MAX_NAME_LENGTH: usize = 255;

/// A role to be given to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who gets it. The directory must know the subject, see [`Directory::put_user`].
    pub subject: Subject,
    /// The role's name, for instance `Viewer`.
    pub role: String,
    /// Where it holds.
    pub scope: Scope,
    /// Who gives it; `None` for the operator.
    pub assigned_by: Option<Subject>,
    /// When it stops to hold, to the microsecond. Whether this is still to come is the caller's to
    /// say, who owns the clock.
    pub expires_at: Option<Timestamp>,
}

impl Directory {
    /// Creates an organization.
    pub async fn create_organization(
        &self,
        id: &OrganizationId,
        name: &str,
    ) -> Result<(), DirectoryError> {
        let (id, name) = (id.clone(), checked("name", name)?);
        let change = Change::Organization(id.clone());
        self.changing(change, |store| async move {
            let arguments = [Some(id.as_str()), Some(&*name)];
            let created = store.execute(store.statements().create_organization, &arguments);
            created
                .await
                .map_err(|failure| refused(failure, &format!("an organization `{id}`"), ""))?;
            Ok(())
        })
        .await
    }

    /// Creates a project, with or without an organization.
    pub async fn create_project(
        &self,
        id: &ProjectId,
        organization: Option<&OrganizationId>,
        name: &str,
    ) -> Result<(), DirectoryError> {
        let (id, name) = (id.clone(), checked("name", name)?);
        let organization = organization.cloned();
        let change = Change::Project(id.clone());
        self.changing(change, |store| async move {
            let organization = organization.as_ref().map(OrganizationId::as_str);
            let arguments = [Some(id.as_str()), organization, Some(&*name)];
            let created = store.execute(store.statements().create_project, &arguments);
            created.await.map_err(|failure| {
                let parent = format!("organization `{}`", organization.unwrap_or_default());
                refused(failure, &format!("a project `{id}`"), &parent)
            })?;
            Ok(())
        })
        .await
    }

    /// Creates a resource of a project; `kind` is its type, for instance `Konnektr.Graph`. Ids of
    /// resources are unique across projects.
    pub async fn create_resource(
        &self,
        id: &ResourceId,
        project: &ProjectId,
        name: &str,
        kind: &str,
    ) -> Result<(), DirectoryError> {
        let (id, project) = (id.clone(), project.clone());
        let (name, kind) = (checked("name", name)?, checked("type", kind)?);
        let change = Change::Resource(id.clone());
        self.changing(change, |store| async move {
            let arguments = [
                Some(id.as_str()),
                Some(project.as_str()),
                Some(&*name),
                Some(&*kind),
            ];
            let created = store.execute(store.statements().create_resource, &arguments);
            created.await.map_err(|failure| {
                let parent = format!("project `{project}`");
                refused(failure, &format!("a resource `{id}`"), &parent)
            })?;
            Ok(())
        })
        .await
    }

    /// Deletes a resource of a project, and the assignments on it. A resource of another project is
    /// [`DirectoryError::NotFound`].
    pub async fn delete_resource(
        &self,
        id: &ResourceId,
        project: &ProjectId,
    ) -> Result<(), DirectoryError> {
        let (id, project) = (id.clone(), project.clone());
        self.changing(Change::Everything, |store| async move {
            let arguments = [Some(id.as_str()), Some(project.as_str())];
            let statement = store.statements().delete_resource;
            match store.execute(statement, &arguments).await? {
                0 => Err(missing(&format!("resource `{id}` in project `{project}`"))),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Creates a user or replaces what is known about one. The e-mail address is for display: it
    /// identifies nobody.
    pub async fn put_user(
        &self,
        subject: &Subject,
        email: Option<&str>,
        name: &str,
    ) -> Result<(), DirectoryError> {
        let (subject, name) = (subject.clone(), checked("name", name)?);
        let email = email.map(|email| checked("e-mail", email)).transpose()?;
        self.run(|store| async move {
            let arguments = [Some(subject.as_str()), email.as_deref(), Some(&*name)];
            store
                .execute(store.statements().put_user, &arguments)
                .await?;
            Ok(())
        })
        .await
    }

    /// Gives a subject a role, and returns the assignment's id. The same role at the same scope can
    /// be held once: [`DirectoryError::AlreadyExists`], unless the one held has expired.
    pub async fn grant(&self, grant: Grant) -> Result<String, DirectoryError> {
        let expires_at = grant.expires_at.map(|expires_at| {
            write_expiry(expires_at)
                .ok_or_else(|| DirectoryError::Invalid("an expiry is after 1970".to_owned()))
        });
        let expires_at = expires_at.transpose()?;
        let role = checked("role", &grant.role)?;
        let id = Uuid::now_v7().to_string();
        let change = Change::Assignments(grant.subject.clone());
        self.changing(change, |store| async move {
            let statements = store.statements();
            let (scope_type, scope_id, statement, scope_exists) = match &grant.scope {
                Scope::Organization(id) => (
                    "organization",
                    id.as_str(),
                    statements.grant_on_organization,
                    statements.organization_exists,
                ),
                Scope::Project(id) => (
                    "project",
                    id.as_str(),
                    statements.grant_on_project,
                    statements.project_exists,
                ),
                Scope::Resource(id) => (
                    "resource",
                    id.as_str(),
                    statements.grant_on_resource,
                    statements.resource_exists,
                ),
            };
            let subject = grant.subject.as_str();
            let arguments = [
                Some(&*id),
                Some(subject),
                Some(&*role),
                Some(scope_type),
                Some(scope_id),
                grant.assigned_by.as_ref().map(Subject::as_str),
                expires_at.as_deref(),
            ];
            if store.execute(statement, &arguments).await? > 0 {
                return Ok(id);
            }
            // Nothing was written; now there is time to find out why.
            for (statement, id, what) in [
                (statements.role_exists, &*role, "role"),
                (statements.user_exists, subject, "user"),
                (scope_exists, scope_id, scope_type),
            ] {
                if !exists(&store, statement, id).await? {
                    return Err(missing(&format!("{what} `{id}`")));
                }
            }
            Err(DirectoryError::AlreadyExists(format!(
                "`{subject}` already holds the role `{role}` on {scope_type} `{scope_id}`"
            )))
        })
        .await
    }

    /// Withdraws an assignment. Nothing that is asked afterwards of this directory sees it, and
    /// within a second nothing on any other replica does.
    pub async fn revoke(&self, assignment_id: &str) -> Result<(), DirectoryError> {
        let id = checked("assignment id", assignment_id)?;
        self.changing(Change::Everything, |store| async move {
            let revoke = store.statements().revoke;
            match store.execute(revoke, &[Some(&*id)]).await? {
                0 => Err(missing(&format!("role assignment `{id}`"))),
                _ => Ok(()),
            }
        })
        .await
    }
}

async fn exists(store: &Store, statement: &'static str, id: &str) -> Result<bool, DirectoryError> {
    let rows = store.fetch::<(i32,)>(statement, &[Some(id)]).await?;
    Ok(!rows.is_empty())
}

/// A text for people: not empty, not endless, and without control characters, which would forge
/// lines in a log.
fn checked(what: &str, text: &str) -> Result<String, DirectoryError> {
    let fits = !text.trim().is_empty()
        && text.len() <= MAX_NAME_LENGTH
        && !text.chars().any(char::is_control);
    if fits {
        return Ok(text.to_owned());
    }
    Err(DirectoryError::Invalid(format!(
        "the {what} must be 1 to {MAX_NAME_LENGTH} bytes without control characters"
    )))
}

fn missing(what: &str) -> DirectoryError {
    DirectoryError::NotFound(format!("there is no {what}"))
}

/// Why `what`, which belongs to `parent`, could not be created.
fn refused(failure: Failure, what: &str, parent: &str) -> DirectoryError {
    match failure.constraint() {
        Some(ErrorKind::UniqueViolation) => {
            DirectoryError::AlreadyExists(format!("there is already {what}"))
        }
        Some(ErrorKind::ForeignKeyViolation) => missing(parent),
        _ => failure.into(),
    }
}
