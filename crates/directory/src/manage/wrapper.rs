//! Writes of the operator in one call, for programs that fill a directory.

use jiff::{SignedDuration, Timestamp};
use policy::{OrganizationId, ProjectId, ResourceId, Scope, Subject};
use serde::Deserialize;

use super::text::checked;
use super::{Actor, Grantee, Operation, Write};
use crate::directory::Directory;
use crate::error::DirectoryError;

/// A role to be given to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who gets it, whether the directory has heard of them or not.
    pub subject: Subject,
    /// The role's id or name, for instance `Viewer`.
    pub role: String,
    /// Where it holds.
    pub scope: Scope,
    /// The operator gives it: `None`. A subject gives roles by [`Directory::write`], which asks
    /// whether they may.
    pub assigned_by: Option<Subject>,
    /// When it stops to hold, to the microsecond. Whether this is still to come is the caller's to
    /// say, who owns the clock.
    pub expires_at: Option<Timestamp>,
}

/// What the answer to a grant is read for.
#[derive(Deserialize)]
struct Given {
    assignment_id: String,
}

impl Directory {
    /// Creates an organization.
    pub async fn create_organization(
        &self,
        id: &OrganizationId,
        name: &str,
    ) -> Result<(), DirectoryError> {
        let operation = Operation::CreateOrganization {
            id: id.clone(),
            name: name.to_owned(),
        };
        self.write(by_operator(), operation).await.map(drop)
    }

    /// Creates a project, with or without an organization.
    pub async fn create_project(
        &self,
        id: &ProjectId,
        organization: Option<&OrganizationId>,
        name: &str,
    ) -> Result<(), DirectoryError> {
        let operation = Operation::CreateProject {
            id: id.clone(),
            organization: organization.cloned(),
            name: name.to_owned(),
        };
        self.write(by_operator(), operation).await.map(drop)
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
        let operation = Operation::CreateResource {
            project: project.clone(),
            id: id.clone(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            sku: None,
            settings: None,
        };
        self.write(by_operator(), operation).await.map(drop)
    }

    /// Deletes a resource of a project, and the assignments on it. A resource of another project is
    /// [`DirectoryError::NotFound`].
    pub async fn delete_resource(
        &self,
        id: &ResourceId,
        project: &ProjectId,
    ) -> Result<(), DirectoryError> {
        let operation = Operation::DeleteResource {
            project: project.clone(),
            id: id.clone(),
        };
        self.write(by_operator(), operation).await.map(drop)
    }

    /// Creates a user or replaces what is known about one. The e-mail address must be the user's
    /// own: roles may be given to it.
    pub async fn put_user(
        &self,
        subject: &Subject,
        email: Option<&str>,
        name: &str,
    ) -> Result<(), DirectoryError> {
        if !self.is_managed() {
            return Err(DirectoryError::ReadOnly);
        }
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

    /// Keeps what a token says about a subject: the e-mail address, which its issuer must have
    /// verified, and the name. What it does not say, or what no directory takes, stays as it was.
    /// Nothing is written where nothing is new.
    pub async fn remember_user(
        &self,
        subject: &Subject,
        verified_email: Option<&str>,
        name: Option<&str>,
    ) -> Result<(), DirectoryError> {
        if !self.is_managed() {
            return Err(DirectoryError::ReadOnly);
        }
        let subject = subject.clone();
        let email = verified_email.and_then(|email| checked("e-mail", email).ok());
        let name = name.and_then(|name| checked("name", name).ok());
        self.run(|store| async move {
            let user = store.listing().user;
            let known: Vec<super::row::UserRow> =
                store.fetch(user, &[Some(subject.as_str())]).await?;
            let is_known = known.first().is_some_and(|(_, known_email, known_name)| {
                (email.is_none() || email == *known_email)
                    && (name.is_none() || name == *known_name)
            });
            if is_known {
                return Ok(());
            }
            let arguments = [Some(subject.as_str()), email.as_deref(), name.as_deref()];
            let remember = store.changing().remember_user;
            store.execute(remember, &arguments).await?;
            Ok(())
        })
        .await
    }

    /// Gives a subject a role, and returns the assignment's id. The same role at the same scope can
    /// be held once: [`DirectoryError::AlreadyExists`], unless the one held has expired.
    pub async fn grant(&self, grant: Grant) -> Result<String, DirectoryError> {
        checked("role", &grant.role)?;
        if grant.assigned_by.is_some() {
            return Err(DirectoryError::Invalid(
                "the operator gives this role: nobody else can be named for it".to_owned(),
            ));
        }
        let mut write = by_operator();
        if let Some(expires_at) = grant.expires_at {
            // What is past by this clock may be to come by the caller's.
            let eve = expires_at.saturating_sub(SignedDuration::from_secs(1));
            write.now = eve.unwrap_or(write.now).min(write.now);
        }
        let scope = grant.scope.clone();
        let place = self.place_of(&scope).await?;
        let place = place.ok_or_else(|| {
            DirectoryError::NotFound(format!(
                "there is no {} `{}`",
                grant.scope.scope_type(),
                grant.scope.id()
            ))
        })?;
        let operation = Operation::Grant {
            place,
            to: Grantee::Subject(grant.subject),
            role: grant.role,
            expires_at: grant.expires_at,
        };
        let done = self.write(write, operation).await?;
        let given = done.json.as_deref().map(serde_json::from_str::<Given>);
        match given {
            Some(Ok(given)) => Ok(given.assignment_id),
            // An answer to a grant has an id.
            Some(Err(_)) | None => Err(DirectoryError::Unavailable(
                "the role was given, and the answer cannot be read".to_owned(),
            )),
        }
    }

    /// Withdraws an assignment. The next lookup, from whichever replica, does not see it.
    pub async fn revoke(&self, assignment_id: &str) -> Result<(), DirectoryError> {
        let id = checked("assignment id", assignment_id)?;
        let place = self.place_of_assignment(&id).await?;
        let place = place.ok_or_else(|| {
            DirectoryError::NotFound(format!("there is no role assignment `{id}`"))
        })?;
        let operation = Operation::Withdraw {
            place,
            assignment: id,
        };
        self.write(by_operator(), operation).await.map(drop)
    }
}

fn by_operator() -> Write {
    Write {
        actor: Actor::Operator,
        now: Timestamp::now(),
        request_id: "operator".to_owned(),
        if_match: None,
        idempotency_key: None,
    }
}
