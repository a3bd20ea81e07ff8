//! What can be read besides access: records, and pages of them.

use jiff::Timestamp;
use policy::{OrganizationId, Permission as Held, Place, ProjectId, ResourceId, Subject};

use super::record::{
    AuditEntry, Organization, Permission, Project, Resource, Role, RoleAssignment, Tagged, User,
};
use crate::directory::Directory;
use crate::error::DirectoryError;

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The cursor of the page before; `None` for the first.
    pub after: Option<String>,
    /// The most records.
    pub limit: u16,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The records, in the order of their ids; the audit's newest first.
    pub records: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Who reads a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Sees everything.
    Operator,
    /// Sees what their roles allow at that time.
    Subject(Subject, Timestamp),
}

// The bodies follow; the signatures are what the gateway and the commands are built on.
impl Directory {
    /// The organizations that the reader may read.
    pub async fn organizations(
        &self,
        reader: &Reader,
        page: &Page,
    ) -> Result<Listed<Organization>, DirectoryError> {
        drop((reader.clone(), page.clone()));
        Err(DirectoryError::ReadOnly)
    }

    /// One organization, whoever asks: whether they may is decided before.
    pub async fn organization(
        &self,
        id: &OrganizationId,
    ) -> Result<Tagged<Organization>, DirectoryError> {
        drop(id.clone());
        Err(DirectoryError::ReadOnly)
    }

    /// The projects that the reader may read, of one organization or of all.
    pub async fn projects(
        &self,
        reader: &Reader,
        organization: Option<&OrganizationId>,
        page: &Page,
    ) -> Result<Listed<Project>, DirectoryError> {
        drop((reader.clone(), organization.cloned(), page.clone()));
        Err(DirectoryError::ReadOnly)
    }

    /// One project, whoever asks.
    pub async fn project(&self, id: &ProjectId) -> Result<Tagged<Project>, DirectoryError> {
        drop(id.clone());
        Err(DirectoryError::ReadOnly)
    }

    /// The resources of a project that the reader may read: all, or those on which they hold a
    /// role.
    pub async fn resources(
        &self,
        reader: &Reader,
        project: &ProjectId,
        page: &Page,
    ) -> Result<Listed<Resource>, DirectoryError> {
        drop((reader.clone(), project.clone(), page.clone()));
        Err(DirectoryError::ReadOnly)
    }

    /// One resource of a project, whoever asks.
    pub async fn resource(
        &self,
        project: &ProjectId,
        id: &ResourceId,
    ) -> Result<Tagged<Resource>, DirectoryError> {
        drop((project.clone(), id.clone()));
        Err(DirectoryError::ReadOnly)
    }

    /// The assignments that reach a place and have not expired at `now`, whoever asks: those held on
    /// it and those that it inherits.
    pub async fn assignments(
        &self,
        place: &Place,
        now: Timestamp,
        page: &Page,
    ) -> Result<Listed<RoleAssignment>, DirectoryError> {
        drop((place.clone(), now, page.clone()));
        Err(DirectoryError::ReadOnly)
    }

    /// All roles.
    pub async fn roles(&self) -> Result<Vec<Role>, DirectoryError> {
        Err(DirectoryError::ReadOnly)
    }

    /// What a role holds.
    pub async fn role_permissions(&self, role: &str) -> Result<Vec<Permission>, DirectoryError> {
        drop(role.to_owned());
        Err(DirectoryError::ReadOnly)
    }

    /// The permissions of all types that `subject` holds at a place at `now`, each once.
    pub async fn permissions_at(
        &self,
        subject: &Subject,
        place: &Place,
        now: Timestamp,
    ) -> Result<Vec<Held>, DirectoryError> {
        drop((subject.clone(), place.clone(), now));
        Err(DirectoryError::ReadOnly)
    }

    /// The users whose name, e-mail address or subject begins with `text`, in any case: for an
    /// operator all, for a subject those who hold a role where the subject may manage access.
    pub async fn users(
        &self,
        reader: &Reader,
        text: &str,
        limit: u16,
    ) -> Result<Vec<User>, DirectoryError> {
        drop((reader.clone(), text.to_owned(), limit));
        Err(DirectoryError::ReadOnly)
    }

    /// One user; `None` for a subject of whom the directory has not heard.
    pub async fn user(&self, subject: &Subject) -> Result<Option<User>, DirectoryError> {
        drop(subject.clone());
        Err(DirectoryError::ReadOnly)
    }

    /// The writes about a place and what is in it, newest first, whoever asks.
    pub async fn audit(
        &self,
        place: &Place,
        page: &Page,
    ) -> Result<Listed<AuditEntry>, DirectoryError> {
        drop((place.clone(), page.clone()));
        Err(DirectoryError::ReadOnly)
    }
}
